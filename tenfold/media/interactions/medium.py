"""Lists of items as a medium: what a person has bought, seen or rated, in order."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tenfold.core.language import say
from tenfold.media import request
from tenfold.media.input import Input, InputRow
from tenfold.media.interactions import cover, inputs
from tenfold.media.medium import Medium

__all__ = ["ITEMS", "ItemsMedium"]


class ItemsMedium(Medium):
    """Lists of items, each a text."""

    name = "items"
    singular = "list"
    plural = "lists"
    schema = request.TEXTS
    cell_cover = cover.COVER
    written = True

    def rows(self, source: Any, numbers: Iterator[int]) -> Iterator[InputRow]:
        return inputs.rows(source, numbers)

    def from_text(self, text: str) -> tuple[str, ...]:
        return inputs.entries(text)

    def take(self, value: Any) -> list[str]:
        return request.texts_value(value)

    def read(self, part: bytes) -> list[str]:
        return request.texts_part(part)

    def sample(self, declared: Input) -> list[str]:
        return []

    def text(self, cell: Any) -> str:
        return cover.as_text(cell)

    def about_examples(self, encoded: str) -> str:
        return say("Lists spread over the rows to learn from; long ones are cut.")

    def about_explanations(self) -> str:
        return (
            say(
                "What each answer rests on: warm entries speak for it, blue underlined ones "
                "against. Occlusion leaves out one entry of the list at a time and asks again how "
                "sure the answer still is."
            )
            + say(" ")
            + say(
                "Each map is compared with that of the same network with random weights: if they "
                "agreed, it would show the input and not what the network learnt."
            )
        )

    def about_errors(self) -> str:
        return say(
            "Entries are warm where the wrong answer rests on them, blue and underlined where they "
            "speak against it."
        )


ITEMS = ItemsMedium()
