"""CamVid at 240 x 180 from scratch: mean IoU of 11 classes against minutes of training.

Claims: test mean IoU >= 0.60 (stretch 0.65) with at most 1.5 million parameters within 40 minutes
on two cores, from the train part alone; and a second figure after `--refit`, which learns train and
validation, because published figures usually do.
Protocol: `tenfold train image-segmentation` with nothing told but the value that nobody judged, the
minutes and the seed; parts as given (367, 101 and 233 pictures), the 11 classes of the SegNet
tutorial. Pixels of the test part are counted in the size of the pictures, those of value 11 are
left out. Each number of minutes is a training of its own; the test is looked at once a training.
    python benchmarks/segmentation.py [--minutes 5 10 20 40] [--seeds 1] [--refit]
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from pathlib import Path
from typing import Any

from common import ceilings, data, show

import tenfold

TASK, NAME, VOID = "image-segmentation", "camvid", "11"


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--minutes", type=float, nargs="+", default=[40.0])
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--refit", action="store_true", help="also learn train and validation")
    told = parser.parse_args()
    curve = []
    for minutes in told.minutes:
        rows = [once(minutes, seed, told.refit) for seed in range(told.seeds)]
        keys = [key for key in ("mean_iou", "mean_iou_refitted") if key in rows[0]]
        mean = {key: round(statistics.mean(row[key] for row in rows), 4) for key in keys}
        curve.append({"minutes": minutes, **mean, "runs": rows})
        print(curve[-1], flush=True)
    show("CamVid mean IoU against minutes", curve=curve, ceilings=ceilings())


def once(minutes: float, seed: int, refit: bool) -> dict[str, Any]:
    """Scores of the test part, and the cost: parameters, steps, seconds."""
    words: dict[str, Any] = {"ignore_value": VOID, "minutes": minutes, "seed": seed}
    with tempfile.TemporaryDirectory() as folder:
        run = tenfold.train(TASK, data(NAME), out=Path(folder) / "run", **words)
        scores = run.scores
        found = {
            "seed": seed,
            **{name: one["value"] for name, one in scores["scores"].items()},
            "low": scores["scores"]["mean_iou"]["low"],
            "high": scores["scores"]["mean_iou"]["high"],
            "parameters": sum(entry.numel() for entry in run.net.parameters()),
            "steps": scores["fitted"]["steps"],
            "seconds": scores["seconds"],
        }
        if refit:
            again = tenfold.train(TASK, data(NAME), out=Path(folder) / "again", refit=True, **words)
            found["mean_iou_refitted"] = again.scores["scores"]["mean_iou"]["value"]
    return found


if __name__ == "__main__":
    main()
