"""Finds all media: the packages with a module `medium.py` in `media/` and extension folders."""

from __future__ import annotations

import functools
import importlib
from collections.abc import Mapping
from pathlib import Path

from tenfold.core.columns import Column
from tenfold.core.errors import ArtefactRefused, UsageError
from tenfold.core.message import Message
from tenfold.core.rooms import folders
from tenfold.media.input import Input
from tenfold.media.medium import Medium

__all__ = ["known", "media_of", "medium_of", "shown"]


@functools.cache
def known() -> dict[str, Medium]:
    """Returns all media by name, in the order of the packages' names.

    Raises UsageError where two media have the same name.
    """
    rooms = [Path(__file__).parent, *folders("media")]
    packages = sorted({path.parent.name for room in rooms for path in room.glob("*/medium.py")})
    modules = [importlib.import_module(f"tenfold.media.{name}.medium") for name in packages]
    every = [one for module in modules for one in vars(module).values() if isinstance(one, Medium)]
    found = {one.name: one for one in every}
    if twice := [one.name for one in every if found[one.name] is not one]:
        raise UsageError(
            Message("Two media have the name {name!r}", name=twice[0]),
            code="bad-setting",
            where="TENFOLD_ROOMS",
            fix=Message("Rename one of them."),
        )
    return found


def medium_of(declared: Input) -> Medium:
    """Returns the medium of a declared input.

    Raises ArtefactRefused where the medium is unknown.
    """
    if declared.medium not in known():
        raise ArtefactRefused(
            Message(
                "The run takes inputs of the unknown medium {medium!r}", medium=declared.medium
            ),
            code="run-unbuildable",
            fix=Message("Update tenfold."),
        )
    return known()[declared.medium]


def media_of(inputs: Mapping[str, Input]) -> dict[str, Medium]:
    """Returns the medium of each declared input, by column name.

    Raises ArtefactRefused where a medium is unknown.
    """
    return {name: medium_of(one) for name, one in inputs.items()}


def shown(media: Mapping[str, Medium], arrays: Mapping[str, Column]) -> dict[str, Medium]:
    """Returns the encoded columns that can be shown as images, each with the medium that shows it.

    A column named like an input is shown by the medium of that input, any other column by the first
    medium that accepts it.
    """
    found = {}
    for name, column in arrays.items():
        own = [media[name]] if name in media else list(media.values())
        fitting = next((one for one in own if one.shows(column)), None)
        if fitting is not None:
            found[name] = fitting
    return found
