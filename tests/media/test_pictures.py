"""Every picture a person may have becomes right pixels, or a problem that says what to do."""

import io
import threading
import tracemalloc
import warnings

import numpy as np
import pytest
from pictures_made import EPS, HTML, PDF, SVG, bad_pictures, drawn, encoded, text_bomb, without_end
from PIL import Image

from tenfold.media.files.references import Unreadable
from tenfold.media.image import decode, formats
from tenfold.media.image.medium import IMAGE

SIDE = 16


def decoded(content, channels: int = 3, side: int = SIDE) -> np.ndarray:
    return decode.decode(content, side, side, channels)


def near(a: np.ndarray, b: np.ndarray, by: int = 2) -> bool:
    return a.shape == b.shape and np.abs(a.astype(int) - b.astype(int)).max() <= by


COLOURS = np.asarray(drawn(1))
GREYS = np.asarray(drawn(1, mode="L"))


# --- formats and modes ----------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["PNG", "BMP", "TIFF", "PPM", "GIF", "WEBP", "JPEG"])
def test_formats(kind):
    exact = {"WEBP": {"lossless": True}, "JPEG": {"quality": 100, "subsampling": 0}}
    content = encoded(drawn(1), kind, **exact.get(kind, {}))
    assert IMAGE.header(content) == {"width": 16, "height": 16, "channels": 3}
    assert near(decoded(content), COLOURS, by={"JPEG": 8, "GIF": 40}.get(kind, 0))
    assert formats.looks_like(content[:512])


@pytest.mark.parametrize("kind", ["PNG", "BMP", "TIFF", "PPM", "GIF"])
def test_grey_formats_have_one_channel(kind):
    content = encoded(drawn(1, mode="L"), kind)
    assert near(decoded(content, 1)[..., 0], GREYS, 0)
    assert decode.header(content).channels == (3 if kind == "GIF" else 1)


def test_a_plain_pgm_and_a_pbm():
    text = b"P2\n2 2\n255\n0 255\n128 64\n"
    assert decoded(text, 1, 2)[..., 0].tolist() == [[0, 255], [128, 64]]
    assert decoded(b"P4\n8 1\n\xf0", 1, 8)[0, :, 0].tolist() == [0] * 4 + [255] * 4
    assert all(map(formats.looks_like, [b"P%d\n1 1" % n for n in range(1, 7)]))


def test_a_pgm_of_16_bits():
    values = np.array([[0, 32768], [65535, 257]], ">u2")
    assert near(
        decoded(b"P5\n2 2\n65535\n" + values.tobytes(), 1, 2)[..., 0],
        np.array([[0, 128], [255, 1]], np.uint8),
        by=1,
    )


def test_cmyk():
    content = encoded(drawn(1, mode="CMYK"), "JPEG", quality=100, subsampling=0)
    assert decode.header(content).channels == 3
    assert near(decoded(content), COLOURS, by=12)


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_16_bits_keep_their_high_byte(kind):
    wide = GREYS.astype(np.uint16) * 257
    content = encoded(Image.fromarray(wide), kind)
    assert decode.header(content).channels == 1
    assert near(decoded(content, 1)[..., 0], GREYS, 1)


def test_a_dark_16_bit_picture_stays_dark():
    content = encoded(Image.fromarray(np.full((4, 4), 200, np.uint16)), "PNG")
    assert decoded(content, 1, 4).max() <= 1


@pytest.mark.parametrize("top", [1.0, 255.0])
def test_float_tiff(top):
    values = GREYS.astype(np.float32) / 255 * top
    assert near(decoded(encoded(Image.fromarray(values), "TIFF"), 1)[..., 0], GREYS, 1)


def test_a_float_tiff_with_nan_is_a_problem():
    values = np.full((4, 4), np.nan, np.float32)
    with pytest.raises(Unreadable, match="not finite"):
        decoded(encoded(Image.fromarray(values), "TIFF"), 1)


def test_one_bit():
    mask = GREYS > 100
    content = encoded(Image.fromarray(mask), "PNG")
    assert decode.header(content).channels == 1
    assert (decoded(content, 1)[..., 0] == mask * 255).all()


def test_palette():
    content = encoded(drawn(1).quantize(256), "PNG")
    assert decode.header(content).channels == 3
    assert near(decoded(content), COLOURS, by=40)


def half_clear() -> np.ndarray:
    alpha = np.full((SIDE, SIDE), 255, np.uint8)
    alpha[:, : SIDE // 2] = 0
    return alpha


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "TIFF"])
def test_what_is_transparent_is_white(kind):
    picture = Image.fromarray(np.dstack([COLOURS, half_clear()]))
    found = decoded(encoded(picture, kind, **({"lossless": True} if kind == "WEBP" else {})))
    assert (found[:, :8] == 255).all() and near(found[:, 8:], COLOURS[:, 8:], 1)


