"""Outlines in JSON files, tables of masks and runs, DataFrames, lists of parts."""

import base64
import io
import json

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from tenfold.core.errors import DataRefused, UsageError
from tenfold.media.image.masks.pixels import TrueMask
from tenfold.media.image.masks.read import read
from tenfold.media.reading import Reading

SHAPE = (14, 20)
SQUARE = [[2, 2], [6, 2], [6, 6], [2, 6]]
HOLE = [[3, 3], [5, 3], [5, 5], [3, 5]]


def save(path, array):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(array).save(path)


def picture(path):
    save(path, np.full((*SHAPE, 3), 90, np.uint8))


def numbers(seed, classes=2):
    return np.random.default_rng(seed).integers(0, classes, SHAPE).astype(np.uint8)


def held(rows):
    table = rows.table.set_index("source")
    return {
        name.rsplit("/", 1)[-1]: TrueMask.of(one) for name, one in table["mask"].dropna().items()
    }


def codes(rows):
    table = rows.table.set_index("source")
    return {name.rsplit("/", 1)[-1]: one.code for name, one in table["problem"].dropna().items()}


def test_labelme(tmp_path):
    bitmap = io.BytesIO()
    Image.fromarray(np.array([[1, 0], [1, 1]], np.uint8).astype(bool)).save(bitmap, "PNG")
    shapes = [
        {"label": "leaf", "points": SQUARE, "shape_type": "polygon", "group_id": None},
        {"label": "petal", "points": [[16, 9], [10, 3]], "shape_type": "rectangle", "group_id": 4},
        {"label": "petal", "points": [[17, 3], [19, 9]], "shape_type": "rectangle", "group_id": 4},
        {"label": "leaf", "points": [[1, 1], [2, 2]], "shape_type": "line"},
        {
            "label": "seed",
            "points": [[1, 10], [2, 11]],
            "shape_type": "mask",
            "mask": base64.b64encode(bitmap.getvalue()).decode(),
        },
    ]
    for name in ("a", "b", "c"):
        picture(tmp_path / f"{name}.png")
    document = {"shapes": shapes, "imagePath": "C:\\photos\\a.png", "imageWidth": 20}
    (tmp_path / "other.json").write_text(json.dumps(document | {"imageHeight": 14}))
    (tmp_path / "b.json").write_text(json.dumps({"shapes": [], "imagePath": "b.png"}))
    rows = read(tmp_path)
    assert codes(rows) == {"c.png": "no-mask"}
    one = held(rows)["a.png"]
    assert one.classes == ("background", "leaf", "petal", "seed")
    assert one.counts() == {"background": 280 - 16 - 48 - 3, "leaf": 16, "petal": 48, "seed": 3}
    assert len(np.unique(one.objects)) == 4
    assert (one.pixels[10, 1], one.pixels[10, 2]) == (3, 0)
    assert held(rows)["b.png"].counts() == {"background": 280}


def test_geojson_keeps_holes_and_parts(tmp_path):
    def feature(kind, coordinates, name):
        properties = {"objectType": "annotation", "classification": {"name": name}}
        geometry = {"type": kind, "coordinates": coordinates}
        return {"type": "Feature", "geometry": geometry, "properties": properties}

    closed = [*SQUARE, SQUARE[0]]
    moved = np.add(closed, (8, 6)).tolist()
    features = [
        feature("Polygon", [closed, [*HOLE, HOLE[0]]], "Tumor"),
        feature(
            "MultiPolygon", [[moved], [[[15, 1], [18, 1], [18, 3], [15, 3], [15, 1]]]], "Other"
        ),
    ]
    bare = {"type": "Feature", "geometry": {"type": "Polygon", "coordinates": [closed]}}
    picture(tmp_path / "images" / "slide_1.png")
    picture(tmp_path / "images" / "slide_1_2.png")
    (tmp_path / "labels").mkdir()
    collection = {"type": "FeatureCollection", "features": features}
    (tmp_path / "labels" / "slide_1.geojson").write_text(json.dumps(collection))
    (tmp_path / "labels" / "slide_1_2.geojson").write_text(json.dumps([bare]))
    found = held(read(tmp_path))
    assert found["slide_1.png"].counts() == {"background": 246, "Other": 22, "Tumor": 12}
    assert found["slide_1_2.png"].counts() == {"background": 264, "object": 16}


