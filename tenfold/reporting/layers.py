"""The layers of a network as a table for the terminal, in the current language."""

from __future__ import annotations

from typing import Any

from tenfold.core.language import say
from tenfold.core.message import translate
from tenfold.core.text import padded, width
from tenfold.networks.summary import totals

__all__ = ["text"]


def text(rows: list[dict[str, Any]]) -> str:
    """Returns the table of layers as text for a terminal; the last line holds the totals."""
    heads = ("", say("layer"), say("output"), say("parameters"), "FLOPs")
    cells = [heads, *(_cells(row) for row in rows)]
    whole = totals(rows)
    cells.append(("", say("all"), "", f"{whole['parameters']:,}", _many(whole["flops"])))
    widths = [max(map(width, column)) for column in zip(*cells, strict=True)]
    return "\n".join(_line(row, widths) for row in cells)


def _cells(row: dict[str, Any], longest: int = 58) -> tuple[str, ...]:
    layer = translate(row["layer"])
    what = layer if len(layer) <= longest else f"{layer[: longest - 3]}..."
    shape = " x ".join(map(str, row["shape"]))
    weights = f"{row['parameters']:,}" if row["parameters"] else ""
    return str(row["number"]), what, shape, weights, _many(row["flops"]) if row["flops"] else ""


def _line(row: tuple[str, ...], widths: list[int]) -> str:
    """One line of the table: text aligned left, numbers aligned right."""
    number, what, shape, weights, flops = zip(row, widths, strict=True)
    right = "  ".join(padded(cell, wide, right=True) for cell, wide in (weights, flops))
    left = f"{number[0]:>{number[1]}}  {padded(*what)}  {padded(*shape)}"
    return f"  {left}  {right}".rstrip()


def _many(count: int) -> str:
    """A large number in short form: 12,345,678 as `12.3 M`."""
    for power, sign in ((12, "T"), (9, "G"), (6, "M"), (3, "k")):
        if count >= 10**power:
            return f"{count / 10**power:.1f} {sign}"
    return str(count)
