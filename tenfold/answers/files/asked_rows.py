"""Columns of the table given for prediction, written beside the answers after one header."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from tenfold.core.columns import Problem
from tenfold.core.message import Message
from tenfold.core.progress import tell

__all__ = ["NONE", "AskedRows"]

NONE: Mapping[str, str] = MappingProxyType({})
HELD = 10_000
"""Maximum number of rows that wait for the first row with columns of its own."""


class AskedRows:
    """Writes rows of answers, each beside its cells in the table given for prediction.

    The columns are those of the first row that could be read: the asked columns. `start(names)`
    writes the header with the asked columns, `row(source, cells, answer)` a row with
    their cells. A row that could not be read has no asked columns: it waits for the first one that
    has, and its cells are blank.
    """

    def __init__(
        self,
        start: Callable[[Sequence[str]], None],
        row: Callable[[str, list[str], Any], None],
    ) -> None:
        self._start, self._row = start, row
        self._names: list[str] | None = None
        self._held: list[tuple[str, Any]] = []
        self._known: set[str] = set()
        self._left: set[str] = set()

    def write(self, source: str, answer: Any, asked: Mapping[str, str] = NONE) -> None:
        """Writes one answer."""
        if self._names is None:
            if not asked and isinstance(answer, Problem) and len(self._held) < HELD:
                self._held.append((source, answer))
                return
            self._begin(list(asked))
        names = self._names or []
        if asked.keys() != self._known:
            self._left |= asked.keys() - self._known
        self._row(source, [asked.get(name, "") for name in names], answer)

    def _begin(self, names: list[str]) -> None:
        self._names, self._known = names, {*names}
        self._start(names)
        for source, answer in self._held:
            self._row(source, [""] * len(names), answer)
        self._held.clear()

    def close(self) -> None:
        """Writes the header if no row had columns; prints the columns that were left out."""
        if self._names is None:
            self._begin([])
        if self._left:
            tell(
                Message(
                    "The output has the columns of the first table; left out: {columns}",
                    columns=", ".join(sorted(self._left))[:400],
                )
            )
