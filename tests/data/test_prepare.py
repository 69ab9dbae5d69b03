"""From a folder to rows: what is used, what is left out and said; nothing is written to."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pictures_made import bad_pictures, cut, drawn, folder, ordinary_user, png, snapshot
from preparing import fresh_cache as fresh_cache
from preparing import photos as photos
from preparing import prepared

from tenfold.core.errors import DataRefused, UsageError
from tenfold.data.prepare import Prepared


def refusal(source, on_bad: str = "stop", **settings) -> DataRefused:
    """What `train` would refuse with, whether at once or after all was looked at."""
    try:
        found = prepared(source, on_bad=on_bad, **settings).refusal(on_bad)
    except DataRefused as error:
        found = error
    assert found is not None and found.exit_code == 3 and found.fix
    return found


def adds_up(data: Prepared) -> bool:
    parts = (data.used, data.quarantined, data.ignored, data.leaks)
    return data.found == sum(map(len, parts)) + data.beyond


# --- left out and said ----------------------------------------------------------------------------


def test_every_file_is_used_or_listed_with_a_reason(photos):
    for number in range(100):
        (photos / "cat" / f"more{number}.png").write_bytes(png(1000 + number))
        (photos / "dog" / f"more{number}.png").write_bytes(png(1000 + number, 1))
    bad = {name: content for name, content in bad_pictures().items() if "noise" not in name}
    some = list(bad)[:9]
    for name in some:
        (photos / "cat" / name).write_bytes(bad[name])
    (photos / "notes.txt").write_text("mine")
    (photos / ".DS_Store").write_bytes(b"x")
    data = prepared(photos)
    assert data.found == 20 * 2 + 200 + 9 + 2 and adds_up(data)
    assert {one["source"] for one in data.quarantined} == {f"cat/{name}" for name in some}
    assert all(one["reason"] and one["fix"] and one["code"] for one in data.quarantined)
    assert sorted(data.ignored) == [".DS_Store", "notes.txt"]
    assert data.refusal("stop") is None
    assert len(data.columns.index) == len(data.used) == 240


def test_a_file_whose_pixels_fail_is_masked_and_the_rest_keep_their_rows(photos):
    broken = photos / "cat" / "0.png"
    broken.write_bytes(cut(png(0), 0.6))
    data = prepared(photos, on_bad="skip")
    assert [one["source"] for one in data.quarantined] == ["cat/0.png"]
    for row, source in enumerate(data.used["source"]):
        name, number = source.split("/")
        wanted = np.asarray(drawn(int(number[:-4]), ("cat", "dog").index(name)))
        assert (data.columns["image"][row] == wanted).all()
        assert data.columns["label"][row] == ("cat", "dog").index(name)


@pytest.mark.parametrize(("bad", "refused"), [(2, False), (3, True)])
def test_more_than_5_percent_stop(photos, bad, refused):
    for number in range(bad):
        (photos / "cat" / f"{number}.png").write_bytes(b"")
    data = prepared(photos)
    assert (data.refusal("stop") is not None) == refused
    assert data.refusal("skip") is None
    if refused:
        said = data.refusal("stop")
        assert said.message.startswith("3 of 40 files cannot be used, more than 5 %")
        assert "cat/0.png" in said.where and "--on-bad skip" in said.fix


def test_what_is_ignored_does_not_count_among_the_bad(photos):
    for number in range(200):
        (photos / f"{number}.txt").write_text("x")
    for number in range(3):
        (photos / "cat" / f"{number}.png").write_bytes(b"")
    assert prepared(photos).refusal("stop").code == "too-many-bad"


@pytest.mark.parametrize("content", [b"", cut(png(0), 0.6)], ids=["header", "pixels"])
def test_on_bad_fail_stops_at_the_first(photos, content):
    (photos / "dog" / "7.png").write_bytes(content)
    error = refusal(photos, "fail")
    assert error.where == "dog/7.png" and "dog/7.png" in error.message


@pytest.mark.parametrize("on_bad", ["stop", "skip"])
@pytest.mark.parametrize("content", [b"", cut(png(0), 0.6)], ids=["header", "pixels"])
def test_nothing_usable_is_refused_however_it_fails(photos, on_bad, content):
    for number, path in enumerate(photos.rglob("*.png")):
        path.write_bytes(content and cut(png(number), 0.6))
    error = refusal(photos, on_bad)
    assert "40" in error.message and error.code == "too-many-bad"


@pytest.mark.parametrize("content", [b"", cut(png(0), 0.6)], ids=["header", "pixels"])
def test_a_class_lost_to_bad_files_is_refused(photos, content):
    for number, path in enumerate((photos / "dog").iterdir()):
        path.write_bytes(content and cut(png(number), 0.6))
    error = refusal(photos, "skip")
    assert error.code == "lost-class" and "'dog'" in error.message and "20 files" in error.message


def test_one_class_and_a_class_of_one(tmp_path, photos):
    only = folder(tmp_path / "only", 5, classes=("cat",))
    assert "'cat'" in refusal(only).message
    (photos / "rare").mkdir()
    (photos / "rare" / "1.png").write_bytes(png(1, 2))
    error = refusal(photos)
    assert error.code == "class-of-one" and "'rare'" in error.message and "--classes" in error.fix


def test_one_group_alone_cannot_be_split(photos):
    lines = [f"{name}/{n}.png,{name},me" for name in ("cat", "dog") for n in range(20)]
    (photos / "l.csv").write_text("\n".join(["path,label,person", *lines]))
    codes = {refusal(photos, seed=seed).code for seed in range(12)}
    assert codes == {"no-training-rows", "nothing-held-out"}


def test_one_picture_under_two_labels_is_listed(photos):
    (photos / "dog" / "same.png").write_bytes(png(3, 0))
    data = prepared(photos)
    assert data.conflicts == [["cat/3.png", "dog/same.png"]] and not data.duplicates
    assert data.used["digest"].duplicated().sum() == 1


def test_json_of_what_was_left_out_is_plain(photos):
    (photos / "cat" / "0.png").write_bytes(b"")
    data = prepared(photos)
    assert json.loads(json.dumps(data.quarantined)) == data.quarantined


# --- answers that are missing ---------------------------------------------------------------------


def labelled_frame(photos: Path, lines: list[str]) -> Path:
    (photos / "l.csv").write_text("\n".join(["path,label,split", *lines]))
    return photos


def given(photos: Path, blank: dict[str, str]) -> Path:
    """12 rows a class and part; `blank` = part -> class whose first label is left empty."""
    lines = []
    for name in ("cat", "dog"):
        for number in range(20):
            part = "train" if number < 12 else "valid" if number < 16 else "test"
            label = "" if blank.get(part) == name and number in (0, 12, 16) else name
            lines.append(f"{name}/{number}.png,{label},{part}")
    return labelled_frame(photos, lines)


def test_a_test_row_without_an_answer_is_ignored(photos):
    data = prepared(given(photos, {"test": "cat"}))
    assert not data.quarantined and len(data.ignored) == 1 and "cat/16.png" in data.ignored[0]
    assert len(data.rows("test")) == 7 and adds_up(data)


@pytest.mark.parametrize("part", ["train", "valid"])
def test_a_training_row_without_an_answer_is_quarantined(photos, part):
    data = prepared(given(photos, {part: "dog"}), on_bad="skip")
    assert [one["code"] for one in data.quarantined] == ["no-label"] and adds_up(data)


def test_a_test_part_without_any_answer_gives_way(photos):
    lines = [
        f"{name}/{n}.png,{name if n < 16 else ''},{'train' if n < 16 else 'test'}"
        for name in ("cat", "dog")
        for n in range(20)
    ]
    data = prepared(labelled_frame(photos, lines))
    assert len(data.ignored) == 8 and len(data.used) == 32
    assert "only given part" in data.split_line and set(data.used["split"]) == {
        "train",
        "valid",
        "test",
    }


def test_no_labels_at_all_with_several_a_row(photos):
    (photos / "l.csv").write_text("path,labels\ncat/0.png,|\ncat/1.png,|\n")
    assert refusal(photos).code == "one-class"


# --- merging, dropping, renaming ------------------------------------------------------------------

MAPPINGS = {
    "m.csv": b"from,to\ncat,animal\ncow,animal\nfox,\n",
    "bom.csv": "\ufefffrom;to\r\ncat;animal\r\ncow;animal\r\nfox;\r\n".encode(),
    "m.json": b'{"cat": "animal", "cow": "animal", "fox": null}',
}


@pytest.mark.parametrize("name", MAPPINGS)
def test_a_mapping_merges_renames_and_drops(tmp_path, name):
    root = folder(tmp_path / "photos", 10, classes=("cat", "cow", "dog", "fox"))
    (tmp_path / name).write_bytes(MAPPINGS[name])
    data = prepared(root, mapping=tmp_path / name)
    assert data.used["label"].value_counts().to_dict() == {"animal": 20, "dog": 10}
    assert data.facts["truths"]["classes"] == ["animal", "dog"]
    assert len(data.ignored) == 10 and all(s.startswith("fox/") for s in data.ignored)
    assert adds_up(data)


def test_a_mapping_of_chinese_classes_from_a_spreadsheet(tmp_path):
    root = folder(tmp_path / "photos", 6, classes=("猫", "狗", "狐"))
    (tmp_path / "m.csv").write_bytes("from,to\n狐,狗\n".encode("gb18030"))
    data = prepared(root, mapping=tmp_path / "m.csv")
    assert data.used["label"].value_counts().to_dict() == {"狗": 12, "猫": 6}


def test_a_mapping_as_a_dict_and_for_several_labels(photos):
    assert set(prepared(photos, mapping={"cat": "pet"}).used["label"]) == {"pet", "dog"}
    lines = [f"cat/{n}.png,{'cat|wild' if n % 2 else 'dog'}" for n in range(20)]
    (photos / "l.csv").write_text("\n".join(["path,labels", *lines]))
    data = prepared(photos, mapping={"wild": None, "cat": "pet"})
    assert set(data.used["labels"]) == {("pet",), ("dog",)}


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ('{"kat": "dog"}', "Did you mean 'cat'?"),
        ("old,new\ncat,dog\n", "from,to"),
        ('{"cat": 3}', "null"),
        ('{"cat": ', "cannot be read"),
        ("[" * 100_000, "from,to"),
        ('{"a":' * 100_000, "cannot be read"),
        ("", "from,to"),
    ],
)
def test_a_mapping_that_cannot_be_is_a_usage_error(photos, tmp_path, text, word):
    (tmp_path / "m").write_text(text)
    with pytest.raises(UsageError) as refused:
        prepared(photos, mapping=tmp_path / "m")
    assert word in str(refused.value)
    with pytest.raises(UsageError, match="cannot be read"):
        prepared(photos, mapping=tmp_path / "none")


# --- limit ----------------------------------------------------------------------------------------


def test_a_limit_holds_for_each_part_and_keeps_classes_even(photos):
    data = prepared(photos, limit=6)
    counts = data.used.groupby("split").size().to_dict()
    assert all(count <= 6 for count in counts.values()) and counts["train"] == 6
    assert data.used[data.used["split"] == "train"]["label"].value_counts().min() >= 2
    assert data.beyond == 40 - len(data.used) and adds_up(data)


def test_a_frame_is_prepared_as_a_folder_is(photos):
    paths = sorted(photos.rglob("*.png"))
    labels = [path.parent.name for path in paths]
    by_path = prepared(pd.DataFrame({"path": paths, "label": labels}))
    arrays = [path.read_bytes() for path in paths]
    by_bytes = prepared(pd.DataFrame({"image": arrays, "label": labels}))
    assert by_path.fingerprint == by_bytes.fingerprint
    both = (prepared(photos), by_path)
    assert len({tuple(sorted(d.used["digest"] + d.used["split"])) for d in both}) == 1


# --- what the user made ---------------------------------------------------------------------------


def test_the_data_are_never_written_to(photos):
    (photos / "cat" / "bad.png").write_bytes(b"")
    before = snapshot(photos)
    prepared(photos)
    prepared(photos, limit=3)
    assert snapshot(photos) == before


def test_the_data_may_be_on_a_disk_that_cannot_be_written(photos):
    places = [photos, *photos.iterdir()]
    for place in places:
        place.chmod(0o500)
    try:
        with ordinary_user():
            assert len(prepared(photos).used) == 40
    finally:
        for place in places:
            place.chmod(0o700)
