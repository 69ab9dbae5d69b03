"""How long 4,000 known pictures take until they are ready for training.

Claim: < 1 s. Protocol: fresh processes, from after the imports to the rows; nothing of the files
is read (tests/data/test_cache.py counts that none is opened); the first process, which reads and
decodes them all, is shown beside it.
    python benchmarks/known_files.py [--files 4000] [--times 5]
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from common import show, spread

CODE = """
import sys, time
from tenfold.data.prepare import prepare
from tenfold.tasks.registry import find
task = find("image-classification")
start = time.perf_counter()
prepare(task, sys.argv[1])
print(time.perf_counter() - start)
"""


def draw(folder: Path, files: int) -> None:
    """Pictures of 8 x 8 pixels of noise in two classes."""
    random = np.random.default_rng(0)
    for number in range(files):
        place = folder / ("cat", "dog")[number % 2]
        place.mkdir(parents=True, exist_ok=True)
        (place / f"{number}.ppm").write_bytes(b"P6 8 8 255\n" + random.bytes(192))


def seconds(data: Path, cache: Path) -> float:
    """Seconds until the rows are ready, in a process of its own."""
    command = [sys.executable, "-c", CODE, str(data)]
    settings = os.environ | {"TENFOLD_CACHE": str(cache)}
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=settings)
    return float(done.stdout)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--files", type=int, default=4000)
    parser.add_argument("--times", type=int, default=5)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        data, cache = Path(home) / "data", Path(home) / "cache"
        draw(data, asked.files)
        new = seconds(data, cache)
        known = [seconds(data, cache) for _ in range(asked.times)]
    show("seconds until ready", new=round(new, 3), known=spread(known))


if __name__ == "__main__":
    main()
