"""Folders of pictures and masks: pairing, mapping of values, refused masks."""

import shutil
from collections import Counter

import numpy as np
import pytest
from PIL import Image

from tenfold.core.errors import UsageError
from tenfold.media.image.masks.pixels import TrueMask
from tenfold.media.image.masks.read import read
from tenfold.media.reading import Reading

RGB = ((0, 0, 0), (128, 64, 128), (107, 142, 35))


def picture(path, size=(20, 14), **kept):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, (90, 120, 60)).save(path, **kept)


def mask(path, array, mode=None, **kept):
    path.parent.mkdir(parents=True, exist_ok=True)
    made = Image.fromarray(array) if mode is None else Image.fromarray(array).convert(mode)
    made.save(path, **kept)


def blocks(seed=0, classes=3, shape=(14, 20)):
    """A mask of rectangles: (H, W) uint8 numbers below `classes`."""
    drawn = np.random.default_rng(seed)
    out = np.zeros(shape, np.uint8)
    for number in range(1, classes):
        top, left = drawn.integers(0, shape[0] - 6), drawn.integers(0, shape[1] - 6)
        out[top : top + 5, left : left + 5] = number
    return out


def pixels_of(rows):
    """Pixels by class over all usable rows, `-` for those that are ignored."""
    found = Counter()
    for cell in rows.table["mask"].dropna():
        held = TrueMask.of(cell)
        found.update(held.counts())
        found["-"] += int((held.pixels == 255).sum())
    return {name: count for name, count in found.items() if count}


def expected(arrays, names):
    found = Counter(np.concatenate([one.ravel() for one in arrays]).tolist())
    return {names[number]: count for number, count in found.items()}


def problems(rows):
    table = rows.table[rows.table["problem"].notna()]
    return {
        source.rsplit("/", 1)[-1]: one.code
        for source, one in zip(table["source"], table["problem"], strict=True)
    }


def test_pairs_are_made_by_whole_names(tmp_path):
    names = ["leaf_1", "leaf_1_2", "leaf_2", "leaf_10"]
    ends = {"leaf_1": "_mask", "leaf_1_2": "_seg", "leaf_2": "_labels", "leaf_10": "_L"}
    made = {name: blocks(at, 2) for at, name in enumerate(names)}
    for name in (*names, "leaf_7"):
        picture(tmp_path / "images" / f"{name}.jpg")
    for name in names:
        mask(tmp_path / "masks" / f"{name}{ends[name]}.png", made[name] * 255)
    mask(tmp_path / "masks" / "leaf_99_mask.png", blocks(9, 2))
    rows = read(tmp_path)
    assert problems(rows) == {"leaf_7.jpg": "no-mask"}
    assert [one.names for one in rows.taken.left] == [("masks/leaf_99_mask.png",)]
    for source, cell in zip(rows.table["source"], rows.table["mask"], strict=True):
        name = source.split("/")[1].removesuffix(".jpg")
        if name != "leaf_7":
            held = TrueMask.of(cell)
            assert (held.pixels == made[name]).all() and held.classes[0] == "background"


def test_binary_masks_in_four_writings_are_one_foreground(tmp_path):
    made = [blocks(at, 2) for at in range(5)]
    made[4][:] = 0
    ways = [
        made[0],
        made[1] * 255,
        np.dstack([made[2] * 255] * 3),
        made[3].astype(bool),
        made[4],
    ]
    for at, way in enumerate(ways):
        picture(tmp_path / f"p{at}.jpg")
        mask(tmp_path / f"p{at}_mask.png", way)
    rows = read(tmp_path)
    assert pixels_of(rows) == expected(made, ["background", "foreground"])
    assert len(rows.taken.notes) >= 2 and problems(rows) == {}


