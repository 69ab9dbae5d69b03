"""Boxes and the sizes of their pictures: outside, turned by EXIF, resized, wrong sizes."""

import pytest
from boxes_made import Seen, close, coco, picture, pictures, voc, write

from tenfold.core.message import Message
from tenfold.media.files.listing import Entry
from tenfold.media.files.references import file_cell
from tenfold.media.image.boxes import sizes

FRACTIONS = ("bolt", 0.1, 0.25, 0.4, 0.75)
NAN = float("nan")
BAD = {
    "right": (80, 20, 22, 40),
    "lower": (10, 42, 30, 40),
    "left": (-2, 20, 30, 40),
    "empty": (10, 20, 0, 40),
    "negative": (40, 20, -30, 40),
    "nan": (10, 20, NAN, 40),
    "text": ("a", 20, 30, 40),
    "short": (10, 20, 30),
}


def test_a_picture_with_an_unusable_box_is_left_out_whole(tmp_path):
    pictures(tmp_path, *(f"{name}.jpg" for name in [*BAD, "good", "clipped"]))
    files = {f"{name}.jpg": [("bolt", 1, 2, 30, 40), ("bolt", *box)] for name, box in BAD.items()}
    files |= {"good.jpg": [("bolt", 10, 20, 30, 40)], "clipped.jpg": [("bolt", -1, 20, 101.9, 40)]}
    write(tmp_path / "marks.json", coco(files))
    seen = Seen(tmp_path)
    assert seen.codes == {f"{name}.jpg": "bad-box" for name in BAD}
    places = [2 * at + 1 for at in range(len(BAD))]
    for problem, place in zip((seen.problems[f"{name}.jpg"] for name in BAD), places, strict=True):
        assert f"marks.json, annotation {place}" in problem.reason and problem.fix
    assert close(seen.boxes["clipped.jpg"], [("bolt", 0, 0.25, 1, 0.75)])
    assert seen.counts() == {"bolt": 2}


TURNED = {
    2: ("bolt", 0.6, 0.25, 0.9, 0.75),
    3: ("bolt", 0.6, 0.25, 0.9, 0.75),
    6: ("bolt", 0.25, 0.1, 0.75, 0.4),
    8: ("bolt", 0.25, 0.6, 0.75, 0.9),
    5: ("bolt", 0.25, 0.1, 0.75, 0.4),
    7: ("bolt", 0.25, 0.6, 0.75, 0.9),
}


@pytest.mark.parametrize("orientation", [5, 6, 7, 8])
def test_sizes_decide_what_turned_pictures_their_boxes_are_for(tmp_path, orientation):
    for name in ("stored", "shown", "wrong"):
        picture(tmp_path / f"{name}.jpg", orientation=orientation)
    picture(tmp_path / "square.jpg", (90, 90), orientation)
    picture(tmp_path / "scaled.jpg", (50, 40), orientation)
    picture(tmp_path / "empty.jpg", (90, 90), orientation)
    box = ("bolt", 10, 20, 30, 40)
    files = {
        ("stored.jpg", (100, 80)): [box],
        ("shown.jpg", (80, 100)): [("bolt", 8, 25, 24, 50)],
        ("square.jpg", (90, 90)): [box],
        ("wrong.jpg", (0, 0)): [box],
        ("empty.jpg", (90, 90)): [],
        ("scaled.jpg", (100, 80)): [("bolt", 60, 20, 30, 40)],
    }
    write(tmp_path / "marks.json", coco(files))
    seen = Seen(tmp_path)
    assert seen.codes == {"square.jpg": "unclear-turn", "wrong.jpg": "unclear-turn"}
    assert close(seen.boxes["stored.jpg"], [TURNED[orientation]])
    assert close(seen.boxes["shown.jpg"], [FRACTIONS])
    note = seen.note("turned by EXIF")
    assert [note[name] for name in ("count", "shown", "stored", "unclear")] == [5, 1, 2, 2]
    assert seen.note("resized")["count"] == 1


@pytest.mark.parametrize("orientation", [2, 3, 4, 8])
def test_turned_pictures_without_sizes_are_named(tmp_path, orientation):
    for name in ("a", "b"):
        picture(tmp_path / "images" / f"{name}.jpg", orientation=orientation)
    write(tmp_path / "labels" / "a.txt", "0 0.25 0.5 0.3 0.5\n")
    seen = Seen(tmp_path)
    assert close(seen.boxes["a.jpg"], [("0", *FRACTIONS[1:])])
    assert seen.note("taken to be for the shown")["names"] == "images/a.jpg"


