"""AVIF, JPEG 2000 and HEIC; animations and files of several pages, of which one is read."""

import base64
import io
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
from pictures_made import drawn, encoded, folder
from PIL import Image
from preparing import fresh_cache as fresh_cache
from preparing import prepared

from tenfold.core import progress
from tenfold.core.message import Message
from tenfold.media.files import unreadable
from tenfold.media.files.references import Unreadable
from tenfold.media.image import decode, formats, unread
from tenfold.media.image.medium import IMAGE

# 16 x 12 pixels, the left half blue and the right half red, made with pillow-heif 1.8.
HEIC = zlib.decompress(
    base64.b85decode(
        b"c-muNV30{GsVvAy%}izhg51nBLl8SRGck>Ufw3kxwIq=N0u(b+a*CjAhJwuG5(YG&l$nzcHpIn&fe{FSfN=qY27="
        b"i@telydmj>p6L`8v|R3<1dqb%7F#N;c;EXjo{`IA{tQ~;#!WELdn1L;zrGG|6+kkACMBDoI?fBydX!N9=JoB-4z;"
        b"lRkl`2Rmh0W(MiGYHA;Vsc0XN@_YWGNQ>WP-tYG_G;a%XAcw?9B5!*;AsE}w<G~ov$-%HEI!x?v_m*KKc^@!Ii~_"
        b"B%FDn8RKg&VSzM3`^_T+`Yb56+f*d9QbvqA;{{R2~1t84?q|bn8kbFUAMJ7liGY1C;kdnwO$c2S5FxXfdnV4Byfb"
        b"7M&DT$ykp02^Tp3O+=M_fa!W6`(YKlY#a`Re@t((PaFyY2t~mFL=jxs+X>YrifD-u+OlRw&YJcKJ*0zyDu)$uC%b"
        b"^W|c1zMBaK7gR3nY>k-mQEaYXYQ)AHH5_+NE1&0xXuEn}uwrX)XW@myQ(iBcu9t))bUNl8JM;Kmh5G;L{r?s${1L"
        b"z0&Obh1;&rFe?sr{%b53nc-thgcq4-wrZz}<=?WH0"
    )
)
# The same, with a property `irot`: shown turned by 90 degrees counterclockwise.
TURNED_HEIC = zlib.decompress(
    base64.b85decode(
        b"c-muNV30{GsVvAy%}izhg51nBLl8SRGck>Ufw3(&wIq=N0u(b+a*CjAhJwuG5(YG&l$nzcHpIn&fe{FSfN>R"
        b"s27=i@telydmj>p6L`8v|R3<1dqb%7F#N;c;EXjo_VPwlJC@KK5pJo;$=L6|dpfYDhW{}VXup+q+41fOq_`$"
        b"%y&zu0%A>qKt!}$L{NC7iQ1v3cA?P79B1WIZ;F*2gbEKq1<o%U+otY;4t7aV9{VBl#03AZExRkOJ;9xOiC3A"
        b"95vIX|Z;FFB_ID9X#g22{czl384k3iX%+6l)~sB!V0!0QDXZi2nco{{<k;1f<V^XpnqCW<@4QBQpmF2aw{-E"
        b"XpqdX^_k;$b|(qF#OmWnV4By+JKzJxhaXD(4MZrxSq{O>PK8dtYgu)-#_-B`1$Jm|I+PW?z`>(|CQ(3f4P)h"
        b"pKHG^3EurstX3$}Y<Bre?!W(EddV+Xe)HvGZ@!xe1{YK=>}-vg@=<KAUuwk08#NqvPAi}1h-kZdU$A0paA)C"
        b"#!c$%^ny#0GBy>9F9Xs>*U4{Dp>HYr}Ec_9_+|EBfU*dJA((ZR%eREE2Oy2PQt)ci<?r$pr<r=1%"
    )
)
NEW = [
    pytest.param("AVIF", ".avif", {"quality": 95}, id="avif"),
    pytest.param("JPEG2000", ".jp2", {}, id="jp2"),
    pytest.param("JPEG2000", ".j2k", {"no_jp2": True}, id="a bare code stream"),
    pytest.param(
        "JPEG2000",
        ".jpx",
        {"irreversible": True, "quality_mode": "dB", "quality_layers": [45]},
        id="lossy",
    ),
]
needs_heic = pytest.mark.skipif(not formats.HEIC, reason="needs pillow-heif (extra heic)")
needs_pillow = pytest.mark.skipif(
    not (formats.AVIF and formats.JPEG_2000), reason="this build of Pillow lacks AVIF or JPEG 2000"
)


class Heard(progress.Silent):
    def __init__(self) -> None:
        self.sentences = list[Message]()

    def tell(self, sentence: str) -> None:
        assert isinstance(sentence, Message)
        self.sentences.append(sentence)


