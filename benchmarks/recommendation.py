"""Rankings of real catalogues: what `auto` reaches, beside its own parts and RecBole's models.

Claims: Amazon Beauty NDCG@10 >= 0.045 (stretch 0.050), published SASRec 0.032 to 0.036, EASE with
lambda 250 0.0413; MovieLens-latest-small and Last.fm at or above RecBole's models; popularity,
item-kNN and every single model beaten on each. Ratings of MovieLens-latest-small: RMSE below that
of biases alone.
Protocol: `tenfold train recommendation` with the seed and `--liked all`: the last item of each
person is the test, the one before it validation, the whole catalogue ranked without what the
person had; mean over seeds. RecBole: the same file and parts (leave-last-out, full ranking), once,
its own settings but lambda 250; its general models do not know the validation item when they are
tested, its sequence models do, as ours. Ratings with `--output ratings`, split `last` and `random`.
    python benchmarks/recommendation.py [--seeds 3] [--data amazon_beauty ...]
        [--recbole Pop ItemKNN EASE BPR LightGCN SASRec] [--settings JSON]
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from common import data, peer, show

import tenfold
from tenfold.media.interactions import read

TASK = "recommendation"
NAMES = ("amazon_beauty", "lastfm_s3rec", "movielens_latest_small")
MEASURE = "ndcg@10"
GENERAL = {"eval_batch_size": 2_000_000}
SETTINGS: dict[str, dict[str, Any]] = {
    "EASE": {"reg_weight": 250.0, "eval_step": 0},
    "BPR": {"stopping_step": 10, "epochs": 100},
    "LightGCN": {"stopping_step": 10, "epochs": 100},
    "SASRec": {"train_neg_sample_args": None},
}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--data", nargs="+", default=NAMES, choices=NAMES)
    parser.add_argument("--recbole", nargs="*", default=("Pop", "ItemKNN", "EASE", "BPR"))
    parser.add_argument("--settings", default="{}", help="further settings of RecBole's models")
    told = parser.parse_args()
    for name in told.data:
        rows = [once(name, seed) for seed in range(told.seeds)]
        found = means(rows) if rows else {}
        others = recbole(name, told.recbole, json.loads(told.settings))
        show(name, metric=MEASURE, mean=found, recbole=others, runs=rows)
    if "movielens_latest_small" in told.data and told.seeds:
        show("ratings of movielens_latest_small", **{way: rated(way) for way in ("last", "random")})


def once(name: str, seed: int) -> dict[str, Any]:
    """NDCG of what was kept and of all that was tried, on the test rows, and seconds."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "run"
        scores = tenfold.train(TASK, data(name), seed=seed, out=out, liked="all").scores
    best = scores["scores"][MEASURE]
    return {
        "seed": seed,
        "auto": best["value"],
        "interval": [best["low"], best["high"]],
        "selected": scores["fitted"]["selected"],
        "others": {one: values[MEASURE] for one, values in scores["baselines"].items()},
        "recall": scores["scores"]["recall@10"]["value"],
        "test_rows": scores["rows"]["test"],
        "seconds": scores["seconds"],
    }


def means(rows: list[dict[str, Any]]) -> dict[str, float]:
    """Means over seeds of all that each of them has."""
    found = {"auto": statistics.mean(row["auto"] for row in rows)}
    for name in rows[0]["others"]:
        found[name] = statistics.mean(row["others"].get(name, row["auto"]) for row in rows)
    found["seconds"] = statistics.mean(row["seconds"]["total"] for row in rows)
    return {name: round(value, 4) for name, value in found.items()}


def recbole(name: str, models: Sequence[str], more: dict[str, Any]) -> dict[str, Any]:
    """NDCG and seconds of each of RecBole's models, on the same interactions."""
    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        atomic(name, Path(folder) / name / f"{name}.inter")
        for model in models:
            told = json.dumps(GENERAL | SETTINGS.get(model, {}) | more)
            other = peer("recbole", "recbole_models.py", folder, name, model, told)
            seconds = round(sum(other["seconds"].values()), 1)
            found[model] = {"ndcg": other["scores"][MEASURE], "seconds": seconds}
    return found


def atomic(name: str, path: Path) -> None:
    """The interactions of a data set as RecBole reads them, in the order in which ours stand."""
    found = read.read(data(name))
    path.parent.mkdir(parents=True)
    with path.open("w") as file:
        file.write("user_id:token\titem_id:token\ttimestamp:float\n")
        for at, (user, item) in enumerate(zip(found.user, found.item, strict=True)):
            file.write(f"{found.users[user]}\t{found.items[item]}\t{at}\n")


def rated(split: str) -> dict[str, Any]:
    """RMSE with its interval, of the mean, of biases alone, and seconds."""
    source = data("movielens_latest_small")
    with tempfile.TemporaryDirectory() as folder:
        run = tenfold.train(TASK, source, output="ratings", holdout=split, out=Path(folder) / "run")
    best, others = run.scores["scores"]["rmse"], run.scores["baselines"]
    return {
        "rmse": best["value"],
        "interval": [best["low"], best["high"]],
        "mean": best["baseline"],
        "biases": others["biases"]["rmse"],
        "mae": run.scores["scores"]["mae"]["value"],
        "seconds": run.scores["seconds"]["total"],
    }


if __name__ == "__main__":
    main()
