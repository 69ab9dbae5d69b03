"""What a user rated low, returned or cancelled is not liked: never a target, never an answer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import tenfold
from tenfold.core.errors import DataRefused, UsageError
from tenfold.media.interactions import read
from tenfold.tasks.recommendation import histories, preferences

USERS, ITEMS = range(60), range(12)


def events(mark: Any, column: str = "rating") -> pd.DataFrame:
    """Every user has eight of twelve items; the marks of one ring are high, of the other low."""
    rows = [
        (f"u{user}", f"{'ab'[item % 2]}{item}", mark(item % 2 == user % 2), 100 * step + user)
        for user in USERS
        for step, item in enumerate(np.random.default_rng(user).permutation(len(ITEMS))[:8])
    ]
    return pd.DataFrame(rows, columns=["user", "item", column, "time"])


SAID = [
    (lambda good: 5 if good else 1, "rating"),
    (lambda good: 4.5 if good else 0.5, "Book-Rating"),
    (lambda good: 10 if good else 4, "score"),
    (lambda good: 1 if good else -1, "rating"),
    (lambda good: bool(good), "liked"),
    (lambda good: "yes" if good else "no", "liked"),
    (lambda good: "" if good else "True", "returned"),
    (lambda good: "delivered" if good else "cancelled", "status"),
    (lambda good: 3 if good else -3, "quantity"),
]


@pytest.mark.parametrize(("mark", "column"), SAID)
@pytest.mark.parametrize("holdout", ["last", "time", "random"])
def test_only_what_is_liked_comes_next(mark: Any, column: str, holdout: str):
    table = events(mark, column)
    good = {
        (user, item) for user, item in zip(table["user"], table["item"], strict=True)
        if "ab".index(item[0]) == int(user[1:]) % 2
    }  # fmt: skip
    rows = histories.rows_of(read.read(table), holdout)
    for _, row in rows.table.iterrows():
        assert {(row["group"], item) for item in row["next"]} <= good
        plain = [item for item in row["items"] if "=" not in item]
        assert {(row["group"], item) for item in plain} <= good
        marked = {item.partition("=")[0] for item in row["items"]} - {*plain}
        assert not {(row["group"], item) for item in marked} & good
        assert row["split"] != "train" or not marked
    assert any("=" in item for row in rows.table["items"] for item in row)
    every = histories.rows_of(read.read(table), holdout, liked="all")
    assert not any("=" in item for row in every.table["items"] for item in row)


def test_nothing_later_than_the_target_is_given():
    table = events(lambda good: 5 if good else 1)
    when = {(one.user, one.item): one.time for one in table.itertuples()}
    rows = histories.rows_of(read.read(table), "last").table
    for _, row in rows[rows["split"] != "train"].iterrows():
        target = when[row["group"], row["next"][0]]
        assert all(when[row["group"], item.partition("=")[0]] < target for item in row["items"])


def test_numbers_that_are_no_scale_say_nothing():
    for values in ([1, 7, 400], [3, 3, 3], [10, 20, 30]):
        frame = pd.DataFrame({"user": list("aab"), "item": list("xyx"), "rating": values})
        assert preferences.liked(read.read(frame), "auto")[0].all()
    frame = pd.DataFrame({"user": list("aab"), "item": list("xyx"), "rating": [1, 3, 5]})
    found = read.read(frame)
    assert preferences.liked(found, "auto")[0].sum() == 2
    assert preferences.liked(found, "5")[0].sum() == 1
    with pytest.raises(UsageError) as asked:
        preferences.liked(found, "good")
    assert asked.value.code == "bad-setting"
    with pytest.raises(DataRefused) as refused:
        preferences.liked(found, "6")
    assert "--liked" in str(refused.value.fix)


def test_a_run_does_not_recommend_what_was_disliked(tmp_path: Path):
    table = events(lambda good: 5 if good else 1)
    run = tenfold.train("recommendation", table, model="ease", out=tmp_path / "run", device="cpu")
    asked = ["user=u4", "a0|a2|b1=1", "a0|a2|b1=5"]
    known, low, high = (one.answer for one in tenfold.predict(tmp_path / "run", asked, top=12))
    had = set(table[table["user"] == "u4"]["item"])
    assert not had & {*known.names} and len(known.names) == 12 - len(had)
    assert "b1" not in low.names and "b1" not in high.names and (low.given, high.given) == (2, 3)
    assert low.names[0].startswith("a") and run.facts["data"]["least"] == 3
    again = next(iter(tenfold.predict(run, ["a0|a2|b1=1"], top=12, again=True))).answer
    assert "a0" in again.names and "b1" not in again.names
