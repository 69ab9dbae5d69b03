"""The list of media: a package with a module `medium.py` in a room of media is found by itself."""

from __future__ import annotations

import functools
import importlib
from collections.abc import Mapping
from pathlib import Path

from tenfold.core.columns import Column
from tenfold.core.errors import ArtefactRefused, UsageError
from tenfold.core.rooms import folders
from tenfold.media.input import Input
from tenfold.media.medium import Medium

__all__ = ["known", "media_of", "medium_of", "shown"]


@functools.cache
def known() -> dict[str, Medium]:
    """Every medium by its name, in the order of the packages' names.

    Raises UsageError where two have one name.
    """
    rooms = [Path(__file__).parent, *folders("media")]
    packages = sorted({path.parent.name for room in rooms for path in room.glob("*/medium.py")})
    modules = [importlib.import_module(f"tenfold.media.{name}.medium") for name in packages]
    every = [one for module in modules for one in vars(module).values() if isinstance(one, Medium)]
    found = {one.name: one for one in every}
    if twice := [one.name for one in every if found[one.name] is not one]:
        raise UsageError(
            f"There are two media called {twice[0]!r}",
            code="bad-setting",
            where="TENFOLD_ROOMS",
            fix="Rename one of them.",
        )
    return found


def medium_of(declared: Input) -> Medium:
    """The medium of a declared input.

    Raises ArtefactRefused where tenfold does not know it.
    """
    if declared.medium not in known():
        raise ArtefactRefused(
            f"The run takes {declared.medium!r}, a medium that is not known here",
            code="run-unbuildable",
            fix="Update tenfold.",
        )
    return known()[declared.medium]


def media_of(inputs: Mapping[str, Input]) -> dict[str, Medium]:
    """The medium of each declared input, by the name of its column.

    Raises ArtefactRefused where tenfold does not know one.
    """
    return {name: medium_of(one) for name, one in inputs.items()}


def shown(media: Mapping[str, Medium], arrays: Mapping[str, Column]) -> dict[str, Medium]:
    """The encoded columns that can be shown as pictures, each with the medium that shows it.

    A column of the same name as an input belongs to that input, any other to the first that fits.
    """
    found = {}
    for name, column in arrays.items():
        own = [media[name]] if name in media else list(media.values())
        fitting = next((one for one in own if one.shows(column)), None)
        if fitting is not None:
            found[name] = fitting
    return found
