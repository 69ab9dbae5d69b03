"""The recipe of object detection: one choice changed at a time, judged on BCCD's own train part.

Every fifth of the 205 training pictures judges, the others learn; neither validation nor test is
read. Each choice is trained for the same number of epochs. Use it for differences within one run:
scores on 41 pictures have an interval of about +-0.03.
Measured after 10 epochs (1,600 pictures, 137 CPU seconds in float32 without bfloat16 units): mAP50
0.867, 0.882 and 0.882 with one, two and four views; without class weights 0.865, 0.877 and 0.857.
Measured once beside it, trained on all 205 pictures for 12 epochs (300 steps) in float32, without
class weights: mAP50 and mAP50-95 on the given validation part 0.876 and 0.574 with one view, 0.882
and 0.580 with two, 0.882 and 0.585 with four (platelets 0.81, red cells 0.845, white 0.99).
    python benchmarks/detection_recipe.py [--epochs 12] [--only plain mosaic-0 ...] [--seed 0]
"""

from __future__ import annotations

import argparse
import time
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from common import data, show

from tenfold.core.columns import Columns, Parts
from tenfold.core.plan import Plan
from tenfold.data.prepare import Prepared, prepare
from tenfold.tasks import object_detection
from tenfold.tasks.object_detection import ObjectDetection, choices, loss

CHOICES: dict[str, dict[str, Any]] = {
    "plain": {},
    "mosaic-0": {"mosaic": 0.0},
    "mosaic-half": {"mosaic": 0.5},
    "adamw": {"optimizer": "adamw"},
    "rate-0.01": {"learning_rate": 0.01},
    "rate-0.04": {"learning_rate": 0.04},
    "no-class-weights": {"class_weights": "none"},
    "no-turns": {"augment": "crop,flip,colour,mosaic"},
    "tiny": {"size": "tiny"},
}
"""Settings of the task that differ from its defaults."""
PARTS: dict[str, dict[str, float]] = {
    "narrow-assignment": {"WIDTH": 0.1},
    "wide-assignment": {"WIDTH": 0.4},
    "boxes-1": {"BOXES": 1.0},
    "boxes-4": {"BOXES": 4.0},
}
"""Constants of the loss that differ from the usual ones."""
RECIPES: dict[str, dict[str, float]] = {
    "triangle": {"hold": 0.0},
    "average-3": {"average": 0.03},
    "average-20": {"average": 0.2},
}
"""Fields of the recipe that differ from the usual ones."""


def main() -> None:
    every = [*CHOICES, *PARTS, *RECIPES]
    parser = argparse.ArgumentParser()
    parser.add_argument("--epochs", type=float, default=12.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", nargs="+", choices=every, default=every)
    told = parser.parse_args()
    rows = {}
    for name in told.only:
        rows[name] = once(name, told.epochs, told.seed)
        print(name, rows[name], flush=True)
    show("choices of the recipe on a fifth of BCCD's training part", epochs=told.epochs, rows=rows)


def once(name: str, epochs: float, seed: int) -> dict[str, Any]:
    """mAP50 by number of views after training with one choice, and the seconds of this process."""
    task = ObjectDetection(**CHOICES.get(name, {}))
    found = prepare(task, data("bccd"))
    usual = {key: getattr(loss, key) for key in PARTS.get(name, {})}
    recipe = object_detection._RECIPES[task.optimizer]
    object_detection._RECIPES[task.optimizer] = replace(recipe, **RECIPES.get(name, {}))
    try:
        for key, value in PARTS.get(name, {}).items():
            setattr(loss, key, value)
        return _judged(task, found, epochs, seed)
    finally:
        object_detection._RECIPES[task.optimizer] = recipe
        for key, value in usual.items():
            setattr(loss, key, value)


def _judged(task: ObjectDetection, found: Prepared, epochs: float, seed: int) -> dict[str, Any]:
    train: Columns = found.parts.train
    judge = np.arange(train.rows) % 5 == 0
    none = train.view(np.zeros(0, np.int64))
    torch.manual_seed(seed)
    began = time.process_time()
    learnt = train.view(np.flatnonzero(~judge))
    plan = Plan(facts=found.facts, seed=seed, epochs=epochs)
    fitted = task.fit(task.build(found.facts), Parts(learnt, none, none), plan)
    spent = time.process_time() - began
    parts = Parts(learnt, train.view(np.flatnonzero(judge)), none)
    chosen = choices.choose(fitted.net, parts, found.facts, None)
    scores = chosen["validation_scores"]
    return {"map50": scores, "views": chosen["views"], "cpu_seconds": round(spent, 1)}


if __name__ == "__main__":
    main()
