"""Ten million interactions, checked, fitted and tested within 8 GB.

Claim: the peak memory of `tenfold train recommendation` on 10,000,000 generated interactions of
70,000 people with 10,000 items stays below 8 GB.
Protocol: the whole command as a child process, EASE (`--model ease`), everything else as it is; the
peak resident memory as the system reports it.
    python benchmarks/recommendation_memory.py [--events 10000000] [--model ease]
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path

from common import child, show
from crowds import crowd, written


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--events", type=int, default=10_000_000)
    parser.add_argument("--people", type=int, default=70_000)
    parser.add_argument("--items", type=int, default=10_000)
    parser.add_argument("--model", default="ease")
    told = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        data, out = Path(name) / "events" / "events.inter", Path(name) / "run"
        lines = written(data, crowd(told.people, told.items, told.events))
        words = ("train", "recommendation", data, "--model", told.model, "--out", out)
        found = child(*words)
        scores = json.loads((out / "scores.json").read_text())
    best = scores["scores"][scores["headline"]]
    show(
        "ten million interactions within 8 GB",
        lines=lines,
        **found,
        ndcg=best,
        parts=scores["seconds"],
    )


if __name__ == "__main__":
    main()
