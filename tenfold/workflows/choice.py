"""Finds the task of a command: the one that is named, else the one that fits the data best.

Only a few files are read for this (`media/files/sample.py`), never the whole data.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from tenfold.core.errors import TenfoldError, UsageError, nearest
from tenfold.core.message import EMPTY, Message
from tenfold.core.progress import Silent, listening, tell
from tenfold.core.rows import Rows
from tenfold.core.system import shell_word
from tenfold.media.files.listing import is_archive, open_tree
from tenfold.media.files.sample import small_copy
from tenfold.media.medium import Medium
from tenfold.media.reading import Reading, of_settings
from tenfold.media.registry import known, media_of
from tenfold.task import Task
from tenfold.tasks.registry import class_of, find, names

__all__ = ["Fit", "asked_back", "chosen", "fits", "guessed", "with_task"]

SMALLEST_FIT = 0.3
"""Minimum score (`Fit.score`) at which a task counts as fitting the data."""
NEAR = 0.6
"""Fraction of the best score at or above which a second task makes the choice ambiguous."""
SEEN_ROWS = 20_000
"""Maximum number of rows whose contents are compared."""


@dataclass(frozen=True)
class Fit:
    """How well a task fits the data, from 0 to 1, and how it reads them, as a sentence."""

    task: str
    score: float
    reading: Message


def chosen(
    task: str, data: Any, verb: str, settings: dict[str, Any]
) -> tuple[Task, Reading, dict[str, Any]]:
    """Returns the task that a user chose, how to read the data, and the settings of the task.

    Nothing is read. Raises UsageError where the task is missing or mistyped, or a value is invalid.
    """
    if task not in names():
        raise asked_back(task, data, verb)
    reading, own = of_settings(settings, class_of(task).roles)
    return find(task, **own), reading, own


def guessed(data: Any, verb: str) -> str:
    """Returns the name of the task that fits the data best, and prints how it reads them.

    Raises UsageError where no task fits, or two fit nearly alike.
    """
    found = fits(data)
    if not found:
        raise _none_fits(data, verb)
    near = [one for one in found if one.score >= NEAR * found[0].score]
    if len(near) > 1:
        raise _ask(
            Message("The task is missing, and several fit the data"),
            "missing-task",
            _readings(near, verb, data),
        )
    tell(Message("Task: {task} ({reading})", task=near[0].task, reading=near[0].reading))
    return near[0].task


def with_task(words: list[str], switches: set[str], verb: str) -> list[str]:
    """Returns the words of a command; if it names only data, the guessed task is put before them.

    `switches` are the flags of the verb without a value; every other flag has one. Raises
    UsageError where no task fits the data, or two fit nearly alike.
    """
    places, skipped = list[int](), False
    for place, word in enumerate(words):
        if skipped:
            skipped = False
        elif not word.startswith("-"):
            places.append(place)
        else:
            skipped = word not in switches and "=" not in word
    data = words[places[0]] if len(places) == 1 else ""
    if not data or data in names() or not os.path.exists(data):
        return words
    return [*words[: places[0]], guessed(data, verb), *words[places[0] :]]


def asked_back(task: str, data: Any = None, verb: str = "train") -> UsageError:
    """Returns the error for a mistyped task, or for a command without its task or its data.

    The fix suggests the task with the most similar name, or the whole command for each task that
    fits the data.
    """
    registered = names()
    if data is None and task in registered:
        return _ask(
            Message("The data argument is missing"),
            "missing-data",
            Message("tenfold {verb} {task} FOLDER", verb=verb, task=task),
        )
    if isinstance(data, str) and data in registered and os.path.exists(task):
        return _ask(
            Message("The task must come before the data"),
            "task-first",
            Message("{command}", command=_line(verb, data, task)),
        )
    near = nearest(task, registered)
    what = Message("Unknown task {task!r}", task=task)
    if data is None:
        what = Message("{what}, and no file has this name", what=what)
    if data is None or (not isinstance(data, pd.DataFrame) and not os.path.exists(data)):
        return _ask(what, "unknown-task", near)
    found = fits(data)
    looks = _readings(found, verb, data) if found else _command(near, verb, data)
    if found and near.startswith("Did"):
        looks = Message("{near} {looks}", near=near, looks=looks)
    return _ask(what, "unknown-task", looks)


def _none_fits(data: Any, verb: str) -> UsageError:
    """The error for data that no task can read; names their medium where no task takes it."""
    listed = ", ".join(sorted(names()))
    if (medium := _unread_medium(data)) is not None:
        return _ask(
            Message("The data are {plural}, and no task reads {plural}", plural=medium.plural),
            "no-task",
            Message("The tasks are {names}; `tenfold tasks` describes them.", names=listed),
        )
    what = Message("{task!r} is a path; the task is missing before it", task=str(data))
    near = Message("Known names: {names}.", names=listed)
    return _ask(what, "missing-task", _command(near, verb, data))


def _command(looks: Message, verb: str, data: Any) -> Message:
    return Message("{looks} {line}", looks=looks, line=_line(verb, "TASK", data))


def _readings(found: list[Fit], verb: str, data: Any) -> Message:
    """Returns a message with each task's reading of the data and the whole command for it."""
    lines = EMPTY
    for one in found:
        line = Message(
            "{reading}: {command}", reading=one.reading, command=_line(verb, one.task, data)
        )
        lines = Message("{lines}\n  {line}", lines=lines, line=line) if lines else line
    return Message("The data can be read as {readings}", readings=lines)


