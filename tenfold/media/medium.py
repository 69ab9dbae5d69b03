"""The base class of a medium: everything that the rest of tenfold may ask about what goes in.

A medium is a package in `media/` (or in a folder of `TENFOLD_ROOMS`) whose module `medium.py` holds
an instance of a final subclass; `media/registry.py` finds it by that name. The class only names the
functions of its package. An ability that a medium lacks keeps the default below.
"""

from __future__ import annotations

import inspect
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pandas as pd

from tenfold.core.columns import Column
from tenfold.core.language import say
from tenfold.media import request
from tenfold.media.cover import CellCover, ColumnCover
from tenfold.media.files import inputs as file_inputs
from tenfold.media.files.listing import Entry, Tree
from tenfold.media.input import Input, InputRow

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["Medium", "Sizes"]


@dataclass(frozen=True)
class Sizes:
    """How large the rows are: the words of a table, and the values that a chart spreads.

    `sides` holds smallest, median and largest by name; `values` is empty where all are equal.
    """

    title: str
    measured: str
    smallest: str
    largest: str
    sides: dict[str, list[int]]
    chart: str
    axis: str
    values: np.ndarray


class Medium(ABC):
    """One medium. Subclass once; attributes and methods without a default must be given.

    `name` is what `Input.medium` says, `singular` and `plural` its word in sentences. A medium of
    `files` has cells that name files, or hold their bytes or arrays; a row of it is called a file.
    `version` is raised whenever the same file would give another header or other values.
    """

    name: ClassVar[str]
    singular: ClassVar[str]
    plural: ClassVar[str]
    schema: ClassVar[dict[str, Any]]
    """JSON Schema of a value in a request."""

    version: ClassVar[int] = 1
    files: ClassVar[bool] = False
    suffixes: ClassVar[frozenset[str]] = frozenset()
    """Suffixes of its files, lower case with the dot; empty = whatever is in a folder."""
    arrays: ClassVar[bool] = False
    """True where the items of an IDX file are cells of it."""
    dtype: ClassVar[type] = object
    """Type of its column in tables."""
    cell_cover: ClassVar[CellCover | None] = None
    """How parts of a cell are covered before it is encoded."""
    column_cover: ClassVar[ColumnCover | None] = None
    """How parts of an encoded row are covered."""
    written: ClassVar[bool] = False
    """True where pages show a cell as a text, see `text`."""
    drawn: ClassVar[bool] = False
    """True where a cell can be drawn for `--draw`, see `draw`."""
    limit: ClassVar[str] = "json"
    """Setting of the server that limits the size of a part of a form."""

    def __init_subclass__(cls) -> None:
        if cls.__mro__[1] is not Medium:
            raise TypeError(f"{cls.__name__}: a medium is final; subclass Medium, share functions")
        needed = {"name", "singular", "plural", "schema"}
        needed |= set() if vars(cls).get("files") else {"take", "read"}
        lacking = needed - vars(cls).keys()
        if lacking:
            raise TypeError(f"{cls.__name__} lacks {sorted(lacking)}")
        known, own = vars(Medium), vars(cls)
        if stray := {name for name in own if not name.startswith("_") and name not in known} - {
            *inspect.get_annotations(Medium)
        }:
            raise TypeError(f"{cls.__name__} adds public names {sorted(stray)}")

    # --- reading ---

    @property
    def column(self) -> str:
        """The usual column of a table."""
        return self.name

    @property
    def unit(self) -> str:
        """What a row is called: file or row."""
        return "file" if self.files else "row"

    def looks_like(self, start: bytes) -> bool:
        """True where the first bytes of a file are those of this medium."""
        return False

    def fits(self, tree: Tree, entry: Entry) -> bool:
        """True for a file of a folder or archive that is of this medium: by suffix, else content.

        A medium without suffixes takes every file.
        """
        if not self.suffixes or entry.suffix in self.suffixes:
            return True
        return not entry.suffix and self.looks_like(tree.start(entry))

    def header(self, content: Any) -> dict[str, int]:
        """Columns of the table from what was read of a file, without decoding it.

        Raises Unreadable.
        """
        return {}

    def content(self, cell: Any) -> bytes | None:
        """Bytes that a row's digest is made of; None where only the whole row tells it apart.

        `cell` is a cell, for a medium of files what was read from it: bytes or an array.
        """
        if not self.files:
            return None
        if isinstance(cell, bytes):
            return cell
        array = np.ascontiguousarray(cell)
        return f"{array.shape}{array.dtype.str}".encode() + array.tobytes()

    def near_pairs(self, cells: pd.Series) -> Iterator[tuple[int, int]]:
        """Positions of two cells that are near copies of each other, pair by pair."""
        return iter(())

    # --- prediction ---

    def rows(self, source: Any, numbers: Iterator[int]) -> Iterator[InputRow]:
        """Rows of whatever is handed over: names, objects, lists of these.

        `numbers` counts those without a name.
        """
        return file_inputs.rows(source, numbers, self.named)

    def named(self, name: str) -> Iterator[InputRow]:
        """Rows of a name on the command line."""
        return file_inputs.named(name, self.fits)

    def from_text(self, text: str) -> Any:
        """The cell that a text in a table file stands for."""
        return text

    # --- serving ---

    def take(self, value: Any) -> Any:
        """The cell of a JSON value; of a medium of files the bytes behind base64.

        Raises InputRefused.
        """
        return request.file_value(value)

    def read(self, part: bytes) -> Any:
        """The cell of a part of a form; of a medium of files the part itself.

        Raises InputRefused.
        """
        return part

    @abstractmethod
    def sample(self, declared: Input) -> Any:
        """A cell for the first prediction, which warms a model."""

    # --- pages: what is shown of a row ---

    def text(self, cell: Any) -> str:
        """A cell as a text to show, where the medium is `written`."""
        return ""

    def draw(self, cell: Any) -> Image | None:
        """A cell as a picture for `--draw`, where the medium is `drawn`.

        Raises Unreadable.
        """
        return None

    def shows(self, column: Column) -> bool:
        """True for an encoded column of which `picture` makes pictures."""
        return False

    def picture(self, values: np.ndarray, smallest: int = 0) -> Image | None:
        """One row of an encoded column as a picture of at least `smallest` pixels a side."""
        return None

    def overlay(self, values: np.ndarray, weights: Any, smallest: int = 96) -> Image | None:
        """The same picture under a heat map of the weights of an explanation."""
        return None

    def sizes(self, used: pd.DataFrame, column: str) -> Sizes | None:
        """How large the rows of a table are, for the page of `check`."""
        return None

    # --- pages: sentences, in the language that is spoken ---

    def to_look_at(self) -> str:
        """Title of the list of unusable rows and copies."""
        return say("Files to look at") if self.files else say("Rows to look at")

    def nothing_to_look_at(self) -> str:
        """What stands there where the list is empty."""
        if self.files:
            return say("None: every file can be used, and no two are the same.")
        return say("None: every row can be used, and no two are the same.")

    def split_and_read(self, split: str) -> str:
        """How the rows were split, and that they were read once."""
        if self.files:
            return say(
                "Split: {split}. Every file was decoded once; nothing was written to the data.",
                split=split,
            )
        return say(
            "Split: {split}. Every row was read once; nothing was written to the data.",
            split=split,
        )

    def about_examples(self, encoded: str) -> str:
        """What the examples on the page of `check` are; `encoded` says how a row is encoded."""
        return say("Spread over the rows to learn from.")

    def about_changes(self) -> str:
        """What augmented examples on the page of `check` are."""
        return say(
            "Learning sees every row a little changed each time: left as it is, right one of its "
            "changes."
        )

    def about_explanations(self) -> str:
        """How the page of `explain` is read."""
        return (
            say(
                "What each answer rests on: warm parts speak for it, blue ones against. Occlusion "
                "covers a part at a time and asks again how sure the answer still is."
            )
            + say(" ")
            + say(
                "Each map is compared with that of the same network with random weights: if they "
                "agreed, it would show the input and not what the network learnt."
            )
        )

    def about_errors(self) -> str:
        """How an explanation beside a wrong answer of the report is read."""
        return say(
            "Parts are warm where the wrong answer rests on them, blue where they speak against it."
        )

    def same_as_random(self, method: str, value: str) -> str:
        """That a map does not change with the weights of the network; `value` is a correlation."""
        return say(
            "With random weights the {method} map is nearly the same (rank correlation {value}): "
            "it shows the input, not what the network learnt.",
            method=method,
            value=value,
        )
