"""Columns to report scores by, as every reader of tables attaches them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from tenfold.core.errors import UsageError
from tenfold.core.rows import BY, reported
from tenfold.media.reading import Reading
from tenfold.tasks.registry import find

BLANK = [" North ", "", None, "North", "South", 2.0, np.nan, "x  y"]
TEXTS = ["North", None, None, "North", "South", "2", None, "x y"]
FRAMES = {
    "text-classification": {
        "text": [f"some text {n}" for n in range(8)],
        "label": list("abababab"),
    },
    "image-classification": {
        "image": [np.full((4, 4), n, np.uint8) for n in range(8)],
        "label": list("abababab"),
    },
    "token-classification": {"tokens": [["a", "b"]] * 8, "tags": [["O", "B-X"]] * 8},
}


@pytest.mark.parametrize("task", sorted(FRAMES))
def test_cells_are_texts_and_blank_ones_are_none(task: str):
    frame = pd.DataFrame({**FRAMES[task], "Site": pd.Series(BLANK, dtype=object)})
    table = find(task).read(frame, Reading(by=("site",))).table
    assert reported(table) == {"Site": f"{BY}Site"} and [*table[f"{BY}Site"]] == TEXTS
    assert not reported(find(task).read(frame, Reading()).table)
    with pytest.raises(UsageError) as refused:
        find(task).read(frame, Reading(by=("sight",)))
    assert refused.value.code == "missing-column"
    lenient = Reading().finding(by=["sight"])
    assert not reported(find(task).read(frame, lenient).table)


def test_users_have_their_most_frequent_value():
    rows = [
        (f"u{n % 6}", f"i{(n * n) % 7}", "f" if n % 6 < 3 or n == 5 else "m") for n in range(60)
    ]
    frame = pd.DataFrame(rows, columns=["user", "item", "sex"])
    table = find("recommendation").read(frame, Reading(by=("sex",))).table
    found = dict(zip(table["group"], table[f"{BY}sex"], strict=True))
    assert found == {f"u{n}": "f" if n < 3 else "m" for n in range(6)}
