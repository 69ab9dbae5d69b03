"""Views of columns, ragged ones too, and what steers batches."""

import numpy as np
import pytest
import torch

from tenfold.core.columns import Columns, Ragged
from tenfold.training.batches import Batches

HERE = torch.device("cpu")


def boxed(rows: int = 12) -> Columns:
    """Pictures with different numbers of boxes each, the boxes being targets."""
    boxes = Ragged.of(
        [[[row, place] for place in range(row % 4)] for row in range(rows)], int, (2,)
    )
    image = np.arange(rows, dtype=np.uint8).repeat(4).reshape(rows, 2, 2, 1)
    return Columns({"image": image, "boxes": boxes}, targets=frozenset({"boxes"}))


def test_a_ragged_column_shows_the_rows_of_its_view():
    view = boxed().view(np.array([7, 2, 0]))
    shown = view["boxes"]
    assert isinstance(shown, Ragged)
    assert [row[:, 0].tolist() for row in shown] == [[7, 7, 7], [2, 2], []]
    again = view.view(np.array([1]))
    assert [len(row) for row in again["boxes"]] == [2] and again.targets == {"boxes"}


def test_only_ragged_inputs_steer_batches():
    columns = boxed()
    assert columns.lengths is None
    swapped = Columns(columns.arrays)
    assert swapped.lengths is not None and swapped.lengths.tolist() == [
        2 * (n % 4) for n in range(12)
    ]


@pytest.mark.parametrize("resident", [True, False])
def test_pictures_with_ragged_targets_come_in_any_order_and_whole(resident: bool, monkeypatch):
    """The boxes of a picture stay with it, padded, whether all rows are resident or read."""
    if not resident:
        monkeypatch.setattr("tenfold.core.system.available_memory", lambda: 0)
    columns = boxed()
    feed = Batches(columns, 4, 1, HERE)
    assert bool(feed._whole) == resident
    rows = []
    for step in range(feed.length):
        batch = feed.batch(step)
        for picture, boxes, length in zip(
            batch["image"], batch["boxes"], batch["boxes_length"], strict=True
        ):
            row = int(picture[0, 0, 0])
            assert int(length) == row % 4 and bool((boxes[:length, 0] == row).all())
            assert not bool(boxes[length:].any())
            rows.append(row)
    assert sorted(rows) == list(range(12)) and rows != sorted(rows)
    lengths = [row % 4 for row in rows]
    assert any(lengths[at : at + 4] != sorted(lengths[at : at + 4]) for at in (0, 4, 8))
