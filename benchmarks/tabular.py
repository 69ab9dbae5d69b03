"""Seven public tables: test scores of `tenfold train` with nothing given but target and minutes.

Claims: California housing, three random splits: network alone RMSE <= 0.43, `auto` <= 0.42 (in
100,000 dollars). Adult, given test rows: network alone >= 0.869, `auto` >= 0.873 accuracy.
Abalone, bike-sharing, wine, student-dropout and titanic, each within 2 minutes: `auto` at or above
the best of the defaults of scikit-learn, LightGBM and CatBoost (peers/boosted_tables.py) on at
least 4 of 5. Intervals at 90 % hold between 88 and 92 % of the true values on California. With
`--export`: the exported file gives the run's answer on every test row (outputs within 1e-4).
Protocol: the parts of tables.py (seeds 0 to 2), given to `train` as a column `split`; accuracy for
classes, RMSE for values; the test part is scored once a run. All settings are the defaults. The
peers learn train and valid together, as `--refit` does after everything is chosen.
    python benchmarks/tabular.py [california adult ...] [--seeds 3] [--minutes 2] [--model auto]
        [--refit] [--export]
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import tables
from common import show

import tenfold

EXPORTED = ("rows", "decisions", "largest_difference", "values")
"""What is shown of the comparison of an export with its run."""


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("tables", nargs="*", default=[*tables.NAMES])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--minutes", type=float, default=2.0)
    parser.add_argument("--model", default="auto")
    parser.add_argument("--refit", action="store_true", help="learn train and valid at the end")
    parser.add_argument("--export", action="store_true", help="compare the export on test rows")
    told = parser.parse_args()
    found = {}
    for name in told.tables:
        runs = [once(name, seed, told) for seed in range(told.seeds)]
        found[name] = {
            "mean": round(statistics.mean(one["score"] for one in runs), 5),
            "runs": runs,
        }
        print(name, found[name], flush=True)
    show(f"test scores of {told.model} within {told.minutes} minutes", tables=found)


def once(name: str, seed: int, told: argparse.Namespace) -> dict[str, Any]:
    """The test score of one run, what it holds, its intervals, and its seconds."""
    frame, target, task = tables.load(name)
    frame = frame.assign(split=tables.named(len(frame), tables.parts(frame, seed)))
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        run = tenfold.train(
            task,
            frame,
            target=target,
            model=told.model,
            minutes=told.minutes,
            refit=told.refit,
            seed=seed,
            out=Path(folder) / "run",
        )
        scores, fitted = run.scores["scores"], run.facts["fitted"]
        seconds = time.perf_counter() - began
        parity = tenfold.export(run, frame)["parity"] if told.export else {}
    metric = "accuracy" if task == tables.CLASSES else "rmse"
    coverage = {key: round(scores[key]["value"], 4) for key in ("interval_coverage",)
                if key in scores}  # fmt: skip
    return {
        "score": round(scores[metric]["value"], 5),
        **coverage,
        "mix": fitted["mix"],
        "validation": fitted.get("validation_scores"),
        "exported": {key: parity[key] for key in EXPORTED if key in parity},
        "seconds": round(seconds, 1),
    }


if __name__ == "__main__":
    main()
