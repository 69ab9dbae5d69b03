"""Data that would vanish: folders that cannot be listed, files in formats that are not read.

They count as unusable, and what is missing is named: nothing that looks like data is only ignored.
"""

import io
import json
import os
from pathlib import Path

import pytest
from commands import home as home
from commands import refused, tenfold
from pictures_made import EPS, SVG, TASK, folder, ordinary_user, png
from PIL import Image, TiffImagePlugin
from preparing import fresh_cache as fresh_cache
from preparing import ignored, prepared, reasons

from tenfold.core.errors import DataRefused
from tenfold.data.prepare import prepare
from tenfold.media.image import formats
from tenfold.media.image.medium import IMAGE
from tenfold.media.text.medium import TEXT
from tenfold.tasks.registry import find

# The start of a photo alone: unusable with and without the package that reads HEIC.
HEIC = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(40)
IS_HEIC = "damaged" if formats.HEIC else "HEIC"
TEXTS = "text-classification"


def texts(root: Path, each: int = 20, classes: tuple[str, ...] = ("a", "b", "c")) -> Path:
    """One folder for each class, one short text a file."""
    for number, name in enumerate(classes):
        (root / name).mkdir(parents=True)
        for row in range(each):
            words = f"{name} " + " ".join(f"w{(7 * row + 13 * number + k) % 41}" for k in range(8))
            (root / name / f"{row}.txt").write_text(words)
    return root


def data_of(task: str, root: Path) -> Path:
    return folder(root, 20, ("a", "b", "c")) if task == TASK else texts(root)


def in_parts(root: Path) -> None:
    """Parts as given, with other pictures in each."""
    for part, first in (("train", 0), ("test", 100)):
        for label, name in enumerate(("cat", "dog")):
            (root / part / name).mkdir(parents=True)
            for number in range(first, first + 10):
                (root / part / name / f"{number}.png").write_bytes(png(number, label))


# --- folders that cannot be listed ----------------------------------------------------------------


@pytest.mark.parametrize("task", [TASK, TEXTS])
def test_a_class_folder_that_may_not_be_listed_stops(task, tmp_path):
    """Nobody knows how many rows it holds, so that 5 % says nothing."""
    data = data_of(task, tmp_path / "data")
    (data / "c").chmod(0o311)
    try:
        with ordinary_user():
            found = prepare(find(task), data)
        assert reasons(found) == {"c": "no-permission"} and "c" not in found.ignored
        stopped = found.refusal("stop")
        assert stopped is not None and stopped.code == "no-permission" and stopped.where == "c"
        assert "unknown" in stopped.message and "--on-bad skip" in stopped.fix
        assert found.refusal("skip") is None and len(found.used) == 40
        assert [one for one in found.missing.sentences() if "Class 'c' has no usable rows" in one]
        (data / "b").chmod(0o311)
        with ordinary_user(), pytest.raises(DataRefused) as left:  # one class is left
            prepare(find(task), data, on_bad="skip")
        assert left.value.code == "no-permission" and "b is a folder" in left.value.message
        assert "--on-bad" not in left.value.fix
    finally:
        (data / "b").chmod(0o755)
        (data / "c").chmod(0o755)


def test_a_closed_part_is_no_class_and_is_listed(tmp_path):
    in_parts(tmp_path / "data")
    (tmp_path / "data" / "extra").mkdir(mode=0o311)
    try:
        with ordinary_user():
            found = prepared(tmp_path / "data")
    finally:
        (tmp_path / "data" / "extra").chmod(0o755)
    assert reasons(found) == {"extra": "no-permission"}
    assert set(found.used["label"]) == {"cat", "dog"} and set(found.used["split"]) >= {"test"}


def test_a_link_to_a_folder_elsewhere_counts_as_a_folder(tmp_path):
    data = folder(tmp_path / "data", 10)
    folder(tmp_path / "elsewhere", 10, ("fox",))
    (data / "fox").symlink_to(tmp_path / "elsewhere" / "fox", target_is_directory=True)
    found = prepared(data)
    assert reasons(found) == {"fox": "link-out"}
    stopped = found.refusal("stop")
    assert stopped is not None and stopped.code == "link-out" and "folder" in stopped.fix


def test_lines_of_a_manifest_in_a_closed_folder_are_counted_one_by_one(tmp_path):
    data = folder(tmp_path / "data", 10)
    names = [f"{name}/{number}.png,{name}" for name in ("cat", "dog") for number in range(10)]
    (data / "list.csv").write_text("\n".join(["path,label", *names]))
    (data / "dog").chmod(0o000)
    try:
        with ordinary_user(), pytest.raises(DataRefused) as stopped:
            prepared(data)
    finally:
        (data / "dog").chmod(0o755)
    assert "10 files cannot be used" in stopped.value.message
    assert stopped.value.code == "lost-class" and "unknown" not in stopped.value.message


def test_a_text_file_without_permission_is_one_bad_file(tmp_path):
    data = texts(tmp_path / "data")
    (data / "a" / "3.txt").chmod(0)
    with ordinary_user():
        found = prepare(find(TEXTS), data)
    assert reasons(found) == {"a/3.txt": "no-permission"} and found.refusal("stop") is None