@pytest.mark.parametrize("joined", [False, True])
def test_runs_in_a_table(tmp_path, joined):
    for name in "abc":
        picture(tmp_path / "train_images" / f"{name}.jpg")
    lines = [
        ("a.jpg", "1", "1 3 15 2"),
        ("a.jpg", "2", "30 5"),
        ("b.jpg", "1", ""),
        ("c.jpg", "1", "279 9"),
    ]
    frame = pd.DataFrame(lines, columns=["ImageId", "ClassId", "EncodedPixels"])
    if joined:
        frame.insert(0, "ImageId_ClassId", frame["ImageId"] + "_" + frame["ClassId"])
        frame = frame.drop(columns=["ImageId", "ClassId"])
    frame.to_csv(tmp_path / "train.csv", index=False)
    frame.assign(EncodedPixels="1 1").to_csv(tmp_path / "sample_submission.csv", index=False)
    rows = read(tmp_path)
    assert codes(rows) == {"c.jpg": "mask-runs"}
    assert "train.csv, line 5" in str(rows.table["problem"][2])
    assert held(rows)["a.jpg"].counts() == {"background": 270, "1": 5, "2": 5}
    assert held(rows)["b.jpg"].counts() == {"background": 280}
    assert (held(rows)["a.jpg"].pixels[:3, 0] == 1).all()


def test_a_table_of_pictures_and_masks_with_a_split_and_groups(tmp_path):
    lines = []
    for at in range(6):
        picture(tmp_path / "i" / f"{at}.png")
        save(tmp_path / "m" / f"x{at}.png", numbers(at, 3))
        part = ["train", "val", "test"][at % 3]
        lines.append((f"i/{at}.png", f"m/x{at}.png" if at else "", part, f"p{at // 2}", at))
    columns = ["image", "mask", "split", "patient", "day"]
    pd.DataFrame(lines, columns=columns).to_csv(tmp_path / "data.csv", index=False)
    for source in (tmp_path, tmp_path / "data.csv"):
        rows = read(source, Reading(by=("day",)))
        assert [*rows.table["split"]] == ["train", "valid", "test"] * 2
        assert [*rows.table["group"]] == ["p0", "p0", "p1", "p1", "p2", "p2"]
        assert [*rows.table["by:day"]] == [str(at) for at in range(6)]
        assert [one and one.code for one in rows.table["problem"]] == ["no-mask", *[None] * 5]
        for at, cell in enumerate(rows.table["mask"]):
            assert at == 0 or (TrueMask.of(cell).pixels == numbers(at, 3)).all()


def test_a_dataframe_of_arrays(tmp_path):
    masks = [numbers(at, 3) for at in range(3)]
    pictures = [np.full((*SHAPE, 3), at, np.uint8) for at in range(3)]
    frame = pd.DataFrame({"picture": pictures, "truth": masks, "split": ["train", "train", "test"]})
    rows = read(frame, Reading(columns={"image": "picture"}, target="truth"))
    for cell, mask in zip(rows.table["mask"], masks, strict=True):
        assert (TrueMask.of(cell).pixels == mask).all()
    assert [*rows.table["split"]] == ["train", "train", "test"]
    with pytest.raises(DataRefused):
        read(frame)


def test_lists_of_parts(tmp_path):
    for at in range(5):
        picture(tmp_path / "JPEGImages" / f"2007_{at:04d}.jpg")
        if at < 4:
            save(tmp_path / "SegmentationClass" / f"2007_{at:04d}.png", numbers(at))
    lists = tmp_path / "ImageSets" / "Segmentation"
    lists.mkdir(parents=True)
    (lists / "train.txt").write_text("2007_0000\n2007_0003\n")
    (lists / "val.txt").write_text("2007_0002\n")
    (lists / "trainval.txt").write_text("2007_0000\n2007_0003\n2007_0002\n")
    rows = read(tmp_path)
    names = [name.rsplit("/", 1)[-1] for name in rows.table["source"]]
    assert dict(zip(names, rows.table["split"], strict=True)) == {
        "2007_0000.jpg": "train",
        "2007_0002.jpg": "valid",
        "2007_0003.jpg": "train",
    }
    assert sum(one.count for one in rows.taken.left) == 2


def test_wrong_values_are_refused(tmp_path):
    for given in ({"reading": Reading(target="x")}, {"ignore_value": "red"}):
        picture(tmp_path / "a.png")
        save(tmp_path / "a_mask.png", numbers(0))
        with pytest.raises(UsageError):
            read(tmp_path, **given)
    (tmp_path / "a_mask.png").unlink()
    with pytest.raises(DataRefused, match="have no masks"):
        read(tmp_path)
