"""Base class of a medium: everything the rest of tenfold needs to know about one kind of input.

A medium is a package in `media/` (or in a folder of `TENFOLD_ROOMS`) whose module `medium.py` holds
an instance of a final subclass; `media/registry.py` finds it by that name. The class only refers to
functions of its package. A medium that does not support a feature keeps the default method.
"""

from __future__ import annotations

import inspect
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

import numpy as np
import pandas as pd

from tenfold.core.columns import Column
from tenfold.core.language import say
from tenfold.core.message import Message
from tenfold.media import request
from tenfold.media.cover import CellCover, ColumnCover, FieldCover
from tenfold.media.files import inputs as file_inputs
from tenfold.media.files.listing import Entry, Tree
from tenfold.media.input import Input, InputRow
from tenfold.media.reading import AS_FOUND, ColumnRole, Reading

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["Medium", "OddCells", "Sizes"]


@dataclass(frozen=True)
class Sizes:
    """Sizes of the rows for the page of `check`: a table, and a histogram.

    `sides` maps the name of each measure to its smallest, median and largest value; `measured`,
    `smallest` and `largest` are headings of the table. `values` are the values of the histogram,
    empty where all are equal; `axis` is the title of its axis.
    """

    title: str
    measured: str
    smallest: str
    largest: str
    sides: dict[str, list[int]]
    axis: str
    values: np.ndarray


class OddCells(Protocol):
    """Counts what is odd in the cells of a prediction, with constant memory."""

    def see(self, cells: Iterable[Any]) -> None:
        """Looks at the next cells of the input; some may be Problems."""

    def remarks(self) -> list[Message]:
        """Returns one sentence for each kind of odd value seen, with its count."""


