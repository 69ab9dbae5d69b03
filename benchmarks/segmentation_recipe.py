"""The recipe of segmentation, compared on parts of the training data of CamVid.

Protocol: the train part alone; the last sixth of each of its recordings is held out and scored,
the rest is trained on for a fixed number of steps with one thread. Neither the validation nor the
test part is read. Mean IoU in pixels of the frame, with and without the mirror image.
Measured ("usual", seed 0): 150 steps single 0.386, mirrored 0.391 in 144 processor seconds; 400
steps single 0.478, mirrored 0.482, pixel accuracy 0.842. The other choices have not been measured.
    python benchmarks/segmentation_recipe.py [--steps 400] [--seeds 1] [--only usual adamw ...]
"""

from __future__ import annotations

import argparse
import statistics
import time
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from common import data, show

from tenfold.core.columns import Columns, Parts
from tenfold.core.plan import Plan
from tenfold.data.prepare import prepare
from tenfold.tasks.image_segmentation import RECIPE, loss, views
from tenfold.tasks.registry import find
from tenfold.training import loop

TASK = "image-segmentation"
CHOICES: dict[str, dict[str, Any]] = {
    "usual": {},
    "adamw": {"recipe": {"optimizer": "adamw", "learning_rate": 3e-3}},
    "muon 0.01": {"recipe": {"learning_rate": 0.01}},
    "muon 0.04": {"recipe": {"learning_rate": 0.04}},
    "cross-entropy": {"loss": "cross-entropy"},
    "no scaling": {"augment": "crop,flip,colour"},
    "no colour": {"augment": "scale,crop,flip"},
    "flip alone": {"augment": "flip"},
}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--steps", type=int, default=400)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--only", nargs="+", default=[*CHOICES], choices=[*CHOICES])
    told = parser.parse_args()
    prepared = prepare(find(TASK, ignore_value="11"), data("camvid"))
    columns, held = parts(prepared)
    found = {}
    for name in told.only:
        runs = [once(prepared, columns, held, CHOICES[name], told.steps, seed)
                for seed in range(told.seeds)]  # fmt: skip
        found[name] = {
            "mean_iou": round(statistics.mean(run["mirrored"] for run in runs), 4),
            "runs": runs,
        }
        print({name: found[name]}, flush=True)
    show("recipes of segmentation on held-out training pictures", steps=told.steps, **found)


def parts(prepared: Any) -> tuple[Columns, Columns]:
    """The training rows that are trained on, and the last sixth of each recording."""
    rows, names = prepared.rows("train"), prepared.table("train")["source"]
    recordings: dict[str, list[int]] = {}
    for place, name in sorted(enumerate(names), key=lambda one: one[1]):
        recordings.setdefault(name.rpartition("/")[2][:6], []).append(place)
    held = np.zeros(len(rows), bool)
    for places in recordings.values():
        held[places[-(len(places) // 6) :]] = True
    return prepared.columns.view(rows[~held]), prepared.columns.view(rows[held])


def once(
    prepared: Any, columns: Columns, held: Columns, choice: dict[str, Any], steps: int, seed: int
) -> dict[str, Any]:
    """Mean IoU on the held-out rows, and the processor seconds of the training."""
    torch.set_num_threads(1)
    task = find(TASK, ignore_value="11", augment=choice.get("augment", "auto"))
    facts = prepared.facts
    shares, crop = facts["truths"]["shares"], tuple(facts["net"]["crop"])
    recipe = replace(RECIPE, batch=facts["net"]["batch"], **choice.get("recipe", {}))
    kinds = views.named(task.augment) or views.named(facts["net"]["augment"]) or ()
    change = views.Views(kinds, crop, tuple(shares))
    value = loss.loss_function(choice.get("loss", "auto"), shares, torch.device("cpu"))
    torch.manual_seed(seed)
    net: Any = task.build(facts)
    some = columns.take(np.linspace(0, columns.rows - 1, 64).astype(np.int64))
    net.learn_statistics(torch.from_numpy(some["image"]))
    nothing = columns.view(np.zeros(0, np.int64))
    plan = Plan(seed=seed, device="cpu", epochs=steps / (columns.rows // recipe.batch))
    began = time.process_time()
    net = loop.fit(net, Parts(columns, nothing, nothing), value, plan, recipe, change).net
    found: dict[str, Any] = {"seed": seed, "seconds": round(time.process_time() - began)}
    for name, mirror in (("single", False), ("mirrored", True)):
        net.mirror = mirror
        found[name] = round(loss.mean_iou(net, held), 4)
    return found


if __name__ == "__main__":
    main()
