"""Lists of items as a medium: the items a user has bought, seen or rated, in order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from tenfold.core.language import say
from tenfold.core.message import Message
from tenfold.media import request
from tenfold.media.input import Input, InputRow
from tenfold.media.interactions import cover, inputs
from tenfold.media.medium import Medium
from tenfold.media.reading import AS_FOUND, ColumnRole, Reading

__all__ = ["ITEMS", "ItemsMedium"]


class ItemsMedium(Medium):
    """Lists of items; each item is a text."""

    name = "items"
    singular = Message("list")
    plural = Message("lists")
    schema = request.TEXTS
    roles = (
        ColumnRole("user", "column of users"),
        ColumnRole("item", "column of items"),
        ColumnRole("rating", "column of ratings"),
    )
    cell_cover = cover.COVER
    written = True

    def rows(
        self, source: Any, numbers: Iterator[int], reading: Reading = AS_FOUND
    ) -> Iterator[InputRow]:
        return inputs.rows(source, numbers)

    def from_text(self, text: str) -> tuple[str, ...]:
        return inputs.entries(text)

    def take(self, value: Any) -> list[str]:
        return request.texts_value(value)

    def read(self, part: bytes) -> list[str]:
        return request.texts_part(part)

    def sample(self, declared: Input) -> list[str]:
        return []

    def plausibility(self, cells: Sequence[Any]) -> float:
        return inputs.plausibility(cells)

    def text(self, cell: Any) -> str:
        return cover.as_text(cell)

    def about_examples(self, encoded: str) -> str:
        return say("Lists evenly sampled from the training rows; long ones are cut.")

    def about_explanations(self) -> str:
        return (
            say(
                "What each answer depends on: warm entries support it, blue underlined ones "
                "oppose it. Occlusion leaves out one entry of the list at a time and measures "
                "the change of the probability."
            )
            + say(" ")
            + say(
                "Each map is compared with the map of the same network with random weights. If "
                "the two agreed, the map would show the input, not what the network learned."
            )
        )

    def about_errors(self) -> str:
        return say("Warm entries support the wrong answer, blue underlined ones oppose it.")


ITEMS = ItemsMedium()