def test_parts_are_read_from_folders(tmp_path):
    names = ["Sky", "Road", "Unlabelled (ignore)"]
    (tmp_path / "classes.txt").write_text("".join(f"{n} {name}\n" for n, name in enumerate(names)))
    made = [blocks(at) for at in range(6)]
    for at, array in enumerate(made):
        part = ["train", "val", "test"][at % 3]
        picture(tmp_path / part / f"{at}.jpg")
        mask(tmp_path / f"{part}annot" / f"{at}.png", array)
    rows = read(tmp_path)
    assert sorted(rows.table["split"]) == sorted(["train", "valid", "test"] * 2)
    assert pixels_of(rows) == expected(made, ["Sky", "Road", "-"])


def test_palettes_in_another_order_are_read_by_colour(tmp_path):
    lines = [f"{name}:{r},{g},{b}::" for name, (r, g, b) in zip("abc", RGB, strict=True)]
    (tmp_path / "labelmap.txt").write_text("# label:color_rgb:parts:actions\n" + "\n".join(lines))
    usual = [*np.ravel(RGB), *[0] * (252 * 3), 224, 224, 192]
    other = [*RGB[1], *RGB[2], 224, 224, 192, *RGB[0]]
    made = [blocks(at) for at in range(6)]
    for at, array in enumerate(made):
        array[0, :3] = 255
        stored = array
        if at == 3:
            stored = np.select([array == 0, array == 1, array == 2], [3, 0, 1], 2).astype(np.uint8)
        picture(tmp_path / "JPEGImages" / f"{at}.jpg")
        path = tmp_path / "SegmentationClass" / f"{at}.png"
        path.parent.mkdir(exist_ok=True)
        drawn = Image.fromarray(stored, "P")
        drawn.putpalette(other if at == 3 else usual)
        drawn.save(path)
    rows = read(tmp_path)
    assert pixels_of(rows) == expected(made, {0: "a", 1: "b", 2: "c", 255: "-"})
    assert "1 masks" in " ".join(map(str, rows.taken.notes))


def test_mixed_colours_are_ignored_and_an_unknown_patch_is_listed(tmp_path):
    head = "name,r,g,b\n"
    lines = [f"{name},{r},{g},{b}\n" for name, (r, g, b) in zip("abc", RGB, strict=True)]
    (tmp_path / "classes.csv").write_text(head + "".join(lines))
    made = []
    for at in range(4):
        sharp = np.array(RGB, np.uint8)[blocks(at, shape=(28, 40)).repeat(1, 0)]
        wide = Image.fromarray(sharp)
        soft = np.asarray(wide.resize((80, 56), Image.Resampling.BILINEAR)).copy()
        if at == 2:
            soft[50:55, 70:76] = (250, 170, 30)
        made.append(soft)
        picture(tmp_path / "images" / f"{at}.png", (80, 56))
        mask(tmp_path / "labels" / f"{at}.png", soft)
    rows = read(tmp_path)
    assert problems(rows) == {"2.png": "mask-colour"}
    assert "(250, 170, 30): 30" in str(rows.table["problem"][2])
    exact = Counter()
    for at in (0, 1, 3):
        flat = made[at].reshape(-1, 3)
        known = [(flat == colour).all(1).sum() for colour in RGB]
        exact.update(dict(zip("abc", map(int, known), strict=True)))
        exact["-"] += int(len(flat) - sum(known))
    assert pixels_of(rows) == dict(exact)
    assert exact["-"] > 50


def test_sixteen_bit_numbers_are_objects(tmp_path):
    made = np.zeros((14, 20), np.uint16)
    made[2:5, 2:5], made[2:5, 5:9], made[8:12, 1:8], made[9, 3:5] = 256, 512, 7, 40000
    for at in range(3):
        picture(tmp_path / "images" / f"{at}.jpg")
        mask(tmp_path / "labels" / f"{at}.png", made)
    rows = read(tmp_path)
    held = TrueMask.of(rows.table["mask"][0])
    assert held.classes == ("background", "object")
    assert (held.objects == made).all() and (held.pixels == (made > 0)).all()


