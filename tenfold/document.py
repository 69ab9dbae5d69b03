"""What a verb answers: one JSON document, and the same as text and in a notebook."""

from __future__ import annotations

import html
from collections.abc import Iterator, Mapping
from typing import Any

from tenfold.progress import clock

__all__ = ["Document", "scores_text"]


class Document(Mapping[str, Any]):
    """Keys as the JSON document has them; `str` is what the command line prints."""

    def __init__(self, content: dict[str, Any], text: str) -> None:
        self._content, self._text = content, text

    def __getitem__(self, name: str) -> Any:
        return self._content[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._content)

    def __len__(self) -> int:
        return len(self._content)

    def to_json(self) -> dict[str, Any]:
        """The document itself."""
        return self._content

    def __str__(self) -> str:
        return self._text

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return f"<pre>{html.escape(self._text)}</pre>"


def scores_text(found: dict[str, Any]) -> str:
    """The document of `train` and `test` as a person reads it on a terminal."""
    name = found["headline"]
    lines = [f"{found['kind']}: {found['protocol']}", ""]
    for metric, one in found["scores"].items():
        lines.append(
            f"  {metric:18}{one['value']:8.4f}   95 % {one['low']:.4f} to {one['high']:.4f}"
            f"   best constant guess {one['guess']:.4f}{'  <- headline' if metric == name else ''}"
        )
    if valid := found.get("valid"):
        lines.append(f"  {name + ' (valid)':18}{valid[name]['value']:8.4f}")
    for baseline, values in found["baselines"].items():
        if name in values:
            lines.append(f"  baseline: {baseline}, {name} {values[name]:.4f}")
    if seconds := found.get("seconds"):
        lines += ["", "  " + ", ".join(f"{key} {clock(value)}" for key, value in seconds.items())]
    if report := found.get("report"):
        run = found["run"]
        lines += ["", f"Report: {report}", "Next:", f"  tenfold predict {run} FILES"]
        lines += [f"  tenfold explain {run} FILES", f"  tenfold test {run} NEW-DATA"]
    return "\n".join(lines)
