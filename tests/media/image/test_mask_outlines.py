"""Outlines and runs as masks: filling against brute force, COCO in its three writings."""

import json

import numpy as np
import pytest
from PIL import Image

from tenfold.media.files.references import Unreadable
from tenfold.media.image.masks.outlined import runs
from tenfold.media.image.masks.outlined.outlines import filled
from tenfold.media.image.masks.pixels import TrueMask
from tenfold.media.image.masks.read import read


def brute(rings, height, width):
    """Even-odd by counting the edges left of each centre."""
    out = np.zeros((height, width), bool)
    for row in range(height):
        for column in range(width):
            x, y, count = column + 0.5, row + 0.5, 0
            for ring in rings:
                for (x0, y0), (x1, y1) in zip(ring, np.roll(ring, -1, 0), strict=True):
                    if (y0 <= y) != (y1 <= y):
                        count += x0 + (y - y0) * (x1 - x0) / (y1 - y0) <= x
            out[row, column] = count % 2
    return out


@pytest.mark.parametrize("seed", range(12))
def test_filling_equals_brute_force(seed):
    drawn = np.random.default_rng(seed)
    rings = [drawn.uniform(-4, 24, (drawn.integers(3, 9), 2)) for _ in range(1 + seed % 3)]
    if seed % 2:
        rings = [np.round(ring * 2) / 2 for ring in rings]  # edges through centres
    assert (filled(rings, 17, 20) == brute(rings, 17, 20)).all()


def test_rectangles_have_their_areas_and_share_no_pixel():
    left, right = ([[2, 3], [7, 3], [7, 9], [2, 9]], [[7, 3], [11, 3], [11, 9], [7, 9]])
    first, second = (filled([np.array(ring)], 12, 15) for ring in (left, right))
    assert (first.sum(), second.sum(), (first & second).sum()) == (30, 24, 0)
    hole = filled([np.array(left), np.array([[3, 4], [5, 4], [5, 6], [3, 6]])], 12, 15)
    assert hole.sum() == 26 and not hole[4, 3]


def counts_of(mask):
    """COCO's list of counts of a mask, down the columns."""
    flat = np.concatenate([[False], mask.T.ravel()])
    edges = np.flatnonzero(np.diff(flat)) + 0
    return np.diff(np.concatenate([[0], edges, [mask.size]])).tolist()


def packed(counts):
    """The compressed string of a list of counts."""
    out = ""
    for at, count in enumerate(counts):
        value = count - counts[at - 2] if at > 2 else count
        while True:
            bits, value = value & 31, value >> 5
            more = value != (-1 if bits & 16 else 0)
            out += chr((bits | 32 if more else bits) + 48)
            if not more:
                break
    return out


def test_runs_are_read_down_the_columns():
    mask = np.random.default_rng(0).random((13, 17)) < 0.4
    mask[:, 5:9] = True
    counts = counts_of(mask)
    for written in (counts, packed(counts)):
        held = {"size": [13, 17], "counts": written}
        assert (runs.of_coco(held, 13, 17) == mask).all()
    wrong = [
        ({"size": [17, 13], "counts": counts}, "13 x 17"),
        ({"size": [13, 17], "counts": counts[:-1]}, "of 221"),
        ({"size": [13, 17], "counts": [1.5]}, "counts"),
        ({"size": [13, 17], "counts": "\x00~"}, "character"),
    ]
    for held, words in wrong:
        with pytest.raises(Unreadable, match=words):
            runs.of_coco(held, 13, 17)
    pairs = runs.of_pairs("1 3 14 2", 13, 17)
    assert pairs.sum() == 5 and pairs[:3, 0].all() and pairs[:2, 1].all()
    for text in ("1 3 4", "0 2", "220 5", "a b"):
        with pytest.raises(Unreadable):
            runs.of_pairs(text, 13, 17)


def coco(path, pictures, annotations, names=("leaf", "petal", "stem")):
    path.mkdir(parents=True, exist_ok=True)
    for one in pictures:
        Image.new("RGB", (20, 14)).save(path / one["file_name"])
    kinds = [{"id": 3 * at + 2, "name": name} for at, name in enumerate(names)]
    held = {"images": pictures, "annotations": annotations, "categories": kinds}
    (path / "annotations.json").write_text(json.dumps(held))


def annotation(number, image, outline, category=2, **more):
    return {
        "id": number,
        "image_id": image,
        "category_id": category,
        "segmentation": outline,
    } | more


def test_coco_in_three_writings_and_what_is_refused(tmp_path):
    square = [2, 2, 6, 2, 6, 6, 2, 6]
    other = [8, 2, 10, 2, 10, 12, 8, 12]
    ring = filled([np.array(square).reshape(-1, 2)], 14, 20)
    ring[3, 3] = False
    runs_of_ring = {"size": [14, 20], "counts": counts_of(ring)}
    images = [{"id": at, "file_name": f"{at}.png", "width": 20, "height": 14} for at in range(7)]
    coco(
        tmp_path,
        images,
        [
            annotation(1, 0, [square, other], iscrowd=0),
            annotation(2, 0, [[3, 3, 5, 3, 5, 5, 3, 5]], 5),
            annotation(3, 1, runs_of_ring, iscrowd=0),
            annotation(4, 2, runs_of_ring | {"counts": packed(counts_of(ring))}, iscrowd=1),
            annotation(5, 3, runs_of_ring | {"size": [20, 14]}),
            annotation(6, 4, [[2, 2, 90, 2, 9, 9]]),
            annotation(7, 6, [square], 77),
        ],
    )
    rows = read(tmp_path)
    by_name = rows.table.set_index("source")
    found = {name: TrueMask.of(cell) for name, cell in by_name["mask"].dropna().items()}
    assert found["0.png"].counts() == {"background": 244, "leaf": 32, "petal": 4}
    assert len(np.unique(found["0.png"].objects)) == 3
    assert found["1.png"].counts()["leaf"] == 15 and found["1.png"].pixels[3, 3] == 0
    assert (found["2.png"].pixels == 255).sum() == 15 and not found["2.png"].objects.any()
    assert found["5.png"].counts() == {"background": 280}
    codes = {name: one.code for name, one in by_name["problem"].dropna().items()}
    assert codes == {"3.png": "mask-runs", "4.png": "mask-outline", "6.png": "mask-category"}
    assert all(
        str(number) in str(by_name["problem"][f"{at}.png"]) for at, number in ((3, 5), (4, 6))
    )
    assert found["0.png"].classes == ("background", "leaf", "petal")
    assert "leaf 2, petal 1" in str(rows.taken.notes)


