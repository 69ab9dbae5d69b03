"""Which outputs of a network are no answers."""

import numpy as np
import pytest

from tenfold.core.columns import Ragged
from tenfold.training.inference import finite

GOOD = {
    "scores": np.array([[0.5, -np.inf], [1, 2], [3, 4]], np.float32),
    "ranking": np.array([[1], [2], [3]]),
    "empty": np.zeros((3, 0), np.float32),
    "spans": Ragged(np.array([1, 2, 3], np.float32), np.array([0, 1, 1, 3])),
}


def test_finite_outputs_are_kept_as_they_are():
    kept, bad = finite(GOOD, 3)
    assert kept is GOOD and not bad.any()


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize(("name", "place", "row"), [("scores", (1, 0), 1), ("spans", 1, 2)])
def test_a_row_with_what_is_no_number_is_left_out(value, name, place, row):
    outputs = dict(GOOD)
    if name == "spans":
        values = GOOD[name].values.copy()
        values[place] = value
        outputs[name] = Ragged(values, GOOD[name].offsets)
    else:
        outputs[name] = GOOD[name].copy()
        outputs[name][place] = value
    kept, bad = finite(outputs, 3)
    assert bad.tolist() == [at == row for at in range(3)]
    assert len(kept["ranking"]) == 2 and len(kept["spans"]) == 2
    assert row + 1 not in kept["ranking"]