def box(brand: bytes, *others: bytes) -> bytes:
    body = b"ftyp" + brand + bytes(4) + b"".join(others)
    return (len(body) + 4).to_bytes(4, "big") + body + bytes(40)


# --- formats --------------------------------------------------------------------------------------


@needs_pillow
@pytest.mark.parametrize(("kind", "suffix", "options"), NEW)
@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L"])
def test_a_new_format_is_read_like_png(mode, kind, suffix, options):
    picture = drawn(1, side=8).resize((32, 32)).convert(mode)
    content = encoded(picture, kind, **options)
    assert suffix in IMAGE.suffixes and IMAGE.looks_like(content[:512])
    assert decode.header(content) == decode.PictureHeader(32, 32, 1 if mode == "L" else 3)
    got = decode.decode(content, 32, 32, 3).astype(int)
    wanted = decode.decode(encoded(picture, "PNG"), 32, 32, 3)
    assert np.abs(got - wanted).mean() < 12


def turned(orientation: int) -> Image.Exif:
    tags = Image.Exif()
    tags[0x0112] = orientation
    return tags


@needs_pillow
@pytest.mark.parametrize("turn", range(1, 9))
def test_orientation_is_applied_to_avif(turn):
    picture = drawn(1).resize((32, 24))
    content = encoded(picture, "AVIF", quality=95, exif=turned(turn))
    header = decode.header(content)
    assert (header.width, header.height) == ((24, 32) if turn >= 5 else (32, 24))
    like = encoded(picture, "PNG", exif=turned(turn))
    got = decode.decode(content, header.height, header.width, 3).astype(int)
    assert np.abs(got - decode.decode(like, header.height, header.width, 3)).mean() < 12


@needs_pillow
def test_a_folder_of_new_formats_is_used_and_none_is_ignored(tmp_path):
    data = folder(tmp_path / "data", 4)
    for label, name in enumerate(("cat", "dog")):
        for number, (kind, suffix) in enumerate(
            [("AVIF", ".AVIF"), ("AVIF", ".png"), ("JPEG2000", ".jp2"), ("JPEG2000", "")]
        ):
            content = encoded(drawn(50 + number, label), kind)
            (data / name / f"new{number}{suffix}").write_bytes(content)
    found = prepared(data)
    assert len(found.used) == 16 and not found.quarantined and not found.ignored


@needs_pillow
@pytest.mark.parametrize(("kind", "suffix", "options"), NEW)
@pytest.mark.parametrize("share", [0.05, 0.5, 0.9])
def test_a_cut_file_is_damaged(share, kind, suffix, options):
    content = encoded(drawn(1, side=64), kind, **options)
    cut = content[: int(len(content) * share)]
    try:
        decode.header(cut)
        got = decode.decode(cut, 64, 64, 3)
    except Unreadable as error:
        assert error.problem.code == "damaged"
        return
    assert kind == "JPEG2000" and got.shape == (64, 64, 3)  # a coarser picture of fewer bytes


@needs_pillow
def test_the_limit_of_pixels_holds_before_decoding(monkeypatch):
    monkeypatch.setattr(unreadable, "LARGEST_PIXELS", 1000)
    for content in (encoded(drawn(1, side=40), "AVIF"), encoded(drawn(1, side=40), "JPEG2000")):
        for use in (decode.header, lambda content: decode.decode(content, 8, 8, 3)):
            with pytest.raises(Unreadable) as refused:
                use(content)
            assert refused.value.problem.code == "too-many-pixels"


@pytest.mark.parametrize(
    ("start", "kind"),
    [
        (box(b"heic", b"mif1"), "heic"),
        (box(b"heix"), "heic"),
        (box(b"hevc"), "heic"),
        (box(b"mif1", b"heic"), "heic"),
        (box(b"mif1", b"miaf", b"avif"), "avif"),
        (box(b"msf1", b"avis"), "avif"),
        (box(b"avif"), "avif"),
        (box(b"avis"), "avif"),
        (box(b"isom", b"mp41"), ""),
        (box(b"qt  "), ""),
        (b"\x89PNG\r\n\x1a\n" + bytes(40), ""),
        (b"", ""),
    ],
)
def test_the_brands_of_a_file_name_its_format(start, kind):
    assert formats.boxed(start) == kind


@pytest.mark.parametrize("brand", [b"heic", b"mif1", b"hevx"])
def test_heic_without_its_package_is_unusable_and_names_the_extra(brand, tmp_path, monkeypatch):
    monkeypatch.setattr(formats, "HEIC", False)
    data = folder(tmp_path / "data", 10)
    (data / "cat" / "IMG_1.HEIC").write_bytes(box(brand))
    found = prepared(data)
    (bad,) = found.quarantined
    assert bad["source"] == "cat/IMG_1.HEIC" and bad["code"] == "not-a-picture"
    assert "tenfold[heic]" in bad["fix"] and not found.ignored


