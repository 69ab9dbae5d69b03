"""Write the report of a run, or compare two runs."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from tenfold.answers.names import column
from tenfold.core import language
from tenfold.core.document import Document
from tenfold.core.errors import DataRefused, UsageError
from tenfold.core.language import say, speaking
from tenfold.core.message import Message, translate
from tenfold.core.progress import tell
from tenfold.core.results import SCHEMA, rounded
from tenfold.core.text import padded
from tenfold.reporting import comparison, model_card, words, write
from tenfold.run import compare as run_compare
from tenfold.run import evaluate, folder
from tenfold.run.importance import importance
from tenfold.run.outputs import OutputPaths, page_of
from tenfold.run.run import Run, open_run

if TYPE_CHECKING:
    from tenfold.run.evaluate import Evidence

__all__ = ["report"]

Data = str | Path | pd.DataFrame


def report(
    *run: str | Path | Run | pd.DataFrame | list[Any],
    data: str | Path | pd.DataFrame | None = None,
    compare: bool = False,
    costs: str = "",
    positive: str = "",
    out: str | Path | None = None,
    force: bool = False,
    device: str = "auto",
    lang: str = "en",
) -> Document:
    """Write the report of a run, or compare two runs.

    Args:
        run: Run folder; two of them with --compare.
        data: Labelled data to report on; by default the run's own test rows.
        compare: Comparison of two runs by paired bootstrap: is one significantly better?
        costs: Cost of errors of two classes, such as yes=no:5,no=yes:1 (true=predicted:cost).
        positive: Class that is the positive one of two; by default yes, true, 1 or the rarer one.
        out: HTML file to write; by default the run's report.html, or a file beside the run.
        force: Overwriting of an existing file that tenfold did not write.
        device: Device: auto, cpu, cuda, cuda:1 ...
        lang: Language of the report and of the output: en or zh.

    Where the data have moved, the report is made from the scores of training, without examples. A
    comparison writes a page only if --out is given.

    Example:
        tenfold report runs/photos-image-classification-1
    """
    language.known(lang)
    named: list[Any] = [one for many in run for one in (many if isinstance(many, list) else [many])]
    if compare:
        first, second = _two(named, device)
        if out is not None:
            OutputPaths.of(data, first, second, force=force).allow(out, page_of("compared"))
        with speaking(lang):
            return _compared(first, second, data, out)
    if len(named) == 2 and data is None:  # RUN DATA, in the same order as for `test`
        data = named.pop()
    if len(named) != 1:
        raise _wrong_count(
            Message("A report needs one run"),
            named,
            Message("Give one run, or two runs with --compare."),
        )
    opened = _opened(named[0], device)
    place = Path(out) if out is not None else _beside(opened, data)
    if place is not None:
        outputs = OutputPaths.of(data, opened, force=force)
        outputs.allow(place, page_of("report"), own=opened.folder / "report.html")
    with speaking(lang):
        return _reported(opened, data, place, costs, positive)


def _reported(
    run: Run, data: Data | None, place: Path | None, costs: str, positive: str
) -> Document:
    found = _evidence(run, data, needed=bool(costs or positive))
    scores = run.scores
    if found is not None and (costs or positive):
        found = evaluate.valued(run, found, costs, positive)
        two = found.scores.details
        scores = scores | {"details": scores.get("details", {}) | two}
    if found is not None and data is not None:
        scores = scores | evaluate.scored(run, found) | {"ablations": {}}
        scores["rows"] = run.scores.get("rows", {}) | scores["rows"]
    if found is not None and (data is not None or "importance" not in scores):
        scores = scores | {"importance": importance(run, found.table)}
    judged = dataclasses.replace(run, scores=scores)
    path = write(judged, found, place)
    content = {
        "schema": SCHEMA,
        "task": run.task_name,
        "run": str(run.folder),
        "report": str(path),
        "pictures": found is not None,
        "headline": scores["headline"],
        "scores": scores["scores"],
        "card": model_card(judged),
    }
    return Document(content, lambda: say("Report: {path}", path=path))


def _opened(run: Any, device: str) -> Run:
    opened = open_run(run, device)
    if opened.net is None:
        raise folder.refused_export(
            opened.folder, Message("An exported run has no report of its own")
        )
    return opened


def _wrong_count(message: Message, named: list[Any], fix: Message) -> UsageError:
    return UsageError(
        Message("{message}, got {count}", message=message, count=len(named)),
        code="run-count",
        fix=fix,
    )


def _beside(run: Run, data: Any) -> Path | None:
    """The path of a report on other data, beside the run folder; None for the run's own report."""
    if data is None:
        return None
    name = Path(data).resolve().stem if isinstance(data, (str, Path)) else "data"
    return run.folder.with_name(f"{run.folder.resolve().name}-on-{name}.html")


