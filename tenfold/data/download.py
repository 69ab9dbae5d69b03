"""Download of public data sets on request, with a check of their MD5 checksums."""

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
from tenfold.core.message import Message
from tenfold.core.progress import tell

__all__ = ["fetch", "mnist"]

LARGEST = 64 << 20
"""Maximum size of one file in bytes, compressed or not."""

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
    """Downloads the four files of MNIST into `folder`, where they are missing; returns `folder`.

    The checksums are the published ones of the uncompressed files. Raises EnvironmentRefused and
    DataRefused as `fetch` does.
    """
    return fetch(folder, _FILES, source, _MIRRORS)


def fetch(
    folder: Path, files: dict[str, str], source: str | None, mirrors: tuple[str, ...]
) -> Path:
    """Downloads missing files as NAME.gz into `folder` and returns `folder`.

    `files` maps names to MD5 checksums of the uncompressed content. The source is `source` (a
    folder or an address), else TENFOLD_MIRROR, else each mirror in turn; proxies set in the
    environment are used. The checksum of each new file is checked, wherever it comes from. Raises
    EnvironmentRefused where the download fails, DataRefused where a file is missing in the source
    folder, damaged, or has another checksum.
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
        # The size limit protects against streams that decompress to a huge file.
        content = zlib.decompressobj(31).decompress(data, LARGEST) if packed else data
    except zlib.error as error:
        raise DataRefused(
            Message("{name}.gz is damaged", name=name), code="damaged-download", where=where
        ) from error
    if hashlib.md5(content, usedforsecurity=False).hexdigest() != digest:
        raise DataRefused(
            Message("{name} differs from the published file (checksum)", name=name),
            code="damaged-download",
            where=where,
            fix=Message("Remove the file and try again, or give another --source."),
        )
    return data if packed else gzip.compress(data)


def _found(name: str, source: str | None, mirrors: tuple[str, ...]) -> tuple[bytes, str]:
    if source and not source.startswith(("http://", "https://")):
        for path in (Path(source) / f"{name}.gz", Path(source) / name):
            if path.is_file():
                return path.read_bytes(), str(path)
        fix = Message("Give the folder with the files, or an address that begins with https://.")
        raise DataRefused(
            Message("{name}.gz was not found", name=name),
            code="missing-file",
            where=source,
            fix=fix,
        )
    problems = []
    for place in (source.rstrip("/"),) if source else mirrors:
        try:
            return _fetched(f"{place}/{name}.gz"), place
        except (OSError, http.client.HTTPException) as error:
            problems.append(f"{place}: {getattr(error, 'reason', '') or error}")
    raise EnvironmentRefused(
        Message(
            "{name} could not be downloaded ({problems})", name=name, problems="; ".join(problems)
        ),
        code="no-download",
        fix=Message("Give --source FOLDER with the files, or set TENFOLD_MIRROR or HTTPS_PROXY."),
    )


def _fetched(address: str) -> bytes:
    tell(Message("Downloading {address}", address=address))
    if address.startswith("http://"):
        tell(Message("The address is not encrypted: only the checksum verifies the file."))
    # A new opener, because the shared one keeps the proxies of its first use.
    with urllib.request.build_opener().open(address, timeout=60) as answer:
        return bytes(answer.read(LARGEST))
