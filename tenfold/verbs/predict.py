"""Predict files, folders, globs or standard input, one line each."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tenfold.answers.files import Format, as_json
from tenfold.answers.kind import AnswerKind
from tenfold.core.columns import Problem
from tenfold.core.document import Answers
from tenfold.core.errors import UsageError
from tenfold.core.message import Message
from tenfold.core.progress import tell
from tenfold.core.text import printable, printed
from tenfold.data.asked_columns import AskedColumns
from tenfold.data.inputs import drawn_input, tables
from tenfold.media import drawing
from tenfold.media.files.references import error_line
from tenfold.media.medium import Medium
from tenfold.run.outputs import OutputPaths, pictures_of, placed, tell_drawn
from tenfold.run.run import Run, open_run
from tenfold.task import Answer, Table

__all__ = ["Predicted", "predict"]


@dataclass(frozen=True)
class Predicted:
    """One answer (a prediction or a problem) with the name of its input."""

    source: str
    answer: Answer

    def to_json(self) -> dict[str, Any]:
        """Returns the source with the values of the prediction, or with the `error`, as JSON."""
        return as_json(self.source, self.answer)

    def __str__(self) -> str:
        if isinstance(self.answer, Problem):
            return error_line(self.source, self.answer)
        return f"{printable(self.source)}\t{printed(self.answer.line)}"


def predict(
    run: str | Path | Run,
    inputs: list[Any] | Any,
    *,
    out: str | Path | None = None,
    csv: str | Path | None = None,
    draw: str | Path | None = None,
    force: bool = False,
    device: str = "auto",
    **options: Any,
) -> Answers[Predicted]:
    """Predict files, folders, globs or standard input, one line each.

    Args:
        run: Run folder.
        inputs: Files, folders, globs or archives; - reads paths from standard input.
        out: File for the answers: .csv, .jsonl, .parquet, or another format of the task.
        csv: CSV file for the answers, whatever its name.
        draw: Folder for pictures with the answers drawn on them.
        force: Overwriting of existing output files that tenfold did not write.
        device: Device: auto, cpu, cuda, cuda:1 ...
        options: Options of the task, such as top.

    In Python, arrays, bytes, open files and DataFrames are inputs too. An input that cannot be read
    gets a line with the error; the others are still predicted, and the exit code is 3. A file of
    answers gets its name when all answers are written.

    Example:
        tenfold predict runs/photos-image-classification-1 new/ --json
    """
    opened = open_run(run, device)
    files = {} if out is None else {Path(out): _format(Path(out), opened.result_kind.files)}
    files |= {} if csv is None else {Path(csv): opened.result_kind.files[".csv"]}
    outputs = OutputPaths.of(inputs, opened, force=force)
    for path, one in files.items():
        outputs.allow(path, functools.partial(_wrote, one, opened.result_kind.prediction))
    declared, cells = opened.task.inputs(opened.facts), dict[str, Any]()
    drawn = None if draw is None else drawn_input(declared)
    handed = tables(declared, inputs, opened.reading)
    handed = handed if drawn is None else _noted(handed, drawn[0], cells)
    columns = AskedColumns(declared)
    handed = columns.noted(handed) if files else handed
    found = opened.predict(handed, **options)
    answers: Iterator[Predicted] = (
        Predicted(source, answer) for source, answer in columns.followed(found)
    )
    for path, one in files.items():
        answers = _written(answers, path, one, opened, columns)
    if draw is not None and drawn is not None:
        folder = outputs.allow_folder(draw, {"[0-9]*.png": pictures_of})
        answers = _drawn(answers, folder, (drawn[1], opened.result_kind), cells)
    return Answers(answers, lambda one: isinstance(one.answer, Problem))


def _wrote(known: Format, prediction: type, path: Path) -> bool:
    """True for an existing file that holds answers of the same kind and format."""
    return known.wrote(path, prediction)


def _format(path: Path, known: Mapping[str, Format]) -> Format:
    """The format of a file, chosen by its suffix.

    Raises UsageError for a suffix that the answers of this run cannot be written as.
    """
    for end in sorted(known, key=len, reverse=True):
        if path.name.lower().endswith(end):
            return known[end]
    raise UsageError(
        Message(
            "Answers of this run cannot be written as {suffix!r}", suffix=path.suffix or path.name
        ),
        code="bad-setting",
        where="out",
        fix=Message("Use a suffix of a supported format: {known}.", known=", ".join(known)),
    )


def _written(
    answers: Iterator[Predicted], path: Path, known: Format, run: Run, columns: AskedColumns
) -> Iterator[Predicted]:
    """Yields the answers unchanged and writes each to the file."""
    kind = run.result_kind
    classes = kind.classes(run.facts.get("truths", {}))
    count = 0
    with placed(path) as part, known.write(part, kind.prediction, classes) as write:
        for one in answers:
            asked = (columns.current,) if known.beside else ()
            write(one.source, one.answer, *asked)
            count += 1
            yield one
    tell(Message("Answers written to {path}: {count}", path=printable(str(path)), count=count))


def _noted(tables: Iterator[Table], column: str, cells: dict[str, Any]) -> Iterator[Table]:
    """Yields the tables unchanged; fills `cells` with `column` of the current table by source."""
    for table in tables:
        cells.clear()
        cells.update(zip(table["source"], table[column], strict=True))
        yield table


def _drawn(
    answers: Iterator[Predicted],
    folder: Path,
    of: tuple[Medium, AnswerKind],
    cells: dict[str, Any],
) -> Iterator[Predicted]:
    """Yields the answers unchanged and saves each picture with its answer drawn on it."""
    medium, kind = of
    count = 0
    folder.mkdir(parents=True, exist_ok=True)
    for number, one in enumerate(answers):
        # The answer for a part of a file is drawn on the whole picture.
        handed = one.source if one.source in cells else one.source.rpartition("#")[0]
        known = not isinstance(one.answer, Problem) and handed in cells
        picture = medium.draw(cells[handed]) if known else None
        if picture is not None:
            name = re.sub(r"[^\w.-]+", "_", Path(one.source.partition("#")[0]).stem)[:80]
            drawing.save(kind.draw(one.answer, picture), folder / f"{number:05d}-{name}.png")
            count += 1
        yield one
    tell_drawn(folder, count)
