"""Signals as a medium: one row of numbers a file, separated by blanks."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import pandas as pd
from PIL import Image

from tenfold.core.columns import Column
from tenfold.media import request
from tenfold.media.files.references import fetch
from tenfold.media.input import Input
from tenfold.media.medium import Medium, Sizes
from tenfold.media.reading import ColumnRole
from tenfold.media.request import InputRefused
from tenfold.media.signal import decode

__all__ = ["SIGNAL", "SignalMedium"]


class SignalMedium(Medium):
    """Signals: files, or arrays (T,)."""

    name = "signal"
    singular = "signal"
    plural = "signals"
    schema: ClassVar[dict[str, Any]] = {"type": "array", "items": {"type": "number"}}
    files = True
    suffixes = frozenset({".signal"})
    roles = (ColumnRole("signal", "column of signal files"),)
    column_cover = decode.COVER
    drawn = True

    def header(self, content: Any) -> dict[str, int]:
        return {"numbers": len(decode.numbers(content))}

    def take(self, value: Any) -> bytes:
        if not isinstance(value, list) or not value:
            raise InputRefused(code="bad-input")
        numbers = [request.number_value(one) for one in value]
        if None in numbers:
            raise InputRefused(code="bad-input")
        return " ".join(map(repr, numbers)).encode()

    def read(self, part: bytes) -> bytes:
        return part

    def sample(self, declared: Input) -> bytes:
        return b"0 1 0 -1 0 1 0 -1"

    def draw(self, cell: Any) -> Image.Image:
        return decode.picture(decode.numbers(fetch(cell)), 224)

    def shows(self, column: Column) -> bool:
        return decode.is_signal(column)

    def picture(self, values: np.ndarray, smallest: int = 0) -> Image.Image:
        return decode.picture(values, smallest)

    def overlay(self, values: np.ndarray, weights: Any, smallest: int = 96) -> Image.Image:
        return decode.overlay(values, weights, smallest)

    def sizes(self, used: pd.DataFrame, column: str) -> Sizes | None:
        lengths = used["numbers"].to_numpy()
        three = [int(value) for value in np.percentile(lengths, [0, 50, 100])]
        words = ("Lengths", "numbers", "shortest", "longest")
        return Sizes(*words, {"numbers": three}, "numbers", lengths[:0])


SIGNAL = SignalMedium()
