"""The section of the report on the probabilities of two classes."""

from __future__ import annotations

from typing import Any

from tenfold.answers.charts import two_classes as charts
from tenfold.answers.metric import NO_INTERVAL, number, share
from tenfold.answers.sections import Cell, Section, SectionTable, matrix_pieces
from tenfold.core.language import say

__all__ = ["pieces"]

SHOWN_THRESHOLDS = (0.05, 0.1, 0.2, 0.3, 0.5, 0.7)


def pieces(details: dict[str, Any]) -> dict[str, Any]:
    """Returns the parts of the report that are made from the details (see `answers/sections`)."""
    found, two = matrix_pieces(details), details.get("two_classes")
    return found | {"sections": [_section(two)]} if two else found


def _section(two: dict[str, Any]) -> Section:
    calibration = two["calibration"]
    figures = [
        (two["positive"], say("positive class")),
        (share(two["share"]), say("observed share")),
        (share(two["mean_probability"]), say("mean probability")),
        (_score(two["brier"]), say("Brier score")),
        (_score(calibration["intercept"]), say("calibration intercept, 0 is right")),
        (_score(calibration["slope"]), say("calibration slope, 1 is right")),
    ]
    if costs := two.get("costs"):
        figures += [(share(costs["threshold"]), say("threshold with the lowest expected cost"))]
    drawn = [charts.calibration_and_benefit(calibration["curve"], two["net_benefit"])]
    if two["roc"]:
        drawn.append(charts.curves(two["roc"], two["precision_recall"], two["share"]))
        drawn.append(charts.gains([one["found"] for one in two["gains"]]))
    tables = [_gains(two), _benefit(two["net_benefit"])]
    tables += [_costs(two, two["costs"])] if costs else []
    return Section("two-classes", say("Two classes"), figures, _remark(), tables, drawn)


def _remark() -> str:
    return say(
        "The positive class is the one named like yes, true, 1 or positive, else the rarer one in "
        "training. --positive of `tenfold test` and `tenfold report` changes it. A calibration "
        "slope below 1 means that the probabilities are too extreme, an intercept below 0 that "
        "they are too high on average. Net benefit: the share of rows predicted positive rightly, "
        "minus the share predicted so wrongly times the odds of the threshold. A run is useful at "
        "a threshold if its net benefit is above that of predicting all rows positive and above "
        "0, that of predicting none. Gains: the rows are ordered by probability, the most probable "
        "first. Lift: how many times more positive rows there are than among as many random rows."
    )


def _score(one: dict[str, float | None]) -> str:
    """Formats a value with its interval; a dash if there is none."""
    if one["value"] is None:
        return NO_INTERVAL
    if one["low"] is None or one["high"] is None:
        return number(one["value"])
    ends = say("{low} to {high}", low=_short(one["low"]), high=_short(one["high"]))
    return f"{_short(one['value'])} ({ends})"


def _short(value: float) -> str:
    return f"{value:.3g}" if abs(value) >= 0.01 else f"{value:.4f}"


def _gains(two: dict[str, Any]) -> SectionTable:
    profit = "costs" in two
    head = [say("rows, the most probable first"), say("found"), say("lift")]
    head += [say("profit")] if profit else []
    rows = [
        [
            Cell(share(one["rows"])),
            Cell(share(one["found"]), one["found"]),
            Cell(f"{one['lift']:.2f}"),
            *([Cell(f"{one['profit']:,.1f}")] if profit else []),
        ]
        for one in two["gains"]
    ]
    return SectionTable(say("Gains by tenth"), head, rows)


def _benefit(lines: list[list[float]]) -> SectionTable:
    head = [say("threshold"), say("this run"), say("predict all"), say("predict none")]
    rows = [
        [Cell(share(at)), Cell(f"{run:.4f}"), Cell(f"{every:.4f}"), Cell("0")]
        for at, run, every in lines
        if at in SHOWN_THRESHOLDS
    ]
    return SectionTable(say("Net benefit"), head, rows)


def _costs(two: dict[str, Any], costs: dict[str, float]) -> SectionTable:
    """Returns a table of the mean cost per row at two thresholds and of constant predictions."""
    names = {
        "mean": say("threshold {threshold}", threshold=share(costs["threshold"])),
        "at_half": say("threshold {threshold}", threshold=share(0.5)),
        "all": say("predict all"),
        "none": say("predict none"),
    }
    title = say(
        "Cost of a row: {missed} for a missed {positive}, {false} for a false one",
        missed=number(costs["missed"]),
        false=number(costs["false"]),
        positive=two["positive"],
    )
    rows = [[Cell(name), Cell(f"{costs[key]:.4f}")] for key, name in names.items()]
    return SectionTable(title, [say("decision"), say("mean cost")], rows)
