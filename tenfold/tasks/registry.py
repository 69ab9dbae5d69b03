"""The list of tasks: a file or package in this folder is a task, found by its name."""

from __future__ import annotations

import ast
import contextlib
import importlib
import inspect
import os
import shlex
from pathlib import Path
from typing import Any

import pandas as pd

from tenfold.core.errors import TenfoldError, UsageError, nearest
from tenfold.core.progress import Silent, listening
from tenfold.core.settings import check_settings
from tenfold.task import App

__all__ = ["asked_back", "class_of", "find", "names"]


def names() -> dict[str, str]:
    """Every kind of work with the first line of its docstring; nothing is imported."""
    found = {}
    for path in _files():
        text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
        found[_name(path)] = text.split("\n")[0]
    return found


def _files() -> list[Path]:
    """The file of each task: a module of this folder, or the first file of a package."""
    folder = Path(__file__).parent
    files = [path for path in folder.glob("[!_]*.py") if path != Path(__file__)]
    return sorted([*files, *folder.glob("[!_]*/__init__.py")], key=_name)


def _name(path: Path) -> str:
    """The task of a file, as the command line names it."""
    stem = path.parent.name if path.name == "__init__.py" else path.stem
    return stem.replace("_", "-")


def class_of(kind: str) -> type[App]:
    """The application class of a kind of work.

    Raises UsageError, naming the nearest kind, where there is none of that name.
    """
    known = names()
    if kind not in known:
        raise UsageError(
            f"There is no kind of work called {kind!r}",
            code="unknown-kind",
            fix=nearest(kind, known),
        )
    module = importlib.import_module(f"tenfold.tasks.{kind.replace('-', '_')}")
    (found,) = [
        value
        for value in vars(module).values()
        if inspect.isclass(value) and issubclass(value, App) and value is not App
    ]
    return found


def asked_back(kind: str, data: Any = None, verb: str = "train") -> UsageError:
    """What to say where the kind of work is mistyped, or missing (`data` is None).

    The kinds that can read the data are named, with the whole command.
    """
    known = names()
    if data is None and kind in known:
        return _ask("The data are missing", "missing-data", f"tenfold {verb} {kind} FOLDER")
    if isinstance(data, str) and data in known and os.path.exists(kind):
        return _ask("The kind of work comes first", "kind-first", _line(verb, data, kind))
    near = nearest(kind, known)
    source = kind if data is None else data
    if not isinstance(source, pd.DataFrame) and not os.path.exists(source):
        what = f"There is no kind of work called {kind!r}"
        return _ask(f"{what}, and no such file" if data is None else what, "unknown-kind", near)
    fits = _fitting(source)
    looks = f"The data look like {' or '.join(fits)}:" if fits else near
    line = _line(verb, fits[0] if fits else "KIND", source)
    if data is None:
        what = f"{kind!r} is data, and the kind of work is missing before it"
        return _ask(what, "missing-kind", f"{looks} {line}")
    looks = f"{near} {looks}" if near.startswith("Did") and fits else looks
    return _ask(f"There is no kind of work called {kind!r}", "unknown-kind", f"{looks} {line}")


def _ask(message: str, code: str, fix: str) -> UsageError:
    return UsageError(message, code=code, fix=fix)


def _line(verb: str, kind: str, data: Any) -> str:
    place = "DATA" if isinstance(data, pd.DataFrame) else shlex.quote(str(data))
    return f"tenfold {verb} {kind} {place}"


def _fitting(data: Any) -> list[str]:
    """The kinds of work that can read the data."""
    found = []
    with listening(Silent()):
        for kind in names():
            with contextlib.suppress(TenfoldError):
                problems = class_of(kind)().read(data).get("problem", pd.Series([None]))
                if problems.isna().mean() > 0.5:
                    found.append(kind)
    return found


def find(kind: str, **settings: Any) -> App:
    """The application of a kind of work with its settings, each checked.

    Raises UsageError for an unknown kind, an unknown setting, or a value out of range.
    """
    return check_settings(class_of(kind), settings, kind)
