"""Scores against scikit-learn's, which are not ours to get wrong."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import special
from sklearn import metrics

from tenfold.answers import calibration
from tenfold.answers.intervals import Sampling
from tenfold.answers.label import LABEL, Label, Matrix, expected_calibration_error
from tenfold.answers.labels import LABELS, Labels
from tenfold.core.columns import Problem

CLASSES = ["2", "10", "ant", "bee", "cat", "dog", "eel"]


def label_world(rows: int = 400, seed: int = 0) -> tuple[list[Label], pd.DataFrame, np.ndarray]:
    """Answers that are often right, their table, and their probabilities (N, K)."""
    random = np.random.default_rng(seed)
    truth = random.choice(len(CLASSES), rows, p=[0.3, 0.3, 0.1, 0.1, 0.1, 0.05, 0.05])
    logits = random.normal(0, 1, (rows, len(CLASSES)))
    logits[np.arange(rows), truth] += 1.5
    chances = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    answers = [
        Label(CLASSES[row.argmax()], dict(zip(CLASSES, map(float, row), strict=True)))
        for row in chances
    ]
    table = pd.DataFrame({"label": [CLASSES[one] for one in truth]})
    return answers, table, chances


def test_label_metrics_equal_scikit_learn():
    answers, table, chances = label_world()
    found = LABEL.score(answers, table, table).metrics
    truth = [CLASSES.index(name) for name in table["label"]]
    said = chances.argmax(1)
    assert found["accuracy"].value == pytest.approx(metrics.accuracy_score(truth, said))
    assert found["macro_f1"].value == pytest.approx(metrics.f1_score(truth, said, average="macro"))
    assert found["log_loss"].value == pytest.approx(metrics.log_loss(truth, chances), rel=1e-5)
    top = metrics.top_k_accuracy_score(truth, chances, k=5)
    assert found["top5_accuracy"].value == pytest.approx(top)


def test_intervals_hold_the_value_and_shrink_with_rows():
    few = LABEL.score(*label_world(100)[:2], label_world(100)[1]).metrics
    many = LABEL.score(*label_world(6400)[:2], label_world(6400)[1]).metrics
    for name, one in few.items():
        assert one.low <= one.value <= one.high
        assert many[name].high - many[name].low < one.high - one.low


def test_the_interval_of_macro_f1_covers_the_truth():
    """Of many samples of one world, nearly 95 of 100 intervals hold the world's own score."""
    whole = LABEL.values(*label_world(60_000, seed=1)[:2], label_world(10)[1])
    held = 0
    for seed in range(2, 42):
        answers, table, _ = label_world(500, seed)
        _, low, high = LABEL.measure(answers, table, Sampling())["macro_f1"]
        held += low <= whole["macro_f1"] <= high
    assert 33 <= held <= 40


def test_the_guess_is_the_largest_class():
    answers, table, _ = label_world()
    found = LABEL.score(answers, table, table).metrics
    largest = table["label"].value_counts().iloc[0] / len(table)
    assert found["accuracy"].baseline == pytest.approx(largest)


def test_an_unreadable_row_and_an_unknown_class_are_errors():
    answers, table, _ = label_world(50)
    table.loc[3, "label"] = "unknown"
    mixed = [*answers]
    mixed[7] = Problem("damaged", "is damaged")
    found = LABEL.score(mixed, table, table)
    right = [
        isinstance(one, Label) and one.label == name
        for one, name in zip(mixed, table["label"], strict=True)
    ]
    assert found.best.value == pytest.approx(np.mean(right))
    assert sum(map(sum, found.details["confusion"])) == 50


def test_labels_metrics_equal_scikit_learn():
    random = np.random.default_rng(0)
    truth = random.random((300, 4)) < [0.5, 0.3, 0.2, 0.1]
    chances = np.clip(truth * 0.4 + random.random((300, 4)) * 0.6, 0, 1)
    names = ["a", "b", "c", "d"]
    answers = [
        Labels(
            tuple(n for n, p in zip(names, row, strict=True) if p >= 0.5),
            dict(zip(names, map(float, row), strict=True)),
        )
        for row in chances
    ]
    rows = [tuple(n for n, t in zip(names, row, strict=True) if t) for row in truth]
    table = pd.DataFrame({"labels": pd.Series(rows, dtype=object)})
    found = LABELS.score(answers, table, table).metrics
    said = chances >= 0.5
    assert found["micro_f1"].value == pytest.approx(metrics.f1_score(truth, said, average="micro"))
    assert found["macro_f1"].value == pytest.approx(metrics.f1_score(truth, said, average="macro"))
    expected = metrics.average_precision_score(truth, chances, average="macro")
    assert found["average_precision"].value == pytest.approx(expected)
    assert found["accuracy"].value == pytest.approx(metrics.accuracy_score(truth, said))


def test_calibration_error_of_honest_and_of_vain_answers():
    answers, table, _ = label_world(20_000)
    matrix = Matrix.of(answers, table)
    vain = Matrix(matrix.classes, matrix.truth, np.eye(7, dtype=np.float32)[matrix.said])
    honest, boasting = (expected_calibration_error(one) for one in (matrix, vain))
    assert boasting == pytest.approx(1 - matrix.right.mean(), abs=1e-6)
    assert honest < boasting


def test_log_loss_equals_scipy_to_the_last_bit():
    random = np.random.default_rng(3)
    logits = random.normal(0, 20, (200, 5))
    logits[:4] = [[-np.inf] * 4 + [2], [700] * 5, [-1e4] * 5, [1e37, 0, 0, 1e37, -1e37]]
    truth = random.integers(0, 5, 200)
    truth[0] = 4
    for kind in (np.float32, np.float64):
        ours = logits.astype(kind)
        each = special.logsumexp(ours, axis=1) - ours[np.arange(200), truth]
        assert calibration.log_loss(ours, truth) == each.sum() / 200
