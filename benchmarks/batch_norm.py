"""Batch normalisation with and without: the same line of layers, steps, seeds and rates.

Claim: none in advance. Every accuracy is shown, at a low and at a high learning rate, as what
the norm allows is the high one. Protocol: six 3x3 convolutions of 16, 32 and 64 maps in three
stages, SGD with momentum, nothing augmented; CIFAR-10 (JPEG-coded copies, 10,000 test pictures) in
one pass, flowers at side 32 (five classes, a part kept by tenfold's own split) in five. Nothing is
chosen by the test part: all rates are printed.
    python benchmarks/batch_norm.py [--seeds 3] [--limit ROWS]
"""

from __future__ import annotations

import argparse
import statistics
from typing import Any

import numpy as np
from common import Pictures, show, spread

STAGE = "conv{maps} {norm} relu conv{maps} {norm} maxpool2 relu"
LINES = {
    name: " ".join(STAGE.format(maps=maps, norm=norm) for maps in (16, 32, 64)) + " flatten"
    for name, norm in (("with", "batchnorm"), ("without", ""))
}
RATES = (0.01, 0.1)
DATA: dict[str, tuple[str, dict[str, Any], float]] = {  # where, settings, passes
    "cifar10": ("cifar10/cifar10-full-jpeg.zip", {}, 1.0),
    "flowers": ("flowers", {"image_size": 32}, 5.0),
}


def measured(name: str, seeds: int, limit: int) -> dict[str, Any]:
    where, settings, passes = DATA[name]
    found: dict[str, Any] = {}
    for norm, line in LINES.items():
        for rate in RATES:
            more = {"network": line, "optimizer": "sgd", "learning_rate": rate, "augment": "none"}
            pictures = Pictures(where, **settings, **more)
            if limit:
                some = np.linspace(0, pictures.train.rows - 1, limit)
                pictures.train = pictures.train.view(some.astype(np.int64))
            found[f"{norm}, rate {rate:g}"] = learnt(pictures, seeds, passes)
    rows = {"train": pictures.train.rows, "test": pictures.test.rows}
    return {"rows": rows, "passes": passes, "accuracy": found}


def learnt(pictures: Pictures, seeds: int, passes: float) -> dict[str, Any]:
    """Test accuracy of each seed, after the last step."""
    each, times = [], []
    for seed in range(seeds):
        net, spent = pictures.learn(seed, epochs=passes, batch=128)
        each.append(pictures.accuracy(net))
        times.append(spent)
    mean = round(statistics.mean(each), 4)
    return {"mean": mean, "each": [round(one, 4) for one in each], "seconds": spread(times)}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--limit", type=int, default=0, help="training rows, 0 = all")
    told = parser.parse_args()
    found = {name: measured(name, told.seeds, told.limit) for name in DATA}
    show("batch normalisation with and without", lines=LINES, **found)


if __name__ == "__main__":
    main()
