"""How long a large CSV takes to read, as a multiple of pandas alone on the same file.

Two files of a million rows are made: interactions (user, item, rating, time) and texts with labels,
a third of them quoted. Each is read by pandas.read_csv and by the reader of the medium, in turn,
`--times` rounds. `--against COMMIT` reads them with the code of that commit too, in turn.

Claim: reading a million rows is not slower than before there was one reader of tables.
    python benchmarks/reading_tables.py [--times 3] [--rows 1000000] [--against COMMIT]
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from common import show, spread
from same_runs import ROOT, checkout

WORDS = "good bad soup table waiter cold fresh rude price bill again never".split()
MEASURE = """
import json, sys, time
from tenfold.core.progress import Silent, listening
path, kind = sys.argv[1:]
if kind == "pandas":
    import pandas as pd
    read = pd.read_csv
elif kind == "interactions":
    from tenfold.media.interactions.read import read
else:
    from tenfold.media.text.labelled import read
began = time.perf_counter()
with listening(Silent()):
    read(path)
print(json.dumps(time.perf_counter() - began))
"""


def interactions(path: Path, rows: int) -> None:
    """Writes a CSV of interactions: 20,000 users, 5,000 items, ratings of 1 to 5."""
    draw = np.random.default_rng(1)
    columns = [draw.integers(20_000, size=rows), draw.integers(5_000, size=rows)]
    columns += [draw.integers(1, 6, size=rows), 1_600_000_000 + draw.integers(10**8, size=rows)]
    np.savetxt(
        path, np.stack(columns, 1), "%d", ",", header="user,item,rating,timestamp", comments=""
    )


def texts(path: Path, rows: int) -> None:
    """Writes a CSV of texts of eight words and labels; every third text is quoted."""
    draw = np.random.default_rng(2)
    words = np.asarray(WORDS)[draw.integers(len(WORDS), size=(rows, 8))]
    with path.open("w", encoding="utf-8") as file:
        file.write("text,label\n")
        for number, row in enumerate(words):
            text = " ".join(row)
            file.write(f'"{text}, yes",a\n' if number % 3 == 0 else f"{text},b\n")


def seconds(tree: Path, path: Path, kind: str) -> float:
    """The seconds that a fresh process of this tree takes to read the file."""
    environment = os.environ | {"PYTHONPATH": str(tree), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, str(path), kind],
        env=environment, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return float(json.loads(done.stdout.strip().splitlines()[-1]))


def main() -> None:
    """Measures and prints the document."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=3)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--against", default="")
    given = parser.parse_args()
    found: dict[str, object] = {}
    with tempfile.TemporaryDirectory() as home:
        trees = {"here": ROOT}
        if given.against:
            trees["there"] = checkout(given.against, Path(home) / "there")
        for kind, write in (("interactions", interactions), ("texts", texts)):
            path = Path(home) / f"{kind}.csv"
            write(path, given.rows)
            told: dict[str, list[float]] = {name: [] for name in ("pandas", *trees)}
            for _ in range(given.times):
                told["pandas"].append(seconds(ROOT, path, "pandas"))
                for name, tree in trees.items():
                    told[name].append(seconds(tree, path, kind))
            found[kind] = {
                name: {
                    "seconds": spread(values),
                    "times_pandas": spread(
                        [a / b for a, b in zip(values, told["pandas"], strict=True)]
                    ),
                }
                for name, values in told.items()
            }
    show(found)


if __name__ == "__main__":
    main()
