"""Whether an exported run gives the run's answers, and what eight bits cost and gain.

Claim: outputs within 1e-4, every test decision equal but ties. Protocol: a training on real data,
`tenfold export` with and without --int8, on the run's own test rows; milliseconds are medians of
seven, of a row asked alone and a row among 128.
    python benchmarks/export.py [--data mnist cats-dogs flowers] [--limit 4000]
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import Any

import common
from common import show

import tenfold
from tenfold.core import errors


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", nargs="*", default=["fashion-mnist-mini", "cats-dogs", "flowers"])
    parser.add_argument("--limit", type=int)
    parser.add_argument("--epochs", type=float)
    asked = parser.parse_args()
    for name in asked.data:
        with tempfile.TemporaryDirectory() as place:
            data, out = common.data(name), Path(place) / "run"
            run = tenfold.train(
                "image-classification", data, limit=asked.limit, epochs=asked.epochs, out=out
            )
            show(f"export of {name}", whole=told(run), eight_bits=told(run, int8=True))


def told(run: Any, int8: bool = False) -> dict[str, Any]:
    """What the parity says; of eight bits whatever they cost, and whether they would be refused."""
    try:
        parity = tenfold.export(run, int8=int8, max_drop=100)["parity"]
    except errors.ArtefactRefused as refused:
        return {"refused": refused.message}
    if not int8:
        names = ("rows", "largest_difference", "decisions", "values", "bytes", "milliseconds")
        return {name: parity[name] for name in names}
    return parity["int8"] | {"refused by default": parity["int8"]["drop"] > 0.5}


if __name__ == "__main__":
    main()
