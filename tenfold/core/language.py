"""The display language of pages and errors: English or Chinese.

Code and templates hold English sentences with `{placeholders}`. `say` translates such a
sentence to the current language. A Message (see core/message.py) is translated when it is
displayed.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from tenfold.core.errors import UsageError, nearest
from tenfold.core.message import SPOKEN, Message, translate

__all__ = ["LANGUAGES", "counted", "known", "plural", "say", "speaking", "spoken"]

LANGUAGES = {"en": "en", "zh": "zh-CN"}
"""The supported languages, each with its BCP 47 tag for HTML pages."""


def spoken() -> str:
    """Returns the current display language; English by default."""
    return SPOKEN.get()


@contextlib.contextmanager
def speaking(lang: str) -> Iterator[None]:
    """Sets the display language inside the block to `lang`.

    Raises UsageError where the language is not supported.
    """
    token = SPOKEN.set(known(lang))
    try:
        yield
    finally:
        SPOKEN.reset(token)


def known(lang: str) -> str:
    """Returns `lang` unchanged if it is a supported language.

    Raises UsageError where it is not.
    """
    if lang not in LANGUAGES:
        raise UsageError(
            Message(
                "lang must be one of {languages}, got {lang!r}",
                languages=", ".join(LANGUAGES),
                lang=lang,
            ),
            code="bad-setting",
            fix=nearest(str(lang), LANGUAGES),
        )
    return lang


def say(template: str, **values: Any) -> str:
    """Translates an English template to the current language and fills its `{placeholders}`."""
    return translate(Message(template, **values))


def plural(count: int, one: str, many: str = "") -> str:
    """Returns a count with its noun in the current language, such as `1 row` or `2,000 rows`."""
    return translate(counted(count, one, many))


def counted(count: int, one: str, many: str = "") -> Message:
    """Returns a count with its noun as a Message, to be used as a value of another Message.

    Its template is the plural form, also for a count of 1, because the Chinese catalogue has no
    other.
    """
    template = f"{{count}} {many or f'{one}s'}"
    shown = Message(template if count != 1 else f"{{count}} {one}", count=f"{count:,}")
    shown.template = template
    return shown
