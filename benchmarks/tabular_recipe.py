"""The recipe of the network for tables: one choice changed at a time, judged on validation rows.

Protocol: `tables.parts` with one seed; the network learns the 64 % of the part train and is judged
on the 16 % of the part valid after its last step; the test part is never read. Classes are judged
by accuracy and log loss, values by the root mean squared error in the units of the table. Seconds
are those of the processor, one thread. --derived adds columns made by hand to California: sums and
differences of the coordinates, rooms, bedrooms and people a household.
Chosen on seed 0, each run once, so read differences of about 0.002 RMSE or 0.003 accuracy as none:
- California, 30 epochs: RMSE 0.440 without and 0.424 with derived columns (62 and 75 seconds), and
  0.505 after 6 epochs (12 seconds); 0.424 with a rate of 0.003 or 0.006 for embeddings and heads.
- Adult: log loss 0.297 after 8 epochs with that rate at 0.003; 0.295 after 16 with it at 0.006, but
  0.291 after 9 of these; 0.291 after 11 with dropout 0.2 in place of 0.1 (accuracy 0.863, 55
  seconds); 0.312 after 4 with rates of 0.005 and 0.002.
- Sixteen members in place of eight change nothing in the first 600 steps of Adult (then stopped).
- California with derived columns on seed 1: 0.426 (68 seconds). Trees with these columns on seed 0:
  0.438.
- The weights of the last step and the average of the last fifth differ by less than 0.001 in RMSE.
- Titanic: log loss 0.717 after 300 steps, 0.402 after 60.
- Beside the defaults of scikit-learn's HistGradientBoosting (--only trees) on the same rows, in
  brackets: California 0.424 with derived columns (0.463 without), abalone 2.156 (2.259),
  bike-sharing 32.2 (35.2), wine 0.666 (0.668), student-dropout 0.766 (0.753), titanic 0.839
  (0.832), Adult 0.863 and log loss 0.291 (0.867 and 0.295).
    python benchmarks/tabular_recipe.py california [--only plain trees ...] [--seed 0] [--derived]
"""

from __future__ import annotations

import argparse
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from common import show
from sklearn import ensemble
from tables import NAMES, Arrays, arrays, load, parts

from tenfold.core.columns import Columns, Parts
from tenfold.core.plan import Plan
from tenfold.recipes.tables import network
from tenfold.recipes.tables.network import NetworkSettings
from tenfold.training import loop

TREES = "trees"
CHOICES: dict[str, dict[str, Any]] = {
    "plain": {},
    "half-as-long": {"passes": 200_000.0, "epochs": 15.0},
    "twice-as-long": {"passes": 800_000.0, "epochs": 60.0},
    "adamw": {"optimizer": "adamw", "learning_rate": 0.002},
    "rate-0.01": {"learning_rate": 0.01},
    "rate-0.04": {"learning_rate": 0.04},
    "other-rate-0.003": {"other_rate": 0.003},
    "no-dropout": {"dropout": 0.0},
    "dropout-0.1": {"dropout": 0.1},
    "dropout-0.2": {"dropout": 0.2},
    "members-16": {"members": 16},
    "one-block": {"blocks": 1},
    "bins-16": {"bins": 16},
}
"""Settings that differ from those of the size small."""


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("table", choices=NAMES)
    asked.add_argument("--only", nargs="*", choices=[*CHOICES, TREES], default=[*CHOICES])
    asked.add_argument("--set", nargs="*", default=[], help="name=value of the settings")
    asked.add_argument("--seed", type=int, default=0)
    asked.add_argument("--derived", action="store_true")
    args = asked.parse_args()
    frame, target, task = load(args.table)
    split = parts(frame, args.seed)
    whole = usable(arrays(frame, target, task, split["train"]), len(split["train"]))
    if args.derived:
        whole = replace(whole, numbers=with_derived(whole.numbers, list(frame.columns)))
    common = dict(pair.split("=") for pair in args.set)
    more = {name: type(getattr(NetworkSettings(), name))(value) for name, value in common.items()}
    for name in args.only:
        if name == TREES:
            show(f"{args.table}: {name}", derived=args.derived, **judged_trees(whole, split))
            continue
        own = network.sized("small", whole.numbers.shape[1] + len(whole.counts), whole.classes)
        settings = replace(own, **(CHOICES[name] | more))
        found = judged(whole, split, settings, args.seed)
        show(f"{args.table}: {name}", settings=vars(settings), derived=args.derived, **found)


