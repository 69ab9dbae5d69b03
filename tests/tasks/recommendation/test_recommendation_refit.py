"""A second fit on all rows takes what the first chose: weights, L2, shares of the mix."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from refitting import assert_repeats, refitted

import worlds
from tenfold.core.plan import Plan
from tenfold.data.prepare import Prepared, prepare
from tenfold.tasks import registry
from tenfold.tasks.recommendation import closed_form, item_models, ranking_candidates

TASK = "recommendation"
SMALL = {"size": "tiny", "learning_rate": 0.01}


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return worlds.walks(tmp_path_factory.mktemp("shop") / "data", 5)


def first_of(task: Any, data: Path, **plan: Any) -> tuple[Prepared, Plan, Any]:
    prepared = prepare(task, data, seed=3)
    told = Plan(facts=prepared.facts, seed=3, device="cpu", **plan)
    torch.manual_seed(3)
    return prepared, told, task.fit(task.build(prepared.facts), prepared.parts, told)


@pytest.fixture(scope="module")
def compared(shop: Path) -> Any:
    """All candidates; both of the mix are among them."""
    task = registry.find(TASK, **SMALL)
    return task, *first_of(task, shop, epochs=4, batch=20)


@pytest.mark.parametrize("name", ["popularity", "SASRec", "item-kNN", "EASE", "mixed"])
def test_every_candidate_is_made_again_as_it_was(compared: Any, name: str):
    task, prepared, plan, first = compared
    assert name in first.facts["validation_scores"]
    assert_repeats(task, prepared.parts, plan, first, name)


def test_the_mix_has_the_shares_of_the_first(compared: Any):
    task, prepared, plan, first = compared
    fixed = first.facts | {"selected": "mixed"}
    net = refitted(task, prepared.parts, plan, fixed).net
    mix = first.facts["mix"]
    assert set(net.parts) == {"linear", "sequence"} and len(mix) == 2
    np.testing.assert_allclose(net.mix.numpy(), list(mix.values()), rtol=1e-6)


def test_networks_alone_know_the_steps_of_each(shop: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(ranking_candidates, "EASE_ITEMS", 10)
    task = registry.find(TASK, **SMALL)
    prepared, plan, first = first_of(task, shop, epochs=2, batch=20)
    assert set(first.facts["budgets"]) == {"SASRec", "Mult-VAE"}
    for name in ("SASRec", "Mult-VAE"):
        assert_repeats(task, prepared.parts, plan, first, name)


def test_factors_of_ratings_keep_their_l2(shop: Path, tmp_path: Path):
    lines = (shop / "train.csv").read_text().splitlines()[1:]
    stars = [f"{line},{1 + number % 5}" for number, line in enumerate(lines)]
    (tmp_path / "all.csv").write_text("\n".join(["user,item,time,rating", *stars]) + "\n")
    task = registry.find(TASK, output="ratings", size="tiny")
    prepared, plan, first = first_of(task, tmp_path)
    assert first.facts["selected"] == "matrix factorisation" and set(first.candidates) == {"biases"}
    assert_repeats(task, prepared.parts, plan, first)
    second = refitted(task, prepared.parts, plan, first.facts | {"l2_vectors": 0.2})
    assert float(second.net.l2_vectors) == pytest.approx(0.2)


def test_as_few_weights_are_kept_of_larger_catalogues(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(closed_form, "KEPT", (5, 10))
    random = np.random.default_rng(0)
    rows = (random.random((40, 24)) < 0.3).astype(np.float32)
    chosen = {"l2": 20.0, "power": 0.0, "fading": 0.8, "weights_an_item": 5}
    part = closed_form.fixed("ease", rows.T @ rows, chosen)
    assert part.weights.shape[1] == 5 and float(part.fading) == pytest.approx(0.8)
    weights = item_models.ease(rows.T @ rows, 20.0)
    np.testing.assert_array_equal(part.weights[1:], item_models.largest(weights, 5).weights)
    whole = closed_form.fixed("ease", rows.T @ rows, chosen | {"weights_an_item": 22})
    np.testing.assert_array_equal(whole.weights[1:], weights)


def test_counts_weigh_again(tmp_path: Path):
    rows = [
        (f"u{user}", f"i{item}", 200 if (item + user) % 5 == 0 else 1)
        for user in range(100)
        for item in np.random.default_rng(user).permutation(40)[:20]
    ]
    pd.DataFrame(rows, columns=["user", "item", "plays"]).to_csv(tmp_path / "e.csv", index=False)
    task = registry.find(TASK, model="ease")
    prepared, plan, first = first_of(task, tmp_path / "e.csv")
    plain = {name: value for name, value in first.facts["ease"].items() if name != "counts"}
    with_counts, without = (
        refitted(task, prepared.parts, plan, first.facts | {"ease": chosen}).net.parts["linear"]
        for chosen in (plain | {"counts": 1.0}, plain)
    )
    assert not torch.allclose(with_counts.weights, without.weights, atol=1e-3)
    assert_repeats(task, prepared.parts, plan, first)
