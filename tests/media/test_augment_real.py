"""What may be mirrored, told from the pixels of real pictures."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tenfold.data.prepare import prepare
from tenfold.media.image.augment import differs_mirrored
from tenfold.tasks.registry import find

TASK = "image-classification"


def judged(folder: Path, side: int) -> tuple[float, float] | None:
    """The verdict on training rows, read through tenfold."""
    train = prepare(find(TASK, image_size=side), folder, limit=5000).parts.train
    rows = train.take(np.arange(train.rows))
    return differs_mirrored(rows["image"], rows["label"])


@pytest.mark.parametrize("name", ["mnist", "fashion-mnist-mini"])
def test_digits_and_shoes_have_a_side(data_folder: Path, name: str):
    straight, mirrored = judged(data_folder / name, 0)
    assert straight > mirrored + 0.1
    if name == "mnist":  # the figure in docs/tasks/image-classification.md
        assert (round(straight, 2), round(mirrored, 2)) == (0.81, 0.44)


@pytest.mark.parametrize("name", ["cats-dogs", "flowers"])
def test_photos_have_none(data_folder: Path, name: str):
    assert judged(data_folder / name, 32) is None
