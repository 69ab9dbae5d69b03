"""Linear models of texts against scikit-learn's, and as the network's bags answer them."""

import numpy as np
import pytest
import torch
from scipy import sparse
from sklearn.naive_bayes import MultinomialNB
from sklearn.preprocessing import normalize

from tenfold.answers import calibration
from tenfold.core.columns import Columns, Ragged
from tenfold.networks.text_classifier import Bag
from tenfold.tasks.text_classification import bag_of_words

CLASSES, GRAMS = 3, 40


@pytest.fixture
def rows() -> tuple[sparse.csr_matrix, np.ndarray]:
    random = np.random.default_rng(0)
    label = random.integers(0, CLASSES, 120)
    shares = random.random((CLASSES, GRAMS)) * 0.5
    ones = (random.random((120, GRAMS)) < shares[label]).astype(np.float32)
    return sparse.csr_matrix(ones), label


def truth(label: np.ndarray) -> np.ndarray:
    return np.eye(CLASSES, dtype=np.float32)[label]


def test_naive_bayes_is_scikit_learns(rows):
    ones, label = rows
    found = bag_of_words.naive_bayes(ones, truth(label), several=False)
    theirs = MultinomialNB().fit(ones, label)
    assert np.allclose(found.weights.T, theirs.feature_log_prob_, atol=1e-4)
    assert (found.scores(ones).argmax(1) == theirs.predict(ones)).mean() > 0.99


@pytest.mark.parametrize("scales", ["one a gram", "one a class"])
def test_linear_weights_are_for_rows_of_length_one(rows, scales: str):
    ones, label = rows
    scale = (
        bag_of_words.frequencies(ones)
        if scales == "one a gram"
        else bag_of_words.ratios(ones, truth(label))
    ).astype(np.float32)
    found = bag_of_words.linear(ones, truth(label), scale, 1.0)
    assert (found.scores(ones).argmax(1) == label).mean() > 0.9
    wide = scale if scale.ndim == 2 else np.repeat(scale[:, None], CLASSES, 1)
    for number in range(CLASSES):
        scaled = normalize(ones.multiply(wide[:, number]).tocsr())
        weights = np.divide(
            found.weights[:, number],
            wide[:, number],
            out=np.zeros(GRAMS, np.float32),
            where=wide[:, number] != 0,
        )
        expected = scaled @ weights + found.bias[number]
        assert np.allclose(found.scores(ones)[:, number], expected, atol=1e-4)


def test_the_network_answers_as_the_weights_do(rows):
    ones, label = rows
    found = bag_of_words.linear(ones, truth(label), bag_of_words.frequencies(ones), 1.0)
    net = Bag(GRAMS, CLASSES, normal=True)
    with torch.no_grad():
        net.weights[1:] = torch.from_numpy(found.weights)
        net.squares[1:] = torch.from_numpy(found.squares)
        net.bias.copy_(torch.from_numpy(found.bias))
    lists = [one.indices + 1 for one in ones]
    padded, _ = Ragged.of(lists, np.int32).take(np.arange(len(lists)))
    assert np.allclose(net(torch.from_numpy(padded)).numpy(), found.scores(ones), atol=1e-4)


def test_rows_of_a_view_come_in_its_order(rows):
    ones, _ = rows
    column = Ragged.of([one.indices + 1 for one in ones], np.int32)
    view = Columns({"ids": column}, np.array([5, 2, 80]))
    found, kept = bag_of_words.matrix(view, "ids", GRAMS)
    assert (found != ones[[5, 2, 80]]).nnz == 0 and kept.tolist() == [0, 1, 2]


def test_no_more_rows_are_taken_than_memory_allows(rows, monkeypatch):
    ones, _ = rows
    column = Ragged.of([one.indices + 1 for one in ones], np.int32)
    monkeypatch.setattr(bag_of_words, "MOST", int(column.offsets[10]))
    found, kept = bag_of_words.matrix(Columns({"ids": column}), "ids", GRAMS)
    assert found.shape == (10, GRAMS) and len(kept) == 10


# --- mixtures ---


def test_a_mixture_trusts_the_branch_that_knows():
    random = np.random.default_rng(0)
    label = random.integers(0, CLASSES, 400)
    knows = np.eye(CLASSES)[label] * 3 + random.normal(0, 1, (400, CLASSES))
    guesses = random.normal(0, 3, (400, CLASSES))
    weights = calibration.mixed(np.stack([guesses, knows]), label)
    assert weights[1] > 10 * abs(weights[0]) and (weights >= 0).all()


def test_two_halves_of_the_truth_are_better_together():
    random = np.random.default_rng(0)
    label = random.integers(0, 2, 600)
    halves = [np.eye(2)[label] * 2 + random.normal(0, 1.5, (600, 2)) for _ in range(2)]
    weights = calibration.mixed(np.stack(halves), label)
    both = np.tensordot(weights, np.stack(halves), 1)
    alone = [
        calibration.log_loss(one / calibration.temperature(one, label), label) for one in halves
    ]
    assert calibration.log_loss(both, label) < min(alone) - 0.05


def test_without_rows_every_branch_counts_alike():
    weights = calibration.mixed(np.zeros((3, 0, 2)), np.zeros(0, np.int64))
    assert np.allclose(weights, 1 / 3)
