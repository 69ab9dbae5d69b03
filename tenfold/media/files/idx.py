"""IDX files, the format of MNIST: magic number, sizes, then the values; plain or gzip.

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
from tenfold.core.message import Message

__all__ = ["is_name", "parse", "split_of"]

_PIECE = 1 << 20
_NAME = re.compile(r"(?P<stem>.*?)[-_.](?P<what>images|labels)[-_.]idx[13][-_.]ubyte(\.gz)?$", re.I)


def is_name(name: str) -> tuple[str, str] | None:
    """Returns (stem, `images` or `labels`) for the name of an IDX file; None for other names.

    `train-images-idx3-ubyte.gz` gives (`train`, `images`).
    """
    match = _NAME.match(name)
    return (match["stem"].lower(), match["what"].lower()) if match else None


def split_of(stem: str) -> str:
    """Returns `train`, `valid` or `test` for a stem from `is_name`; `t10k` is MNIST's test part."""
    if stem.startswith("train"):
        return "train"
    return "test" if stem.startswith(("t10k", "test")) else "valid"


def parse(data: bytes, where: str) -> np.ndarray:
    """Returns the (N, ...) uint8 array stored in the bytes of an IDX file, plain or gzip.

    Raises DataRefused where the file is damaged, where the shape in its header does not match its
    number of bytes, or where its values are not unsigned bytes. `where` names the file in errors.
    """
    packed = data[:2] == b"\x1f\x8b"
    file = io.BytesIO(data)
    try:
        return _values(gzip.GzipFile(fileobj=file) if packed else file, where)
    except (OSError, EOFError, zlib.error) as error:
        raise _damaged(where, Message("cannot be unpacked ({error})", error=error)) from error


def _values(file: gzip.GzipFile | io.BytesIO, where: str) -> np.ndarray:
    start = file.read(4)
    if len(start) < 4 or start[:2] != b"\0\0" or not 1 <= start[3] <= 4:
        raise _damaged(where, Message("has no IDX header"))
    if start[2] != 8:
        raise _damaged(where, Message("holds values that are not bytes"))
    sizes = file.read(4 * start[3])
    shape = [int.from_bytes(sizes[at : at + 4], "big") for at in range(0, 4 * start[3], 4)]
    size = math.prod(shape)
    parts, held = [], 0
    # Reads at most one piece more than the header states, and allocates no buffer of that size.
    while held <= size and (part := file.read(_PIECE)):
        parts.append(part)
        held += len(part)
    if size != held:
        raise _damaged(
            where,
            Message(
                "should hold {size} values and holds {held}",
                size=size,
                held=Message("more") if held > size else held,
            ),
        )
    return np.frombuffer(b"".join(parts), np.uint8).reshape(shape)


def _damaged(where: str, what: Message) -> DataRefused:
    return DataRefused(
        Message("The IDX file {reason}", reason=what),
        code="damaged-idx",
        where=where,
        fix=Message("Download the file again."),
    )
