"""Every layout a folder of labelled pictures may have becomes the same rows."""

import gzip
import json
import string
import tracemalloc

import numpy as np
import pytest
from pictures_made import folder, idx, idx_folder, png, zipped
from PIL import Image
from preparing import ignored, read

from tenfold.core.errors import DataRefused, TenfoldError
from tenfold.data.scan import scan
from tenfold.media.files import references
from tenfold.media.image import decode
from tenfold.media.image.medium import IMAGE


def rows(source) -> set[tuple]:
    """(part, label, first bytes) of every row that can be used."""
    table = read(source)
    good = table[table["problem"].isna()]
    parts = good["split"] if "split" in good else [""] * len(good)
    content = [bytes(references.fetch(cell)) for cell in good["image"]]
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
    assert len(table) == 4 and "cover.png" in ignored(tmp_path)


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
    assert len(ignored(source)) >= 8


def test_texts_beside_pictures_are_ignored_and_named(tmp_path):
    folder(tmp_path, 2)
    for name in ("notes.txt", "LICENSE.md", "list.json", "info.xml"):
        (tmp_path / "cat" / name).write_text("text")
    table = read(tmp_path)
    assert len(table) == 4
    assert set(ignored(tmp_path)) == {
        f"cat/{n}" for n in ("notes.txt", "LICENSE.md", "list.json", "info.xml")
    }


@pytest.mark.parametrize("name", ["A.PNG", "a.Jpg", "a.JPEG", "a.JFIF", "a", "a.dat", "a.1"])
def test_suffixes_do_not_matter_the_content_does(tmp_path, name):
    folder(tmp_path, 2)
    (tmp_path / "cat" / name).write_bytes(png(7))
    table = scan(read(tmp_path), {"image": IMAGE})
    assert len(table) == 5 and table["problem"].isna().all()


def test_a_file_without_suffix_and_picture_is_ignored(tmp_path):
    folder(tmp_path, 2)
    (tmp_path / "cat" / "Makefile").write_text("all:")
    table = read(tmp_path)
    assert len(table) == 4 and ignored(tmp_path) == ["cat/Makefile"]


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
    assert (references.fetch(table["image"][11]) == values[3]).all()
    scanned = scan(table, {"image": IMAGE})
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
    with pytest.raises(DataRefused, match=r"8 pictures.* 7 labels") as refused:
        read(tmp_path)
    assert refused.value.code == "damaged-idx"
    (tmp_path / "t10k-labels-idx1-ubyte").unlink()
    with pytest.raises(DataRefused, match="t10k-labels") as refused:
        read(tmp_path)
    assert refused.value.code == "missing-file"


def test_a_gzip_bomb_named_as_idx_is_refused_with_little_memory(tmp_path):
    idx_folder(tmp_path)
    bomb = gzip.compress(idx(np.zeros(8)) + bytes(200 << 20), 1)
    (tmp_path / "train-images-idx3-ubyte").write_bytes(bomb)
    tracemalloc.start()
    with pytest.raises(DataRefused, match="8 values and holds more") as refused:
        read(tmp_path)
    assert refused.value.code == "damaged-idx"
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 16 << 20


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
    assert decode.header(turned) == decode.PictureHeader(3, 2, 1)
