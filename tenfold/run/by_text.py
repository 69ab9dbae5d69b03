"""Scores by the values of a column as text, in the current language: see `by_values`."""

from __future__ import annotations

from typing import Any

from tenfold.answers.names import column, metric
from tenfold.core.language import plural, say
from tenfold.core.message import translate
from tenfold.core.text import padded, width

__all__ = ["by_lines", "summary", "why_not_judged"]

SHOWN = 12
"""Maximum number of values of a column on the terminal."""
LONGEST = 40
"""Maximum number of characters of a value on the terminal."""
CLASSES_NAMED = 3


def by_lines(found: dict[str, Any]) -> list[str]:
    """Returns the lines for the terminal: each value with its score, the worst first."""
    lines = []
    for one in found.get("by") or []:
        lines += ["", "  " + say("By {column}, the worst first:", column=one["column"])]
        values = one["values"][:SHOWN]
        wide = max([12, *(width(_cut(each["value"])) for each in values)])
        lines += [
            f"    {padded(_cut(each['value']), wide)}  {_value(one, each)}" for each in values
        ]
        if more := len(one["values"]) - len(values) + one["left_out"]:
            lines.append("    " + say("and {count} more values", count=more))
        lines.append(f"    {summary(one)}")
    return lines


def _cut(value: str) -> str:
    return value if len(value) <= LONGEST else f"{value[: LONGEST - 3]}..."


def _value(one: dict[str, Any], each: dict[str, Any]) -> str:
    rows = padded(plural(each["rows"], "row"), 10)
    if not each["judged"]:
        return f"{rows}  {why_not_judged(each)}"
    said, score = metric(one["headline"]), each["score"]
    ends = say("no interval")
    if score["low"] is not None:
        ends = say("95 % {low:.4f} to {high:.4f}", low=score["low"], high=score["high"])
    line = f"{rows}  {column(one['headline'])} {score['value']:.4f}   {ends}"
    if gap := each["difference"]:
        text = say("{gap} against the others", gap=translate(said.gap(gap["value"])))
        line += f"   {text}"
    if "ece" in each["calibration"]:
        line += f"   {column('ece')} {each['calibration']['ece']:.4f}"
    return line


def why_not_judged(each: dict[str, Any]) -> str:
    """Returns why a value of a --by column has no score: few rows, or no rows of some classes."""
    if not each["missing"]:
        return say("too few to judge")
    names = ", ".join(each["missing"][:CLASSES_NAMED])
    if len(each["missing"]) > CLASSES_NAMED:
        names += " ..."
    return say("too few to judge (no rows of: {classes})", classes=names)


def summary(one: dict[str, Any]) -> str:
    """Returns a sentence on the largest difference between a value and the others."""
    largest = one["largest"]
    if largest is None:
        return say("There are not two values with enough rows, so none are compared.")
    said, gap = metric(one["headline"]), largest["difference"]
    values = {
        "value": largest["value"],
        "gap": said.gap(gap["value"]),
        "metric": said.title,
        "count": largest["of"],
    }
    if gap["low"] is None:
        return say(
            "Largest difference: {value}, {gap} of {metric} against the others; there are too few "
            "groups for an interval.",
            **values,
        )
    values |= {"low": said.end(gap["low"]), "high": said.gap(gap["high"])}
    if not largest["shown"]:
        return say(
            "No difference is shown: the largest is that of {value}, {gap} of {metric} against the "
            "others, and its 95 % interval, corrected for {count} values, is {low} to {high}.",
            **values,
        )
    worse = (gap["value"] < 0) == (said.better == "higher")
    if worse:
        return say(
            "{value} is worse than the others: {gap} of {metric}, 95 % interval {low} to {high}, "
            "corrected for {count} values.",
            **values,
        )
    return say(
        "{value} is better than the others: {gap} of {metric}, 95 % interval {low} to {high}, "
        "corrected for {count} values.",
        **values,
    )
