"""Every layout a folder of labelled pictures may have becomes the same rows."""

import gzip
import io
import json
import string
import tracemalloc
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pictures_made import drawn, encoded, folder, idx, idx_folder, png, zipped
from PIL import Image

from tenfold.errors import DataRefused, TenfoldError, UsageError
from tenfold.readers import cells, labelled, pictures
from tenfold.readers.scan import scan


def read(source) -> pd.DataFrame:
    return labelled.read(source, pictures.MEDIUM)


def rows(source) -> set[tuple]:
    """(part, label, first bytes) of every row that can be used."""
    table = read(source)
    good = table[table["problem"].isna()]
    parts = good["split"] if "split" in good else [""] * len(good)
    content = [bytes(cells.fetch(cell)) for cell in good["image"]]
    return set(zip(parts, good["label"], content, strict=True))


EXPECTED = {("", name, png(n, label)) for label, name in enumerate(("cat", "dog")) for n in (0, 1)}


# --- folder a class -------------------------------------------------------------------------------


def test_folder_a_class(tmp_path):
    assert rows(folder(tmp_path, 2)) == EXPECTED


def test_folders_below_a_class_belong_to_it(tmp_path):
    folder(tmp_path, 1)
    (tmp_path / "dog" / "2024" / "may").mkdir(parents=True)
    (tmp_path / "dog" / "2024" / "may" / "1.png").write_bytes(png(1, 1))
    (tmp_path / "cat" / "more").mkdir()
    (tmp_path / "cat" / "more" / "1.png").write_bytes(png(1, 0))
    assert rows(tmp_path) == EXPECTED


def test_a_folder_around_everything_is_no_class(tmp_path):
    folder(tmp_path / "my photos" / "all", 2)
    assert rows(tmp_path) == EXPECTED


def test_one_class_alone_is_no_wrapper(tmp_path):
    folder(tmp_path, 2, classes=("cat",))
    assert set(read(tmp_path)["label"]) == {"cat"}


@pytest.mark.parametrize(
    ("names", "parts"),
    [
        (("train", "val", "test"), {"train", "valid", "test"}),
        (("Training", "validation", "Testing"), {"train", "valid", "test"}),
        (("train", "dev"), {"train", "valid"}),
        (("training_set", "test_set"), {"train", "test"}),
    ],
)
@pytest.mark.parametrize("below", [False, True], ids=["part/class", "class/part"])
def test_folders_named_as_parts(tmp_path, names, parts, below):
    for number, name in enumerate(names):
        for label, kind in enumerate(("cat", "dog")):
            place = tmp_path / kind / name if below else tmp_path / name / kind
            place.mkdir(parents=True)
            (place / "1.png").write_bytes(png(number, label))
    table = read(tmp_path)
    assert set(table["split"]) == parts
    assert set(table["label"]) == {"cat", "dog"} and len(table) == 2 * len(names)


def test_a_class_may_be_called_train(tmp_path):
    folder(tmp_path, 2, classes=("train", "plane"))
    table = read(tmp_path)
    assert "split" not in table and set(table["label"]) == {"train", "plane"}


def test_parts_inside_a_wrapper(tmp_path):
    for name in ("train", "test"):
        folder(tmp_path / "photos" / name, 1)
    table = read(tmp_path)
    assert set(table["split"]) == {"train", "test"} and set(table["label"]) == {"cat", "dog"}


def test_what_lies_loose_beside_the_classes_is_ignored_and_named(tmp_path):
    folder(tmp_path, 2)
    (tmp_path / "cover.png").write_bytes(png(9))
    table = read(tmp_path)
    assert len(table) == 4 and "cover.png" in table.attrs["ignored"]


def test_the_first_rows_of_any_number_are_balanced(tmp_path):
    table = read(folder(tmp_path, 5, classes=("a", "b", "c")))
    assert sorted(table["label"][:3]) == ["a", "b", "c"] == sorted(table["label"][6:9])