def test_masks_that_do_not_fit_are_listed_with_both_sizes(tmp_path):
    (tmp_path / "classes.txt").write_text("ground\nroad\nplant\n")
    exif = Image.Exif()
    exif[0x0112] = 6
    sizes = {"a": (20, 14), "large": (21, 15), "turned": (14, 20), "jpeg": (20, 14)}
    sizes |= {"deep": (20, 14), "upright": (14, 20), "stored": (20, 14)}
    made = {}
    for at, (name, (width, height)) in enumerate(sizes.items()):
        kept = {"exif": exif} if name in ("upright", "stored") else {}
        picture(tmp_path / "images" / f"{name}.jpg", (20, 14), **kept)
        made[name] = blocks(at, shape=(height, width))
        stored = made[name].astype(np.int32) if name == "deep" else made[name]
        suffix = {"jpeg": "jpg", "deep": "tif"}.get(name, "png")
        mask(tmp_path / "masks" / f"{name}.{suffix}", stored)
    rows = read(tmp_path)
    wrong = {"large.jpg": "mask-size", "turned.jpg": "mask-size", "jpeg.jpg": "mask-jpeg"}
    assert problems(rows) == wrong
    by_name = dict(zip(rows.table["source"], rows.table["problem"], strict=True))
    assert all(size in str(by_name["images/large.jpg"]) for size in ("20 x 14", "21 x 15"))
    table = rows.table.set_index("source")["mask"]
    kept = {
        name: TrueMask.of(table[f"images/{name}.jpg"]).pixels
        for name in made
        if table[f"images/{name}.jpg"]
    }
    assert sorted(kept) == ["a", "deep", "stored", "upright"]
    assert (kept["upright"] == made["upright"]).all() and (kept["deep"] == made["deep"]).all()
    # a mask drawn on the stored picture is turned with it: orientation 6 is a clockwise quarter
    assert (kept["stored"] == np.rot90(made["stored"], -1)).all()


@pytest.mark.parametrize(
    ("arrays", "names", "given", "classes"),
    [
        # 255 has no name: void
        ([[0, 1, 2, 255]], "a\nb\nc\n", {}, {"a": 1, "b": 1, "c": 1, "-": 1}),
        # grey levels spread over 0 to 255
        ([[0, 85, 170, 255]], "a\nb\nc\nd\n", {}, {"a": 1, "b": 1, "c": 1, "d": 1}),
        ([[0, 85, 170, 255]], "", {}, {"0": 1, "85": 1, "170": 1, "255": 1}),
        ([[0, 127, 128, 255]], "a\nb\nc\n", {}, {"a": 1, "b": 2, "c": 1}),
        # names from 1
        ([[0, 1, 2, 2]], "road\nplant\n", {}, {"background": 1, "road": 1, "plant": 2}),
        # a value that is given as ignored
        ([[0, 50, 170, 255]], "", {"ignore_value": "170"}, {"0": 1, "50": 1, "255": 1, "-": 1}),
        # a number named 255 is a class
        ([[0, 1, 1, 255]], "0 a\n1 b\n255 c\n", {}, {"a": 1, "b": 2, "c": 1}),
    ],
)
def test_numbers_become_classes(tmp_path, arrays, names, given, classes):
    if names:
        (tmp_path / "classes.txt").write_text(names)
    for at, line in enumerate(arrays):
        picture(tmp_path / "images" / f"{at}.png", (len(line), 1))
        mask(tmp_path / "masks" / f"{at}.png", np.array([line], np.uint8))
    rows = read(tmp_path, **given)
    assert pixels_of(rows) == classes


