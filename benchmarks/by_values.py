"""How often a difference between the values of a column is reported, on made answers.

Claim: of 200 data sets without a difference between values at most 10 report one; a value that is
15 points worse is named in at least 60 % of data sets with 100 rows for each of five values.
Protocol: answers of a classifier with two classes are right with a fixed chance. Without a
difference, for eight designs: 2 to 8 values of equal or unequal size, 200 to 600 rows, accuracy 80
to 97 %, single rows or 40 groups with an intraclass correlation of 0.2, one or three columns. With
a difference: five values, accuracy 90 %, and 75 % for one of them. A set counts as reporting a
difference if the largest difference of any of its columns has an interval that excludes 0.
    python benchmarks/by_values.py [--sets 200] [--designs equal|apart|all]
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from tenfold.answers.intervals import Sampling
from tenfold.answers.label import LABEL, Label
from tenfold.answers.metrics.differences import differences
from tenfold.run.by_values import LEAST_ROWS, largest

ALIKE = 0.2
NAMES = "ab"


@dataclass(frozen=True)
class Design:
    """How a data set is made; `gap` is how much worse the first value of the first column is."""

    rows: int
    values: int
    accuracy: float
    groups: int = 0
    columns: int = 1
    even: bool = True
    gap: float = 0.0


EQUAL = (
    Design(200, 2, 0.8),
    Design(300, 5, 0.9),
    Design(300, 5, 0.9, even=False),
    Design(400, 4, 0.97, even=False),
    Design(600, 8, 0.8),
    Design(600, 4, 0.8, groups=40),
    Design(600, 2, 0.9, groups=40),
    Design(300, 3, 0.8, columns=3),
)
APART = tuple(Design(5 * each, 5, 0.9, gap=0.15) for each in (50, 100, 200))


def reports(design: Design, seed: int) -> list[dict[str, Any] | None]:
    """The largest difference of each column of one data set, as `test` reports it."""
    random = np.random.default_rng([seed, design.rows, design.values, design.groups])
    sizes = np.arange(1, design.values + 1) ** (0 if design.even else 1)
    chance = np.full(design.rows, design.accuracy)
    columns, more = [], {}
    if design.groups:
        group, spread = random.integers(0, design.groups, design.rows), 1 / ALIKE - 1
        ends = design.accuracy * spread, (1 - design.accuracy) * spread
        chance = random.beta(*ends, design.groups)[group]
        columns.append(random.integers(0, design.values, design.groups)[group])
        more["group"] = group
    while len(columns) < design.columns:
        columns.append(random.choice(design.values, design.rows, p=sizes / sizes.sum()))
    right = random.random(design.rows) < chance - design.gap * (columns[0] == 0)
    truth = random.integers(0, 2, design.rows)
    said = np.where(right, truth, 1 - truth)
    answers = [Label(NAMES[one], {NAMES[one]: 0.9, NAMES[1 - one]: 0.1}) for one in said]
    table = pd.DataFrame({"label": [NAMES[one] for one in truth], **more})
    families = [_judged(column, truth) for column in columns]
    found = differences(LABEL.bootstrap(answers, table), families, Sampling.of(table))
    return [largest({str(at): gap for at, gap in enumerate(gaps)}) for gaps in found]


def _judged(column: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """The number of the value of each row, -1 where the value has too few rows to judge."""
    found = np.full(len(column), -1)
    for value in np.unique(column):
        rows = np.flatnonzero(column == value)
        if len(rows) >= LEAST_ROWS and len(np.unique(truth[rows])) == 2:
            found[rows] = value
    return np.unique(found, return_inverse=True)[1].reshape(-1) - int((found < 0).any())


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--sets", type=int, default=200)
    parser.add_argument("--designs", choices=("equal", "apart", "all"), default="all")
    asked = parser.parse_args()
    designs = {"equal": EQUAL, "apart": APART, "all": (*EQUAL, *APART)}[asked.designs]
    for design in designs:
        found = 0
        for seed in range(asked.sets):
            shown = [one for one in reports(design, seed) if one and one["shown"]]
            if design.gap:
                shown = [one for one in shown if one["value"] == "0"]
            found += bool(shown)
        print(json.dumps(vars(design) | {"sets": asked.sets, "reported": found}), flush=True)


if __name__ == "__main__":
    main()
