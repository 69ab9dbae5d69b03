"""Recognises archives by their content, and documents that are zip archives inside."""

from __future__ import annotations

import tarfile
import zipfile
from functools import lru_cache
from pathlib import Path
from typing import IO, Literal

from tenfold.media.files.archives.packed import DAMAGED, is_packed, unpacking

__all__ = ["BLOCK", "kind_of", "named_archive"]

BLOCK = 512
"""Bytes of a block of a tar archive; a header is one block."""

_ZIP = (b"PK\x03\x04", b"PK\x05\x06")
_TAR_NAMES = tuple(".tar .tar.gz .tgz .tar.bz2 .tbz2 .tbz .tar.xz .txz".split())
_NAMES = (*_TAR_NAMES, *".zip .7z .rar .tar.zst .tzst .tar.lz .tar.lzma .tar.z".split())

# Formats of other programs that are a zip archive inside: office documents, books, packages,
# arrays and weights.
_OTHERS = frozenset(
    """
    .docx .docm .dotx .xlsx .xlsm .xlsb .xltx .pptx .pptm .ppsx .vsdx .odt .ods .odp .odg .odf .ott
    .ots .pages .numbers .key .epub .jar .war .ear .apk .aab .aar .ipa .whl .xpi .vsix .nupkg .npz
    .pt .pth .keras .kmz .3mf .sketch .idml
    """.split()
)


def kind_of(path: Path) -> Literal["", "zip", "tar"]:
    """Returns `zip` or `tar` for an archive of files, recognised by content, else "".

    A document that is a zip archive inside (.xlsx, .docx, .jar, .npz) is not one. A file whose name
    ends as that of a tar archive, and that is empty or packed, is one even where it is damaged.
    """
    try:
        if not path.is_file():
            return ""
        with path.open("rb") as file:
            start = file.read(BLOCK)
            if start[:4] in _ZIP:
                facts = path.stat()
                return "" if _is_document(path, (facts.st_size, facts.st_mtime_ns)) else "zip"
            if _begins_tar(_first_block(file) if is_packed(start) else start):
                return "tar"
    except OSError:
        return ""
    doubtful = not start.strip(b"\0") or is_packed(start)
    return "tar" if doubtful and path.name.lower().endswith(_TAR_NAMES) else ""


def named_archive(name: str) -> bool:
    """Returns True for a name that ends as those of archives do."""
    return name.lower().endswith(_NAMES)


def _first_block(file: IO[bytes]) -> bytes:
    file.seek(0)
    try:
        return unpacking(file).read(BLOCK)
    except DAMAGED:
        return b""


def _begins_tar(block: bytes) -> bool:
    """Returns True for the header of a member, whose checksum is right."""
    try:
        return tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape").size >= 0
    except tarfile.HeaderError:
        return False


@lru_cache(maxsize=8)
def _is_document(path: Path, stamp: tuple[int, int]) -> bool:
    if path.suffix.lower() in _OTHERS:
        return True
    try:
        with zipfile.ZipFile(path) as archive:
            names = set(archive.namelist())
            if "mimetype" in names and archive.getinfo("mimetype").file_size < 200:
                return archive.read("mimetype").startswith(b"application/")
    except (OSError, EOFError, ValueError, RuntimeError, NotImplementedError, zipfile.BadZipFile):
        return False  # damaged: it is refused where it is opened
    if names & {"[Content_Types].xml", "META-INF/MANIFEST.MF", "AndroidManifest.xml"}:
        return True
    arrays = bool(names) and all(name.endswith(".npy") for name in names)
    weights = any(name.endswith("/data.pkl") for name in names)
    return weights or (arrays and path.suffix.lower() != ".zip")
