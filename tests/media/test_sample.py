"""What is looked at where the task is mistyped or missing: the first files, never all of them."""

import os
from pathlib import Path

import pytest
from counting import rows_read

import tenfold
from tenfold.core.errors import UsageError
from tenfold.media.files.sample import MAX_BYTES, MAX_FILES_A_FOLDER, small_copy
from worlds import shapes


def test_few_files_of_each_folder_are_taken(tmp_path: Path):
    data = shapes(tmp_path / "data", 1, {"train": 40, "test": 3})
    copy = small_copy(data, tmp_path / "place")
    counts = {str(one.relative_to(copy)): len(list(one.iterdir())) for one in copy.glob("*/*")}
    assert counts["train/circle"] == MAX_FILES_A_FOLDER and counts["test/cross"] == 3
    assert len(counts) == 6


def test_long_tables_are_cut_after_a_line(tmp_path: Path):
    table = tmp_path / "long.csv"
    table.write_text("text,label\n" + "a warm day,good\n" * 100_000)
    (tmp_path / "place").mkdir()
    copy = small_copy(table, tmp_path / "place")
    assert copy.stat().st_size <= MAX_BYTES < table.stat().st_size
    assert copy.read_text().endswith("a warm day,good\n")


def test_a_mistyped_task_does_not_read_the_whole_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    data = shapes(tmp_path / "data", 1, {"train": 200})
    rows = rows_read(monkeypatch)
    with pytest.raises(UsageError) as refused:
        tenfold.check("image-clasification", data)
    assert refused.value.code == "unknown-task"
    assert f"tenfold check image-classification {data}" in refused.value.fix
    assert rows and max(rows) <= 3 * MAX_FILES_A_FOLDER


def test_odd_entries_of_a_folder_are_passed_over(tmp_path: Path):
    """A link to nothing, a pipe, and a folder that leads back to itself."""
    data = shapes(tmp_path / "data", 1, {"train": 2})
    (data / "gone.png").symlink_to(tmp_path / "nothing")
    os.mkfifo(data / "pipe.csv")
    (data / "train" / "loop").symlink_to(data)
    copy = small_copy(data, tmp_path / "place")
    assert not (copy / "gone.png").exists() and not (copy / "pipe.csv").exists()
    assert len(list((copy / "train" / "circle").iterdir())) == 2
