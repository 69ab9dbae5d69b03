"""The kinds of input a run may declare: schema, reading from JSON and forms, a sample of each.

Media arrive as the bytes of a file and never as a path; nothing here opens anything.
"""

from __future__ import annotations

import binascii
import io
import json
import math
import wave
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from PIL import Image

from tenfold.media.input import Input
from tenfold.serving.replies import Refused

__all__ = ["FORMS", "Form", "plain"]

DECODER = json.JSONDecoder(
    parse_constant=lambda word: _no(word), parse_float=lambda text: _finite(text)
)


@dataclass(frozen=True)
class Form:
    """One kind of input: `take` makes a cell of a JSON value, `read` of the bytes of a form's part.

    `size` names the limit of a part in the settings.
    """

    schema: dict[str, Any]
    take: Callable[[Any], Any]
    read: Callable[[bytes], Any]
    sample: Callable[[Input], Any]
    size: str = "json"
    media: bool = False


def plain(body: bytes) -> Any:
    """The value of a JSON text.

    Raises Refused where it is none: also for NaN, infinities, numbers beyond those of a float,
    integers of thousands of digits, and brackets nested beyond reason.
    """
    try:
        return DECODER.decode(body.decode("utf-8"))
    except (ValueError, RecursionError):
        raise Refused(400, code="bad-json") from None


def _no(word: str) -> float:
    raise ValueError(f"{word} is not JSON")


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError("a number beyond those of a float")
    return value


# --- one value ------------------------------------------------------------------------------------


def _file(value: Any) -> bytes:
    """The bytes behind base64, which must be whole and hold nothing else."""
    if not isinstance(value, str):
        raise Refused(422, code="bad-input")
    try:
        return binascii.a2b_base64(value.encode("ascii"), strict_mode=True)
    except ValueError:  # binascii.Error and UnicodeEncodeError are kinds of it
        raise Refused(422, code="bad-base64") from None


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise Refused(422, code="bad-input")
    try:
        value.encode("utf-8")  # half of a surrogate pair is no text
    except UnicodeEncodeError:
        raise Refused(422, code="bad-input") from None
    return value


def _texts(value: Any) -> list[str]:
    if not isinstance(value, list):
        raise Refused(422, code="bad-input")
    return [_text(one) for one in value]


def _number(value: Any) -> float | None:
    """A number; None where it is not known."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise Refused(422, code="bad-input")
    try:
        return float(value)
    except OverflowError:
        raise Refused(422, code="bad-input") from None


def _category(value: Any) -> str | None:
    """A name; None where it is not known."""
    return None if value is None else _text(value)


def _decoded(part: bytes) -> str:
    try:
        return part.decode("utf-8")
    except UnicodeDecodeError:
        raise Refused(422, code="bad-input") from None


def _number_part(part: bytes) -> float | None:
    text = _decoded(part).strip()
    try:
        return _finite(text) if text else None
    except ValueError:
        raise Refused(422, code="bad-input") from None


# --- samples, for the first prediction that warms a model -----------------------------------------


def _picture(_: Input) -> bytes:
    file = io.BytesIO()
    Image.linear_gradient("L").resize((64, 64)).convert("RGB").save(file, "PNG")
    return file.getvalue()


def _sound(_: Input) -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as sound:
        sound.setparams((1, 2, 16_000, 0, "NONE", ""))
        sound.writeframes(bytes(2 * 16_000))
    return file.getvalue()


def _choice(declared: Input) -> str:
    return declared.choices[0] if declared.choices else ""


# --- the forms ------------------------------------------------------------------------------------

_BASE64 = {"type": "string", "contentEncoding": "base64"}
_TEXTS = {"type": "array", "items": {"type": "string"}}

FORMS: dict[str, Form] = {
    "image": Form(
        {**_BASE64, "contentMediaType": "image/*"}, _file, bytes, _picture, "picture", True
    ),
    "audio": Form({**_BASE64, "contentMediaType": "audio/*"}, _file, bytes, _sound, "stream", True),
    "video": Form(
        {**_BASE64, "contentMediaType": "video/*"}, _file, bytes, lambda _: b"", "stream", True
    ),
    "text": Form({"type": "string"}, _text, _decoded, lambda _: ""),
    "tokens": Form(_TEXTS, _texts, lambda part: _texts(plain(part)), lambda _: []),
    "number": Form({"type": ["number", "null"]}, _number, _number_part, lambda _: 0.0),
    "category": Form({"type": ["string", "null"]}, _category, _decoded, _choice),
    "items": Form(_TEXTS, _texts, lambda part: _texts(plain(part)), lambda _: []),
}
"""By the word that `Task.inputs` uses."""