def test_grey_with_alpha():
    picture = Image.merge("LA", [Image.fromarray(GREYS), Image.fromarray(half_clear())])
    content = encoded(picture, "PNG")
    for channels in (1, 3):
        found = decoded(content, channels)
        assert (found[:, :8] == 255).all() and near(found[:, 8:, 0], GREYS[:, 8:], 1)


@pytest.mark.parametrize("clear", [0, bytes([0, 128])], ids=["one colour", "a table"])
def test_palette_with_transparency(clear):
    picture = Image.fromarray(np.arange(256, dtype=np.uint8).reshape(16, 16)).convert("P")
    picture.putpalette([v for n in range(256) for v in (n, 0, 0)])
    found = decoded(encoded(picture, "PNG", transparency=clear))
    assert found[0, 0].tolist() == [255, 255, 255] and found[8, 0].tolist() == [128, 0, 0]


def test_the_first_frame_of_a_moving_picture():
    frames = [drawn(n, mode="L") for n in range(3)]
    for kind, options in (("GIF", {}), ("WEBP", {"lossless": True}), ("PNG", {}), ("TIFF", {})):
        content = encoded(frames[0], kind, save_all=True, append_images=frames[1:], **options)
        assert near(decoded(content, 1)[..., 0], GREYS_OF_0, by=1), kind


GREYS_OF_0 = np.asarray(drawn(0, mode="L"))


# --- orientation and size -------------------------------------------------------------------------

# EXIF 2-8: how the stored pixels come from the upright ones.
TURNS = {
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.swapaxes(0, 1),
    6: lambda a: np.rot90(a, 1),
    7: lambda a: a.swapaxes(0, 1)[::-1, ::-1],
    8: lambda a: np.rot90(a, -1),
}
WIDE = np.asarray(drawn(2, side=48))[:32]


@pytest.mark.parametrize("number", TURNS)
@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "TIFF"])
def test_every_exif_orientation_is_upright(number, kind):
    exif = Image.Exif()
    exif[0x0112] = number
    stored = Image.fromarray(np.ascontiguousarray(TURNS[number](WIDE)))
    exact = {"WEBP": {"lossless": True}, "JPEG": {"quality": 100, "subsampling": 0}}
    content = encoded(stored, kind, exif=exif, **exact.get(kind, {}))
    assert IMAGE.header(content) == {"width": 48, "height": 32, "channels": 3}
    assert near(decode.decode(content, 32, 48, 3), WIDE, by=12)
    small = np.asarray(Image.fromarray(WIDE).resize((12, 8), Image.Resampling.BOX))
    assert np.abs(decode.decode(content, 8, 12, 3).astype(int) - small).mean() < 8
    assert decode.upright(content).size == (48, 32)


def test_a_nonsense_orientation_is_no_orientation():
    exif = Image.Exif()
    exif[0x0112] = 77
    assert near(decoded(encoded(drawn(1), "PNG", exif=exif)), COLOURS, 0)


def test_damaged_exif_does_not_spoil_the_picture():
    content = encoded(drawn(1), "JPEG", quality=100, subsampling=0, exif=b"Exif\0\0II*\0\xff\xff")
    assert near(decoded(content), COLOURS, by=12)


@pytest.mark.parametrize("size", [(1, 1), (1, 20_000), (20_000, 1), (3, 5000)])
def test_extreme_shapes(size):
    content = encoded(Image.new("RGB", size, (10, 20, 30)))
    assert (decode.header(content).width, decode.header(content).height) == size
    assert (decoded(content, side=32) == (10, 20, 30)).all()
    turned = Image.Exif()
    turned[0x0112] = 6
    content = encoded(Image.new("L", size, 77), "JPEG", exif=turned)
    assert near(decoded(content, 1), np.full((16, 16, 1), 77, np.uint8))


def test_one_colour():
    assert (decoded(encoded(Image.new("L", (9, 9), 7)), 1) == 7).all()


def test_jpeg_is_decoded_at_reduced_scale_and_still_right():
    smooth = np.asarray(Image.fromarray(COLOURS).resize((1024, 1024), Image.Resampling.BICUBIC))
    content = encoded(Image.fromarray(smooth), "JPEG", quality=95)
    wanted = np.asarray(Image.fromarray(smooth).resize((64, 64), Image.Resampling.BOX))
    assert np.abs(decoded(content, side=64).astype(int) - wanted).mean() < 4


# --- arrays ---------------------------------------------------------------------------------------

ARRAYS = {
    "uint8": COLOURS,
    "floats to 1": COLOURS / 255.0,
    "floats to 255": COLOURS.astype(np.float32),
    "uint16": COLOURS.astype(np.uint16) * 257,
    "int64": COLOURS.astype(np.int64),
    "alpha": np.dstack([COLOURS, np.full((SIDE, SIDE), 255, np.uint8)]),
    "not contiguous": np.asfortranarray(COLOURS),
    "backwards": COLOURS[::-1][::-1],
}


