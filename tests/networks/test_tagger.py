"""The tagging network: padding never leaks, the chain is that of all ways, the graph exports."""

import itertools
from typing import Any

import numpy as np
import onnxruntime
import pytest
import torch
from sharing import keep_the_table_of_operators

from tenfold.core.columns import Ragged
from tenfold.networks import crf
from tenfold.networks import tagger as tags

TAGS, FEATURES = 4, 6


def tagger(kept: str = "network", tag_count: int = TAGS) -> tags.Tagger:
    torch.manual_seed(0)
    net = tags.Tagger(
        tags.Network(64, tag_count, 16, 3, 0.3),
        tags.LinearTagger(64, tag_count),
        tags.Bayes(64, tag_count),
        kept,
    )
    for value in itertools.chain(net.parameters(), net.buffers()):
        value.data.normal_(0, 0.5)
    return net.eval()


def batch(lengths: list[int], seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """(B, T, F + 2) numbers, zero behind each length, and the lengths."""
    random = torch.Generator().manual_seed(seed)
    tokens = torch.randint(0, 64, (len(lengths), max(lengths), FEATURES + 2), generator=random)
    for row, length in enumerate(lengths):
        tokens[row, length:] = 0
    return tokens.int(), torch.tensor(lengths)


@pytest.mark.parametrize("kept", tags.CANDIDATES)
def test_a_batch_of_many_is_one_by_one(kept: str) -> None:
    net, (tokens, lengths) = tagger(kept), batch([9, 1, 4])
    with torch.no_grad():
        together = net(tokens, lengths)
        for row, length in enumerate(lengths.tolist()):
            alone = net(tokens[row : row + 1, :length], lengths[row : row + 1])
            difference = together["scores"][row, :length] - alone["scores"][0]
            assert difference.abs().max() < 1e-5
            assert torch.equal(together["places"][row, :length], alone["places"][0])


@pytest.mark.parametrize("kept", ["network", "linear"])
def test_neighbours_count(kept: str) -> None:
    """The control of the law above: a token's scores depend on its neighbours."""
    net, (tokens, lengths) = tagger(kept), batch([5])
    other = tokens.clone()
    other[0, 1, :FEATURES] = 7
    with torch.no_grad():
        first, second = (net(one, lengths)["scores"][0, 2] for one in (tokens, other))
    assert (first - second).abs().max() > 1e-4


def brute(scores: torch.Tensor, chain: torch.Tensor, known: list[int]) -> torch.Tensor:
    """Minus log likelihood of the known tags of one text (-1 = any) over all K^T ways."""
    everything, ours = [], []
    for way in itertools.product(range(scores.shape[1]), repeat=len(scores)):
        total = chain[0, way[0]] + sum(scores[place, tag] for place, tag in enumerate(way))
        total = total + sum(chain[1 + a, b] for a, b in itertools.pairwise(way))
        everything.append(total)
        if all(want in (-1, tag) for want, tag in zip(known, way, strict=True)):
            ours.append(total)
    return torch.stack(everything).logsumexp(0) - torch.stack(ours).logsumexp(0)


def test_the_chain_loss_is_that_of_all_ways() -> None:
    torch.manual_seed(1)
    scores = torch.randn(3, 4, 3, dtype=torch.float32, requires_grad=True)
    chain = torch.randn(4, 3, requires_grad=True)
    lengths = torch.tensor([4, 2, 1])
    known = torch.tensor([[0, 1, 2, 1], [2, -1, 0, 0], [1, 0, 0, 0]])
    loss = tags.chain_loss(scores, chain, known, lengths)
    expected = sum(
        brute(scores[row, :length], chain, known[row, :length].tolist())
        for row, length in enumerate(lengths.tolist())
    )
    assert loss.item() == pytest.approx(expected.item() / 7, abs=1e-5)
    ours = torch.autograd.grad(loss, [scores, chain])
    theirs = torch.autograd.grad(expected / 7, [scores, chain])
    assert all(torch.allclose(a, b, atol=1e-5) for a, b in zip(ours, theirs, strict=True))
    assert not ours[0][1, 2:].any(), "what was padded has a gradient"


def test_the_chain_loss_stays_finite_where_scores_are_far_apart() -> None:
    scores = torch.tensor([[[300.0, -300.0], [300.0, -300.0], [0.0, 0.0]]], requires_grad=True)
    chain = torch.zeros(3, 2, requires_grad=True)
    loss = tags.chain_loss(scores, chain, torch.tensor([[1, 1, 0]]), torch.tensor([3]))
    loss.backward()
    assert loss.item() == pytest.approx((1200 + np.log(2)) / 3, rel=1e-5)
    assert scores.grad is not None and scores.grad.isfinite().all()


@pytest.mark.parametrize("kept", ["network", "linear"])
def test_losses_run_on_the_meta_device(kept: str) -> None:
    net = tagger(kept).to("meta").train()
    tokens = torch.zeros(2, 5, FEATURES, dtype=torch.int32, device="meta")
    lengths = torch.zeros(2, dtype=torch.int64, device="meta")
    wanted = torch.zeros(2, 5, dtype=torch.int64, device="meta")
    if kept == "network":
        found = net.network.inner(tokens, lengths)
        loss = tags.chain_loss(found, net.network.inner.chain, wanted, lengths)
    else:
        loss = tags.tag_loss(net.linear.inner(tokens, lengths), wanted, lengths)
    assert loss.shape == () and loss.device.type == "meta"


def test_learning_and_answering_sum_alike() -> None:
    """While learning another kernel sums the features: it must give the same."""
    net, (tokens, lengths) = tagger(), batch([6, 3])
    net.network.inner.hidden = net.network.inner.blank = 0.0
    for module in net.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
    with torch.no_grad():
        before = net(tokens, lengths)["scores"]
        after = net.train()(tokens, lengths)["scores"]
    assert torch.allclose(before, after, atol=1e-5)


def test_unknown_tags_count_for_nothing() -> None:
    scores = torch.randn(1, 3, TAGS)
    some = tags.tag_loss(scores, torch.tensor([[2, -1, 0]]), torch.tensor([2]))
    assert some.item() == pytest.approx(-scores[0, 0].log_softmax(0)[2].item(), abs=1e-6)
    none = tags.tag_loss(scores, torch.tensor([[-1, -1, -1]]), torch.tensor([3]))
    assert none.item() == 0.0


def test_naive_bayes_says_what_was_counted() -> None:
    net = tags.Bayes(16, 2)
    words = torch.tensor([[3, 1], [3, 1], [3, 1], [5, 1]])
    net.count(words, torch.tensor([1, 1, 0, 0]))
    net.finish()
    found = net(torch.tensor([[[3, 0], [5, 0], [9, 0]]]), torch.tensor([3]))[0].softmax(1)
    assert found[0, 1].item() == pytest.approx((2 + 0.05) / 3.1, abs=1e-3)
    assert found[1, 0] > 0.9
    assert found[2, 0].item() == pytest.approx(0.5, abs=1e-3)


@pytest.mark.parametrize("kept", tags.CANDIDATES)
def test_the_graph_answers_as_torch_does(kept: str, tmp_path) -> None:
    net = tagger(kept)
    many, length = torch.export.Dim("many", min=1), torch.export.Dim("length", min=1)
    path = tmp_path / "net.onnx"
    keep_the_table_of_operators()
    torch.onnx.export(
        net,
        batch([5, 3]),
        path,
        input_names=["tokens", "tokens_length"],
        dynamo=True,
        opset_version=20,
        dynamic_shapes={"tokens": {0: many, 1: length}, "tokens_length": {0: many}},
        verbose=False,
    )
    session = onnxruntime.InferenceSession(path)
    taken = {one.name for one in session.get_inputs()}
    names = [one.name for one in session.get_outputs()]
    for lengths in ([7, 2, 12], [1], [31, 30]):
        tokens, sizes = batch(lengths, seed=len(lengths))
        given = {"tokens": tokens.numpy(), "tokens_length": sizes.numpy()}
        found = session.run(None, {name: value for name, value in given.items() if name in taken})
        with torch.no_grad():
            expected = net(tokens, sizes)
        assert len(names) == len(expected)
        for ours, theirs in zip(found, expected.values(), strict=True):
            assert np.abs(ours - theirs.numpy()).max() < 1e-4


# --- from scores to tags, by numpy ---

NAMES = ["B-X", "I-X", "O"]


def outputs(rows: list[np.ndarray], chain: np.ndarray) -> dict[str, Any]:
    transitions = np.repeat(chain[None], len(rows), 0)
    return {"scores": Ragged.of(rows, np.float32, (3,)), "transitions": transitions}


def all_ways(scores: np.ndarray, chain: np.ndarray) -> dict[tuple[int, ...], float]:
    """The probability of every way through the tags that BIO allows."""
    found = {}
    for way in itertools.product(range(3), repeat=len(scores)):
        inside = [place for place, tag in enumerate(way) if tag == 1]
        if any(place == 0 or way[place - 1] == 2 for place in inside):
            continue
        total = chain[0, way[0]] + sum(scores[place, tag] for place, tag in enumerate(way))
        found[way] = total + sum(chain[1 + a, b] for a, b in itertools.pairwise(way))
    whole = np.logaddexp.reduce(list(found.values()))
    return {way: float(np.exp(value - whole)) for way, value in found.items()}


@pytest.mark.parametrize("seed", range(5))
def test_the_best_way_and_its_chances_are_those_of_all_ways(seed: int) -> None:
    random = np.random.default_rng(seed)
    rows = [random.normal(0, 1.5, (length, 3)) for length in (4, 1, 3, 4, 0)]
    chain = random.normal(0, 1, (4, 3))
    seen = 0
    for numbers, found in crf.ways(outputs(rows, chain), NAMES):
        for row, way in zip(numbers, found, strict=True):
            seen += 1
            if not len(rows[row]):
                assert not len(way.tags)
                continue
            ways = all_ways(rows[row].astype(np.float32), chain)
            assert tuple(way.tags) == max(ways, key=lambda one: ways[one])
            for place, tag in enumerate(way.tags):
                expected = sum(chance for one, chance in ways.items() if one[place] == tag)
                assert way.of_tag(place) == pytest.approx(expected, abs=1e-5)
            begins = [place for place, tag in enumerate(way.tags) if tag == 0]
            for start in begins:
                end = start + 1
                while end < len(way.tags) and way.tags[end] == 1:
                    end += 1
                expected = sum(
                    chance
                    for one, chance in ways.items()
                    if one[start:end] == tuple(way.tags[start:end])
                    and (end == len(one) or one[end] != 1)
                )
                assert way.of_span(start, end, 1) == pytest.approx(expected, abs=1e-5)
    assert seen == len(rows)
