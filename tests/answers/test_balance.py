"""A balanced loss weighs the classes, and the probabilities keep the true share of each class."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from tenfold.answers import calibration
from tenfold.answers.classification import logits
from tenfold.answers.classification.balance import balanced_weights, corrected
from tenfold.answers.classification.losses import loss_function
from tenfold.core.columns import Columns, Parts

ROWS, SHARE = 20_000, 0.02


class Network(nn.Module):
    """A small network of four numbers, with the buffers of a classifier."""

    bias: Tensor
    temperature: Tensor

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.layers = nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 2))
        self.register_buffer("temperature", torch.ones(()))
        self.register_buffer("bias", torch.zeros(2))

    def logits(self, x: Tensor) -> Tensor:
        return self.layers(x)

    def forward(self, x: Tensor) -> Tensor:
        return (self.logits(x) / self.temperature + self.bias).softmax(1)


def world() -> tuple[Tensor, Tensor]:
    random = np.random.default_rng(0)
    label = (np.arange(ROWS) < SHARE * ROWS).astype(np.int64)
    x = random.normal(0, 1, (ROWS, 4)) + 0.8 * label[:, None]
    order = random.permutation(ROWS)
    return torch.tensor(x[order], dtype=torch.float32), torch.tensor(label[order])


def trained(loss: Any, x: Tensor, label: Tensor) -> Network:
    net = Network()
    steps = torch.optim.Adam(net.parameters(), 0.03)
    for _ in range(150):
        steps.zero_grad()
        loss(net, {"x": x, "label": label}).backward()
        steps.step()
    return net


def test_the_mean_risk_is_the_observed_share():
    """On 20,000 rows with 2 % positives; weights without the correction are the control."""
    x, label = world()
    learnt, held, tested = slice(0, 14_000), slice(14_000, 15_500), slice(15_500, None)
    counts = np.bincount(label[learnt]).tolist()
    answers = {"counts": counts, "several": False}
    weights = torch.tensor(balanced_weights(counts), dtype=torch.float32)
    loss = loss_function("balanced", answers, "cpu")
    net = trained(loss, x[learnt], label[learnt])
    with torch.no_grad():
        net.layers[-1].bias += torch.tensor([0.0, 0.8])  # and by chance far from the true share
    rows = [Columns({"x": x[at].numpy(), "label": label[at].numpy()}) for at in (learnt, held)]
    nothing = rows[1].view(np.zeros(0, np.int64))
    observed = float(label[tested].float().mean())
    wrong = net(x[tested])[:, 1].detach()
    assert float(wrong.mean()) > observed + 0.01
    for calibration_rows in (rows[1], nothing):
        facts = logits.calibrate(
            net,
            Parts(rows[0], nothing, calibration_rows),
            lambda some: net.logits(torch.as_tensor(some["x"])).detach().numpy(),
            SimpleNamespace(fixed=None),
            logits.shares_of("balanced", answers),
        )
        assert facts["bias"] == pytest.approx(net.bias.tolist(), abs=1e-6)
        risk = net(x[tested])[:, 1].detach()
        assert abs(float(risk.mean()) - observed) < 0.005
        assert float(risk[label[tested] == 1].mean()) > 3 * observed, "the risk is no constant"

    def plain(net: Any, batch: dict[str, Tensor]) -> Tensor:
        return functional.cross_entropy(net.logits(batch["x"]), batch["label"], weights)

    other = trained(plain, x[learnt], label[learnt])
    weighed = other.logits(x[tested]).detach().numpy()
    control = torch.tensor(weighed).softmax(1)[:, 1].mean()
    assert float(control) > observed + 0.1
    right = torch.tensor(corrected(weighed, weights.numpy())).softmax(1)[:, 1].mean()
    assert abs(float(right) - observed) < 0.005


def test_a_balanced_loss_is_its_formula():
    """The classes weigh the same in total, rows keep their weights, unknown classes none."""
    random = np.random.default_rng(1)
    z = torch.tensor(random.normal(0, 1, (8, 2)), dtype=torch.float32)
    label = torch.tensor([0, 0, 0, 0, 1, 0, 1, -1])
    row = torch.tensor([1.0, 2, 0, 1, 1, 3, 0.5, 9])
    counts = [90, 10]
    each = torch.tensor([100 / 180, 100 / 20])

    class Given(nn.Module):
        def logits(self, x: Tensor) -> Tensor:
            return x

    net = Given()
    loss = loss_function("balanced", {"counts": counts, "several": False}, "cpu")
    found = loss(net, {"x": z, "label": label, "weight": row})
    logs = (z + each.log()).log_softmax(1)
    known = label >= 0
    weight = (row * each[label.clamp(min=0)])[known]
    expected = -(logs[known, label[known]] * weight).sum() / weight.sum()
    assert float(found) == pytest.approx(float(expected), rel=1e-6)
    assert balanced_weights(counts) @ np.array(counts) == pytest.approx(100)


def test_a_temperature_keeps_the_centre():
    """Too extreme logits are moved towards the shares of the classes, and back by `undone`."""
    random = np.random.default_rng(2)
    truth = (random.random(4000) < 0.05).astype(np.int64)
    centre = np.log([0.95, 0.05])
    strength = random.normal(0, 1, 4000) + 1.0 * truth - 0.5
    logits_ = centre + 3 * np.stack([-strength / 2, strength / 2], 1)
    found = calibration.temperature(logits_, truth, centre)
    assert 2.3 < found < 4
    chances = np.exp((logits_ - centre) / found + centre)
    chances /= chances.sum(1, keepdims=True)
    assert chances[:, 1].mean() == pytest.approx(truth.mean(), abs=0.01)
    before = np.exp(logits_) / np.exp(logits_).sum(1, keepdims=True)
    again = calibration.undone(chances, found, True, [*(centre - centre / found)])
    assert again == pytest.approx(before, abs=1e-9)


def test_the_mean_probabilities_become_the_shares_of_the_population():
    """Three classes, with a number added to the logits of two of them."""
    random = np.random.default_rng(3)
    shares, each = np.array([0.9, 0.07, 0.03]), random.choice([0.5, 2.0], 3000)
    for strength in (0.0, 1.0, 12.0):
        truth = random.choice(3, 3000, p=shares)
        right = (
            np.log(shares) + strength * (np.eye(3)[truth] - 0.5) + random.normal(0, 1, (3000, 3))
        )
        found = np.average(truth[:, None] == np.arange(3), axis=0, weights=each)
        moved = right + np.array([0, 1.0, -0.7])
        moved = moved + calibration.level(moved, truth, shares, each)
        chances = np.exp(moved) / np.exp(moved).sum(1, keepdims=True)
        mean = np.average(chances, axis=0, weights=each)
        low, high = np.minimum(found, shares), np.maximum(found, shares)
        assert (low - 1e-4 < mean).all() and (mean < high + 1e-4).all(), strength
        if strength == 12:
            assert mean == pytest.approx(found, abs=1e-3), "certain answers stay as they are"
    other = random.choice(3, 3000, p=[0.5, 0.4, 0.1])
    logits_ = np.tile(np.log(shares), (3000, 1))
    added = np.exp(logits_ + calibration.level(logits_, other, shares))[0]
    found = np.bincount(other) / 3000
    assert added / added.sum() == pytest.approx(found, abs=1e-4), "rows of another population"
    unknown = np.full(3000, -1)
    assert not calibration.level(logits_, unknown, shares).any()
