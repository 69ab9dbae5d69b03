"""Boxes of every format become the same rows; what is decided is stated."""

import shutil

import pandas as pd
import pytest
from boxes_made import (
    BOX,
    FORMATS,
    FRACTIONS,
    Seen,
    close,
    coco,
    picture,
    pictures,
    region,
    task,
    write,
)

from tenfold.core.errors import DataRefused, UsageError
from tenfold.media.image.boxes.read import read
from tenfold.media.reading import Reading


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("packed", [False, True])
def test_formats_are_recognised_by_content(tmp_path, name, packed):
    folder = tmp_path / "data"
    picture(folder / "images" / "a.jpg")
    for path, value in FORMATS[name].items():
        write(folder / path, value)
    if packed:
        shutil.make_archive(str(folder), "zip", folder)
    seen = Seen(folder.with_suffix(".zip") if packed else folder)
    assert seen.codes == {}
    assert close(seen.boxes["a.jpg"], [FRACTIONS])
    assert {"input", "answer"} <= {one.role for one in seen.taken.roles}


def test_one_file_can_be_given(tmp_path):
    pictures(tmp_path / "images", "a.jpg", "b.jpg")
    write(tmp_path / "annotations" / "one.json", coco({"a.jpg": [BOX]}))
    write(tmp_path / "annotations" / "two.json", coco({"b.jpg": [("nut", 10, 20, 30, 40)]}))
    assert Seen(tmp_path / "annotations" / "one.json").counts() == {"bolt": 1}
    assert Seen(tmp_path, Reading(table="two.json")).counts() == {"nut": 1}
    assert Seen(tmp_path).counts() == {"bolt": 1, "nut": 1}
    with pytest.raises(UsageError, match="three"):
        read(tmp_path, Reading(table="three.json"))


def test_dataframes(tmp_path):
    path = str(picture(tmp_path / "a.jpg"))
    cells = [[FRACTIONS], [], None]
    frame = pd.DataFrame({"image": [path] * 3, "boxes": cells, "split": ["train", "test", "train"]})
    seen = Seen(frame)
    assert [list(one) for one in seen.table.boxes] == [[FRACTIONS], []]
    assert list(seen.table.split) == ["train", "test"]
    assert len(seen.left("files")) == 1
    edges = {"path": [path], "x0": [10], "y0": [20], "x1": [40], "y1": [60], "label": ["bolt"]}
    (boxes,) = Seen(pd.DataFrame(edges)).table.boxes
    assert close(boxes, [FRACTIONS])
    for wrong in ({"boxes": [[]]}, {"image": [path]}):
        with pytest.raises(DataRefused) as refused:
            read(pd.DataFrame(wrong))
        assert refused.value.code == "missing-column"


def test_a_folder_without_boxes_is_refused(tmp_path):
    picture(tmp_path / "a.jpg")
    write(tmp_path / "notes.json", {"a": 1})
    write(tmp_path / "broken.json", "{")
    with pytest.raises(DataRefused) as refused:
        read(tmp_path)
    assert refused.value.code == "no-boxes"
    write(tmp_path / "marks.json", coco({"elsewhere.jpg": [BOX]}))
    with pytest.raises(DataRefused) as refused:
        read(tmp_path)
    assert refused.value.code == "no-files"


# --- COCO -----------------------------------------------------------------------------------------


def test_categories_are_known_by_their_numbers(tmp_path):
    pictures(tmp_path / "images", "a.jpg", "b.jpg", "c.jpg")
    made = coco({"a.jpg": [], "b.jpg": [], "c.jpg": []})
    numbers = {0: "parts", 17: "washer", 3: "bolt", 21: "rivet"}
    made["categories"] = [{"id": number, "name": name} for number, name in numbers.items()]
    made["images"][0]["id"], made["images"][1]["id"] = 900, 0
    made["annotations"] = [
        {"id": 0, "image_id": 900, "category_id": 17, "bbox": [10, 20, 30, 40]},
        {"id": 0, "image_id": 900.0, "category_id": "3", "bbox": [50, 20, 30, 40]},
        {"id": 0, "image_id": 0, "category_id": 3, "bbox": [10, 20, 30, 40]},
        {"id": 1, "image_id": 0, "category_id": 3, "bbox": [10, 20, 30, 40]},
        {"id": 2, "image_id": 77, "category_id": 3, "bbox": [10, 20, 30, 40]},
        {"id": 3, "image_id": 2, "category_id": 4, "bbox": [10, 20, 30, 40]},
    ]
    write(tmp_path / "marks.json", made)
    seen = Seen(tmp_path)
    assert seen.counts() == {"washer": 1, "bolt": 2}
    assert [*seen.left("categories")] == ["parts", "rivet"]
    assert [*seen.left("annotations")] == ["77"]
    repeats = seen.note("count once")
    assert (repeats["count"], repeats["names"]) == (1, "images/b.jpg (annotation 1)")
    assert seen.note("repeat and are numbered")["file"] == "marks.json"
    assert seen.codes == {"c.jpg": "unnamed-class"}
    assert "annotation 3" in seen.problems["c.jpg"].reason


