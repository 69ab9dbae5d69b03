"""What a task declares, in words of JSON: its options, and the name of its answer."""

from __future__ import annotations

import dataclasses
import functools
from typing import Any, get_args, get_type_hints

__all__ = ["answer_name", "options"]

_TYPES: dict[Any, str] = {int: "integer", float: "number", str: "string", bool: "boolean"}


def answer_name(answer: Any) -> str:
    """A kind of Prediction as answers name it."""
    return str(answer.__name__).lower()


@functools.cache
def options(cls: Any) -> dict[str, dict[str, Any]]:
    """Choices at prediction time: type, default, help, unit, choices and range."""
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
    }


def type_word(hint: Any) -> str:
    """`integer` of `int` and of `int | None`."""
    plain = [part for part in get_args(hint) or (hint,) if part is not type(None)]
    return _TYPES.get(plain[0], "string")
