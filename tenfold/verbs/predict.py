"""Answer for files, folders, globs or standard input, one line each."""

from __future__ import annotations

import csv as csv_module
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tenfold.answers.kind import natural
from tenfold.core.columns import Problem
from tenfold.core.document import Answers, cell_text
from tenfold.core.results import to_json
from tenfold.data.inputs import drawn_input, tables
from tenfold.media import drawing
from tenfold.media.files.references import error_line, printable
from tenfold.media.medium import Medium
from tenfold.run.run import Run, open_run
from tenfold.task import Answer, Table

__all__ = ["Predicted", "predict"]


@dataclass(frozen=True)
class Predicted:
    """One answer with the name of what it answers."""

    source: str
    answer: Answer

    def to_json(self) -> dict[str, Any]:
        """`{"source", ...prediction}` or `{"source", "error"}`."""
        if isinstance(self.answer, Problem):
            return {"source": self.source, "error": self.answer.to_json()}
        return {"source": self.source, **to_json(self.answer)}

    def __str__(self) -> str:
        if isinstance(self.answer, Problem):
            return error_line(self.source, self.answer)
        return f"{printable(self.source)}\t{self.answer.line}"


def predict(
    run: str | Path | Run,
    inputs: list[Any] | Any,
    *,
    csv: str | Path | None = None,
    draw: str | Path | None = None,
    device: str = "auto",
    **options: Any,
) -> Answers[Predicted]:
    """Answer for files, folders, globs or standard input, one line each.

    Args:
        run: A run folder.
        inputs: Files, folders, globs, zips, or - for paths on standard input.
        csv: Write the answers to this CSV file as well.
        draw: Write pictures with the answers on them into this folder as well.
        device: auto, cpu, cuda, cuda:1 ...
        options: Choices of the task, such as top.

    In Python, arrays, bytes, open files and DataFrames are inputs too. What cannot be read is
    answered on its own line, the rest go on.

    Example:
        tenfold predict runs/photos-image-classification-1 new/ --json
    """
    opened = open_run(run, device)
    declared, cells = opened.task.inputs(opened.facts), dict[str, Any]()
    drawn = None if draw is None else drawn_input(declared)
    handed = tables(declared, inputs)
    handed = handed if drawn is None else _noted(handed, drawn[0], cells)
    found = opened.predict(handed, **options)
    answers: Iterator[Predicted] = (Predicted(source, answer) for source, answer in found)
    if csv is not None:
        answers = _to_csv(answers, Path(csv), opened)
    if draw is not None and drawn is not None:
        answers = _drawn(answers, Path(draw), drawn[1], cells)
    return Answers(answers, lambda one: isinstance(one.answer, Problem))


def _to_csv(answers: Iterator[Predicted], path: Path, run: Run) -> Iterator[Predicted]:
    """Passes the answers on; the file grows line by line, a column a class."""
    kind = run.result_kind
    own = kind.prediction.columns
    classes = sorted(kind.classes(run.facts.get("truths", {})), key=natural)
    before = ["source", *own, "error"]
    names = [f"{name} (class)" if name in before else name for name in classes]
    with path.open("w", newline="", encoding="utf-8-sig") as file:
        writer = csv_module.writer(file)
        writer.writerow(map(cell_text, [*before, *names]))
        for one in answers:
            writer.writerow(_csv_row(one, len(own), classes))
            yield one


def _csv_row(one: Predicted, own: int, classes: list[str]) -> list[str | float]:
    source = cell_text(printable(one.source))
    if isinstance(one.answer, Problem):
        reason = cell_text(printable(one.answer.reason))
        return [source, *[""] * own, reason, *[""] * len(classes)]
    chances = one.answer.chances
    said = map(cell_text, one.answer.cells)
    return [source, *said, "", *(chances.get(name, "") for name in classes)]


def _noted(tables: Iterator[Table], column: str, cells: dict[str, Any]) -> Iterator[Table]:
    """Passes the tables on; `cells` holds what to draw for each source of the one on its way."""
    for table in tables:
        cells.clear()
        cells.update(zip(table["source"], table[column], strict=True))
        yield table


def _drawn(
    answers: Iterator[Predicted], folder: Path, medium: Medium, cells: dict[str, Any]
) -> Iterator[Predicted]:
    """Passes the answers on; every picture is written with its answer below it."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, one in enumerate(answers):
        # An answer of a part of a file is drawn on the whole of it.
        handed = one.source if one.source in cells else one.source.rpartition("#")[0]
        known = not isinstance(one.answer, Problem) and handed in cells
        picture = medium.draw(cells[handed]) if known else None
        if picture is not None and not isinstance(one.answer, Problem):
            name = re.sub(r"[^\w.-]+", "_", Path(one.source.partition("#")[0]).stem)[:80]
            caption = "  ".join(one.answer.line.split("\t")[:2])
            drawing.captioned(picture, caption).save(folder / f"{number:05d}-{name}.png")
        yield one
