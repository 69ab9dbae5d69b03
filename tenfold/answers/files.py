"""Output files of predictions, written one by one, so that large outputs need little memory."""

from __future__ import annotations

import contextlib
import csv
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tenfold.core.columns import Problem
from tenfold.core.document import cell_text
from tenfold.core.results import Prediction, to_json
from tenfold.core.text import natural
from tenfold.media.files.references import printable

__all__ = ["CSV", "TABLES", "Format", "WriteAnswer", "Writer", "as_json"]

HEADER = 1 << 20
"""Maximum number of characters that are read from the first line to recognize a file."""

WriteAnswer = Callable[[str, Prediction | Problem], None]
"""Writes the answer for one input: (source, answer)."""
Writer = Callable[[Path, type[Prediction], Sequence[str]], AbstractContextManager[WriteAnswer]]
"""Opens an output file: (path, class of the predictions, class names for probabilities)."""


@dataclass(frozen=True)
class Format:
    """A file format of answers: how it is written, and how an earlier output is recognized."""

    write: Writer
    wrote: Callable[[Path, type[Prediction]], bool]
    """Returns True if the header of an existing file shows that `write` wrote it."""


@contextlib.contextmanager
def comma_separated(
    path: Path, prediction: type[Prediction], classes: Sequence[str]
) -> Iterator[WriteAnswer]:
    """Writes CSV: source, columns of the prediction, error, then the probability of each class.

    The encoding is UTF-8 with a byte order mark. Cells that a spreadsheet would run as a formula
    get a quote in front.
    """
    own, classes = prediction.columns, sorted(classes, key=natural)
    before = _header(prediction)
    names = [f"{name} (class)" if name in before else name for name in classes]
    with path.open("w", newline="", encoding="utf-8-sig") as file:
        writer = csv.writer(file)
        writer.writerow(map(cell_text, [*before, *names]))

        def write(source: str, answer: Prediction | Problem) -> None:
            writer.writerow([cell_text(printable(source)), *_cells(answer, len(own), classes)])

        yield write


def _header(prediction: type[Prediction]) -> list[str]:
    """The names of the columns before the classes."""
    return ["source", *prediction.columns, "error"]


def _wrote_csv(path: Path, prediction: type[Prediction]) -> bool:
    wanted = _header(prediction)
    with path.open(newline="", encoding="utf-8-sig", errors="replace") as file:
        return next(csv.reader([file.readline(HEADER)]), [])[: len(wanted)] == wanted


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


def _wrote_json_lines(path: Path, prediction: type[Prediction]) -> bool:
    with path.open(encoding="utf-8", errors="replace") as file:
        line = file.readline(HEADER)
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return False
    if not isinstance(found, dict) or "source" not in found:
        return False
    return found.get("answer") == prediction.__name__.lower() or set(found) == {"source", "error"}


def as_json(source: str, answer: Prediction | Problem) -> dict[str, Any]:
    """Returns an answer as JSON: `{"source", ...prediction}` or `{"source", "error"}`."""
    if isinstance(answer, Problem):
        return {"source": source, "error": answer.to_json()}
    return {"source": source, **to_json(answer)}


CSV = Format(comma_separated, _wrote_csv)
TABLES: dict[str, Format] = {".csv": CSV, ".jsonl": Format(json_lines, _wrote_json_lines)}
"""Formats that every answer kind has, by file suffix."""
