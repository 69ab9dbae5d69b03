"""Numbers and categories as media: single values of a row, which may be missing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

from tenfold.core.message import Message
from tenfold.media import request
from tenfold.media.input import Input, InputRow
from tenfold.media.medium import Medium
from tenfold.media.reading import AS_FOUND, Reading
from tenfold.media.tables import inputs

__all__ = ["CATEGORY", "NUMBER", "CategoryMedium", "NumberMedium"]


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


NUMBER = NumberMedium()
CATEGORY = CategoryMedium()
