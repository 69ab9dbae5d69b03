"""Small pictures, good and bad, and folders, manifests and archives of them, drawn for tests."""

from __future__ import annotations

import contextlib
import ctypes
import gzip
import io
import os
import struct
import sys
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image

TASK = "image-classification"
CLASSES = ("cat", "dog")


def drawn(number: int, label: int = 0, side: int = 16, mode: str = "RGB") -> Image.Image:
    """No two are alike; those of a class share a bright corner, so that they can be learnt."""
    values = np.random.default_rng([number, label]).integers(0, 90, (side, side, 3), np.uint8)
    half = side // 2
    row, column = divmod(label % 4, 2)
    values[row * half : (row + 1) * half, column * half : (column + 1) * half] += 150
    return Image.fromarray(values).convert(mode)


def encoded(picture: Image.Image, kind: str = "PNG", **options) -> bytes:
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


def png(number: int, label: int = 0, side: int = 16) -> bytes:
    return encoded(drawn(number, label, side))


def folder(root: Path, each: int = 6, classes: tuple[str, ...] = CLASSES, side: int = 16) -> Path:
    """A folder a class, `each` pictures in it."""
    for label, name in enumerate(classes):
        (root / name).mkdir(parents=True, exist_ok=True)
        for number in range(each):
            (root / name / f"{number}.png").write_bytes(png(number, label, side))
    return root


def zipped(source: Path, archive: Path) -> Path:
    """Everything below `source` as a zip."""
    with zipfile.ZipFile(archive, "w") as file:
        for path in sorted(source.rglob("*")):
            file.write(path, path.relative_to(source))
    return archive


def idx(values: np.ndarray) -> bytes:
    sizes = b"".join(size.to_bytes(4, "big") for size in values.shape)
    return bytes([0, 0, 8, values.ndim]) + sizes + values.astype(np.uint8).tobytes()


def idx_folder(root: Path, rows: int = 8, packed: bool = False, parts=("train", "t10k")) -> Path:
    """MNIST's four files with a few 6 x 5 pictures in each part."""
    root.mkdir(parents=True, exist_ok=True)
    for start, part in enumerate(parts):
        values = np.random.default_rng(start).integers(0, 256, (rows, 6, 5))
        labels = np.arange(rows) % 2
        for stem, content in (("images-idx3", idx(values)), ("labels-idx1", idx(labels))):
            name = f"{part}-{stem}-ubyte" + (".gz" if packed else "")
            (root / name).write_bytes(gzip.compress(content) if packed else content)
    return root


# --- bad ones -------------------------------------------------------------------------------------


def chunk(name: bytes, content: bytes, checksum: int | None = None) -> bytes:
    right = zlib.crc32(name + content)
    number = right if checksum is None else checksum
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", number)


PNG_START = b"\x89PNG\r\n\x1a\n"


def png_header(width: int, height: int) -> bytes:
    """A PNG that claims a size and holds almost nothing."""
    facts = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    data = chunk(b"IDAT", zlib.compress(b"\0" * 100))
    return PNG_START + chunk(b"IHDR", facts) + data + chunk(b"IEND", b"")


def text_bomb(size: int = 64 << 20) -> bytes:
    """A PNG whose compressed text unpacks to `size` bytes."""
    body = png(0)
    packed = b"Comment\0\0" + zlib.compress(b"a" * size, 9)
    return body[:33] + chunk(b"zTXt", packed) + body[33:]


def bad_checksum() -> bytes:
    """A PNG one of whose data bytes was changed on the way."""
    data = bytearray(png(1))
    at = data.index(b"IDAT") + 20
    data[at] ^= 0xFF
    return bytes(data)


def without_end() -> bytes:
    data = png(1)
    return data[: data.index(b"IEND") - 4]


def cut(data: bytes, share: float = 0.5) -> bytes:
    return data[: int(len(data) * share)]


SVG = b'<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg"><rect/></svg>'
HTML = b"<!DOCTYPE html>\n<html><body>404 Not Found</body></html>"
PDF = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n<<>>\nendobj\n"
EPS = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\nshowpage\n"


def bad_pictures() -> dict[str, bytes]:
    """Name of a file that no program can learn from, and its content."""
    return {
        "empty.jpg": b"",
        "cut.jpg": cut(encoded(drawn(1, side=64), "JPEG")),
        "cut-in-header.jpg": encoded(drawn(1, side=64), "JPEG")[:40],
        "cut.png": cut(png(1)),
        "checksum.png": bad_checksum(),
        "page.jpg": HTML,
        "drawing.jpg": SVG,
        "paper.jpg": PDF,
        "print.jpg": EPS,
        "huge.png": png_header(50_000, 50_000),
        "noise.png": bytes(np.random.default_rng(0).integers(0, 256, 999, np.uint8)),
        "magic-only.png": PNG_START,
        "cut.gif": encoded(drawn(1), "GIF")[:30],
        "cut.webp": cut(encoded(drawn(1, side=64), "WEBP")),
        "cut.bmp": cut(encoded(drawn(1), "BMP")),
        "cut.tif": cut(encoded(drawn(1), "TIFF")),
        "cut.ppm": cut(encoded(drawn(1), "PPM")),
    }


# --- the machine ----------------------------------------------------------------------------------


def snapshot(root: Path) -> list[tuple]:
    """Names, sizes, times, kinds and contents below `root`: equal = nothing was touched."""
    found = []
    for folder, names, files in os.walk(os.fsencode(root)):
        for name in [*names, *files]:
            path = os.path.join(folder, name)
            facts = os.lstat(path)
            content = b""
            if os.path.isfile(path) and not os.path.islink(path) and os.access(path, os.R_OK):
                with open(path, "rb") as file:
                    content = file.read()
            found.append((path, facts.st_mode, facts.st_size, facts.st_mtime_ns, content))
    return sorted(found)


@contextlib.contextmanager
def ordinary_user() -> Iterator[None]:
    """Permissions hold for root too while the block runs (Linux: the capability to override)."""
    if not sys.platform.startswith("linux"):
        yield
        return
    libc = ctypes.CDLL(None, use_errno=True)
    head, data = (ctypes.c_uint32 * 2)(0x20080522, 0), (ctypes.c_uint32 * 6)()
    libc.capget(head, data)
    effective = data[0]
    data[0] = effective & ~0b110  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH
    libc.capset(head, data)
    try:
        yield
    finally:
        data[0] = effective
        libc.capset(head, data)
