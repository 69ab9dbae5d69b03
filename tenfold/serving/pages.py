"""Files that a browser loads: the page and the documentation of the routes. A fixed list each.

Folders are listed once at the start and read into memory; no path is ever joined from a request.
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
"""What a folder of TENFOLD_ROOMS may add: page code of an answer or a medium."""


def files(folder: str) -> dict[str, tuple[bytes, str]]:
    """Content and media type by name ("page.js", "answers/label.js"), of the files of a folder
    beside this file and of the folders of that name in TENFOLD_ROOMS; ours and earlier ones win.
    """
    found = _read(Path(__file__).parent / folder)
    for place in rooms.folders(folder):
        added = {name: one for name, one in _read(place).items() if DRAWER.fullmatch(name)}
        found = added | found
    return found


def _read(folder: Path) -> dict[str, tuple[bytes, str]]:
    """The files in a folder and the folders in it that a browser can load."""
    paths = sorted(path for path in folder.rglob("*") if path.suffix in MEDIA and path.is_file())
    return {
        path.relative_to(folder).as_posix(): (path.read_bytes(), MEDIA[path.suffix])
        for path in paths
    }
