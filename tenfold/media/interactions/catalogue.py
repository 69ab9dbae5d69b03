"""Titles and attributes of items, from files next to the interactions or from extra columns."""

from __future__ import annotations

import io
import itertools
import json
import re

import numpy as np
import pandas as pd

from tenfold.core.errors import DataRefused
from tenfold.core.message import Message
from tenfold.media.files import references
from tenfold.media.files.lines import encoding_of, opened, unified
from tenfold.media.files.listing import Entry
from tenfold.media.interactions.columns import coded, role_of

__all__ = ["HEAD", "SEPARATORS", "Catalogue", "attribute", "described", "describes", "plain"]

TITLES = "title name titel 标题 名称 片名 书名".split()
SEPARATORS = ("::", "\t", ",", ";", "|", " ")
_DESCRIBING = re.compile(
    r"(movies|items?|products?|books|artists|u\.item|movie|item_?info)(\.|$)", re.I
)
_ATTRIBUTES = re.compile(r".*item.*attributes?.*\.json", re.I)
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

    def merge(self, other: Catalogue) -> None:
        """Adds the titles and attributes of another catalogue, which override existing ones."""
        self.titles.update(other.titles)
        self.attributes.update(other.attributes)


def plain(entry: Entry) -> str:
    """Returns the lower-case suffix of a file name, ignoring `.gz`."""
    name = entry.name.lower().removesuffix(".gz").rsplit("/", 1)[-1]
    return f".{name.rpartition('.')[2]}" if "." in name[1:] else ""


def describes(name: str) -> bool:
    """Returns True where a file name is usual for descriptions of items."""
    return bool(_ATTRIBUTES.fullmatch(name.removesuffix(".gz")) or _DESCRIBING.match(name))


def _no_attributes(entry: Entry, error: Exception) -> DataRefused:
    name = references.printable(entry.name)
    return DataRefused(
        Message("{name} is not a JSON object of lists ({error})", name=name, error=str(error)[:80]),
        code="bad-json",
        where=name,
        fix=Message("Write the attributes of each item as a list, or remove the file."),
    )


def described(entry: Entry) -> Catalogue:
    """Returns item descriptions read from JSON, or from a table of id, title and more columns."""
    about = Catalogue()
    with opened(entry.cell) as file:
        data = unified(file.read())
    text = data.decode(encoding_of(data[: 1 << 18]), "replace").removeprefix("\ufeff")
    if plain(entry) == ".json":
        try:
            told = json.loads(text)
            joined = {str(item): "|".join(map(str, values)) for item, values in told.items()}
        except (ValueError, TypeError, AttributeError, RecursionError) as error:
            raise _no_attributes(entry, error) from error
        _describe(about, "attribute", joined)
        return about
    head = [line for line in text.split("\n")[:HEAD] if line.strip()]
    if len(separators := [one for one in SEPARATORS[:-1] if all(one in line for line in head)]) < 1:
        return about
    separator, data = separators[0], text.encode()
    if len(separator) > 1:
        data, separator = data.replace(separator.encode(), b"\x1f"), "\x1f"
    frame = pd.read_csv(
        io.BytesIO(data), sep=separator, header=None, dtype=str, keep_default_na=False,
        on_bad_lines="skip", quoting=0 if separator == "," else 3,
    )  # fmt: skip
    names = [str(one) for one in frame.iloc[0]]
    header = any(role_of(one) == "item" or one.strip().lower() in ("id", *TITLES) for one in names)
    if header:
        frame = frame.iloc[1:]
    elif frame.shape[1] == len(FLAGGED) + 5:
        frame = _unflagged(frame)
        names = ["item", "title", "genres"]
    else:
        names = ["item", "title", "genres", *(f"column {at}" for at in range(4, len(names) + 1))]
    for at in range(1, frame.shape[1]):
        _describe(about, names[at], dict(zip(frame[0].str.strip(), frame[at], strict=True)))
    return about


def _unflagged(frame: pd.DataFrame) -> pd.DataFrame:
    """Returns id, title and genres of MovieLens-100K's items.

    The file has id, title, two dates, an address, and one flag for each genre.
    """
    flags = (frame.iloc[:, 5:] == "1").to_numpy()
    told = ["|".join(itertools.compress(FLAGGED, row)) for row in flags]
    return pd.DataFrame({0: frame[0], 1: frame[1], 2: told})


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
    """Adds a column to the catalogue: as titles, or as an attribute if it has few distinct values.

    `told` maps each item to its text in the column; | separates several values of one item.
    """
    if name.strip().lower() in TITLES:
        about.titles.update(told)
        return
    found: dict[str, list[str]] = {}
    for item, value in told.items():
        for one in value.split("|"):
            if one.strip():
                found.setdefault(one.strip(), []).append(item)
    if 1 < len(found) <= MANY or (found and len(found) < 0.2 * len(told)):
        about.attributes[name] = found
