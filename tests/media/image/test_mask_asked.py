"""Stacks that are to be predicted: the cells of their planes, whatever the order of pages."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from tenfold.core.columns import Problem
from tenfold.core.errors import UsageError
from tenfold.media.files.references import fetch, file_cell, member_cell
from tenfold.media.image.masks.asked import AskedPicture, asked_picture, bits_in, page_order

SHAPE = {"T": 2, "Z": 3, "C": 2, "Y": 8, "X": 9}
VALUES = np.random.default_rng(0).integers(0, 1000, tuple(SHAPE.values()), np.uint16)


def written(path: Path, axes: str, **about: Any) -> Path:
    """The pages in an order; axes that are left out have their first place."""
    held = VALUES[tuple(slice(None) if axis in axes else 0 for axis in SHAPE)]
    kept = [axis for axis in SHAPE if axis in axes]
    held = held.transpose([kept.index(axis) for axis in axes])
    tifffile.imwrite(path, held, photometric="minisblack", **about)
    return path


def ome(axes: str) -> dict[str, Any]:
    return {"metadata": {"axes": axes, "PhysicalSizeX": 0.3}}


@pytest.mark.parametrize(
    ("name", "axes", "about", "pages"),
    [
        ("a.ome.tif", "ZCYX", ome("ZCYX"), ""),
        ("b.ome.tif", "CZYX", ome("CZYX"), ""),
        ("c.tif", "ZCYX", {"imagej": True, "metadata": {"axes": "ZCYX"}}, ""),
        ("d.tif", "ZCYX", {"metadata": None}, "ZC2"),
        ("e.tif", "CZYX", {"metadata": None}, "C2Z"),
    ],
)
def test_a_stack_in_five_orders_of_pages_gives_equal_planes(tmp_path, name, axes, about, pages):
    path = written(tmp_path / name, axes, **about)
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as file:
        file.write(path, "deep/a.tif")
    cells = [file_cell(path), path.read_bytes(), member_cell(tmp_path / "all.zip", "deep/a.tif")]
    for cell in cells:
        found = asked_picture(cell, page_order(pages))
        assert isinstance(found, AskedPicture) and found.starts == (True, False, False)
        assert found.micrometres == (0.3 if "ome" in name else None)
        for place, own in enumerate(found.cells):
            true = np.moveaxis(VALUES[0, place], 0, -1)
            np.testing.assert_array_equal(found.stored(place, 3), true)
            seen = np.asarray(fetch(own))
            np.testing.assert_array_equal(seen[..., :2], np.uint8(np.round(true * (255 / 1023))))
            again = asked_picture(own)  # a plane stays a plane
            assert isinstance(again, AskedPicture) and not again.several
            if isinstance(own, str):
                assert bits_in([own]) == 10
                np.testing.assert_array_equal(again.stored(0, 3), true)
        picked = asked_picture(cell, page_order(pages), (1,), 12)
        second = VALUES[0, 2, 1] * (255 / 4095)
        np.testing.assert_array_equal(fetch(picked.cells[2])[..., 0], np.uint8(second.round()))


@pytest.mark.parametrize("axes", ["TZYX", "ZTYX"])
def test_planes_of_several_times_are_not_neighbours(tmp_path: Path, axes: str):
    path = written(tmp_path / "a.ome.tif", axes, **ome(axes))
    found = asked_picture(file_cell(path))
    assert found.starts == (True, False, False) * 2
    planes = [found.stored(place, 1)[..., 0] for place in range(6)]
    np.testing.assert_array_equal(planes, VALUES[:, :, 0].reshape(6, 8, 9))


def test_what_is_no_stack_and_what_is_unclear(tmp_path: Path):
    plain = file_cell(written(tmp_path / "a.tif", "ZYX", metadata=None))
    for order in ("", "ZC2"):  # three pages are not two channels
        found = asked_picture(plain, page_order(order))
        assert isinstance(found, Problem) and found.code == "two-readings"
    assert len(asked_picture(plain, ("Z", 0)).cells) == 3
    assert len(asked_picture(plain, ("C", 0)).cells) == 1
    (tmp_path / "b.tif").write_bytes(b"II*\0 damaged")
    array = np.zeros((4, 5, 3), np.uint8)
    missing = Problem("missing-file", "x")
    for cell in (file_cell(tmp_path / "b.tif"), "none.png", array, missing, b""):
        kept = asked_picture(cell)
        assert isinstance(kept, AskedPicture) and kept.cells[0] is cell
    single = asked_picture(
        file_cell(written(tmp_path / "c.ome.tif", "YX", **ome("YX"))), picked=(0,)
    )
    assert single.micrometres == 0.3 and single.cells[0].endswith("#channels=0")
    for text in ("YX", "ZC", "ZZ", "Z2"):
        with pytest.raises(UsageError):
            page_order(text)
