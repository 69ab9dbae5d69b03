"""Settings: dataclass fields with help text, unit, valid range and search space."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, get_args, get_origin, get_type_hints

import numpy as np

from tenfold.core.errors import UsageError, nearest
from tenfold.core.message import Message

__all__ = [
    "NoOptions",
    "Range",
    "Search",
    "check_settings",
    "local_options",
    "merged_options",
    "setting",
    "settings_of",
]


@dataclass(frozen=True)
class Range:
    """A range of positive numbers, searched uniformly in their logarithm.

    A default outside the range, such as 0 for "automatic", counts as the middle of the range.
    """

    low: float
    high: float


Search = tuple[Any, ...] | Range
"""The search space of one setting: a tuple of values, or a Range."""


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
    local: bool = False,
) -> Any:
    """Returns a dataclass field with help, unit and range, for flags and `check_settings`.

    `accepts(value)` raises UsageError where a value has the right type but is invalid.

    `search` is the search space that `tune` uses if the user gave no value: a tuple of values (the
    default is always included), a `Range` of numbers, or a function that returns one of these.
    The function gets the values drawn so far, by name; fields are drawn in the order of definition.
    With (), the default is always used.

    A `local` option names a file of this machine: a server does not offer it.
    """
    facts = {"help": help, "unit": unit, "choices": choices, "low": low, "high": high}
    more = {"accepts": accepts, "search": search, "local": local}
    return field(default=default, metadata=facts | more)


@dataclass(frozen=True)
class NoOptions:
    """An empty dataclass: no options at prediction time."""


@functools.cache
def merged_options(*parts: type) -> type:
    """Returns a frozen dataclass with the options of all `parts`, in order, each name once."""
    return _options_of([entry for part in parts for entry in _fields_of(part)])


@functools.cache
def local_options(options: type) -> type:
    """Returns the dataclass of those options that name files of this machine."""
    return _options_of([one for one in _fields_of(options) if one[2].metadata.get("local")])


def _fields_of(options: Any) -> list[tuple[str, Any, Any]]:
    """Returns the name, the type and a new field for each field of a dataclass."""
    hints = get_type_hints(options)
    return [
        (entry.name, hints[entry.name], field(default=entry.default, metadata=entry.metadata))
        for entry in dataclasses.fields(options)
    ]


def _options_of(fields: list[tuple[str, Any, Any]]) -> type:
    named = {one[0]: one for one in fields}
    return dataclasses.make_dataclass("Options", list(named.values()), frozen=True)


def settings_of(task: Any) -> dict[str, Any]:
    """Returns the settings of a task by name."""
    return dataclasses.asdict(task)


def check_settings(cls: Any, values: dict[str, Any], owner: str) -> Any:
    """Returns `cls(**values)` after checking the name, type and range of every value.

    A text, or a list, is accepted for a tuple of texts.

    Raises UsageError where a name is unknown, or with "X of Y must be ..., got ..." where a value
    is invalid.
    """
    hints = _hints(cls)
    fields = {entry.name: entry for entry in dataclasses.fields(cls)}
    values = {name: _tupled(hints.get(name), value) for name, value in values.items()}
    for name, value in values.items():
        if name not in fields:
            raise UsageError(
                Message("{owner} has no setting {name!r}", owner=owner, name=name),
                code="unknown-setting",
                fix=nearest(name, [key.replace("_", "-") for key in fields])
                if fields
                else Message("Leave the setting out: there are none here."),
            )
        _check(owner, fields[name], hints[name], value)
    return cls(**values)


@functools.cache
def _hints(cls: Any) -> dict[str, Any]:
    """Returns the types of the fields by name; cached, because a server needs them per request."""
    return get_type_hints(cls)


def _tupled(hint: Any, value: Any) -> Any:
    """Returns a text or a list as a tuple where a tuple is expected; else the value."""
    if get_origin(hint) is not tuple:
        return value
    return (
        (value,) if isinstance(value, str) else tuple(value) if isinstance(value, list) else value
    )


def _hint(entry: dataclasses.Field[Any], value: Any) -> Message:
    """Returns the help text of a setting; for a mistyped value, the similar choice comes first."""
    help_text = Message(entry.metadata.get("help", ""))
    purpose = Message("Setting: {help}.", help=help_text)
    choices = entry.metadata.get("choices") or ()
    if isinstance(value, str) and choices and (near := nearest(value, choices)).startswith("Did"):
        return Message("{near} {purpose}", near=near, purpose=purpose)
    return purpose


def _check(owner: str, entry: dataclasses.Field[Any], hint: Any, value: Any) -> None:
    if not _fits(entry, hint, value):
        raise UsageError(
            Message(
                "{name} of {owner} must be {wanted}, got {value!r}",
                name=entry.name,
                owner=owner,
                wanted=_wanted(entry, hint),
                value=value,
            ),
            code="bad-setting",
            where=entry.name,
            fix=_hint(entry, value),
        )
    if value is not None and (accepts := entry.metadata.get("accepts")):
        accepts(value)


def _wanted(entry: dataclasses.Field[Any], hint: Any) -> Message:
    facts = entry.metadata
    if facts.get("choices"):
        return Message("one of {choices}", choices=", ".join(map(str, facts["choices"])))
    kinds = {
        int: Message("a whole number"),
        float: Message("a number"),
        str: Message("a text"),
        bool: Message("true or false"),
    }
    kind = kinds.get(_plain(hint), Message("a value of another type"))
    low, high = facts.get("low"), facts.get("high")
    if low is not None and high is not None:
        return Message("{kind} from {low} to {high}", kind=kind, low=low, high=high)
    return Message("{kind} of at least {low}", kind=kind, low=low) if low is not None else kind


def _plain(hint: Any) -> Any:
    """Returns the type without None: int for `int | None`, tuple for `tuple[str, ...]`."""
    if get_origin(hint) is tuple:
        return tuple
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
