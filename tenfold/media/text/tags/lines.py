"""Lines of tagged tokens as cells: comments, separators and headers."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from tenfold.core.columns import Problem
from tenfold.media.files.lines import TextLine
from tenfold.media.files.tables.dialect import NAMES
from tenfold.media.text.tags.columns import is_tag_column, is_token_name

__all__ = ["Line", "header_of", "is_comment", "separator_of", "split_lines"]


@dataclass(slots=True)
class Line:
    """The cells of one line, [] for an empty line; its number, text and problem."""

    number: int
    cells: list[str]
    problem: Problem | None = None
    text: str = ""


def is_comment(text: str, universal: bool = False) -> bool:
    """Returns True for a line that is a comment whatever the number of its cells."""
    if universal:
        return text.startswith("#")
    if text.startswith(("-DOCSTART-", "-DOCEND-", "#begin document", "#end document")):
        return True
    return text == "#" or bool(re.match(r"#\s*[\w. ]+\s*[=:]|#[\w.]+\s*=", text))


def separator_of(texts: list[str], given: str = "") -> str:
    """Returns the separator of nearly all lines: a tab, a sign of CSV, or "" for spaces."""
    if given:
        return NAMES.get(given.lower(), given).strip(" ")
    rows = [text for text in texts if text.strip() and not is_comment(text)]
    if sum("\t" in text for text in rows) >= 0.9 * len(rows):
        return "\t"
    spaced = [len(text.split()) for text in rows]
    most = max(set(spaced), key=spaced.count, default=1)
    if most > 1 and spaced.count(most) >= 0.9 * len(rows):
        return ""
    best = max(",;|", key=lambda one: _even(rows, one))
    return best if _even(rows, best) >= 0.9 else ""


def _even(rows: list[str], separator: str) -> float:
    """Returns the share of lines with the most frequent number of cells, 0 if that is one cell."""
    widths = [len(_cells(text, separator)) for text in rows]
    most = max(set(widths), key=widths.count, default=1)
    return widths.count(most) / len(widths) if most > 1 else 0.0


def _cells(text: str, separator: str) -> list[str]:
    """Returns the cells of a line, without the quotes of CSV."""
    if separator == "\t":
        return text.split("\t")
    if not separator:
        return text.split()
    try:
        found = next(csv.reader([text], delimiter=separator), [])
    except csv.Error:
        found = text.split(separator)
    if len(found) > 2 and found[0] == found[1] == "":  # the token is the separator itself
        return [separator, *found[2:]]
    return found


def split_lines(found: Iterable[TextLine], separator: str) -> Iterator[Line]:
    """Yields the lines as cells; an empty line, or one with empty cells alone, has no cells."""
    for line in found:
        cells = _cells(line.text, separator) if line.text.strip() else []
        if not any(cell.strip() for cell in cells):
            cells = []
        yield Line(line.number, cells, line.problem, line.text)


def header_of(rows: list[list[str]]) -> bool:
    """Returns True where the first row names columns, and is unlike the rows below it."""
    first = [cell.strip() for cell in rows[0]] if rows else []
    named = sum(is_token_name(cell) for cell in first)
    if not named or len(set(first)) < len(first) or rows[0] in rows[1:]:
        return False
    below = [row for row in rows[1:] if len(row) == len(first)]
    tagged = (at for at in range(len(first)) if is_tag_column([row[at] for row in below]))
    if any(first[at] not in ("O", "") and not is_tag_column([first[at]]) for at in tagged):
        return True
    return named > 1 or (len(first) > 1 and first[-1] not in {row[-1] for row in below})
