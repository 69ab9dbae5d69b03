"""Scores of a run as text for the terminal, in the current language."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tenfold.answers.names import column, named
from tenfold.core.document import ends
from tenfold.core.language import plural, say
from tenfold.core.message import translate
from tenfold.core.progress import clock
from tenfold.core.system import shell_word
from tenfold.core.text import padded, width
from tenfold.run.by_text import by_lines

__all__ = [
    "LABELS",
    "baseline_lines",
    "heading",
    "interval",
    "score_lines",
    "scores_table",
    "scores_text",
]

LABELS = 18
"""Width of the column of metrics; longer names widen it."""


def heading(found: dict[str, Any]) -> str:
    """The task and the protocol of its scores."""
    return f"{found['task']}{say(': ')}{translate(found['protocol'])}"


def scores_table(found: Mapping[str, Any]) -> str:
    """Returns the scores of a document of `train` or `test` as an HTML table, for notebooks."""
    rows = "".join(
        f"<tr><td>{name}</td><td>{one['value']:.4f}</td><td>{ends(one)}</td>"
        f"<td>{one['baseline']:.4f}</td></tr>"
        for name, one in found.get("scores", {}).items()
    )
    head = "<tr><th>metric</th><th>value</th><th>95 % interval</th><th>baseline</th></tr>"
    return f"<table>{head}{rows}</table>"


def scores_text(found: dict[str, Any]) -> str:
    """Formats the JSON document of `train` or `test` as text for the terminal."""
    lines = [heading(found), "", *score_lines(found), *by_lines(found)]
    if again := found.get("refit"):
        text = say(
            "Trained again on {rows}, train and validation, with the choices of the first "
            "training.",
            rows=plural(again["rows"], "row"),
        )
        lines.append(f"  {text}")
    if seconds := found.get("seconds"):
        each = [f"{named(key)} {clock(value)}" for key, value in seconds.items()]
        lines += ["", f"  {say(', ').join(each)}"]
    if report := found.get("report"):
        run = shell_word(found["run"])
        lines += ["", say("Report: {path}", path=report), say("Next:")]
        lines += [f"  tenfold predict {run} INPUT", f"  tenfold explain {run} INPUT"]
        lines += [f"  tenfold test {run} NEW-DATA"]
    return "\n".join(lines)


def score_lines(found: dict[str, Any]) -> list[str]:
    """Returns a line for each metric, then lines for the headline metric.

    The latter give its value on validation, if known, and its value for each baseline.
    """
    name, lines = found["headline"], []
    valid = found.get("valid")
    labels = {metric: column(metric) for metric in found["scores"]}
    below = say("{metric} (valid)", metric=column(name))
    wide = max(LABELS, *(2 + width(one) for one in labels.values()))
    wide = max(wide, 1 + width(below)) if valid else wide
    for metric, one in found["scores"].items():
        lines.append(
            f"  {padded(labels[metric], wide)}{one['value']:8.4f}   {interval(one)}   "
            + say("constant baseline {value:.4f}", value=one["baseline"])
            + ("  " + say("<- headline") if metric == name else "")
        )
    if valid:
        lines.append(f"  {padded(below, wide)}{valid[name]['value']:8.4f}")
    return lines + baseline_lines(found)


def interval(one: dict[str, Any]) -> str:
    """Returns the 95 % interval of a score as text; "no interval" where there is none."""
    if one["low"] is None:
        return say("no interval")
    return say("95 % {low:.4f} to {high:.4f}", low=one["low"], high=one["high"])


def baseline_lines(found: dict[str, Any]) -> list[str]:
    """A line for each baseline that has the headline metric."""
    name = found["headline"]
    return [
        "  "
        + say(
            "baseline: {name}, {metric} {value:.4f}",
            name=named(baseline),
            metric=column(name),
            value=values[name],
        )
        for baseline, values in found["baselines"].items()
        if name in values
    ]
