"""Peers: LightGBM, CatBoost and scikit-learn's histogram boosting with their defaults, on tables.

Claim measured (the peers' side): accuracy or root mean squared error on the test rows.
Protocol: the tables and parts of `benchmarks/tables.py`; the peers learn from the parts train and
valid together (80 %), as nothing of theirs is chosen. Each gets the table as its users write it:
categories as categories, missing cells as they stand; CatBoost has empty categories as "".
Run it in the environment `boosted_tables` (environments.py):
    python benchmarks/peers/boosted_tables.py --data titanic --seeds 3 [--threads 1]
Prints one JSON object: for each peer the mean score, the scores and CPU seconds.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from tables import CLASSES, NAMES, load, parts, score

PEERS = ("scikit-learn", "lightgbm", "catboost")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", nargs="+", default=NAMES, choices=NAMES)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--peers", nargs="+", default=PEERS, choices=PEERS)
    parser.add_argument("--threads", type=int, default=1)
    told = parser.parse_args()
    found: dict[str, Any] = {}
    for name in told.data:
        for peer in told.peers:
            runs = [once(name, peer, seed, told.threads) for seed in range(told.seeds)]
            scores = [round(run[0], 4) for run in runs]
            seconds = round(sum(run[1] for run in runs) / len(runs), 1)
            mean = round(float(np.mean(scores)), 4)
            found.setdefault(name, {})[peer] = {
                "mean": mean,
                "scores": scores,
                "cpu_seconds": seconds,
            }
    print(json.dumps(found))


def once(name: str, peer: str, seed: int, threads: int) -> tuple[float, float]:
    """Score on the test rows and CPU seconds of the fit."""
    frame, target, task = load(name)
    part = parts(frame, seed)
    inputs, truth = frame.drop(columns=target), frame[target].to_numpy()
    if "time" in frame.attrs:
        times = pd.to_datetime(inputs.pop(frame.attrs["time"]))
        inputs.insert(0, frame.attrs["time"], times.map(pd.Timestamp.toordinal))
    words = [name for name in inputs if not pd.api.types.is_numeric_dtype(inputs[name])]
    rows = np.concatenate([part["train"], part["valid"]])
    for word in words:
        if peer == "catboost":
            inputs[word] = inputs[word].fillna("").astype(str)
        else:
            levels = inputs[word].iloc[rows].dropna().unique()
            known = inputs[word].where(inputs[word].isin(levels))
            inputs[word] = pd.Categorical(known, categories=sorted(levels))
    model = made(peer, task, words, seed, threads, inputs)
    began = time.process_time()
    if peer == "scikit-learn":
        wide = [word for word in words if inputs[word].nunique() > 255]
        inputs = inputs.assign(**{word: inputs[word].cat.codes for word in wide})
    model.fit(inputs.iloc[rows], truth[rows])
    seconds = time.process_time() - began
    answers = np.asarray(model.predict(inputs.iloc[part["test"]])).ravel()
    return score(task, answers, truth[part["test"]]), seconds


def made(
    peer: str, task: str, words: list[str], seed: int, threads: int, inputs: pd.DataFrame
) -> Any:
    """A model with the defaults of the library."""
    classes = task == CLASSES
    if peer == "lightgbm":
        import lightgbm

        kind = lightgbm.LGBMClassifier if classes else lightgbm.LGBMRegressor
        return kind(random_state=seed, n_jobs=threads, verbose=-1)
    if peer == "catboost":
        import catboost

        kind = catboost.CatBoostClassifier if classes else catboost.CatBoostRegressor
        options = {"cat_features": words, "random_seed": seed, "thread_count": threads}
        return kind(verbose=False, allow_writing_files=False, **options)
    from sklearn import ensemble

    name = f"HistGradientBoosting{'Classifier' if classes else 'Regressor'}"
    kind = getattr(ensemble, name)
    return kind(random_state=seed, categorical_features="from_dtype")


if __name__ == "__main__":
    main()