@pytest.mark.parametrize("task", ["text-classification", "token-classification"])
def test_a_table_of_one_part_that_leads_out_is_not_read_and_stops(task, tmp_path):
    row = "Anna\tB-PER\n\n" if task.startswith("token") else "a good text,yes\nbad text,no\n"
    head = "" if task.startswith("token") else "text,label\n"
    suffix = "conll" if task.startswith("token") else "csv"
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / f"train.{suffix}").write_text(head + row * 30)
    (tmp_path / f"test.{suffix}").write_text(head + row)
    (tmp_path / "data" / f"test.{suffix}").symlink_to(tmp_path / f"test.{suffix}")
    rows = find(task).read(tmp_path / "data").table
    (problem,) = rows["problem"].dropna()
    assert problem.code == "link-out" and problem.uncounted


# --- formats that are not read --------------------------------------------------------------------


def raw_photo(suffix: str) -> bytes:
    """A photo as cameras write it: a small TIFF that opens, with the sensor's data elsewhere."""
    file, tags = io.BytesIO(), TiffImagePlugin.ImageFileDirectory_v2()
    if suffix == ".dng":
        tags[50706] = b"\1\4\0\0"
        tags.tagtype[50706] = 1
    else:
        tags[254], tags[330] = 1, 0
    Image.new("RGB", (16, 12), "red").save(file, "TIFF", tiffinfo=tags)
    return file.getvalue()


UNREAD = {
    "a.HEIC": (HEIC, IS_HEIC),
    "b.avif": (HEIC.replace(b"heic", b"avif"), "damaged" if formats.AVIF else "AVIF"),
    "c.jxl": (b"\xff\x0a" + bytes(30), "JPEG XL"),
    "d.svg": (SVG, "SVG"),
    "e.psd": (b"8BPS\0\1" + bytes(30), "Photoshop"),
    "f.nef": (raw_photo(".nef"), "RAW"),
    "g.dng": (raw_photo(".dng"), "RAW"),
    "h.cr3": (b"\0\0\0\x18ftypcrx " + bytes(30), "RAW"),
    "i.eps": (EPS, "PostScript"),
    "j.jp2": (
        b"\0\0\0\x0cjP  \r\n\x87\n" + bytes(20),
        "damaged" if formats.JPEG_2000 else "JPEG 2000",
    ),
    "k.tga": (bytes(40), "not a known picture format"),
    "without-suffix": (HEIC, IS_HEIC),
    "named.jpg": (raw_photo(".nef"), "RAW"),
}


def test_every_format_that_is_not_read_is_listed_with_its_name(tmp_path):
    data = folder(tmp_path / "data", 10)
    for name, (content, _) in UNREAD.items():
        (data / "cat" / name).write_bytes(content)
    found = prepared(data)
    said = {Path(one["source"]).name: one["reason"] for one in found.quarantined}
    assert sorted(said) == sorted(UNREAD) and not found.ignored
    assert [name for name, (_, word) in UNREAD.items() if word not in said[name]] == []
    assert all(one["fix"] for one in found.quarantined)
    stopped = found.refusal("stop")
    assert stopped is not None and stopped.code == "too-many-bad"


def test_a_readable_picture_under_the_suffix_of_an_unread_one_is_read(tmp_path):
    """Telephones name JPEG files .heic: the content decides."""
    data = folder(tmp_path / "data", 10)
    (data / "cat" / "0.png").rename(data / "cat" / "0.heic")
    found = prepared(data)
    assert not found.quarantined and len(found.used) == 20


def test_a_tiff_with_a_mask_beside_it_is_still_read(tmp_path):
    """Only a preview beside the photo itself is a RAW photo, not any TIFF with two pictures."""
    data = folder(tmp_path / "data", 10)
    first = Image.new("RGB", (16, 16), "red")
    first.save(data / "cat" / "two.tif", save_all=True, append_images=[first.rotate(90)])
    assert not prepared(data).quarantined


def test_a_class_that_loses_all_its_files_is_named(tmp_path):
    """Few files in all, so that the rule of 5 % does not stop; the class would be gone."""
    data = folder(tmp_path / "data", 60)
    (data / "fox").mkdir()
    for number in range(3):
        (data / "fox" / f"IMG_{number}.HEIC").write_bytes(HEIC + bytes([number]))
    found = prepared(data)
    stopped = found.refusal("stop")
    assert stopped is not None and stopped.code == "lost-class" and "'fox'" in stopped.message
    assert "3 files" in stopped.message and "--on-bad skip" in stopped.fix
    assert found.refusal("skip") is None and set(found.used["label"]) == {"cat", "dog"}
    (data / "fox" / "0.png").write_bytes(png(77, 2))
    (data / "fox" / "1.png").write_bytes(png(78, 2))
    assert prepared(data).refusal("stop") is None  # two are left


