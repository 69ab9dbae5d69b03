"""Settings of boosted trees, compared on parts of the training rows of seven public tables.

Claim measured: which settings the recipe `recipes/tables/trees.py` should try, in which order.
Protocol: `tables.parts` with the seeds; the test rows are not touched. Trees are fitted on the part
train, one half of the part valid ends each fit, the other half gives the score: root mean squared
error of values, log loss and accuracy of classes. No derived columns. CPU seconds of one thread.
    python benchmarks/trees.py [--seeds 3] [--data california ...] [--settings plain slow ...]
`--test` fits the recipe itself (all its settings, chosen on the part valid) and scores test rows.
"""

from __future__ import annotations

import argparse
import statistics
import time
from typing import Any

import numpy as np
from common import show
from tables import CLASSES, NAMES, Arrays, arrays, load, parts, score

from tenfold.recipes.tables import trees
from tenfold.recipes.tables.arrays import TableArrays, level_columns
from tenfold.recipes.tables.boosting import Boosting, boost, loss_of, probabilities

SETTINGS = {
    "plain": Boosting(),
    "slow": Boosting(learning_rate=0.05, features=0.5, l2=1.0, rows_a_leaf=20),
    "slow-small": Boosting(learning_rate=0.05, leaves=12, features=0.5, l2=1.0, rows_a_leaf=10),
    "slow-large": Boosting(learning_rate=0.05, leaves=63, features=0.5, l2=5.0, rows_a_leaf=10),
    "stumpy": Boosting(learning_rate=0.05, leaves=6, features=0.5, l2=1.0, rows_a_leaf=10),
    "few-columns": Boosting(learning_rate=0.05, leaves=31, features=0.25, l2=2.0, rows_a_leaf=5),
}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--data", nargs="+", default=NAMES, choices=NAMES)
    parser.add_argument("--settings", nargs="+", default=list(SETTINGS), choices=list(SETTINGS))
    parser.add_argument("--frequencies", action="store_true", help="columns of level frequencies")
    parser.add_argument("--test", action="store_true", help="the recipe on the test rows")
    parser.add_argument("--seconds", type=float, help="time limit of the recipe")
    told = parser.parse_args()
    for name in told.data:
        if told.test:
            show(name, **means([recipe(name, seed, told.seconds) for seed in range(told.seeds)]))
            continue
        for setting in told.settings:
            rows = [once(name, setting, seed, told.frequencies) for seed in range(told.seeds)]
            print(name, setting, means(rows), flush=True)


def rows_of(found: Arrays, places: np.ndarray) -> TableArrays:
    return TableArrays(found.numbers, found.levels, found.truth).rows(places)


def once(name: str, setting: str, seed: int, frequencies: bool) -> dict[str, float]:
    """Scores of one setting on the second half of the part valid."""
    frame, target, task = load(name)
    part = parts(frame, seed)
    found = arrays(frame, target, task, part["train"])
    halves = np.random.default_rng(seed).permutation(part["valid"])
    train, stop, judge = (rows_of(found, p) for p in (part["train"], halves[::2], halves[1::2]))
    columns = level_columns(train.levels, found.counts, frequencies)
    began = time.process_time()
    fitted = boost(SETTINGS[setting], train, stop, columns, found.classes, seed)
    seconds = time.process_time() - began
    raw = trees.raw_scores([fitted], judge, found.counts)
    loss = loss_of(found.classes)(raw, judge.truth, None)
    scores = {"iterations": fitted.iterations, "cpu_seconds": seconds}
    if task == CLASSES:
        said = probabilities(raw).argmax(1)
        return {"log_loss": loss, "accuracy": score(task, said, judge.truth)} | scores
    return {"rmse": loss**0.5} | scores


def recipe(name: str, seed: int, seconds: float | None) -> dict[str, Any]:
    """Scores of the whole recipe on the test rows."""
    frame, target, task = load(name)
    part = parts(frame, seed)
    found = arrays(frame, target, task, part["train"])
    train, valid, test = (rows_of(found, part[p]) for p in ("train", "valid", "test"))
    began = time.process_time()
    fitted = trees.fit(train, valid, found.counts, found.classes, seed, seconds=seconds)
    spent = time.process_time() - began
    raw = trees.answers(fitted.net, test)
    said = probabilities(raw).argmax(1) if found.classes else raw[:, 0]
    metric = "accuracy" if task == CLASSES else "rmse"
    return {metric: score(task, said, test.truth), "cpu_seconds": spent}


def means(rows: list[dict[str, float]]) -> dict[str, float]:
    return {key: round(statistics.mean(row[key] for row in rows), 4) for key in rows[0]}


if __name__ == "__main__":
    main()