def _evidence(run: Run, data: Data | None, needed: bool) -> Evidence | None:
    """Answers and scores on the data or on the run's own test rows; None where those are gone.

    With `needed`, the error is raised where they are gone.
    """
    try:
        return evaluate.again(run, data)[0]
    except (UsageError, DataRefused) as error:
        if data is not None or needed:
            raise
        tell(Message("{message}: the report has no examples.", message=error.message))
    return None


# --- two runs -------------------------------------------------------------------------------------


def _two(named: list[Any], device: str) -> tuple[Run, Run]:
    if len(named) != 2:
        raise _wrong_count(
            Message("A comparison needs two runs"),
            named,
            Message("tenfold report --compare RUN RUN"),
        )
    return _opened(named[0], device), _opened(named[1], device)


def _compared(first: Run, second: Run, data: Data | None, out: str | Path | None) -> Document:
    found = run_compare.compare(first, second, data)
    path = comparison.write_compared(found, first, second, Path(out)) if out is not None else None
    pair, names = found.paired, comparison.names_of(first, second)
    verdict = comparison.result(found, names)
    content = {
        "schema": SCHEMA,
        "task": first.task_name,
        "runs": [str(first.folder), str(second.folder)],
        "protocol": found.protocol,
        "rows": {"judged": found.rows, "left_out": found.left_out},
        "headline": found.headline,
        "values": {"first": rounded(pair.first), "second": rounded(pair.second)},
        "difference": {
            "value": rounded(pair.difference),
            "low": rounded(pair.low),
            "high": rounded(pair.high),
        },
        "resamples": {
            "count": pair.resamples,
            "first_higher": pair.above,
            "second_higher": pair.below,
        },
        "counts": found.counts,
        "better": comparison.better(found),
        "verdict": verdict,
        "report": str(path) if path else "",
    }
    return Document(content, lambda: _text(content, names))


def _text(content: dict[str, Any], names: tuple[str, str]) -> str:
    """The comparison as text for the terminal, in the current language."""
    draws, rows = content["resamples"], content["rows"]
    metric, said = column(content["headline"]), words.metric(content["headline"])
    shown = {
        key: f"{value:8.4f}" if said.share else padded(said.text_of(value), 8, right=True)
        for key, value in content["values"].items()
    }
    lines = [
        translate(content["verdict"]),
        "",
        f"  {translate(content['protocol'])}{say(', {count} left out', count=rows['left_out'])}",
        *(
            f"  {padded(metric, 12)}{shown[key]}   {name}"
            for key, name in zip(("first", "second"), names, strict=True)
        ),
        "  "
        + say(", ").join(
            f"{word} {count}" for word, count in comparison.row_counts(content["counts"], names)
        ),
        *_draws(draws, names),
    ]
    path = content["report"]
    return "\n".join([*lines, *(["", say("Report: {path}", path=path)] if path else [])])


def _draws(draws: dict[str, Any], names: tuple[str, str]) -> list[str]:
    """A line on the bootstrap samples, if any were drawn."""
    if not draws["count"]:
        return []
    text = say(
        "higher in {count:,} bootstrap samples: {first} {above:.1%}, {second} {below:.1%}",
        first=names[0],
        second=names[1],
        above=draws["first_higher"],
        below=draws["second_higher"],
        count=draws["count"],
    )
    return [f"  {text}"]
