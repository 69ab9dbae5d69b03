"""Split of rows into train, validation and test, by digest and seed, with whole groups.

The part of a row depends on its content (or the name of its group) and the seed, so that files
added later do not change the parts of other rows. Only if a class is missing in a part, the row
of the class whose hash is closest to that part is moved there.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import numpy as np
import pandas as pd

from tenfold.core.message import Message
from tenfold.core.rows import Rows

__all__ = ["PARTS", "assign", "drawn", "fill_gaps", "places", "reserved"]

PARTS = ("train", "valid", "test")


def assign(rows: Rows, seed: int) -> tuple[pd.Series, Message]:
    """The part of every row (train, valid, test) and a sentence that describes the split.

    Given parts are kept; rows without a part belong to train where other rows have one. Without a
    test part, the given validation part becomes the test part. Without a validation part, 10 % of
    train is drawn for validation. Where no part or only train is given, or train is missing, the
    rows are split 70/15/15. With a column `time`, the latest rows are taken in place of a random
    draw. All rows are train if the answer kind fits all rows without a held-out part.
    """
    if rows.answer.fits_all(rows.table):
        parts = pd.Series("train", rows.table.index, dtype=object)
        return parts, Message("all rows, none held out")
    parts, line = _assigned(rows, seed)
    return _held_out(rows, parts, seed), line


def _held_out(rows: Rows, parts: pd.Series, seed: int) -> pd.Series:
    """Moves rows that are only scored out of train, and half of them to validation.

    Half of each stratum is validated on, unless the source gives a validation part with such rows.
    """
    table = rows.table
    scored = rows.answer.only_scored(table)
    if not scored.any():
        return parts
    parts = parts.copy()
    given = table["split"] if "split" in table else pd.Series("", index=table.index)
    if (given[scored] == "valid").any():
        parts[scored & (parts == "train").to_numpy()] = "valid"
        return parts
    place = pd.Series(places(rows.answer.units(table), f"held {seed}"), table.index)[scored]
    strata = pd.Series(rows.answer.strata(table), table.index, dtype=object)[scored].astype(str)
    rank = place.groupby(strata).rank(method="first")
    half = strata.map(strata.value_counts()) / 2
    parts[scored] = np.where(rank <= half, "valid", "test")
    return parts


def _assigned(rows: Rows, seed: int) -> tuple[pd.Series, Message]:
    """Returns the part of every row and a sentence on the split, as `assign` describes it."""
    table = rows.table
    given = table["split"] if "split" in table else pd.Series("", index=table.index, dtype=object)
    given = given.fillna("").replace("", None)
    names = set(given.dropna().unique())
    if names and given.isna().any():
        given, names = given.fillna("train"), names | {"train"}
    timed = "time" in table
    latest = Message("test: the latest 15 % of the rows; validation: the 15 % before them")
    if "train" not in names:
        line = latest if timed else Message("70/15/15 drawn from all rows")
        line = Message("{split} (the data have no training part)", split=line) if names else line
        return drawn(rows, seed, (0.70, 0.15, 0.15)), line
    parts = given.copy()
    if "test" in names and "valid" in names:
        return parts, rows.split or Message("train, validation and test as given")
    if "valid" in names:
        parts = parts.replace({"valid": "test"})
    line = Message("test as given")
    if "valid" in names:
        line = Message("given validation part used as the test")
    shares = (0.9, 0.1, 0.0) if names != {"train"} else (0.70, 0.15, 0.15)
    if names == {"train"}:
        line = latest if timed else Message("70/15/15 drawn from the only given part")
    elif timed:
        line = Message("{split}; validation: the latest 10 % of train", split=line)
    else:
        line = Message("{split}; validation: 10 % of train, drawn at random", split=line)
    train = parts.index[parts == "train"]
    parts.loc[train] = drawn(rows.with_table(table.loc[train]), seed, shares)
    return parts, line


def reserved(keys: pd.Series, seed: int) -> np.ndarray:
    """Returns (N,) True for the half of validation reserved for calibration and thresholds.

    `keys` is the unit (row or group) of each validation row. The half depends only on the keys and
    the seed.
    """
    return places(keys, f"reserve {seed}") < 0.5


def drawn(rows: Rows, seed: int, shares: tuple[float, float, float]) -> pd.Series:
    """Draws the part of each row (train, valid, test) with these shares.

    A unit (a row, or all rows of a group) is never divided. With a column `time`, the latest
    units are the test part, those before them validation.
    """
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
    """Split by time: the latest units are the test part, those before them validation.

    The time of a unit is its latest row.
    """
    end = time.groupby(keys).transform("max").astype(float)
    order = np.lexsort((keys.to_numpy(str), end.to_numpy()))
    rank = np.empty(len(time))
    rank[order] = (np.arange(len(time)) + 0.5) / max(1, len(time))
    place = pd.Series(rank, time.index).groupby(keys).transform("max")
    first, second = shares[0], shares[0] + shares[1]
    part = np.select([place <= first, place <= second], PARTS[:2], PARTS[2])
    return pd.Series(part, time.index, dtype=object)


def places(keys: pd.Series, salt: str) -> np.ndarray:
    """Returns a hash of each key (N,), uniformly distributed in [0, 1): SipHash with a salt."""
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
    """Moves a unit of a class into each part of the split in which the class is missing.

    `strata` are the classes of each row, `keys` is its unit (row or group), `place` the hash of its
    unit, `part` its present part, which is changed in place. `wanted` are the parts that need every
    class. `nearest(place, part)` returns sort keys; the unit with the smallest key is moved. It is
    moved only if its own part keeps another unit of the class.
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
    """Returns the unit with the smallest `far` whose part keeps another unit; None without one."""
    for row in far.sort_values(kind="stable").index:
        others = keys[(part == part[row]) & (keys != keys[row])]
        if len(others):
            return str(keys[row])
    return None
