"""The table of all rows of tagged tokens, with tags that mark spans converted to BIO."""

from __future__ import annotations

from typing import Any

import pandas as pd

from tenfold.core.columns import Problem
from tenfold.core.message import Message
from tenfold.core.rows import BY
from tenfold.media.files.others import with_others
from tenfold.media.files.parts import without_parts
from tenfold.media.reading import reported_text
from tenfold.media.text import brackets, tag_schemes
from tenfold.media.text.tags.row import Findings, TaggedRow

__all__ = ["table_of_rows"]

MORE = ("split", "group", "weight", "time")


def table_of_rows(rows: list[TaggedRow], findings: Findings, wanted: str = "auto") -> pd.DataFrame:
    """Returns the rows as a table; what was decided about them is added to `findings`.

    A row whose tags do not fit the scheme of nearly all others gets a problem. `wanted` is auto,
    spans or single (`tag_schemes.scheme_of`).
    """
    good = [row.tags for row in rows if row.problem is None and not row.marked]
    marked = any(row.marked for row in rows)
    if wanted == "auto":
        wanted = str(findings.reading.found.get("tags") or "auto")
    scheme = tag_schemes.scheme_of(good, wanted)
    if scheme.name == "types" or scheme.doubtful:  # other rows could be read in another way
        findings.keep("tags", "spans" if scheme.name == "types" else "single")
    repaired = 0
    for row in rows:
        if row.marked or row.problem is not None:
            continue
        row.problem = _problem(row, scheme)
        if row.problem is not None:
            continue
        row.tags, count = tag_schemes.to_bio(row.tags, scheme)
        repaired += count
    _note(scheme, marked, bool(good), repaired, findings)
    findings.finish()
    return _table(rows, findings)


def _problem(row: TaggedRow, scheme: tag_schemes.Scheme) -> Problem | None:
    """Returns the problem of a row with a tag that does not fit the scheme, or with nested spans.

    None is returned where all tags can be used.
    """
    at = scheme.odd(row.tags)
    if at is None:
        inner = brackets.nested(row.tags) if scheme.name == "brackets" else None
        return None if inner is None else _nested(row, inner)
    place = _place(row, at)
    reason = Message(
        "has the tag {tag!r} {place}; the other tags are {scheme}",
        tag=row.tags[at][:40],
        place=place,
        scheme=scheme.name,
    )
    return Problem("odd-tag", reason, Message("Correct the tag."))


def _nested(row: TaggedRow, at: int) -> Problem:
    return Problem(
        "nested-spans",
        Message(
            "has a span inside another, which begins with the tag {tag!r} {place}",
            tag=row.tags[at][:40],
            place=_place(row, at),
        ),
        Message(
            "Each token has one tag: keep the outer or the inner spans, or choose another column "
            "with --target."
        ),
    )


def _place(row: TaggedRow, at: int) -> Message:
    """Returns the line of a token where the file has one, else its number from 1."""
    if at < len(row.lines):
        return Message("on line {number}", number=row.lines[at])
    return Message("at token {number}", number=at + 1)


def _note(
    scheme: tag_schemes.Scheme, marked: bool, tagged: bool, repaired: int, findings: Findings
) -> None:
    """Adds a note on how the tags are read."""
    taken = findings.taken
    if scheme.name == "types":
        taken.note(
            Message(
                "Tags are types without B- and I-: neighbouring tokens of one type are one span. "
                "--tags single reads each tag as the class of one token."
            )
        )
    elif scheme.name != "plain":
        taken.note(Message("The tags mark spans ({scheme}).", scheme=scheme.name))
    elif tagged and scheme.doubtful:
        taken.note(
            Message(
                "Each tag is the class of one token. --tags spans reads neighbouring tokens of one "
                "tag as one span."
            )
        )
    elif tagged and not marked:
        taken.note(Message("Each tag is the class of one token."))
    if scheme.outside != "O" and scheme.name not in ("plain", "brackets"):
        taken.note(Message("The tag {tag!r} is outside of spans.", tag=scheme.outside))
    if repaired:
        taken.note(
            Message(
                "Spans without a beginning tag: {count}. Each begins at its first tag.",
                count=repaired,
            )
        )


def _table(rows: list[TaggedRow], findings: Findings) -> pd.DataFrame:
    """Returns the rows as a table, without roles that no row has."""
    blank = pd.Series([""] * len(rows), dtype=object)
    by = dict.fromkeys(name for row in rows for name in row.more if name.startswith(BY))
    columns: dict[str, list[Any]] = {
        "text": [row.text if row.problem is None else "" for row in rows],
        "places": [row.places if row.problem is None else () for row in rows],
        "tags": [row.tags if row.problem is None else () for row in rows],
        "source": [row.source for row in rows],
        "problem": [row.problem for row in rows],
        **{name: [row.more.get(name) for row in rows] for name in MORE},
        **{name: [reported_text(row.more.get(name)) for row in rows] for name in by},
    }
    table = pd.DataFrame({k: pd.Series(v, blank.index, dtype=object) for k, v in columns.items()})
    table["split"] = table["split"].where(table["split"].notna(), "")
    return with_others(without_parts(table, findings.taken, findings.reading))
