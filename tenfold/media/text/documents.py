"""Whole files as texts, and documents in formats that are not read."""

from __future__ import annotations

from dataclasses import replace

from tenfold.core.columns import Problem
from tenfold.core.errors import DataRefused
from tenfold.core.message import Message
from tenfold.media.files import references
from tenfold.media.files.lines import decoded, opened
from tenfold.media.files.listing import Entry, Tree

__all__ = [
    "PLAIN",
    "UNREAD",
    "doubted",
    "none_usable",
    "suffix",
    "text_of",
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
    fix = Message("Save it as plain text (.txt), or tables as CSV.")
    return replace(entry, problem=Problem("unread-format", reason, fix))


def text_of(entry: Entry) -> tuple[str, Problem | None]:
    """Returns the text of a whole file, and its problem, if any."""
    if entry.problem is not None:
        return "", entry.problem
    try:
        with opened(entry.cell) as file:
            return decoded(file.read(references.LARGEST_FILE)), None
    except DataRefused as error:
        return "", _why(entry, error)


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
