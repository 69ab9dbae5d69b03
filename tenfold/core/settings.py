"""Settings: dataclass fields that know their help, unit, range and what a search may try."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, get_args, get_origin, get_type_hints

import numpy as np

from tenfold.core.errors import UsageError, nearest

__all__ = [
    "NoOptions",
    "Range",
    "Search",
    "check_settings",
    "merged_options",
    "setting",
    "settings_of",
]


@dataclass(frozen=True)
class Range:
    """Numbers to search between, both above 0, drawn evenly in their logarithm.

    A default outside of it, such as a 0 that means "decide", is taken to be its middle.
    """

    low: float
    high: float


Search = tuple[Any, ...] | Range
"""What may be tried for one setting."""


def setting(
    default: Any,
    help: str,
    *,
    unit: str = "",
    choices: tuple[Any, ...] = (),
    low: float | None = None,
    high: float | None = None,
    accepts: Callable[[Any], object] | None = None,
    search: Search | Callable[[dict[str, Any]], Search] = (),
) -> Any:
    """A dataclass field that knows its help, unit and range, for flags and for `check_settings`.

    `accepts(value)` raises UsageError for a value of the right type that means nothing.

    `search` says what `tune` may try where the person gave no value: some values (the default is
    always one of them), a `Range` of numbers, or a function that gives either from the settings by
    name as they stand once the fields above are drawn; () holds the default.
    """
    facts = {"help": help, "unit": unit, "choices": choices, "low": low, "high": high}
    return field(default=default, metadata=facts | {"accepts": accepts, "search": search})


@dataclass(frozen=True)
class NoOptions:
    """No choices at prediction time."""


@functools.cache
def merged_options(*parts: type) -> type:
    """A frozen dataclass with the options of all `parts`, in their order, each name once."""
    fields = {
        entry.name: (entry.name, hint, field(default=entry.default, metadata=entry.metadata))
        for part in parts
        for entry, hint in zip(dataclasses.fields(part), _field_hints(part), strict=True)
    }
    return dataclasses.make_dataclass("Options", list(fields.values()), frozen=True)


def _field_hints(part: Any) -> list[Any]:
    hints = get_type_hints(part)
    return [hints[entry.name] for entry in dataclasses.fields(part)]


def settings_of(task: Any) -> dict[str, Any]:
    """The settings of a task by name."""
    return dataclasses.asdict(task)


def check_settings(cls: Any, values: dict[str, Any], owner: str) -> Any:
    """`cls(**values)` once every name is known and every value is of the right type and range.

    Raises UsageError with the sentence "X of Y must be ..., got ...".
    """
    hints = _hints(cls)
    fields = {entry.name: entry for entry in dataclasses.fields(cls)}
    for name, value in values.items():
        if name not in fields:
            raise UsageError(
                f"{owner} has no setting {name!r}",
                code="unknown-setting",
                fix=nearest(name, [key.replace("_", "-") for key in fields])
                if fields
                else "It has none.",
            )
        _check(owner, fields[name], hints[name], value)
    return cls(**values)


@functools.cache
def _hints(cls: Any) -> dict[str, Any]:
    """Types by name; a server asks with every request."""
    return get_type_hints(cls)


def _hint(entry: dataclasses.Field[Any], value: Any) -> str:
    """What a setting is for, and the choice that is nearest to a mistyped one."""
    said = str(entry.metadata.get("help", "")).capitalize()
    choices = entry.metadata.get("choices") or ()
    near = nearest(value, choices) if isinstance(value, str) and choices else ""
    return f"{near} {said}.".strip() if near.startswith("Did") else f"{said}."


def _check(owner: str, entry: dataclasses.Field[Any], hint: Any, value: Any) -> None:
    wanted = _wanted(entry, hint)
    if not _fits(entry, hint, value):
        raise UsageError(
            f"{entry.name} of {owner} must be {wanted}, got {value!r}",
            code="bad-setting",
            where=entry.name,
            fix=_hint(entry, value),
        )
    if value is not None and (accepts := entry.metadata.get("accepts")):
        accepts(value)


def _wanted(entry: dataclasses.Field[Any], hint: Any) -> str:
    facts = entry.metadata
    if facts.get("choices"):
        return "one of " + ", ".join(map(str, facts["choices"]))
    words = {int: "a whole number", float: "a number", str: "a text", bool: "true or false"}
    text = words.get(_plain(hint), "a value")
    low, high = facts.get("low"), facts.get("high")
    if low is not None and high is not None:
        return f"{text} from {low} to {high}"
    return f"{text} of at least {low}" if low is not None else text


def _plain(hint: Any) -> Any:
    """int of `int | None`."""
    parts = [part for part in get_args(hint) if part is not type(None)]
    return parts[0] if get_origin(hint) is not None and parts else hint


def _fits(entry: dataclasses.Field[Any], hint: Any, value: Any) -> bool:
    if value is None:
        return type(None) in get_args(hint)
    plain, facts = _plain(hint), entry.metadata
    if plain is bool or isinstance(value, bool):
        return plain is bool and isinstance(value, bool)
    if not isinstance(value, (int, float) if plain is float else plain):
        return False
    if facts.get("choices"):
        return value in facts["choices"]
    low, high = facts.get("low"), facts.get("high")
    if isinstance(value, (int, float)) and not np.isfinite(value):
        return False
    return (low is None or value >= low) and (high is None or value <= high)
