"""The list of tasks: a file or package in a room of tasks is a task, found by its name."""

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
from tenfold.core.progress import Silent, listening
from tenfold.core.rooms import folders
from tenfold.core.settings import check_settings
from tenfold.media.files.sample import small_copy
from tenfold.task import Task

__all__ = ["asked_back", "class_of", "find", "names"]


def names() -> dict[str, str]:
    """Every task with the first line of its docstring; nothing is imported."""
    found = {}
    for path in _files():
        text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
        found[_name(path)] = text.split("\n")[0]
    return found


def _files() -> list[Path]:
    """The file of each task: a module of this room, or the first file of a package."""
    rooms = [Path(__file__).parent, *folders("tasks")]
    files = [path for room in rooms for path in room.glob("[!_]*.py") if path != Path(__file__)]
    files += [path for room in rooms for path in room.glob("[!_]*/__init__.py")]
    return sorted(files, key=_name)


def _name(path: Path) -> str:
    """The task of a file, as the command line names it."""
    stem = path.parent.name if path.name == "__init__.py" else path.stem
    return stem.replace("_", "-")


def class_of(task: str) -> type[Task]:
    """The class of a task.

    Raises UsageError, naming the nearest kind, where there is none of that name.
    """
    known = names()
    if task not in known:
        raise UsageError(
            f"There is no task called {task!r}",
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


def asked_back(task: str, data: Any = None, verb: str = "train") -> UsageError:
    """What to say where the task is mistyped, or missing (`data` is None).

    The kinds that can read the data are named, with the whole command.
    """
    known = names()
    if data is None and task in known:
        return _ask("The data are missing", "missing-data", f"tenfold {verb} {task} FOLDER")
    if isinstance(data, str) and data in known and os.path.exists(task):
        return _ask("The task comes first", "task-first", _line(verb, data, task))
    near = nearest(task, known)
    source = task if data is None else data
    if not isinstance(source, pd.DataFrame) and not os.path.exists(source):
        what = f"There is no task called {task!r}"
        return _ask(f"{what}, and no such file" if data is None else what, "unknown-task", near)
    fits = _fitting(source)
    looks = f"The data look like {' or '.join(fits)}:" if fits else near
    line = _line(verb, fits[0] if fits else "TASK", source)
    if data is None:
        what = f"{task!r} is data, and the task is missing before it"
        return _ask(what, "missing-task", f"{looks} {line}")
    looks = f"{near} {looks}" if near.startswith("Did") and fits else looks
    return _ask(f"There is no task called {task!r}", "unknown-task", f"{looks} {line}")


def _ask(message: str, code: str, fix: str) -> UsageError:
    return UsageError(message, code=code, fix=fix)


def _line(verb: str, task: str, data: Any) -> str:
    place = "DATA" if isinstance(data, pd.DataFrame) else shlex.quote(str(data))
    return f"tenfold {verb} {task} {place}"


def _fitting(data: Any) -> list[str]:
    """The tasks that can read the data, by a look at the first files of each folder."""
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

    Raises UsageError for an unknown kind, an unknown setting, or a value out of range.
    """
    return check_settings(class_of(task), settings, task)
