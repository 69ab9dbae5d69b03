"""The result of a verb: a JSON document that can also be shown as text or in a notebook."""

from __future__ import annotations

import html
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

from tenfold.core.progress import clock

__all__ = ["Answers", "Document", "cell_text", "score_lines", "scores_text"]

T = TypeVar("T")


class Document(Mapping[str, Any]):
    """A read-only mapping with the keys of the JSON document; `str` gives the printed text."""

    def __init__(self, content: dict[str, Any], text: str) -> None:
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
        return self._text

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return f"<pre>{html.escape(self._text)}</pre>"


class Answers(Iterator[T]):
    """Iterates over answers and counts failures for the exit code of the command line."""

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
    return f"'{text}" if text[:1] in "=+-@\t\r" and not _number(text) else text


def _number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def scores_text(found: dict[str, Any]) -> str:
    """Formats the document of `train` or `test` for the terminal."""
    lines = [f"{found['task']}: {found['protocol']}", "", *score_lines(found)]
    if again := found.get("refit"):
        lines.append(f"  trained again on {again['rows']} rows, train and validation")
    if seconds := found.get("seconds"):
        lines += ["", "  " + ", ".join(f"{key} {clock(value)}" for key, value in seconds.items())]
    if report := found.get("report"):
        run = found["run"]
        lines += ["", f"Report: {report}", "Next:", f"  tenfold predict {run} INPUT"]
        lines += [f"  tenfold explain {run} INPUT", f"  tenfold test {run} NEW-DATA"]
    return "\n".join(lines)


def score_lines(found: dict[str, Any]) -> list[str]:
    """Returns a line for each metric, then the headline on validation and of the baselines."""
    name, lines = found["headline"], []
    for metric, one in found["scores"].items():
        lines.append(
            f"  {metric:18}{one['value']:8.4f}   95 % {one['low']:.4f} to {one['high']:.4f}"
            f"   constant baseline {one['baseline']:.4f}{'  <- headline' if metric == name else ''}"
        )
    if valid := found.get("valid"):
        lines.append(f"  {name + ' (valid)':18}{valid[name]['value']:8.4f}")
    for baseline, values in found["baselines"].items():
        if name in values:
            lines.append(f"  baseline: {baseline}, {name} {values[name]:.4f}")
    return lines
