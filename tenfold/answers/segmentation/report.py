"""Sections of the report on predicted masks: classes, confused pixels, objects."""

from __future__ import annotations

from typing import Any

import numpy as np

from tenfold.answers.metric import NO_INTERVAL, share
from tenfold.answers.sections import Cell, Section, SectionTable
from tenfold.core.language import say

__all__ = ["sections"]

MAX_CLASSES, MAX_CONFUSED_PAIRS = 200, 12


def sections(details: dict[str, Any]) -> list[Section]:
    """Returns the sections made from `details`; [] where there is no class."""
    classes = [one for one in details.get("classes", []) if one["iou"] is not None]
    if not classes:
        return []
    found = [_pixels(classes, details["classes"], np.array(details["confusion"]))]
    return found + ([_objects(classes)] if "objects" in classes[0] else [])


def _pixels(
    shown: list[dict[str, Any]], classes: list[dict[str, Any]], confusion: np.ndarray
) -> Section:
    """Returns the table of classes, the lowest IoU first, and the most confused pairs."""
    head = [
        *(say("class"), "IoU", say("Dice"), say("precision"), say("recall"), say("boundary F1")),
        *(say("share of the pixels"), say("pictures")),
    ]
    total = max(1, sum(one["pixels"] for one in shown))
    keys = ("iou", "dice", "pixel_precision", "pixel_recall", "boundary_f1")
    rows = [
        [
            Cell(one["class"]),
            *(_meter(one[key]) for key in keys),
            Cell(share(one["pixels"] / total)),
            Cell(f"{one['support']:,}"),
        ]
        for one in sorted(shown, key=lambda one: float(one["iou"]))[:MAX_CLASSES]
    ]
    remark = say(
        "IoU: pixels of the class that are predicted as it, divided by the pixels that are either. "
        "Precision and recall count pixels. Ignored pixels are left out."
    )
    tables = [SectionTable(say("Classes"), head, rows)]
    if pairs := _confused(classes, confusion):
        head = [say("true class"), say("predicted as"), say("pixels"), say("share of the class")]
        tables.append(SectionTable(say("Most confused"), head, pairs, 2))
    return Section("pixels", say("Classes by pixels"), (), remark, tables)


def _confused(classes: list[dict[str, Any]], confusion: np.ndarray) -> list[list[Cell]]:
    names = [*(one["class"] for one in classes), say("no answer")]
    errors = confusion.copy()
    np.fill_diagonal(errors, 0)
    order = np.argsort(-errors, axis=None, kind="stable")[:MAX_CONFUSED_PAIRS]
    places = [divmod(int(place), errors.shape[1]) for place in order]
    return [
        [
            Cell(names[row]),
            Cell(names[column]),
            Cell(f"{errors[row, column]:,}"),
            Cell(share(errors[row, column] / confusion[row].sum())),
        ]
        for row, column in places
        if errors[row, column]
    ]


def _objects(classes: list[dict[str, Any]]) -> Section:
    """Returns the table of objects by class."""
    head = [say("class"), say("objects"), say("predicted objects"), say("found")]
    head += [say("precision"), say("recall")]
    rows = [
        [
            Cell(one["class"]),
            *(Cell(f"{one[key]:,}") for key in ("objects", "predicted_objects", "found_objects")),
            _ratio(one["found_objects"], one["predicted_objects"]),
            _ratio(one["found_objects"], one["objects"]),
        ]
        for one in classes
        if one["objects"] or one["predicted_objects"]
    ]
    remark = say(
        "An object is found if a predicted object of its class has an IoU of at least 0.5 with it."
    )
    tables = [SectionTable(say("Objects by class"), head, rows)]
    return Section("objects", say("Objects"), (), remark, tables if rows else [])


def _ratio(over: int, under: int) -> Cell:
    return _meter(over / under if under else None)


def _meter(value: float | None) -> Cell:
    """Returns a share with its bar; a dash without a bar where it is not defined."""
    return Cell(NO_INTERVAL) if value is None else Cell(share(value), value)
