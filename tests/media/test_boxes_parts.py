"""Files a picture: YOLO, Pascal VOC and tables of boxes, and the parts that they give."""

import pandas as pd
import pytest
from boxes_made import Seen, close, coco, pictures, voc, write

from tenfold.core.errors import UsageError
from tenfold.media.image.boxes.read import read
from tenfold.media.reading import Reading

LINE = "0 0.25 0.5 0.3 0.5\n"
FRACTIONS = ("bolt", 0.1, 0.25, 0.4, 0.75)


def yolo(folder, **texts):
    for name, text in texts.items():
        pictures(folder / "images", f"{name}.jpg")
        write(folder / "labels" / f"{name}.txt", text)


def test_lines_of_yolo(tmp_path):
    outline = "1 0.1 0.25 0.4 0.25 0.4 0.75\n"
    yolo(
        tmp_path,
        a=LINE + outline + LINE,
        b=f"{LINE.strip()} 0.9\n",
        c="",
        d="0.0 0.25 0.5 0.3 0.5\r\n \r\n",
        e="0.5 0.25 0.5 0.3 0.5\n",
        f="7 0.25 0.5 0.3 0.5\n",
        g=f"{LINE}zero one\n",
        h="0 0.25 0.5 0.3 0.5 0.1 0.2 0.3\n",
    )
    pictures(tmp_path / "images", "none.jpg")
    pictures(tmp_path / "other", "far.jpg")
    write(tmp_path / "labels" / "lost.txt", LINE)
    write(tmp_path / "labels" / "classes.txt", "bolt\nnut\n")
    seen = Seen(tmp_path)
    assert close(seen.boxes["a.jpg"], [FRACTIONS, ("nut", *FRACTIONS[1:])])
    assert close(seen.boxes["b.jpg"], [FRACTIONS])
    assert close(seen.boxes["d.jpg"], [FRACTIONS])
    assert seen.note("without objects")["count"] == 2
    assert seen.note("Pictures without a label file")["names"] == "images/none.jpg"
    assert seen.note("empty label file")["names"] == "images/c.jpg"
    assert seen.codes == {
        "f.jpg": "unnamed-class",
        **dict.fromkeys(["e.jpg", "g.jpg", "h.jpg"], "bad-box"),
    }
    assert "line 2" in seen.problems["g.jpg"].reason
    left = seen.left("files")
    assert left["labels/lost.txt"] == "no picture of this name"
    assert left["other/far.jpg"] == "pictures without annotations"
    counts = [
        seen.note("outline")["polygons"],
        seen.note("sixth")["sixth"],
        seen.note("once")["count"],
    ]
    assert counts == [1, 1, 1]


def test_many_label_files_without_picture_are_unusable_rows(tmp_path):
    yolo(tmp_path, a=LINE, b=LINE)
    write(tmp_path / "labels" / "lost.txt", LINE)
    assert Seen(tmp_path).codes == {"lost.txt": "missing-file"}


def test_classes_without_names_are_called_by_their_numbers(tmp_path):
    yolo(tmp_path, a=LINE, b="3 0.25 0.5 0.3 0.5\n")
    assert Seen(tmp_path).counts() == {"0": 1, "3": 1}


@pytest.mark.parametrize("given", ["", "data.yaml"])
def test_yaml_of_another_machine(tmp_path, given):
    for part, names in {"train": "abc", "valid": "de"}.items():
        yolo(tmp_path / part, **{name + part: f"{LINE}" for name in names})
    write(
        tmp_path / "data.yaml",
        "path: /home/user/data\ntrain: ../train/images\nval: ../valid/images\n"
        "test: ../test/images\n"
        "nc: 2\nnames:\n  1: rivet\n  0: bolt\n",
    )
    seen = Seen(tmp_path / given)
    assert seen.part("train") == ["atrain.jpg", "btrain.jpg", "ctrain.jpg"]
    assert seen.part("valid") == ["dvalid.jpg", "evalid.jpg"]
    assert seen.counts() == {"bolt": 5}
    assert [*seen.left("categories")] == ["rivet"]
    assert seen.left("folders") == {"test: ../test/images": "not there"}
    assert seen.note("lead nowhere")["file"] == "data.yaml"


def test_lists_of_pictures(tmp_path):
    yolo(tmp_path, a=LINE, b=LINE, c=LINE)
    write(tmp_path / "train.txt", "D:\\x\\images\\a.jpg\r\nD:\\x\\images\\c.jpg\r\n\r\n")
    write(tmp_path / "val.txt", "D:\\x\\images\\b.jpg\r\n")
    for settings in ("train: D:\\x\\train.txt\nval: D:\\x\\val.txt\n", "names: [bolt]\n"):
        write(tmp_path / "data.yaml", settings)
        seen = Seen(tmp_path)
        assert (seen.part("train"), seen.part("valid")) == (["a.jpg", "c.jpg"], ["b.jpg"])