def test_pictures_that_were_resized_are_all_scaled_or_each_refused(tmp_path):
    square = [4, 4, 12, 4, 12, 12, 4, 12]
    images = [{"id": at, "file_name": f"{at}.png", "width": 40, "height": 28} for at in range(3)]
    coco(tmp_path / "all", images, [annotation(at, at, [square]) for at in range(3)])
    rows = read(tmp_path / "all")
    assert [TrueMask.of(cell).counts()["leaf"] for cell in rows.table["mask"]] == [16] * 3
    images[0] |= {"width": 20, "height": 14}
    coco(tmp_path / "some", images, [annotation(at, at, [square]) for at in range(3)])
    table = read(tmp_path / "some").table
    assert [one and one.code for one in table["problem"]] == [None, "mask-size", "mask-size"]


def test_ids_that_repeat_are_refused(tmp_path):
    square = [2, 2, 6, 2, 6, 6, 2, 6]
    images = [
        {"id": at // 2, "file_name": f"{at}.png", "width": 20, "height": 14} for at in range(3)
    ]
    annotations = [annotation(0, 0, [square]), annotation(0, 1, [square])]
    coco(tmp_path, [*images, images[2] | {"id": 9}], annotations)
    table = read(tmp_path).table
    codes = [one and one.code for one in table["problem"]]
    assert codes == ["annotated-twice", "annotated-twice", None, "annotated-twice"]
    assert TrueMask.of(table["mask"][2]).counts()["leaf"] == 16


def test_outlines_of_yolo_label_files_are_masks_of_objects(tmp_path):
    lines = {
        "train/a": "1 0.1 0.2 0.5 0.2 0.5 0.6 0.1 0.6\n0 0.5 0.5 1 0.5 1 1 0.5 1\n",
        "train/b": "",
        "train/c": "0 0.5 0.5 0.2 0.2\n",
        "train/d": "0 0.1 0.2 0.5 0.2 0.5 0.6 0.1\n",
        "train/e": "7 0.1 0.2 0.5 0.2 0.5 0.6\n",
        "val/f": "1 0 0 0.2 0 0.2 0.5 0 0.5\n1 0.2 0 0.4 0 0.4 0.5 0.2 0.5\n",
        "val/lost": "1 0 0 0.2 0 0.2 0.5\n",
    }
    for name, text in lines.items():
        for folder in ("images", "labels"):
            (tmp_path / folder / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "labels" / f"{name}.txt").write_text(text)
        if "lost" not in name:
            Image.new("RGB", (40, 20), "white").save(tmp_path / "images" / f"{name}.png")
    names = "names: [nut, bolt, rivet]\ntrain: images/train\nval: images/val\n"
    (tmp_path / "data.yaml").write_text(names)
    for source in (tmp_path, tmp_path / "data.yaml"):
        rows = read(source)
        table = rows.table.set_index("source")
        problems = {name: one.code for name, one in table["problem"].items() if one is not None}
        assert problems == {
            "images/train/c.png": "mask-outline",
            "images/train/d.png": "bad-box",
            "images/train/e.png": "unnamed-class",
        }
        masks = {
            name: TrueMask.of(table.at[f"images/{name}.png", "mask"])
            for name in ("train/a", "train/b", "val/f")
        }
        assert masks["train/a"].classes == ("background", "nut", "bolt")
        assert masks["train/a"].counts() == {"background": 472, "nut": 200, "bolt": 128}
        assert masks["train/a"].pixels[4:12, 4:20].tolist() == [[2] * 16] * 8
        assert masks["train/b"].counts() == {"background": 800}
        assert [*np.unique(masks["val/f"].objects, return_counts=True)[1]] == [640, 80, 80]
        assert table.at["images/val/f.png", "split"] == "valid"
        left = {name for one in rows.taken.left for name in one.names}
        assert {"rivet", "labels/val/lost.txt"} <= left


def test_regions_of_via_are_masks_of_objects(tmp_path):
    for part, name in (("train", "a"), ("val", "a")):
        (tmp_path / part).mkdir()
        Image.new("RGB", (40, 20), "white").save(tmp_path / part / f"{name}.png")
        shape = {"name": "rect", "x": 4, "y": 2, "width": 10, "height": 5}
        if part == "val":
            shape = {"name": "polygon", "all_points_x": [0, 8, 8, 0], "all_points_y": [0, 0, 4, 4]}
        region = {"shape_attributes": shape, "region_attributes": {}}
        held = {"a.png1": {"filename": "a.png", "size": 1, "regions": {"0": region}}}
        (tmp_path / part / "via_region_data.json").write_text(json.dumps(held))
    table = read(tmp_path).table.set_index("source")
    found = {name: TrueMask.of(cell).counts() for name, cell in table["mask"].items()}
    assert {name: one["object"] for name, one in found.items()} == {
        "train/a.png": 50,
        "val/a.png": 32,
    }
    assert [*table["split"]] == ["train", "valid"]
