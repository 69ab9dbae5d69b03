"""Messages: sentences that keep their template and values, so that they can be translated.

Errors and problems hold messages. JSON documents store the English sentence; `with_messages` adds
the templates and values for a later translation, and `restored` converts the sentences back to
messages.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator
from contextvars import ContextVar
from pathlib import Path
from typing import Any

__all__ = [
    "EMPTY",
    "SPOKEN",
    "Message",
    "as_message",
    "restored",
    "translate",
    "values_of",
    "with_messages",
]

SPOKEN: ContextVar[str] = ContextVar("language", default="en")
"""The current display language."""

STORED = "messages"
"""Key of a JSON document under which template and values of its messages are stored."""


class Message(str):
    """An English sentence built from a template with `{placeholders}` and their values.

    As a string it is the finished sentence. A value may be a message itself; it is translated too.
    """

    template: str
    values: dict[str, Any]

    def __new__(cls, template: str = "", /, **values: Any) -> Message:
        self = super().__new__(cls, template.format(**values) if values else template)
        self.template, self.values = template, values
        return self


EMPTY = Message()


def as_message(text: str) -> Message:
    """Converts a stored sentence to a message without values; a message stays unchanged."""
    return text if isinstance(text, Message) else Message(text)


def translate(sentence: str) -> str:
    """Translates a message to the current language; a plain string is its own template.

    A template without a translation stays English.
    """
    if SPOKEN.get() == "en":
        return str(sentence)
    template = sentence.template if isinstance(sentence, Message) else sentence
    values = sentence.values if isinstance(sentence, Message) else {}
    text = _catalogue().get(template, template)
    if not values:
        return text
    return text.format(
        **{
            name: translate(value) if isinstance(value, Message) else value
            for name, value in values.items()
        }
    )


@functools.cache
def _catalogue() -> dict[str, str]:
    text = (Path(__file__).parent / "chinese.json").read_text(encoding="utf-8")
    catalogue: dict[str, str] = json.loads(text)
    return catalogue


# --- in JSON documents ---


def values_of(*messages: Message) -> dict[str, Any]:
    """Returns the values of messages as JSON; for equal names, that of the first message."""
    values = {}
    for message in reversed(messages):
        values.update({name: _plain(value) for name, value in message.values.items()})
    return values


def with_messages(document: dict[str, Any]) -> dict[str, Any]:
    """Returns the document with template and values of its messages added under `messages`.

    A document without such messages is returned unchanged.
    """
    messages = {
        str(one): {"template": one.template, "values": values_of(one)}
        for one in _messages(document)
    }
    return document | {STORED: messages} if messages else document


def restored(document: dict[str, Any]) -> dict[str, Any]:
    """Converts the sentences of a stored document back to messages (inverse: `with_messages`)."""
    stored = document.get(STORED, {})

    def restore(value: Any) -> Any:
        if isinstance(value, str) and value in stored:
            entry = stored[value]
            return Message(entry["template"], **restore(entry["values"]))
        if isinstance(value, dict):
            return {name: restore(one) for name, one in value.items()}
        if isinstance(value, list):
            return [restore(one) for one in value]
        return value

    if not stored:
        return document
    return {name: restore(value) for name, value in document.items() if name != STORED}


def _messages(value: Any, inside: bool = False) -> Iterator[Message]:
    """Yields every message with values in a document, and all messages among these values."""
    if isinstance(value, Message):
        if value.values or inside:
            yield value
            yield from _messages(value.values, inside=True)
    elif isinstance(value, dict):
        for one in value.values():
            yield from _messages(one, inside)
    elif isinstance(value, list | tuple):
        for one in value:
            yield from _messages(one, inside)


def _plain(value: Any) -> Any:
    """Returns a value as JSON; a type that JSON lacks is converted to a string."""
    if isinstance(value, str):
        return str(value)
    return value if isinstance(value, bool | int | float) or value is None else str(value)
