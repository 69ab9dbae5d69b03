"""Inputs of a prediction: batches of many, and files that the task reads itself, in their order."""

from pathlib import Path

from pictures_made import png

from tenfold.data.inputs import tables
from tenfold.media.reading import Reading
from tenfold.tasks.registry import find


def inputs(task: str):
    return find(task).inputs({})


def test_many_files_come_in_full_batches(tmp_path: Path):
    names = [str(tmp_path / f"{at}.png") for at in range(300)]
    for task, source in (("image-classification", names), ("token-classification", ["a b"] * 300)):
        found = list(tables(inputs(task), source))
        assert [len(one) for one in found] == [256, 44], task


def test_a_table_among_files_keeps_its_place(tmp_path: Path):
    for name in "abcd":
        (tmp_path / f"{name}.png").write_bytes(png(8))
    table = tmp_path / "new.csv"
    table.write_text("path\nb.png\nc.png\n")
    source = [tmp_path / "a.png", table, tmp_path / "d.png"]
    found = list(tables(inputs("image-classification"), source, Reading()))
    cells = [Path(str(cell)).stem for one in found for cell in one["image"]]
    assert cells == ["a", "b", "c", "d"] and [len(one) for one in found] == [1, 2, 1]
