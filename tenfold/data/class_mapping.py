"""Class mapping: merge, drop and rename classes with a small file.

A CSV file has the header from,to and lines such as kitten,cat; an empty `to` drops the class. A
JSON file has the form {"kitten": "cat", "unsure": null}; null drops the class.
"""

from __future__ import annotations

import contextlib
import csv
import json
import unicodedata
from collections.abc import Mapping
from functools import partial
from pathlib import Path

from tenfold.core.errors import UsageError, nearest
from tenfold.core.language import say
from tenfold.core.message import Message
from tenfold.core.progress import tell
from tenfold.core.rows import Rows

__all__ = ["apply", "apply_known", "names_of"]

Names = Mapping[str, str | None]


def names_of(mapping: str | Path | Names | None) -> Names:
    """Returns a class mapping as {old name: new name}, with None for classes to drop.

    `mapping` is such a mapping, the path of its file, or None, which returns {}.
    Raises UsageError for a mapping file that cannot be read.
    """
    if mapping is None:
        return {}
    return mapping if isinstance(mapping, Mapping) else _read(Path(mapping))


def apply_known(rows: Rows, names: Names) -> Rows:
    """Applies the entries of a class mapping for classes that occur in these rows.

    Rows of a dropped class are removed.
    """
    known = rows.answer.classes_in(rows.table)
    return apply(rows, {old: new for old, new in names.items() if old in known})[0]


def apply(rows: Rows, names: Names) -> tuple[Rows, list[str]]:
    """Applies a class mapping; returns the rows and the sources of rows with a dropped class.

    Raises UsageError for an answer kind without classes, or a class that does not exist.
    """
    if not names:
        return rows, []
    known = rows.answer.classes_in(rows.table)
    if not known:
        raise UsageError(
            Message(
                "Answers of the kind {name!r} have no classes: a class mapping cannot be used",
                name=rows.answer.name,
            ),
            code="no-classes",
            where="classes",
            fix=Message("Leave out --classes."),
        )
    for name in names:
        if name not in known:
            raise UsageError(
                Message(
                    "The class mapping names {name!r}, which is not a class in these data",
                    name=name,
                ),
                code="unknown-class",
                fix=nearest(name, known),
            )
    pairs = ", ".join(f"{old} -> {new or say('dropped')}" for old, new in names.items())
    tell(Message("Class mapping: {pairs}.", pairs=pairs))
    table, gone = rows.answer.renamed(rows.table, names)
    kept = table[~gone].reset_index(drop=True)
    return rows.with_table(kept), list(rows.table["source"][gone])


def _read(path: Path) -> Names:
    try:
        text = _text(path.read_bytes())
    except OSError as error:
        raise UsageError(
            Message("The class mapping file cannot be read: {error}", error=error.strerror),
            code="no-such-path",
            where=str(path),
        ) from error
    try:
        found = json.loads(text) if text.lstrip().startswith("{") else _from_csv(text)
    except (ValueError, RecursionError, csv.Error) as error:
        raise _unusable(path, Message("cannot be read ({error})", error=error)) from error
    if not all(value is None or isinstance(value, str) for value in found.values()):
        raise _unusable(path, Message("maps a class to a value that is neither a name nor null"))
    normal = partial(unicodedata.normalize, "NFC")
    return {normal(old): normal(new) if new else None for old, new in found.items()}


def _text(data: bytes) -> str:
    """Decodes text in the encodings that spreadsheets use: UTF-16, UTF-8, GB 18030, Latin-1."""
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return data.decode("utf-16", "replace")
    for encoding in ("utf-8-sig", "gb18030"):
        with contextlib.suppress(UnicodeDecodeError):
            return data.decode(encoding)
    return data.decode("latin-1")


def _unusable(path: Path, what: Message) -> UsageError:
    return UsageError(
        Message("The class mapping file {reason}", reason=what),
        code="bad-mapping",
        where=str(path),
        fix=Message(
            'Write a CSV with the header from,to or JSON such as {"old": "new", "dropped": null}.'
        ),
    )


def _from_csv(text: str) -> Names:
    head = text.lstrip().partition("\n")[0]
    lines = [line for line in csv.reader(text.splitlines(), delimiter=max(",;\t", key=head.count))]
    rows = [[cell.strip() for cell in line] for line in lines if any(map(str.strip, line))]
    if not rows or [cell.lower() for cell in rows[0][:2]] != ["from", "to"]:
        raise ValueError("it does not begin with from,to")
    return {row[0]: (row[1] if len(row) > 1 else "") for row in rows[1:]}
