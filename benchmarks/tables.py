"""The public tables of the benchmarks: loading, the parts of the protocol, plain arrays, scores.

Measures nothing by itself; run alone it prints the size of each table:
    python benchmarks/tables.py

Protocol of `parts(frame, seed)`: 64 % train, 16 % valid, 20 % test, drawn at random by the seed.
Adult keeps its given test rows, and 20 % of the others are valid. Of bike-sharing the last 20 % of
the dates are the test, and the last 20 % of the other dates valid: the order of time is known.
Columns that would give the answer away (casual and registered of bike-sharing) are left out.
Repeated rows of wine are kept once, as the note beside the data asks.
California's target is in 100,000 dollars.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

__all__ = ["CLASSES", "NAMES", "VALUES", "Arrays", "arrays", "load", "named", "parts", "score"]

CLASSES, VALUES = "tabular-classification", "tabular-regression"
ABALONE = "sex length diameter height whole_weight shucked_weight viscera_weight shell_weight rings"
WINE = (
    "fixed_acidity volatile_acidity citric_acid residual_sugar chlorides free_sulfur_dioxide "
    "total_sulfur_dioxide density ph sulphates alcohol quality"
)
ADULT = (
    "age workclass fnlwgt education education_num marital_status occupation relationship race sex "
    "capital_gain capital_loss hours_per_week native_country income"
)


def load(name: str) -> tuple[pd.DataFrame, str, str]:
    """The table, the name of its target column, and the task.

    `frame.attrs` has "time" (a column whose last values are the test) or "given" (the number of
    rows at the end that are the given test part), where the protocol needs one.
    """
    frame, target, task = LOADERS[name]()
    return frame.reset_index(drop=True), target, task


def parts(frame: pd.DataFrame, seed: int) -> dict[str, np.ndarray]:
    """Row numbers of the parts train, valid and test."""
    rows = np.random.default_rng(seed).permutation(len(frame))
    if "time" in frame.attrs:
        return _in_time(pd.to_datetime(frame[frame.attrs["time"]]))
    late = np.zeros(len(frame), bool)
    if "given" in frame.attrs:
        late[len(frame) - frame.attrs["given"] :] = True
    else:
        late[rows[: round(0.2 * len(frame))]] = True
    test, rest = rows[late[rows]], rows[~late[rows]]
    valid = round(0.2 * len(rest))
    return {
        "train": np.sort(rest[valid:]),
        "valid": np.sort(rest[:valid]),
        "test": np.sort(test),
    }


def named(rows: int, parts: dict[str, np.ndarray]) -> np.ndarray:
    """The name of the part of each row, as a column `split` gives it to `train`."""
    names = np.empty(rows, object)
    for part, own in parts.items():
        names[own] = part
    return names


def _in_time(times: pd.Series) -> dict[str, np.ndarray]:
    """The last 20 % of the dates are the test, the last 20 % of the others valid."""
    dates = np.sort(times.unique())
    test = (times >= dates[round(0.8 * len(dates))]).to_numpy()
    valid = ~test & (times >= dates[round(0.64 * len(dates))]).to_numpy()
    kept = {"train": ~test & ~valid, "valid": valid, "test": test}
    return {part: np.flatnonzero(rows) for part, rows in kept.items()}


@dataclass(frozen=True)
class Arrays:
    """A table as plain arrays: numbers (N, D) with NaN, levels (N, C), truth (N,).

    Levels: 0 missing, 1 not in the training rows, 2 and more learnt. `classes` is 0 for values.
    """

    numbers: np.ndarray
    levels: np.ndarray
    truth: np.ndarray
    counts: tuple[int, ...]
    classes: int


def arrays(frame: pd.DataFrame, target: str, task: str, train: np.ndarray) -> Arrays:
    """Plain arrays of all rows; levels and classes are those of the training rows.

    Dates become their ordinal day; no other column is derived.
    """
    numbers, levels, counts = [], [], []
    for column in frame.columns.drop(target):
        cells = frame[column]
        if column == frame.attrs.get("time"):
            cells = pd.to_datetime(cells).map(pd.Timestamp.toordinal)
        if pd.api.types.is_numeric_dtype(cells):
            numbers.append(cells.to_numpy(np.float32))
            continue
        known = sorted(cells.iloc[train].dropna().unique())
        places = {level: at for at, level in enumerate(known, 2)}
        levels.append([0 if cell is None else places.get(cell, 1) for cell in _cells(cells)])
        counts.append(len(known) + 2)
    truth, classes = frame[target].to_numpy(), 0
    if task == CLASSES:
        names = sorted(set(truth))
        truth, classes = np.array([names.index(one) for one in truth], np.int64), len(names)
    rows = len(frame)
    return Arrays(
        np.stack(numbers, 1) if numbers else np.zeros((rows, 0), np.float32),
        np.array(levels, np.int32).reshape(len(counts), rows).T.copy(),
        truth if classes else truth.astype(np.float32),
        tuple(counts),
        classes,
    )


def score(task: str, answers: np.ndarray, truth: np.ndarray) -> float:
    """Accuracy of class numbers, or the root mean squared error of values."""
    if task == CLASSES:
        return float((answers == truth).mean())
    return float(np.sqrt(((answers - truth.astype(np.float64)) ** 2).mean()))


def _cells(cells: pd.Series) -> list[str | None]:
    return [None if missing else cell for cell, missing in zip(cells, cells.isna(), strict=True)]


def _file(folder: str, name: str) -> Path:
    root = Path(os.environ.get("TENFOLD_DATA", Path(__file__).parents[2] / "shared" / "data"))
    if not (root / folder / name).exists():
        sys.exit(f"skipped: there is no {root / folder / name}; set TENFOLD_DATA")
    return root / folder / name


def _california() -> tuple[pd.DataFrame, str, str]:
    frame = pd.read_csv(_file("tab_california_housing", "housing.csv.gz"))
    frame["median_house_value"] /= 100_000
    return frame, "median_house_value", VALUES


def _adult() -> tuple[pd.DataFrame, str, str]:
    files = [_file("tab_adult", f"adult-{part}.csv.gz") for part in ("train", "test")]
    read = [
        pd.read_csv(file, names=ADULT.split(), na_values="?", skipinitialspace=True)
        for file in files
    ]
    frame = pd.concat(read)
    frame["income"] = frame["income"].str.rstrip(".")
    frame.attrs["given"] = len(read[1])
    return frame, "income", CLASSES


def _abalone() -> tuple[pd.DataFrame, str, str]:
    return pd.read_csv(_file("tab_abalone", "abalone.csv"), names=ABALONE.split()), "rings", VALUES


def _bikes() -> tuple[pd.DataFrame, str, str]:
    frame = pd.read_csv(_file("tab_bike_sharing", "bike_sharing_demand.csv.gz"))
    frame = frame.drop(columns=["casual", "registered"])
    frame.attrs["time"] = "date"
    return frame, "count", VALUES


def _wine() -> tuple[pd.DataFrame, str, str]:
    read = []
    for colour in ("red", "white"):
        file = _file("tab_wine_quality", f"winequality-{colour}.csv")
        read.append(pd.read_csv(file, names=WINE.split()).assign(colour=colour))
    return pd.concat(read).drop_duplicates(), "quality", VALUES


def _students() -> tuple[pd.DataFrame, str, str]:
    files = ("students_train.csv.gz", "students_test.csv")
    read = [pd.read_csv(_file("tab_student_dropout", file)) for file in files]
    return pd.concat(read), "Target", CLASSES


def _titanic() -> tuple[pd.DataFrame, str, str]:
    return pd.read_csv(_file("tab_titanic", "train.csv")), "Survived", CLASSES


LOADERS: dict[str, Callable[[], tuple[pd.DataFrame, str, str]]] = {
    "california": _california,
    "adult": _adult,
    "abalone": _abalone,
    "bike-sharing": _bikes,
    "wine": _wine,
    "student-dropout": _students,
    "titanic": _titanic,
}
NAMES = tuple(LOADERS)


def main() -> None:
    for name in NAMES:
        frame, target, task = load(name)
        sizes = {part: len(rows) for part, rows in parts(frame, 0).items()}
        print(name, task, target, *frame.shape, sizes)


if __name__ == "__main__":
    main()