def usable(whole: Arrays, rows: int) -> Arrays:
    """The table without columns of categories that are names: over 100 levels, few rows each."""
    kept = [at for at, count in enumerate(whole.counts) if count <= max(100, rows // 20)]
    counts = tuple(whole.counts[at] for at in kept)
    return replace(whole, levels=np.ascontiguousarray(whole.levels[:, kept]), counts=counts)


def with_derived(numbers: np.ndarray, names: list[str]) -> np.ndarray:
    """The numbers of California with the columns made by hand."""
    east, north, _, rooms, bedrooms, people, households, income = numbers.T[:8]
    made = [
        *(north + east, north - east, north + 0.5 * east, north + 2 * east),
        *(rooms / households, bedrooms / rooms, people / households, people / rooms),
        income * households / people,
    ]
    return np.concatenate([numbers, np.stack(made, 1)], 1).astype(np.float32)


def judged(
    whole: Arrays, split: dict[str, np.ndarray], settings: NetworkSettings, seed: int
) -> dict[str, Any]:
    """Scores on the part valid, seconds of the processor, and sizes."""
    name = "label" if whole.classes else "value"
    columns = Columns({"numbers": whole.numbers, "levels": whole.levels, name: whole.truth})
    train, valid, none = (columns.view(split.get(part, [])) for part in ("train", "valid", ""))
    began = time.process_time()
    torch.manual_seed(seed)
    bins = network.bins_of(np.asarray(train["numbers"]), settings)
    net = network.build(bins, whole.counts, whole.classes, settings)
    with tempfile.TemporaryDirectory() as folder:
        plan = Plan(seed=seed, device="cpu", precision="float32", folder=Path(folder))
        fitted = network.fit(net, Parts(train, valid, none), plan, settings)
        curve = [round(row["valid_loss"], 4) for row in loop.log_of(Path(folder))]
    seconds = time.process_time() - began
    with torch.no_grad():
        outputs = fitted.net(*(torch.from_numpy(valid[key]) for key in ("numbers", "levels")))
    return {
        **scores({key: value.numpy() for key, value in outputs.items()}, valid[name], train[name]),
        "cpu_seconds": round(seconds, 1),
        "steps": fitted.facts["steps"],
        "valid_losses": curve,
        "parameters": sum(one.numel() for one in net.parameters()),
    }


def judged_trees(whole: Arrays, split: dict[str, np.ndarray]) -> dict[str, Any]:
    """The same scores of boosted trees with the defaults of scikit-learn."""
    make = ensemble.HistGradientBoostingClassifier
    if not whole.classes:
        make = ensemble.HistGradientBoostingRegressor
    inputs = np.concatenate([whole.numbers, whole.levels.astype(np.float32)], 1)
    places = [*range(whole.numbers.shape[1], inputs.shape[1])]
    began = time.process_time()
    trees = make(categorical_features=places, random_state=0).fit(
        inputs[split["train"]], whole.truth[split["train"]]
    )
    seconds, valid = time.process_time() - began, split["valid"]
    if whole.classes:
        outputs = {"probabilities": trees.predict_proba(inputs[valid])}
    else:
        value = trees.predict(inputs[valid])
        outputs = {"value": value, "low": value, "high": value}
    found = scores(outputs, whole.truth[valid], whole.truth[split["train"]])
    found.pop("coverage", None)
    return found | {"cpu_seconds": round(seconds, 1)}


def scores(outputs: dict[str, np.ndarray], truth: Any, learnt: Any) -> dict[str, float]:
    """Accuracy and log loss of classes; RMSE, also within the range learnt, and coverage."""
    if "probabilities" in outputs:
        said = outputs["probabilities"].astype(np.float64)
        return {
            "accuracy": round(float((said.argmax(1) == truth).mean()), 5),
            "log_loss": round(float(-np.log(said[np.arange(len(truth)), truth]).mean()), 5),
        }
    value = outputs["value"].astype(np.float64)
    inside = value.clip(learnt.min(), learnt.max())
    covered = (outputs["low"] <= truth) & (truth <= outputs["high"])
    return {
        "rmse": round(float(np.sqrt(((value - truth) ** 2).mean())), 5),
        "rmse_inside": round(float(np.sqrt(((inside - truth) ** 2).mean())), 5),
        "coverage": round(float(covered.mean()), 4),
    }


if __name__ == "__main__":
    main()
