"""Reads tagged tokens into a table.

Layouts: CoNLL columns, CoNLL-U, tables with a token or a sentence in each row, JSON with tokens or
spans (also of Label Studio, doccano, Prodigy and spaCy), brat; one file for each part, folders, zip
archives.

Columns: `text` (the joined tokens), `places` (start and exclusive end of each token in the text),
`tags` (one for each token, in BIO where they mark spans), `split` where files are named after
parts, `source` (the file and the first line of a sentence), `problem`; `group`, `time`, `weight`
and `by.NAME` where a table or JSON has them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pandas as pd

from tenfold.core.columns import Problem
from tenfold.core.errors import DataRefused
from tenfold.core.message import Message
from tenfold.core.rows import BY, Rows
from tenfold.media.files import references
from tenfold.media.files.lines import start_of
from tenfold.media.files.listing import Entry, is_archive, open_tree, path_of
from tenfold.media.files.parts import is_unlabelled, part_of_file, part_of_folder
from tenfold.media.reading import AS_FOUND, Reading, column_of, columns_of
from tenfold.media.text.tags import brat, numbers
from tenfold.media.text.tags.files import is_binary, is_table_file, rows_of_file
from tenfold.media.text.tags.row import Findings, TaggedRow, joined
from tenfold.media.text.tags.table import table_of_rows

__all__ = ["read"]

_ABOUT = re.compile(r"(readme|licen[cs]e|source|notice|changelog)(\.\w+)*", re.I)
_OTHER = (".py", ".md", ".html", ".pdf", ".png", ".jpg", ".css", ".js", ".yaml", ".yml", ".conf")
_NOT_TAGGED = ("no-labels", "unknown-format", "bad-json")
"""Codes of errors for a file that is not tagged, beside which others of a folder are read."""


@dataclass
class _Files:
    """The files of a source: data, documents of brat, files of tag names, and ignored names."""

    root: Path | None
    data: list[Entry] = field(default_factory=list)
    pairs: list[tuple[Entry, Entry]] = field(default_factory=list)
    names: list[Entry] = field(default_factory=list)
    ignored: list[str] = field(default_factory=list)
    folder: bool = False


def read(source: Any, reading: Reading = AS_FOUND, tags: str = "auto") -> Rows:
    """Reads one row for each sentence.

    `reading.target` gives the column of tags by its name, or by its number counted from 1, and
    `reading.token` that of the tokens. `tags` is auto, spans or single (`tag_schemes.scheme_of`).
    Raises UsageError or DataRefused where there is nothing to train on.
    """
    findings = Findings(reading)
    if isinstance(source, pd.DataFrame):
        rows, files = _from_frame(source, findings), _Files(None)
    else:
        files = _files(path_of(source))
        rows = _with_names(_rows(files, findings, str(source)), files, findings)
    table = table_of_rows(rows, findings, tags)
    if "split" in table and files.folder:
        findings.taken.role("part", Message("the names of files, folders or columns"), "--split")
    findings.taken.tell()
    found = reading.finding(**findings.found, names=findings.names)
    return Rows(table, files.root, files.ignored, reading=found, taken=findings.taken)


# --- files ----------------------------------------------------------------------------------------


def _files(path: Path) -> _Files:
    """Returns the files of a folder, an archive or a single file, by their use."""
    if path.is_file() and not is_archive(path):
        entry = Entry(path.name, references.file_cell(path.absolute()))
        beside = [Entry(one.name, references.file_cell(one)) for one in _beside(path)]
        return _Files(path.parent, [entry], names=beside)
    tree = open_tree(path)
    files = _Files(
        tree.root, pairs=brat.pairs_of(tree.entries), ignored=[*tree.ignored], folder=True
    )
    used = {one.name for pair in files.pairs for one in pair}
    for entry in tree.entries:
        if numbers.is_names_file(entry.name):
            files.names.append(entry)
        elif entry.name not in used:
            if _fits(entry):
                files.data.append(entry)
            else:
                files.ignored.append(entry.name)
    return files


def _beside(path: Path) -> list[Path]:
    """Returns the files of tag names in the folder of a file."""
    found = (one for one in path.absolute().parent.iterdir() if numbers.is_names_file(one.name))
    return sorted(one for one in found if one.is_file())


def _fits(entry: Entry) -> bool:
    name = entry.name.rsplit("/", 1)[-1]
    if _ABOUT.fullmatch(name) or name.lower().endswith(_OTHER):
        return False
    if any(is_unlabelled(folder) for folder in entry.parts):
        return False
    start = start_of(entry.cell, 4096)
    return entry.problem is not None or not is_binary(start) or is_table_file(name, start)


def _part(entry: Entry) -> str:
    """Returns the part that the name of a file, else the innermost of its folders, means."""
    if part := part_of_file(entry.name):
        return part
    return next(filter(None, map(part_of_folder, reversed(entry.parts))), "")


def _rows(files: _Files, findings: Findings, where: str) -> list[TaggedRow]:
    """Returns the rows of all files.

    The form of columns is found in the files of the training part first. A file of a folder that is
    not tagged is left out if others are. Raises DataRefused where none is.
    """
    if not files.data and not files.pairs:
        raise DataRefused(
            Message("No file of tagged tokens was found"),
            code="no-files",
            where=where,
            fix=Message(
                "Add a file such as train.conll: one token and its tag on each line, an empty "
                "line between sentences."
            ),
        )
    parts = {entry.name: _part(entry) if files.folder else "" for entry in files.data}
    by_file, refused = dict[str, list[TaggedRow]](), dict[str, DataRefused]()
    for entry in sorted(files.data, key=lambda one: parts[one.name] not in ("", "train")):
        name = references.printable(entry.name)
        if entry.problem is not None:
            problem = replace(entry.problem, uncounted=True)
            by_file[entry.name] = [TaggedRow(name, problem=problem)]
            continue
        try:
            by_file[entry.name] = list(rows_of_file(entry, name, findings))
        except DataRefused as error:
            if error.code not in _NOT_TAGGED:
                raise
            refused[entry.name] = error
    rows = [row for entry in files.data for row in _parted(by_file, parts, entry.name)]
    for text, marks in files.pairs:
        for row in brat.rows_of_pair(text, marks, references.printable(text.name), findings):
            row.more["split"] = _part(text) if files.folder else ""
            rows.append(row)
    if refused and not rows:
        raise next(iter(refused.values()))
    for name, refusal in refused.items():
        files.ignored.append(name)
        findings.taken.leave("files", [name], why=refusal.message)
    if files.pairs:
        taken = findings.taken
        taken.role("input", Message("{count} files .txt of brat", count=len(files.pairs)))
        taken.role("answer", Message("{count} files .ann of brat", count=len(files.pairs)))
    return rows


def _parted(
    by_file: dict[str, list[TaggedRow]], parts: dict[str, str], name: str
) -> Iterator[TaggedRow]:
    """Yields the rows of a file with its part, unless the file has a column of parts."""
    for row in by_file.get(name, []):
        row.more["split"] = row.more.get("split") or parts[name]
        yield row


def _with_names(rows: list[TaggedRow], files: _Files, findings: Findings) -> list[TaggedRow]:
    """Returns the rows with the names of their tags where tags are numbers.

    The names are in a file beside the data, or those of training.
    """
    taken = findings.taken
    if not numbers.numbered([row.tags for row in rows if row.problem is None]):
        return rows
    target = findings.found.get("target", "")
    stored = findings.reading.found.get("names")
    names, file = list(stored) if isinstance(stored, list) else [], "facts.json"
    for entry in files.names:
        if found := numbers.names_in(entry, target):
            taken.role(Message("names of tags"), Message("file {name}", name=entry.name), "", found)
            names, file = found, entry.name
            break
    if not names:
        taken.note(
            Message(
                "Tags are numbers, and the data do not state whether they mark spans. Put their "
                "names in labels.txt beside the data, one on each line."
            )
        )
        return rows
    findings.names = names
    for row in rows:
        row.tags = numbers.named(row.tags, names, file)
    return rows


# --- tables ---------------------------------------------------------------------------------------


def _from_frame(frame: pd.DataFrame, findings: Findings) -> list[TaggedRow]:
    """Returns the rows of a DataFrame with `tokens`, or `text` and `places`, and with `tags`."""
    reading, names = findings.reading, frame.columns
    roles = ("target", "token", "split", "group", "time", "weight")
    given = {role: column_of(reading, role, names, "DataFrame") for role in roles}
    if given["target"] is not None:
        frame = frame.assign(tags=frame[given["target"]])
    if given["token"] is not None:
        frame = frame.assign(tokens=frame[given["token"]])
    if "tags" not in frame or not {"tokens", "places"} & set(frame.columns):
        raise DataRefused(
            Message("The table needs the columns tokens and tags, or text, places and tags"),
            code="missing-column",
            where="DataFrame",
            fix=Message(
                "Rename the columns, or add the missing one; the table has {columns}.",
                columns=", ".join(map(str, [*frame.columns][:20])),
            ),
        )
    by = columns_of(reading, "by", names, "DataFrame")
    return [
        _of_record(one, number, given, by)
        for number, one in enumerate(frame.to_dict(orient="records"))
    ]


def _of_record(one: dict[Any, Any], number: int, given: dict[str, Any], by: list[Any]) -> TaggedRow:
    text, places = one.get("text"), one.get("places")
    if not isinstance(places, (list, tuple)):
        words = [str(word) for word in one["tokens"]]
        text, places = joined(words, [True] * len(words))
    stated = one.get("problem")
    more = {"split": str(one.get("split") or "")}
    more |= {role: one[given[role]] for role in _MORE if given[role] is not None}
    return TaggedRow(
        str(one.get("source", f"row {number}")),
        str(text),
        tuple((int(start), int(end)) for start, end in places),
        tuple(map(str, one["tags"])),
        stated if isinstance(stated, Problem) else None,
        more=more | {f"{BY}{name}": one[name] for name in by},
    )


_MORE = ("split", "group", "time", "weight")