def _ask(message: Message, code: str, fix: Message) -> UsageError:
    return UsageError(message, code=code, fix=fix)


def _line(verb: str, task: str, data: Any) -> str:
    place = "DATA" if isinstance(data, pd.DataFrame) else shell_word(data)
    return f"tenfold {verb} {task} {place}"


# --- how well a task fits -------------------------------------------------------------------------


def fits(data: Any) -> list[Fit]:
    """Returns the tasks that fit the data, best first; reads only the first files of a folder."""
    with tempfile.TemporaryDirectory() as place, listening(Silent()):
        source = data if isinstance(data, pd.DataFrame) else small_copy(Path(data), Path(place))
        files, other = _counted(source)
        found = [fit for task in names() if (fit := _fit(task, source, files, other)) is not None]
    return sorted(found, key=lambda one: -one.score)


def _counted(source: Any) -> tuple[int, int]:
    """Returns two counts: files that may be data, and the other files, such as system files."""
    with contextlib.suppress(TenfoldError, OSError):
        if isinstance(source, Path) and (source.is_dir() or is_archive(source)):
            tree = open_tree(source)
            return len(tree.entries), len(tree.ignored)
    return 1, 0


def _fit(task: str, source: Any, files: int, other: int) -> Fit | None:
    """How well a task fits a small copy of the data; None where it cannot read them."""
    try:
        rows = class_of(task)().read(source)
    except (TenfoldError, OSError):
        return None
    good = rows.table["problem"].isna().to_numpy() & ~rows.answer.blank(rows.table)
    used = (files + other - len(rows.ignored)) / max(1, files)
    kept = rows.with_table(rows.table[good].reset_index(drop=True))
    if not good.any() or used <= 0:
        return None
    score = min(1.0, used) * float(good.mean()) * _plausible(kept)
    return Fit(task, score, _reading(kept)) if score >= SMALLEST_FIT else None


def _plausible(rows: Rows) -> float:
    """How plausible a reading is, from 0 to 1.

    Rows with few different contents, texts without a letter, and nearly as many classes as labels
    speak against it. A single class halves the result: the rows of a small copy may all belong to
    the first class.
    """
    table = rows.table.iloc[:SEEN_ROWS]
    shares = [1.0]
    for name, medium in media_of(rows.inputs).items():
        contents = [] if medium.files else [medium.content(cell) for cell in table[name]]
        if contents and None not in contents:
            shares.append(len(set(contents)) / len(contents))
            shares.append(float(np.mean([_has_letter(medium.text(cell)) for cell in table[name]])))
    classes = len(rows.answer.classes_in(table))
    labels = max(len(table), rows.answer.counts(table).total())  # a row may have several classes
    spread = 1 - (classes - 1) / labels if classes and len(table) > 1 else 1.0
    trainable = 0.5 if rows.answer.refuse(table) is not None else 1.0
    return float(np.prod(shares)) * spread * trainable


def _has_letter(text: str) -> bool:
    return any(map(str.isalpha, text))


def _reading(rows: Rows) -> Message:
    """How a task reads the data, such as "pictures with 2 classes: cat, dog"."""
    media = list(media_of(rows.inputs).values())
    classes = sorted(rows.answer.classes_in(rows.table))
    plural = media[0].plural if media else Message("rows")
    if not classes:
        return Message(
            "{plural} with answers of the kind {kind}", plural=plural, kind=rows.answer.name
        )
    shown = ", ".join(classes[:4]) + (" ..." if len(classes) > 4 else "")
    return Message("{plural} with the classes {classes}", plural=plural, classes=shown)


def _unread_medium(data: Any) -> Medium | None:
    """Returns the medium of most files if no format of this medium can be read, else None."""
    with tempfile.TemporaryDirectory() as place, contextlib.suppress(TenfoldError, OSError):
        source = small_copy(Path(data), Path(place))
        suffixes = [entry.suffix for entry in open_tree(source).entries] if source.is_dir() else []
        counts = {
            name: sum(suffix in medium.suffixes | medium.unread for suffix in suffixes)
            for name, medium in known().items()
        }
        best = max(counts, key=lambda name: counts[name])
        medium = known()[best]
        if counts[best] and medium.files and not medium.suffixes:
            return medium
    return None
