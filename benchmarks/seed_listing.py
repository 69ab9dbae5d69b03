"""The seed listing: first 1,000 pictures, 10 epochs, batch 16, against Keras 3 (TensorFlow).

Claims: fit >= 4 times faster, the whole process >= 2.5 times, accuracy no worse.
Protocol: the two whole processes in turn, each fresh, several times; fit seconds as each process
reports them, whole seconds from outside; both learn from the first 1,000 training pictures and are
judged on test pictures that were not validated on.
    python benchmarks/seed_listing.py [--times 5]
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from common import HERE, data, show, spread
from environments import python_of

EXAMPLE = HERE.parent / "examples" / "seed_listing.py"
KERAS = HERE / "peers" / "keras_seed_listing.py"


def process(command: list[str]) -> dict[str, Any]:
    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            command, cwd=folder, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
    spent = time.perf_counter() - start
    found: dict[str, Any] = json.loads(done.stdout.decode().strip().splitlines()[-1])
    return found | {"whole_seconds": spent}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--times", type=int, default=5)
    times = parser.parse_args().times
    mnist, keras = str(data("mnist")), str(python_of("keras"))
    os.environ.setdefault("TENFOLD_CACHE", str(Path(tempfile.mkdtemp()) / "cache"))
    ours, theirs = [], []
    for seed in range(times + 1):  # the first pair only warms the disk
        ours.append(process([sys.executable, str(EXAMPLE), mnist, str(seed)]))
        theirs.append(process([keras, str(KERAS), mnist, "--seed", str(seed)]))
    found = {}
    for name, runs in (("tenfold", ours[1:]), ("keras", theirs[1:])):
        found[name] = {
            key: spread(run[key] for run in runs)
            for key in ("fit_seconds", "whole_seconds", "accuracy")
        }
    ratios = {
        key: spread(b[key] / a[key] for a, b in zip(ours[1:], theirs[1:], strict=True))
        for key in ("fit_seconds", "whole_seconds")
    }
    show("seed listing against Keras 3", **found, times_faster=ratios)


if __name__ == "__main__":
    main()
