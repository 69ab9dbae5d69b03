"""Weights of the blend chosen on validation rows or on out-of-fold rows, judged on further rows.

Protocol: of the parts train and valid of `tables.parts` (the test part is never read), 20 % are
judged, 8 % select (the half of validation that selects in a run), the rest is learnt from; at
random by the seed, and by date for bike-sharing. Each candidate is fitted on the rows to learn from
and again without each of K folds of them, with the same choices; the latter answer the fold. All
blends mix the same candidates; they differ in the rows on which the weights are chosen:
- selection: the rows that select, as now;
- folds: the answers out of fold to the rows learnt from;
- both: all of these rows together;
- cheap: linear and trees by their answers out of fold, then their mixture and the network on the
  rows that select (no further network is trained).
Printed are the loss on the judged rows (log loss, or RMSE), the weights, and the CPU seconds of all
fits, of those of the folds, and of those of the networks in folds.
Titanic (513 rows to learn from, 57 to select with), mean log loss of seeds 0 to 5: selection 0.464,
folds 0.444, both 0.445, cheap 0.447; folds are lower than selection in 5 of 6. The fits of five
folds take 13 CPU seconds, 12 of them for the network, beside 4 of the first fits. The other tables
are not measured yet.
    python benchmarks/tabular_blend.py titanic [wine ...] [--seeds 0 1 2] [--folds 5]
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from common import show
from tables import NAMES, arrays, load, parts
from tabular_recipe import usable

from tenfold.core.columns import Columns, Parts
from tenfold.core.plan import Plan
from tenfold.recipes.tables import blend, linear, network, trees
from tenfold.recipes.tables.arrays import TableArrays
from tenfold.recipes.tables.boosting import probabilities

LINEAR, TREES, NETWORK = "linear", "trees", "network"
CHEAP = (LINEAR, TREES)


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("tables", nargs="+", choices=NAMES)
    asked.add_argument("--seeds", type=int, nargs="*", default=[0, 1, 2])
    asked.add_argument("--folds", type=int, default=5)
    told = asked.parse_args()
    for name in told.tables:
        for seed in told.seeds:
            show(f"{name}, seed {seed}", **Case(name, seed, told.folds).found())


class Case:
    """One table and seed: rows, the answers of all fits, and what each blend scores."""

    def __init__(self, name: str, seed: int, folds: int) -> None:
        frame, target, task = load(name)
        self.seed, self.folds, self.seconds = seed, folds, dict.fromkeys((*CHEAP, NETWORK), 0.0)
        self.split = divided(frame, seed)
        whole = usable(arrays(frame, target, task, self.split["learn"]), len(self.split["learn"]))
        self.counts, self.classes = whole.counts, whole.classes
        self.rows = TableArrays(whole.numbers, whole.levels, whole.truth)
        self.chosen: dict[str, Any] = {}

    def found(self) -> dict[str, Any]:
        """Losses and weights by the rows on which the weights are chosen, and CPU seconds."""
        learn, select, judged = (self.split[one] for one in ("learn", "select", "judged"))
        ahead = np.concatenate([select, judged])
        first = self.answers(learn, select, ahead)
        whole = dict(self.seconds)
        fold = np.random.default_rng(self.seed).permutation(len(learn)) % self.folds
        apart = {name: np.zeros((len(learn), one.shape[1])) for name, one in first.items()}
        for number in range(self.folds):
            own = fold == number
            for name, one in self.answers(learn[~own], None, learn[own]).items():
                apart[name][own] = one
        selecting = {name: one[: len(select)] for name, one in first.items()}
        last = {name: one[len(select) :] for name, one in first.items()}
        joined = {name: np.concatenate([apart[name], selecting[name]]) for name in first}
        mixes = {
            "selection": blend.greedy(selecting, self.loss(select)),
            "folds": blend.greedy(apart, self.loss(learn)),
            "both": blend.greedy(joined, self.loss(np.concatenate([learn, select]))),
            "cheap": self.cheap(apart, selecting),
        }
        loss = self.loss(judged)
        scores = {name: round(loss(mixed(mix, last)), 5) for name, mix in mixes.items()}
        alone = {name: round(loss(one), 5) for name, one in last.items()}
        cpu = {
            name: [round(whole[name], 1), round(took - whole[name], 1)]
            for name, took in self.seconds.items()
        }
        return {"losses": scores, "alone": alone, "mixes": mixes, "cpu_seconds_and_of_folds": cpu}

    def cheap(self, apart: Any, selecting: Any) -> dict[str, float]:
        """The mixture of linear and trees by the folds, mixed with the network on selection."""
        inner = blend.greedy({name: apart[name] for name in CHEAP}, self.loss(self.split["learn"]))
        both = {"cheap": mixed(inner, selecting), NETWORK: selecting[NETWORK]}
        outer = blend.greedy(both, self.loss(self.split["select"]))
        found = {name: outer.get("cheap", 0.0) * weight for name, weight in inner.items()}
        return found | {NETWORK: outer.get(NETWORK, 0.0)}

    def loss(self, places: np.ndarray) -> Callable[[np.ndarray], float]:
        """The loss of answers to these rows."""
        truth = self.rows.truth[places]

        def of(answers: np.ndarray) -> float:
            if not self.classes:
                return float(np.sqrt(((answers[:, 0] - truth) ** 2).mean()))
            right = answers[np.arange(len(truth)), truth]
            return float(-np.log(np.maximum(right, 1e-12)).mean())

        return of

    def answers(
        self, learn: np.ndarray, select: np.ndarray | None, asked: np.ndarray
    ) -> dict[str, np.ndarray]:
        """Answers of each candidate to `asked`; without `select`, with the first choices."""
        found = {}
        for name, fit in ((LINEAR, self.linear), (TREES, self.trees), (NETWORK, self.network)):
            began = time.process_time()
            found[name] = fit(learn, select, asked)
            self.seconds[name] += time.process_time() - began
        return found

    def linear(self, learn: Any, select: Any, asked: Any) -> np.ndarray:
        train, valid = self.rows.rows(learn), None if select is None else self.rows.rows(select)
        found = linear.fit(train, valid, self.counts, self.classes, fixed=self.chosen.get(LINEAR))
        self.chosen.setdefault(LINEAR, found.facts)
        return self.shown(found.net, asked)

    def trees(self, learn: Any, select: Any, asked: Any) -> np.ndarray:
        train, valid = self.rows.rows(learn), None if select is None else self.rows.rows(select)
        fixed = self.chosen.get(TREES)
        found = trees.fit(train, valid, self.counts, self.classes, self.seed, fixed=fixed)
        self.chosen.setdefault(TREES, found.facts)
        return self.shown(found.net, asked)

    def shown(self, net: Any, asked: np.ndarray) -> np.ndarray:
        raw = trees.answers(net, self.rows.rows(asked)).astype(np.float64)
        return probabilities(raw) if self.classes else raw[:, :1]

    def network(self, learn: Any, select: Any, asked: Any) -> np.ndarray:
        name = "label" if self.classes else "value"
        columns = Columns(
            {"numbers": self.rows.numbers, "levels": self.rows.levels, name: self.rows.truth}
        )
        places = (learn, [] if select is None else select, [])
        train, valid, none = (columns.view(np.asarray(one, np.int64)) for one in places)
        width = self.rows.numbers.shape[1] + len(self.counts)
        settings = network.sized("small", width, self.classes)
        torch.manual_seed(self.seed)
        net = network.build(
            network.bins_of(np.asarray(train["numbers"]), settings),
            self.counts, self.classes, settings,
        )  # fmt: skip
        with tempfile.TemporaryDirectory() as folder:
            plan = Plan(seed=self.seed, device="cpu", precision="float32", folder=Path(folder))
            fitted = network.fit(net, Parts(train, valid, none), plan, settings)
        own = self.rows.rows(asked)
        with torch.no_grad():
            outputs = fitted.net(torch.from_numpy(own.numbers), torch.from_numpy(own.levels))
        if self.classes:
            return np.asarray(outputs["probabilities"].numpy(), float)
        return np.asarray(outputs["value"].numpy()[:, None], float)


def divided(frame: pd.DataFrame, seed: int) -> dict[str, np.ndarray]:
    """Row numbers to learn from, to select with, and to judge by; none of the test part."""
    given = parts(frame, seed)
    rest = np.sort(np.concatenate([given["train"], given["valid"]]))
    random = np.random.default_rng([seed, 1])
    if "time" in frame.attrs:
        order = np.argsort(
            pd.to_datetime(frame[frame.attrs["time"]]).to_numpy()[rest], kind="stable"
        )
        rest = rest[order]
        judged, rest = rest[round(0.8 * len(rest)) :], rest[: round(0.8 * len(rest))]
        valid, learn = rest[round(0.8 * len(rest)) :], rest[: round(0.8 * len(rest))]
        select = random.permutation(valid)[: len(valid) // 2]
        return {"learn": learn, "select": select, "judged": judged}
    rest = random.permutation(rest)
    one, two = round(0.2 * len(rest)), round(0.28 * len(rest))
    return {"judged": rest[:one], "select": rest[one:two], "learn": rest[two:]}


def mixed(mix: dict[str, float], answers: dict[str, np.ndarray]) -> np.ndarray:
    """The weighted mean of answers."""
    return np.sum([weight * answers[name] for name, weight in mix.items()], axis=0)


if __name__ == "__main__":
    main()