def test_boxes_of_outlines_and_runs(tmp_path):
    pictures(tmp_path / "images", *(f"{name}.jpg" for name in "abcdef"))
    two = [[10, 20, 20, 20, 20, 30], [50, 40, 60, 40, 60, 50]]
    runs = [10 * 80 + 20, 3, 77, 5, 100 * 80 - 10 * 80 - 20 - 85]
    heap = {"size": [80, 100], "counts": runs}
    marks = {
        "a.jpg": [{"label": "nut", "segmentation": two, "bbox": []}],
        "b.jpg": [{"label": "nut", "segmentation": heap, "iscrowd": 1}],
        "c.jpg": [BOX, {"label": "nut"}],
        "d.jpg": [{"label": "nut", "segmentation": {"size": [80, 100], "counts": [7, 5]}}],
        "e.jpg": [],
        "f.jpg": [{"label": "nut", "segmentation": {"size": [80, 100], "counts": "PQ1:mn0W7"}}],
    }
    write(tmp_path / "marks.json", coco(marks))
    seen = Seen(tmp_path)
    assert close(seen.boxes["a.jpg"], [("nut", 0.1, 0.25, 0.6, 0.625)])
    assert close(seen.ignored["b.jpg"], [("nut", 0.1, 0.25, 0.12, 25 / 80)])
    assert seen.note("ignored")["count"] == 1
    assert seen.codes == dict.fromkeys(["c.jpg", "d.jpg", "f.jpg"], "bad-box")
    assert seen.note("without objects")["names"] == "images/e.jpg"


def test_packed_runs_give_the_box_of_pycocotools():
    masks = pytest.importorskip("pycocotools.mask")
    numpy = pytest.importorskip("numpy")
    from tenfold.media.image.boxes.runs import enclosing

    random = numpy.random.default_rng(0)
    for _ in range(20):
        pixels = numpy.zeros((37, 53), numpy.uint8, order="F")
        top, left, height, width = random.integers(1, 18, 4)
        pixels[top : top + height, left : left + width] = random.random((height, width)) < 0.7
        packed = masks.encode(pixels)
        x, y, w, h = masks.toBbox(packed)
        runs = {"size": packed["size"], "counts": packed["counts"].decode()}
        assert enclosing(runs) == ((x, y, x + w, y + h) if w else None)


def test_files_of_a_folder_are_judged_by_their_content(tmp_path):
    pictures(tmp_path / "images", "a.jpg", "b.jpg", "c.jpg", "d.jpg")
    write(tmp_path / "one.json", coco({"a.jpg": [BOX], "b.jpg": [BOX], "d.jpg": [BOX]}))
    other = coco(
        {"a.jpg": [("nut", 50, 20, 30, 40)], "c.jpg": [("nut", 1, 2, 30, 40)]}, ("x", "nut")
    )
    write(tmp_path / "two.json", other)
    write(tmp_path / "three.json", coco({"d.jpg": [("bolt", 11, 20, 30, 40)], "b.jpg": []}))
    write(tmp_path / "captions.json", coco({"a.jpg": [{"label": "bolt", "caption": "a bolt"}]}))
    keypoints = coco({"a.jpg": [{"label": "bolt", "bbox": [1, 2, 3, 4], "keypoints": [1, 2, 2]}]})
    write(tmp_path / "keypoints.json", keypoints)
    write(tmp_path / "results.json", [{"image_id": 0, "score": 0.5, "bbox": [1, 2, 3, 4]}])
    write(tmp_path / "panoptic.json", coco({"a.jpg": [{"label": "bolt", "segments_info": []}]}))
    seen = Seen(tmp_path)
    assert seen.counts() == {"bolt": 2, "nut": 2}
    assert close(seen.boxes["a.jpg"], [FRACTIONS, ("nut", 0.5, 0.25, 0.8, 0.75)])
    assert seen.codes == {"d.jpg": "two-judgements"}
    others = {"captions.json", "keypoints.json", "results.json", "panoptic.json"}
    assert {name for name in seen.left("files") if name.endswith("json")} == others
    for name in ("one.json", "two.json", "three.json"):
        (tmp_path / name).unlink()
    assert Seen(tmp_path).counts() == {"bolt": 1}


