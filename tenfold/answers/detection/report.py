"""The section on boxes in the report: average precision by class and size, curves, confusion."""

from __future__ import annotations

from typing import Any

from tenfold.answers.detection.chart import confidence
from tenfold.answers.detection.coco import SIZES
from tenfold.answers.metric import number, share
from tenfold.answers.sections import Cell, Section, SectionTable, matrix_pieces
from tenfold.core.language import say

__all__ = ["pieces"]

MAX_ROWS = 200


def pieces(details: dict[str, Any]) -> dict[str, Any]:
    """Returns the parts of the report that are made from the details (see `answers/sections`)."""
    found = matrix_pieces(details, (say("background"), say("not found")))
    if "average_precision" not in details:
        return found
    best = max(details["confidence"], key=lambda row: float(row[3]))
    figures = [
        (share(details["threshold"]), say("confidence threshold of the run")),
        (share(best[0]), say("threshold with the best F1 on these rows")),
    ]
    remark = say(
        "Average precision (AP) as COCO defines it. Small objects have less than 32 x 32 pixels, "
        "large ones at least 96 x 96. In the confusion matrix, boxes are matched at an IoU of 0.5 "
        "whatever their class."
    )
    charts = [confidence(details["confidence"], details["threshold"])]
    section = Section("boxes", say("Boxes"), figures, remark, [_by_class(details)], charts)
    return found | {"sections": [section]}


def _by_class(details: dict[str, Any]) -> SectionTable:
    every = details["average_precision"]
    sizes = [size for size in SIZES[1:] if f"ap50_95_{size}" in every]
    keys = ["ap50", "ap50_95", *(f"ap50_95_{size}" for size in sizes)]
    words = {"small": say("AP, small"), "medium": say("AP, medium"), "large": say("AP, large")}
    head = [say("class"), "AP50", "AP50-95", *(words[size] for size in sizes)]
    head += [say("true boxes"), say("predicted boxes"), say("mean count error")]
    rows = [
        [
            Cell(one["class"]),
            *(Cell(_share(one.get(key))) for key in keys),
            Cell(f"{one['support']:,}"),
            Cell(f"{one['predicted']:,}"),
            Cell(number(one["count_error"])),
        ]
        for one in details["classes"][:MAX_ROWS]
    ]
    mean = [Cell(say("mean")), *(Cell(_share(every[key])) for key in keys), *[Cell("")] * 3]
    return SectionTable(say("Average precision by class"), head, [*rows, mean])


def _share(value: float | None) -> str:
    return "–" if value is None else share(value)
