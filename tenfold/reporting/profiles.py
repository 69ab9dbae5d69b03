"""The profile of the fields of an input, such as the columns of a table, for pages and terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tenfold.answers.charts import fields as charts
from tenfold.answers.metric import number
from tenfold.core.language import say
from tenfold.core.message import translate
from tenfold.core.text import padded, short, width
from tenfold.reporting.words import share

__all__ = ["lines", "shown"]

SHOWN, PRINTED = 300, 20
"""Most fields on the page, and on the terminal."""


def _ordered(found: Mapping[str, Any], most: int) -> list[dict[str, Any]]:
    """Returns the fields to show, in the order of the data: with warnings, then by relation."""
    every = list(enumerate(found["columns"]))
    first = sorted(every, key=lambda one: (not one[1]["warnings"], -(one[1]["relation"] or 0)))
    return [one for _, one in sorted(first[:most], key=lambda pair: pair[0])]


def shown(found: Mapping[str, Any], left: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Returns the table of the page of `check`; {} without a profile.

    `left` are the things that the reader left out, as in the JSON of `Taken`.
    """
    if not found:
        return {}
    rows = _ordered(found, SHOWN)
    return {
        "columns": [
            one | {"chart": _chart(one["histogram"]), "range": _range(one)} for one in rows
        ],
        "left": [
            (name, translate(one["why"]))
            for one in left
            if one["kind"] == "columns"
            for name in one["names"]
        ],
        "drifts": any(one["drift"] is not None for one in rows),
        "warnings": list(map(translate, found["warnings"])),
        "more": len(found["columns"]) - len(rows) + found["beyond"],
        "rows": found["rows"],
    }


def _chart(found: Mapping[str, Any]) -> str:
    if found.get("levels") == []:
        return ""
    if "levels" not in found:
        return charts.small_histogram(found["counts"], say("Distribution"))
    counts = [count for _, count in found["levels"]] + [found["others"]] * (found["others"] > 0)
    return charts.small_histogram(counts, say("Distribution"), "third")


def _range(one: Mapping[str, Any]) -> str:
    """Returns the smallest and largest number, or the most frequent texts, as text."""
    found = one["histogram"]
    if "levels" in found:
        names = [short(str(name), 14) for name, _ in found["levels"][:3]]
        return ", ".join(names) + (" …" if 0 < len(names) < one["distinct"] else "")
    if "low" not in found or one["type"] == "date":
        return ""
    return say("{low} to {high}", low=number(found["low"]), high=number(found["high"]))


def lines(found: Mapping[str, Any]) -> list[str]:
    """Returns the profile as lines for the terminal: a table with aligned columns, and warnings."""
    if not found:
        return []
    rows = [[say("column"), say("type"), say("missing"), say("distinct"), say("relation")]]
    some = _ordered(found, PRINTED)
    rows += [
        [short(one["name"], 40), translate(one["title"]), share(one["missing"]),
         f"{one['distinct']:,}", "" if one["relation"] is None else f"{one['relation']:.2f}"]
        for one in some
    ]  # fmt: skip
    wide = [max(width(row[at]) for row in rows) for at in range(5)]
    told = [
        "  " + "  ".join(padded(text, wide[at], right=at > 1) for at, text in enumerate(row))
        for row in rows
    ]
    more = len(found["columns"]) - len(some) + found["beyond"]
    told += [f"  {say('and {count} more columns', count=more)}"] if more else []
    return told + [f"  {translate(one)}" for one in found["warnings"]]
