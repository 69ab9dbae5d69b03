"""How long `--minutes` takes: the whole command, `train` and `tune`, beside the minutes given.

Claim: at most 1.2 times the minutes given (train), 1.5 times (tune), on an idle machine. Protocol:
fresh processes on generated pictures, from the start of the process to its end.
    python benchmarks/minutes.py [--minutes 0.5] [--times 3]
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from common import show, spread

TASK = "image-classification"


def draw(folder: Path, rows: int = 600) -> None:
    """Pictures of 24 x 24 pixels of noise, of two classes that differ in brightness."""
    random = np.random.default_rng(0)
    for number in range(rows):
        place = folder / ("dark", "light")[number % 2]
        place.mkdir(parents=True, exist_ok=True)
        pixels = random.integers(0, 156, (24, 24, 3)) + 100 * (number % 2)
        content = b"P6 24 24 255\n" + pixels.astype(np.uint8).tobytes()
        (place / f"{number}.ppm").write_bytes(content)


def share(home: Path, verb: str, minutes: float, number: int) -> float:
    """The time of the command, as a multiple of the minutes given."""
    command = [sys.executable, "-m", "tenfold", verb, TASK, "data", "--minutes", str(minutes)]
    command += ["--out", f"{verb}-{number}", *(["--trials", "3"] if verb == "tune" else [])]
    settings = os.environ | {"TENFOLD_CACHE": str(home / "cache")}
    start = time.perf_counter()
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    subprocess.run(command, check=True, cwd=home, env=settings, **quiet)
    return (time.perf_counter() - start) / (60 * minutes)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--minutes", type=float, default=0.5)
    parser.add_argument("--times", type=int, default=3)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        home = Path(place)
        draw(home / "data")
        found = {
            verb: [share(home, verb, asked.minutes, number) for number in range(asked.times)]
            for verb in ("train", "tune")
        }
    show("times the minutes given", **{verb: spread(values) for verb, values in found.items()})


if __name__ == "__main__":
    main()
