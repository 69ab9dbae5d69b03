"""Tables that name pictures and their labels, as a file or as a frame, become the same rows."""

import io
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pictures_made import drawn, encoded, folder, png, zipped
from preparing import ignored, read

from tenfold.core.errors import DataRefused, UsageError
from tenfold.data.scan import scan
from tenfold.media.files import references
from tenfold.media.image import decode
from tenfold.media.image.medium import IMAGE

# --- manifests ------------------------------------------------------------------------------------


def pictured(root: Path, names=("a.png", "b.png", "c d.png")) -> Path:
    root.mkdir(exist_ok=True)
    for number, name in enumerate(names):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(png(number))
    return root


PLAIN = "path,label\na.png,cat\nb.png,dog\nc d.png,cat\n"
LABELS = [("a.png", "cat"), ("b.png", "dog"), ("c d.png", "cat")]


def given_as(where: str, manifest: Path) -> Path:
    """The manifest itself, the folder it lies in, or a zip of that folder."""
    root = manifest.parent
    if where == "zip":
        return zipped(root, root.with_suffix(".zip"))
    return {"file": manifest, "folder": root}[where]


def said(table: pd.DataFrame) -> list[tuple[str, str]]:
    assert table["problem"].isna().all(), list(table["problem"])
    return [
        (references.file_of(c).name, n) for c, n in zip(table["image"], table["label"], strict=True)
    ]


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
    table = read(given_as(where, root / "labels.csv"))
    if where == "zip":
        assert list(table["label"]) == [label for _, label in LABELS]
        assert bytes(references.fetch(table["image"][1])) == png(1)
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
    assert [bytes(references.fetch(cell)) for cell in table["image"]] == [png(0), png(1), png(2)]
    assert list(table["label"]) == ["cat", "dog", "cat"]


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
    table = read(given_as(where, root / "labels.parquet"))
    assert list(table["label"]) == ["cat", "dog", "cat"] and list(table["weight"]) == [1, 2, 0.5]
    assert [bytes(references.fetch(cell)) for cell in table["image"]] == [png(0), png(1), png(2)]


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
    [("weight", "heavy", "heavy"), ("weight", "-1", "-1"), ("split", "elsewhere", "elsewhere")],
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
    assert ignored(tmp_path) == ["e.png"]


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
    found, problems = decode.encode(list(table["image"]), 16, 16, 3)
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
    table = scan(read(pd.DataFrame({"image": cell, "label": ["a", "b", "b"]})), {"image": IMAGE})
    assert list(table["problem"].notna()) == [False, True, False]
    found, problems = decode.encode(list(table["image"]), 4, 4, 1)
    assert set(problems) == {1} and found.shape == (3, 4, 4, 1)
