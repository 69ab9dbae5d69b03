"""Predicted stacks: an answer for each, objects counted once; intensities, sizes of pixels."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

import tenfold
from tenfold.core.columns import Problem
from tenfold.core.errors import UsageError
from tenfold.run.run import Run

SIDE, DEEP = 32, 8
SETTINGS = {"size": "tiny", "augment": "flip", "target": "objects", "epochs": 16, "batch": 8}


def balls(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Two balls in a stack (Z, H, W) of 16 bits, and their numbers."""
    random = np.random.default_rng(seed)
    deep, down, across = np.mgrid[:DEEP, :SIDE, :SIDE]
    numbers = np.zeros((DEEP, SIDE, SIDE), np.uint16)
    grey = np.full(numbers.shape, 300.0)
    for number, column in enumerate((9, 23), 1):
        z, y, x = np.array([3.5, 15, column]) + random.uniform(-1, 1, 3)
        inside = np.sqrt((deep - z) ** 2 + (down - y) ** 2 + (across - x) ** 2) < 5.5
        numbers[inside], grey[inside] = number, 800 + 100 * number
    return (grey + random.normal(0, 10, grey.shape)).astype(np.uint16), numbers


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    home = tmp_path_factory.mktemp("balls")
    for part, count in {"train": 6, "valid": 2, "test": 2}.items():
        for name in ("images", "masks"):
            (home / "data" / part / name).mkdir(parents=True)
        for index in range(count):
            grey, numbers = balls(index + 10 * len(part))
            about = {"axes": "ZYX", "PhysicalSizeX": 0.5, "PhysicalSizeXUnit": "µm"}
            place = home / "data" / part
            tifffile.imwrite(place / f"images/{index}.ome.tif", grey, metadata=about)
            tifffile.imwrite(place / f"masks/{index}.ome.tif", numbers, metadata={"axes": "ZYX"})
    return tenfold.train(
        "image-segmentation", home / "data", out=home / "run", device="cpu", **SETTINGS
    )


def test_a_stack_has_one_answer_in_which_each_ball_counts_once(run: Run, tmp_path: Path):
    grey, numbers = balls(99)
    path = tmp_path / "deep.ome.tif"
    about = {"axes": "ZYX", "PhysicalSizeX": 250.0, "PhysicalSizeXUnit": "nm"}
    tifffile.imwrite(path, grey, metadata=about)
    out = tmp_path / "labels.tif"
    (found,) = tenfold.predict(run, path, out=out)
    answer = found.answer
    assert (answer.size, len(answer.objects), answer.micrometres) == (grey.shape, 2, 0.25)
    labels = tifffile.imread(out)
    np.testing.assert_array_equal(labels, answer.object_numbers)
    for number, about in enumerate(answer.objects, 1):
        (mean,) = about["intensity"]
        assert mean == pytest.approx(grey[labels == number].mean(), rel=1e-5)
        assert about["area"] == (labels == number).sum()
        true = np.bincount(numbers[labels == number], minlength=3).argmax()
        both = ((labels == number) & (numbers == true)).sum()
        assert both / ((labels == number) | (numbers == true)).sum() > 0.7
    content = path.read_bytes()
    (same,) = tenfold.predict(run, [content])
    assert same.answer == answer


def test_the_order_of_pages_is_read_or_given_or_a_problem(run: Run, tmp_path: Path):
    grey, _ = balls(99)
    plain = tmp_path / "plain.tif"
    tifffile.imwrite(plain, grey, metadata=None)
    picture = tmp_path / "one.png"
    Image.fromarray(np.uint8(grey[3] >> 2)).save(picture)
    unclear, one = (found.answer for found in tenfold.predict(run, [plain, picture]))
    assert isinstance(unclear, Problem) and unclear.code == "two-readings"
    assert "--pages" in str(unclear.fix) and one.size == (SIDE, SIDE)
    given = [found.answer for found in tenfold.predict(run, plain, pages="Z")]
    assert [found.size for found in given] == [grey.shape] and len(given[0].objects) == 2
    assert given[0].micrometres == 0.5  # that of the training
    with pytest.raises(UsageError):
        tenfold.predict(run, plain, pages="YX")


def test_intensities_of_pictures_are_those_of_their_own_numbers(run: Run, tmp_path: Path):
    grey, _ = balls(5)
    plane = grey[3]
    Image.fromarray(plane).save(tmp_path / "a.png")
    tifffile.imwrite(tmp_path / "b.ome.tif", plane, metadata={"axes": "YX", "PhysicalSizeX": 2.0})
    out = tmp_path / "objects.csv"
    inputs = [tmp_path / "a.png", plane, tmp_path / "b.ome.tif"]
    found = [one.answer for one in tenfold.predict(run, inputs, out=out)]
    assert [one.micrometres for one in found] == [0.5, 0.5, 2.0]
    for one in found:
        for number, about in enumerate(one.objects, 1):
            own = plane[one.object_numbers == number].mean()
            assert about["intensity"] == pytest.approx([own], rel=1e-5)
    with out.open(encoding="utf-8-sig") as file:
        rows = list(csv.DictReader(file))
    told = [float(row["intensity_1"]) for row in rows if row["object"]]
    assert told == [about["intensity"][0] for one in found for about in one.objects]
