"""Declaration of one input of a task."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tenfold.media.reading import Reading

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Input", "InputRow", "NamedRows"]


@dataclass(frozen=True)
class Input:
    """One input given by the user: the name of its medium, and the possible values, if limited.

    An input with `fields` is composed of these, by name: a server and its page ask for a value for
    each of them, and the medium makes one cell of the values (`Medium.composed`). `typical` is the
    usual value of a field in the training rows, as its medium stores it, None where it is missing.

    `file` reads a file or folder that is given for prediction as the training data were read. It
    returns a table with the input and `source`, or None where the medium reads the file.
    """

    medium: str
    choices: tuple[str, ...] = ()
    file: Callable[[Path, Reading], pd.DataFrame | None] | None = None
    fields: Mapping[str, Input] = field(default_factory=dict, hash=False)
    typical: Any = None


InputRow = tuple[Any, str]
"""A cell, and the name that its prediction is listed under."""

NamedRows = Callable[[str], Iterator[InputRow]]
"""Function that yields the input rows for a name given on the command line."""
