"""Columns that give the answer away are named, and useful columns are not."""

import numpy as np
import pandas as pd

from tenfold.media.reading import Reading
from tenfold.media.tables import read

N = 200


def named(frame, target, numeric=False):
    found = read.read(frame, Reading(target=target), numeric=numeric, other="other")
    return {str(one).split()[1] for one in found.taken.notes if "--ignore" in str(one)}


def table(classes):
    """A frame sorted by the answer: two useful columns, and five that are known only afterwards."""
    rng = np.random.default_rng(0)
    truth = np.sort(rng.integers(0, classes, N))
    return pd.DataFrame(
        {
            "useful": truth + rng.normal(size=N),
            "town": np.where(rng.random(N) < 0.8, truth, (truth + 1) % classes),
            "copy": [f"c{one}" for one in truth],
            "points": truth * 10 + rng.integers(0, 9, N) + rng.random(N),
            "sent": np.where(truth == 0, np.nan, rng.random(N)),
            "ranges": np.where(truth == 1, rng.normal(size=N) / 9, 3 + rng.random(N)),
            "y": [f"class {one}" for one in truth],
        }
    ).assign(town=lambda frame: "t" + frame["town"].astype(str))


def test_columns_that_tell_the_class_are_named():
    assert named(table(2), "y") == {"copy", "points", "sent", "ranges"}
    assert named(table(3), "y") == {"copy", "points"}
    assert named(table(2)[80:120], "y") == set()  # too few rows to tell


def test_columns_that_tell_the_number_are_named():
    rng = np.random.default_rng(0)
    price = rng.normal(100, 20, N)
    frame = pd.DataFrame(
        {"cents": (price * 100).round(), "size": price + rng.normal(size=N), "price": price}
    )
    frame.loc[:9, "cents"] = np.nan
    assert named(frame, "price", numeric=True) == {"cents"}
