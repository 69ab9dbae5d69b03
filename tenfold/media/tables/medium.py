"""Rows of tables as a medium, and their values: numbers, categories and dates, or missing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar

from tenfold.core.language import say
from tenfold.core.message import Message
from tenfold.media import request
from tenfold.media.cover import FieldCover
from tenfold.media.input import Input, InputRow
from tenfold.media.medium import Medium
from tenfold.media.reading import AS_FOUND, Reading
from tenfold.media.tables import asked, inputs, row
from tenfold.media.tables.given import RowSurvey
from tenfold.media.tables.roles import ROLES
from tenfold.media.tables.schema import TableRow

__all__ = [
    "CATEGORY",
    "DATE",
    "NUMBER",
    "ROW",
    "CategoryMedium",
    "DateMedium",
    "NumberMedium",
    "RowMedium",
]


class NumberMedium(Medium):
    """Numbers; None where the value is missing."""

    name = "number"
    singular = Message("number")
    plural = Message("numbers")
    schema: ClassVar[dict[str, Any]] = {"type": ["number", "null"]}
    dtype = float

    def named(self, name: str, reading: Reading = AS_FOUND) -> Iterator[InputRow]:
        return inputs.named_number(name)

    def from_text(self, text: str) -> float | None:
        return inputs.number(text)

    def take(self, value: Any) -> float | None:
        return request.number_value(value)

    def read(self, part: bytes) -> float | None:
        return request.number_part(part)

    def sample(self, declared: Input) -> float:
        return 0.0


class CategoryMedium(Medium):
    """Names of categories; None where the value is missing."""

    name = "category"
    singular = Message("category")
    plural = Message("categories")
    schema: ClassVar[dict[str, Any]] = {"type": ["string", "null"]}

    def named(self, name: str, reading: Reading = AS_FOUND) -> Iterator[InputRow]:
        return inputs.named_category(name)

    def from_text(self, text: str) -> str | None:
        return inputs.category(text)

    def take(self, value: Any) -> str | None:
        return request.category_value(value)

    def read(self, part: bytes) -> str:
        return request.text_part(part)

    def sample(self, declared: Input) -> str:
        return declared.choices[0] if declared.choices else ""


class DateMedium(Medium):
    """Dates with or without a time, as seconds since 1970; None where the value is missing."""

    name = "date"
    singular = Message("date")
    plural = Message("dates")
    schema: ClassVar[dict[str, Any]] = {
        "type": ["string", "number", "null"],
        "description": "2024-03-31 or 2024-03-31T15:30:00, in UTC unless a zone is given; or the "
        "seconds since 1970",
    }
    dtype = float

    def named(self, name: str, reading: Reading = AS_FOUND) -> Iterator[InputRow]:
        return inputs.named_date(name)

    def from_text(self, text: str) -> float | None:
        return inputs.date(text)

    def take(self, value: Any) -> float | None:
        if isinstance(value, str):
            return _date(request.text_value(value))
        return request.number_value(value)

    def read(self, part: bytes) -> float | None:
        return _date(request.text_part(part))

    def sample(self, declared: Input) -> float:
        return 0.0


def _date(text: str) -> float | None:
    try:
        return inputs.date(text)
    except ValueError:
        raise request.InputRefused(code="bad-input") from None


class RowMedium(Medium):
    """Rows of a table: one cell holds the values of all columns (`TableRow`)."""

    name = "row"
    singular = Message("row of a table")
    plural = Message("rows of tables")
    schema: ClassVar[dict[str, Any]] = {"type": "object"}
    roles = ROLES
    written = True
    frames = True
    field_cover = FieldCover(row.names, row.values, row.texts, row.typical, row.mixed)

    def content(self, cell: Any) -> bytes | None:
        return row.content(cell) if isinstance(cell, TableRow) else None

    def rows(
        self, source: Any, numbers: Iterator[int], reading: Reading = AS_FOUND
    ) -> Iterator[InputRow]:
        return asked.rows(source, reading, numbers)

    def survey(self, declared: Input) -> RowSurvey:
        return RowSurvey(declared)

    def columns(self, cell: Any) -> Mapping[str, str]:
        return (cell.written or {}) if isinstance(cell, TableRow) else {}

    def composed(self, values: Mapping[str, Any], declared: Input, reading: Reading) -> TableRow:
        return row.composed(values, reading)

    def table(self, content: bytes, reading: Reading) -> Iterator[InputRow]:
        return asked.rows_of_bytes(content, "table", reading)

    def sample(self, declared: Input) -> TableRow:
        return row.sample(declared)

    def plausibility(self, cells: Sequence[Any]) -> float:
        return row.plausibility(cells)

    def text(self, cell: Any) -> str:
        return row.text(cell) if isinstance(cell, TableRow) else str(cell)

    def about_examples(self, encoded: str) -> str:
        return say("Rows evenly sampled from the training rows, each with its values by column.")

    def about_explanations(self) -> str:
        return say(
            "What each answer depends on: how much the value of each column adds to the answer of "
            "the typical row, which has the median or the most frequent value of every column."
        )

    def about_errors(self) -> str:
        return say(
            "Warm values raise the predicted value or the probability of the answer, blue ones "
            "lower it, compared with the typical value of the column."
        )

    def other_than_random(self, method: str, value: str) -> str:
        return say(
            "With random weights the contributions are different (rank correlation {value}).",
            value=value,
        )

    def not_compared(self, method: str) -> str:
        return say(
            "Too few columns have a contribution to compare them with those of random weights."
        )

    def same_as_random(self, method: str, value: str) -> str:
        return say(
            "With random weights the contributions are nearly the same (rank correlation "
            "{value}): it shows the row, not what the network learned.",
            value=value,
        )


NUMBER = NumberMedium()
CATEGORY = CategoryMedium()
DATE = DateMedium()
ROW = RowMedium()
