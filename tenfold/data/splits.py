"""Which rows learn, which choose, which judge: by digest and seed, groups whole, classes even.

A row's place depends on its own content (or its group's name) and the seed, so files added
later move nobody. Only where a class would be missing from a part is the nearest row moved.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import numpy as np
import pandas as pd

from tenfold.core.rows import Rows

__all__ = ["PARTS", "assign", "drawn", "fill_gaps", "places", "reserved"]

PARTS = ("train", "valid", "test")


def assign(rows: Rows, seed: int) -> tuple[pd.Series, str]:
    """The part of every row (train, valid, test) and one line saying how it was decided.

    Given parts stay as given, and how the reader made them is stated; a row without one learns
    where others have one. Without a test part the given validation becomes the test; without
    validation, 10 % of train is drawn; without any, 70/15/15. Rows with a `time` are not drawn:
    the latest are the test.
    """
    table = rows.table
    if rows.answer.fits_all(table):
        return pd.Series("train", table.index, dtype=object), "all rows, none held out"
    given = table["split"] if "split" in table else pd.Series("", index=table.index, dtype=object)
    given = given.fillna("").replace("", None)
    names = set(given.dropna().unique())
    if names and given.isna().any():
        given, names = given.fillna("train"), names | {"train"}
    timed = "time" in table
    latest = "the latest 15 % of the rows are the test, the 15 % before them validation"
    if "train" not in names:
        line = latest if timed else "70/15/15 drawn from all rows"
        line += ": there is no training part" if names else ""
        return drawn(rows, seed, (0.70, 0.15, 0.15)), line
    parts = given.copy()
    if "test" in names and "valid" in names:
        return parts, rows.split or "train, validation and test as given"
    if "valid" in names:
        parts = parts.replace({"valid": "test"})
    line = "given validation part used as the test" if "valid" in names else "test as given"
    shares = (0.9, 0.1, 0.0) if names != {"train"} else (0.70, 0.15, 0.15)
    if names == {"train"}:
        line = latest if timed else "70/15/15 drawn from the only given part"
    elif timed:
        line += ", the latest 10 % of train are validation"
    else:
        line += ", validation drawn from 10 % of train"
    train = parts.index[parts == "train"]
    parts.loc[train] = drawn(rows.with_table(table.loc[train]), seed, shares)
    return parts, line


def reserved(keys: pd.Series, seed: int) -> np.ndarray:
    """(N,) True for the fixed half of validation kept for calibration and thresholds."""
    return places(keys, f"reserve {seed}") < 0.5


def drawn(rows: Rows, seed: int, shares: tuple[float, float, float]) -> pd.Series:
    """Train, valid or test for each row, in these shares."""
    table = rows.table
    keys = rows.answer.units(table)
    if "time" in table:
        return _latest(table["time"], keys, shares)
    place = pd.Series(places(keys, f"split {seed}"), index=table.index)
    first, second = shares[0], shares[0] + shares[1]
    part = pd.Series(np.select([place < first, place < second], PARTS[:2], PARTS[2]), table.index)
    part = part.astype(object)
    wanted = [name for name, share in zip(PARTS, shares, strict=True) if share > 0]
    fill_gaps(rows.answer.strata(table), keys, place, part, wanted, _towards)
    return part


def _latest(time: pd.Series, keys: pd.Series, shares: tuple[float, float, float]) -> pd.Series:
    """The latest rows are the test, those before them validation; whole units, by their end."""
    end = time.groupby(keys).transform("max").astype(float)
    order = np.lexsort((keys.to_numpy(str), end.to_numpy()))
    rank = np.empty(len(time))
    rank[order] = (np.arange(len(time)) + 0.5) / max(1, len(time))
    place = pd.Series(rank, time.index).groupby(keys).transform("max")
    first, second = shares[0], shares[0] + shares[1]
    part = np.select([place <= first, place <= second], PARTS[:2], PARTS[2])
    return pd.Series(part, time.index, dtype=object)


def places(keys: pd.Series, salt: str) -> np.ndarray:
    """(N,) a number in [0, 1) from each key, uniform over keys (SipHash, salted)."""
    salted = hashlib.blake2b(salt.encode(), digest_size=8).hexdigest()
    hashed = pd.util.hash_array(keys.to_numpy(object), hash_key=salted, categorize=False)
    return np.asarray(hashed >> np.uint64(11), np.float64) / 2**53


def fill_gaps(
    strata: list[tuple[str, ...]],
    keys: pd.Series,
    place: pd.Series,
    part: pd.Series,
    wanted: list[str],
    nearest: Callable[[pd.Series, str], pd.Series],
) -> None:
    """Moves the nearest whole unit where a class is missing from a part and can spare one.

    `nearest(place, part)` orders places, the nearest to the part first.
    """
    each = pd.Series(strata, keys.index, dtype=object).explode().dropna()
    for _, rows in each.groupby(each, sort=True).groups.items():
        for missing in [name for name in wanted if not (part[rows] == name).any()]:
            unit = _spare(keys[rows], nearest(place[rows], missing), part[rows])
            if unit is not None:
                part[keys == unit] = missing


def _towards(place: pd.Series, missing: str) -> pd.Series:
    return place if missing == "train" else -place


def _spare(keys: pd.Series, far: pd.Series, part: pd.Series) -> str | None:
    """The unit nearest to the missing part, out of a part that keeps another unit of the class."""
    for row in far.sort_values(kind="stable").index:
        others = keys[(part == part[row]) & (keys != keys[row])]
        if len(others):
            return str(keys[row])
    return None
