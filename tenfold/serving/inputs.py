"""Reads the inputs of a run from requests; an error of a medium becomes a refusal."""

from __future__ import annotations

from typing import Any

from tenfold.core.errors import TenfoldError
from tenfold.media import request
from tenfold.media.request import InputRefused
from tenfold.serving.models import Model, RequestRow
from tenfold.serving.replies import Refused

__all__ = ["plain", "read", "row", "table", "take"]

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


def take(model: Model, name: str, value: Any) -> Any:
    """The cell made from a JSON value for an input or a field; None for a field without a value.

    Raises Refused where the medium does not accept the value.
    """
    if value is None and model.optional(name):
        return None
    try:
        return model.media[name].take(value)
    except InputRefused as error:
        raise _refused(error) from None


def read(model: Model, name: str, part: bytes) -> Any:
    """The cell made from a part of a form for an input or a field; None for an empty field.

    Raises Refused where the medium does not accept the part.
    """
    if not part and model.optional(name):
        return None
    try:
        return model.media[name].read(part)
    except InputRefused as error:
        raise _refused(error) from None


def row(model: Model, values: dict[str, Any]) -> RequestRow:
    """The row of a cell for each input, composed of its fields where it has any.

    Raises Refused where the values do not fit together.
    """
    try:
        return model.row(values)
    except InputRefused as error:
        raise _refused(error) from None


def table(model: Model, content: bytes) -> list[RequestRow]:
    """The rows of a CSV in a request.

    Raises Refused where it cannot be read, lacks a column, has no rows or too many.
    """
    try:
        rows = model.rows_of_table(content)
    except TenfoldError as error:
        raise Refused(422, code=error.code) from None
    if not rows:
        raise Refused(422, code="missing-input")
    if len(rows) > model.batch:
        raise Refused(413, code="batch-too-large")
    return rows


def _refused(error: InputRefused) -> Refused:
    return Refused(400 if error.code == BAD_JSON else 422, code=error.code)
