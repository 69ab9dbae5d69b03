"""English or Chinese: the language that pages are written in, and the catalogue behind it.

Code and templates hold English sentences with `{placeholders}`. `say` gives one in the language
that is spoken; `again` does the same for a sentence that was finished earlier and stored, such as
why a file was left out. What the catalogue lacks stays English.
"""

from __future__ import annotations

import contextlib
import functools
import json
import re
from collections.abc import Iterator
from contextvars import ContextVar
from pathlib import Path
from typing import Any

from tenfold.core.errors import UsageError, nearest

__all__ = ["LANGUAGES", "again", "known", "say", "speaking", "spoken"]

LANGUAGES = {"en": "en", "zh": "zh-CN"}
"""Every language with the name that a page gives it (BCP 47)."""

_spoken: ContextVar[str] = ContextVar("language", default="en")


def spoken() -> str:
    """The language that is spoken now; English unless somebody asked for another."""
    return _spoken.get()


@contextlib.contextmanager
def speaking(lang: str) -> Iterator[None]:
    """Everything said inside the block is said in `lang`.

    Raises UsageError for a language that is not known.
    """
    token = _spoken.set(known(lang))
    try:
        yield
    finally:
        _spoken.reset(token)


def known(lang: str) -> str:
    """The language itself.

    Raises UsageError for one that is not known.
    """
    if lang not in LANGUAGES:
        raise UsageError(
            f"lang must be one of {', '.join(LANGUAGES)}, got {lang!r}",
            code="bad-setting",
            fix=nearest(str(lang), LANGUAGES),
        )
    return lang


def say(text: str, **values: Any) -> str:
    """An English sentence in the language spoken, its `{placeholders}` filled."""
    said = text if spoken() == "en" else _catalogue().get(text, text)
    return said.format(**values) if values else said


def again(sentence: str) -> str:
    """A finished English sentence in the language spoken; what stands in it is translated too.

    Its form is looked up among the entries with nameless gaps (`is larger than {} MB`).
    """
    if spoken() == "en":
        return sentence
    if sentence in _catalogue():
        return _catalogue()[sentence]
    for form, said in _forms():
        if found := form.fullmatch(sentence):
            return said.format(*(again(gap) if " " in gap else gap for gap in found.groups()))
    return sentence


@functools.cache
def _catalogue() -> dict[str, str]:
    text = (Path(__file__).parent / "chinese.json").read_text(encoding="utf-8")
    found: dict[str, str] = json.loads(text)
    return found


@functools.cache
def _forms() -> list[tuple[re.Pattern[str], str]]:
    """Entries with nameless gaps; those that say most themselves are tried first."""
    gaps = [key for key in _catalogue() if "{}" in key]
    gaps.sort(key=lambda key: -len(key.replace("{}", "")))
    return [
        (re.compile("(.+?)".join(map(re.escape, key.split("{}"))), re.S), _catalogue()[key])
        for key in gaps
    ]
