"""Which level of folders names the parts and which the classes."""

from pathlib import Path

import pytest
from pictures_made import png

from tenfold.core.errors import TenfoldError
from tenfold.core.rows import Rows
from tenfold.media.files import labelled
from tenfold.media.files.layouts.levels import levels
from tenfold.media.image.medium import IMAGE
from tenfold.media.reading import Reading


def made(root: Path, *names: str) -> Path:
    for number, name in enumerate(names):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(png(number))
    return root


def each(*folders: str, count: int = 2) -> list[str]:
    """The names of `count` files in each of the folders."""
    return [f"{folder}/{number}.png" for folder in folders for number in range(count)]


def below(tops: list[str], classes: tuple[str, ...] = ("cat", "dog")) -> list[str]:
    return [
        f"{top}/{name}" if "{}" not in top else top.format(name) for top in tops for name in classes
    ]


def found(names: list[str], target: str = "") -> tuple[set[str], set[str]]:
    """The classes and the parts of files with these names."""
    places = levels([tuple(name.split("/")[:-1]) for name in names], None, names, target).places
    return {one.label for one in places if one.label}, {one.part for one in places if one.label}


PARTS = {
    "spellings": (["train_set/{}", "test_set/{}"], {"train", "test"}),
    "words": (["Train Images/{}", "Test Images/{}"], {"train", "test"}),
    "year": (["train-2024/{}", "eval-2024/{}"], {"train", "valid"}),
    "repeated": (["seg_train/seg_train/{}", "seg_test/seg_test/{}"], {"train", "test"}),
    "repeated once": (["train/train/{}", "valid/{}"], {"train", "valid"}),
    "holders": (["train/images/{}", "val/images/{}"], {"train", "valid"}),
    "around": (["data/x_train/{}", "data/x_test/{}"], {"train", "test"}),
    "holder above": (["images/training/{}", "images/testing/{}"], {"train", "test"}),
    "below": (["{}/train", "{}/test"], {"train", "test"}),
    "Chinese": (["训练集/{}", "测试集/{}"], {"train", "test"}),
    "one name is a part": (["train/{}", "final/{}"], {"train", "test"}),
}


def test_parts_in_their_usual_spellings_and_wrappings():
    for name, (tops, parts) in PARTS.items():
        assert found(each(*below(tops))) == ({"cat", "dog"}, parts), name


def test_folders_above_the_classes_are_no_classes():
    tops = (["original", "augmented"], ["fold1", "fold2", "fold3"], ["raw", "aug images"])
    for some in tops:
        assert found(each(*below(some))) == ({"cat", "dog"}, {""}), some
    inner = each(*below(["cat", "dog"], ("2023", "2024")), *below(["cow"], ("2023", "2024")))
    assert found(inner)[0] == {"cat", "dog", "cow"}
    assert found(
        each(
            "train/original/cat",
            "train/original/dog",
            "train/augmented/cat",
            "train/augmented/dog",
            "test/original/cat",
            "test/original/dog",
        )
    )[0] == {
        "cat",
        "dog",
    }


def test_augmented_copies_stay_with_their_original(tmp_path):
    rows = labelled.read(made(tmp_path, *each(*below(["original", "augmented"]))), IMAGE)
    assert rows.table["group"].nunique() == 4 and rows.taken.notes
    people = made(tmp_path / "people", *each(*below([f"p{n}" for n in range(8)])))
    assert set(labelled.read(people, IMAGE).table["group"]) == {f"p{n}" for n in range(8)}


def test_two_levels_that_can_be_the_classes_are_asked_back(tmp_path):
    made(tmp_path, *each(*below(["leaf", "root", "stem"], ("dry", "wet"))))
    with pytest.raises(TenfoldError) as error:
        labelled.read(tmp_path, IMAGE)
    assert error.value.code == "two-readings" and error.value.exit_code == 2
    assert "--target folder1" in str(error.value) and "--target folder2" in str(error.value)
    rows: Rows = labelled.read(tmp_path, IMAGE, Reading(target="folder2"))
    assert set(rows.table["label"]) == {"dry", "wet"}
    again = labelled.read(tmp_path, IMAGE, Reading(found={"target": "folder1"}))
    assert set(again.table["label"]) == {"leaf", "root", "stem"}
    with pytest.raises(TenfoldError):
        labelled.read(tmp_path, IMAGE, Reading(target="folder3"))


def test_unlabelled_and_helper_folders_are_left_out_and_counted(tmp_path):
    layouts = {
        "unsup": [*each(*below(["train", "test"])), *each("train/unsup")],
        "prediction": [*each(*below(["seg_train/seg_train", "seg_test/seg_test"])), *each("pred")],
        "flat test": [*each(*below(["train", "val"])), *each("test")],
        "beside classes": [*each("cat", "dog"), *each("unlabelled")],
    }
    for name, names in layouts.items():
        rows = labelled.read(made(tmp_path / name, *names), IMAGE)
        assert set(rows.table["label"]) == {"cat", "dog"}, name
        assert [one.count for one in rows.taken.left] == [2], name
        assert len(rows.ignored) == 2


def test_a_part_or_holder_beside_classes_is_asked_back(tmp_path):
    for name in ("test", "Validation", "images"):
        root = made(tmp_path / name, *each("cat", "dog", name))
        with pytest.raises(TenfoldError) as error:
            labelled.read(root, IMAGE)
        assert error.value.code == "two-readings" and name in str(error.value)
    masks = made(tmp_path / "masks", *each(*below(["train", "val"], ("images", "masks"))))
    with pytest.raises(TenfoldError, match="images"):
        labelled.read(masks, IMAGE)
    vehicles = made(tmp_path / "vehicles", *each("bus", "car", "train"))
    assert set(labelled.read(vehicles, IMAGE).table["label"]) == {"bus", "car", "train"}
