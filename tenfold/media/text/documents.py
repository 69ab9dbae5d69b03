"""Whole files as texts, and documents in formats that are not read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from tenfold.core.columns import Problem
from tenfold.core.errors import DataRefused, TenfoldError
from tenfold.core.message import Message
from tenfold.core.taken import Taken
from tenfold.media.files import references
from tenfold.media.files.encoding.encodings import corpus_encoding
from tenfold.media.files.lines import decoded, opened
from tenfold.media.files.listing import Entry, Tree
from tenfold.media.reading import AS_FOUND, Reading

__all__ = [
    "PLAIN",
    "UNREAD",
    "doubted",
    "none_usable",
    "suffix",
    "text_of",
    "texts_of_files",
]

PLAIN = (".txt", ".text", ".md", "")
"""Suffixes of plain texts."""

UNREAD = frozenset(
    ".numbers .doc .docx .docm .odt .rtf .pages .pdf .epub .mobi .ppt .pptx .odp".split()
)
"""Suffixes of documents, whose text is not read."""


def suffix(name: str) -> str:
    """Returns the suffix of a file name in lower case, without `.gz`; "" for none."""
    last = name.rsplit("/", 1)[-1].lower().removesuffix(".gz")
    return f".{last.rpartition('.')[2]}" if "." in last[1:] else ""


def doubted(entry: Entry) -> Entry:
    """Returns the entry, with a problem added if it is a document in a format that is not read."""
    suffix = entry.suffix
    if entry.problem is not None or suffix not in UNREAD:
        return entry
    reason = Message("is a document in a format that is not read ({suffix})", suffix=suffix)
    fix = Message("Save the document as plain text (.txt), or its tables as CSV.")
    return replace(entry, problem=Problem("unread-format", reason, fix))


def text_of(entry: Entry, reading: Reading = AS_FOUND) -> tuple[str, Problem | None]:
    """Returns the text of a whole file, and its problem, if any.

    A file that does not show its encoding itself is read in that of the reading.
    """
    data, problem = _bytes_of(entry)
    if problem is not None:
        return "", problem
    try:
        return decoded(data, str(reading.value("encoding"))), None
    except TenfoldError as error:  # two encodings are about equally probable
        return "", Problem(error.code, error.message, error.fix)


def texts_of_files(
    entries: Sequence[Entry], where: str, taken: Taken, reading: Reading
) -> tuple[list[tuple[str, Problem | None]], Reading]:
    """Returns the text of each file, or its problem, and the reading with the encoding of all.

    The encoding is decided from all files together. Raises UsageError where two encodings are
    about equally probable.
    """
    read = [_bytes_of(entry) for entry in entries]
    found = corpus_encoding((data for data, problem in read if not problem), where, reading)
    for note in found.notes:
        taken.note(note)
    texts = [("" if bad else decoded(data, found.name), bad) for data, bad in read]
    return texts, reading.finding(encoding="" if found.name == "utf-8" else found.name)


def _bytes_of(entry: Entry) -> tuple[bytes, Problem | None]:
    """Returns the content of a file, and its problem, if any."""
    if entry.problem is not None:
        return b"", entry.problem
    try:
        with opened(entry.cell) as file:
            return file.read(references.LARGEST_FILE), None
    except DataRefused as error:
        return b"", _why(entry, error)


def _why(entry: Entry, error: DataRefused) -> Problem:
    """Returns the problem of a file that could not be opened, without the file name if possible."""
    try:
        references.fetch(entry.cell)
    except references.Unreadable as unreadable:
        return unreadable.problem
    return Problem(error.code, error.message, error.fix)


def none_usable(tree: Tree, unusable: list[Entry]) -> DataRefused:
    """Returns the error for a folder without usable texts; it names the first unusable file."""
    if unusable and (problem := unusable[0].problem):
        name = references.printable(unusable[0].name)
        return DataRefused(
            Message(
                "None of the {count} {units} can be used; the first: {source} {reason}",
                count=len(unusable),
                units=Message("files"),
                source=name,
                reason=problem.reason,
            ),
            code=problem.code,
            where=name,
            fix=problem.fix,
        )
    what = (
        Message("The folder holds no files; texts were expected")
        if not tree.entries
        else Message("None of the {count} files is a text or a table", count=len(tree.entries))
    )
    fix = Message(
        "Add a CSV with the columns text,label, one folder for each class, or one file for each "
        "class."
    )
    code = "no-files" if tree.entries else "empty-folder"
    return DataRefused(what, code=code, where=str(tree.root), fix=fix)
