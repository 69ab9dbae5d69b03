"""Objects cut out by a Gaussian mixture, from the mask of one picture to the score it is worth."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

import tenfold
from tenfold.core.errors import EnvironmentRefused
from tenfold.core.lazy import lazy
from tenfold.data.prepare import prepare
from tenfold.data.scan import scan
from tenfold.media.image import draw, foreground
from tenfold.media.image.medium import IMAGE
from tenfold.tasks import registry
from tenfold.tasks.registry import find

TASK = "image-classification"


def disc(number: int, side: int = 64, colour: bool = True) -> tuple[np.ndarray, np.ndarray]:
    """A warm disc with stripes on a cold noisy ground, and where it is."""
    random = np.random.default_rng(number)
    y, x = np.mgrid[:side, :side] - side / 2 + random.uniform(-3, 3)
    inside = y**2 + x**2 < (side * random.uniform(0.24, 0.34)) ** 2
    ground, thing = np.array([40, 70, 160]), np.array([210, 140, 40])
    values = np.where(inside[..., None], thing, ground) + random.normal(0, 14, (side, side, 3))
    values[inside & (np.arange(side) % 6 < 2)] -= 30
    picture = values.clip(0, 255).astype(np.uint8)
    return (picture if colour else picture[..., :1]), inside


def overlap(mask: np.ndarray, inside: np.ndarray) -> float:
    """Intersection over union."""
    found = mask > 127
    return float((found & inside).sum() / (found | inside).sum())


@pytest.mark.parametrize("side", [32, 64, 160])
@pytest.mark.parametrize("colour", [True, False], ids=["colour", "grey"])
def test_it_finds_the_object(side: int, colour: bool):
    for number in range(4):
        picture, inside = disc(number, side, colour)
        found = foreground.mask(picture)
        assert found.shape == (side, side) and found.dtype == np.uint8
        assert overlap(found, inside) > 0.85


def test_masks_are_equal_alone_and_among_others_between_runs_and_thread_counts():
    many = np.stack([disc(number)[0] for number in range(12)])
    first = foreground.masks(many)
    assert (first == foreground.masks(many)).all()
    assert (first[::-1] == foreground.masks(many[::-1])).all()
    assert (first[5] == foreground.masks(many[5:6])[0]).all()
    cores, threads = os.sched_getaffinity(0), cv2.getNumThreads()
    try:
        os.sched_setaffinity(0, {min(cores)})
        cv2.setNumThreads(1)
        assert (first == foreground.masks(many)).all()
        cv2.setNumThreads(4)
        assert (first == foreground.masks(many)).all()
    finally:
        os.sched_setaffinity(0, cores)
        cv2.setNumThreads(threads)


@pytest.mark.parametrize("sides", [(1, 1), (1, 40), (7, 7), (4, 100), (8, 8), (16, 16), (8, 200)])
@pytest.mark.parametrize("channels", [1, 3])
def test_tiny_and_odd_pictures_have_a_mask(sides: tuple[int, int], channels: int):
    picture = np.random.default_rng(1).integers(0, 256, (*sides, channels), np.uint8)
    found = foreground.mask(picture)
    assert found.shape == sides
    assert (found == 255).all() or min(sides) >= foreground.LEAST


@pytest.mark.parametrize("value", [0, 7, 255])
def test_a_picture_of_one_colour_is_object_all_over(value: int):
    assert (foreground.mask(np.full((40, 30, 3), value, np.uint8)) == 255).all()


# --- as a channel ---


def folder(place: Path, each: int = 16, colour: bool = True, side: int = 32) -> Path:
    """Discs on the left half's colours and squares, one folder a class."""
    for label, name in enumerate(("圆", "square")):
        (place / name).mkdir(parents=True)
        for number in range(each):
            picture, inside = disc(100 * label + number, side)
            if label:
                y, x = np.abs(np.mgrid[:side, :side] - side / 2)
                picture = picture.copy()
                picture[inside] = (40, 70, 160)
                picture[(y < side / 4) & (x < side / 4)] = (210, 140, 40)
            plain = Image.fromarray(picture).convert("RGB" if colour else "L")
            plain.save(place / name / f"{number}.png")
    return place


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory):
    home = tmp_path_factory.mktemp("foreground")
    return tenfold.train(
        TASK,
        folder(home / "data", 30),
        out=home / "run",
        size="tiny",
        foreground="mixture",
        epochs=12,
        batch=16,
        device="cpu",
    )


