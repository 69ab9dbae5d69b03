"""How large the report of a ten-class run is, and how long `tenfold report` takes as a process.

Claim: < 3 MB and < 5 s. Protocol: a short training, then fresh processes that answer the test rows
again, draw and write the page; median and spread; beside it what starting Python with torch
takes alone. Pages in both languages.
    python benchmarks/report.py [--data fashion-mnist-mini] [--limit 5000] [--times 5]
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import common
from common import show, spread

TASK = "image-classification"


def whole(*words: str, folder: Path) -> float:
    """Seconds of a command, from the start of the process to its end."""
    start = time.perf_counter()
    settings = os.environ | {"TENFOLD_CACHE": str(folder / "cache")}
    subprocess.run(
        [sys.executable, *words], check=True, stdout=subprocess.DEVNULL, cwd=folder, env=settings
    )
    return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", default="fashion-mnist-mini")
    parser.add_argument("--limit", type=int, default=5000)
    parser.add_argument("--times", type=int, default=5)
    asked = parser.parse_args()
    data = common.data(asked.data)
    with tempfile.TemporaryDirectory() as name:
        folder, run = Path(name), ("-m", "tenfold", "report", "run")
        settings = ("--size", "tiny", "--epochs", "2", "--limit", str(asked.limit), "--out", "run")
        whole("-m", "tenfold", "train", TASK, str(data), *settings, folder=folder)
        found: dict[str, object] = {}
        for lang in ("en", "zh"):
            words = (*run, "--lang", lang, "--out", f"{lang}.html")
            seconds = [whole(*words, folder=folder) for _ in range(asked.times + 1)]
            size = (folder / f"{lang}.html").stat().st_size
            found[lang] = {"megabytes": round(size / 1e6, 3), "seconds": spread(seconds[1:])}
        empty = spread(whole("-c", "import torch", folder=folder) for _ in range(asked.times))
    show("report of a ten-class run", data=asked.data, **found, torch_alone=empty)


if __name__ == "__main__":
    main()
