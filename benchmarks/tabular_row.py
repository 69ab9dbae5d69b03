"""Milliseconds of one row of a table, asked alone: of an open run, and of its export.

Claims: below 2 ms with the run, below 5 ms with the exported file, both in process, from a dict of
cells to the answer, and both give the same answers.
Protocol: the runs of tabular.py (seed 0), exported; rows of the test part are asked one by one, in
turn of the run and of its export, after 20 that are not counted; median, least and most.
    python benchmarks/tabular_row.py [california adult ...] [--rows 200] [--minutes 2]
        [--model auto]
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import tables
from common import show, spread

import tenfold

WARM = 20


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("tables", nargs="*", default=["california", "adult"])
    parser.add_argument("--rows", type=int, default=200)
    parser.add_argument("--minutes", type=float, default=2.0)
    parser.add_argument("--model", default="auto")
    told = parser.parse_args()
    show("one row alone", tables={name: of_table(name, told) for name in told.tables})


def of_table(name: str, told: argparse.Namespace) -> dict[str, Any]:
    """Milliseconds of the run and of its export, and the largest difference of their answers."""
    frame, target, task = tables.load(name)
    parts = tables.parts(frame, 0)
    whole = frame.assign(split=tables.named(len(frame), parts))
    asked = frame.iloc[parts["test"][: told.rows + WARM]].drop(columns=target).to_dict("records")
    with tempfile.TemporaryDirectory() as place:
        run = tenfold.train(
            task,
            whole,
            target=target,
            model=told.model,
            minutes=told.minutes,
            out=Path(place) / "run",
        )
        mix = run.facts["fitted"]["mix"]
        both = {"run": run, "export": tenfold.open_run(tenfold.export(run, whole)["export"])}
        spent, answers = alone(both, asked)
    before, after = (np.array([*map(figures, answers[name])], float) for name in both)
    return {
        "mix": mix,
        "milliseconds": {name: spread(values) for name, values in spent.items()},
        "largest difference": float((abs(after - before) / np.maximum(1, abs(before))).max()),
    }


def figures(answer: Any) -> list[float]:
    """The probabilities of the classes by name, or the value with its interval."""
    if hasattr(answer, "probabilities"):
        return [share for _, share in sorted(answer.probabilities.items())]
    return [answer.value, answer.low, answer.high]


def alone(
    runs: dict[str, Any], asked: list[dict[str, Any]]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Milliseconds of each counted row by run, and the answers of all rows."""
    spent: dict[str, list[float]] = {name: [] for name in runs}
    answers: dict[str, list[Any]] = {name: [] for name in runs}
    for at, row in enumerate(asked):
        for name, run in runs.items():
            began = time.perf_counter()
            (found,) = tenfold.predict(run, [row])
            seconds = time.perf_counter() - began
            answers[name].append(found.answer)
            if at >= WARM:
                spent[name].append(1000 * seconds)
    return spent, answers


if __name__ == "__main__":
    main()