def test_palettes_without_names_are_read_by_the_colours_of_most(tmp_path):
    usual, other = [*np.ravel(RGB)], [*RGB[2], *RGB[0], *RGB[1]]
    made = [blocks(at) for at in range(4)]
    for at, array in enumerate(made):
        picture(tmp_path / "images" / f"{at}.jpg")
        stored = np.array([1, 2, 0], np.uint8)[array] if at == 2 else array
        drawn = Image.fromarray(stored, "P")
        drawn.putpalette(other if at == 2 else usual)
        (tmp_path / "masks").mkdir(exist_ok=True)
        drawn.save(tmp_path / "masks" / f"{at}.png", transparency=0)
    rows = read(tmp_path)
    assert pixels_of(rows) == expected(made, ["0", "1", "2"])
    assert "masks/2.png" in " ".join(map(str, rows.taken.notes))
    # the mapping is stored, and decides when other data are read
    stored = rows.reading.found["masks"]
    for at in range(4):
        (tmp_path / "masks" / f"{at}.png").unlink()
        mask(tmp_path / "masks" / f"{at}.png", np.array(RGB, np.uint8)[made[at]])
    again = read(tmp_path, Reading(found={"masks": stored}))
    assert pixels_of(again) == expected(made, ["0", "1", "2"])


def test_colours_without_names_are_named_by_colour_or_asked_back(tmp_path):
    made = [blocks(at) for at in range(3)]
    for at, array in enumerate(made):
        picture(tmp_path / "images" / f"{at}.jpg")
        mask(tmp_path / "masks" / f"{at}.png", np.array(RGB, np.uint8)[array])
    names = ["#000000", "#804080", "#6b8e23"]
    assert pixels_of(read(tmp_path)) == expected(made, names)
    many = np.random.default_rng(0).integers(0, 256, (7, 10, 3), np.uint8)
    picture(tmp_path / "images" / "0.jpg", (40, 28))
    mask(tmp_path / "masks" / "0.png", many.repeat(4, 0).repeat(4, 1))
    with pytest.raises(UsageError) as error:
        read(tmp_path)
    assert error.value.code == "mask-colours"


def test_numbers_counted_up_in_each_mask_are_asked_back(tmp_path):
    made = [np.arange(20, dtype=np.uint8)[None] % most for most in (4, 9, 12, 15)]
    for at, array in enumerate(made):
        picture(tmp_path / "a" / f"{at}.png", (20, 1))
        mask(tmp_path / "labels" / f"{at}.png", array)
    with pytest.raises(UsageError) as error:
        read(tmp_path)
    assert error.value.code == "two-readings"
    for target, count in (("objects", 2), ("classes", 15)):
        cells = read(tmp_path, Reading(target=target)).table["mask"]
        assert {len(TrueMask.of(cell).classes) for cell in cells} == {count}
        assert (TrueMask.of(cells[0]).objects is not None) == (target == "objects")


@pytest.mark.parametrize(
    ("image", "truth"),
    [
        ("x/{}.jpg", "x/{}.png"),  # by suffix and content
        ("a/{}.png", "b/{}.png"),  # by content
        ("train/images/image_{}.png", "masks/mask_{}.png"),
        ("leftImg8bit/train/ulm/{}_leftImg8bit.png", "gtFine/train/ulm/{}_gtFine_labelIds.png"),
        ("images/IMG_{}.JPG", "labels/img_{}.png"),
        ("images/{}.jpg", "masks/{}.jpg.png"),
    ],
)
def test_pictures_and_masks_are_told_apart_and_paired(tmp_path, image, truth):
    made = [blocks(at) for at in range(3)]
    for at, array in enumerate(made):
        noise = np.random.default_rng(at).integers(0, 256, (14, 20, 3), np.uint8)
        name = ("k", "l", "m")[at]
        mask(tmp_path / image.format(name), noise)
        mask(tmp_path / truth.format(name), array)
    rows = read(tmp_path)
    assert problems(rows) == {} and len(rows.table) == 3
    for source, cell in zip(rows.table["source"], rows.table["mask"], strict=True):
        at = [image.format(one) for one in "klm"].index(source)
        assert (TrueMask.of(cell).pixels == made[at]).all()


