"""Published sets of boxes are read as they lie, in each of their formats."""

import shutil
from collections import Counter

import pytest
from boxes_made import Seen, close


def test_bccd_of_pascal_voc(data_folder):
    if not (data_folder / "bccd").is_dir():
        pytest.skip("needs the data set bccd")
    seen = Seen(data_folder / "bccd")
    assert seen.table.split.value_counts().to_dict() == {"train": 205, "valid": 87, "test": 72}
    counts = Counter(box[0] for boxes in seen.table.boxes for box in boxes)
    assert counts == {"RBC": 4153, "WBC": 372, "Platelets": 361}
    points = {"BloodImage_00338.jpg": "bad-box", "BloodImage_00343.jpg": "bad-box"}
    assert seen.codes == points, "two boxes of 4,888 are points"


def test_coco128_in_three_notations(data_folder, tmp_path):
    source = data_folder / "coco128"
    if not source.is_dir():
        pytest.skip("needs the data set coco128")
    every = Seen(source)
    assert len(every.table) == 256 and every.codes == {}
    assert sum(map(len, every.table.boxes)) == 1827
    assert every.table.split.value_counts().to_dict() == {"train": 128, "valid": 128}
    for folder in ("images", "labels"):
        shutil.copytree(source / folder, tmp_path / folder)
    shutil.copy(source / "detection_config.yaml", tmp_path / "data.yaml")
    yolo = Seen(tmp_path)
    assert yolo.rows.taken.roles[1].source.values["format"] == "YOLO label files"
    assert yolo.boxes.keys() == every.boxes.keys()
    assert all(close(yolo.boxes[name], every.boxes[name], 0.004) for name in yolo.boxes)
    shutil.rmtree(tmp_path / "labels")
    shutil.copytree(source / "labels_seg", tmp_path / "labels")
    outlines = Seen(tmp_path)
    assert outlines.note("outline")["polygons"] == 1458 - 86, "the others have no name"
    assert set(outlines.codes.values()) == {"unnamed-class"}, "their numbers are those of COCO"
