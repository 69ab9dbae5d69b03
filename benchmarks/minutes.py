"""`--minutes`: the time that the whole command takes, beside the time asked for.

Claim: with the data read and encoded before, a command ends within 1.2 times the minutes asked, on
every data set, and no 15 seconds pass without a line on standard error. The first command on a data
set, which also reads and encodes it, is shown beside it.
Protocol: `tenfold train TASK DATA --minutes N` in a process of its own, twice with one empty cache;
seconds from start to end of the process, start of Python and writing the report included.
    python benchmarks/minutes.py [--minutes 1] [--data movielens_latest_small ...]
"""

from __future__ import annotations

import argparse
import itertools
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from common import data, show

TASKS = {
    "movielens_latest_small": "recommendation",
    "amazon_beauty": "recommendation",
    "ag_news": "text-classification",
    "thucnews_titles": "text-classification",
    "wikiann_en": "token-classification",
    "mnist": "image-classification",
}
MOST, SILENCE = 1.2, 15.0
"""Largest share of the minutes asked that a command may take, longest silence in seconds."""


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--minutes", type=float, default=1.0)
    parser.add_argument("--data", nargs="+", default=[*TASKS], choices=[*TASKS])
    told, missed = parser.parse_args(), []
    asked = 60 * told.minutes
    for name in told.data:
        with tempfile.TemporaryDirectory() as folder:
            first, again = (once(name, told.minutes, Path(folder), run) for run in range(2))
        claim = f"--minutes {told.minutes:g} on {name}"
        show(claim, asked=asked, first=first, again=again, load=os.getloadavg())
        if again["seconds"] > MOST * asked or again["silence"] > SILENCE:
            missed.append(name)
    if missed:
        sys.exit(f"missed: {', '.join(missed)}")


def once(name: str, minutes: float, folder: Path, run: int) -> dict[str, Any]:
    """Seconds of the command, its longest silence, and the stages that it reports itself."""
    words = [sys.executable, "-m", "tenfold", "train", TASKS[name], str(data(name))]
    words += ["--minutes", str(minutes), "--out", str(folder / f"run-{run}")]
    began = time.perf_counter()
    process = subprocess.Popen(
        words,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=os.environ | {"TENFOLD_CACHE": str(folder / "cache")},
        text=True,
    )
    lines, times = [], [began]
    for line in process.stdout or ():
        lines.append(line.rstrip())
        times.append(time.perf_counter())
    if process.wait():
        sys.exit(f"{name}: exit code {process.returncode}\n" + "\n".join(lines))
    times.append(time.perf_counter())
    pairs = enumerate(itertools.pairwise(times))
    silence, at = max((later - one, at) for at, (one, later) in pairs)
    stages = [line.strip() for line in lines if line.startswith("  ") and " test " in line]
    return {
        "seconds": round(times[-1] - began, 1),
        "silence": round(silence, 1),
        "silent_after": lines[at - 1] if at else "the start",
        "stages": stages[0] if stages else "",
        "told": [line for line in lines if "minutes" in line],
    }


if __name__ == "__main__":
    main()
