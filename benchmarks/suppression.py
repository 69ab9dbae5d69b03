"""Non-maximum suppression of 10,000 boxes: milliseconds of CPU time, beside a plain loop.

Claims: 10,000 candidates are suppressed, and their corners voted, in less than 20 ms of one core,
with the usual limit of 100 boxes a picture and with 300, the limit where boxes are scored.
Protocol: candidates lie in groups of 20 around random objects, as those of a detector do, and in
one case each alone; classes are random, scores uniform. CPU time of this process alone, one
untimed call first. The plain loop compares each kept box with every remaining one of its class,
one numpy call at a time; it neither votes nor stops early, and keeps the same boxes.
    python benchmarks/suppression.py [--boxes 10000] [--times 21] [--seed 0]
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from common import show, spread

from tenfold.answers.detection.suppression import CANDIDATES, suppressed

OVERLAP = 0.65
CASES = {
    "1 class, 500 objects": (1, 500),
    "3 classes, 500 objects": (3, 500),
    "80 classes, 500 objects": (80, 500),
    "3 classes, 10,000 objects": (3, 10_000),
}


def made(boxes: int, classes: int, objects: int, seed: int) -> tuple[np.ndarray, ...]:
    """Returns boxes (M, 4), scores (M,) and classes (M,) around so many random objects."""
    random = np.random.default_rng(seed)
    of = random.integers(0, objects, boxes)
    middle = random.random((objects, 2))[of] + random.normal(0, 0.004, (boxes, 2))
    sides = (0.03 + 0.07 * random.random((objects, 2)))[of] * random.lognormal(0, 0.05, (boxes, 2))
    corners = np.hstack([middle - sides / 2, middle + sides / 2]).astype(np.float32)
    kinds = random.integers(0, classes, objects)[of]
    return corners, random.random(boxes, np.float32), kinds


def plain(boxes: np.ndarray, scores: np.ndarray, classes: np.ndarray) -> list[int]:
    """Returns the places of the kept boxes, the best first, by the loop of textbooks."""
    kept: list[int] = []
    area = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    for one in np.unique(classes):
        order = np.flatnonzero(classes == one)
        order = order[np.argsort(-scores[order], kind="stable")][:CANDIDATES]
        while len(order):
            best, rest = order[0], order[1:]
            kept.append(int(best))
            low = np.maximum(boxes[best, :2], boxes[rest, :2])
            sides = (np.minimum(boxes[best, 2:], boxes[rest, 2:]) - low).clip(0)
            shared = sides[:, 0] * sides[:, 1]
            order = rest[shared / (area[best] + area[rest] - shared) <= OVERLAP]
    return sorted(kept, key=lambda place: -scores[place])


def milliseconds(work: Callable[[], Any], times: int) -> dict[str, float]:
    """Returns the spread of the CPU milliseconds of `times` calls."""
    work()
    found = []
    for _ in range(times):
        began = time.process_time()
        work()
        found.append(1000 * (time.process_time() - began))
    return {name: round(value, 2) for name, value in spread(found).items()}


def measured(made_boxes: tuple[np.ndarray, ...], times: int) -> dict[str, Any]:
    """Returns the milliseconds for several limits, and of the plain loop."""
    row: dict[str, Any] = {}
    for top in (100, 300, len(made_boxes[0])):
        row[f"top {top}"] = milliseconds(
            lambda top=top: suppressed(*made_boxes, OVERLAP, top), times
        )
    row["plain loop"] = milliseconds(lambda: plain(*made_boxes), 3)
    loop, all_kept = plain(*made_boxes), suppressed(*made_boxes, OVERLAP, len(made_boxes[0]))
    row["kept"], row["same"] = len(loop), bool((all_kept[1] == made_boxes[1][loop]).all())
    return row


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--boxes", type=int, default=10_000)
    parser.add_argument("--times", type=int, default=21)
    parser.add_argument("--seed", type=int, default=0)
    told = parser.parse_args()
    rows = {}
    for name, (classes, objects) in CASES.items():
        rows[name] = measured(made(told.boxes, classes, objects, told.seed), told.times)
        print(name, rows[name], flush=True)
    show("non-maximum suppression", boxes=told.boxes, overlap=OVERLAP, cases=rows, seed=told.seed)


if __name__ == "__main__":
    main()