def test_pictures_are_found_by_either_slash_and_any_normal_form(tmp_path):
    names = ["Ku\u0308che.jpg", "Teil größer 2.jpg", "x.png", "sub/y.jpg", "z%20.jpg"]
    pictures(tmp_path / "photos", *names)
    pictures(tmp_path / "photos", "p/same.jpg", "q/same.jpg")
    written = {
        "..\\photos\\K\u00fcche.jpg": [BOX],
        "/data/upload/4/0a1b2c3d-Teil%20gr%C3%B6%C3%9Fer%202.jpg": [BOX],
        "C:\\Users\\user\\x.jpg": [BOX],
        "http://host/y.jpg?token=1": [BOX],
        "z%20.jpg": [BOX],
        "p/same.jpg": [BOX],
        "same.jpg": [BOX],
        "gone.jpg": [BOX],
    }
    write(tmp_path / "annotations" / "all.json", coco(written))
    seen = Seen(tmp_path)
    assert sorted(seen.codes.values()) == ["ambiguous-file", "missing-file"]
    assert seen.counts() == {"bolt": 6}
    assert [*seen.left("files")] == ["photos/q/same.jpg"]
    ways = [one.values for one in seen.taken.notes if "way" in one.values]
    found = {one["way"].split()[-1]: one["count"] for one in ways}
    assert found == {"upload": 1, "decoded": 1, "folders": 1, "suffix": 1}


# --- LabelMe, Label Studio, CVAT ------------------------------------------------------------------


def test_shapes_of_labelme(tmp_path):
    pictures(tmp_path / "photos", "a.jpg", "b.jpg", "c.jpg", "d.jpg")
    half = {"label": "lid", "group_id": 4, "shape_type": "polygon"}
    shapes = [
        {"label": "cup", "shape_type": "circle", "points": [[50, 40], [53, 44]]},
        half | {"points": [[10, 10], [20, 10], [20, 20]]},
        half | {"points": [[30, 30], [40, 30], [40, 36]]},
        half | {"label": "cup", "points": [[60, 60], [70, 60], [70, 70]]},
        {"label": "edge", "shape_type": "line", "points": [[1, 1], [9, 9]]},
        {"label": "cup", "shape_type": "point", "points": [[1, 1]]},
    ]
    sizes = {"imageWidth": 100, "imageHeight": 80}
    for name, some in {"a": shapes, "b": [], "c": [{"label": "cup", "points": [[1, 2]]}]}.items():
        write(
            tmp_path / "annotations" / f"{name}.json",
            {"imagePath": f"..\\photos\\{name}.jpg", "shapes": some, **sizes},
        )
    seen = Seen(tmp_path)
    cups = [("cup", 0.45, 35 / 80, 0.55, 45 / 80), ("cup", 0.6, 0.75, 0.7, 0.875)]
    assert close(seen.boxes["a.jpg"], [("lid", 0.1, 0.125, 0.4, 0.45), *cups])
    assert seen.boxes["b.jpg"] == ()
    assert seen.codes == {"c.jpg": "bad-box"}
    assert len(seen.left("shapes")) == 2
    assert seen.left("files") == {"photos/d.jpg": "pictures without annotations"}


