"""The candidates for tables with balanced classes and with weights of rows."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn import functional

from tenfold.answers.classification.balance import balanced_weights
from tenfold.core.columns import Columns, Parts
from tenfold.core.plan import Plan
from tenfold.networks.derived import Derived
from tenfold.networks.table_model import TableModel
from tenfold.recipes import tables
from tenfold.recipes.tables import network, trees

NAMES = ("a", "b")


def facts(classes: int) -> dict[str, Any]:
    numbers = [{"name": name, "part": "", "centre": 0.0, "tried": ""} for name in NAMES]
    data = {"numbers": numbers, "levels": [["x", "y", "z"]]}
    net = {"size": "tiny", "pairs": [], "derived": False}
    return {"data": data, "net": net, "truths": {"classes": [*map(str, range(classes))]}}


def rare(rows: int, seed: int = 0) -> Columns:
    """About 2 % positive rows, whose risk depends on two numbers and a category."""
    random = np.random.default_rng(seed)
    numbers = random.normal(size=(rows, 2)).astype(np.float32)
    levels = random.integers(2, 5, (rows, 1)).astype(np.int32)
    logits = 1.2 * numbers[:, 0] + np.abs(numbers[:, 1]) + 0.5 * levels[:, 0] - 7.1
    label = (random.random(rows) < 1 / (1 + np.exp(-logits))).astype(np.int64)
    return Columns({"numbers": numbers, "levels": levels, "label": label})


def parted(rows: Columns) -> Parts:
    place = np.arange(rows.rows) % 5
    train = rows.view(np.flatnonzero(place > 1))
    return Parts(train, *(rows.view(np.flatnonzero(place == one)) for one in (0, 1)))


def answers(net: Any, rows: Columns, name: str = "probabilities") -> np.ndarray:
    with torch.no_grad():
        asked = (torch.from_numpy(np.asarray(rows[one])) for one in ("numbers", "levels"))
        return np.asarray(net(*asked)[name])


def fitted(parts: Parts, model: str, classes: int = 2, balance: bool = False) -> Any:
    minutes = 0.02 if model == "boosted-trees" else None
    plan = Plan(device="cpu", precision="float32", epochs=60, minutes=minutes, facts=facts(classes))
    return tables.fit(parts, plan, model, classes=classes, balance=balance)


@cache
def many() -> Columns:
    return rare(20_000)


def test_balanced_risks_of_all_candidates_keep_the_true_share(monkeypatch: pytest.MonkeyPatch):
    """Of 20,000 rows with 2 % positives, the mean risk is within 0.5 points of the share."""
    few = replace(trees.SETTINGS["small"], iterations=60)
    monkeypatch.setattr(trees, "SETTINGS", {"small": few})
    new, seen = rare(20_000, seed=1), parted(many())
    truth, share = np.asarray(new["label"]), float(np.asarray(new["label"]).mean())
    assert 0.015 < share < 0.025
    plan = Plan(device="cpu", precision="float32", epochs=3, facts=facts(2))
    found = tables.fit(seen, plan, "auto", classes=2, balance=True)
    nets = {found.facts["selected"]: found.net, **found.candidates}
    assert {*nets} == {"linear", "boosted trees", "network", "blend"}
    base = -np.log(share) * share - np.log(1 - share) * (1 - share)
    for name, net in nets.items():
        risk = answers(net, new)[:, 1]
        assert risk.mean() == pytest.approx(share, abs=0.005), name
        loss = -np.log(np.where(truth, risk, 1 - risk)).mean()
        assert loss < 0.95 * base, f"{name} knows more"
    again = tables.build(facts(2) | {"fitted": found.facts}, classes=2)
    again.load_state_dict(found.net.state_dict())
    assert np.array_equal(answers(again.eval(), new), answers(found.net, new))


def test_the_loss_of_the_network_weighs_classes_around_their_shares():
    rows = rare(400)
    torch.manual_seed(0)
    net = network.build([4, 4], [5], 2, network.SIZES["tiny"]).eval()
    batch = {name: torch.from_numpy(np.asarray(rows[name])) for name in rows}
    each = torch.tensor(balanced_weights(np.bincount(rows["label"])), dtype=torch.float32)
    logits = net.head(net.hidden(batch["numbers"], batch["levels"])) + each.log()
    wanted = torch.stack([
        functional.cross_entropy(one, batch["label"], weight=each) for one in logits.unbind(1)
    ]).mean()  # fmt: skip
    assert network.loss(net, batch, class_weights=each).item() == pytest.approx(wanted.item())


def test_a_blend_without_rows_to_choose_weights_is_the_mean(monkeypatch: pytest.MonkeyPatch):
    few = replace(trees.SETTINGS["small"], iterations=5)
    monkeypatch.setattr(trees, "SETTINGS", {"small": few})
    rows = rare(200)
    none = rows.view(np.zeros(0, np.int64))
    plan = Plan(device="cpu", precision="float32", epochs=1, facts=facts(2))
    found = tables.fit(Parts(rows, none, none), plan, "blend", classes=2)
    assert found.facts["selected"] == "blend"
    assert found.facts["mix"] == pytest.approx(
        dict.fromkeys(("linear", "boosted trees", "network"), 1 / 3)
    )
    each = [answers(found.candidates[name], rows) for name in found.facts["mix"]]
    assert answers(found.net, rows) == pytest.approx(np.mean(each, 0), abs=1e-6)


def test_ends_of_intervals_that_cross_are_sorted():
    class Crossing(torch.nn.Module):
        def forward(self, numbers: torch.Tensor, levels: torch.Tensor) -> torch.Tensor:
            return torch.stack([numbers[:, 0], numbers[:, 0] + 2, numbers[:, 0] - 1], 1)

    net = TableModel(Derived([], [0]), {"trees": Crossing()}, {"trees": {"trees": 1.0}}, 0, "trees")
    x = torch.tensor([[5.0], [7.0]])
    found = net(x, torch.zeros(2, 0))
    assert (found["low"].tolist(), found["high"].tolist()) == ([4, 6], [7, 9])


# --- weights of rows ---


def doubtful(classes: int) -> Columns:
    """Half of the rows say the opposite of the other half; these weigh next to nothing."""
    random = np.random.default_rng(2)
    numbers = random.normal(size=(1500, 2)).astype(np.float32)
    levels = random.integers(2, 5, (1500, 1)).astype(np.int32)
    wrong = np.arange(1500) % 2 == 1
    value = np.where(wrong, -1, 1) * numbers[:, 0] + 0.1 * random.normal(size=1500)
    weight = np.where(wrong, 0.001, random.choice([1.0, 3.0], 1500)).astype(np.float32)
    truth = {"label": (value > 0).astype(np.int64)} if classes else {"value": value}
    return Columns({"numbers": numbers, "levels": levels, **truth, "weight": weight})


@pytest.mark.parametrize("classes", [0, 2])
@pytest.mark.parametrize("model", ["linear", "boosted-trees", "network"])
def test_weights_weigh_loss_choice_and_calibration(model: str, classes: int):
    rows = doubtful(classes)
    place = np.random.default_rng(0).permutation(1500) % 3
    parts = Parts(*(rows.view(np.flatnonzero(place == one)) for one in range(3)))
    found = fitted(parts, model, classes)
    first = np.asarray(rows["numbers"])[:, 0]
    if classes:
        chance = answers(found.net, rows)[:, 1]
        clear = np.abs(first) > 0.3
        assert ((chance > 0.5) == (first > 0))[clear].mean() > 0.95
        assert np.maximum(chance, 1 - chance)[clear].mean() > 0.9, "as sure as heavy rows allow"
    else:
        assert np.corrcoef(answers(found.net, rows, "value"), first)[0, 1] > 0.95
        low, high = (answers(found.net, rows, name) for name in ("low", "high"))
        assert np.median(high - low) < 3.5, "as wide as the errors of heavy rows"