JUNK = [".DS_Store", "Thumbs.db", "desktop.ini", "._1.png", "__MACOSX/1.png", ".git/1.png"]


@pytest.mark.parametrize("archive", [False, True], ids=["folder", "zip"])
def test_what_systems_leave_behind_is_ignored_quietly(tmp_path, archive):
    root = folder(tmp_path / "photos", 2)
    for name in JUNK:
        for place in (root / name, root / "cat" / name):
            place.parent.mkdir(exist_ok=True, parents=True)
            place.write_bytes(png(50))
    source = zipped(root, tmp_path / "photos.zip") if archive else root
    assert rows(source) == EXPECTED
    assert len(read(source).attrs["ignored"]) >= 8


def test_texts_beside_pictures_are_ignored_and_named(tmp_path):
    folder(tmp_path, 2)
    for name in ("notes.txt", "LICENSE.md", "list.json", "info.xml"):
        (tmp_path / "cat" / name).write_text("text")
    table = read(tmp_path)
    assert len(table) == 4
    assert set(table.attrs["ignored"]) == {
        f"cat/{n}" for n in ("notes.txt", "LICENSE.md", "list.json", "info.xml")
    }


@pytest.mark.parametrize("name", ["A.PNG", "a.Jpg", "a.JPEG", "a.JFIF", "a", "a.dat", "a.1"])
def test_suffixes_do_not_matter_the_content_does(tmp_path, name):
    folder(tmp_path, 2)
    (tmp_path / "cat" / name).write_bytes(png(7))
    table = scan(read(tmp_path))
    assert len(table) == 5 and table["problem"].isna().all()


def test_a_file_without_suffix_and_picture_is_ignored(tmp_path):
    folder(tmp_path, 2)
    (tmp_path / "cat" / "Makefile").write_text("all:")
    table = read(tmp_path)
    assert len(table) == 4 and table.attrs["ignored"] == ["cat/Makefile"]


def test_names_composed_and_decomposed_are_one_class(tmp_path):
    for number, name in enumerate(("caf\u00e9", "cafe\u0301", "tea")):
        (tmp_path / name).mkdir()
        (tmp_path / name / f"{number}.png").write_bytes(png(number))
    table = read(tmp_path)
    assert sorted(table["label"]) == ["café", "café", "tea"] and table["problem"].isna().all()


# --- links ----------------------------------------------------------------------------------------


def test_a_link_to_a_folder_inside_does_not_take_its_place(tmp_path):
    folder(tmp_path, 2)
    (tmp_path / "a-link").symlink_to("cat", target_is_directory=True)
    (tmp_path / "z-link").symlink_to("dog", target_is_directory=True)
    assert rows(tmp_path) == EXPECTED


def test_a_link_to_a_file_inside_is_that_file(tmp_path):
    folder(tmp_path, 2, classes=("cat",))
    (tmp_path / "dog").mkdir()
    (tmp_path / ".store").mkdir()
    for number in range(2):
        (tmp_path / ".store" / f"{number}").write_bytes(png(number, 1))
        (tmp_path / "dog" / f"{number}.png").symlink_to(f"../.store/{number}")
    assert rows(tmp_path) == EXPECTED


# --- IDX ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gz"])
@pytest.mark.parametrize("archive", [False, True], ids=["folder", "zip"])
def test_idx(tmp_path, packed, archive):
    source = idx_folder(tmp_path / "mnist", packed=packed)
    if archive:
        source = zipped(source, tmp_path / "mnist.zip")
    table = read(source)
    assert list(table["split"]) == ["train"] * 8 + ["test"] * 8
    assert list(table["label"]) == ["0", "1"] * 8
    values = np.random.default_rng(1).integers(0, 256, (8, 6, 5))
    assert (cells.fetch(table["image"][11]) == values[3]).all()
    scanned = scan(table)
    assert set(scanned["width"]) == {5} and set(scanned["height"]) == {6}
    assert scanned["digest"].nunique() == 16


