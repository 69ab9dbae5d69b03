"""Tagged tokens: entity F1 and accuracy from scratch, three seeds, beside the other candidates.

Claims: resume_ner_zh F1 >= 92 %, UD English EWT (a third of its training set) accuracy >= 90 %,
wikiann_en F1 >= 70 %, wnut17 F1 beside its constant baseline; each in less than five minutes of
training on two cores.
Protocol: `tenfold train token-classification` with nothing told but the seed, parts as given; exact
spans for F1, tokens for accuracy.
    python benchmarks/tags.py [--seeds 3] [--data resume_ner_zh ...]
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from pathlib import Path
from typing import Any

from common import data, show

import tenfold

TASK = "token-classification"
NAMES = ("resume_ner_zh", "ud_english_ewt", "wikiann_en", "wnut17")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--data", nargs="+", default=NAMES, choices=NAMES)
    told = parser.parse_args()
    for name in told.data:
        rows = [once(name, seed) for seed in range(told.seeds)]
        mean = round(100 * statistics.mean(row["test"] for row in rows), 2)
        show(name, mean=mean, seconds=max(row["seconds"] for row in rows), runs=rows)


def once(name: str, seed: int) -> dict[str, Any]:
    """The headline on the test rows, that of each candidate, the seconds that learning took."""
    with tempfile.TemporaryDirectory() as folder:
        scores = tenfold.train(TASK, data(name), seed=seed, out=Path(folder) / "run").scores
    headline = scores["headline"]
    return {
        "seed": seed,
        "metric": headline,
        "test": scores["scores"][headline]["value"],
        "selected": scores["fitted"]["selected"],
        "others": {name: one.get(headline) for name, one in scores["baselines"].items()},
        "seconds": scores["seconds"]["train"],
    }


if __name__ == "__main__":
    main()