def test_a_folder_of_raw_files_beside_the_parts_is_no_class(tmp_path):
    in_parts(tmp_path / "data")
    (tmp_path / "data" / "raw").mkdir()
    (tmp_path / "data" / "raw" / "1.cr2").write_bytes(b"II*\0\x10\0\0\0CR\2\0" + bytes(30))
    found = prepared(tmp_path / "data")
    assert set(found.used["label"]) == {"cat", "dog"} and not found.quarantined
    assert ignored(tmp_path / "data") == ["raw/1.cr2"]


def test_documents_among_texts_are_listed(tmp_path):
    data = texts(tmp_path / "data")
    (data / "a" / "letter.docx").write_bytes(b"PK\3\4" + bytes(30))
    (data / "b" / "paper.PDF").write_bytes(b"%PDF-1.7\n\0")
    (data / "notes.docx").write_bytes(b"PK\3\4")
    found = prepare(find(TEXTS), data)
    assert reasons(found) == {"a/letter.docx": "unread-format", "b/paper.PDF": "unread-format"}
    assert found.ignored == ["notes.docx"] and len(found.used) == 60
    assert ".docx" in found.quarantined[0]["reason"] and ".txt" in found.quarantined[0]["fix"]


def test_a_class_of_documents_alone_is_named(tmp_path):
    data = texts(tmp_path / "data", classes=("a", "b"))
    (data / "c").mkdir()
    for number in range(2):
        (data / "c" / f"{number}.docx").write_bytes(b"PK\3\4" + bytes([number]))
    stopped = prepare(find(TEXTS), data).refusal("stop")
    assert stopped is not None and stopped.code == "lost-class" and "'c'" in stopped.message


def test_a_folder_of_spreadsheets_alone_says_what_to_do(tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "texts.xlsx").write_bytes(b"PK\3\4" + bytes(30))
    with pytest.raises(DataRefused) as stopped:
        find(TEXTS).read(tmp_path / "data")
    assert stopped.value.code == "bad-manifest" and "CSV" in stopped.value.fix


def test_no_suffix_is_both_read_and_unread():
    for medium in (IMAGE, TEXT):
        assert medium.unread and not medium.unread & medium.suffixes
        assert all(name == name.lower() and name[0] == "." for name in medium.unread)


# --- through the real command ---------------------------------------------------------------------


def test_check_names_what_is_missing_and_writes_the_whole_list(tmp_path):
    data = folder(tmp_path / "photos", 20)
    (data / "fox").mkdir()
    for number in range(12):
        (data / "fox" / f"IMG_{number}.HEIC").write_bytes(HEIC)
    done = refused(tenfold("check", TASK, "photos", cwd=tmp_path), 3, "12 of 52 files", "5 %")
    assert "Class 'fox' has no usable rows" in done.err
    written = json.loads((tmp_path / "check-photos.json").read_text())
    assert len(written["quarantined"]) == 12 and written["ignored"] == []
    done = tenfold("check", TASK, "photos", "--on-bad", "skip", cwd=tmp_path)
    assert done.code == 0 and "left out 12" in done.out and "fox/IMG_0.HEIC" in done.out


def test_predict_gives_a_line_for_each_picture_of_a_folder(home):
    new = folder(home / "new", 1)
    for name, (content, _) in UNREAD.items():
        (new / name).write_bytes(content)
    (new / "LICENSE").write_text("Anyone may use these pictures.")
    lines = tenfold("predict", "run", "new", "--json", cwd=home).lines
    good = [one["source"] for one in lines if "error" not in one]
    bad = {os.path.basename(one["source"]): one["error"] for one in lines if "error" in one}
    assert good == ["new/cat/0.png", "new/dog/0.png"] and sorted(bad) == sorted(UNREAD)
    assert bad["a.HEIC"]["code"] == ("damaged" if formats.HEIC else "not-a-picture")
    assert IS_HEIC in bad["a.HEIC"]["message"]
    (home / "only").mkdir()
    (home / "only" / "1.heic").write_bytes(HEIC)
    done = tenfold("predict", "run", "only", cwd=home)
    assert done.code == 3 and "only/1.heic\tERROR\tis " in done.out


# --- nothing is left to judge by ------------------------------------------------------------------


def test_rows_that_are_all_near_copies_are_refused_before_training(tmp_path):
    words = " ".join(f"word{number}" for number in range(30))
    rows = [f"{words} {row},{'ab'[row % 2]}" for row in range(40)]
    (tmp_path / "t.csv").write_text("\n".join(["text,label", *rows]))
    with pytest.raises(DataRefused) as stopped:
        prepare(find(TEXTS), tmp_path / "t.csv")
    assert stopped.value.code == "nothing-held-out" and "all 40 rows" in stopped.value.message
    done = tenfold("check", TEXTS, "t.csv", cwd=tmp_path)
    refused(done, 3, "near copies of each other", "Add rows")


def test_a_file_of_one_sentence_is_refused(tmp_path):
    (tmp_path / "one.conll").write_text("Anna B-PER\nsings O\n")
    for verb in ("check", "train"):
        done = tenfold(verb, "token-classification", "one.conll", cwd=tmp_path)
        refused(done, 3, "One row is not enough", "Add rows")
