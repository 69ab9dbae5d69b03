"""Finds the tasks by name: each file or package in a `tasks` folder is one task."""

from __future__ import annotations

import ast
import functools
import importlib
import inspect
from pathlib import Path
from typing import Any

from tenfold.core.errors import UsageError, nearest
from tenfold.core.message import Message
from tenfold.core.rooms import folders
from tenfold.core.settings import check_settings
from tenfold.task import Task

__all__ = ["class_of", "find", "names"]


def names() -> dict[str, str]:
    """Returns the name of each task and the first line of its docstring, importing no task."""
    return {_name(path): _summary(path) for path in _files()}


@functools.cache
def _summary(path: Path) -> str:
    """Returns the first line of a file's docstring; cached, as every verb asks several times."""
    text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    return text.split("\n")[0]


def _files() -> list[Path]:
    """Returns the file of each task in this folder and in the `tasks` folders of extensions.

    It is a module, or the `__init__.py` of a package.
    """
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

    Raises UsageError, which suggests the task with the most similar name, for an unknown name.
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


def find(task: str, **settings: Any) -> Task:
    """The task of that name with its settings, each checked.

    Raises UsageError for an unknown task, an unknown setting, or a value out of range.
    """
    return check_settings(class_of(task), settings, task)
