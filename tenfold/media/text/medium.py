"""Texts as a medium, and texts that are already split into words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

import pandas as pd

from tenfold.core.language import say
from tenfold.core.message import Message
from tenfold.media import request
from tenfold.media.input import Input, InputRow
from tenfold.media.medium import Medium, Sizes
from tenfold.media.reading import AS_FOUND, ColumnRole, Reading
from tenfold.media.text import cover, documents, inputs, near_duplicates
from tenfold.media.text import sizes as text_sizes

__all__ = ["TEXT", "TOKENS", "TextMedium", "TokensMedium"]


class TextMedium(Medium):
    """Texts of any length."""

    name = "text"
    singular = Message("text")
    plural = Message("texts")
    schema: ClassVar[dict[str, Any]] = {"type": "string"}
    unread = documents.UNREAD
    roles = (ColumnRole("text", "column of texts; several, separated by commas, are joined"),)
    cell_cover = cover.COVER
    written = True

    def content(self, cell: Any) -> bytes:
        return str(cell).encode("utf-8", "surrogatepass")

    def near_pairs(self, cells: pd.Series) -> Iterator[tuple[int, int]]:
        return near_duplicates.pairs(cells)

    def named(self, name: str, reading: Reading = AS_FOUND) -> Iterator[InputRow]:
        return inputs.named(name, reading)

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
        return say("Texts evenly sampled from the training rows; long ones are cut.")

    def about_explanations(self) -> str:
        return (
            say(
                "What each answer depends on: warm words support it, blue underlined ones oppose "
                "it. Occlusion leaves out one part of the text at a time and measures the change "
                "of the probability."
            )
            + say(" ")
            + say(
                "Each map is compared with the map of the same network with random weights. If "
                "the two agreed, the map would show the text, not what the network learned."
            )
        )

    def about_errors(self) -> str:
        return say("Warm words support the wrong answer, blue underlined ones oppose it.")

    def same_as_random(self, method: str, value: str) -> str:
        return say(
            "With random weights the {method} map is nearly the same (rank correlation {value}): "
            "it shows the text, not what the network learned.",
            method=method,
            value=value,
        )


class TokensMedium(Medium):
    """Texts given as lists of their words."""

    name = "tokens"
    singular = Message("list of words")
    plural = Message("lists of words")
    schema = request.TEXTS
    roles = (ColumnRole("token", "column of tokens, by its name or its number from 1"),)

    def rows(
        self, source: Any, numbers: Iterator[int], reading: Reading = AS_FOUND
    ) -> Iterator[InputRow]:
        return inputs.word_rows(source, numbers, reading)

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