def test_idx_parts_by_name(tmp_path):
    idx_folder(tmp_path, parts=("train", "valid", "test"))
    assert list(read(tmp_path)["split"].unique()) == ["train", "valid", "test"]


def test_idx_of_a_training_part_alone(tmp_path):
    assert set(read(idx_folder(tmp_path, parts=("train",)))["split"]) == {"train"}


IDX_DAMAGE = {
    "other magic": b"\1\0\x08\1",
    "floats": b"\0\0\x0d\1\0\0\0\0",
    "short": idx(np.zeros(8))[:-1],
    "long": idx(np.zeros(8)) + b"\0",
    "a promise of 2^60 values": b"\0\0\x08\2" + (1 << 30).to_bytes(4, "big") * 2 + b"\0" * 9,
    "broken gzip": b"\x1f\x8b" + b"\0" * 30,
    "cut gzip": gzip.compress(idx(np.zeros(9000)))[:-9],
    "empty": b"",
}


@pytest.mark.parametrize("damage", IDX_DAMAGE)
@pytest.mark.parametrize("which", ["images-idx3", "labels-idx1"])
def test_a_damaged_idx_file_is_refused(tmp_path, damage, which):
    idx_folder(tmp_path)
    (tmp_path / f"train-{which}-ubyte").write_bytes(IDX_DAMAGE[damage])
    with pytest.raises(DataRefused) as refused:
        read(tmp_path)
    assert f"train-{which}-ubyte" in str(refused.value) and refused.value.fix


def test_idx_without_labels_or_with_too_few(tmp_path):
    idx_folder(tmp_path)
    (tmp_path / "t10k-labels-idx1-ubyte").write_bytes(idx(np.zeros(7)))
    with pytest.raises(DataRefused, match=r"8 pictures and .* 7 labels"):
        read(tmp_path)
    (tmp_path / "t10k-labels-idx1-ubyte").unlink()
    with pytest.raises(DataRefused, match="no t10k labels"):
        read(tmp_path)


