"""Lists of items given for prediction: texts, tuples, or files of interactions."""

from __future__ import annotations

import itertools
import os
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from tenfold.core.columns import Problem
from tenfold.core.errors import TenfoldError
from tenfold.core.message import Message
from tenfold.media.files import references
from tenfold.media.files.listing import neighbours
from tenfold.media.input import InputRow
from tenfold.media.interactions import read
from tenfold.media.interactions.values import is_measure

__all__ = ["entries", "plausibility", "rows"]
SEEN = 1000
"""Number of entries whose notation is examined."""


def plausibility(cells: Sequence[Any]) -> float:
    """Returns 0 where the entries of lists are measured numbers, such as 4.01; 1 for names."""
    lists = (cell for cell in cells if _is_list(cell))
    entries = (str(one).partition("=")[0].strip() for cell in lists for one in cell)
    some = pd.Series(list(itertools.islice(entries, SEEN)), dtype=str)
    return 0.0 if len(some) and is_measure(some) else 1.0


def rows(source: Any, numbers: Iterator[int]) -> Iterator[InputRow]:
    """Yields one row for each list of items.

    A text is a list with | between its entries, or the path of a file of interactions, which gives
    one list for each user; `-` reads one list from each line of standard input.
    """
    if isinstance(source, (str, Path)):
        yield from _list_named(str(source))
    elif _is_list(source) and not any(map(_is_list, source)) and not _texts_alone(source):
        yield tuple(map(str, source)), f"input {next(numbers)}"
    elif isinstance(source, (list, tuple, pd.Series)) or hasattr(source, "__next__"):
        for one in source:
            if _is_list(one):
                yield tuple(map(str, one)), f"input {next(numbers)}"
            else:
                yield from rows(one, numbers)
    else:
        yield (str(source),), f"input {next(numbers)}"


def _is_list(one: Any) -> bool:
    return isinstance(one, (list, tuple, np.ndarray))


def _texts_alone(source: Any) -> bool:
    """Returns True where all entries are texts or paths, so that each is a list of its own."""
    return all(isinstance(one, (str, Path)) for one in source)


def _list_named(name: str) -> Iterator[InputRow]:
    if name == "-":
        for number, line in enumerate(getattr(sys.stdin, "buffer", sys.stdin), 1):
            text = line if isinstance(line, str) else line.decode("utf-8", "replace")
            if text.strip():
                yield entries(text), f"line {number}"
    elif os.path.lexists(name):
        yield from _people(Path(name))
    elif _TABLE.fullmatch(name):
        yield (
            Problem("missing-file", Message("does not exist"), neighbours(Path(name))),
            name,
        )
    else:
        yield entries(name), references.printable(name if len(name) <= 60 else f"{name[:57]}...")


_TABLE = re.compile(r"\S+\.(csv|tsv|txt|dat|data|parquet|gz|zip)", re.I)


def entries(text: str) -> tuple[str, ...]:
    """Returns the entries of a list written as one text with | between them."""
    return tuple(one.strip() for one in text.split("|") if one.strip())


def _people(path: Path) -> Iterator[InputRow]:
    """Yields the items of each user in a file of interactions, in order.

    An item with a rating is written as `item=rating`, one that was returned or cancelled as
    `item=-1`.
    """
    try:
        found = read.read(path)
    except TenfoldError as error:
        yield Problem(error.code, error.message, error.fix), str(path)
        return
    starts = np.searchsorted(found.user, np.arange(len(found.users) + 1))
    for user, (start, end) in enumerate(itertools.pairwise(starts)):
        names = map(str, found.items[found.item[start:end]])
        marks = np.where(found.no[start:end], -1.0, found.rating[start:end])
        pairs = zip(names, marks.tolist(), strict=True)
        told = (name if mark != mark else f"{name}={mark:g}" for name, mark in pairs)  # NaN = none
        yield tuple(told), f"user {found.users[user]}"
    for source, problem in found.problems:
        yield problem, source
