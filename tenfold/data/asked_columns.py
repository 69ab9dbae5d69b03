"""The columns of the rows to predict as they were given, to be written beside the answers."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from typing import Any

from tenfold.media.input import Input
from tenfold.media.registry import media_of
from tenfold.task import Answer, Table

__all__ = ["AskedColumns"]


class AskedColumns:
    """Keeps the asked columns of the current table; `current` are those of the current answer."""

    def __init__(self, inputs: dict[str, Input]) -> None:
        self.current: Mapping[str, str] = {}
        self._media = media_of(inputs)
        self._rows: dict[str, deque[Mapping[str, str]]] = {}

    def noted(self, tables: Iterator[Table]) -> Iterator[Table]:
        """Yields the tables of inputs unchanged, and keeps the columns of the current one."""
        for table in tables:
            self._rows.clear()
            cells = {name: table[name] for name in self._media}
            for row, source in enumerate(table["source"]):
                found: dict[str, str] = {}
                for name, medium in self._media.items():
                    found |= medium.columns(cells[name].iloc[row])
                if found:
                    self._rows.setdefault(source, deque()).append(found)
            yield table

    def followed(self, answers: Iterator[tuple[str, Any]]) -> Iterator[tuple[str, Answer]]:
        """Yields the answers unchanged; sets `current` before each.

        Rows with the same name are answered in their order. An answer to a part of an input has the
        columns of that input.
        """
        for source, answer in answers:
            rows = self._rows.get(source) or self._rows.get(source.rpartition("#")[0])
            self.current = {} if not rows else rows.popleft() if len(rows) > 1 else rows[0]
            yield source, answer
