"""TIFF stacks: axes by OME and ImageJ metadata, planes and channels, what is asked back."""

import numpy as np
import pytest
from PIL import Image

from tenfold.core.errors import UsageError
from tenfold.media.files.references import Unreadable, fetch
from tenfold.media.image import decode
from tenfold.media.image.masks.pixels import TrueMask
from tenfold.media.image.masks.read import read

PLANES, CHANNELS, SHAPE = 3, 2, (10, 12)


def made():
    """A stack (Z, C, H, W) of 16 bits and its object numbers (Z, H, W)."""
    drawn = np.random.default_rng(0)
    numbers = np.zeros((PLANES, *SHAPE), np.uint16)
    numbers[0:2, 1:4, 1:4] = 300  # one object through two planes
    numbers[2, 6:9, 2:10] = 7
    stack = drawn.integers(0, 4000, (PLANES, CHANNELS, *SHAPE)).astype(np.uint16)
    return stack, numbers


def save(path, pages, description="", resolution=None):
    tags = {270: description} if description else {}
    tags |= {282: resolution, 283: resolution, 296: 1} if resolution else {}
    first, *rest = [Image.fromarray(page) for page in pages]
    first.save(path, save_all=True, append_images=rest, tiffinfo=tags)


def ome(order, channels=CHANNELS, times=1):
    planes = PLANES // times
    return (
        '<?xml version="1.0"?><OME><Image><Pixels '
        f'DimensionOrder="{order}" SizeX="12" SizeY="10" SizeZ="{planes}" SizeC="{channels}" '
        f'SizeT="{times}" PhysicalSizeX="500" PhysicalSizeXUnit="nm"/></Image></OME>'
    )


def pages(stack, order):
    """The pages of a stack (Z, C, H, W), the axes of `order` from the slowest."""
    ordered = stack if order == "ZC" else stack.transpose(1, 0, 2, 3)
    return ordered.reshape(-1, *SHAPE)


IMAGEJ = "ImageJ=1.54f\nimages={}\nchannels={}\nslices=3\nhyperstack=true\nunit=micron\n"
WAYS = {
    "imagej.tif": ("ZC", IMAGEJ.format(6, 2), 2.0),
    "zc.ome.tif": ("CZ", ome("XYZCT"), None),
    "cz.ome.tif": ("ZC", ome("XYCZT"), None),
    "times.ome.tif": ("ZC", ome("XYCZT", times=3), None),
}


def test_one_stack_in_five_orders_gives_equal_masks_or_a_question(tmp_path):
    stack, numbers = made()
    for name, (order, description, resolution) in WAYS.items():
        save(tmp_path / name, pages(stack, order), description, resolution)
        start, dot, end = name.partition(".")
        save(tmp_path / f"{start}_labels{dot}{end}", numbers)
    save(tmp_path / "bare.tif", pages(stack, "ZC"))
    save(tmp_path / "bare_labels.tif", numbers)
    table = read(tmp_path).table
    asked = table[table["problem"].notna()]
    assert [*asked["source"]] == ["bare.tif"] and asked["problem"].iloc[0].code == "two-readings"
    kept = table[table["problem"].isna()].groupby("group")
    assert sorted(kept.groups) == sorted(WAYS)
    for name, rows in kept:
        masks = [TrueMask.of(cell) for cell in rows["mask"]]
        assert (np.stack([one.objects for one in masks]) == numbers).all(), name
        assert {one.micrometres for one in masks} == {0.5}
        for number, cell in enumerate(rows["image"]):
            shown = np.round(stack[number] * (255 / 4095)).astype(np.uint8)
            found = fetch(cell)
            assert (found[..., :2] == shown.transpose(1, 2, 0)).all() and not found[..., 2].any()
            assert decode.decode(found, *SHAPE, 3).shape == (*SHAPE, 3)
    again = read(tmp_path, channels="ZC:1")
    assert not again.table["problem"].notna().any()
    bare = again.table[again.table["group"] == "bare.tif"]
    assert (fetch(bare["image"].iloc[2])[..., 0] == np.round(stack[2, 1] * (255 / 4095))).all()
    assert "object 10" in str(again.taken.notes)  # two in each of five stacks


def test_what_fits_no_reading_is_asked_back_or_listed(tmp_path):
    stack, numbers = made()
    save(tmp_path / "a.tif", pages(stack, "ZC"))
    save(tmp_path / "a_mask.tif", numbers)
    with pytest.raises(UsageError) as error:
        read(tmp_path)
    assert error.value.code == "two-readings" and "ZC" in str(error.value)
    with pytest.raises(UsageError):
        read(tmp_path, channels="first")
    save(tmp_path / "b.ome.tif", pages(stack, "ZC"), ome("XYCZT"))
    save(tmp_path / "b_mask.tif", numbers[:2])
    save(tmp_path / "c.tif", pages(stack, "ZC"))
    save(tmp_path / "c_mask.tif", np.zeros((6, *SHAPE), np.uint16))
    table = read(tmp_path).table.set_index("source")
    assert table["problem"]["b.ome.tif"].code == "mask-planes"
    assert "Z3 C2 Y10 X12" in str(table["problem"]["b.ome.tif"])
    assert table["problem"]["c.tif#plane=5"] is None
    with pytest.raises(Unreadable, match="channel 2"):
        fetch(f"{tmp_path / 'b.ome.tif'}#plane=0&channels=2")
    with pytest.raises(Unreadable, match="plane 3"):
        fetch(f"{tmp_path / 'b.ome.tif'}#plane=3")


def test_channels_of_a_colour_picture(tmp_path):
    colours = np.random.default_rng(1).integers(0, 256, (*SHAPE, 3)).astype(np.uint8)
    Image.fromarray(colours).save(tmp_path / "a.png")
    Image.fromarray((colours[..., 0] > 99).astype(np.uint8)).save(tmp_path / "a_mask.png")
    cell = read(tmp_path, channels="2").table["image"][0]
    assert (fetch(cell)[..., 0] == colours[..., 2]).all() and fetch(cell).shape[2] == 1