def test_annotations_of_label_studio(tmp_path):
    pictures(tmp_path / "images", *(f"{name}.jpg" for name in "abcdefghi"))
    old = {"id": 1, "updated_at": "2026-01-01T00:00:00Z", "result": [region(), region(50)]}
    new = {"id": 2, "updated_at": "2026-01-02T00:00:00Z", "result": [region(60)]}
    gone = {
        "id": 3,
        "updated_at": "2026-01-03T00:00:00Z",
        "was_cancelled": True,
        "result": [region()],
    }
    circle = {"x": 50, "y": 50, "radiusX": 10, "radiusY": 20, "ellipselabels": ["nut"]}
    spread = {"points": [[10, 10], [20, 10], [20, 30]], "polygonlabels": ["nut"]}
    others = [
        {"type": "ellipselabels", "value": circle},
        {"type": "polygonlabels", "value": spread},
        {
            "type": "keypointlabels",
            "value": {"x": 1, "y": 1, "width": 1, "keypointlabels": ["nut"]},
        },
        {"type": "choices", "value": {"choices": ["good"]}},
    ]
    split = [
        {"id": "r", "type": "rectangle", "value": {"x": 10, "y": 25, "width": 30, "height": 50}},
        {"id": "r", "type": "labels", "value": {"labels": ["nut"]}},
    ]
    tasks = [
        task("a.jpg", old, new, gone),
        task("b.jpg", old | {"ground_truth": True}, new),
        task("c.jpg", gone),
        task("d.jpg", predictions=[{"result": [region()]}]),
        task("e.jpg", {"result": [region(96.0, 46.25, 10.0, 18.75, 90), region(40, 75, -30, -50)]}),
        task("f.jpg", {"result": others}),
        task("g.jpg", {"result": split}),
        task("h.jpg", {"result": [region(image_rotation=90)]}),
        task(
            "i.jpg",
            {"result": [{"type": "rectangle", "value": {"x": 1, "y": 1, "width": 2, "height": 2}}]},
        ),
    ]
    write(tmp_path / "project.json", tasks)
    seen = Seen(tmp_path)
    assert close(seen.boxes["a.jpg"], [("bolt", 0.6, 0.25, 0.9, 0.75)])
    assert len(seen.boxes["b.jpg"]) == 2
    assert seen.note("newest")["names"] == "a.jpg (2), b.jpg (1)"
    assert set(seen.left("files")) == {"images/c.jpg", "images/d.jpg"}
    assert close(seen.boxes["e.jpg"], [("bolt", 0.81, 0.4625, 0.96, 0.5875), FRACTIONS])
    nuts = [("nut", 0.4, 0.3, 0.6, 0.7), ("nut", 0.1, 0.1, 0.2, 0.3)]
    assert close(seen.boxes["f.jpg"], nuts)
    assert close(seen.boxes["g.jpg"], [("nut", *FRACTIONS[1:])])
    assert seen.codes == {"h.jpg": "unclear-turn", "i.jpg": "unnamed-class"}


def test_the_short_form_of_label_studio(tmp_path):
    pictures(tmp_path / "images", "a.jpg", "b.jpg")
    short = [
        {
            "id": 1,
            "image": f"{name}.jpg",
            "annotation_id": 1,
            "label": [
                {
                    "x": 10,
                    "y": 25,
                    "width": 30,
                    "height": 50,
                    "original_width": 100,
                    "original_height": 80,
                    "rectanglelabels": ["bolt"],
                }
            ],
        }
        for name in "ab"
    ]
    write(tmp_path / "project.json", short)
    assert close(Seen(tmp_path).boxes["b.jpg"], [FRACTIONS])


def test_shapes_and_tracks_of_cvat(tmp_path):
    names = ["a.jpg", "b.jpg", "f/frame_0.jpg", "f/frame_1.jpg", "f/frame_2.jpg"]
    pictures(tmp_path, *names)
    size = "width='100' height='80'"
    write(
        tmp_path / "images.xml",
        f"<annotations><meta><task><labels><label><name>bolt</name></label><label><name>rivet</name>"
        f"</label></labels></task></meta><image id='0' name='a.jpg' subset='train' {size}>"
        "<box label='bolt' xtl='40' ytl='30' xbr='60' ybr='40' rotation='90'/>"
        "<box label='bolt' outside='1' xtl='10' ytl='20' xbr='40' ybr='60'/>"
        "<polygon label='nut' points='10,20;40,20;40,60'/><points label='tip' points='1,1'/>"
        f"<ellipse label='nut' cx='50' cy='40' rx='10' ry='20'/></image>"
        f"<image id='1' name='b.jpg' subset='Train' {size}/></annotations>",
    )
    seen = Seen(tmp_path)
    boxes = [
        ("bolt", 0.45, 25 / 80, 0.55, 45 / 80),
        ("nut", *FRACTIONS[1:]),
        ("nut", 0.4, 0.25, 0.6, 0.75),
    ]
    assert close(seen.boxes["a.jpg"], boxes)
    assert seen.boxes["b.jpg"] == ()
    assert seen.note("outside")["count"] == 1
    assert [*seen.left("shapes")] == ["points tip"]
    assert [*seen.left("categories")] == ["rivet"]
    frame = "<box frame='{}' outside='{}' xtl='10' ytl='20' xbr='40' ybr='60'/>"
    track = "<track id='0' label='bolt'>" + "".join(
        frame.format(*one) for one in [(0, 0), (1, 1), (9, 0)]
    )
    write(tmp_path / "f" / "video.xml", f"<annotations>{track}</track></annotations>")
    (tmp_path / "images.xml").unlink()
    seen = Seen(tmp_path)
    assert close(seen.boxes["frame_0.jpg"], [FRACTIONS])
    assert seen.boxes["frame_1.jpg"] == seen.boxes["frame_2.jpg"] == ()
    assert [*seen.left("frames")] == ["f/video.xml: 9"]
