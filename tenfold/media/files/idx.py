"""IDX files, MNIST's own format: magic, sizes, then the values; plain or gzip.

Source: Y. LeCun, C. Cortes, C. Burges, "The MNIST database", section "File formats".
"""

from __future__ import annotations

import gzip
import io
import math
import re
import zlib

import numpy as np

from tenfold.core.errors import DataRefused

__all__ = ["is_name", "parse", "split_of"]

_PIECE = 1 << 20
_NAME = re.compile(r"(?P<stem>.*?)[-_.](?P<what>images|labels)[-_.]idx[13][-_.]ubyte(\.gz)?$", re.I)


def is_name(name: str) -> tuple[str, str] | None:
    """(`train`, `images`) of `train-images-idx3-ubyte.gz`; None for any other name."""
    match = _NAME.match(name)
    return (match["stem"].lower(), match["what"].lower()) if match else None


def split_of(stem: str) -> str:
    """The part that a file's stem names: `t10k` is MNIST's word for test."""
    if stem.startswith("train"):
        return "train"
    return "test" if stem.startswith(("t10k", "test")) else "valid"


def parse(data: bytes, where: str) -> np.ndarray:
    """(N, ...) uint8 values of an IDX file; the sizes must agree with the bytes there are.

    Raises DataRefused where the file is damaged or holds another type.
    """
    packed = data[:2] == b"\x1f\x8b"
    file = io.BytesIO(data)
    try:
        return _values(gzip.GzipFile(fileobj=file) if packed else file, where)
    except (OSError, EOFError, zlib.error) as error:
        raise _damaged(where, f"cannot be unpacked ({error})") from error


def _values(file: gzip.GzipFile | io.BytesIO, where: str) -> np.ndarray:
    start = file.read(4)
    if len(start) < 4 or start[:2] != b"\0\0" or not 1 <= start[3] <= 4:
        raise _damaged(where, "does not start as an IDX file does")
    if start[2] != 8:
        raise _damaged(where, "holds values that are not bytes")
    sizes = file.read(4 * start[3])
    shape = [int.from_bytes(sizes[at : at + 4], "big") for at in range(0, 4 * start[3], 4)]
    size = math.prod(shape)
    parts, held = [], 0
    # Never more than one piece beyond the promise, never a buffer of the promised size.
    while held <= size and (part := file.read(_PIECE)):
        parts.append(part)
        held += len(part)
    if size != held:
        raise _damaged(where, f"promises {size} values and holds {'more' if held > size else held}")
    return np.frombuffer(b"".join(parts), np.uint8).reshape(shape)


def _damaged(where: str, what: str) -> DataRefused:
    return DataRefused(
        f"The IDX file {what}", code="damaged-idx", where=where, fix="Download it again."
    )
