"""Finds the tasks by name: each file or package in a `tasks` folder is one task."""

from __future__ import annotations

import ast
import contextlib
import importlib
import inspect
import os
import shlex
import tempfile
from pathlib import Path
from typing import Any

import pandas as pd

from tenfold.core.errors import TenfoldError, UsageError, nearest
from tenfold.core.message import Message
from tenfold.core.progress import Silent, listening
from tenfold.core.rooms import folders
from tenfold.core.settings import check_settings
from tenfold.media.files.sample import small_copy
from tenfold.task import Task

__all__ = ["asked_back", "class_of", "find", "names"]


def names() -> dict[str, str]:
    """Every task with the first line of its docstring, without importing it."""
    found = {}
    for path in _files():
        text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
        found[_name(path)] = text.split("\n")[0]
    return found


def _files() -> list[Path]:
    """The file of each task: a module of this room, or the `__init__.py` of a package."""
    rooms = [Path(__file__).parent, *folders("tasks")]
    files = [path for room in rooms for path in room.glob("[!_]*.py") if path != Path(__file__)]
    files += [path for room in rooms for path in room.glob("[!_]*/__init__.py")]
    return sorted(files, key=_name)


def _name(path: Path) -> str:
    """The name of a file's task on the command line."""
    stem = path.parent.name if path.name == "__init__.py" else path.stem
    return stem.replace("_", "-")


def class_of(task: str) -> type[Task]:
    """The class of a task.

    Raises UsageError, which suggests the nearest task, where the name is unknown.
    """
    known = names()
    if task not in known:
        raise UsageError(
            Message("Unknown task {task!r}", task=task),
            code="unknown-task",
            fix=nearest(task, known),
        )
    module = importlib.import_module(f"tenfold.tasks.{task.replace('-', '_')}")
    (found,) = [
        value
        for value in vars(module).values()
        if inspect.isclass(value) and issubclass(value, Task) and value is not Task
    ]
    return found


def chosen(task: str, data: Any, verb: str, settings: dict[str, Any]) -> Task:
    """Returns the task that a user chose, with these settings, before any data are read.

    Raises UsageError where the task is missing or mistyped, or a setting is invalid.
    """
    if task not in names():
        raise asked_back(task, data, verb)
    return find(task, **settings)


def asked_back(task: str, data: Any = None, verb: str = "train") -> UsageError:
    """The error for a task that is mistyped, or missing (`data` is None).

    The fix suggests the nearest task, or the tasks that can read the data with the whole command.
    """
    known = names()
    if data is None and task in known:
        return _ask(
            Message("The data argument is missing"),
            "missing-data",
            Message("tenfold {verb} {task} FOLDER", verb=verb, task=task),
        )
    if isinstance(data, str) and data in known and os.path.exists(task):
        return _ask(
            Message("The task must come before the data"),
            "task-first",
            Message("{command}", command=_line(verb, data, task)),
        )
    near = nearest(task, known)
    source = task if data is None else data
    if not isinstance(source, pd.DataFrame) and not os.path.exists(source):
        what = Message("Unknown task {task!r}", task=task)
        return _ask(
            Message("{what}, and no file has this name", what=what) if data is None else what,
            "unknown-task",
            near,
        )
    fits = _fitting(source)
    looks = Message("The data look like {tasks}:", tasks=" / ".join(fits)) if fits else near
    line = _line(verb, fits[0] if fits else "TASK", source)
    if data is None:
        what = Message("{task!r} is a path; the task is missing before it", task=task)
        return _ask(what, "missing-task", Message("{looks} {line}", looks=looks, line=line))
    if fits and near.startswith("Did"):
        looks = Message("{near} {looks}", near=near, looks=looks)
    return _ask(
        Message("Unknown task {task!r}", task=task),
        "unknown-task",
        Message("{looks} {line}", looks=looks, line=line),
    )


def _ask(message: Message, code: str, fix: Message) -> UsageError:
    return UsageError(message, code=code, fix=fix)


def _line(verb: str, task: str, data: Any) -> str:
    place = "DATA" if isinstance(data, pd.DataFrame) else shlex.quote(str(data))
    return f"tenfold {verb} {task} {place}"


def _fitting(data: Any) -> list[str]:
    """The tasks that can read the data, tried on a small copy: the first files of each folder."""
    found = []
    with tempfile.TemporaryDirectory() as place, listening(Silent()):
        source = data if isinstance(data, pd.DataFrame) else small_copy(Path(data), Path(place))
        for task in names():
            with contextlib.suppress(TenfoldError, OSError):
                problems = class_of(task)().read(source).table["problem"]
                if problems.isna().mean() > 0.5:
                    found.append(task)
    return found


def find(task: str, **settings: Any) -> Task:
    """The task of that name with its settings, each checked.

    Raises UsageError for an unknown task, an unknown setting, or a value out of range.
    """
    return check_settings(class_of(task), settings, task)
