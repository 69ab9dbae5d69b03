"""The options of a task, described with the types of JSON."""

from __future__ import annotations

import dataclasses
import functools
from typing import Any, get_args, get_type_hints

__all__ = ["options"]

_TYPES: dict[Any, str] = {int: "integer", float: "number", str: "string", bool: "boolean"}


@functools.cache
def options(cls: Any) -> dict[str, dict[str, Any]]:
    """The options of a dataclass by name: type, default, help, unit, choices and range.

    Options that name files of this machine are left out.
    """
    hints = get_type_hints(cls)
    return {
        entry.name: {
            "type": type_word(hints[entry.name]),
            "default": entry.default,
            "help": entry.metadata.get("help", ""),
            "unit": entry.metadata.get("unit", ""),
            "choices": list(entry.metadata.get("choices", ())),
            "low": entry.metadata.get("low"),
            "high": entry.metadata.get("high"),
        }
        for entry in dataclasses.fields(cls)
        if not entry.metadata.get("local")
    }


def type_word(hint: Any) -> str:
    """The JSON type of a type hint: `integer` for `int` and for `int | None`."""
    plain = [part for part in get_args(hint) or (hint,) if part is not type(None)]
    return _TYPES.get(plain[0], "string")
