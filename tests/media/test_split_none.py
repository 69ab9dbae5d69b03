"""`--split none`: parts that the data give are not used, whatever gives them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from pictures_made import folder

from tenfold.core.rows import Rows
from tenfold.media.reading import Reading
from tenfold.tasks.registry import find

LABELS = ["cat", "dog"] * 10
FOLDS = [str(row % 5 + 1) for row in range(20)]
PARTS = ["test" if row % 4 == 0 else "train" for row in range(20)]


def tables(path: Path, task: str, name: str, cells: list[str]) -> Path:
    if task == "image-classification":
        folder(path / "img", 10, classes=("cat", "dog"))
        inputs = {"path": [f"img/{LABELS[row]}/{row // 2}.png" for row in range(20)]}
    else:
        inputs = {"text": [f"text number {row}" for row in range(20)]}
    frame = pd.DataFrame({**inputs, "label": LABELS, name: cells})
    frame.to_csv(path / "rows.csv", index=False)
    return path / "rows.csv"


def part_folders(path: Path) -> Path:
    for name in ("train", "test"):
        folder(path / "data" / name, 4, classes=("cat", "dog"))
    return path / "data"


def part_files(path: Path) -> Path:
    for name in ("train", "test"):
        frame = pd.DataFrame({"text": [f"{name} {row}" for row in range(20)], "label": LABELS})
        frame.to_csv(path / f"{name}.csv", index=False)
    return path


def tagged_files(path: Path) -> Path:
    for name in ("train", "test"):
        sentences = [f"Anna{name}{row} B-PER\nsleeps O" for row in range(9)]
        (path / f"{name}.conll").write_text("\n\n".join(sentences) + "\n")
    return path


MAKERS: dict[str, tuple[str, Callable[[Path], Path]]] = {
    f"{task} {name} {cells[1]}": (
        task, lambda path, a=(task, name, cells): tables(path, *a),  # type: ignore[misc]
    )
    for task in ("image-classification", "text-classification")
    for name, cells in (("fold", FOLDS), ("split", PARTS), ("kfold", FOLDS))
} | {
    "folders": ("image-classification", part_folders),
    "files": ("text-classification", part_files),
    "tags": ("token-classification", tagged_files),
}  # fmt: skip


def read(task: str, source: Path, reading: Reading) -> tuple[Rows, bool, bool]:
    rows = find(task).read(source, reading)
    given = "split" in rows.table and rows.table["split"].astype(bool).any()
    return rows, given, any(one.role == "part" for one in rows.taken.roles)


@pytest.mark.parametrize("name", MAKERS)
def test_parts_are_ignored_and_this_is_said(name: str, tmp_path: Path):
    task, maker = MAKERS[name]
    source = maker(tmp_path)
    before, *used = read(task, source, Reading())
    after, *ignored = read(task, source, Reading(split="None"))
    assert used == [True, True] and ignored == [False, False]
    assert len(before.table) == len(after.table) and not after.table["problem"].notna().any()
    assert [str(note) for note in after.taken.notes if "--split none" in str(note)] == [
        "Parts given by the data are not used (--split none)."
    ]
    again = Reading.of_json(after.reading.to_json())
    assert again.ignores_parts and read(task, source, again)[1:] == (False, False)


def test_cells_that_are_no_parts_are_no_error(tmp_path: Path):
    source = tables(tmp_path, "image-classification", "split", [f"fold{one}" for one in FOLDS])
    rows, given, _ = read("image-classification", source, Reading(split="none"))
    assert not given and list(rows.table["label"]) == LABELS


def test_files_of_interactions_are_split_again(tmp_path: Path):
    events = [(f"u{u}", f"i{(u * 7 + s * 3) % 23}", s) for u in range(30) for s in range(8)]
    frame = pd.DataFrame(events, columns=["user", "item", "time"])
    frame[frame["time"] < 6].to_csv(tmp_path / "train.csv", index=False)
    frame[frame["time"] >= 6].to_csv(tmp_path / "test.csv", index=False)
    given = find("recommendation").read(tmp_path, Reading()).table["split"].value_counts()
    again = find("recommendation").read(tmp_path, Reading(split="none"))
    assert given.to_dict() == {"train": 30, "test": 30}
    assert again.table["split"].value_counts().to_dict() == {"train": 30, "valid": 30, "test": 30}
    assert "last item" in str(again.split)
