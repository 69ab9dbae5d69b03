"""Files that a browser loads: the page and the documentation of the routes. A fixed list each.

Folders are listed once at the start and read into memory; no path is ever joined from a request.
"""

from __future__ import annotations

from pathlib import Path

__all__ = ["MEDIA", "files"]

MEDIA = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".png": "image/png",
}


def files(folder: str) -> dict[str, tuple[bytes, str]]:
    """Content and media type by name, of the files of a folder beside this file."""
    places = (Path(__file__).parent / folder).iterdir()
    return {
        place.name: (place.read_bytes(), MEDIA[place.suffix])
        for place in sorted(places)
        if place.suffix in MEDIA
    }
