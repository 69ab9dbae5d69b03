"""Reads tagged tokens into a table.

Layouts: CoNLL columns, CoNLL-U, JSON lines; one file for each part, folders, zip archives.

Columns: `text` (the joined tokens), `places` (start and exclusive end of each token in the text),
`tags` (one for each token, in BIO where they mark spans), `split` where files are named after
parts, `source` (the file and the first line of a sentence), `problem`. A DataFrame may also give
`group` and `time`.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pandas as pd

from tenfold.core.columns import Problem
from tenfold.core.errors import DataRefused, UsageError, nearest
from tenfold.core.message import Message
from tenfold.core.progress import tell
from tenfold.core.rows import Rows
from tenfold.media.files import references
from tenfold.media.files.lines import TextLine, empty_file, lines, start_of
from tenfold.media.files.listing import Entry, is_zip, open_tree
from tenfold.media.files.parts import part_of_file
from tenfold.media.reading import AS_FOUND, Reading, attach_by, column_of, refuse_roles, timed
from tenfold.media.text import tag_schemes
from tenfold.media.text.tagged_json import TaggedRow, joined, rows_of_json

__all__ = ["read"]

_CONLLU = "id form lemma upos xpos feats head deprel deps misc".split()
_TOKENS = "token tokens word words form text 词 字".split()
_ABOUT = re.compile(r"(readme|licen[cs]e|source|notice|changelog)(\.\w+)*", re.I)
MOST = 1000
"""A file that is one sentence with more tokens than this is assumed to lack its empty lines."""


@dataclass
class Sentence:
    """Tokens with their tags, whether a space follows each token, and the sentence's first line."""

    line: int
    tokens: list[str] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)
    spaces: list[bool] = field(default_factory=list)
    problem: Problem | None = None


def read(source: Any, reading: Reading = AS_FOUND) -> Rows:
    """Reads one row for each sentence.

    `reading.target` gives the column of tags by its name, or by its number counted from 1. Raises
    UsageError or DataRefused where there is nothing to train on.
    """
    if isinstance(source, pd.DataFrame):
        return Rows(_from_frame(source, reading))
    if not isinstance(source, (str, Path)) or not str(source):
        raise UsageError(
            Message("Data must be a path or a DataFrame, got {source!r}", source=source),
            code="bad-setting",
        )
    path = Path(source)
    if path.is_file() and not is_zip(path):
        files, ignored = (
            [(Entry(path.name, references.file_cell(path.absolute())), "")],
            list[str](),
        )
        root = path.parent
    else:
        tree = open_tree(path)
        root = tree.root
        files = [(one, part_of_file(one.name)) for one in tree.entries if _fits(one)]
        ignored = [*tree.ignored, *(one.name for one in tree.entries if not _fits(one))]
    if not files:
        raise DataRefused(
            Message("No file of tagged tokens was found"),
            code="no-files",
            where=str(source),
            fix=Message(
                "Add a file such as train.conll: one token and its tag on each line, an empty "
                "line between sentences."
            ),
        )
    why = Message("files of tagged tokens have no columns for whole sentences")
    refuse_roles(reading, ("group", "time"), why, str(source))
    column = reading.target or "auto"
    rows = [row for entry, part in files for row in _rows(entry, part, column)]
    return Rows(_table(rows), root=Path(root), ignored=ignored)


def _fits(entry: Entry) -> bool:
    name = entry.name.rsplit("/", 1)[-1]
    if _ABOUT.fullmatch(name):
        return False
    return entry.problem is not None or b"\0" not in start_of(entry.cell, 4096)[2:]


ROLES = ("target", "group", "time")


def _rows(entry: Entry, part: str, column: str) -> Iterator[TaggedRow]:
    """Yields (text, places, tags, source, part, problem) of every sentence of a file."""
    name = references.printable(entry.name)
    if entry.problem is not None:
        yield "", (), (), name, part, replace(entry.problem, uncounted=True)
        return
    start = start_of(entry.cell, 1 << 16).lstrip()
    if not start:
        raise empty_file(entry.cell, name)
    if start[:1] == b"{":
        yield from rows_of_json(entry, name, part)
        return
    sentences = list(_sentences(entry, name, column))
    if len(sentences) == 1 and len(sentences[0].tokens) > MOST:
        raise DataRefused(
            Message(
                "{name} has no empty line, so its {count} tokens are one sentence",
                name=name,
                count=len(sentences[0].tokens),
            ),
            code="no-blank-lines",
            where=name,
            fix=Message("Put an empty line between sentences."),
        )
    prefix = _prefix(sentences)
    if prefix:
        tell(
            Message(
                "{name}: every token begins with {prefix!r}, which is removed.",
                name=name,
                prefix=prefix,
            )
        )
    for one in sentences:
        words = [word.removeprefix(prefix) or word for word in one.tokens]
        text, places = joined(words, one.spaces)
        source = f"{name}:{one.line}"
        if one.problem:
            yield "", (), (), source, part, one.problem
        else:
            yield text, places, tuple(one.tags), source, part, None