class Medium(ABC):
    """Base class of a medium; a subclass defines each attribute and method without a default.

    `name` is the value of `Input.medium`; `singular` and `plural` name it in sentences. A medium
    with `files` set has cells that refer to files, or hold their bytes or arrays; its rows are
    called files. Raise `version` whenever the same file would give another header or other encoded
    values.
    """

    name: ClassVar[str]
    singular: ClassVar[Message]
    plural: ClassVar[Message]
    schema: ClassVar[dict[str, Any]]
    """JSON Schema of one value in a request."""

    version: ClassVar[int] = 1
    files: ClassVar[bool] = False
    suffixes: ClassVar[frozenset[str]] = frozenset()
    """Lower-case suffixes of its files, with the dot; empty where any file is accepted."""
    unread: ClassVar[frozenset[str]] = frozenset()
    """Lower-case suffixes of its files in formats that are not read: such a file is unusable, but
    never ignored."""
    roles: ClassVar[tuple[ColumnRole, ...]] = ()
    """Roles of columns that a user can name for inputs of this medium, each with its flag."""
    arrays: ClassVar[bool] = False
    """True where an item of an IDX file can be a cell of this medium."""
    dtype: ClassVar[type] = object
    """Data type of its column in tables."""
    cell_cover: ClassVar[CellCover | None] = None
    """How explanations cover parts of a cell before encoding; None where this is not supported."""
    column_cover: ClassVar[ColumnCover | None] = None
    """How explanations cover parts of an encoded row; None where this is not supported."""
    field_cover: ClassVar[FieldCover | None] = None
    """How the fields of a cell are read and replaced; None where its inputs have no `fields`."""
    written: ClassVar[bool] = False
    """True where pages show a cell as text, see `text`."""
    drawn: ClassVar[bool] = False
    """True where a cell can be drawn as an image for `--draw`, see `draw`."""
    group_header: ClassVar[str] = ""
    """Name of a value of `header` whose rows stay in one part of a split where it is not 0 and the
    data name no groups; "" for none."""
    frames: ClassVar[bool] = False
    """True where a DataFrame given for prediction is read by `rows`, as a file is."""
    limit: ClassVar[str] = "json"
    """Name of the server setting that limits the size of a value in a request."""

    def __init_subclass__(cls) -> None:
        if cls.__mro__[1] is not Medium:
            raise TypeError(f"{cls.__name__}: a medium is final; subclass Medium, share functions")
        needed = {"name", "singular", "plural", "schema"}
        of_fields = "composed" in vars(cls)
        needed |= set() if vars(cls).get("files") or of_fields else {"take", "read"}
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
        """Returns the usual column name of this medium in a table."""
        return self.name

    @property
    def unit(self) -> str:
        """Returns the word for a row: "file" or "row"."""
        return "file" if self.files else "row"

    def looks_like(self, start: bytes) -> bool:
        """Returns True where the first bytes of a file match a format of this medium."""
        return False

    def fits(self, tree: Tree, entry: Entry) -> bool:
        """Returns True for a file of a folder or archive that belongs to this medium.

        The suffix decides; only the content of a file without a suffix is examined. A medium
        without suffixes accepts every file. A file in a format that is not read belongs to it too.
        """
        if not self.suffixes or entry.suffix in self.suffixes | self.unread:
            return True
        return not entry.suffix and self.looks_like(tree.start(entry))

    def header(self, content: Any) -> dict[str, int]:
        """Returns table columns, such as width and height, read from a file without decoding it.

        Raises Unreadable.
        """
        return {}

    def remarks(self, headers: Sequence[dict[str, int]]) -> list[Message]:
        """Returns sentences about a whole data set, from the values of `header` of its files."""
        return []

    def content(self, cell: Any) -> bytes | None:
        """Returns the bytes that a row's digest is computed from; None where the whole row is used.

        `cell` is a cell; for a medium with `files` it is the content read from it: bytes or an
        array.
        """
        if not self.files:
            return None
        if isinstance(cell, bytes):
            return cell
        array = np.ascontiguousarray(cell)
        return f"{array.shape}{array.dtype.str}".encode() + array.tobytes()

    def near_pairs(self, cells: pd.Series) -> Iterator[tuple[int, int]]:
        """Yields the row positions of each pair of cells found to be near duplicates."""
        return iter(())

    # --- prediction ---

    def rows(
        self, source: Any, numbers: Iterator[int], reading: Reading = AS_FOUND
    ) -> Iterator[InputRow]:
        """Yields input rows from a source: an input of the command line, an object, or a list.

        `numbers` supplies numbers to name the inputs that have no name. `reading` is how the data
        of the run were read.
        """
        return file_inputs.rows(source, numbers, partial(self.named, reading=reading))

    def named(self, name: str, reading: Reading = AS_FOUND) -> Iterator[InputRow]:
        """Yields the input rows for one input given on the command line.

        That is a path, a glob pattern, `-` for standard input, or the value itself, by medium.
        """
        return file_inputs.named(name, self.fits)

    def from_text(self, text: str) -> Any:
        """Returns the cell that a text in a table file stands for."""
        return text

    def survey(self, declared: Input) -> OddCells | None:
        """Returns what looks for odd values in the cells of a prediction; None for no remarks."""
        return None

    def columns(self, cell: Any) -> Mapping[str, str]:
        """Returns the columns of a row to predict as given, to be written with its answer."""
        return {}

    # --- serving ---

    def composed(self, values: Mapping[str, Any], declared: Input, reading: Reading) -> Any:
        """Returns the cell for the values of the fields of an input, None where missing.

        Each value is a cell of the medium of its field. `reading` is how the data of the run were
        read. Raises InputRefused. Only for a medium whose inputs have `fields`.
        """
        raise NotImplementedError(f"{self.name} has no fields")

    def table(self, content: bytes, reading: Reading) -> Iterator[InputRow]:
        """Yields the rows of a CSV in a request, where the inputs of the medium have `fields`.

        Raises TenfoldError where the content is not a table with the needed columns.
        """
        raise NotImplementedError(f"{self.name} has no fields")

    def take(self, value: Any) -> Any:
        """Returns the cell for a JSON value; with `files`, the bytes decoded from base64.

        Raises InputRefused.
        """
        return request.file_value(value)

    def read(self, part: bytes) -> Any:
        """Returns the cell for one part of a multipart form; with `files`, the bytes of the part.

        Raises InputRefused.
        """
        return part

    @abstractmethod
    def sample(self, declared: Input) -> Any:
        """Returns a placeholder cell for the prediction that warms up a model."""

    # --- pages: how a row is shown ---

    def plausibility(self, cells: Sequence[Any]) -> float:
        """Returns from 0 to 1 how plausible it is that a person means such cells by this medium.

        It is used to find the task of data; some cells may be of another medium in another task.
        """
        return 1.0

    def text(self, cell: Any) -> str:
        """Returns the text that pages show for a cell, where the medium is `written`."""
        return ""

    def draw(self, cell: Any) -> Image | None:
        """Returns a cell as an image for `--draw`, where the medium is `drawn`.

        Raises Unreadable.
        """
        return None

    def shows(self, column: Column) -> bool:
        """Returns True for an encoded column that `picture` can show as images."""
        return False

    def picture(self, values: np.ndarray, smallest: int = 0) -> Image | None:
        """Returns one row of an encoded column as an image.

        Its longer side is at least `smallest` pixels.
        """
        return None

    def overlay(self, values: np.ndarray, weights: Any, smallest: int = 96) -> Image | None:
        """Returns one row of an encoded column as an image under a heat map of weights."""
        return None

    def sizes(self, used: pd.DataFrame, column: str) -> Sizes | None:
        """Returns the sizes of a table's rows for the page of `check`; None where unknown."""
        return None

    # --- pages: sentences in the user's language ---

    def to_look_at(self) -> str:
        """Returns the title of the list of unusable rows and duplicates."""
        return say("Files to check") if self.files else say("Rows to check")

    def nothing_to_look_at(self) -> str:
        """Returns the sentence shown where the list of unusable rows and duplicates is empty."""
        if self.files:
            return say("None: every file can be used, and no two are the same.")
        return say("None: every row can be used, and no two are the same.")

    def split_and_read(self, split: str) -> str:
        """Returns a sentence that states the split and that every row was read once."""
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
        """Returns a description of the examples on the page of `check`.

        `encoded` states how a row is encoded.
        """
        return say("Evenly sampled from the training rows.")

    def about_changes(self) -> str:
        """Returns a description of the augmented examples on the page of `check`."""
        return say(
            "In training, each row is randomly changed in every epoch. Left: the original. "
            "Right: one augmented version."
        )

    def about_explanations(self) -> str:
        """Returns the text that explains how to read the page of `explain`."""
        return (
            say(
                "What each answer depends on: warm parts support it, blue ones oppose it. "
                "Occlusion covers one part at a time and measures the change of the probability."
            )
            + say(" ")
            + say(
                "Each map is compared with the map of the same network with random weights. If "
                "the two agreed, the map would show the input, not what the network learned."
            )
        )

    def other_than_random(self, method: str, value: str) -> str:
        """Returns a sentence that an explanation depends on the weights of the network."""
        return say(
            "With random weights the {method} map is different (rank correlation {value}).",
            method=method,
            value=value,
        )

    def not_compared(self, method: str) -> str:
        """Returns a sentence that no rank correlation with random weights can be computed."""
        return say(
            "The {method} map cannot be compared with that of random weights: one of the two maps "
            "is constant.",
            method=method,
        )

    def about_errors(self) -> str:
        """Returns the text on how to read the explanations of wrong answers in the report."""
        return say("Warm parts support the wrong answer, blue parts oppose it.")

    def same_as_random(self, method: str, value: str) -> str:
        """Returns a warning that an explanation map barely depends on the weights of the network.

        `value` is the rank correlation with the map of a network with random weights.
        """
        return say(
            "With random weights the {method} map is nearly the same (rank correlation {value}): "
            "it shows the input, not what the network learned.",
            method=method,
            value=value,
        )
