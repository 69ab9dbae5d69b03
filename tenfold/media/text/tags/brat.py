"""Annotations of brat: a text file, and beside it a file .ann with the spans in it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tenfold.core.columns import Problem
from tenfold.core.message import Message
from tenfold.media.files.lines import encoding_of, opened
from tenfold.media.files.listing import Entry
from tenfold.media.text import tokens
from tenfold.media.text.tags.row import Findings, TaggedRow
from tenfold.media.text.tags.spans import BadSpan, MarkedSpan, tags_of

__all__ = ["pairs_of", "rows_of_pair"]


def pairs_of(entries: list[Entry]) -> list[tuple[Entry, Entry]]:
    """Returns the text file and the annotation file of each document."""
    by_name = {entry.name: entry for entry in entries}
    found = []
    for entry in entries:
        text = by_name.get(f"{entry.name[:-4]}.txt")
        if entry.name.lower().endswith(".ann") and text is not None:
            found.append((text, entry))
    return found


def rows_of_pair(text: Entry, marks: Entry, name: str, findings: Findings) -> Iterator[TaggedRow]:
    """Yields a row for each line of a document that is not empty.

    Lines joined by a span are one row. A row with a discontinuous span has a problem; relations,
    events and attributes are counted as not used.
    """
    content = _content(text)
    spans, broken, others = _spans(_content(marks))
    if spans and sum(_fits(content, one) for one in spans) < 0.5 * len(spans):
        plain = content.replace("\r\n", "\n")
        content = plain if any(_fits(plain, one) for one in spans) else content
    if others:
        findings.left[Message("relations, events and attributes of brat")] += others
    for number, start, end in _segments(content, [(a, b) for a, b, *_ in spans]):
        row = TaggedRow(f"{name}:{number}", marked=True)
        inside = [(a - start, b - start, kind, w) for a, b, kind, w in spans if start <= a < end]
        row.text = content[start:end].rstrip()
        row.places = tokens.places(row.text)
        bad = next((kind for a, kind in broken if start <= a < end), None)
        try:
            if bad is not None:
                raise BadSpan(Message("a span of type {kind} has several parts", kind=bad))
            row.tags = tags_of(row.text, row.places, inside, findings)
        except BadSpan as error:
            row = TaggedRow(row.source, problem=_problem(error))
        if row.problem or row.places:
            yield row


def _problem(error: BadSpan) -> Problem:
    reason = Message("cannot be used ({error})", error=error.args[0])
    return Problem("bad-span", reason, Message("Correct the span in the file .ann."))


def _content(entry: Entry) -> str:
    with opened(entry.cell) as file:
        data = file.read()
    return str(data.decode(encoding_of(data), "replace")).removeprefix("\ufeff")


def _spans(text: str) -> tuple[list[MarkedSpan], list[tuple[int, str]], int]:
    """Returns the spans, (start, type) of spans of several parts, and the number of other lines."""
    found, broken, others = list[MarkedSpan](), list[tuple[int, str]](), 0
    for line in text.splitlines():
        match = re.match(r"T\d+\t(\S+) (\d+) ([\d; ]*?)(\d+)\t?(.*)", line)
        if match is None:
            others += bool(re.match(r"[REAMN*]\d*\t", line))
        elif ";" in match[3]:
            broken.append((int(match[2]), match[1]))
        else:
            found.append((int(match[2]), int(match[4]), match[1], match[5]))
    return found, broken, others


def _fits(text: str, span: MarkedSpan) -> bool:
    start, end, _, words = span
    return text[start:end].split() == words.split()


def _segments(text: str, spans: list[tuple[int, int]]) -> Iterator[tuple[int, int, int]]:
    """Yields (line number, start, end) of the lines; lines joined by a span are one segment."""
    at, number, begun = 0, 1, 0
    for line_number, line in enumerate(text.splitlines(keepends=True), 1):
        at += len(line)
        if not any(start < at < end for start, end in spans):
            yield number, begun, at
            begun, number = at, line_number + 1
