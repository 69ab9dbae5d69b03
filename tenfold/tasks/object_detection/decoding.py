"""From the outputs of the detector to boxes: threshold, suppression, places in the picture.

Shapes: N pictures, A candidates, K classes.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tenfold.answers.boxes import Boxes
from tenfold.answers.detection.suppression import suppressed
from tenfold.media.image import frame

__all__ = ["THRESHOLD", "answers_of"]

LEAST_SCORE = 0.01
"""Candidates below this score are never listed."""
THRESHOLD = 0.3
"""Confidence from which a box counts as found, where validation could not choose it."""


def answers_of(outputs: dict[str, Any], facts: dict[str, Any], options: Any) -> list[Boxes]:
    """Returns the boxes of each picture; `outputs` are those of `networks.detector`.

    `options` are `answers.boxes.BoxesOptions`. Without a threshold, that of the run is used.
    """
    usual = facts.get("fitted", {}).get("threshold", THRESHOLD)
    least = usual if options.threshold is None else options.threshold
    classes = np.array(facts["truths"]["classes"], object)
    shown = np.isin(classes, [*options.only]) if options.only else np.ones(len(classes), bool)
    shape = (facts["data"]["height"], facts["data"]["width"])
    found = []
    for boxes, scores, size in zip(
        outputs["boxes"], outputs["scores"], outputs["picture_size"], strict=True
    ):
        cell, kind = np.nonzero((scores >= max(least, LEAST_SCORE)) & shown)
        corners = frame.in_picture(boxes[cell], np.tile(size, (len(cell), 1)), shape)
        real = (corners[:, 2:] > corners[:, :2]).all(1)
        corners, sure, kept = suppressed(
            corners[real], scores[cell, kind][real], kind[real], options.overlap, options.top
        )
        places = [
            (str(name), *map(float, box)) for name, box in zip(classes[kept], corners, strict=True)
        ]
        found.append(
            Boxes(
                tuple(places),  # type: ignore[arg-type]
                tuple(map(float, sure)),
                float(options.threshold or usual),
                (int(size[0]), int(size[1])),
            )
        )
    return found
