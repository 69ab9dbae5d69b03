"""Reads the inputs of a run from requests; an error of a medium becomes a refusal."""

from __future__ import annotations

from typing import Any

from tenfold.media import request
from tenfold.media.medium import Medium
from tenfold.media.request import InputRefused
from tenfold.serving.replies import Refused

__all__ = ["plain", "read", "take"]

BAD_JSON = "bad-json"


def plain(body: bytes) -> Any:
    """The value of a JSON text.

    Raises Refused where the text is not valid JSON: also for NaN, infinities, numbers too large for
    a float, integers of thousands of digits, and brackets nested too deeply.
    """
    try:
        return request.parsed(body)
    except InputRefused as error:
        raise _refused(error) from None


def take(medium: Medium, value: Any) -> Any:
    """The cell made from a JSON value.

    Raises Refused where the medium does not accept the value.
    """
    try:
        return medium.take(value)
    except InputRefused as error:
        raise _refused(error) from None


def read(medium: Medium, part: bytes) -> Any:
    """The cell made from a part of a form.

    Raises Refused where the medium does not accept the part.
    """
    try:
        return medium.read(part)
    except InputRefused as error:
        raise _refused(error) from None


def _refused(error: InputRefused) -> Refused:
    return Refused(400 if error.code == BAD_JSON else 422, code=error.code)
