"""The feed: what a step learns from is a function of seed and step, mapped or in memory."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from learning import HERE, ROWS, SIZE, columns

from tenfold.core.columns import Ragged
from tenfold.training.batches import Batches


def test_every_row_turns_up_once_a_pass():
    feed = Batches(columns(), SIZE, 3, HERE)
    for epoch in range(3):
        rows = [feed.batch(step)["row"] for step in range(6 * epoch, 6 * epoch + 6)]
        assert sorted(torch.cat(rows).tolist()) == list(range(ROWS))
    orders = {tuple(feed.batch(6 * epoch)["row"].tolist()) for epoch in range(3)}
    assert len(orders) == 3


def test_rows_that_fill_no_batch_turn_up_in_another_pass():
    feed = Batches(columns(50), SIZE, 3, HERE)
    passes = [
        {row for step in range(6) for row in feed.batch(6 * epoch + step)["row"].tolist()}
        for epoch in range(6)
    ]
    assert [len(rows) for rows in passes] == [48] * 6
    assert set.union(*passes) == set(range(50))


def test_a_batch_is_a_function_of_seed_and_step():
    def rows(feed: Batches, step: int) -> list[int]:
        return feed.batch(step)["row"].tolist()

    feed = Batches(columns(), SIZE, 3, HERE)
    ahead = [rows(feed, step) for step in range(15)]
    assert [rows(Batches(columns(), SIZE, 3, HERE), step) for step in range(15)] == ahead
    assert [rows(feed, step) for step in reversed(range(15))] == ahead[::-1]
    assert rows(Batches(columns(), SIZE, 4, HERE), 0) != ahead[0]


def test_mapped_batches_are_the_resident_ones(monkeypatch: pytest.MonkeyPatch):
    view = columns(60).view(np.random.default_rng(0).permutation(60)[:ROWS])
    resident = Batches(view, SIZE, 3, HERE)
    monkeypatch.setattr("tenfold.core.system.available_memory", lambda: 0)
    mapped = Batches(view, SIZE, 3, HERE)
    assert resident._reader is None and mapped._reader is not None
    for step in (0, 1, 2, 5, 6, 7, 3, 12):
        left, right = resident.batch(step), mapped.batch(step)
        assert left.keys() == right.keys()
        assert all(torch.equal(left[name], right[name]) for name in left)


def test_ragged_batches_are_padded_and_say_their_lengths():
    lengths = np.random.default_rng(1).integers(1, 30, ROWS)
    sound = Ragged.of([np.full(length, row + 1) for row, length in enumerate(lengths)], np.int32)
    feed = Batches(columns().also({"sound": sound}), SIZE, 3, HERE)
    for step in range(6):
        batch = feed.batch(step)
        for row, values, length in zip(
            batch["row"].tolist(), batch["sound"], batch["sound_length"].tolist(), strict=True
        ):
            assert length == lengths[row]
            assert values.tolist() == [row + 1] * length + [0] * (len(values) - length)
