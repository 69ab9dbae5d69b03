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
MAX_NESTED_MESSAGES = 8
"""Maximum depth of messages within messages; in a damaged file, one may contain itself."""


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

    The sentence stays English if its template has no translation, or if the values of the message
    (which may come from a file) do not match the placeholders of the translation.
    """
    if SPOKEN.get() == "en":
        return str(sentence)
    if not isinstance(sentence, Message):
        return _catalogue().get(sentence, sentence)
    text = _catalogue().get(sentence.template)
    if text is None:
        return str(sentence)
    if not sentence.values:
        return text
    values = {
        name: translate(value) if isinstance(value, Message) else value
        for name, value in sentence.values.items()
    }
    try:
        return text.format(**values)
    except (LookupError, ValueError, TypeError):
        return str(sentence)


@functools.cache
def _catalogue() -> dict[str, str]:
    text = (Path(__file__).parent / "chinese.json").read_text(encoding="utf-8")
    catalogue: dict[str, str] = json.loads(text)
    return catalogue


# --- in JSON documents ---


def values_of(*messages: str) -> dict[str, Any]:
    """Returns the values of all messages as one JSON object; of equal names, the first is kept.

    A plain string has no values; the errors of extensions may hold plain strings.
    """
    values = {}
    for message in reversed(messages):
        if isinstance(message, Message):
            values.update({name: _plain(value) for name, value in message.values.items()})
    return values


def with_messages(document: dict[str, Any]) -> dict[str, Any]:
    """Returns the document with the templates and values of its messages under `messages`.

    A document in which no message has values is returned unchanged.
    """
    messages = {
        str(one): {"template": one.template, "values": values_of(one)}
        for one in _messages(document)
    }
    return document | {STORED: messages} if messages else document


def restored(document: dict[str, Any]) -> dict[str, Any]:
    """Converts the sentences of a stored document back to messages (inverse: `with_messages`).

    The document may come from an untrusted source. A stored template is therefore never formatted;
    it is only the key under which the translation is looked up.
    """
    stored = document.get(STORED)
    if not isinstance(stored, dict) or not stored:
        return document
    return {
        name: _restore(value, stored, MAX_NESTED_MESSAGES)
        for name, value in document.items()
        if name != STORED
    }


def _restore(value: Any, stored: dict[str, Any], depth: int) -> Any:
    """Converts the sentences in a value to messages, and those in their values, up to `depth`."""
    if isinstance(value, str):
        return _stored_message(value, stored.get(value), stored, depth) if depth else value
    if isinstance(value, dict):
        return {name: _restore(one, stored, depth) for name, one in value.items()}
    if isinstance(value, list):
        return [_restore(one, stored, depth) for one in value]
    return value


def _stored_message(sentence: str, entry: Any, stored: dict[str, Any], depth: int) -> str:
    """Returns a stored sentence as a message, or unchanged if its entry is missing or invalid."""
    if not isinstance(entry, dict):
        return sentence
    template, values = entry.get("template"), entry.get("values")
    if not isinstance(template, str) or not isinstance(values, dict):
        return sentence
    if not values and template != sentence:
        return sentence
    message = Message(sentence)
    message.template, message.values = template, _restore(values, stored, depth - 1)
    return message


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