def test_a_gzip_bomb_named_as_idx_is_refused_with_little_memory(tmp_path):
    idx_folder(tmp_path)
    bomb = gzip.compress(idx(np.zeros(8)) + bytes(200 << 20), 1)
    (tmp_path / "train-images-idx3-ubyte").write_bytes(bomb)
    tracemalloc.start()
    with pytest.raises(DataRefused, match="promises 8 values"):
        read(tmp_path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 16 << 20


# --- manifests ------------------------------------------------------------------------------------


def pictured(root: Path, names=("a.png", "b.png", "c d.png")) -> Path:
    root.mkdir(exist_ok=True)
    for number, name in enumerate(names):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(png(number))
    return root


PLAIN = "path,label\na.png,cat\nb.png,dog\nc d.png,cat\n"
LABELS = [("a.png", "cat"), ("b.png", "dog"), ("c d.png", "cat")]


def said(table: pd.DataFrame) -> list[tuple[str, str]]:
    assert table["problem"].isna().all(), list(table["problem"])
    return [(cells.file_of(c).name, n) for c, n in zip(table["image"], table["label"], strict=True)]


TEXTS = {
    "comma": PLAIN.encode(),
    "semicolon": PLAIN.replace(",", ";").encode(),
    "tab": PLAIN.replace(",", "\t").encode(),
    "CRLF": PLAIN.replace("\n", "\r\n").encode(),
    "CR": PLAIN.replace("\n", "\r").encode(),
    "BOM": PLAIN.encode("utf-8-sig"),
    "UTF-16 LE": PLAIN.encode("utf-16"),
    "UTF-16 BE": b"\xfe\xff" + PLAIN.encode("utf-16-be"),
    "no last line end": PLAIN.rstrip().encode(),
    "blank lines": PLAIN.replace("\n", "\n\n").encode(),
    "quotes": b'"path","label"\n"a.png","cat"\n"b.png","dog"\n"c d.png","cat"\n',
    "spaces": b" path , label \n a.png , cat \nb.png,dog \n c d.png,cat\n",
    "other words": PLAIN.replace("path,label", "Filename,Class").encode(),
    "Chinese words": PLAIN.replace("path,label", "路径,标签").encode("gb18030"),
    "more columns": b"id,path,note,label\n1,a.png,x,cat\n2,b.png,,dog\n3,c d.png,z,cat\n",
    "dots": PLAIN.replace("a.png", "./a.png").encode(),
    "trailing commas": PLAIN.replace("\n", ",\n").encode(),
}


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("where", ["file", "folder", "zip"])
def test_manifest(tmp_path, text, where):
    root = pictured(tmp_path / "data")
    (root / "labels.csv").write_bytes(TEXTS[text])
    source = {"file": root / "labels.csv", "folder": root}.get(where) or zipped(
        root, tmp_path / "data.zip"
    )
    table = read(source)
    if where == "zip":
        assert list(table["label"]) == [label for _, label in LABELS]
        assert bytes(cells.fetch(table["image"][1])) == png(1)
    else:
        assert said(table) == LABELS


CHINESE = "path,label\n猫 一.png,猫\n狗.png,狗\n"


@pytest.mark.parametrize("archive", [False, True], ids=["folder", "zip"])
def test_a_manifest_in_a_folder_around_everything(tmp_path, archive):
    root = tmp_path / "data"
    root.mkdir()
    pictured(root / "photos", ("img/a.png", "img/b.png", "img/c d.png"))
    (root / "photos" / "labels.csv").write_text(PLAIN.replace("\n", "\nimg/").rstrip("img/"))
    table = read(zipped(root, tmp_path / "data.zip") if archive else root)
    assert [bytes(cells.fetch(cell)) for cell in table["image"]] == [png(0), png(1), png(2)]
    assert list(table["label"]) == ["cat", "dog", "cat"] and not table.attrs["ignored"]


def test_a_manifest_finds_names_that_macos_decomposed(tmp_path):
    pictured(tmp_path, ("cafe\u0301.png", "th\u00e9.png"))
    (tmp_path / "l.csv").write_text("path,label\ncaf\u00e9.png,a\nthe\u0301.png,b\n")
    assert read(tmp_path)["problem"].isna().all()
    assert read(tmp_path / "l.csv")["problem"].isna().all()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "gb18030", "gbk"])
def test_manifest_in_chinese(tmp_path, encoding):
    pictured(tmp_path, ("猫 一.png", "狗.png"))
    (tmp_path / "l.csv").write_bytes(CHINESE.encode(encoding))
    assert said(read(tmp_path)) == [("猫 一.png", "猫"), ("狗.png", "狗")]


def test_manifest_in_latin_1(tmp_path):
    pictured(tmp_path, ("élan.png", "größe.png"))
    text = "path,label\nélan.png,forêt\ngröße.png,Löwe\n"
    (tmp_path / "l.csv").write_bytes(text.encode("latin-1"))
    assert said(read(tmp_path)) == [("élan.png", "forêt"), ("größe.png", "Löwe")]


def test_tsv_and_windows_paths(tmp_path):
    pictured(tmp_path, ("x/a.png", "x/y/b.png"))
    (tmp_path / "l.tsv").write_text("path\tlabel\nx\\a.png\tcat, big\nx/y/b.png\tdog\n")
    assert said(read(tmp_path)) == [("a.png", "cat, big"), ("b.png", "dog")]


@pytest.mark.parametrize("where", ["file", "folder", "zip"])
def test_parquet(tmp_path, where):
    root = pictured(tmp_path / "data")
    frame = pd.read_csv(io.StringIO(PLAIN)).assign(weight=[1.0, 2.0, 0.5])
    frame.to_parquet(root / "labels.parquet")
    source = {"file": root / "labels.parquet", "folder": root}.get(where) or zipped(
        root, tmp_path / "data.zip"
    )
    table = read(source)
    assert list(table["label"]) == ["cat", "dog", "cat"] and list(table["weight"]) == [1, 2, 0.5]
    assert [bytes(cells.fetch(cell)) for cell in table["image"]] == [png(0), png(1), png(2)]