def test_lists_of_voc(tmp_path):
    names = [f"w_{number}" for number in range(5)]
    pictures(tmp_path / "JPEGImages", *(f"{name}.jpg" for name in names))
    part = "<difficult>0</difficult><part><name>thread</name><bndbox><xmin>1</xmin></bndbox></part>"
    for name in names:
        objects = [
            (" bolt ", 10, 20, 40, 60, part),
            ("nut", 1.5, 2, 30, 40, "<difficult>1</difficult>"),
        ]
        write(tmp_path / "Annotations" / f"{name}.xml", voc(objects, filename="w_0.jpg"))
    lists = {
        "train": "w_0\nw_1\n",
        "val": "w_2\nw_3\n",
        "bolt_train": "w_0 1\nw_1 -1\n",
        "trainval": "w_0\n",
    }
    for name, text in lists.items():
        write(tmp_path / "ImageSets" / "Main" / f"{name}.txt", text)
    seen = Seen(tmp_path)
    assert (seen.part("train"), seen.part("valid")) == (
        ["w_0.jpg", "w_1.jpg"],
        ["w_2.jpg", "w_3.jpg"],
    )
    assert seen.counts() == {"bolt": 4}
    assert close(seen.ignored["w_3.jpg"], [("nut", 0.015, 0.025, 0.3, 0.5)])
    assert seen.left("files") == {"JPEGImages/w_4.jpg": "in none of the lists"}
    assert seen.note("spaces")["count"] == 5


@pytest.mark.parametrize(
    "files",
    [
        {"train/marks.json": "a", "valid/marks.json": "b"},
        {"instances_train2017.json": "a", "instances_val2017.json": "b"},
        {"train/images/marks.json": "a", "valid/images/marks.json": "b"},
    ],
)
def test_names_of_files_and_folders_are_parts(tmp_path, files):
    for path, name in files.items():
        write(tmp_path / path, coco({f"{name}.jpg": [("bolt", 1, 2, 30, 40)]}))
        pictures((tmp_path / path).parent, f"{name}.jpg")
    seen = Seen(tmp_path)
    assert (seen.part("train"), seen.part("valid")) == (["a.jpg"], ["b.jpg"])


def test_columns_of_tables(tmp_path):
    pictures(tmp_path, *(f"{name}.jpg" for name in "abcde"))
    rows = "".join(
        f"{name},10,20,{edge},60,{label},{part},{crowd},p{name}\n"
        for name, edge, label, part, crowd in [
            ("a.jpg", 40, "bolt", "train", 0),
            ("a.jpg", 70, "nut", "train", 1),
            ("b.jpg", 40, "bolt", "test", 0),
            ("c.jpg", "x", "bolt", "train", 0),
            ("d.jpg", 40, "", "train", 0),
        ]
    )
    head = "path,xmin,ymin,xmax,ymax,class,split,iscrowd,patient\n"
    path = write(tmp_path / "boxes.csv", f"{head}{rows}e.jpg,,,,,,test,0,p\n")
    for source in (tmp_path, path):
        seen = Seen(source)
        assert (seen.boxes["a.jpg"], seen.boxes["e.jpg"]) == ((FRACTIONS,), ())
        assert seen.ignored["a.jpg"] == (("nut", 0.1, 0.25, 0.7, 0.75),)
        assert seen.codes == {"c.jpg": "bad-box", "d.jpg": "bad-box"}
        assert "boxes.csv, line 5" in seen.problems["c.jpg"].reason
        assert seen.part("test") == ["b.jpg", "e.jpg"]
        assert list(seen.table.group) == ["pa.jpg", "pb.jpg", "pc.jpg", "pd.jpg", "p"]
        assert "pixels" in seen.note("are read as")["unit"]
    seen = Seen(tmp_path, Reading(group="patient", by=("split",)))
    assert set(seen.table["by:split"]) == {"train", "test"}
    with pytest.raises(UsageError) as refused:
        read(tmp_path, Reading(group="nowhere"))
    assert refused.value.code == "missing-column"


def test_fields_of_formats_are_columns(tmp_path):
    pictures(tmp_path, "a.jpg", "b.jpg")
    made = coco({"a.jpg": [("bolt", 1, 2, 30, 40)], "b.jpg": []})
    for one, person in zip(made["images"], ["p", "q"], strict=True):
        one.update(person=person, date="2026-01-0" + str(1 + one["id"]))
    write(tmp_path / "marks.json", made)
    seen = Seen(tmp_path, Reading(group="person", time="date"))
    assert list(seen.table.group) == ["p", "q"]
    assert pd.Series(seen.table.time).diff().iloc[1] == 86400
    assert seen.rows.reading.found["group"] == "person"
    (tmp_path / "marks.json").unlink()
    write(tmp_path / "a.xml", voc([("bolt", 10, 20, 40, 60)]))
    with pytest.raises(UsageError) as refused:
        read(tmp_path, Reading(group="person"))
    assert refused.value.code == "bad-setting"