def test_values_in_one_part_only_and_transparent_colours(tmp_path):
    for at, (part, number) in enumerate([("train", 1), ("train", 1), ("test", 2)]):
        picture(tmp_path / "n" / part / "images" / f"{at}.png")
        mask(tmp_path / "n" / part / "masks" / f"{at}.png", np.full((14, 20), number, np.uint8))
    assert "2 (test)" in " ".join(map(str, read(tmp_path / "n").taken.notes))
    drawn = np.zeros((14, 20, 4), np.uint8)
    drawn[3:9, 3:9] = (200, 10, 10, 255)
    picture(tmp_path / "t" / "images" / "0.png")
    mask(tmp_path / "t" / "masks" / "0.png", drawn)
    assert pixels_of(read(tmp_path / "t")) == {"background": 244, "#c80a0a": 36}


def test_archives_are_read_like_folders_and_names_may_be_numbered_anew(tmp_path):
    made = [blocks(at) for at in range(3)]
    for folder, order in (("first", [2, 0, 1]), ("second", [0, 1, 2])):
        names = [("background", "road", "plant")[number] for number in order]
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "classes.txt").write_text("\n".join(names))
        table = np.argsort(order).astype(np.uint8)
        for at, array in enumerate(made):
            picture(tmp_path / folder / "images" / f"{at}.png")
            mask(tmp_path / folder / "masks" / f"{at}.png", table[array])
        shutil.make_archive(str(tmp_path / folder), "zip", tmp_path / folder)
    rows = read(tmp_path / "first.zip")
    wanted = expected(made, ["background", "road", "plant"])
    assert pixels_of(rows) == wanted
    assert TrueMask.of(rows.table["mask"][0]).classes[0] == "background"
    again = Reading(found={"masks": rows.reading.found["masks"]})
    for name in ("first", "second.zip"):
        assert pixels_of(read(tmp_path / name, again)) == wanted
    (tmp_path / "first" / "classes.txt").unlink()
    assert pixels_of(read(tmp_path / "first", again)) == wanted


def test_files_that_cannot_be_read_are_listed_each_with_its_mask(tmp_path):
    made = blocks(1)
    for name in ("good", "cut", "empty", "page", "float", "broken"):
        picture(tmp_path / "images" / f"{name}.png")
        mask(tmp_path / "masks" / f"{name}.png", made)
    whole = (tmp_path / "masks" / "good.png").read_bytes()
    (tmp_path / "masks" / "cut.png").write_bytes(whole[:50])
    (tmp_path / "masks" / "empty.png").write_bytes(b"")
    (tmp_path / "masks" / "page.png").write_bytes(b"<!doctype html><html></html>")
    (tmp_path / "images" / "broken.png").write_bytes(b"\x89PNG")
    (tmp_path / "masks" / "float.png").unlink()
    mask(tmp_path / "masks" / "float.tif", made / np.float32(3))
    rows = read(tmp_path)
    codes = {"cut": "damaged", "empty": "empty-file", "page": "not-a-picture"}
    codes |= {"broken": "damaged", "float": "mask-fractions"}
    assert problems(rows) == {f"{name}.png": code for name, code in codes.items()}
    by_name = dict(zip(rows.table["source"], rows.table["problem"], strict=True))
    assert all(
        f"masks/{name}." in str(by_name[f"images/{name}.png"]) for name in codes if name != "broken"
    )
    assert pixels_of(rows) == expected([made], ["0", "1", "2"])


def test_red_and_blue_changed_over_are_asked_back(tmp_path):
    colours = np.array([(0, 0, 0), (128, 64, 32), (107, 142, 35)], np.uint8)
    lines = [f"{name},{b},{g},{r}\n" for name, (r, g, b) in zip("abc", colours, strict=True)]
    (tmp_path / "classes.csv").write_text("name,r,g,b\n" + "".join(lines))
    picture(tmp_path / "images" / "0.png")
    mask(tmp_path / "masks" / "0.png", colours[blocks(0)])
    with pytest.raises(UsageError, match="changed over"):
        read(tmp_path)