def test_several_labels_a_row(tmp_path):
    pictured(tmp_path)
    (tmp_path / "l.csv").write_text("path,labels\na.png,cat|dog\nb.png,dog\nc d.png,\n")
    table = read(tmp_path)
    assert list(table["labels"]) == [("cat", "dog"), ("dog",), ()] and "label" not in table


def test_group_weight_and_split_columns(tmp_path):
    pictured(tmp_path)
    text = "path,label,patient,weight,fold\na.png,cat,7,2,train\nb.png,dog,8,0.5,Val\n"
    (tmp_path / "l.csv").write_text(text + "c d.png,cat,,1,\n")
    table = read(tmp_path)
    assert list(table["group"]) == ["7", "8", None]
    assert list(table["weight"]) == [2.0, 0.5, 1.0]
    assert list(table["split"]) == ["train", "valid", ""]


@pytest.mark.parametrize(
    ("column", "value", "word"),
    [("weight", "heavy", "heavy"), ("weight", "-1", "-1"), ("split", "holdout", "holdout")],
)
def test_a_bad_weight_or_split_is_refused_with_its_line(tmp_path, column, value, word):
    pictured(tmp_path)
    (tmp_path / "l.csv").write_text(f"path,label,{column}\n\na.png,cat,\nb.png,dog,{value}\n")
    if column == "weight":
        text = f"path,label,weight\n\na.png,cat,1\nb.png,dog,{value}\n"
        (tmp_path / "l.csv").write_text(text)
    with pytest.raises(DataRefused) as refused:
        read(tmp_path)
    assert word in refused.value.message and refused.value.where.endswith("4")


def test_rows_name_file_and_line_of_the_manifest(tmp_path):
    pictured(tmp_path)
    (tmp_path / "l.csv").write_text('path,label\n\na.png,"cat\nbig"\nb.png,dog\nno.png,dog\n')
    table = read(tmp_path)
    lines = [source.split(" ")[0] for source in table["source"]]
    assert lines == ["l.csv:3", "l.csv:5", "l.csv:6"]
    assert table["problem"][2].code == "missing-file"


def test_two_manifests_are_asked_about(tmp_path):
    pictured(tmp_path)
    for name in ("a.csv", "b.csv"):
        (tmp_path / name).write_text(PLAIN)
    with pytest.raises(UsageError, match=r"2 manifests: a\.csv, b\.csv"):
        read(tmp_path)
    assert len(read(tmp_path / "b.csv")) == 3


def test_a_table_that_is_no_manifest_is_ignored(tmp_path):
    folder(tmp_path, 2)
    (tmp_path / "measurements.csv").write_text("a,b\n1,2\n")
    assert len(read(tmp_path)) == 4


def test_files_a_manifest_does_not_name_are_ignored_and_named(tmp_path):
    pictured(tmp_path, ("a.png", "b.png", "c d.png", "e.png"))
    (tmp_path / "l.csv").write_text(PLAIN)
    assert read(tmp_path).attrs["ignored"] == ["e.png"]


def test_labels_that_are_numbers_stay_as_they_are_written(tmp_path):
    pictured(tmp_path)
    (tmp_path / "l.csv").write_text("path,label\na.png,007\nb.png,1.50\nc d.png,NA\n")
    assert list(read(tmp_path)["label"]) == ["007", "1.50", "NA"]


# --- frames ---------------------------------------------------------------------------------------


def test_a_frame_of_paths(tmp_path, monkeypatch):
    pictured(tmp_path)
    monkeypatch.chdir(tmp_path)
    frame = pd.DataFrame({"path": ["a.png", tmp_path / "b.png"], "label": ["cat", "dog"]}, [5, 5])
    assert said(read(frame)) == LABELS[:2]