@pytest.mark.parametrize("colour", [True, False], ids=["colour", "grey"])
def test_the_mask_is_the_last_channel(tmp_path: Path, colour: bool):
    task = find(TASK, foreground="mixture")
    prepared = prepare(task, folder(tmp_path / "data", 6, colour))
    image = prepared.columns["image"]
    channels = 3 if colour else 1
    assert prepared.facts["data"]["channels"] == channels and image.shape[-1] == channels + 1
    plain = prepare(find(TASK), tmp_path / "data").columns["image"]
    assert (image[..., :-1] == plain).all(), "the mixture changes no pixel"
    assert (image[..., -1:] == foreground.masks(np.ascontiguousarray(plain))).all()


@pytest.mark.parametrize("side", [1, 7, 16])
def test_tiny_pictures_are_learnt_with_a_mask(tmp_path: Path, side: int):
    data = tmp_path / "data"
    for number in range(24):
        (data / "ab"[number % 2]).mkdir(parents=True, exist_ok=True)
        values = np.random.default_rng(number).integers(0, 99, (side, side, 3), np.uint8)
        Image.fromarray(values + 100 * (number % 2)).save(data / "ab"[number % 2] / f"{number}.png")
    found = tenfold.train(
        TASK, data, out=tmp_path / "run", size="tiny", foreground="mixture", epochs=2, device="cpu"
    )
    assert found.scores["rows"]["quarantined"] == 0


def test_the_score_with_the_channel_set_to_one_stands_beside(run):
    (name,) = run.scores["ablations"]
    assert name == "foreground channel set to one"
    without = run.scores["ablations"][name]
    assert 0 <= without["accuracy"] <= 1
    page = (run.folder / "report.html").read_text()
    assert "foreground channel set to one" in page
    change = run.task.ablations(run.facts)[name]
    image = np.zeros((2, 4, 4, 4), np.uint8)
    after = change({"image": image})["image"]
    assert (after[..., 3] == 255).all() and not after[..., :3].any() and not image.any()


def test_a_run_without_a_mask_has_nothing_to_take_away():
    task = registry.find(TASK)
    assert task.ablations({"data": {"masked": False}}) == {}


def test_predictions_are_those_of_the_opened_run(run, tmp_path: Path):
    picture = next(Path(run.folder.parent / "data").rglob("*.png"))
    before = [one.answer for one in tenfold.predict(run, picture)]
    moved = shutil.copytree(run.folder, tmp_path / "moved")
    after = [one.answer for one in tenfold.predict(moved, picture, device="cpu")]
    array = [one.answer for one in tenfold.predict(moved, [np.asarray(Image.open(picture))])]
    assert before == after == array


def test_explanations_and_reports_show_masked_pictures(run, tmp_path: Path):
    picture = next(Path(run.folder.parent / "data").rglob("*.png"))
    found = tenfold.explain(run, picture, out=tmp_path / "explained", device="cpu")
    assert (tmp_path / "explained" / found["inputs"][0]["file"]).exists()


def test_what_is_outside_the_mask_is_paled():
    pixels = np.full((4, 4, 4), 40, np.uint8)
    pixels[..., 3] = 0
    pixels[:2, :, 3] = 255
    shown = np.asarray(draw.picture(pixels))
    assert shown.shape == (4, 4, 3)
    assert (shown[:2] == 40).all() and (shown[2:] > 190).all()
    assert draw.is_picture(pixels[None]) and not draw.is_picture(np.zeros((1, 4, 4, 5), np.uint8))


def test_a_missing_package_is_said_with_its_extra():
    with pytest.raises(EnvironmentRefused) as caught:
        lazy("cv2_that_is_not_there").something  # noqa: B018
    assert "not installed" in str(caught.value)
    from tenfold.core.lazy import _EXTRA

    assert _EXTRA["cv2"] == "vision"


def test_an_unknown_way_is_refused():
    with pytest.raises(tenfold.TenfoldError, match="one of none, mixture, got 'mixtrue'"):
        find(TASK, foreground="mixtrue")


def test_a_row_that_fails_is_zeros_in_every_channel(tmp_path: Path):
    data = folder(tmp_path / "data", 4)
    task = find(TASK, foreground="mixture")
    rows = task.read(data)
    table = scan(rows.table, {"image": IMAGE})
    facts = task.learn(rows.with_table(table))
    (data / "square" / "1.png").write_bytes(b"gone")
    encoded = task.encode(table, facts)
    (row,) = encoded.problems
    image = encoded.columns["image"]
    assert not image[row].any() and all(image[other].any() for other in range(8) if other != row)
