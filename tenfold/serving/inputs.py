"""Reading the inputs of a run from requests: what the media say is wrong becomes a refusal."""

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

    Raises Refused where it is none: also for NaN, infinities, numbers beyond those of a float,
    integers of thousands of digits, and brackets nested beyond reason.
    """
    try:
        return request.parsed(body)
    except InputRefused as error:
        raise _refused(error) from None


def take(medium: Medium, value: Any) -> Any:
    """The cell of a JSON value.

    Raises Refused.
    """
    try:
        return medium.take(value)
    except InputRefused as error:
        raise _refused(error) from None


def read(medium: Medium, part: bytes) -> Any:
    """The cell of a part of a form.

    Raises Refused.
    """
    try:
        return medium.read(part)
    except InputRefused as error:
        raise _refused(error) from None


def _refused(error: InputRefused) -> Refused:
    return Refused(400 if error.code == BAD_JSON else 422, code=error.code)
