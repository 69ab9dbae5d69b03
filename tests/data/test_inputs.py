"""Inputs of a prediction: batches of many, and files that the task reads itself, in their order."""

from pathlib import Path

import pandas as pd
from learning import watching
from pictures_made import png
from PIL import Image

from tenfold.data.inputs import tables
from tenfold.data.scan import remarked
from tenfold.media.image.medium import IMAGE
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


def test_further_pages_of_asked_pictures_are_stated(tmp_path: Path):
    pages = [Image.new("L", (8, 6), shade) for shade in (10, 200)]
    pages[0].save(tmp_path / "stack.tif", save_all=True, append_images=pages[1:])
    pages[1].save(tmp_path / "one.png")
    paths = [str(tmp_path / name) for name in ("stack.tif", "one.png", "missing.png")]
    table = pd.DataFrame({"image": paths, "source": paths}, dtype=object)
    with watching() as heard:
        assert remarked(table, {"image": IMAGE, "other": IMAGE}) is table
    assert [one.values for one in heard.sentences] == [{"count": 1}]