def test_a_frame_of_arrays_bytes_files_and_pictures(tmp_path):
    picture = drawn(3)
    (tmp_path / "a.png").write_bytes(encoded(picture))
    with (tmp_path / "a.png").open("rb") as opened:
        cell = [np.asarray(picture), encoded(picture), opened, picture, tmp_path / "a.png"]
        table = read(pd.DataFrame({"image": cell, "label": list("aabbb")}))
    found, problems = pictures.encode(list(table["image"]), 16, 16, 3)
    assert not problems and (found == np.asarray(picture)).all()


def test_a_frame_with_numbers_as_labels_and_lists():
    cell = [np.zeros((4, 4), np.uint8)] * 3
    table = read(pd.DataFrame({"image": cell, "label": [3, 7, 3], "group": [1, 1, None]}))
    assert list(table["label"]) == ["3", "7", "3"]
    table = read(pd.DataFrame({"image": cell, "labels": [["a", "b"], ["b"], []]}))
    assert list(table["labels"]) == [("a", "b"), ("b",), ()]


@pytest.mark.parametrize("columns", [{"image": []}, {"label": ["a"]}])
def test_a_frame_without_a_column(columns):
    with pytest.raises(DataRefused, match="no column"):
        read(pd.DataFrame(columns))


STRANGE = [None, float("nan"), 7, {"a": 1}, pd.NaT, "", np.zeros((2, 2, 7)), np.zeros((0, 3))]
STRANGE += [np.array(["a"]), np.array([[None]]), np.zeros((2, 2), complex), b"", object()]


@pytest.mark.parametrize(
    "value",
    STRANGE,
    ids=[f"{type(value).__name__}-{number}" for number, value in enumerate(STRANGE)],
)
def test_a_cell_that_is_no_picture_is_a_problem_of_its_row(value):
    good = np.zeros((4, 4), np.uint8)
    cell = pd.Series([good, value, good], dtype=object)
    table = scan(read(pd.DataFrame({"image": cell, "label": ["a", "b", "b"]})))
    assert list(table["problem"].notna()) == [False, True, False]
    found, problems = pictures.encode(list(table["image"]), 4, 4, 1)
    assert set(problems) == {1} and found.shape == (3, 4, 4, 1)


# --- what cannot be read at all -------------------------------------------------------------------


def refusal(source) -> TenfoldError:
    with pytest.raises(TenfoldError) as refused:
        read(source)
    error = refused.value
    assert error.fix and error.message[0] in string.ascii_uppercase + "'"
    json.dumps(error.to_json())
    return error


def test_refusals_name_the_mistake(tmp_path):
    (tmp_path / "empty").mkdir()
    assert refusal(tmp_path / "empty").code == "empty-folder"
    (tmp_path / "photos").mkdir()
    missing = refusal(tmp_path / "fotos")
    assert missing.code == "no-such-path" and "'photos'" in missing.fix
    (tmp_path / "photo.png").write_bytes(png(0))
    assert refusal(tmp_path / "photo.png").code == "file-for-folder"
    assert refusal(tmp_path / "nowhere" / "photos").code == "no-such-path"
    (tmp_path / "photos" / "1.png").write_bytes(png(0))
    assert refusal(tmp_path / "photos").code == "no-labels"
    (tmp_path / "songs" / "rock").mkdir(parents=True)
    (tmp_path / "songs" / "rock" / "1.mp3").write_bytes(b"ID3")
    assert refusal(tmp_path / "songs").code == "no-files"


def test_a_folder_of_junk_alone_is_empty(tmp_path):
    (tmp_path / ".DS_Store").write_bytes(b"x")
    assert refusal(tmp_path).code == "empty-folder"


def test_pictures_may_be_given_as_a_path_or_a_text(tmp_path):
    root = folder(tmp_path, 2)
    assert rows(str(root)) == rows(root) == EXPECTED


def test_an_image_in_memory_keeps_its_orientation():
    turned = Image.fromarray(np.arange(6, dtype=np.uint8).reshape(2, 3))
    assert pictures.header(turned) == pictures.Header(3, 2, 1)
