"""The dialect of a delimited text file: separator, quotes, title lines and header.

It is detected once from the first lines. Two dialects that fit equally well are not decided: the
user is asked for `--separator`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tenfold.core.errors import UsageError
from tenfold.core.message import Message
from tenfold.media.files.lines import TextLine
from tenfold.media.files.tables.delimited import Dialect, separated
from tenfold.media.files.tables.record import Record
from tenfold.media.reading import Reading

__all__ = ["ALONE", "SEPARATORS", "dialect_of", "header_given", "is_header", "left_above", "titled"]

SEPARATORS = (",", ";", "\t", "|")
"""Separators that are recognised in any table."""
NAMES = {"tab": "\t", "\\t": "\t", "space": " ", "comma": ",", "semicolon": ";", "pipe": "|"}
"""Names of separators that are hard to type, as accepted by `--separator`."""
ALONE = "\x1f"
"""Stands for the separator of a table of one column; it occurs in no text."""
SEEN = 300
"""Lines that are examined."""
TITLES = 20
"""Maximum number of lines above the header."""
EVEN = 0.9
"""Least share of records that must have the usual number of cells."""
_SEP = re.compile(r"sep=(.{1,2})", re.I)


@dataclass(frozen=True)
class _Fit:
    """How well a separator fits the first lines; `score` compares separators."""

    dialect: Dialect
    score: float
    sample: Record
    known: bool


def dialect_of(
    lines: Sequence[TextLine],
    name: str,
    known: Callable[[str], bool],
    reading: Reading,
    separators: Sequence[str] = SEPARATORS,
) -> Dialect | None:
    """Returns the dialect of the first lines of a file; None where no separator fits.

    `known` is a function that returns True for a usual column name. The suffixes `.csv` and `.tsv`
    promise a table, so a file of one column has a dialect too. Raises UsageError where two
    separators fit equally well.
    """
    first = next((at for at, line in enumerate(lines) if line.text.strip()), 0)
    stated = _SEP.fullmatch(lines[first].text.strip().strip('"')) if lines else None
    if stated:
        return _checked(lines, first + 1, stated[1], known, reading)
    if reading.value("separator"):
        given = str(reading.value("separator"))
        return _checked(lines, first, NAMES.get(given.lower(), given), known, reading)
    suffix = name.lower().removesuffix(".gz").rpartition(".")[2]
    if suffix in ("tsv", "tab"):
        return _checked(lines, first, "\t", known, reading)
    fits = [fit for one in separators if (fit := _fit(lines, first, one, known, reading))]
    fits = [fit for fit in fits if suffix == "csv" or fit.known or not _prose(fit, lines)]
    if not fits and suffix == "csv":
        single = lines and not any(one in lines[first].text for one in separators)
        return _checked(lines, first, ALONE if single else ",", known, reading)
    if not fits:
        return None
    best = max(fits, key=lambda fit: fit.score)
    near = [fit for fit in fits if fit is not best and fit.score > best.score - 0.02]
    if near:
        raise _two(name, best, near[0])
    return best.dialect


def _checked(
    lines: Sequence[TextLine],
    first: int,
    separator: str,
    known: Callable[[str], bool],
    reading: Reading,
) -> Dialect:
    """Returns the dialect with a known separator: finds the quotes, title lines and header."""
    fit = _fit(lines, first, separator, known, reading)
    if fit is not None:
        return fit.dialect
    plain = _notation(lines, separator)
    rows = [row for row in separated(iter(lines[first : first + SEEN]), plain) if any_cell(row)]
    header = bool(rows) and header_given(reading, rows, known)
    return plain.starting(lines[first].number if first < len(lines) else 1, header)


def _fit(
    lines: Sequence[TextLine],
    first: int,
    separator: str,
    known: Callable[[str], bool],
    reading: Reading,
) -> _Fit | None:
    """Returns how well a separator fits; None where it does not divide the lines evenly."""
    seen = list(lines[first : first + SEEN])
    if not any(separator in line.text for line in seen):
        return None
    dialect = _notation(seen, separator)
    rows = [row for row in separated(iter(seen), dialect) if any_cell(row)]
    if len(seen) == SEEN and len(rows) > 1:
        rows = rows[:-1]  # the last record may be cut
    widths = Counter(len(row.cells) for row in rows)
    width = max((w for w in widths if w > 1), key=lambda w: (widths[w], w), default=0)
    if not width:
        return None
    start = titled(rows, known, width)
    body = rows[start:]
    even = sum(len(row.cells) == width for row in body) / max(1, len(body))
    hits = any(known(str(cell).strip()) for cell in body[0].cells) if body else False
    if not body or (even < EVEN and not hits) or (len(body) < 2 and not hits):
        return None
    above = start > 0
    score = 4.0 * hits + 2.0 * (not above) + 2.0 * even + _clean(body, separator)
    header = header_given(reading, body, known)
    return _Fit(dialect.starting(body[0].line, header), score, body[-1], hits)


def any_cell(row: Record) -> bool:
    """Returns True where a record has a cell that is not blank."""
    return any(str(cell).strip() for cell in row.cells)


def titled(rows: list[Record], known: Callable[[str], bool], width: int = 0) -> int:
    """Returns the position of the header or first record; title lines above it have fewer cells.

    A title line has at most half of its cells filled, and no usual name of a column. `width` is
    the number of cells of a record, by default that of the widest.
    """
    width = width or max((len(row.cells) for row in rows), default=0)
    for at, row in enumerate(rows[:TITLES]):
        filled = sum(bool(str(cell).strip()) for cell in row.cells)
        if any(known(str(cell).strip()) for cell in row.cells) and filled > 1:
            return at
        if len(row.cells) == width and filled > max(1, width // 2):
            return at
    return 0


def _clean(rows: list[Record], separator: str) -> float:
    """Returns the share of cells without a sign that could separate cells as well.

    A comma inside a number, or with a space behind it, does not count.
    """
    signs = {";", "\t", "|", "::"} - {separator}
    others = [re.escape(one) for one in sorted(signs)]
    pattern = "|".join(others + ([r"(?<=[^\s\d]),(?=\S)|,(?=[^\s\d])"] if separator != "," else []))
    cells = [str(cell) for row in rows for cell in row.cells]
    stray = sum(bool(re.search(pattern, cell)) for cell in cells)
    return 1 - stray / max(1, len(cells))


def _prose(fit: _Fit, lines: Sequence[TextLine]) -> bool:
    """Returns True where the separator is a punctuation mark of running text."""
    sign = fit.dialect.separator
    if sign not in ",;":
        return False
    text = "\n".join(line.text for line in lines[:SEEN])
    spaced = len(re.findall(re.escape(sign) + r"\s", text))
    return len(lines) < 3 or spaced > 0.5 * max(1, text.count(sign))


def _quoted(lines: Sequence[TextLine], separator: str) -> bool:
    """Returns True where quotes enclose cells, rather than stand inside cells.

    Tables separated by tabs often have quotes that mean nothing.
    """
    if separator not in "\t ":
        return True
    sign = re.escape(separator)
    text = "\n".join(line.text for line in lines[:SEEN])
    found = re.compile(rf'(?:(?<={sign})|^)"((?:[^"]|"")*)"(?={sign}|$)', re.M)
    cells = [one[1] for one in found.finditer(text)]
    around = sum(not (separator in cell and "\n" in cell) for cell in cells)
    inside = found.sub("", text).count('"')
    return around > inside


def _notation(lines: Sequence[TextLine], separator: str) -> Dialect:
    """Returns the dialect of a separator, with the way its quotes and spaces are written."""
    text = "\n".join(line.text for line in lines[:SEEN])
    spaced = separator not in " \t" and text.count(f'{separator} "') > text.count(f'{separator}"')
    return Dialect(separator, _quoted(lines, separator), _escaped(lines), spaced)


def _escaped(lines: Sequence[TextLine]) -> bool:
    """Returns True where a quote inside a quoted cell is written as a backslash and a quote."""
    text = "\n".join(line.text for line in lines[:SEEN])
    return '\\"' in text and '""' not in text.replace(',"",', ",,")


def _two(name: str, one: _Fit, other: _Fit) -> UsageError:
    readings = [" | ".join(str(cell)[:30] for cell in fit.sample.cells[:5]) for fit in (one, other)]
    signs = [
        next((word for word, sign in NAMES.items() if sign == fit.dialect.separator), "")
        or fit.dialect.separator
        for fit in (one, other)
    ]
    return UsageError(
        Message(
            "The cells of {name} may be separated by {first!r} ({line}) or by {second!r} ({other})",
            name=name,
            first=one.dialect.separator,
            line=readings[0],
            second=other.dialect.separator,
            other=readings[1],
        ),
        code="two-readings",
        where=name,
        fix=Message(
            "Give --separator {first} or --separator {second}.", first=signs[0], second=signs[1]
        ),
    )


def left_above(lines: Sequence[TextLine], dialect: Dialect) -> list[Message]:
    """Returns a sentence about the lines above the header, [] where there are none."""
    above = [one.text for one in lines if one.number < dialect.start and one.text.strip()]
    above = [one for one in above if not one.lower().startswith(("sep=", '"sep='))]
    if not above:
        return []
    return [
        Message(
            "Lines above the header that are left out: {count}; the first: {line!r}.",
            count=len(above),
            line=above[0][:80],
        )
    ]


# --- headers --------------------------------------------------------------------------------------


def header_given(reading: Reading, rows: list[Record], known: Callable[[str], bool]) -> bool:
    """Returns whether the first record is the header: as given by the user, else as detected."""
    if reading.value("header"):
        return bool(reading.value("header") == "yes")
    return is_header([str(cell).strip() for cell in rows[0].cells], rows[1:], known)


def is_header(first: list[str], rest: list[Record], known: Callable[[str], bool]) -> bool:
    """Returns True where the first record holds column names.

    That is where it has a usual name that does not recur in its column, or where every cell is
    short, not a number, filled and not found below, and there is a column of numbers or one whose
    values recur. The name of a first column of numbers may be missing, and columns of numbers may
    have the same name.
    """
    width = len(first)
    below = [[str(cell).strip() for cell in row.cells] for row in rest]
    below = [row for row in below if row != first]  # a header that stands again
    columns = [[row[at] for row in below if len(row) > at] for at in range(width)]
    if any(known(cell) and cell not in column for cell, column in zip(first, columns, strict=True)):
        return True
    if width < 2 or any(not cell or len(cell) > 60 or _number(cell) for cell in first[1:]):
        return False
    if len(first[0]) > 60 or _number(first[0]) or not (first[0] or _numbers(columns[0])):
        return False
    pairs = list(zip(first, columns, strict=True))
    times = Counter(first)
    twice = [column for cell, column in pairs if times[cell] > 1]
    if not all(map(_numbers, twice)) or any(cell in column for cell, column in pairs):
        return False
    if any(column and _numbers(column) for column in columns):
        return True
    return any(
        len(set(column)) <= max(2, len(column) // 2) for column in columns if len(column) > 2
    )


def _number(cell: str) -> bool:
    return bool(re.fullmatch(r"[-+]?[\d.,:/\-\s]*\d[\d.,:/\-\s%]*", cell))


def _numbers(column: list[str]) -> bool:
    """Returns True where nearly all filled cells are numbers or dates."""
    told = [cell for cell in column if cell]
    return bool(told) and sum(map(_number, told)) >= 0.9 * len(told)
