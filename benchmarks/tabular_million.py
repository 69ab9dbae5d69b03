"""A million rows of 20 columns checked, learnt from and answered: CPU seconds and peak memory.

Claim: `check`, `train` and `predict` on 1,000,000 rows stay below 8 GB of memory, and the memory of
`predict` does not grow with the rows.
Protocol: a generated CSV of identifiers, 10 numbers, 6 categories of 3 to 1,000 values, a date, a
time and a class that follows from some of them; each command is a process of its own. CPU seconds
and peak resident memory are those that the system reports for the process. `--steps` leaves some
of the commands out: without `train`, `predict` asks a run learnt from 5,000 rows.
    python benchmarks/tabular_million.py [--rows 1000000] [--minutes 10]
        [--steps check,train,predict]
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from common import show

TASK = "tabular-classification"
LEVELS = (3, 5, 12, 40, 200, 1000)
CHUNK = 50_000
FEW, SOME = 5_000, 50_000
"""Rows of the small run, and of the shorter one of two tables that are asked about."""


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--steps", default="check,train,predict")
    told = parser.parse_args()
    steps = told.steps.split(",")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        found = {}
        table = written(folder / "table.csv", told.rows)
        learning = ("--target", "target", "--device", "cpu")
        if "check" in steps:
            found["check"] = spent(folder, "check", TASK, table, *learning[:2])
        run = folder / "run"
        if "train" in steps:
            limit = ("--minutes", told.minutes, "--model", "auto")
            found["train"] = spent(folder, "train", TASK, table, *learning, *limit, "--out", run)
        if "predict" in steps:
            if "train" not in steps:
                few = written(folder / "few.csv", FEW)
                spent(folder, "train", TASK, few, *learning, "--model", "linear", "--out", run)
            for rows in (min(SOME, told.rows), told.rows):
                asked = written(folder / f"{rows}.csv", rows, seed=1)
                answers = ("--csv", folder / "answers.csv", "--force")
                found[f"predict {rows}"] = spent(folder, "predict", run, asked, *answers)
        show(f"{told.rows} rows of 20 columns", **found)


def spent(folder: Path, *words: object) -> dict[str, float]:
    """Returns the CPU seconds and the peak megabytes of a command."""
    command = [sys.executable, "-m", "tenfold", *map(str, words)]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE}
    process = subprocess.Popen(command, cwd=folder, **quiet)
    said = process.stderr.read() if process.stderr else b""
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = status
    if status:
        raise SystemExit(f"tenfold {words[0]} failed:\n{said.decode()[-2000:]}")
    cpu = usage.ru_utime + usage.ru_stime
    return {"cpu_seconds": round(cpu, 1), "megabytes": round(usage.ru_maxrss / 1024)}


def written(path: Path, rows: int, seed: int = 0) -> Path:
    """Writes a table of `rows` rows, in pieces."""
    random = np.random.default_rng(seed)
    names = [*(f"n{at}" for at in range(10)), *(f"c{at}" for at in range(len(LEVELS)))]
    with path.open("w") as file:
        file.write(",".join(["id", *names, "day", "seen", "target"]) + "\n")
        for start in range(0, rows, CHUNK):
            count = min(CHUNK, rows - start)
            numbers = random.normal(size=(count, 10))
            levels = random.integers(0, LEVELS, (count, len(LEVELS)))
            seen = np.datetime64("2020-01-01T00:00:00") + random.integers(0, 86400 * 1500, count)
            signal = numbers[:, 0] + numbers[:, 1] * numbers[:, 2] + (levels[:, 0] == 1)
            target = np.where(signal + random.normal(size=count) > 0.3, "yes", "no")
            columns = [
                [f"u{start + at:09d}" for at in random.permutation(count)],
                *([f"{one:.4f}" for one in column] for column in numbers[:, :6].T),
                *([str(int(one * 1000)) for one in column] for column in numbers[:, 6:].T),
                *([f"k{one}" for one in column] for column in levels.T),
                seen.astype("datetime64[D]").astype(str),
                [str(one).replace("T", " ") for one in seen.astype(str)],
                target,
            ]
            file.write("\n".join(map(",".join, zip(*columns, strict=True))) + "\n")
    return path


if __name__ == "__main__":
    main()
