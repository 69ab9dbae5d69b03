"""Extension folders: more tasks, media, answer kinds and page code, found by name.

The environment variable `TENFOLD_ROOMS` lists folders, separated as in PATH. Each may hold the
subfolders ("rooms") `tasks/`, `media/`, `answers/` and `page/`. Their files are imported as part
of the package: `tasks/weather.py` is `tenfold.tasks.weather`. The files are run as code: list only
folders that you trust.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

__all__ = ["VARIABLE", "folders", "searched"]

VARIABLE = "TENFOLD_ROOMS"


def folders(room: str) -> list[Path]:
    """Returns the existing subfolders `room` of the extension folders, in the listed order."""
    listed = [one for one in os.environ.get(VARIABLE, "").split(os.pathsep) if one]
    return [place for one in listed if (place := Path(one).resolve() / room).is_dir()]


def searched(path: Iterable[str], room: str) -> list[str]:
    """Returns the `__path__` of a package, extended by the subfolders `room` of the extensions."""
    return [*path, *map(str, folders(room))]
