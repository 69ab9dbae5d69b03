"""The result of a verb: a JSON document that can also be shown as text or in a notebook."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

__all__ = ["Answers", "Document", "cell_text", "ends"]

T = TypeVar("T")


class Document(Mapping[str, Any]):
    """A read-only mapping with the keys of the JSON document; `str` gives the printed text.

    `text` is a function that returns the printed text in the current language.
    """

    def __init__(self, content: dict[str, Any], text: Callable[[], str]) -> None:
        self._content, self._text = content, text

    def __getitem__(self, name: str) -> Any:
        return self._content[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._content)

    def __len__(self) -> int:
        return len(self._content)

    def to_json(self) -> dict[str, Any]:
        """Returns the content as a dictionary."""
        return self._content

    def __str__(self) -> str:
        return self._text()

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return f"<pre>{html.escape(str(self))}</pre>"


class Answers(Iterator[T]):
    """Iterates over answers and counts those for which `failed` is True, for the exit code."""

    def __init__(self, answers: Iterator[T], failed: Callable[[T], bool]) -> None:
        self._answers, self._failed = answers, failed
        self._bad = 0

    def __next__(self) -> T:
        found = next(self._answers)
        self._bad += self._failed(found)
        return found

    @property
    def exit_code(self) -> int:
        """3 if at least one input could not be answered so far, else 0."""
        return 3 if self._bad else 0


def cell_text(text: str) -> str:
    """Returns text for a CSV cell; adds a quote if a spreadsheet would run it as a formula."""
    formula = text and text[0] in "=+-@\t\r" and not _FIGURE.fullmatch(text) and not _number(text)
    return f"'{text}" if formula else text


_FIGURE = re.compile(r"[+-] ?\d[\d.,' \u00a0]*%?")
"""A number with a sign in any notation: -1,5 or +1 234.50 %."""


def _number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def ends(score: Mapping[str, Any]) -> str:
    """Returns both ends of the interval of a score as text; empty where there is no interval."""
    return "" if score["low"] is None else f"{score['low']:.4f} to {score['high']:.4f}"
