"""Objects cut out by a Gaussian mixture: how long it takes, whether it repeats, what it is worth.

Claims: masks of 1,000 pictures at 128 pixels in less than 40 s, byte-equal between runs and thread
counts.
Protocol: the first 1,000 pictures of cats-dogs, decoded to 128 pixels beforehand. Then, with
nothing told but the seed, `tenfold train` without and with `--foreground mixture` on cats-dogs and
flowers; beside the latter its score with the mask set to one everywhere (the network learnt with
the mask).
    python benchmarks/foreground.py [--seeds 3] [--data cats-dogs flowers]
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from common import data, show, spread

import tenfold
from tenfold.core import system
from tenfold.data.prepare import prepare
from tenfold.media.image import foreground
from tenfold.tasks.registry import find

TASK = "image-classification"


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--data", nargs="*", default=["cats-dogs", "flowers"])
    told = parser.parse_args()
    show("masks of 1,000 pictures at 128 px", **masks())
    for name in told.data:
        rows = [compared(name, seed) for seed in range(told.seeds)]
        means = {
            key: round(statistics.mean(row[key] for row in rows), 4)
            for key in ("without", "with", "mask_set_to_one")
        }
        show(f"{name}: foreground as a fourth channel", **means, runs=rows)


def masks() -> dict[str, Any]:
    """Seconds of three runs, and whether another number of threads gives the same bytes."""
    prepared = prepare(find(TASK, image_size=128), data("cats-dogs"))
    image = np.ascontiguousarray(prepared.columns.arrays["image"][:1000])
    found, times = [], []
    for _ in range(3):
        start = time.perf_counter()
        found.append(foreground.masks(image))
        times.append(time.perf_counter() - start)
    cores = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, cores[:1])
    cv2.setNumThreads(1)
    alone = foreground.masks(image[:200])
    os.sched_setaffinity(0, cores)
    cv2.setNumThreads(4)
    many = foreground.masks(image[:200])
    return {
        "seconds": spread(times),
        "threads": system.cores(),
        "pictures": len(image),
        "equal_between_runs": all((found[0] == one).all() for one in found),
        "equal_between_threads": bool((found[0][:200] == alone).all() and (alone == many).all()),
    }


def compared(name: str, seed: int) -> dict[str, Any]:
    """Test accuracy without the mask, with it, and with it but set to one."""
    plain, masked = (trained(name, seed, choice) for choice in ("none", "mixture"))
    (ablated,) = masked["ablations"].values()
    row = {
        "seed": seed,
        "without": plain["scores"]["accuracy"]["value"],
        "with": masked["scores"]["accuracy"]["value"],
        "mask_set_to_one": ablated["accuracy"],
        "seconds": masked["seconds"]["train"],
    }
    print(row, flush=True)
    return row


def trained(name: str, seed: int, choice: str) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "run"
        run = tenfold.train(TASK, data(name), seed=seed, foreground=choice, out=place)
        return dict(run.scores)


if __name__ == "__main__":
    main()
