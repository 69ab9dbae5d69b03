"""Files for the browser: the web page and the API documentation, each a fixed list.

Folders are listed once at the start and read into memory; no path is ever built from a request.
"""

from __future__ import annotations

import re
from pathlib import Path

from tenfold.core import rooms

__all__ = ["MEDIA", "files"]

MEDIA = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".png": "image/png",
}

DRAWER = re.compile(r"(answers|media)/[a-z0-9-]+\.js")
"""Files that a folder of TENFOLD_ROOMS may add: page code of an answer kind or a medium."""


def files(folder: str) -> dict[str, tuple[bytes, str]]:
    """Content and media type of files by name, such as "page.js" or "answers/label.js".

    The files come from the folder of that name beside this module and in TENFOLD_ROOMS; where names
    are equal, tenfold's own file is used, then that of the earlier folder.
    """
    found = _read(Path(__file__).parent / folder)
    for place in rooms.folders(folder):
        added = {name: one for name, one in _read(place).items() if DRAWER.fullmatch(name)}
        found = added | found
    return found


def _read(folder: Path) -> dict[str, tuple[bytes, str]]:
    """Content and media type of all files below a folder that a browser can load."""
    paths = sorted(path for path in folder.rglob("*") if path.suffix in MEDIA and path.is_file())
    return {
        path.relative_to(folder).as_posix(): (path.read_bytes(), MEDIA[path.suffix])
        for path in paths
    }
