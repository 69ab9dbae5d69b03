"""Output files of predictions, written one by one, so that large outputs need little memory."""

from __future__ import annotations

import contextlib
import csv
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from tenfold.core.columns import Problem
from tenfold.core.document import cell_text
from tenfold.core.results import Prediction, to_json
from tenfold.core.text import natural
from tenfold.media.files.references import printable

__all__ = ["TABLES", "WriteAnswer", "Writer", "as_json", "comma_separated", "json_lines"]

WriteAnswer = Callable[[str, Prediction | Problem], None]
"""Writes the answer for one input: (source, answer)."""
Writer = Callable[[Path, type[Prediction], Sequence[str]], AbstractContextManager[WriteAnswer]]
"""Opens an output file: (path, class of the predictions, class names for probabilities)."""


@contextlib.contextmanager
def comma_separated(
    path: Path, prediction: type[Prediction], classes: Sequence[str]
) -> Iterator[WriteAnswer]:
    """Writes CSV: source, columns of the prediction, error, then the probability of each class.

    The encoding is UTF-8 with a byte order mark. Cells that a spreadsheet would run as a formula
    get a quote in front.
    """
    own, classes = prediction.columns, sorted(classes, key=natural)
    before = ["source", *own, "error"]
    names = [f"{name} (class)" if name in before else name for name in classes]
    with path.open("w", newline="", encoding="utf-8-sig") as file:
        writer = csv.writer(file)
        writer.writerow(map(cell_text, [*before, *names]))

        def write(source: str, answer: Prediction | Problem) -> None:
            writer.writerow([cell_text(printable(source)), *_cells(answer, len(own), classes)])

        yield write


def _cells(answer: Prediction | Problem, own: int, classes: list[str]) -> list[str | float]:
    if isinstance(answer, Problem):
        reason = cell_text(printable(answer.reason))
        return [*[""] * own, reason, *[""] * len(classes)]
    chances = answer.chances
    return [*map(cell_text, answer.cells), "", *(chances.get(name, "") for name in classes)]


@contextlib.contextmanager
def json_lines(
    path: Path, prediction: type[Prediction], classes: Sequence[str]
) -> Iterator[WriteAnswer]:
    """Writes JSON lines: the objects that `predict --json` prints, one on each line."""
    with path.open("w", encoding="utf-8") as file:

        def write(source: str, answer: Prediction | Problem) -> None:
            file.write(f"{json.dumps(as_json(source, answer), ensure_ascii=False)}\n")

        yield write


def as_json(source: str, answer: Prediction | Problem) -> dict[str, Any]:
    """Returns an answer as JSON: `{"source", ...prediction}` or `{"source", "error"}`."""
    if isinstance(answer, Problem):
        return {"source": source, "error": answer.to_json()}
    return {"source": source, **to_json(answer)}


TABLES: dict[str, Writer] = {".csv": comma_separated, ".jsonl": json_lines}
"""Writers that every answer kind has, by file suffix."""
