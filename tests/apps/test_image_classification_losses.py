"""The losses of image classification are their formulas, and its changed views are views."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from learning import HERE, watching
from picture_facts import EVEN, UNEVEN, facts_of, handed_over, several_facts, softmax
from torch import Tensor, nn

from tenfold.feed import tensors

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
    "counts, wish, said",
    [
        (UNEVEN, "auto", "(4 to 36 rows): rows of rare classes weigh up to 3.0 times"),
        (UNEVEN, "weighted", "(4 to 36 rows): rows of rare classes weigh up to 3.0 times"),
        (NEARLY_EVEN, "weighted", "(9 to 12 rows): rows of rare classes weigh up to 1.2 times"),
    ],
)
def test_uneven_classes_are_weighed_and_said(
    monkeypatch: pytest.MonkeyPatch, counts: dict[str, int], wish: str, said: str
):
    """By the inverse root of their counts, mean 1 over the rows."""
    with watching() as heard:
        call = handed_over(facts_of(counts), monkeypatch, loss=wish)
    assert heard.told(f"Classes are uneven {said} as much")
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
    "counts, wish", [(UNEVEN, "cross-entropy"), (NEARLY_EVEN, "auto"), (EVEN, "weighted")]
)
def test_classes_are_not_weighed_where_they_are_even_or_nobody_asks(
    monkeypatch: pytest.MonkeyPatch, counts: dict[str, int], wish: str
):
    with watching() as heard:
        call = handed_over(facts_of(counts), monkeypatch, loss=wish)
    value = call.loss(Given(), tensors({"image": LOGITS, "label": LABEL}, HERE))
    assert not heard.sentences
    assert float(value) == pytest.approx(cross_entropy(LOGITS, LABEL).mean(), 1e-5)


def test_several_labels_have_a_loss_each(monkeypatch: pytest.MonkeyPatch):
    facts = several_facts()
    assert facts["answers"]["several"] and facts["answers"]["counts"] == [3, 3, 3]
    wanted = np.array([[1, 0, 0], [1, 1, 0], [0, 0, 0], [0, 0, 1], [0, 1, 1], [1, 1, 1], [0, 1, 0]])
    call = handed_over(facts, monkeypatch)
    batch = {"image": LOGITS, "labels": wanted.astype(np.uint8), "weight": WEIGHT}
    value = call.loss(Given(), tensors(batch, HERE))
    each = binary(LOGITS, wanted)
    assert float(value) == pytest.approx((each * WEIGHT).sum() / WEIGHT.sum(), 1e-5)


def test_what_is_measured_are_sums_over_rows(monkeypatch: pytest.MonkeyPatch):
    call = handed_over(facts_of(EVEN), monkeypatch)
    found = call.measure(Given(), tensors({"image": LOGITS, "label": LABEL}, HERE))
    chance = softmax(LOGITS)[np.arange(7), LABEL]
    assert float(found["valid_loss"]) == pytest.approx(-np.log(chance).sum(), 1e-5)
    assert int(found["valid_accuracy"]) == (LOGITS.argmax(1) == LABEL).sum()


# --- views ---


def is_view(changed: np.ndarray, image: np.ndarray, most: int, mirrored: bool) -> bool:
    """True where `changed` is the picture moved by at most `most`, reflected at the borders."""
    height, width, _ = image.shape
    wide = np.pad(image, ((most, most), (most, most), (0, 0)), "reflect")
    wanted = changed[:, ::-1] if mirrored else changed
    return any(
        (wide[y : y + height, x : x + width] == wanted).all()
        for y in range(2 * most + 1)
        for x in range(2 * most + 1)
    )


@pytest.mark.parametrize("views", ["shift", "flip"])
@pytest.mark.parametrize("side, channels, most", [(24, 1, 2), (24, 3, 2), (8, 1, 1), (28, 3, 2)])
def test_a_changed_picture_is_a_view_of_the_same_picture(
    monkeypatch: pytest.MonkeyPatch, views: str, side: int, channels: int, most: int
):
    facts = facts_of(sides=[(side, side)], channels=channels)
    facts["net"]["views"] = views
    call = handed_over(facts, monkeypatch)
    before = tensors(call.parts.train.take(np.arange(16)), HERE)
    torch.manual_seed(1)
    after = call.augment(before, 0.9)
    assert after["image"].shape == before["image"].shape
    assert after["image"].dtype == torch.uint8 and after["label"].equal(before["label"])
    pairs = list(zip(after["image"].numpy(), before["image"].numpy(), strict=True))
    straight = [is_view(one, other, most, False) for one, other in pairs]
    mirrored = [is_view(one, other, most, True) for one, other in pairs]
    assert all(a or b for a, b in zip(straight, mirrored, strict=True))
    assert sum(mirrored) == (8 if views == "flip" else 0)
    moved = [not (one == other).all() and not (one[:, ::-1] == other).all() for one, other in pairs]
    assert sum(moved) > 8


def test_every_batch_gets_its_own_views(monkeypatch: pytest.MonkeyPatch):
    call = handed_over(facts_of(), monkeypatch)
    batch = tensors(call.parts.train.take(np.arange(16)), HERE)
    seen = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        seen.append(call.augment(batch, 0.9)["image"])
    assert seen[0].equal(seen[1]) and not seen[0].equal(seen[2])


@pytest.mark.parametrize("sides", [(1, 1), (1, 20), (2, 2)])
def test_pictures_too_small_to_move_survive(
    monkeypatch: pytest.MonkeyPatch, sides: tuple[int, int]
):
    facts = facts_of()
    facts["data"] |= dict(zip(("height", "width"), sides, strict=True))
    call = handed_over(facts, monkeypatch)
    batch = tensors(call.parts.train.take(np.arange(6)), HERE)
    assert call.augment(batch, 0.9)["image"].shape == (6, *sides, 1)


def test_without_views_small_pictures_stay_as_they_are(monkeypatch: pytest.MonkeyPatch):
    facts = facts_of(knobs={"augment": "none"})
    assert handed_over(facts, monkeypatch, augment="none").augment is None


@pytest.mark.parametrize("views", ["none", "shift", "flip"])
def test_the_first_half_of_learning_may_see_smaller_pictures_of_the_same(
    monkeypatch: pytest.MonkeyPatch, views: str
):
    """Whatever the share, the batch keeps its rows and the loss takes it."""
    facts = facts_of(sides=[(64, 64)], channels=3, knobs={"augment": views})
    call = handed_over(facts, monkeypatch)
    flat = np.repeat(np.arange(16, dtype=np.uint8) * 9, 64 * 64 * 3).reshape(16, 64, 64, 3)
    batch = tensors({"image": flat, "label": np.arange(16) % 2}, HERE)
    for share in (0.0, 0.49, 0.5, 1.0):
        image = (call.augment(batch, share) if call.augment else batch)["image"]
        assert 32 <= image.shape[1] <= 64 and image.shape[1] == image.shape[2]
        assert (image.float().mean((1, 2, 3)).round() == torch.arange(16) * 9).all()
        assert torch.isfinite(call.loss(call.net, batch | {"image": image}))
    assert image.shape[1] == 64, "the end of learning sees pictures as they will be asked"
