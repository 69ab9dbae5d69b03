"""Cells from JSON values and from the parts of a form, as servers receive them.

Media arrive as the bytes of a file and never as a path; nothing here opens anything.
"""

from __future__ import annotations

import binascii
import json
import math
from typing import Any

__all__ = ["InputRefused", "parsed"]

BASE64 = {"type": "string", "contentEncoding": "base64"}
"""JSON Schema of a file; `contentMediaType` is added by the medium."""
TEXTS = {"type": "array", "items": {"type": "string"}}
"""JSON Schema of a list of texts."""


class InputRefused(ValueError):
    """A value or part that is no cell of its medium; `code` stands in docs/errors.md.

    It carries no words: nothing of the request can leak with it.
    """

    def __init__(self, *, code: str) -> None:
        super().__init__(code)
        self.code = code


# --- JSON texts -----------------------------------------------------------------------------------


def parsed(body: bytes) -> Any:
    """The value of a JSON text.

    Raises InputRefused where it is none: also for NaN, infinities, numbers beyond those of a float,
    integers of thousands of digits, and brackets nested beyond reason.
    """
    try:
        return DECODER.decode(body.decode("utf-8"))
    except (ValueError, RecursionError):
        raise InputRefused(code="bad-json") from None


def _not_json(word: str) -> float:
    raise ValueError(f"{word} is not JSON")


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError("a number beyond those of a float")
    return value


DECODER = json.JSONDecoder(parse_constant=_not_json, parse_float=_finite)


# --- JSON values ----------------------------------------------------------------------------------


def file_value(value: Any) -> bytes:
    """The bytes behind base64, which must be whole and hold nothing else.

    Raises InputRefused.
    """
    if not isinstance(value, str):
        raise InputRefused(code="bad-input")
    try:
        return binascii.a2b_base64(value.encode("ascii"), strict_mode=True)
    except ValueError:  # binascii.Error and UnicodeEncodeError are kinds of it
        raise InputRefused(code="bad-base64") from None


def text_value(value: Any) -> str:
    """A text that can be written as UTF-8.

    Raises InputRefused.
    """
    if not isinstance(value, str):
        raise InputRefused(code="bad-input")
    try:
        value.encode("utf-8")  # half of a surrogate pair is no text
    except UnicodeEncodeError:
        raise InputRefused(code="bad-input") from None
    return value


def texts_value(value: Any) -> list[str]:
    """A list of texts.

    Raises InputRefused.
    """
    if not isinstance(value, list):
        raise InputRefused(code="bad-input")
    return [text_value(one) for one in value]


def number_value(value: Any) -> float | None:
    """A number; None where it is not known.

    Raises InputRefused.
    """
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise InputRefused(code="bad-input")
    try:
        return float(value)
    except OverflowError:
        raise InputRefused(code="bad-input") from None


def category_value(value: Any) -> str | None:
    """A name; None where it is not known.

    Raises InputRefused.
    """
    return None if value is None else text_value(value)


# --- parts of a form ------------------------------------------------------------------------------


def text_part(part: bytes) -> str:
    """The text of a part in UTF-8.

    Raises InputRefused.
    """
    try:
        return part.decode("utf-8")
    except UnicodeDecodeError:
        raise InputRefused(code="bad-input") from None


def texts_part(part: bytes) -> list[str]:
    """The list of texts that a part holds as JSON.

    Raises InputRefused.
    """
    return texts_value(parsed(part))


def number_part(part: bytes) -> float | None:
    """The number of a part; None where it is blank.

    Raises InputRefused.
    """
    text = text_part(part).strip()
    try:
        return _finite(text) if text else None
    except ValueError:
        raise InputRefused(code="bad-input") from None
