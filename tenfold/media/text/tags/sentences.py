"""Sentences of tokens in columns: divided by empty lines, by a column, or by a count of tokens.

CoNLL-U and CoNLL-2012 are detected by their columns (`known_forms`).
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from tenfold.core.columns import Problem
from tenfold.core.errors import DataRefused
from tenfold.core.message import Message
from tenfold.media.files.parts import part_of_folder
from tenfold.media.text.tags.columns import Cells, Layout, layout_of
from tenfold.media.text.tags.known_forms import CONLL_U, KnownForm, known_form
from tenfold.media.text.tags.lines import Line, header_of, is_comment
from tenfold.media.text.tags.row import Findings, TaggedRow, joined

__all__ = ["rows_of_lines"]

MOST = 150
"""A file that is one sentence with more tokens than this is assumed to lack its empty lines."""
HEAD = 2000
"""Number of lines that are examined to find the meaning of the columns."""


@dataclass
class Sentence:
    """The lines of one sentence, and the problem of the first one that cannot be used."""

    tokens: list[str] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)
    spaces: list[bool] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    more: dict[str, Any] = field(default_factory=dict)
    problem: Problem | None = None


def rows_of_lines(
    found: Iterable[Line], names: tuple[str, ...] | None, name: str, findings: Findings
) -> Iterator[TaggedRow]:
    """Yields a row for each sentence of a file.

    `names` are the names of its columns; None detects a header. Raises DataRefused where the file
    has no tags, or does not state where sentences begin.
    """
    found = iter(found)
    head = list(itertools.islice(found, HEAD))
    rows = [line for line in head if line.cells and not is_comment(line.text)]
    form, skipped = known_form([one.cells for one in rows]), 0
    if form is not None and form.open_ended:
        rows = [replace(line, cells=line.cells[: len(form.columns)]) for line in rows]
    width = _width(rows, name)
    rows = [line for line in rows if len(line.cells) == width]
    if form is not None:
        names = form.columns
    elif names is None and header_of([one.cells for one in rows]):
        names, skipped = tuple(cell.strip() for cell in rows[0].cells), rows[0].number
        rows = rows[1:]
    layout = _layout(head, rows, names or (), form, name, findings)
    reader = _Reader(layout, form is CONLL_U, findings)
    sentences = list(reader.sentences(itertools.chain(head, found), skipped))
    if len(sentences) == 1 and len(sentences[0].tokens) > MOST:
        raise _undivided(name, len(sentences[0].tokens))
    prefix = _prefix(sentences)
    if prefix:
        findings.taken.note(
            Message("The prefix {prefix!r} of every token is removed.", prefix=prefix)
        )
    for one in sentences:
        one.tokens = [word.removeprefix(prefix) or word for word in one.tokens]
        yield _row(one, name)


def _prefix(sentences: list[Sentence]) -> str:
    """Returns the prefix that all tokens share, such as "en:"; "" where there is none."""
    words = (word for one in sentences for word in one.tokens)
    found = re.match(r"[a-z]{2,3}:", next(words, ""))
    prefix = found[0] if found else ""
    return prefix if prefix and all(word.startswith(prefix) for word in words) else ""


def _width(rows: list[Line], name: str) -> int:
    """Returns the number of cells of most lines; raises DataRefused where lines have no form."""
    widths = [len(one.cells) for one in rows]
    width = max(set(widths), key=widths.count) if widths else 0
    if widths and widths.count(width) < 0.5 * len(widths):
        raise DataRefused(
            Message(
                "{name} has lines of {low} to {high} columns",
                name=name,
                low=min(widths),
                high=max(widths),
            ),
            code="no-labels",
            where=name,
            fix=Message("Write a token and its tag on each line, separated by a tab or a space."),
        )
    return width


def _undivided(name: str, count: int) -> DataRefused:
    return DataRefused(
        Message(
            "{name} has no empty line and no column of sentence numbers, so its {count} tokens are "
            "one sentence",
            name=name,
            count=count,
        ),
        code="no-blank-lines",
        where=name,
        fix=Message("Put an empty line between sentences, or add a column sentence."),
    )


def _layout(
    head: list[Line],
    rows: list[Line],
    names: tuple[str, ...],
    form: KnownForm | None,
    name: str,
    findings: Findings,
) -> Layout:
    """Returns the layout of a file: that of files of the same form, else found by its content."""
    width = len(rows[0].cells) if rows else len(names)
    key = (width, names)
    if key in findings.columns:
        known: Layout = findings.columns[key]
        return known
    if form is not None:
        layout = _published(form, rows, findings, name)
    else:
        layout = layout_of(_sample(head, rows), names, findings, name)
    if layout.tag is None and findings.labelled:
        raise DataRefused(
            Message(
                "{name} has no column of tags: its lines have {width} column",
                name=name,
                width=width,
            ),
            code="no-labels",
            where=name,
            fix=Message("Write a token and its tag on each line, separated by a tab or a space."),
        )
    texts = sum(" " in one.cells[layout.token].strip() for one in rows)
    if rows and texts > 0.5 * len(rows):
        column = names[layout.token] if names else layout.token + 1
        raise DataRefused(
            Message("{name} has texts in column {column}, not one token", name=name, column=column),
            code="no-labels",
            where=name,
            fix=Message("Write a token and its tag on each line, separated by a tab or a space."),
        )
    findings.columns[key] = layout
    _take(layout, rows, findings)
    return layout


def _published(form: KnownForm, rows: list[Line], findings: Findings, name: str) -> Layout:
    """Returns the layout of a published form; tokens and tags may be those of other columns."""
    found = layout_of([[one.cells for one in rows]], form.columns, findings, name)
    reading = findings.reading
    tag = found.tag if reading.value("target") else form.columns.index(form.tag)
    token = found.token if reading.value("token") else form.columns.index(form.token)
    if form.open_ended:
        findings.taken.note(
            Message(
                "The form is {form}; columns behind column {count} are not used.",
                form=form.name,
                count=len(form.columns),
            )
        )
    return Layout(len(form.columns), token, tag, form.columns, more=found.more)


def _sample(head: list[Line], rows: list[Line]) -> list[list[Cells]]:
    """Returns the cells of the first sentences, divided at empty lines."""
    kept, found = {id(one) for one in rows}, list[list[Cells]]([[]])
    for line in head:
        if id(line) in kept:
            found[-1].append(line.cells)
        elif not line.cells and found[-1]:
            found.append([])
    return [one for one in found if one]


def _take(layout: Layout, rows: list[Line], findings: Findings) -> None:
    """Adds the roles of the columns to what was taken, and those without a role to what is left."""
    taken, names = findings.taken, layout.names

    def shown(at: int) -> Message:
        if at < len(names):
            return Message("column {name}", name=names[at])
        return Message("column {name}", name=at + 1)

    def examples(at: int) -> list[str]:
        return [one.cells[at] for one in rows[:3]]

    def key(at: int) -> str:
        return names[at] if at < len(names) else str(at + 1)

    taken.role("input", shown(layout.token), "--token", examples(layout.token))
    findings.keep("token", key(layout.token))
    if layout.tag is not None:
        taken.role("answer", shown(layout.tag), "--target", examples(layout.tag))
        findings.keep("target", key(layout.tag))
    for at in layout.divides:
        taken.role(Message("sentence"), shown(at), "", examples(at))
    for role, at in layout.more.items():
        taken.role("part" if role == "split" else role, shown(at), f"--{role}", examples(at))
        findings.keep(role, key(at))
    used = {layout.token, layout.tag, layout.counter, *layout.divides, *layout.more.values()}
    left = [key(at) for at in range(layout.width) if at not in used]
    if left and not any(one.kind == "columns" and one.names == tuple(left) for one in taken.left):
        taken.leave("columns", left)


@dataclass
class _Reader:
    """Makes sentences of lines.

    `until` is the number of the last word inside the current multiword token of CoNLL-U, `behind`
    whether a space follows that token.
    """

    layout: Layout
    universal: bool
    findings: Findings
    until: int = 0
    behind: bool = True

    def sentences(self, found: Iterable[Line], header: int) -> Iterator[Sentence]:
        """Yields the sentences of all lines; `header` is the number of the line of the header."""
        current, before = Sentence(), None
        divided = self._divider()
        for line in found:
            if line.cells and (self._passed_over(line) or line.number == header):
                continue
            begins = bool(line.cells) and divided(before, line)
            if (not line.cells or begins) and (current.tokens or current.problem):
                yield current
                current = Sentence()
            if line.cells:
                self._add(current, line)
                before = line
        if current.tokens or current.problem:
            yield current

    def _passed_over(self, line: Line) -> bool:
        if self.universal:
            return line.text.startswith("#") and len(line.cells) != self.layout.width
        if is_comment(line.text):
            return True
        return line.text.startswith(("# ", "#\t")) and len(line.cells) != self.layout.width

    def _divider(self) -> Callable[[Line | None, Line], bool]:
        """Returns a function that is True for a line that begins a sentence without an empty line.

        A sentence begins where a column of sentence numbers changes, else where the count of its
        tokens begins again.
        """
        layout = self.layout
        divides, counter = layout.divides, layout.counter

        def begins(before: Line | None, line: Line) -> bool:
            if before is None or len(line.cells) < layout.width:
                return False
            if layout.filled and divides:
                return bool(line.cells[divides[0]].strip())
            if divides:
                cells = before.cells
                return any(at < len(cells) and cells[at] != line.cells[at] for at in divides)
            if counter is None or self.universal or counter >= len(before.cells):
                return False
            one, two = before.cells[counter], line.cells[counter]
            return one.isdecimal() and two in ("0", "1") and int(one) >= int(two)

        return begins

    def _add(self, sentence: Sentence, line: Line) -> None:
        """Adds the token of a line to the sentence, or the problem of the line."""
        row, layout = line.cells, self.layout
        sentence.lines.append(line.number)
        last = max(layout.token, -1 if layout.tag is None else layout.tag)
        if line.problem or len(row) <= last or len(row) < layout.width:
            reason = Message(
                "has {count} columns on line {number}, the other lines have {width}",
                count=len(row),
                number=line.number,
                width=layout.width,
            )
            fix = Message("Each line needs a token and its tag.")
            short = Problem("short-line", reason, fix)
            sentence.problem = sentence.problem or line.problem or short
            return
        if self.universal and not row[0].isdigit():
            sentence.lines.pop()
            self._contracted(row)
            return
        space = not (self.universal and "SpaceAfter=No" in row[-1])
        if self.universal and int(row[0]) <= self.until:
            space = int(row[0]) == self.until and self.behind
        sentence.tokens.append(row[layout.token] if self.universal else row[layout.token].strip())
        sentence.tags += [] if layout.tag is None else [row[layout.tag].strip()]
        sentence.spaces.append(space)
        for role, at in layout.more.items():
            sentence.more.setdefault(role, row[at])
        self.until = self.until if self.universal and int(row[0]) < self.until else 0

    def _contracted(self, row: list[str]) -> None:
        """Skips a CoNLL-U multiword line (`1-2 don't`); its words are joined without spaces.

        An empty node (`1.1`) is skipped as well.
        """
        first, _, last = row[0].partition("-")
        if first.isdigit() and last.isdigit():
            self.until, self.behind = int(last), "SpaceAfter=No" not in row[-1]


def _row(sentence: Sentence, name: str) -> TaggedRow:
    source = f"{name}:{sentence.lines[0]}"
    if sentence.problem:
        return TaggedRow(source, problem=sentence.problem)
    text, places = joined(sentence.tokens, sentence.spaces)
    more = sentence.more
    if "split" in more:
        more["split"] = part_of_folder(str(more["split"])) or more["split"]
    return TaggedRow(
        source, text, places, tuple(sentence.tags), lines=tuple(sentence.lines), more=more
    )
