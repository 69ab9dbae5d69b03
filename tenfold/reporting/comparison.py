"""Page and sentences of a comparison: which of two runs is significantly better, if any."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tenfold.answers.intervals import LEAST_GROUPS, Paired
from tenfold.answers.metric import NO_INTERVAL
from tenfold.core import system
from tenfold.core.language import counted, say
from tenfold.core.message import Message, translate
from tenfold.core.text import short
from tenfold.reporting import words
from tenfold.reporting.templates import page
from tenfold.run.compare import LEAST, Compared
from tenfold.run.run import Run

__all__ = ["better", "names_of", "result", "row_counts", "verdict", "write_compared"]


def better(found: Compared) -> str:
    """Returns which run is significantly better: `first`, `second` or "" (neither)."""
    low, high = found.paired.low, found.paired.high
    if low is None or high is None or found.apart < LEAST or low <= 0 <= high:
        return ""
    lower = words.metric(found.headline).better == "lower"
    return "first" if (low > 0) != lower else "second"


def names_of(first: Run, second: Run) -> tuple[str, str]:
    """The names of both runs: their folder names, or their paths where the names are equal."""
    one, other = (run.folder.resolve().name for run in (first, second))
    return (one, other) if one != other else (str(first.folder), str(second.folder))


def verdict(found: Compared, names: tuple[str, str]) -> str:
    """The result of the comparison, as one sentence in the current language."""
    return translate(result(found, names))


def result(found: Compared, names: tuple[str, str]) -> Message:
    """The result of the comparison, as one sentence."""
    if too_few := _too_few(found):
        return too_few
    won, pair, (first, second) = better(found), found.paired, names
    if won == "second":
        pair, first, second = pair.swapped, second, first
    said = words.metric(found.headline)
    values = {
        "metric": words.title(found.headline),
        "gap": said.gap(pair.difference),
        "low": said.end(pair.low),
        "high": said.end(pair.high),
    }
    if won:
        return Message(
            "{best} is significantly better than {other}: difference in {metric} {gap} (95 % "
            "interval {low} to {high}).",
            best=first,
            other=second,
            **values,
        )
    return Message(
        "No significant difference can be shown: {metric} of {first} minus that of {second} is "
        "{gap} (95 % interval {low} to {high}).",
        first=first,
        second=second,
        **values,
    )


def _too_few(found: Compared) -> Message | None:
    """Returns a warning where too few rows or groups are compared, or differ, else None."""
    if found.paired.low is None:
        return Message(
            "No significant difference can be shown: the rows are from {groups}, and at least "
            "{least} are needed.",
            groups=counted(found.groups or 0, "group"),
            least=LEAST_GROUPS,
        )
    if found.apart >= LEAST:
        return None
    if found.graded:
        return Message(
            "No significant difference can be shown: the errors of the runs differ on only {rows}.",
            rows=counted(found.apart, "row" if found.groups is None else "group"),
        )
    if found.groups is not None:
        return Message(
            "No significant difference can be shown: the runs have different numbers of correct "
            "predictions in only {groups}.",
            groups=counted(found.apart, "group"),
        )
    return Message(
        "No significant difference can be shown: the runs differ in correctness on only {rows}.",
        rows=counted(found.apart, "row"),
    )


def row_counts(counts: dict[str, int], names: tuple[str, str]) -> list[tuple[str, int]]:
    """The counts of a comparison with their names, in the current language."""
    short_names = [short(name, 34) for name in names]
    only = [say("only {run} correct", run=name) for name in short_names]
    closer = [say("{run} closer", run=name) for name in short_names]
    titles = {
        "both": say("both correct"),
        "only_first": only[0],
        "only_second": only[1],
        "neither": say("neither correct"),
        "first_closer": closer[0],
        "second_closer": closer[1],
        "equal": say("equally close"),
    }
    return [(titles[key], count) for key, count in counts.items()]


def _interval(pair: Paired, said: words.Metric) -> str:
    if pair.low is None or pair.high is None:
        return NO_INTERVAL
    return say("{low} to {high}", low=said.end(pair.low), high=said.end(pair.high))


def write_compared(found: Compared, first: Run, second: Run, out: Path) -> Path:
    """Writes the page of `report --compare`."""
    names = names_of(first, second)
    said, pair = words.metric(found.headline), found.paired
    context: dict[str, Any] = {
        "title": say("{first} and {second} compared", first=names[0], second=names[1]),
        "task": first.task_name,
        "verdict": verdict(found, names),
        "won": better(found),
        "names": names,
        "metric_said": said,
        "values": (pair.first, pair.second),
        "bars": all(0 <= value <= 1 for value in (pair.first, pair.second)) and said.share,
        "gap": said.gap(pair.difference),
        "interval": _interval(pair, said),
        "found": found,
        "counts": row_counts(found.counts, names),
    }
    system.write_atomically(out, page("compared.html.jinja", **context))
    return out
