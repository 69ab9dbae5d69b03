"""Files of predicted masks, read again by other programs' readers and by plain means."""

import csv
import io
import itertools
import json
import shutil
import zipfile
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import tifffile
from PIL import Image
from pycocotools import mask as coco_masks

from tenfold.answers.mask import MASK, Mask, mask_of, with_intensities
from tenfold.answers.segmentation import outlines, rle, runs
from tenfold.core.columns import Problem
from tenfold.media.image.masks.pixels import TrueMask
from tenfold.media.image.masks.read import read

PROBLEM = Problem("damaged", "is damaged", "")
CLASSES = ("background", "=cell", "细胞")


def made(seed: int, planes: tuple[int, ...] = ()) -> Mask:
    """Blobs of two classes with holes and corners that touch, each with a number of its own."""
    random = np.random.default_rng(seed)
    numbers = np.zeros((*planes, 40, 60), np.uint32)
    for number in range(1, 9):
        y, x = random.integers(0, 30), random.integers(0, 48)
        numbers[..., y : y + 9, x : x + 12] = np.where(random.random((9, 12)) < 0.7, 3 * number, 0)
    pixels = np.where(numbers > 0, 1 + numbers // 3 % 2, 0).astype(np.uint8)
    sure = random.uniform(0.5, 1, pixels.shape)
    picture = np.random.default_rng(9).integers(0, 60_000, (*pixels.shape, 2))
    return mask_of(pixels, CLASSES, numbers, sure, picture, micrometres=0.5)


def without_objects(one: Mask) -> Mask:
    return mask_of(one.pixels, one.classes)


def written(suffix: str, folder: Path, answers: dict) -> Path:
    path, known = folder / f"answers{suffix}", MASK.files[suffix]
    with known.write(path, Mask, CLASSES) as write:
        for source, answer in answers.items():
            write(source, answer)
    assert known.wrote(path, Mask)
    for other, format in MASK.files.items():
        assert format is known or not format.wrote(path, Mask), other
    return path


def filled(coordinates: list, shape: tuple[int, int]) -> np.ndarray:
    """The pixels whose middle lies in a polygon, by counting the crossings of each ring."""
    found = np.zeros(shape, int)
    for ring in coordinates:
        assert ring[0] == ring[-1] and len({*map(tuple, ring)}) == len(ring) - 1
        for (x, y), (other, end) in itertools.pairwise(ring):
            if x == other:
                found[min(y, end) : max(y, end), x:] += 1
    return found % 2 == 1


def polygons_of(geometry: dict) -> list:
    single = geometry["type"] == "Polygon"
    return [geometry["coordinates"]] if single else geometry["coordinates"]


def test_runs_and_compressed_runs_hold_any_mask():
    random = np.random.default_rng(0)
    for shape in [(1, 1), (1, 9), (9, 1), (7, 5), (3, 4, 5), (64, 48)]:
        for share in (0, 0.1, 0.5, 1):
            inside = random.random(shape) < share
            found = runs.encode(inside.astype(np.uint8))
            assert (runs.decode(found, shape, np.uint8) == inside).all()
            assert runs.totals(found).get(1, 0) == inside.sum()
            if inside.ndim == 2:
                theirs = coco_masks.encode(np.asfortranarray(inside.astype(np.uint8)))
                assert rle.compressed(inside, shape, (0, 0)) == theirs["counts"].decode()
    big = np.zeros((3000, 700), bool)
    big[20:2900, 300:] = True
    theirs = coco_masks.encode(np.asfortranarray(big.astype(np.uint8)))
    part = rle.compressed(big[10:2950, 290:], big.shape, (10, 290))
    assert part == theirs["counts"].decode()
    with pytest.raises(ValueError, match="pixels"):
        runs.decode((1, 5), (2, 2), np.uint8)


def test_outlines_filled_again_are_the_same_pixels():
    random = np.random.default_rng(1)
    for _ in range(200):
        inside = random.random(random.integers(1, 14, 2)) < random.random()
        found = outlines.polygons(inside)
        again = [filled([[*map(tuple, ring), tuple(ring[0])] for ring in one], inside.shape)
                 for one in found]  # fmt: skip
        assert (np.sum([np.zeros(inside.shape, int), *again], 0) == inside).all(), "none twice"
        regions = cv2.connectedComponents(inside.astype(np.uint8), connectivity=4)[0] - 1
        assert len(found) == regions


@pytest.mark.parametrize("told_apart", [True, False])
def test_coco_and_geojson_give_the_same_pixels_back(tmp_path: Path, told_apart: bool):
    whole = {f"a/{seed}.png": made(seed) for seed in range(3)}
    answers = whole if told_apart else {name: without_objects(one) for name, one in whole.items()}
    document = json.loads(written(".json", tmp_path, answers | {"bad.png": PROBLEM}).read_text())
    assert document["errors"][0]["file_name"] == "bad.png"
    names = {one["id"]: one["name"] for one in document["categories"]}
    assert set(names.values()) == {*CLASSES[1:]}
    sources = {one["id"]: one["file_name"] for one in document["images"]}
    assert len({one["id"] for one in document["annotations"]}) == len(document["annotations"])
    found = {name: np.zeros((40, 60), int) for name in answers}
    for one in document["annotations"]:
        inside = coco_masks.decode(one["segmentation"]).astype(bool)
        assert one["area"] == inside.sum() == coco_masks.area(one["segmentation"])
        assert one["bbox"] == coco_masks.toBbox(one["segmentation"]).tolist()
        found[sources[one["image_id"]]][inside] += CLASSES.index(names[one["category_id"]])
    for name, one in answers.items():
        assert (found[name] == one.pixels).all()
    if told_apart:
        assert len(document["annotations"]) == sum(len(one.objects) for one in answers.values())
    text = written(".geojson", tmp_path, answers | {"bad.png": PROBLEM}).read_text("utf-8")
    found = {name: np.zeros((40, 60), int) for name in answers}
    for one in json.loads(text)["features"]:
        about = one["properties"]
        assert about["objectType"] == "annotation"
        for polygon in polygons_of(one["geometry"]):
            number = CLASSES.index(about["classification"]["name"])
            found[about["source"]] += number * filled(polygon, (40, 60))
    for name, one in answers.items():
        assert (found[name] == one.pixels).all()
    assert not json.loads(written(".geojson", tmp_path, {}).read_text())["features"]
    assert not json.loads(written(".json", tmp_path, {}).read_text())["annotations"]


def test_a_table_has_a_row_for_each_object(tmp_path: Path):
    one = made(0)
    empty = mask_of(np.zeros((4, 4), np.uint8), CLASSES, np.zeros((4, 4), int))
    path = written(".csv", tmp_path, {"empty": empty, "a.png": one, "bad.png": PROBLEM})
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = [*csv.DictReader(file)]
    assert [rows[0]["source"], rows[0]["class"], rows[-1]["error"]] == ["empty", "", "is damaged"]
    mine = rows[1:-1]
    assert [int(row["object"]) for row in mine] == [*range(1, len(one.objects) + 1)]
    pixels, numbers = one.pixels, one.object_numbers
    channels = np.random.default_rng(9).integers(0, 60_000, (*pixels.shape, 2))
    bare = [{key: cell for key, cell in each.items() if key != "intensity"} for each in one.objects]
    later = with_intensities(replace(one, objects=tuple(bare)), channels)
    for row in mine:
        inside = numbers == int(row["object"])
        y, x = np.nonzero(inside)
        assert row["class"].lstrip("'") == CLASSES[pixels[inside][0]]
        assert int(row["area_px"]) == inside.sum()
        assert float(row["area_um2"]) == pytest.approx(inside.sum() / 4)
        assert float(row["centre_x_px"]) == pytest.approx(x.mean() + 0.5, abs=0.01)
        assert float(row["centre_y_px"]) == pytest.approx(y.mean() + 0.5, abs=0.01)
        moments = np.cov(np.stack([x, y]), bias=True) + np.eye(2) / 12
        small, large = np.linalg.eigvalsh(moments)
        assert float(row["elongation"]) == pytest.approx(np.sqrt(large / small), abs=1e-3)
        number = int(row["object"])
        assert float(row["intensity_2"]) == pytest.approx(channels[inside][:, 1].mean())
        assert later.objects[number - 1]["intensity"] == one.objects[number - 1]["intensity"]
    assert mine[0]["class"].startswith("'=") or mine[1]["class"].startswith("'="), "no formula"
    rows = [*csv.DictReader(written(".csv", tmp_path, {"a": without_objects(one)}).open())]
    assert [row["class"] for row in rows] == ["background", "'=cell", "细胞"]
    assert sum(int(row["area_px"]) for row in rows) == 2400 and "intensity_1" not in rows[0]


def test_pictures_of_numbers_keep_classes_and_objects(tmp_path: Path):
    one, stack = made(0), made(1, (3,))
    answers = {"x/a.png": one, "y.zip#path=z/a.ome.tif": stack, "bad": PROBLEM}
    with zipfile.ZipFile(written(".zip", tmp_path, answers)) as file:
        assert file.read("classes.txt").decode().split() == [*CLASSES]
        picture = Image.open(io.BytesIO(file.read("masks/a.png")))
        assert picture.mode == "P" and (np.array(picture) == one.pixels).all()
        assert picture.getpalette()[3:6] == [230, 159, 0]
        planes = tifffile.imread(io.BytesIO(file.read("masks/a_2.tif")))
        assert (planes == stack.pixels).all()
    path = written(".tif", tmp_path, {"stack": stack, "a.png": one})
    with tifffile.TiffFile(path) as file:
        assert [each.axes for each in file.series] == ["ZYX", "YX"]
        assert (file.series[0].asarray() == stack.object_numbers).all()
        assert 'PhysicalSizeX="0.5"' in file.ome_metadata
    document = json.loads(written(".json", tmp_path, {"stack": stack}).read_text())
    assert [each["plane"] for each in document["images"]] == [0, 1, 2]
    text = written(".geojson", tmp_path, {"stack": stack}).read_text()
    assert {one["geometry"]["plane"]["z"] for one in json.loads(text)["features"]} == {0, 1, 2}


@pytest.mark.parametrize("told_apart", [True, False])
@pytest.mark.parametrize("suffix", [".json", ".geojson", ".geojson.zip", ".zip"])
def test_files_are_read_again_as_labels(tmp_path: Path, suffix: str, told_apart: bool):
    """Every pixel has its class again, every object its number where the file tells them apart."""
    (tmp_path / "images").mkdir()
    answers = {}
    for seed in range(3):
        name, one = f"images/cell {seed}.png", made(seed)
        answers[name] = one if told_apart else without_objects(one)
        noise = np.random.default_rng(seed).integers(0, 255, (40, 60, 3), np.uint8)
        Image.fromarray(noise).save(tmp_path / name)
    path = written(suffix, tmp_path, answers)
    if path.suffix == ".zip":
        shutil.unpack_archive(path, tmp_path)
        path.unlink()
    table = read(tmp_path).table
    assert not table["problem"].notna().any() and len(table) == len(answers)
    for source, cell in zip(table["source"], table["mask"], strict=True):
        truth, one = TrueMask.of(cell), answers[source]
        assert (truth.numbered(CLASSES) == one.pixels).all()
        if told_apart and suffix != ".zip":
            found, numbers = truth.objects, one.object_numbers
            pairs = {*zip(found.ravel().tolist(), numbers.ravel().tolist(), strict=True)}
            assert len(pairs) == len(one.objects) + 1 == len({number for _, number in pairs})
