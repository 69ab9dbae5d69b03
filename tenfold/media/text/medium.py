"""Texts as a medium, and texts that are split into words already."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

import pandas as pd

from tenfold.core.language import say
from tenfold.media import request
from tenfold.media.input import Input, InputRow
from tenfold.media.medium import Medium, Sizes
from tenfold.media.text import cover, inputs, near_duplicates
from tenfold.media.text import sizes as text_sizes

__all__ = ["TEXT", "TOKENS", "TextMedium", "TokensMedium"]


class TextMedium(Medium):
    """Texts of any length."""

    name = "text"
    singular = "text"
    plural = "texts"
    schema: ClassVar[dict[str, Any]] = {"type": "string"}
    cell_cover = cover.COVER
    written = True

    def content(self, cell: Any) -> bytes:
        return str(cell).encode("utf-8", "surrogatepass")

    def near_pairs(self, cells: pd.Series) -> Iterator[tuple[int, int]]:
        return near_duplicates.pairs(cells)

    def named(self, name: str) -> Iterator[InputRow]:
        return inputs.named(name)

    def take(self, value: Any) -> str:
        return request.text_value(value)

    def read(self, part: bytes) -> str:
        return request.text_part(part)

    def sample(self, declared: Input) -> str:
        return ""

    def text(self, cell: Any) -> str:
        return str(cell)

    def sizes(self, used: pd.DataFrame, column: str) -> Sizes | None:
        return text_sizes.lengths(used[column])

    def about_examples(self, encoded: str) -> str:
        return say("Texts spread over the rows to learn from; long ones are cut.")

    def about_explanations(self) -> str:
        return (
            say(
                "What each answer rests on: warm words speak for it, blue underlined ones against. "
                "Occlusion leaves out a part of the text at a time and asks again how sure the "
                "answer still is."
            )
            + say(" ")
            + say(
                "Each map is compared with that of the same network with random weights: if they "
                "agreed, it would show the text and not what the network learnt."
            )
        )

    def about_errors(self) -> str:
        return say(
            "Words are warm where the wrong answer rests on them, blue and underlined where they "
            "speak against it."
        )

    def same_as_random(self, method: str, value: str) -> str:
        return say(
            "With random weights the {method} map is nearly the same (rank correlation {value}): "
            "it shows the text, not what the network learnt.",
            method=method,
            value=value,
        )


class TokensMedium(Medium):
    """Texts as lists of their words."""

    name = "tokens"
    singular = "list of words"
    plural = "lists of words"
    schema = request.TEXTS

    def rows(self, source: Any, numbers: Iterator[int]) -> Iterator[InputRow]:
        return inputs.word_rows(source, numbers)

    def from_text(self, text: str) -> list[str]:
        return text.split()

    def take(self, value: Any) -> list[str]:
        return request.texts_value(value)

    def read(self, part: bytes) -> list[str]:
        return request.texts_part(part)

    def sample(self, declared: Input) -> list[str]:
        return []


TEXT = TextMedium()
TOKENS = TokensMedium()
