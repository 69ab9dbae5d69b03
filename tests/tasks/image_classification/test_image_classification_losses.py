"""The losses of image classification are their formulas."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from learning import HERE, watching
from picture_facts import EVEN, UNEVEN, facts_of, handed_over, several_facts, softmax
from torch import Tensor, nn

from tenfold.training.batches import tensors

SMOOTHING = 0.15
NEARLY_EVEN = {"a": 12, "b": 9, "c": 12}


class Given(nn.Module):
    """A network whose pictures are its logits."""

    def logits(self, image: Tensor) -> Tensor:
        return image


LOGITS = np.random.default_rng(3).normal(0, 2, (7, 3)).astype(np.float32)
LABEL = np.array([0, 1, 2, 2, 1, 0, 2])
WEIGHT = np.array([1.0, 0.0, 2.0, 0.5, 1.0, 3.0, 1.0], np.float32)


def cross_entropy(z: np.ndarray, label: np.ndarray) -> np.ndarray:
    logs, classes = np.log(softmax(z)), z.shape[1]
    right = logs[np.arange(len(z)), label]
    return -(1 - SMOOTHING) * right - SMOOTHING / classes * logs.sum(1)


def focal(z: np.ndarray, label: np.ndarray) -> np.ndarray:
    chance = softmax(z)[np.arange(len(z)), label]
    return -((1 - chance) ** 2) * np.log(chance)


def binary(z: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    chance = 1 / (1 + np.exp(-z))
    return -(wanted * np.log(chance) + (1 - wanted) * np.log(1 - chance)).sum(1)


FORMULAS: dict[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
    "cross-entropy": cross_entropy,
    "focal": focal,
    "binary": lambda z, label: binary(z, np.eye(3)[label]),
}


@pytest.mark.parametrize("weighted", [False, True], ids=["", "weights of rows"])
@pytest.mark.parametrize("unknown", [False, True], ids=["", "unknown answer"])
@pytest.mark.parametrize("name", FORMULAS)
def test_a_loss_is_its_formula(
    monkeypatch: pytest.MonkeyPatch, name: str, unknown: bool, weighted: bool
):
    call = handed_over(facts_of(EVEN), monkeypatch, loss=name)
    label, weight = LABEL.copy(), WEIGHT if weighted else np.ones(7, np.float32)
    batch = {"image": LOGITS, "label": label} | ({"weight": WEIGHT} if weighted else {})
    kept = np.ones(7, bool)
    if unknown:
        label[2], kept[2] = -1, False
    value = call.loss(Given(), tensors(batch, HERE))
    each = FORMULAS[name](LOGITS[kept], label[kept])
    assert float(value) == pytest.approx((each * weight[kept]).sum() / weight[kept].sum(), 1e-5)


@pytest.mark.parametrize(
    "counts, option, said",
    [
        (UNEVEN, "auto", "(4 to 36 rows): the loss weights rows of rare classes up to 3.0 times"),
        (
            UNEVEN,
            "weighted",
            "(4 to 36 rows): the loss weights rows of rare classes up to 3.0 times",
        ),
        (
            NEARLY_EVEN,
            "weighted",
            "(9 to 12 rows): the loss weights rows of rare classes up to 1.2 times",
        ),
    ],
)
def test_uneven_classes_are_weighed_and_said(
    monkeypatch: pytest.MonkeyPatch, counts: dict[str, int], option: str, said: str
):
    """By the inverse root of their counts, mean 1 over the rows."""
    with watching() as heard:
        call = handed_over(facts_of(counts), monkeypatch, loss=option)
    assert heard.told(f"Classes are uneven {said} as much.")
    rows = np.array(list(counts.values()))
    weights = rows**-0.5
    weights *= rows.sum() / (rows * weights).sum()
    assert (weights * rows).sum() == pytest.approx(rows.sum())
    value = call.loss(Given(), tensors({"image": LOGITS, "label": LABEL}, HERE))
    each = cross_entropy(LOGITS, LABEL)
    wanted = (each * weights[LABEL]).sum() / weights[LABEL].sum()
    assert float(value) == pytest.approx(wanted, 1e-5)
    assert wanted != pytest.approx(each.mean(), 1e-3)


@pytest.mark.parametrize(
    "counts, option", [(UNEVEN, "cross-entropy"), (NEARLY_EVEN, "auto"), (EVEN, "weighted")]
)
def test_classes_are_not_weighed_where_they_are_even_or_nobody_asks(
    monkeypatch: pytest.MonkeyPatch, counts: dict[str, int], option: str
):
    with watching() as heard:
        call = handed_over(facts_of(counts), monkeypatch, loss=option)
    value = call.loss(Given(), tensors({"image": LOGITS, "label": LABEL}, HERE))
    assert not heard.sentences
    assert float(value) == pytest.approx(cross_entropy(LOGITS, LABEL).mean(), 1e-5)


def test_several_labels_have_a_loss_each(monkeypatch: pytest.MonkeyPatch):
    facts = several_facts()
    assert facts["truths"]["several"] and facts["truths"]["counts"] == [3, 3, 3]
    wanted = np.array([[1, 0, 0], [1, 1, 0], [0, 0, 0], [0, 0, 1], [0, 1, 1], [1, 1, 1], [0, 1, 0]])
    call = handed_over(facts, monkeypatch)
    batch = {"image": LOGITS, "labels": wanted.astype(np.uint8), "weight": WEIGHT}
    value = call.loss(Given(), tensors(batch, HERE))
    each = binary(LOGITS, wanted)
    assert float(value) == pytest.approx((each * WEIGHT).sum() / WEIGHT.sum(), 1e-5)


def test_mixed_rows_pay_for_both_answers_by_their_shares(monkeypatch: pytest.MonkeyPatch):
    share = np.array([1.0, 0.9, 0.8, 0.7, 0.6, 0.75, 1.0], np.float32)
    other = LABEL[::-1].copy()
    batch = {"image": LOGITS, "label": LABEL, "other_label": other, "share": share}
    call = handed_over(facts_of(EVEN), monkeypatch)
    each = share * cross_entropy(LOGITS, LABEL) + (1 - share) * cross_entropy(LOGITS, other)
    assert float(call.loss(Given(), tensors(batch, HERE))) == pytest.approx(each.mean(), 1e-5)
    uneven = handed_over(facts_of(UNEVEN), monkeypatch, loss="cross-entropy")
    value = uneven.loss(Given(), tensors(batch | {"weight": WEIGHT}, HERE))
    assert float(value) == pytest.approx((each * WEIGHT).mean(), 1e-5)


def test_what_is_measured_are_sums_over_rows(monkeypatch: pytest.MonkeyPatch):
    call = handed_over(facts_of(EVEN), monkeypatch)
    found = call.measure(Given(), tensors({"image": LOGITS, "label": LABEL}, HERE))
    chance = softmax(LOGITS)[np.arange(7), LABEL]
    assert float(found["valid_loss"]) == pytest.approx(-np.log(chance).sum(), 1e-5)
    assert int(found["valid_accuracy"]) == (LOGITS.argmax(1) == LABEL).sum()
