"""A million rows of a CSV answered at the memory that ten thousand take.

Claim: `tenfold predict RUN rows.csv --csv answers.csv` streams: the peak memory of the process does
not grow with the rows.
Protocol: a run trained on 2,000 generated reviews; tables of 10,000 and of 1,000,000 rows of about
100 characters; the peak resident memory of each child process as the system reports it.
    python benchmarks/texts_memory.py [--rows 1000000]
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import numpy as np
from common import child, show

import tenfold

TASK = "text-classification"
WORDS = [f"word{number}" for number in range(3000)]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=1_000_000)
    told = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        few = written(folder / "few.csv", 2000)
        run = tenfold.train(TASK, few, out=folder / "run", model="naive-bayes").folder
        found = {}
        for rows in (10_000, told.rows):
            table = written(folder / f"{rows}.csv", rows)
            answers = folder / "answers.csv"
            found[f"predict {rows}"] = child("predict", run, table, "--csv", answers)
        show("peak memory by rows", **found)


def written(path: Path, rows: int) -> Path:
    """A table of text,label whose label follows from its words."""
    random = np.random.default_rng(rows)
    with path.open("w") as file:
        file.write("text,label\n")
        for start in range(0, rows, 10_000):
            count = min(10_000, rows - start)
            drawn = random.integers(0, len(WORDS), (count, 13))
            for line in drawn:
                words = " ".join(WORDS[number] for number in line)
                file.write(f"{words},{'good' if line[0] % 2 else 'bad'}\n")
    return path


if __name__ == "__main__":
    main()