def _prefix(sentences: list[Sentence]) -> str:
    """Returns the prefix that all tokens share, such as "en:"; "" where there is none."""
    words = (word for one in sentences for word in one.tokens)
    found = re.match(r"[a-z]{2,3}:", next(words, ""))
    prefix = found[0] if found else ""
    return prefix if prefix and all(word.startswith(prefix) for word in words) else ""


def _sentences(entry: Entry, name: str, column: str) -> Iterator[Sentence]:
    """Yields the sentences of a file in columns, which are separated by empty lines."""
    found = lines(entry.cell, blank=True)
    head = list(itertools.islice(found, 2000))
    rows = [_cut(line.text) for line in head if line.text.strip() and not _comment(line.text)]
    layout = _layout(entry, name, rows, column)
    current = Sentence(1)
    for line in itertools.chain(head, found, [TextLine(0, "")]):
        if not line.text.strip():
            if current.tokens or current.problem:
                yield current
            current = Sentence(line.number + 1)
        elif not layout.passed_over(line.text):
            if not current.tokens and not current.problem:
                current.line = line.number
            layout.add(current, line)


def _cut(text: str) -> list[str]:
    return text.split("\t") if "\t" in text else text.split()


def _comment(text: str) -> bool:
    return text.startswith(("# ", "#\t", "-DOCSTART-")) or text == "#"


@dataclass
class _Layout:
    """Positions of the columns in a line.

    `universal` is True for CoNLL-U. `until` is the number of the last word inside the current
    multiword token, `behind` whether a space follows that token.
    """

    width: int
    token: int
    tag: int
    universal: bool
    header: str
    until: int = 0
    behind: bool = True

    def passed_over(self, text: str) -> bool:
        """Returns True for a comment or the header."""
        comment = text.startswith("#") if self.universal else _comment(text)
        return (comment and len(_cut(text)) != self.width) or text == self.header

    def add(self, sentence: Sentence, line: TextLine) -> None:
        """Adds the token of a line to the sentence, or the problem of the line."""
        row = _cut(line.text)
        if line.problem or len(row) <= max(self.token, self.tag) or len(row) < self.width:
            reason = Message(
                "has {count} columns on line {number}, the other lines have {width}",
                count=len(row),
                number=line.number,
                width=self.width,
            )
            short = Problem("short-line", reason, Message("Each line needs a token and its tag."))
            sentence.problem = sentence.problem or line.problem or short
            return
        if self.universal and not row[0].isdigit():
            self._contracted(row)
            return
        space = not (self.universal and "SpaceAfter=No" in row[-1])
        if self.universal and int(row[0]) <= self.until:
            space = int(row[0]) == self.until and self.behind
        sentence.tokens.append(row[self.token])
        sentence.tags.append(row[self.tag].strip())
        sentence.spaces.append(space)
        self.until = self.until if self.universal and int(row[0]) < self.until else 0

    def _contracted(self, row: list[str]) -> None:
        """Skips a CoNLL-U multiword line (`1-2 don't`); its words are joined without spaces.

        An empty node (`1.1`) is skipped as well.
        """
        first, _, last = row[0].partition("-")
        if first.isdigit() and last.isdigit():
            self.until, self.behind = int(last), "SpaceAfter=No" not in row[-1]


