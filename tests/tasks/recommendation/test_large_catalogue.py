"""Scores over a catalogue of 12,000 items: as in double precision, by torch and by ONNX Runtime."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from sharing import keep_the_table_of_operators

import tenfold
from tenfold.answers.ranking import RANKING
from tenfold.core.columns import Columns, Ragged
from tenfold.networks.rankers import LinearRanker, Ranker
from tenfold.training.inference import by_onnx, by_torch, session_of

ITEMS, KEPT, ROWS = 12_000, 200, 24
SURE = 17.0
"""Logit of the best item; each of the others has a share of exp(-17), all of them 5e-4."""


@pytest.fixture(scope="module")
def ranker() -> Ranker:
    """Of each item, one other item is far above 199 others, and these above the remaining ones."""
    random = np.random.default_rng(0)
    linear = LinearRanker(ITEMS, KEPT)
    steps = 1 + np.cumsum(random.integers(1, 40, (ITEMS, KEPT)), 1)
    linear.targets[1:] = torch.from_numpy((np.arange(ITEMS)[:, None] + steps) % ITEMS)
    weights = random.uniform(0, 0.2, (ITEMS, KEPT)).astype(np.float32)
    weights[:, 0] = 1 + random.uniform(0, 0.05, ITEMS)
    linear.weights[1:] = torch.from_numpy(weights)
    net = Ranker(ITEMS, 4, 16, 0.0).only(linear=linear)
    net.popular.copy_(torch.from_numpy(random.uniform(0, 5, ITEMS).astype(np.float32)))
    net.sharp.fill_(SURE)
    return net.eval()


@pytest.fixture(scope="module")
def columns() -> Columns:
    random = np.random.default_rng(1)
    rows = [random.integers(1, ITEMS + 1, 1 + row % 3).tolist() for row in range(ROWS)]
    among = [[] if row % 4 else [*range(1, ITEMS, 2)] for row in range(ROWS)]
    return Columns(
        {
            "items": Ragged.of(rows, np.int32),
            "seen": Ragged.of(rows, np.int32),
            "among": Ragged.of(among, np.int32),
            "given": np.array([len(row) for row in rows], np.int32),
        }
    )


def exact(net: Ranker, columns: Columns) -> np.ndarray:
    """The best scores (B, K) by a softmax in double precision."""
    batch = columns.take(np.arange(columns.rows))
    with torch.inference_mode():
        logits = net.logits(torch.from_numpy(batch["items"])).double().numpy().copy()
    for row in range(columns.rows):
        out = np.zeros(ITEMS, bool)
        if batch["among_length"][row]:
            out[:] = True
            out[batch["among"][row, : batch["among_length"][row]] - 1] = False
        out[batch["seen"][row, : batch["seen_length"][row]] - 1] = True
        logits[row, out] = -np.inf
    shares = np.exp(logits - logits.max(1, keepdims=True))
    shares /= shares.sum(1, keepdims=True)
    return -np.sort(-shares, 1)[:, :100]


@pytest.mark.slow
def test_torch_and_onnx_give_the_scores_of_double_precision(
    ranker: Ranker, columns: Columns, tmp_path: Path
):
    """The many small shares count: in a float32 sum, one after the other, they would be lost."""
    pytest.importorskip("onnx")
    from tenfold.workflows import onnx_export

    keep_the_table_of_operators()
    want = exact(ranker, columns)
    assert 0.9 < want[:, 0].max() < 1 - 1e-4
    (tmp_path / "net.onnx").write_bytes(onnx_export.graph(ranker, columns, {}))
    before = by_torch(ranker)(columns)
    after = by_onnx(session_of(tmp_path / "net.onnx"))(columns)
    for found in (before, after):
        np.testing.assert_allclose(found["scores"], want, rtol=2e-5, atol=1e-9)
    swapped = before["ranking"] != after["ranking"]
    np.testing.assert_allclose(before["scores"][swapped], after["scores"][swapped], rtol=2e-5)


@pytest.mark.slow
def test_a_run_on_a_large_catalogue_exports(tmp_path: Path):
    """By the verbs: people who walk on along rings of items, with a few chance items each."""
    pytest.importorskip("onnx")
    random, lines = np.random.default_rng(2), ["user,item,time"]
    for user in range(6_000):
        first = int(random.integers(ITEMS))
        walk = (first // 8 * 8 + (first + np.arange(5)) % 8).tolist()
        items = list(dict.fromkeys([*random.integers(0, ITEMS, 4).tolist(), *walk]))
        lines += [f"u{user},i{item},{1_600_000_000 + at}" for at, item in enumerate(items)]
    (tmp_path / "events.csv").write_text("\n".join(lines))
    run = tenfold.train(
        "recommendation", tmp_path / "events.csv", model="ease", l2=100, out=tmp_path / "run"
    )
    assert run.facts["net"]["items"] > 11_000 and run.facts["fitted"]["parts"]["linear"] < 1_000
    parity = tenfold.export(run).to_json()["parity"]
    assert parity["decisions"]["different"] == 0 and parity["largest_difference"]["scores"] < 2e-5
    asked = [f"user=u{user}" for user in range(50)]
    both = [tenfold.predict(each, asked) for each in (run, run.folder / "export")]
    for one, other in zip(*both, strict=True):
        assert RANKING.same_decision(one.answer, other.answer, 1e-4)
        marks, again = ([mark for _, mark in each.answer.items] for each in (one, other))
        assert marks == pytest.approx(again, rel=1e-4, abs=2e-6)
