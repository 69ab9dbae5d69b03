"""Files given by name for prediction: files, folders, globs, archives, names on standard input.

Nothing is decoded here; an input that cannot be read gives a row with its problem.
"""

from __future__ import annotations

import glob
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from tenfold.core.columns import Problem
from tenfold.core.errors import TenfoldError
from tenfold.core.message import Message
from tenfold.media.files import references
from tenfold.media.files.listing import Entry, Tree, is_archive, neighbours, open_tree
from tenfold.media.input import InputRow, NamedRows

__all__ = ["named", "rows"]

FileFits = Callable[[Tree, Entry], bool]
"""Function that is True for a file of a folder or archive that the medium reads."""


def rows(source: Any, numbers: Iterator[int], named: NamedRows) -> Iterator[InputRow]:
    """Yields the input rows of a name, array, bytes object or open file, or of a list of these.

    `named` yields the rows of a name, which may stand for several files. An array with four axes
    gives a row for each entry of its first axis. `numbers` numbers the inputs without a name.
    """
    if isinstance(source, (str, Path)):
        yield from named(str(source))
    elif hasattr(source, "read"):
        yield source.read(), str(getattr(source, "name", f"input {next(numbers)}"))
    elif isinstance(source, (list, tuple, pd.Series)) or hasattr(source, "__next__"):
        for one in source:
            yield from rows(one, numbers, named)
    elif isinstance(source, np.ndarray) and source.ndim == 4:
        for one in source:
            yield one, f"input {next(numbers)}"
    else:
        yield source, f"input {next(numbers)}"


def named(name: str, fits: FileFits) -> Iterator[InputRow]:
    """Yields a row for each file that a name stands for; `-` reads names from standard input.

    A name is the path of a file, folder or archive, or a glob pattern. Where it matches no
    file, one row holds the Problem.
    """
    if name == "-":
        yield from _lines(fits)
    elif os.path.isdir(name) or (os.path.isfile(name) and is_archive(Path(name))):
        yield from _inside(Path(name), fits)
    elif not os.path.exists(name) and glob.has_magic(name):
        yield from _matching(name, fits)
    elif not os.path.lexists(name):
        reason, fix = Message("does not exist"), neighbours(Path(name))
        yield Problem("missing-file", reason, fix), name
    else:
        yield references.file_cell(name), name


def _matching(pattern: str, fits: FileFits) -> Iterator[InputRow]:
    found = sorted(glob.glob(pattern, recursive=True))
    for name in found:
        yield from named(name, fits)
    if not found:
        yield (
            Problem("missing-file", Message("matches no file"), Message("Check the pattern.")),
            pattern,
        )


def _lines(fits: FileFits) -> Iterator[InputRow]:
    """Yields the files named on standard input, one name on each line; names need not be UTF-8."""
    for line in getattr(sys.stdin, "buffer", sys.stdin):
        name = os.fsdecode(line).rstrip("\r\n")
        if name and name != "-":
            yield from named(name, fits)


def _inside(folder: Path, fits: FileFits) -> Iterator[InputRow]:
    """Yields the files of a folder or archive that fit the medium."""
    try:
        tree = open_tree(folder)
    except TenfoldError as error:  # a damaged archive does not stop the other inputs
        yield Problem(error.code, error.message, error.fix), str(folder)
        return
    for entry in tree.entries:
        if entry.problem or fits(tree, entry):
            yield entry.problem or entry.cell, f"{folder}/{entry.name}"