def test_pictures_of_several_parts_are_held_out(tmp_path):
    yolo(tmp_path, a=LINE, b=LINE, c=LINE)
    write(tmp_path / "train.txt", "images/a.jpg\nimages/b.jpg\n")
    write(tmp_path / "val.txt", "images/b.jpg\nimages/c.jpg\n")
    write(tmp_path / "data.yaml", "train: train.txt\nval: val.txt\ntest: val.txt\nnames: [bolt]\n")
    seen = Seen(tmp_path)
    assert (seen.part("train"), seen.part("valid")) == (["a.jpg"], ["b.jpg", "c.jpg"])
    assert seen.note("several parts")["count"] == 1
    assert [*seen.left("folders")] == ["test: val.txt"]


def test_voc_lists_of_other_tasks_and_absent_ids(tmp_path):
    for name in "ab":
        pictures(tmp_path / "JPEGImages", f"{name}.jpg")
        write(tmp_path / "Annotations" / f"{name}.xml", voc([("bolt", 10, 20, 40, 60)]))
    sets = {"Main/train": "a\nb\nz\n", "Main/val": "b\n", "Layout/train": "b\n"}
    for name, text in sets.items():
        write(tmp_path / "ImageSets" / f"{name}.txt", text)
    seen = Seen(tmp_path)
    assert (seen.part("train"), seen.part("valid")) == (["a.jpg"], ["b.jpg"])
    assert [*seen.left("rows")] == ["ImageSets/Main/train.txt: z"]


def test_formats_about_different_pictures_are_joined(tmp_path):
    yolo(tmp_path, a=LINE, b=LINE, c=LINE)
    write(tmp_path / "labels" / "classes.txt", "bolt\n")
    pictures(tmp_path / "images", "d.jpg", "e.jpg")
    write(tmp_path / "labels" / "d.xml", voc([("nut", 10, 20, 40, 60)]))
    seen = Seen(tmp_path)
    assert seen.counts() == {"bolt": 3, "nut": 1}
    assert seen.boxes["e.jpg"] == ()
    write(tmp_path / "labels" / "a.xml", voc([("nut", 10, 20, 40, 60)]))
    seen = Seen(tmp_path)
    assert seen.counts() == {"bolt": 3}
    assert {"labels/a.xml", "labels/d.xml"} <= {*seen.left("files")}
    assert {"labels/a.xml", "labels/d.xml"} <= {*seen.rows.ignored}


def test_equal_names_are_told_apart_by_part_and_letter_case(tmp_path):
    for part in ("train", "val"):
        pictures(tmp_path / f"{part}2017", "1.jpg", "A.jpg", "a.jpg")
        boxes = {"1.jpg": [("bolt", 1, 2, 30, 40)], "A.jpg": [], "a.jpg": [("nut", 1, 2, 30, 40)]}
        write(tmp_path / "annotations" / f"instances_{part}2017.json", coco(boxes))
    seen = Seen(tmp_path)
    assert seen.codes == {}
    sources = dict(zip(seen.table.source, seen.table.boxes, strict=True))
    for part in ("train2017", "val2017"):
        labels = [[box[0] for box in sources[f"{part}/{one}.jpg"]] for one in "1Aa"]
        assert labels == [["bolt"], [], ["nut"]]


def test_files_that_cannot_be_read_are_problems_of_their_pictures(tmp_path):
    pictures(tmp_path, "a.jpg", "b.jpg", "\u7c73.jpg", "d.jpg")
    text = voc([("\u87ba\u4e1d", 10, 20, 40, 60)], filename="\u7c73.jpg")
    declared = '<?xml version="1.0" encoding="gb2312"?>'
    (tmp_path / "\u7c73.xml").write_bytes((declared + text).encode("gb2312"))
    write(tmp_path / "a.xml", voc([("bolt", 10, 20, 40, 60)]))
    write(tmp_path / "b.xml", voc([("bolt", 10, 20, 40, 60)])[:-20])
    entity = '<!DOCTYPE x [<!ENTITY a "b">]>' + voc([("bolt", 10, 20, 40, 60)])
    write(tmp_path / "d.xml", entity)
    write(tmp_path / "other.json", "[1,")
    seen = Seen(tmp_path)
    assert seen.codes == {"b.jpg": "unread-boxes", "d.jpg": "unread-boxes"}
    assert seen.counts() == {"bolt": 1, "\u87ba\u4e1d": 1}
    assert [*seen.left("files")] == ["other.json"]


def test_a_folder_of_empty_label_files_and_names_like_those_of_classes(tmp_path):
    for part, texts in {"train": {"my_labels": LINE, "b": ""}, "val": {"c": "", "d": ""}}.items():
        for name, text in texts.items():
            pictures(tmp_path / "images" / part, f"{name}.jpg")
            write(tmp_path / "labels" / part / f"{name}.txt", text)
    write(tmp_path / "about.json", {"made": "by hand"})
    seen = Seen(tmp_path)
    assert seen.part("train") == ["b.jpg", "my_labels.jpg"]
    assert seen.part("valid") == ["c.jpg", "d.jpg"]
    assert seen.counts() == {"0": 1}
    assert [*seen.left("files")] == ["about.json"]
