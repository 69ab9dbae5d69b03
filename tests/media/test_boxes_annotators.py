"""Boxes of CreateML, of the VGG Image Annotator, and of metadata.jsonl of Hugging Face."""

import json

import pytest
from boxes_made import Seen, centred, close, pictures, via, write


def lines(*values):
    return "".join(one if isinstance(one, str) else json.dumps(one) + "\n" for one in values)


def test_createml_files_of_parts(tmp_path):
    for part, names in {"train": ("a.jpg", "b.jpg", "c.jpg"), "valid": ("d.jpg",)}.items():
        pictures(tmp_path / part, *names)
    held = [
        {"image": "a.jpg", "annotations": [centred("bolt", 25, 40, 30, 40)]},
        {"image": "b.jpg", "annotations": []},
        {"image": "c.jpg", "annotations": [{"label": "bolt", "coordinates": {"x": 3}}]},
        {"image": "gone.jpg", "annotations": [centred("bolt", 25, 40, 30, 40)]},
    ]
    write(tmp_path / "train" / "_annotations.createml.json", held)
    older = [{"imagefilename": "d.jpg", "annotation": [centred(" nut ", 50, 40, 100, 80)]}]
    write(tmp_path / "valid" / "_annotations.createml.json", older)
    seen = Seen(tmp_path)
    assert close(seen.boxes["a.jpg"], [("bolt", 0.1, 0.25, 0.4, 0.75)])
    assert close(seen.boxes["d.jpg"], [("nut", 0, 0, 1, 1)]) and seen.boxes["b.jpg"] == ()
    assert seen.codes["c.jpg"] == "bad-box" and len(seen.codes) == 2
    assert seen.part("valid") == ["d.jpg"]


@pytest.mark.parametrize("project", [False, True])
def test_regions_of_via_by_the_attribute_of_the_class(tmp_path, project):
    pictures(tmp_path, "a.jpg", "b.jpg", "c.jpg", "d.jpg")

    def region(shape, **attributes):
        return {"shape_attributes": shape, "region_attributes": attributes}

    polygon = {"name": "polygon", "all_points_x": [10, 40, 25], "all_points_y": [20, 20, 60]}
    circle = {"name": "circle", "cx": 50, "cy": 40, "r": 20}
    turned = {
        "name": "ellipse",
        "cx": 50,
        "cy": 40,
        "rx": 30,
        "ry": 10,
        "theta": 1.5707963267948966,
    }
    regions = {
        "a.jpg": [region(polygon, type="bolt", colour="red"), region(circle, type="nut")],
        "b.jpg": {"0": region(turned, type={"nut": True, "bolt": False})},
        "c.jpg": [region({"name": "point", "cx": 1, "cy": 2}, type="nut")],
        "d.jpg": [region(polygon, colour="red")],
    }
    value = {f"{name}812": via(name, some) for name, some in regions.items()}
    write(tmp_path / "via.json", {"_via_img_metadata": value} if project else value)
    seen = Seen(tmp_path)
    assert close(
        seen.boxes["a.jpg"], [("bolt", 0.1, 0.25, 0.4, 0.75), ("nut", 0.3, 0.25, 0.7, 0.75)]
    )
    assert close(seen.boxes["b.jpg"], [("nut", 0.4, 0.125, 0.6, 0.875)])
    assert seen.boxes["c.jpg"] == () and seen.codes == {"d.jpg": "bad-box"}
    assert seen.note("attribute")["name"] == "type"
    assert {*seen.left("columns")} == {"colour"} and len(seen.left("shapes")) == 1


def test_metadata_lines_with_objects(tmp_path):
    names = ("a.jpg", "b.jpg", "c.jpg", "d.jpg", "e.jpg", "f.jpg")
    pictures(tmp_path / "train", *names)
    pictures(tmp_path / "test", "g.jpg")
    box = [10, 20, 30, 40]
    write(
        tmp_path / "train" / "metadata.jsonl",
        lines(
            {"file_name": "a.jpg", "objects": {"bbox": [box], "categories": [3]}},
            {"file_name": "b.jpg", "objects": {"bbox": [], "categories": []}},
            "\n",
            {"file_name": "c.jpg", "objects": {"bbox": [box, box], "categories": [3]}},
            {"file_name": "d.jpg", "objects": [{"bbox": box, "category": "nut"}]},
            {"file_name": "e.jpg"},
            {"file_name": "f.jpg", "objects": {"bbox": [[1, 2, 3]], "categories": [3]}},
        ),
    )
    write(
        tmp_path / "test" / "metadata.jsonl",
        lines({"file_name": "g.jpg", "objects": {"bbox": [box], "category": [4]}}),
    )
    seen = Seen(tmp_path)
    assert close(seen.boxes["a.jpg"], [("3", 0.1, 0.25, 0.4, 0.75)]) and seen.boxes["b.jpg"] == ()
    assert close(seen.boxes["d.jpg"], [("nut", 0.1, 0.25, 0.4, 0.75)])
    assert seen.codes == dict.fromkeys(("c.jpg", "e.jpg", "f.jpg"), "bad-box")
    assert "line 4" in seen.problems["c.jpg"].reason
    assert seen.part("test") == ["g.jpg"] and seen.note("are read as")["unit"] == "pixels"
