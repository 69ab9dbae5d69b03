"""How often a difference between the values of a column is reported, on made answers.

Claim: of 200 data sets without a difference between values at most 10 report one; a value that is
15 points worse is named in at least 75 % of data sets with 100 rows for each value, and in at least
95 % with 200.
Protocol: answers of a classifier with two classes are right with a fixed chance. Without a
difference, for eight designs: 2 to 8 values of equal or unequal size, 200 to 600 rows, accuracy 80
to 97 %, single rows or 40 groups with an intraclass correlation of 0.2, one or three columns. With
a difference: five values, accuracy 90 %, and 75 % for one of them. A set counts as reporting a
difference if the largest difference of any of its columns has an interval that excludes 0.
    python benchmarks/by_values.py [--sets 200]
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd

from tenfold.answers.label import LABEL, Label
from tenfold.core.columns import Columns
from tenfold.core.rows import BY, Judged, Rows
from tenfold.run.by_values import by_values

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


class Scored:
    """What `by_values` needs of a run: its answer kind, and a task that scores rows."""

    answer_kind = LABEL
    task = SimpleNamespace(score=lambda run, judged: None)

    def scored_kind(self, metric: str) -> Any:
        return LABEL


def reports(design: Design, seed: int) -> list[dict[str, Any]]:
    """The report by values of one data set."""
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
    by = {f"{BY}{number}": column.astype(str) for number, column in enumerate(columns)}
    table = pd.DataFrame({"label": [NAMES[one] for one in truth], **more, **by})
    judged = Judged(Rows(table), Columns({"row": np.arange(design.rows)}), table)
    return by_values(Scored(), answers, judged)  # type: ignore[arg-type]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--sets", type=int, default=200)
    asked = parser.parse_args()
    for design in (*EQUAL, *APART):
        found = 0
        for seed in range(asked.sets):
            largest = [one["largest"] for one in reports(design, seed)]
            shown = [one for one in largest if one and one["shown"]]
            if design.gap:
                shown = [one for one in shown if one["value"] == "0"]
            found += bool(shown)
        print(json.dumps(vars(design) | {"sets": asked.sets, "reported": found}), flush=True)


if __name__ == "__main__":
    main()
