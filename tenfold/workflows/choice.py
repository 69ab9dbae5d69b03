"""Finds the task of a command: the one that is named, else the one that fits the data best.

Only a few files are read for this (`media/files/sample.py`), never the whole data.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import shlex
import tempfile
from collections.abc import Iterator, Mapping, Sequence
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
from tenfold.media.reading import AS_FOUND, COMMON, Reading, of_settings, with_table
from tenfold.media.registry import known, media_of
from tenfold.task import Task
from tenfold.tasks.registry import class_of, find, names

__all__ = ["Fit", "asked_back", "chosen", "fits", "found_by_data", "guessed", "with_task"]

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
        raise asked_back(task, data, verb, settings)
    reading, own = of_settings(settings, class_of(task).roles)
    return find(task, **own), reading, own


def guessed(data: Any, verb: str, flags: Sequence[str] = ()) -> str:
    """Returns the name of the task that fits the data best, and prints how it reads them.

    `flags` are the other words of the command, such as `--target` and its column: a task that does
    not have a given flag for columns does not fit. Raises UsageError where no task fits, or two fit
    nearly alike.
    """
    settings = _settings_of(flags)
    found = fits(data, settings)
    if not found:
        raise _none_fits(data, verb, _without_target(data, settings), flags)
    near = [one for one in found if one.score >= NEAR * found[0].score]
    if len(near) > 1:
        raise _ask(
            Message("The task is missing, and several fit the data"),
            "missing-task",
            _readings(near, verb, data, flags),
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
    if not data or data in names() or not os.path.exists(with_table(data, AS_FOUND)[0]):
        return words
    before, after = words[: places[0]], words[places[0] + 1 :]
    return [*before, guessed(data, verb, [*before, *after]), data, *after]


def _settings_of(flags: Sequence[str]) -> dict[str, Any]:
    """Returns the values of the flags that name columns and notation, by name."""
    roles = {one.name for task in names() for one in class_of(task).roles}
    found = dict[str, Any]()
    for word, after in itertools.pairwise([*flags, ""]):
        name, sign, value = word.removeprefix("--").partition("=")
        if word.startswith("--") and name in {*COMMON, *roles}:
            text = value if sign else after
            found[name] = (*found.get(name, ()), text) if name == "by" else text
    return found


def asked_back(
    task: str, data: Any = None, verb: str = "train", settings: Mapping[str, Any] | None = None
) -> UsageError:
    """Returns the error for a mistyped task, or for a command without its task or its data.

    The fix suggests the task with the most similar name, or the whole command for each task that
    fits the data, read with these settings.
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
    found = fits(data, settings)
    looks = _readings(found, verb, data) if found else _command(near, verb, data)
    if found and near.startswith("Did"):
        looks = Message("{near} {looks}", near=near, looks=looks)
    return _ask(what, "unknown-task", looks)


def _none_fits(
    data: Any, verb: str, without_target: Sequence[str], flags: Sequence[str]
) -> UsageError:
    """The error for data that no task can read; names their medium where no task takes it.

    `without_target` are the tasks that could read them with the column to learn.
    """
    if without_target:
        lines = [_line(verb, one, data, [*flags, "--target", "NAME"]) for one in without_target]
        return _ask(
            Message("The task is missing, and so is the column to learn"),
            "missing-task",
            Message("Give both, as in {commands}", commands="; ".join(lines)),
        )
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


def _readings(found: list[Fit], verb: str, data: Any, flags: Sequence[str] = ()) -> Message:
    """Returns a message with each task's reading of the data and the whole command for it."""
    lines = EMPTY
    for one in found:
        line = Message(
            "{reading}: {command}", reading=one.reading, command=_line(verb, one.task, data, flags)
        )
        lines = Message("{lines}\n  {line}", lines=lines, line=line) if lines else line
    return Message("The data can be read as {readings}", readings=lines)


def _ask(message: Message, code: str, fix: Message) -> UsageError:
    return UsageError(message, code=code, fix=fix)


