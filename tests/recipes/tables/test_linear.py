"""Linear models equal scikit-learn's, and the network answers as the fit does."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression, Ridge

from tenfold.recipes.tables import linear
from tenfold.recipes.tables.arrays import TableArrays

COUNTS = (6, 9)


def made(classes: int, seed: int = 0) -> TableArrays:
    draw = np.random.default_rng(seed)
    numbers = draw.normal(size=(300, 3)).astype(np.float32) * np.float32([1, 1000, 1e-3])
    levels = np.stack([draw.integers(0, count, 300) for count in COUNTS], 1).astype(np.int32)
    signal = numbers[:, 0] - numbers[:, 1] / 500 + np.cos(levels).sum(1) + draw.normal(0, 0.5, 300)
    numbers[draw.random(numbers.shape) < 0.1] = np.nan
    truth = np.digitize(signal, np.quantile(signal, np.arange(1, classes) / classes))
    return TableArrays(numbers, levels, truth if classes else signal * 50, draw.random(300) + 0.2)


@pytest.mark.parametrize("classes", [0, 2, 3])
@pytest.mark.parametrize("l2", [0.3, 20.0])
def test_linear_equals_scikit_learn(classes: int, l2: float) -> None:
    rows, later = made(classes), made(classes, 1)
    scaling = linear.Scaling.of(rows.numbers)
    inputs = scaling.design(rows, COUNTS).toarray()
    if classes:
        peer = LogisticRegression(C=1 / l2, tol=1e-9, max_iter=5000)
        peer.fit(inputs, rows.truth, rows.weight)
    else:
        peer = Ridge(alpha=l2).fit(inputs, rows.truth, rows.weight)
    fitted = linear.fit(rows, later, COUNTS, classes, penalties=[l2])
    asked = scaling.design(later, COUNTS)
    expected = peer.decision_function(asked) if classes else peer.predict(asked)
    expected = expected.reshape(len(later), -1)
    size = np.abs(expected).max()
    assert np.abs(fitted.raw - expected).max() <= 1e-4 * size
    raw = fitted.net(torch.from_numpy(later.numbers), torch.from_numpy(later.levels)).numpy()
    assert np.abs(raw - expected).max() <= 1e-4 * size
    unknown = torch.tensor([[99, -3], [1, 0]], dtype=torch.int32)
    numbers = torch.full((2, 3), torch.nan)
    answers = fitted.net(numbers, unknown)
    assert torch.equal(answers[0], answers[1]) and answers.isfinite().all()


@pytest.mark.parametrize("classes", [0, 2])
def test_penalty_is_chosen_on_validation_and_repeated(classes: int) -> None:
    rows, later = made(classes), made(classes, 1)
    fitted = linear.fit(rows, later, COUNTS, classes)
    losses = fitted.facts["losses"]
    assert len(losses) == len(linear.PENALTIES)
    assert losses[str(fitted.facts["l2"])] == min(losses.values()) < max(losses.values())
    again = linear.fit(rows, None, COUNTS, classes, fixed=fitted.facts)
    assert again.facts == fitted.facts and again.raw is None
    for name, part in fitted.net.state_dict().items():
        assert torch.allclose(again.net.state_dict()[name], part, rtol=1e-2, atol=2e-3), name


def test_many_columns_give_the_same_ridge() -> None:
    rows = made(0)
    inputs = linear.Scaling.of(rows.numbers).design(rows, COUNTS)
    weights, constant = linear.ridge(inputs, rows.truth, rows.weight, 2.0)
    other, level = linear._large_ridge(inputs, rows.truth, rows.weight, 2.0)
    assert np.allclose(inputs @ weights + constant, inputs @ other + level, atol=1e-2)
