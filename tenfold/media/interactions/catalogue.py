"""Titles and attributes of items, from files next to the interactions or from extra columns."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterable

import numpy as np
import pandas as pd

from tenfold.core.errors import DataRefused
from tenfold.core.message import Message
from tenfold.media.files import references
from tenfold.media.files.lines import decoded, opened, start_of, unified
from tenfold.media.files.listing import Entry
from tenfold.media.interactions.columns import TITLES, Grid, role_of, words_of
from tenfold.media.interactions.values import coded

__all__ = [
    "HEAD", "SEPARATORS", "Catalogue", "attribute", "attributes_of", "described", "plain",
    "without_zeros",
]  # fmt: skip

SEPARATORS = ("::", "\t", ",", ";", "|", " ")
_LISTS = re.compile(r'\s*\{\s*"(?:[^"\\]|\\.)*"\s*:\s*\[')
_KEY = re.compile(r'"((?:[^"\\]|\\.)*)"\s*:')
FLAGGED = (
    "unknown Action Adventure Animation Children's Comedy Crime Documentary Drama Fantasy "
    "Film-Noir Horror Musical Mystery Romance Sci-Fi Thriller War Western"
).split()
HEAD = 400
"""Lines that are examined to detect the layout of a file."""
MANY = 200
"""Maximum number of distinct values of an attribute; a column with more values is used only if it
has more than five times as many items as values.
"""


class Catalogue:
    """Descriptions of items: `titles` maps item to title.

    `attributes` maps the name of each attribute to a dict from value to the items that have it.
    """

    def __init__(
        self,
        titles: dict[str, str] | None = None,
        attributes: dict[str, dict[str, list[str]]] | None = None,
    ) -> None:
        self.titles, self.attributes = titles or {}, attributes or {}

    @property
    def ids(self) -> set[str]:
        """Returns the ids of all described items."""
        listed = (items for values in self.attributes.values() for items in values.values())
        return {*self.titles}.union(*listed)

    def renamed(self, names: dict[str, str]) -> Catalogue:
        """Returns a copy with other ids; items that `names` lacks are left out."""
        titles = {names[item]: title for item, title in self.titles.items() if item in names}
        attributes = {
            name: {
                value: [names[item] for item in items if item in names]
                for value, items in values.items()
            }
            for name, values in self.attributes.items()
        }
        return Catalogue(titles, attributes)

    def merge(self, other: Catalogue) -> None:
        """Adds the titles and attributes of another catalogue, which override existing ones."""
        self.titles.update(other.titles)
        self.attributes.update(other.attributes)


def plain(entry: Entry) -> str:
    """Returns the lower-case suffix of a file name, ignoring `.gz`."""
    name = entry.name.lower().removesuffix(".gz").rsplit("/", 1)[-1]
    return f".{name.rpartition('.')[2]}" if "." in name[1:] else ""


def _no_attributes(entry: Entry, error: Exception) -> DataRefused:
    name = references.printable(entry.name)
    return DataRefused(
        Message("{name} is not a JSON object of lists ({error})", name=name, error=str(error)[:80]),
        code="bad-json",
        where=name,
        fix=Message("Write the attributes of each item as a list, or remove the file."),
    )


def attributes_of(entry: Entry) -> Catalogue | None:
    """Returns the attributes in a JSON object of a list for each item; None for other files.

    Raises DataRefused where the file begins like one and is not.
    """
    if plain(entry) != ".json":
        return None
    start = decoded(unified(start_of(entry.cell)))
    if not _LISTS.match(start) or any(map(role_of, _KEY.findall(start.split("\n")[0][:4000]))):
        return None
    with opened(entry.cell) as file:
        text = decoded(unified(file.read()))
    try:
        told = json.loads(text)
        joined = {str(item): "|".join(map(str, values)) for item, values in told.items()}
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        raise _no_attributes(entry, error) from error
    about = Catalogue()
    _describe(about, "attribute", joined)
    return about


def described(grid: Grid, key: object) -> Catalogue:
    """Returns the titles and attributes of items in a table with their ids in the column `key`."""
    about, frame = Catalogue(), grid.frame
    names = [str(one) for one in frame.columns]
    if not grid.header:
        if frame.shape[1] == len(FLAGGED) + 5:
            frame = _unflagged(frame)
        more = [f"column {at}" for at in range(4, frame.shape[1] + 1)]
        names = ["item", "title", "genres", *more][: frame.shape[1]]
        key = frame.columns[0]
    ids = frame[key].map(str).str.strip()
    for name, one in zip(names, frame.columns, strict=True):
        if one != key:
            cells = frame[one].astype(object)
            _describe(
                about, name, dict(zip(ids, cells.where(cells.notna(), "").map(str), strict=True))
            )
    return about


def without_zeros(names: Iterable[str]) -> dict[str, str] | None:
    """Returns the names without leading zeros, by name; None where two would become one."""
    plain_names = {name: name.lstrip("0") or "0" for name in names}
    return plain_names if len({*plain_names.values()}) == len(plain_names) else None


def _unflagged(frame: pd.DataFrame) -> pd.DataFrame:
    """Returns id, title and genres of MovieLens-100K's items.

    The file has id, title, two dates, an address, and one flag for each genre.
    """
    flags = (frame.iloc[:, 5:].astype(str) == "1").to_numpy()
    told = ["|".join(itertools.compress(FLAGGED, row)) for row in flags]
    return pd.DataFrame({0: frame.iloc[:, 0], 1: frame.iloc[:, 1], 2: told})


def attribute(
    about: Catalogue, name: str, item: np.ndarray, items: np.ndarray, column: pd.Series
) -> None:
    """Adds a column of the interactions to the catalogue, if each item has a single value in it.

    `item` (N,) are indices into `items`, one for each interaction; `column` has N values.
    """
    codes, values = coded(column)
    pairs = pd.DataFrame({"item": item, "value": codes}).drop_duplicates()
    if pairs["item"].duplicated().any() or not len(pairs):
        return
    told = dict(zip(items[pairs["item"]], values[pairs["value"]], strict=True))
    _describe(about, name, {key: str(value) for key, value in told.items()})


def _describe(about: Catalogue, name: str, told: dict[str, str]) -> None:
    """Adds a column to the catalogue: as titles if it has such a name, else as an attribute.

    A column with too many distinct values for an attribute (see MANY) is left out. `told` maps each
    item to its text in the column; | separates several values of one item.
    """
    if words_of(name) & TITLES and not words_of(name) & {"user", "file", "class"}:
        if not about.titles:
            about.titles.update({item: title for item, title in told.items() if title})
        return
    found: dict[str, list[str]] = {}
    for item, value in told.items():
        for one in value.split("|"):
            if one.strip():
                found.setdefault(one.strip(), []).append(item)
    if 1 < len(found) <= MANY or (found and len(found) < 0.2 * len(told)):
        about.attributes[name] = found
