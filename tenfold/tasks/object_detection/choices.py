"""What is chosen on validation after training: the number of flipped views, and the threshold.

Shapes: N pictures, A cells of the map.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tenfold.answers.boxes import BOXES, BoxesOptions
from tenfold.answers.detection.matches import Matches
from tenfold.core.columns import Columns, Parts
from tenfold.media.image import augment, frame, scenes
from tenfold.tasks.object_detection import decoding
from tenfold.training.inference import by_torch

__all__ = ["choose", "views"]

GAIN = 0.002
"""Least gain of mAP50 for which twice as many views are used."""


def views(facts: dict[str, Any]) -> list[int]:
    """Returns the possible numbers of views: those that the augmentations have taught."""
    kinds = augment.named(facts["net"]["augment"], scenes.KINDS) or ()
    if "flip" not in kinds:
        return [1]
    return [1, 2, 4] if "turn" in kinds else [1, 2]


def choose(net: Any, parts: Parts, facts: dict[str, Any], fixed: Any) -> dict[str, Any]:
    """Sets `net.views` and returns the choices as facts: `views` and `threshold`.

    The views have the best mAP50 on the half of validation that selects, the threshold the best F1
    on the other half. `fixed` are the facts of a first fit, whose choices are repeated.
    """
    if fixed is not None:
        net.views = fixed["views"]
        return {
            name: fixed[name]
            for name in ("views", "threshold", "validation_scores")
            if name in fixed
        }
    possible = views(facts)
    if not parts.selection.rows and not parts.calibration.rows:
        net.views = possible[-1]
        return {"views": possible[-1], "threshold": decoding.THRESHOLD}
    choosing = parts.selection if parts.selection.rows else parts.calibration
    judging = parts.calibration if parts.calibration.rows else parts.selection
    net.views = possible[-1]
    outputs, scores = _outputs(net, choosing), {}
    for count in possible:
        matches = _matches(_some(outputs, count / possible[-1]), choosing, facts)
        scores[count] = matches.mean_average_precision(np.ones(matches.pictures), slice(0, 1))
    net.views = possible[0]
    for count in possible[1:]:
        if scores[count] > scores[net.views] + GAIN:
            net.views = count
    matches = _matches(_outputs(net, judging), judging, facts)
    return {
        "views": net.views,
        "threshold": _best_threshold(matches),
        "validation_scores": {str(count): round(value, 6) for count, value in scores.items()},
    }


def _outputs(net: Any, columns: Columns) -> dict[str, Any]:
    found: dict[str, Any] = by_torch(net)(columns.only(["image", "size"]))
    return found


def _some(outputs: dict[str, Any], share: float) -> dict[str, Any]:
    """Returns the outputs with the candidates of the first views alone."""
    count = round(outputs["boxes"].shape[1] * share)
    return outputs | {name: outputs[name][:, :count] for name in ("boxes", "scores")}


def _matches(outputs: dict[str, Any], columns: Columns, facts: dict[str, Any]) -> Matches:
    """Returns the predicted boxes of encoded rows matched with the true boxes of the rows."""
    answers = decoding.answers_of(outputs, facts, BoxesOptions(**BOXES.scoring))
    shape = (facts["data"]["height"], facts["data"]["width"])
    names, truths, ignored = facts["truths"]["classes"], [], []
    for row, size in zip(columns.ragged("boxes"), outputs["picture_size"], strict=True):
        corners = frame.in_picture(row[:, 1:5], np.tile(size, (len(row), 1)), shape)
        boxes = [
            (names[int(kind)], *map(float, box))
            for kind, box in zip(row[:, 0], corners, strict=True)
        ]
        judged = row[:, 5] < 0.5
        truths.append([box for box, real in zip(boxes, judged, strict=True) if real])
        ignored.append(
            [("", *box[1:]) for box, real in zip(boxes, judged, strict=True) if not real]
        )
    return Matches.of([(one.boxes, one.scores) for one in answers], truths, ignored)


def _best_threshold(matches: Matches) -> float:
    """Returns the threshold with the best F1 at an overlap of 0.5, of 0.05, 0.06 ... 0.95."""
    best, found = -1.0, decoding.THRESHOLD
    for percent in range(5, 96):
        level = np.full(matches.pictures, percent / 100)
        right, said, there = matches.counts(level).sum(0)
        value = 2 * right / max(1, said + there)
        if value > best:
            best, found = value, percent / 100
    return found
