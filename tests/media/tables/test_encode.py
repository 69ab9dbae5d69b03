"""Encoding of rows of tables: numbers, parts of dates, numbers of categories."""

import math
from datetime import UTC, datetime

import numpy as np
import pytest

from tenfold.core.columns import Problem
from tenfold.core.message import Message
from tenfold.media.tables.encode import MISSING, UNSEEN, encoded, facts_of
from tenfold.media.tables.schema import TableColumn, TableRow, TableSchema

SCHEMA = TableSchema(
    (
        TableColumn("length", "number"),
        TableColumn("day", "date"),
        TableColumn("clay", "category"),
        TableColumn("clock", "number"),
    )
)


def seconds(*when: int) -> float:
    return datetime(*when, tzinfo=UTC).timestamp()  # type: ignore[arg-type,misc]


def row(length: float, day: float, clay: str | None, clock: float = 0.0) -> TableRow:
    return TableRow(SCHEMA, (length, day, clay, clock))


TRAIN = [
    row(1.5, seconds(1969, 12, 31, 6), "red", 1.7e12),
    row(math.nan, seconds(2024, 2, 29), "white", 1.7e12 + 1),
    row(-2.0, math.nan, None, 1.7e12 + 3),
]


def test_numbers_dates_and_categories_are_encoded_by_the_training_rows():
    data = facts_of(TRAIN)
    names = [one["name"] for one in data["numbers"]]
    parts = [f"day: {part}" for part in
             ("day", "year", "month", "day of the month", "day of the week", "hour")]  # fmt: skip
    assert names == ["length", *parts, "clock"]
    assert data["levels"] == [["red", "white"]] and data["names"] == ["clay"]
    asked = [*TRAIN, row(1e300, seconds(2023, 1, 1), "blue", 1.7e12 + 2)]
    found = encoded(asked, data).columns
    assert found["numbers"].dtype == np.float32 and found["levels"].dtype == np.int32
    assert found["levels"][:, 0].tolist() == [2, 3, MISSING, UNSEEN]
    told = found["numbers"]
    assert told[0, 1:7].tolist() == [-0.75, 1969, 12, 31, 2, 6]  # a Wednesday
    assert told[1, 1:7].tolist() == [19782, 2024, 2, 29, 3, 0]  # a Thursday
    assert np.isnan(told[2, 1:7]).all() and np.isnan(told[1, 0])
    assert np.isfinite(told[3]).all() and told[3, 0] > 1e38
    assert np.diff(told[[0, 1, 3, 2], 7]).tolist() == [1, 1, 1]  # close values far from zero


def test_a_row_is_encoded_the_same_alone_and_a_problem_is_reported():
    data = facts_of(TRAIN)
    bad = Problem("bad-line", Message("cannot be read"))
    whole = encoded([TRAIN[0], bad, TRAIN[1]], data)
    assert whole.problems == {1: bad}
    for at, one in ((0, TRAIN[0]), (2, TRAIN[1])):
        alone = encoded([one], data)
        for name, column in alone.columns.items():
            assert np.array_equal(column[0], whole.columns[name][at], equal_nan=True), name
    empty = encoded([bad], data)
    assert empty.columns["numbers"].shape == (1, 8) and empty.columns["levels"].shape == (1, 1)


@pytest.mark.parametrize(("count", "learnt"), [(199, ["a", "once"]), (200, ["a"])])
def test_a_category_of_one_row_stands_for_unknown_ones_in_larger_tables(count, learnt):
    schema = TableSchema((TableColumn("kind", "category"),))
    rows = [TableRow(schema, ("a",)) for _ in range(count - 1)] + [TableRow(schema, ("once",))]
    assert facts_of(rows)["levels"] == [learnt]


def test_words_of_texts_are_numbers_that_are_kept_or_left_together():
    schema = TableSchema((TableColumn("note", "text"),))
    texts = ["very good tea", "Good, cheap", "好茶 good", "dear tea", "", "tea tea tea"] * 4
    rows = [TableRow(schema, (text,)) for text in texts]
    data = facts_of(rows)
    words = {one["word"]: at for at, one in enumerate(data["numbers"]) if "word" in one}
    assert words.keys() == {"good", "tea"}
    assert {one["tried"] for one in data["numbers"]} == {
        "note: words", "note: characters"
    }  # fmt: skip
    found = encoded(rows[:6], data).columns["numbers"]
    assert found[:, words["good"]].tolist() == [1, 1, 1, 0, 0, 0]
    assert found[:, words["tea"]].tolist() == [1, 0, 0, 1, 0, 1]
    assert found[:, 0].tolist() == [3, 2, 3, 2, 0, 3]
