"""List the tasks, or show one: its folder layout, its settings."""

from __future__ import annotations

import dataclasses
import inspect
import sys

from tenfold.core.document import Document
from tenfold.core.results import SCHEMA
from tenfold.task import options_of
from tenfold.tasks.registry import class_of, names

__all__ = ["tasks"]


def tasks(task: str | None = None) -> Document:
    """List the tasks, or show one: its folder layout, its settings.

    Args:
        task: Task to show in full.

    Example:
        tenfold tasks image-classification
    """
    if task is None:
        found = names()
        text = "\n".join(f"{name:24}{line}" for name, line in found.items())
        return Document({"schema": SCHEMA, "tasks": found}, text)
    cls = class_of(task)
    about = inspect.getdoc(sys.modules[cls.__module__]) or ""
    settings = {entry.name: _facts(entry) for entry in dataclasses.fields(cls)}  # type: ignore[arg-type]
    options = {entry.name: _facts(entry) for entry in dataclasses.fields(options_of(cls))}
    text = "\n".join(
        [about, "", "Settings:", *_lines(settings), "", "At prediction:", *_lines(options)]
    )
    content = {
        "schema": SCHEMA,
        "task": task,
        "about": about,
        "settings": settings,
        "options": options,
    }
    return Document(content, text)


def _facts(entry: dataclasses.Field[object]) -> dict[str, object]:
    known = {
        name: value
        for name, value in entry.metadata.items()
        if name not in ("accepts", "search") and value not in ("", (), None)
    }
    return {"default": entry.default, **known}


def _lines(settings: dict[str, dict[str, object]]) -> list[str]:
    lines = []
    for name, facts in settings.items():
        choices = facts.get("choices")
        shown = f" ({', '.join(map(str, choices))})" if isinstance(choices, tuple) else ""
        flag = f"--{name.replace('_', '-')}"
        lines.append(f"  {flag:14}{facts.get('help', '')}{shown}, default {facts['default']}")
    return lines