@pytest.mark.parametrize("name", ARRAYS)
def test_arrays(name):
    assert decode.header(ARRAYS[name]) == decode.PictureHeader(16, 16, 3)
    assert near(decoded(ARRAYS[name]), COLOURS, 1)


def test_grey_and_logical_arrays():
    for array in (GREYS, GREYS[..., None], GREYS / 255.0):
        assert decode.header(array).channels == 1
        assert near(decoded(array, 1)[..., 0], GREYS, 1)
    assert (decoded(GREYS > 100, 1)[..., 0] == (GREYS > 100) * 255).all()


def test_an_array_is_not_changed():
    array = COLOURS / 255.0
    before = array.copy()
    decoded(array)
    assert (array == before).all()


# --- what is no picture ---------------------------------------------------------------------------

SAYS = {
    "empty.jpg": "0 bytes",
    "page.jpg": "web page",
    "drawing.jpg": "SVG",
    "paper.jpg": "PDF",
    "print.jpg": "PostScript",
    "huge.png": "50000 x 50000",
    "cut.png": "cut short",
    "cut.jpg": "cut short",
    "checksum.png": "damaged",
}


@pytest.mark.parametrize("name", bad_pictures())
def test_what_cannot_be_decoded_is_a_problem_with_a_fix(name):
    content = bad_pictures()[name]
    with pytest.raises(Unreadable) as found:
        decode.header(content)
        decoded(content)
    problem = found.value.problem
    assert problem.code and problem.fix.endswith(".")
    assert SAYS.get(name, "") in problem.reason


@pytest.mark.parametrize("content", [HTML, SVG, PDF, EPS], ids=["html", "svg", "pdf", "eps"])
def test_documents_do_not_look_like_pictures(content):
    assert not any(
        map(formats.looks_like, (b"BMW and other cars", b"P5 is a file", b"RIFF1234WAVE"))
    )
    assert not formats.looks_like(content)


def test_a_png_without_its_end_is_whole_enough():
    assert near(decoded(without_end()), COLOURS, 0)


def test_a_huge_claim_costs_nothing():
    content = bad_pictures()["huge.png"]
    tracemalloc.start()
    with pytest.raises(Unreadable, match="100 megapixels"):
        decoded(content)
    assert tracemalloc.get_traced_memory()[1] < 1 << 20
    tracemalloc.stop()


def test_a_text_bomb_is_not_unpacked():
    content = text_bomb()
    assert len(content) < 100_000
    tracemalloc.start()
    with pytest.raises(Unreadable):
        decoded(content)
    assert tracemalloc.get_traced_memory()[1] < 8 << 20
    tracemalloc.stop()


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP", "PPM"])
def test_no_cut_and_no_flipped_byte_raises_anything_else(kind):
    whole = bytearray(encoded(drawn(1, side=24), kind))
    random = np.random.default_rng(7)
    for _ in range(150):
        data = bytearray(whole)
        for at in random.integers(0, len(data), 3):
            data[at] = random.integers(256)
        if random.random() < 0.3:
            data = data[: random.integers(len(data))]
        try:
            header = decode.header(bytes(data))
            found = decoded(bytes(data))
        except Unreadable:
            continue
        assert found.shape == (16, 16, 3) and header.width * header.height <= 100_000_000


# --- many at once ---------------------------------------------------------------------------------


def test_encode_reports_rows_and_leaves_them_zero():
    cells = [encoded(drawn(n)) for n in range(40)]
    cells[3], cells[39] = b"", HTML
    found, problems = decode.encode(cells, SIDE, SIDE, 3)
    assert sorted(problems) == [3, 39] and problems[3].code == "empty-file"
    assert found.shape == (40, 16, 16, 3) and not found[3].any() and not found[39].any()
    alone = decode.encode([cells[17]], SIDE, SIDE, 3)[0][0]
    assert (found[17] == alone).all() and (alone == np.asarray(drawn(17))).all()


def test_threads_leave_the_warning_filters_alone():
    broken = encoded(drawn(1), "JPEG", exif=b"Exif\0\0II*\0\xff\xff")
    before = list(warnings.filters)
    many = [threading.Thread(target=lambda: [decoded(broken) for _ in range(50)]) for _ in "abcd"]
    for thread in many:
        thread.start()
    for thread in many:
        thread.join()
    assert list(warnings.filters) == before


def test_header_and_pixels_agree_for_pictures_in_memory():
    picture = Image.open(io.BytesIO(encoded(drawn(5, mode="L"))))
    assert IMAGE.header(picture) == {"width": 16, "height": 16, "channels": 1}
    assert decoded(picture, 1).shape == (16, 16, 1)
