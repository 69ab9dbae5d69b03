"""List the tasks, or show one: its folder layout, its settings."""

from __future__ import annotations

import dataclasses
import inspect
import sys
from typing import Any

from tenfold.core.document import Document
from tenfold.core.language import say
from tenfold.core.message import translate
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
        return Document(
            {"schema": SCHEMA, "tasks": found},
            lambda: "\n".join(f"{name:24}{translate(line)}" for name, line in found.items()),
        )
    cls = class_of(task)
    about = inspect.getdoc(sys.modules[cls.__module__]) or ""
    settings = {entry.name: _facts(entry) for entry in dataclasses.fields(cls)}  # type: ignore[arg-type]
    options = {entry.name: _facts(entry) for entry in dataclasses.fields(options_of(cls))}
    content = {
        "schema": SCHEMA,
        "task": task,
        "about": about,
        "settings": settings,
        "options": options,
    }
    return Document(content, lambda: _text(content))


def _text(content: dict[str, Any]) -> str:
    about = "\n\n".join(map(translate, content["about"].split("\n\n")))
    lines = [about, "", say("Settings:"), *_lines(content["settings"])]
    return "\n".join([*lines, "", say("At prediction:"), *_lines(content["options"])])


def _facts(entry: dataclasses.Field[object]) -> dict[str, object]:
    known = {
        name: value
        for name, value in entry.metadata.items()
        if name not in ("accepts", "search") and value not in ("", (), None)
    }
    return {"default": entry.default, **known}


def _lines(settings: dict[str, dict[str, object]]) -> list[str]:
    lines = []
    wide = max((len(name) for name in settings), default=0) + 4
    for name, facts in settings.items():
        choices = facts.get("choices")
        shown = f" ({', '.join(map(str, choices))})" if isinstance(choices, tuple) else ""
        flag = f"--{name.replace('_', '-')}"
        text = f"{translate(str(facts.get('help', '')))}{shown}"
        lines.append(f"  {flag:{wide}}{text}{say(', default {value}', value=facts['default'])}")
    return lines