def _line(verb: str, task: str, data: Any, flags: Sequence[str] = ()) -> str:
    place = "DATA" if isinstance(data, pd.DataFrame) else shell_word(data)
    return " ".join(["tenfold", verb, task, place, *map(shlex.quote, flags)])


# --- how well a task fits -------------------------------------------------------------------------


def fits(data: Any, settings: Mapping[str, Any] | None = None) -> list[Fit]:
    """Returns the tasks that fit the data, best first; reads only the first files of a folder.

    `settings` are values of flags for columns and notation.
    """
    with _small(data, settings or {}) as (source, given):
        files, other = _counted(source)
        each = [_fit(task, source, files, other, given) for task in found_by_data()]
    return sorted((one for one in each if one is not None), key=lambda one: -one.score)


def found_by_data() -> list[str]:
    """Returns the names of the tasks that can be found by their data: those that need labels."""
    return [task for task in names() if not all(kind.unlabelled for kind in class_of(task).answers)]


def _without_target(data: Any, settings: Mapping[str, Any]) -> list[str]:
    """Returns the tasks that could read the data if the column to learn were given."""
    found = list[str]()
    with _small(data, settings) as (source, given):
        for task in names():
            try:
                _read(task, source, given)
            except (TenfoldError, OSError) as error:
                asks = isinstance(error, TenfoldError) and error.code == "missing-target"
                found += [task] if asks else []
    return found


@contextlib.contextmanager
def _small(data: Any, settings: Mapping[str, Any]) -> Iterator[tuple[Any, Mapping[str, Any]]]:
    """Yields a small copy of the data, without `#table` in its name, and the settings with it."""
    path, held = with_table(data, AS_FOUND)
    given = {**settings, "table": held.table} if held.table else settings
    with tempfile.TemporaryDirectory() as place, listening(Silent()):
        yield path if isinstance(path, pd.DataFrame) else small_copy(Path(path), Path(place)), given


def _counted(source: Any) -> tuple[set[str], int]:
    """Returns the names of the files that may be data, and the number of other files.

    A single file has none, because only its rows can be ignored.
    """
    with contextlib.suppress(TenfoldError, OSError):
        if isinstance(source, Path) and (source.is_dir() or is_archive(source)):
            tree = open_tree(source)
            return {one.name for one in tree.entries}, len(tree.ignored)
    return set(), 0


def _fit(
    task: str, source: Any, files: set[str], other: int, settings: Mapping[str, Any]
) -> Fit | None:
    """How well a task fits a small copy of the data; None where it cannot read them."""
    try:
        rows = _read(task, source, settings)
    except (TenfoldError, OSError):
        return None
    good = rows.table["problem"].isna().to_numpy() & ~rows.answer.blank(rows.table)
    ignored = [name for name in rows.ignored if name.rpartition(":")[0] not in files]
    used = (len(files) + other - len(ignored)) / len(files) if files else 1.0
    kept = rows.with_table(rows.table[good].reset_index(drop=True))
    if not good.any() or used <= 0:
        return None
    score = min(1.0, used) * float(good.mean()) * _plausible(kept)
    return Fit(task, score, _reading(kept)) if score >= SMALLEST_FIT else None


def _read(task: str, source: Any, settings: Mapping[str, Any]) -> Rows:
    """Returns the rows that a task reads; `settings` are values of flags for columns and notation.

    Raises TenfoldError where it cannot read them, or has no such flag.
    """
    roles = class_of(task).roles
    known = {*COMMON, *(one.name for one in roles)}
    for name in settings.keys() - known:
        raise UsageError(Message("No such option: {name}", name=f"--{name}"), code="usage")
    reading, _ = of_settings(settings, roles)
    return class_of(task)().read(source, reading)


def _plausible(rows: Rows) -> float:
    """How plausible a reading is, from 0 to 1.

    Cells unusual for their medium, rows with few different contents, texts without a letter, and
    nearly as many classes as labels speak against it. A single class halves the result: the rows of
    a small copy may all belong to the first class.
    """
    table = rows.table.iloc[:SEEN_ROWS]
    shares = [1.0]
    for name, medium in media_of(rows.inputs).items():
        shares.append(medium.plausibility(list(table[name])))
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