def test_a_format_that_this_pillow_lacks_is_unusable(monkeypatch):
    for name in ("AVIF", "JPEG_2000"):
        monkeypatch.setattr(formats, name, False)
    for start in (box(b"avif"), b"\0\0\0\x0cjP  \r\n\x87\n" + bytes(20), b"\xff\x4f\xff\x51"):
        assert not formats.looks_like(start) and unread.reason(start) is not None


@needs_heic
def test_heic_is_read():
    header = decode.header(HEIC)
    assert header == decode.PictureHeader(16, 12, 3)
    got = decode.decode(HEIC, 12, 16, 3).astype(int)
    assert (got[2, 3] - [0, 0, 255] < 40).all() and got[9, 12, 0] > 200 > 60 > got[9, 12, 2]
    with pytest.raises(Unreadable) as refused:
        decode.decode(HEIC[: len(HEIC) // 2], 12, 16, 3)
    assert refused.value.problem.code == "damaged"
    with pytest.raises(Unreadable) as refused:
        decode.header(box(b"heic", b"mif1"))
    assert refused.value.problem.code == "damaged"


@needs_heic
def test_orientation_is_applied_to_heic():
    assert decode.header(TURNED_HEIC) == decode.PictureHeader(12, 16, 3)
    got = decode.decode(TURNED_HEIC, 16, 12, 3).astype(int)
    assert (got[12, 3:9, 2] > 200).all() and (got[3, 3:9, 0] > 200).all()


@needs_heic
def test_the_limit_of_pixels_holds_for_heic(monkeypatch):
    monkeypatch.setattr(unreadable, "LARGEST_PIXELS", 100)
    with pytest.raises(Unreadable) as refused:
        decode.header(HEIC)
    assert refused.value.problem.code == "too-many-pixels"


def test_the_plugin_for_heic_is_not_imported_before_it_is_needed(tmp_path):
    prepared(folder(tmp_path / "data"))
    assert "pillow_heif" not in sys.modules or formats.HEIC


# --- several frames -------------------------------------------------------------------------------


def animated(kind: str, frames: int = 3) -> bytes:
    pictures = [drawn(number, side=24) for number in range(frames)]
    options = {"lossless": True} if kind == "WEBP" else {"duration": 100} if kind == "GIF" else {}
    return encoded(pictures[0], kind, save_all=True, append_images=pictures[1:], **options)


KINDS = ["GIF", "PNG", "WEBP", "TIFF", "MPO"]


@pytest.mark.parametrize("kind", KINDS)
def test_the_first_frame_is_read_and_the_file_is_marked(kind):
    header = IMAGE.header(animated(kind))
    assert header["several_frames"] == 1 and "several_frames" not in IMAGE.header(animated(kind, 1))
    got = decode.decode(animated(kind), 24, 24, 3).astype(int)
    distances = [
        np.abs(got - np.asarray(drawn(number, side=24)).astype(int)).mean() for number in range(3)
    ]
    assert np.argmin(distances) == 0


@pytest.mark.parametrize("kind", ["GIF", "TIFF", "PNG"])
def test_damage_after_the_first_frame_does_no_harm(kind):
    content = animated(kind)
    try:
        header = decode.header(content[: int(len(content) * 0.5)])
    except Unreadable as error:
        assert error.problem.code == "damaged" and kind == "TIFF"  # its table is at the end
        return
    assert (header.width, header.height) == (24, 24)


def remarks(data: Path) -> list[Message]:
    heard = Heard()
    with progress.listening(heard):
        prepared(data)
    return [one for one in heard.sentences if "frames" in one.template]


def test_files_of_several_frames_are_counted_in_one_sentence(tmp_path):
    data = folder(tmp_path / "data", 8)
    assert remarks(data) == []
    for kind in KINDS:
        (data / "cat" / f"more.{kind.lower()}").write_bytes(animated(kind))
    (sentence,) = remarks(data)
    assert sentence.values == {"count": 5}
    assert [one.values for one in remarks(data)] == [{"count": 5}]  # headers from the cache


def test_a_still_gif_and_a_short_animation_are_told_apart(tmp_path):
    data = folder(tmp_path / "data", 8)
    for number in range(3):
        (data / "cat" / f"{number}.gif").write_bytes(animated("GIF", 1 + number))
    (sentence,) = remarks(data)
    assert sentence.values == {"count": 2}


def test_arrays_and_pictures_in_memory_have_one_frame():
    assert not decode.header(np.zeros((4, 4, 3), np.uint8)).several
    assert decode.header(Image.open(io.BytesIO(animated("GIF")))).several
