"""Files of lines that hold a label and a text: fastText's, and lines that begin with a label."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterable, Iterator

from tenfold.core.errors import DataRefused
from tenfold.core.message import Message
from tenfold.media.files.lines import TextLine, decoded, lines, start_of
from tenfold.media.files.records import Record, RecordTable
from tenfold.media.files.tables.record import HEAD
from tenfold.media.reading import AS_FOUND, Reading

__all__ = [
    "FASTTEXT",
    "FIRST_WORD",
    "SAID",
    "fasttext",
    "first_words",
    "is_fasttext",
    "texts_of_lines",
]

FASTTEXT, FIRST_WORD = "fasttext", "first-word"
"""Names of the forms in `Reading.found["lines"]`."""
SAID = {
    FASTTEXT: Message("the words that begin with __label__"),
    FIRST_WORD: Message("the first word of each line"),
}
"""What is the label in each form, in words."""
MARK = "__label__"
CLEAR = 0.95
"""Least share of the lines that must have a form."""
SEEN = 200
"""Lines examined to detect fastText's format."""
FEW = 0.2
"""Most distinct first words, as a share of the lines, that are taken for labels."""


def is_fasttext(cell: str) -> bool:
    """Returns True for a file whose lines have a word that begins with `__label__`."""
    start = start_of(cell)
    if MARK.encode() not in start and MARK.encode("utf-16-le") not in start:
        return False
    rows = [row for row in decoded(start).splitlines()[:SEEN] if row.strip()]
    marked = sum(any(word.startswith(MARK) for word in row.split()) for row in rows)
    return marked >= 0.9 * len(rows) and not decoded(start).lstrip().startswith(("{", "["))


def fasttext(cell: str, reading: Reading = AS_FOUND) -> RecordTable:
    """Returns the table of fastText's format: the columns are the text and the list of its labels.

    Each word that begins with `__label__` is a label, wherever it stands; other words are the text.
    """
    records = map(_marked, lines(cell, reading.value("encoding")))
    return _table(records)


def _unmarked(text: str) -> tuple[str, list[str]]:
    """Returns the text of a line without its words that begin with `__label__`, and these labels.

    White space between words is kept only where no label was removed.
    """
    words = text.split()
    labels = [word.removeprefix(MARK) for word in words if word.startswith(MARK)]
    if not labels:
        return text.strip(), []
    return " ".join(word for word in words if not word.startswith(MARK)), labels


def _marked(line: TextLine) -> Record:
    return Record(line.number, [*_unmarked(line.text)], line.problem)


def _table(records: Iterable[Record]) -> RecordTable:
    rest = iter(records)
    head = list(itertools.islice(rest, HEAD))
    return RecordTable(["text", "label"], False, itertools.chain(list(head), rest), head, "utf-8")


def first_words(table: RecordTable, name: str) -> RecordTable:
    """Returns the table of lines of the form "label text", from a table of one column.

    The first word is the label only where few different ones occur, and none of them occurs inside
    the texts as often. Raises DataRefused where neither part is clearly the label.
    """
    records = list(table.records)
    texts = [str(one.cells[0]) for one in records if one.problem is None]
    if not _labels_first(texts):
        raise DataRefused(
            Message("Nothing in {name} shows which words are labels", name=name),
            code="no-labels",
            where=name,
            fix=Message(
                "Write a CSV with the columns text,label, or begin each line with __label__ and "
                "the label."
            ),
        )
    made = _table(_labelled(one) for one in records)
    made.encoding = table.encoding
    return made


def _labels_first(texts: list[str]) -> bool:
    """Returns True where the first words of the texts are labels, and the last words could not be.

    Articles and pronouns begin sentences, not lines with labels.
    """
    split = [text.casefold().split() for text in texts]
    plain = sum(words[0] in _SMALL for words in split if words)
    ends = [list(reversed(words)) for words in split]
    return 2 * plain <= len(split) and _are_labels(split) and not _are_labels(ends)


_SMALL = frozenset(
    "the a an i it this that these we he she they you my in on at of and there what how is "
    "der die das ein eine ich es wir sie er in le la les un une je il elle ce el los las una yo "
    "o os um uma eu 我 你 他 她 这 那".split()
)


def _are_labels(split: list[list[str]]) -> bool:
    """Returns True where few different first words occur, and seldom inside the texts."""
    firsts = Counter(words[0] for words in split if words)
    inside = Counter(word for words in split for word in words[1:])
    if not 1 < len(firsts) <= max(2, FEW * len(split)) or 2 * len(firsts) > len(split):
        return False
    with_text = sum(len(words) > 1 for words in split)
    sure = sum(
        count
        for word, count in firsts.items()
        if inside[word] < count and any(map(str.isalnum, word))
    )
    return with_text >= CLEAR * len(split) and sure >= CLEAR * sum(firsts.values())


def _labelled(one: Record) -> Record:
    words = str(one.cells[0]).strip().split(None, 1)
    label, text = (*words, "", "")[:2]
    return Record(one.line, [text, label], one.problem)


def texts_of_lines(
    cell: str, form: str, labels: Iterable[str], reading: Reading = AS_FOUND
) -> Iterator[Record]:
    """Yields the text of each line of a file for prediction, read as in training.

    Labels are removed: words that begin with `__label__` and, where nearly all lines begin with one
    of `labels`, the first words.
    """
    found = lines(cell, reading.value("encoding"))
    if form == FASTTEXT:
        yield from (Record(one.line, one.cells[:1], one.problem) for one in map(_marked, found))
        return
    known, head = {*labels}, list(itertools.islice(found, HEAD))
    firsts = [one.text.split(None, 1)[0] for one in head if one.text.strip()]
    labelled = form == FIRST_WORD and sum(one in known for one in firsts) >= CLEAR * len(firsts)
    for line in itertools.chain(head, found):
        words = line.text.strip().split(None, 1)
        drop = labelled and bool(words) and words[0] in known
        yield Record(line.number, ["".join(words[1:]) if drop else line.text.strip()], line.problem)
