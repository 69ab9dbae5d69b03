"""Further folders of tasks, media, answer kinds and page code, found by name like tenfold's own.

`TENFOLD_ROOMS` lists folders as PATH does. Each may hold `tasks/`, `media/`, `answers/` and
`page/`, whose files are imported as if they lay in the package: `tasks/weather.py` is
`tenfold.tasks.weather`. What is listed is run as code: list only folders that you trust.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

__all__ = ["VARIABLE", "folders", "searched"]

VARIABLE = "TENFOLD_ROOMS"


def folders(room: str) -> list[Path]:
    """The folders called `room` in the listed ones, in their order; those that are not there
    are left out.
    """
    listed = [one for one in os.environ.get(VARIABLE, "").split(os.pathsep) if one]
    return [place for one in listed if (place := Path(one).resolve() / room).is_dir()]


def searched(path: Iterable[str], room: str) -> list[str]:
    """The `__path__` of a package of tenfold, followed by the listed folders of that room."""
    return [*path, *map(str, folders(room))]
