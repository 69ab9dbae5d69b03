"""Touching discs: separated, counted, also in pictures far larger than those of the training."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sharing import keep_the_table_of_operators

import tenfold
from tenfold.answers.mask import MASK, mask_of
from tenfold.media.image.masks.objects import components
from tenfold.media.image.masks.pixels import TrueMask
from tenfold.run.run import Run, open_run

SIDE = 48
SETTINGS = {"size": "tiny", "augment": "flip", "target": "objects", "epochs": 36, "batch": 8}


def pairs(random: np.random.Generator, tiles: tuple[int, int] = (1, 1)) -> tuple:
    """A grey picture (H, W) and numbers (H, W) uint16: two touching discs in each tile."""
    height, width = tiles[0] * SIDE, tiles[1] * SIDE
    down, across = np.mgrid[:height, :width]
    numbers, grey = np.zeros((height, width), np.uint16), np.full((height, width), 60.0)
    for tile in range(tiles[0] * tiles[1]):
        y, x = (np.array(divmod(tile, tiles[1])) + 0.5) * SIDE + random.uniform(-4, 4, 2)
        angle, radius = random.uniform(0, 2 * np.pi), random.uniform(7, 9)
        for sign in (1, -1):
            near = sign * (radius - 1)  # so that they share a few pixels of border
            away = np.hypot(down - y - near * np.sin(angle), across - x - near * np.cos(angle))
            inside = (away <= radius + 0.5) & (numbers == 0)
            numbers[inside] = numbers.max() + 1
            grey[inside] = 190 - 70 * (away[inside] / radius) ** 2
    noisy = grey + random.normal(0, 6, grey.shape)
    return noisy.clip(0, 255).astype(np.uint8), numbers


def written(folder: Path, count: int, tiles: tuple[int, int] = (1, 1)) -> Path:
    for name in ("images", "masks"):
        (folder / name).mkdir(parents=True)
    for index in range(count):
        random = np.random.default_rng([index, *folder.name.encode()])
        for name, pixels in zip(("images", "masks"), pairs(random, tiles), strict=True):
            Image.fromarray(pixels).save(folder / name / f"{index:02}.png")
    return folder


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    home = tmp_path_factory.mktemp("discs")
    for part, count in {"train": 24, "valid": 6, "test": 8}.items():
        written(home / "data" / part, count)
    return tenfold.train(
        "image-segmentation", home / "data", out=home / "run", device="cpu", **SETTINGS
    )


def test_discs_that_touch_are_separated(run: Run):
    assert run.facts["truths"]["things"] and run.facts["truths"]["objects"] == 48
    assert run.scores["scores"]["object_f1"]["value"] > 0.85
    assert run.scores["scores"]["mean_iou"]["value"] > 0.85


def test_a_large_picture_is_predicted_in_windows_and_scored_as_predicted(run: Run, tmp_path: Path):
    data = written(tmp_path / "large", 2, (4, 3))
    found = [one.answer for one in tenfold.predict(run, data / "images")]
    truths = [np.asarray(Image.open(path)) for path in sorted((data / "masks").iterdir())]
    assert [one.size for one in found] == [one.shape for one in truths]
    assert all(abs(len(one.objects) - 24) <= 3 for one in found)
    cells = [
        TrueMask(tuple(run.classes), (one > 0).astype(np.uint8), one.astype(np.uint16)).cell()
        for one in truths
    ]
    table = run.task.read(data, run.reading).table.assign(mask=cells, digest=["a", "b"])
    values = MASK.values(found, table)
    scored = tenfold.test(run, data).to_json()["scores"]
    for name in ("mean_iou", "object_f1"):
        assert scored[name]["value"] == pytest.approx(values[name], abs=1e-6)
    assert values["object_f1"] > 0.85
    regions = [mask_of(one.pixels, one.classes, components(one.pixels == 1)) for one in found]
    assert MASK.values(regions, table)["object_f1"] < 0.7


def test_an_export_separates_them_alike(run: Run, tmp_path: Path):
    keep_the_table_of_operators()
    tenfold.export(run, out=tmp_path / "export")
    opened = open_run(tmp_path / "export")
    data = written(tmp_path / "large", 1, (3, 3))
    for inputs in (data / "images", written(tmp_path / "small", 3) / "images"):
        one, other = (
            [found.answer for found in tenfold.predict(which, inputs)] for which in (run, opened)
        )
        assert [MASK.decides_alike(*both, 2e-3) for both in zip(one, other, strict=True)]
        assert [len(each.objects) for each in one] == [len(each.objects) for each in other]
