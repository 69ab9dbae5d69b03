"""Clusters of MNIST without a network: accuracy, NMI, ARI and seconds of each step, three seeds.

Claim: 70,000 digits in ten groups with an accuracy >= 0.97. Aim: less than 60 s on two cores.
Protocol: the given parts are joined. View of the pictures, neighbours, eigenvectors and start are
chosen by the normalised cut, without labels; labels only score. Accuracy is that of the best
matching of groups and digits (Hungarian method). Seconds are of the wall clock and of all threads
of the process ("cpu"), reading excluded; `view` is the choice of the view, `groups` all that comes
after it, `predict` the groups of 1,000 rows.
    python benchmarks/clusters.py [--seeds 3] [--rows 70000] [--threads 2]
"""

from __future__ import annotations

import argparse
import gzip
import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from common import data, show
from scipy.optimize import linear_sum_assignment
from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score

from tenfold.recipes.clusters.moments import views
from tenfold.recipes.clusters.spectral import best_view, partition

DIGITS = 10


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--rows", type=int, default=70_000)
    parser.add_argument("--threads", type=int, default=2)
    told = parser.parse_args()
    torch.set_num_threads(told.threads)
    pictures, digits = read(told.rows)
    runs = [once(pictures, digits, seed) for seed in range(told.seeds)]
    means = {name: statistics.mean(one[name] for one in runs) for name in ("acc", "nmi", "ari")}
    show("mnist", rows=len(digits), threads=told.threads, **means, runs=runs)


def read(rows: int) -> tuple[torch.Tensor, np.ndarray]:
    """Pictures (N, 28, 28) and digits (N,) of both parts; a random selection of `rows` of them."""
    folder = data("mnist")
    parts = [
        np.frombuffer(gzip.decompress((folder / f"{part}-{name}-ubyte.gz").read_bytes()), np.uint8)
        for name in ("images-idx3", "labels-idx1")
        for part in ("train", "t10k")
    ]
    pictures = np.concatenate([one[16:].reshape(-1, 28, 28) for one in parts[:2]])
    digits = np.concatenate([one[8:] for one in parts[2:]])
    chosen = np.random.default_rng(0).permutation(len(digits))[:rows]
    return torch.from_numpy(pictures[chosen]), digits[chosen].astype(int)


def once(pictures: torch.Tensor, digits: np.ndarray, seed: int) -> dict[str, Any]:
    """Scores of one seed, what was chosen, and the seconds of each step."""
    spent: dict[str, dict[str, float]] = {}
    name, cuts = timed(spent, "view", lambda: best_view(pictures, DIGITS, views(), seed))
    view = views()[name]
    found = timed(spent, "groups", lambda: partition(pictures, DIGITS, seed, view))
    again = timed(spent, "predict", lambda: found.shares(view(pictures[:1000])).argmax(1))
    groups = found.groups.numpy()
    table = np.zeros((DIGITS, DIGITS), int)
    np.add.at(table, (groups, digits), 1)
    return {
        "seed": seed,
        "acc": table[linear_sum_assignment(-table)].sum() / len(digits),
        "nmi": normalized_mutual_info_score(digits, groups),
        "ari": adjusted_rand_score(digits, groups),
        "predicted_as_trained": int((again == found.groups[:1000]).sum()),
        "view": name,
        "cuts": cuts,
        "best": vars(found.trials[0]),
        "seconds": spent,
    }


def timed(spent: dict[str, dict[str, float]], name: str, work: Callable[[], Any]) -> Any:
    wall, cpu = time.perf_counter(), time.process_time()
    result = work()
    spent[name] = {
        "wall": round(time.perf_counter() - wall, 2),
        "cpu": round(time.process_time() - cpu, 2),
    }
    return result


if __name__ == "__main__":
    main()
