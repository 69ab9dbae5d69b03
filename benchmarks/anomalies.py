"""ROC AUC of anomaly detection on six public tables, beside scikit-learn in the same run.

Measured: the mean over the tables where half of the normal rows train and the others are tested
with all strange rows, and where all rows are fitted and scored. Aims: 0.890 and 0.860.
Labels score alone: no candidate, setting or threshold is chosen with them. The choices of the
recipe (scaling to a standard deviation of 1, five neighbours) were made on draws 100 to 102 with
half of the strange rows; the draws here are 0 to 2.
    python benchmarks/anomalies.py --data FOLDER [--draws 3] [--tables glass ...]
`FOLDER` holds anomaly_mammography and anomaly_odds_recipes.
"""

from __future__ import annotations

import argparse
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from common import show
from sklearn.covariance import MinCovDet
from sklearn.ensemble import IsolationForest
from sklearn.metrics import roc_auc_score
from sklearn.neighbors import LocalOutlierFactor

from tenfold.networks.subjects.row_features import RowFeatures
from tenfold.recipes.strange import heads

TABLES = ("breastw", "ecoli", "glass", "ionosphere", "pima", "mammography")
Scorer = Callable[[np.ndarray, np.ndarray, int], np.ndarray]
"""(rows to fit, rows to score, seed) -> scores, larger for stranger rows."""


def load(folder: Path, name: str) -> tuple[np.ndarray, np.ndarray]:
    """The numbers (N, D) of a table, and True (N,) for strange rows."""
    if name == "mammography":
        path = folder / "anomaly_mammography" / "mammography.csv.gz"
        table = pd.read_csv(path, header=None)
        strange = table.iloc[:, -1].astype(str).str.strip("'") == "1"
    else:
        table = pd.read_csv(folder / "anomaly_odds_recipes" / f"{name}.csv")
        strange = table.iloc[:, -1] == 1
    return table.iloc[:, :-1].to_numpy(np.float32), strange.to_numpy()


def features(train: np.ndarray, asked: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Both scaled by the features that the task makes of the rows to fit."""
    module = RowFeatures(train.shape[1], [])
    nothing = torch.zeros((len(train), 0), dtype=torch.int32)
    module.learn(torch.from_numpy(train), nothing)
    empty = torch.zeros((len(asked), 0), dtype=torch.int32)
    pairs = ((train, nothing), (asked, empty))
    first, second = (module(torch.from_numpy(rows), levels).numpy() for rows, levels in pairs)
    return first, second


def candidate(name: str) -> Scorer:
    """A candidate of the task, as it fits and scores features."""

    @torch.no_grad()
    def scores(train: np.ndarray, asked: np.ndarray, seed: int) -> np.ndarray:
        sizes, state = heads.CLOSED[name](train, seed)
        head = heads.build(name, train.shape[1], sizes).eval()
        head.load_state_dict(state)
        blocks = torch.from_numpy(asked).split(1024)
        return torch.cat([head(block)[0] for block in blocks]).numpy()

    return scores


def isolation_forest(train: np.ndarray, asked: np.ndarray, seed: int) -> np.ndarray:
    return -IsolationForest(random_state=seed).fit(train).score_samples(asked)


def outlier_factor(train: np.ndarray, asked: np.ndarray, seed: int) -> np.ndarray:
    if train is asked:
        return -LocalOutlierFactor().fit(train).negative_outlier_factor_
    return -LocalOutlierFactor(novelty=True).fit(train).score_samples(asked)


def robust_covariance(train: np.ndarray, asked: np.ndarray, seed: int) -> np.ndarray:
    return MinCovDet(random_state=seed).fit(train).mahalanobis(asked)


SCORERS: dict[str, Scorer] = {
    **{name: candidate(name) for name in heads.CLOSED},
    "scikit-learn isolation forest": isolation_forest,
    "scikit-learn LOF": outlier_factor,
    "scikit-learn robust covariance": robust_covariance,
}


def areas(x: np.ndarray, strange: np.ndarray, scorer: Scorer, seed: int) -> tuple[float, float]:
    """ROC AUC with half of the normal rows fitted, and with all rows fitted and scored."""
    normal = np.random.default_rng(seed).permutation(np.flatnonzero(~strange))
    half = len(normal) // 2
    asked = np.concatenate([normal[half:], np.flatnonzero(strange)])
    train, rows = features(x[normal[:half]], x[asked])
    whole, _ = features(x, x[:1])
    return (
        float(roc_auc_score(strange[asked], scorer(train, rows, seed))),
        float(roc_auc_score(strange, scorer(whole, whole, seed))),
    )


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--draws", type=int, default=3)
    parser.add_argument("--tables", nargs="+", default=TABLES, choices=TABLES)
    told = parser.parse_args()
    warnings.filterwarnings("ignore", module="sklearn")  # determinants of discrete columns
    torch.set_grad_enabled(False)
    tables = {name: load(told.data, name) for name in told.tables}
    for name, scorer in SCORERS.items():
        found = {
            table: np.mean([areas(*rows, scorer, seed) for seed in range(told.draws)], axis=0)
            for table, rows in tables.items()
        }
        for at, protocol in enumerate(("half of the normal rows", "all rows")):
            each = {table: round(float(value[at]), 3) for table, value in found.items()}
            mean = round(float(np.mean([value[at] for value in found.values()])), 4)
            show(f"{name}, {protocol}", mean=mean, **each)


if __name__ == "__main__":
    main()
