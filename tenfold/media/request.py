"""Cells from JSON values and from the parts of a form, as servers receive them.

Media arrive as the bytes of a file and never as a path; nothing here opens a file.
"""

from __future__ import annotations

import binascii
import json
import math
from typing import Any

__all__ = ["InputRefused", "parsed"]

BASE64 = {"type": "string", "contentEncoding": "base64"}
"""JSON Schema of a file; the medium adds `contentMediaType`."""
TEXTS = {"type": "array", "items": {"type": "string"}}
"""JSON Schema of a list of texts."""


class InputRefused(ValueError):
    """A value or form part is invalid for its medium; docs/errors.md describes each `code`.

    The exception holds only the code, so that no content of the request can leak through it.
    """

    def __init__(self, *, code: str) -> None:
        super().__init__(code)
        self.code = code


# --- JSON texts -----------------------------------------------------------------------------------


def parsed(body: bytes) -> Any:
    """Returns the value of a JSON text.

    Raises InputRefused where the text is not valid JSON. This includes NaN, infinities, numbers
    beyond the range of a float, integers of thousands of digits, and brackets nested too deeply.
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
    """Returns the bytes encoded in base64; the text must be complete and contain nothing else.

    Raises InputRefused.
    """
    if not isinstance(value, str):
        raise InputRefused(code="bad-input")
    try:
        return binascii.a2b_base64(value.encode("ascii"), strict_mode=True)
    except ValueError:  # includes binascii.Error and UnicodeEncodeError
        raise InputRefused(code="bad-base64") from None


def text_value(value: Any) -> str:
    """Returns the value if it is text that can be encoded as UTF-8.

    Raises InputRefused.
    """
    if not isinstance(value, str):
        raise InputRefused(code="bad-input")
    try:
        value.encode("utf-8")  # half of a surrogate pair cannot be encoded
    except UnicodeEncodeError:
        raise InputRefused(code="bad-input") from None
    return value


def texts_value(value: Any) -> list[str]:
    """Returns the value if it is a list of texts.

    Raises InputRefused.
    """
    if not isinstance(value, list):
        raise InputRefused(code="bad-input")
    return [text_value(one) for one in value]


def number_value(value: Any) -> float | None:
    """Returns the value as a float; None for a missing value.

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
    """Returns the name of a category; None for a missing value.

    Raises InputRefused.
    """
    return None if value is None else text_value(value)


# --- parts of a form ------------------------------------------------------------------------------


def text_part(part: bytes) -> str:
    """Returns the text of a form part, decoded from UTF-8.

    Raises InputRefused.
    """
    try:
        return part.decode("utf-8")
    except UnicodeDecodeError:
        raise InputRefused(code="bad-input") from None


def texts_part(part: bytes) -> list[str]:
    """Returns the list of texts that a form part holds as JSON.

    Raises InputRefused.
    """
    return texts_value(parsed(part))


def number_part(part: bytes) -> float | None:
    """Returns the number in a form part; None where the part is blank.

    Raises InputRefused.
    """
    text = text_part(part).strip()
    try:
        return _finite(text) if text else None
    except ValueError:
        raise InputRefused(code="bad-input") from None
