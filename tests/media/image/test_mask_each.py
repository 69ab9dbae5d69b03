"""A mask file for each object or class, and object numbers beside classes."""

import numpy as np
import pytest
from PIL import Image

from tenfold.media.image.masks.pixels import TrueMask
from tenfold.media.image.masks.read import read

SHAPE = (14, 20)


def save(path, array):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(array).save(path)


def picture(path):
    save(path, np.full((*SHAPE, 3), 90, np.uint8))


def square(top, left, side=4):
    out = np.zeros(SHAPE, np.uint8)
    out[top : top + side, left : left + side] = 255
    return out


def masks_of(rows):
    assert not rows.table["problem"].notna().any(), list(rows.table["problem"])
    return [TrueMask.of(cell) for cell in rows.table["mask"]]


def test_a_folder_for_each_picture_holds_a_mask_for_each_object(tmp_path):
    for at, name in enumerate(("ab12", "cd34")):
        picture(tmp_path / "stage1_train" / name / "images" / f"{name}.png")
        for number in range(2 + at):
            path = tmp_path / "stage1_train" / name / "masks" / f"{at}{number}f.png"
            save(path, square(1, 1 + 5 * number))
    held = masks_of(read(tmp_path))
    assert [one.counts()["object"] for one in held] == [32, 48]
    assert [len(np.unique(one.objects)) for one in held] == [3, 4]


@pytest.mark.parametrize(
    "place",
    [
        "masks/{name}_{kind}.png",
        "masks/{kind}/{name}.png",
        "{name}/masks/{kind}.png",
        "masks/{name}_{kind}_mask.png",
    ],
)
def test_names_of_files_and_folders_are_classes(tmp_path, place):
    for name in ("leaf_1", "leaf_1_2", "leaf_3"):
        start = f"{name}/" if place.startswith("{name}/") else "images/"
        picture(tmp_path / start / f"{name}.jpg")
        save(tmp_path / place.format(name=name, kind="road"), square(1, 1))
        save(tmp_path / place.format(name=name, kind="tree"), square(8, 8))
    held = masks_of(read(tmp_path))
    assert len(held) == 3
    for one in held:
        assert one.classes == ("background", "road", "tree") and one.objects is None
        assert one.counts() == {"background": 248, "road": 16, "tree": 16}
        assert one.pixels[1, 1] == 1 and one.pixels[8, 8] == 2


def test_further_masks_of_a_picture_are_added(tmp_path):
    for at in range(2):
        picture(tmp_path / f"benign ({at}).png")
        save(tmp_path / f"benign ({at})_mask.png", square(1, 1))
    save(tmp_path / "benign (1)_mask_1.png", square(8, 8))
    assert [one.counts()["object"] for one in masks_of(read(tmp_path))] == [16, 32]


def test_numbers_of_objects_beside_classes(tmp_path):
    (tmp_path / "classes.txt").write_text("background\nleaf\n")
    for at in range(2):
        picture(tmp_path / "JPEGImages" / f"{at}.jpg")
        save(tmp_path / "SegmentationClass" / f"{at}.png", square(1, 1) // 255)
        objects = square(1, 1) // 255
        objects[:, 3:] *= 2
        save(tmp_path / "SegmentationObject" / f"{at}.png", objects)
    rows = read(tmp_path)
    for one in masks_of(rows):
        assert one.classes == ("background", "leaf") and len(np.unique(one.objects)) == 3
    assert not rows.taken.left