@pytest.mark.parametrize("orientation", range(1, 9))
def test_boxes_are_turned_as_pillow_turns_the_picture(tmp_path, orientation):
    numpy = pytest.importorskip("numpy")
    from PIL import Image, ImageOps

    pixels = numpy.zeros((80, 100), numpy.uint8)
    pixels[20:60, 10:40] = 255
    image = Image.fromarray(pixels)
    exif = image.getexif()
    exif[0x0112] = orientation
    image.info["exif"] = exif.tobytes()
    upright = numpy.asarray(ImageOps.exif_transpose(image))
    rows, columns = numpy.nonzero(upright)
    corners = numpy.array([[10.0, 20.0], [40.0, 60.0]])
    edges = sizes.fractions_of(corners, sizes.BoxFrame(100, 80, orientation))
    height, width = upright.shape
    low = [columns.min() / width, rows.min() / height]
    high = [(columns.max() + 1) / width, (rows.max() + 1) / height]
    assert numpy.allclose([edges.min(0), edges.max(0)], [low, high])


def _files(folder, count, stated, box, own=(100, 80)):
    """Saves pictures with one box each and a stated size."""
    pictures(folder, *(f"{number}.jpg" for number in range(count)), size=own)
    files = {(f"{number}.jpg", stated): [("bolt", *box)] for number in range(count)}
    write(folder / "marks.json", coco(files))


def test_boxes_of_resized_pictures_are_scaled_or_refused_together(tmp_path):
    cases = {
        "scaled": ((200, 160), (120, 100, 60, 40), {}, "resized"),
        "enlarged": ((50, 40), (5, 10, 15, 20), "other-size", ""),
        "own": ((200, 160), (10, 20, 30, 40), {}, "wrong size"),
        "beyond": ((50, 40), (60, 20, 30, 40), {}, "wrong size"),
        "other": ((300, 80), (10, 20, 30, 40), {}, "missing or wrong size"),
        "stretched": ((300, 80), (210, 20, 60, 40), "other-size", ""),
        "missing": ((0, 0), (10, 20, 30, 40), {}, "missing or wrong size"),
        "turned": ((80, 100), (10, 20, 30, 40), {}, "missing or wrong size"),
    }
    for name, (stated, box, code, note) in cases.items():
        _files(tmp_path / name, 4, stated, box)
        seen = Seen(tmp_path / name)
        assert seen.codes == (dict.fromkeys(seen.names, code) if code else {}), name
        if note:
            assert [one for one in seen.notes if note in one], name
        if code:
            values = seen.problems["0.jpg"].reason.values
            assert values == {"width": 100, "height": 80, "other": f"{stated[0]} x {stated[1]}"}
    assert close(
        Seen(tmp_path / "scaled").boxes["0.jpg"], [("bolt", 0.6, 100 / 160, 0.9, 140 / 160)]
    )


def test_some_boxes_that_fit_only_the_stated_size_refuse_all(tmp_path):
    pictures(tmp_path, *(f"{number}.jpg" for number in range(6)))
    far, near = ("bolt", 120, 100, 60, 40), ("bolt", 10, 20, 30, 40)
    files = {(f"{at}.jpg", (200, 160)): [far if at < 2 else near] for at in range(6)}
    write(tmp_path / "marks.json", coco(files))
    assert Seen(tmp_path).codes == {f"{at}.jpg": "other-size" for at in range(6)}


def test_size_tags_of_voc(tmp_path):
    names = {"zero": (0, 0), "turned": (80, 100), "right": (100, 80)}
    for name, (width, height) in names.items():
        picture(tmp_path / f"{name}.jpg")
        size = f"<size><width>{width}</width><height>{height}</height></size>"
        write(tmp_path / f"{name}.xml", voc([("bolt", 10, 20, 40, 60)], size))
    picture(tmp_path / "none.jpg")
    write(tmp_path / "none.xml", voc([("bolt", 10, 20, 40, 60)], ""))
    seen = Seen(tmp_path)
    assert all(close(boxes, [FRACTIONS]) for boxes in seen.boxes.values())
    assert seen.note("missing or wrong size")["names"] == "none.jpg, turned.jpg, zero.jpg"


def test_headers_are_read_from_the_beginning_of_files(tmp_path, monkeypatch):
    entries = []
    for name in ("a.jpg", "b.png"):
        path = picture(tmp_path / name, (300, 200))
        path.write_bytes(path.read_bytes() + b"\0" * (4 << 20))
        entries.append(Entry(name, file_cell(path)))
    broken = write(tmp_path / "c.jpg", "no picture")
    monkeypatch.setattr(sizes, "fetch", lambda cell: pytest.fail("whole file read"))
    found = sizes.headers(entries)
    assert [(one.width, one.height) for one in found] == [(300, 200)] * 2
    monkeypatch.undo()
    (problem,) = sizes.headers([Entry("c.jpg", file_cell(broken))])
    assert problem.code == "not-a-picture" and isinstance(problem.reason, Message)