def _layout(entry: Entry, name: str, rows: list[list[str]], column: str) -> _Layout:
    """Returns the columns of a file, and prints which ones hold tokens and tags.

    Raises DataRefused where lines have a single column.
    """
    widths = [len(row) for row in rows]
    width = max(set(widths), key=widths.count) if widths else 0
    if width < 2:
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
    universal = width == 10 and all(re.match(r"\d+([-.]\d+)?$", row[0]) for row in rows[:50])
    named = [cell.strip().lower() for cell in rows[0]] if rows else []
    header = not universal and len(set(named) & set(_TOKENS)) == 1 and len(named) == width
    header = header and rows[0] not in rows[1:] and rows[0][-1] not in (row[-1] for row in rows[1:])
    names = _CONLLU if universal else named if header else []
    token = 1 if universal else next((named.index(x) for x in _TOKENS if header and x in named), 0)
    tag = _column(column, names, width, 3 if universal else width - 1, name)
    said = names[tag] if names else str(tag + 1)
    tell(
        Message(
            "{name}: tokens are read from column {token}, tags from column {tag}.",
            name=name,
            token=token + 1,
            tag=said,
        )
    )
    first = ("\t" if width == 10 else "").join(rows[0]) if header else ""
    text = next((one.text for one in lines(entry.cell) if _cut(one.text) == rows[0]), first)
    return _Layout(width, token, tag, universal, text if header else "\0")


def _column(wanted: str, names: list[str], width: int, usual: int, file: str) -> int:
    """Returns the position of the column `wanted`: a name, or a number counted from 1.

    `auto` gives `usual`. Raises UsageError where no column has that name or number.
    """
    if wanted == "auto":
        return usual
    if wanted.isdigit() and 1 <= int(wanted) <= width:
        return int(wanted) - 1
    if wanted.lower() in names:
        return names.index(wanted.lower())
    raise UsageError(
        Message("{file} has no column {column!r}", file=file, column=wanted),
        code="bad-setting",
        where="column",
        fix=nearest(wanted, names)
        if names
        else Message("Give a column number from 1 to {width}.", width=width),
    )


# --- tables ---------------------------------------------------------------------------------------


def _from_frame(frame: pd.DataFrame, reading: Reading) -> pd.DataFrame:
    """Returns the rows of a DataFrame with `tokens`, or `text` and `places`, and with `tags`."""
    given = {role: column_of(reading, role, frame.columns, "DataFrame") for role in ROLES}
    if given["target"] is not None:
        frame = frame.assign(tags=frame[given["target"]])
    if "tags" not in frame or not {"tokens", "places"} & set(frame.columns):
        raise DataRefused(
            Message("The table needs the columns tokens and tags, or text, places and tags"),
            code="missing-column",
            where="DataFrame",
            fix=Message(
                "Rename the columns, or add the missing one; the table has {columns}.",
                columns=", ".join(map(str, frame.columns)),
            ),
        )
    rows = list[TaggedRow]()
    for number, one in enumerate(frame.to_dict(orient="records")):
        text, places = one.get("text"), one.get("places")
        if not isinstance(places, (list, tuple)):
            words = [str(word) for word in one["tokens"]]
            text, places = joined(words, [True] * len(words))
        told = one.get("problem")
        problem = told if isinstance(told, Problem) else None
        source = str(one.get("source", f"row {number}"))
        placed = tuple((int(start), int(end)) for start, end in places)
        tags = tuple(map(str, one["tags"]))
        rows.append((str(text), placed, tags, source, str(one.get("split") or ""), problem))
    table = _table(rows)
    if given["group"] is not None:
        table["group"] = list(frame[given["group"]])
    table = attach_by(table, frame, reading, "DataFrame")
    return table if given["time"] is None else timed(table, frame[given["time"]])


def _table(rows: list[TaggedRow]) -> pd.DataFrame:
    """Returns the rows as a table, with tags that mark spans converted to BIO."""
    names = ["text", "places", "tags", "source", "split", "problem"]
    table = pd.DataFrame(rows, columns=names, dtype=object)
    table["problem"] = table["problem"].astype(object).where(table["problem"].notna(), None)
    if not table["split"].astype(bool).any():
        table = table.drop(columns="split")
    scheme = tag_schemes.scheme_of(table["tags"])
    brought = [tag_schemes.to_bio(tags, scheme) for tags in table["tags"]]
    table["tags"] = pd.Series([tags for tags, _ in brought], table.index, dtype=object)
    if scheme == "plain":
        tell(Message("Each tag is the class of one token."))
    else:
        tell(Message("The tags mark spans ({scheme}).", scheme=scheme))
    if repaired := sum(count for _, count in brought):
        tell(
            Message(
                "Spans without a beginning tag: {count}. Each begins at its first tag.",
                count=repaired,
            )
        )
    return table
