"""Public data by name, fetched only when asked, checked by SHA-256 or MD5 before use."""

from __future__ import annotations

import gzip
import hashlib
import http.client
import os
import urllib.request
import zlib
from pathlib import Path

from tenfold.core import system
from tenfold.core.errors import DataRefused, EnvironmentRefused
from tenfold.core.progress import tell

__all__ = ["fetch", "mnist"]

LARGEST = 64 << 20
"""Bytes of one file, packed or not."""

_FILES = {
    "train-images-idx3-ubyte": "6bbc9ace898e44ae57da46a324031adb",
    "train-labels-idx1-ubyte": "a25bea736e30d166cdddb491f175f624",
    "t10k-images-idx3-ubyte": "2646ac647ad5339dbf082846283269ea",
    "t10k-labels-idx1-ubyte": "27ae3e4e09519cfbb04c329615203637",
}
_MIRRORS = (
    "https://ossci-datasets.s3.amazonaws.com/mnist",
    "https://storage.googleapis.com/cvdf-datasets/mnist",
)


def mnist(folder: Path, source: str | None) -> Path:
    """MNIST's four files in `folder`; the checksums are those of the unpacked files, as published.

    Raises EnvironmentRefused, DataRefused.
    """
    return fetch(folder, _FILES, source, _MIRRORS)


def fetch(
    folder: Path, files: dict[str, str], source: str | None, mirrors: tuple[str, ...]
) -> Path:
    """Files (name: MD5 of what is inside) as NAME.gz in `folder`, fetched where they are missing.

    They come from `source` (a folder or an address), else TENFOLD_MIRROR, else the mirrors in
    turn; proxies set in the environment are used. The checksum is compared whichever way a file
    came. Raises EnvironmentRefused where nothing answers, DataRefused for another content.
    """
    folder.mkdir(parents=True, exist_ok=True)
    source = source or os.environ.get("TENFOLD_MIRROR") or None
    for name, digest in files.items():
        place = folder / f"{name}.gz"
        if not place.exists():
            data, where = _found(name, source, mirrors)
            system.write_atomically(place, _checked(name, data, where, digest))
    return folder


def _checked(name: str, data: bytes, where: str, digest: str) -> bytes:
    packed = data[:2] == b"\x1f\x8b"
    try:
        # Never more than the largest file, whatever the stream would unpack to.
        content = zlib.decompressobj(31).decompress(data, LARGEST) if packed else data
    except zlib.error as error:
        raise DataRefused(f"{name}.gz is damaged", code="damaged-download", where=where) from error
    if hashlib.md5(content, usedforsecurity=False).hexdigest() != digest:
        raise DataRefused(
            f"{name} is not the published file: its checksum differs",
            code="damaged-download",
            where=where,
            fix="Remove it and try again, or give another --source.",
        )
    return data if packed else gzip.compress(data)


def _found(name: str, source: str | None, mirrors: tuple[str, ...]) -> tuple[bytes, str]:
    if source and not source.startswith(("http://", "https://")):
        for path in (Path(source) / f"{name}.gz", Path(source) / name):
            if path.is_file():
                return path.read_bytes(), str(path)
        fix = "Give the folder that has the files, or an address that begins with https://."
        raise DataRefused(f"There is no {name}.gz", code="missing-file", where=source, fix=fix)
    problems = []
    for place in (source.rstrip("/"),) if source else mirrors:
        try:
            return _fetched(f"{place}/{name}.gz"), place
        except (OSError, http.client.HTTPException) as error:
            problems.append(f"{place}: {getattr(error, 'reason', '') or error}")
    raise EnvironmentRefused(
        f"{name} could not be fetched ({'; '.join(problems)})",
        code="no-download",
        fix="Give --source FOLDER with the files, or set TENFOLD_MIRROR or HTTPS_PROXY.",
    )


def _fetched(address: str) -> bytes:
    tell(f"Fetching {address}")
    if address.startswith("http://"):
        tell("The address is not encrypted; the checksum decides.")
    # An opener of its own: the shared one keeps the proxies of its first use.
    with urllib.request.build_opener().open(address, timeout=60) as answer:
        return bytes(answer.read(LARGEST))
