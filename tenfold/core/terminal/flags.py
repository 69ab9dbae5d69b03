"""Flags of the command line, from the parameters of a verb and the settings of a task."""

from __future__ import annotations

import dataclasses
import inspect
from typing import Any

import click

from tenfold.core import language
from tenfold.core.language import say
from tenfold.core.message import translate
from tenfold.core.terminal.help_pages import VARIABLE, extra

__all__ = ["SettingFlag", "explained", "parameter", "setting_flag"]

_ALSO = {"about": ["--class"]}  # `class` is a reserved word in Python


class SettingFlag(click.Option):
    """A flag for a setting or an option of the task."""


def explained(text: str) -> tuple[dict[str, str], str]:
    """Returns the help texts below `Args:` of a docstring, by parameter, and its first example."""
    helps, example, part = {}, "", ""
    for line in text.split("\n"):
        word = line.strip()
        if word in ("Args:", "Example:") or not word:
            part = word or part
        elif part == "Args:" and line.startswith("    ") and ": " in word:
            name, _, said = word.partition(": ")
            helps[name] = said
        elif part == "Example:" and not example:
            example = word
    return helps, example


def parameter(entry: inspect.Parameter, said: str) -> click.Parameter:
    """Returns the argument or flag of a parameter of a verb, with its help text."""
    if entry.kind is entry.VAR_POSITIONAL or entry.kind is entry.POSITIONAL_OR_KEYWORD:
        many = -1 if entry.kind is entry.VAR_POSITIONAL or "list" in str(entry.annotation) else 1
        required = entry.default is entry.empty and many == 1
        return click.Argument([entry.name], nargs=many, required=required)
    name = _flag(entry.name)
    if entry.default is False:
        return click.Option([entry.name, name], is_flag=True, help=said)
    variable = VARIABLE if entry.name == "lang" else None
    several = entry.default == ()
    return click.Option(
        [entry.name, name, *_ALSO.get(entry.name, ())],
        type=_type(str(entry.annotation)),
        default=entry.default,
        multiple=several,
        help=translate(said) + extra(None if several else entry.default, variable),
        envvar=variable,
    )


def _flag(name: str) -> str:
    """Returns the flag of a parameter; `with_`, a reserved word in Python, is `--with`."""
    return f"--{name.rstrip('_').replace('_', '-')}"


def _type(annotation: str) -> Any:
    first = annotation.partition("|")[0].strip()
    return {"int": int, "float": float}.get(first, str)


def _annotation(entry: dataclasses.Field[Any]) -> str:
    """Returns the type of a setting as text; merged options hold type objects, not text."""
    found: Any = entry.type
    return found if isinstance(found, str) else inspect.formatannotation(found)


def setting_flag(
    entry: dataclasses.Field[Any], kind: type[click.Option] = SettingFlag
) -> click.Option:
    """Returns the flag of a setting or option, with its choices and its default as help text.

    A setting that is true or false has two flags without a value, such as --again and --no-again.
    """
    facts = entry.metadata
    help_text = facts.get("help", "")
    said = (
        help_text[:1].upper() + help_text[1:] if language.spoken() == "en" else translate(help_text)
    )
    if facts.get("choices"):
        said += f"{say(': ')}{', '.join(map(str, facts['choices']))}"
    unit = f" {facts['unit']}" if facts.get("unit") else ""
    name = _flag(entry.name)
    switch = isinstance(entry.default, bool)
    shown = name.replace("--", "--" if entry.default else "--no-", 1).lstrip("-")
    shown = shown if switch else f"{entry.default}{unit}"
    default = "" if entry.default in ("", (), None) else extra(shown)
    return kind(
        [entry.name, f"{name}/--no-{name.removeprefix('--')}" if switch else name],
        type=bool if switch else _type(_annotation(entry)),
        default=None,
        multiple=entry.default == (),
        help=f"{say('{sentence}.', sentence=said)}{default}",
    )
