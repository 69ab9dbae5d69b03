"""A folder of 4,000 JPEGs: the first decode against the machine's own rate, and the second run.

Claims: first decode at >= 80 % of the rate at which two bare threads decode the same files to the
same size; a second run has its data ready in under a second after imports.
Protocol: 4,000 generated JPEGs of 320 x 240; the bare rate is Pillow alone (open, draft, convert,
resize to an array) on as many threads as cores, nothing kept; both in turn, several times, the
page cache warm for both, tenfold's own cache emptied before each first run.
    python benchmarks/decode.py [--files 4000] [--times 5]
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from common import show, spread
from PIL import Image

from tenfold.core import system
from tenfold.data import cache
from tenfold.data.prepare import prepare
from tenfold.tasks.registry import find

SIDE = 128


def make(folder: Path, files: int) -> None:
    """Photos of a kind: smooth colour fields with grain, one folder a class."""
    random = np.random.default_rng(0)
    for number in range(files):
        small = random.integers(0, 256, (12, 16, 3), np.uint8)
        field = np.asarray(Image.fromarray(small).resize((320, 240), Image.Resampling.BICUBIC))
        grain = random.normal(0, 8, (240, 320, 1))
        place = folder / ("even", "odd")[number % 2]
        place.mkdir(parents=True, exist_ok=True)
        pixels = (field + grain).clip(0, 255).astype(np.uint8)
        Image.fromarray(pixels).save(place / f"{number:05d}.jpg", quality=90)


def bare(paths: list[Path]) -> float:
    """Seconds of decoding and resizing alone."""

    def one(path: Path) -> int:
        with Image.open(path) as picture:
            picture.draft("RGB", (SIDE, SIDE))
            small = picture.resize((SIDE, SIDE), Image.Resampling.BILINEAR, reducing_gap=2.0)
            return len(np.asarray(small))

    start = time.perf_counter()
    with ThreadPoolExecutor(system.cores()) as pool:
        list(pool.map(one, paths, chunksize=16))
    return time.perf_counter() - start


def ready(folder: Path) -> tuple[float, float]:
    """(seconds of the whole preparation, of its decode pass alone)."""
    start = time.perf_counter()
    found = prepare(find("image-classification", image_size=SIDE), folder)
    return time.perf_counter() - start, found.seconds["encode"]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--files", type=int, default=4000)
    parser.add_argument("--times", type=int, default=5)
    told = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        os.environ["TENFOLD_CACHE"] = f"{home}/cache"
        folder = Path(home) / "photos"
        make(folder, told.files)
        paths = sorted(folder.rglob("*.jpg"))
        bare(paths)
        rates, wholes, seconds = [], [], []
        for _ in range(told.times):
            alone = bare(paths)
            cache.remove_all()
            whole, decode = ready(folder)
            rates.append(alone / decode)
            wholes.append(alone / whole)
            seconds.append(ready(folder)[0])
    show(
        f"decoding {told.files} JPEGs",
        decode_pass_share_of_bare_rate=spread(rates),
        whole_preparation_share_of_bare_rate=spread(wholes),
        second_run_seconds=spread(seconds),
        bare_pictures_per_second=round(told.files / alone),
    )


if __name__ == "__main__":
    main()
