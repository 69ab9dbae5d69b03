"""Optimisers over one flat vector do what torch's own do layer by layer; Muon is orthogonal."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from tenfold.training.optimizers import NAMES, Flat, Recipe, make, orthogonal, slope

STEPS = 7
RECIPES = {
    "sgd": Recipe("sgd", 0.05, decay=0.01, momentum=0.9),
    "adamw": Recipe("adamw", 2e-3, decay=0.1, momentum=0.9, second=0.99),
    "muon": Recipe("muon", 0.02, 3e-3, decay=0.1, momentum=0.9, second=0.99),
}


class Small(nn.Module):
    """Every shape there is: convolution, matrix, vector, a frozen part, buffers, a counter."""

    def __init__(self) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(3, 8, 3, bias=False)  # before a norm its gradient is noise
        self.norm = nn.BatchNorm2d(8)
        self.inner = nn.Linear(8, 8)
        self.frozen = nn.Linear(8, 8).requires_grad_(False)
        self.head = nn.Linear(8, 4)

    def forward(self, x: Tensor) -> Tensor:
        x = self.norm(self.convolution(x)).relu().amax((2, 3))
        return self.head(self.frozen(self.inner(x).relu()))


def network() -> Small:
    torch.manual_seed(5)
    return Small()


def batch(step: int) -> tuple[Tensor, Tensor]:
    random = torch.Generator().manual_seed(step)
    return torch.randn(6, 3, 8, 8, generator=random), torch.randint(0, 4, (6,), generator=random)


def loss_of(net: nn.Module, step: int) -> Tensor:
    images, labels = batch(step)
    return nn.functional.cross_entropy(net(images), labels)


def no() -> Tensor:
    return torch.zeros(())


def learn_flat(net: nn.Module, recipe: Recipe, steps: int = STEPS) -> Flat:
    flat = Flat(net)
    optimizer = make(recipe, flat)
    for step in range(steps):
        flat.grads.zero_()
        loss_of(net, step).backward()
        optimizer.step(rate_of(step), no())
    return flat


def rate_of(step: int) -> float:
    return 0.5 + step / STEPS


def learn_plain(net: nn.Module, optimizer: torch.optim.Optimizer, rates: list[float]) -> None:
    for step in range(STEPS):
        optimizer.zero_grad()
        loss_of(net, step).backward()
        for group, rate in zip(optimizer.param_groups, rates, strict=True):
            group["lr"] = rate * rate_of(step)
        optimizer.step()


def decayed_and_not(net: nn.Module, decay: float) -> list[dict[str, object]]:
    learnt = [entry for entry in net.parameters() if entry.requires_grad]
    return [
        {"params": [entry for entry in learnt if entry.ndim > 1], "weight_decay": decay},
        {"params": [entry for entry in learnt if entry.ndim < 2], "weight_decay": 0.0},
    ]


def assert_equal(left: nn.Module, right: nn.Module) -> None:
    for (name, a), b in zip(left.named_parameters(), right.parameters(), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-5, atol=1e-6, msg=lambda m, n=name: f"{n}: {m}")


def test_sgd_is_that_of_torch():
    ours, theirs, recipe = network(), network(), RECIPES["sgd"]
    learn_flat(ours, recipe)
    groups = decayed_and_not(theirs, recipe.decay)
    plain = torch.optim.SGD(groups, 1.0, momentum=0.9, nesterov=True)
    learn_plain(theirs, plain, [recipe.learning_rate] * 2)
    assert_equal(ours, theirs)


def test_adamw_is_that_of_torch():
    ours, theirs, recipe = network(), network(), RECIPES["adamw"]
    learn_flat(ours, recipe)
    groups = decayed_and_not(theirs, recipe.decay)
    learn_plain(
        theirs, torch.optim.AdamW(groups, 1.0, betas=(0.9, 0.99)), [recipe.learning_rate] * 2
    )
    assert_equal(ours, theirs)


def test_muon_leaves_vectors_and_head_to_adamw():
    """They do not decay. The hidden matrices are held still in both."""
    ours, theirs = network(), network()
    recipe = replace(RECIPES["muon"], learning_rate=0.0)
    learn_flat(ours, recipe)
    hidden = {id(theirs.convolution.weight), id(theirs.inner.weight)}
    rest = [entry for entry in theirs.parameters() if id(entry) not in hidden]
    plain = torch.optim.AdamW(rest, 1.0, betas=(0.9, 0.99), weight_decay=0.0)
    learn_plain(theirs, plain, [recipe.other_rate])
    assert_equal(ours, theirs)


def test_muon_steps_along_the_orthogonalised_momentum():
    """One step by the formulas of its paper, matrix by matrix."""
    net, recipe = network(), RECIPES["muon"]
    before = {name: value.clone() for name, value in net.named_parameters()}
    plain = network()
    loss_of(plain, 0).backward()
    learn_flat(net, recipe, steps=1)
    rate = recipe.learning_rate * rate_of(0)
    for name in ("convolution.weight", "inner.weight"):
        grad = plain.get_parameter(name).grad
        ahead = grad + recipe.momentum * grad
        matrix = ahead.reshape(len(ahead), -1)
        update = orthogonal(matrix[None], recipe.newton_schulz)[0].reshape(grad.shape)
        scale = max(1.0, matrix.shape[0] / matrix.shape[1]) ** 0.5
        wanted = before[name] * (1 - rate * recipe.decay) - rate * scale * update
        torch.testing.assert_close(net.get_parameter(name), wanted, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_a_broken_gradient_changes_nothing(name: str):
    net = network()
    flat = Flat(net)
    optimizer = make(RECIPES[name], flat)
    loss_of(net, 0).backward()
    optimizer.step(1.0, no())
    state = optimizer.tensors() | {"values": flat.values}
    before = {key: value.clone() for key, value in state.items()}
    flat.grads.fill_(float("nan"))
    optimizer.step(1.0, torch.ones(()))
    assert all(torch.equal(value, before[key]) for key, value in state.items())
    flat.grads.fill_(1e-3)
    optimizer.step(1.0, no())
    assert not any(torch.equal(value, before[key]) for key, value in state.items())


@pytest.mark.parametrize("name", NAMES)
def test_the_state_that_is_stored_decides_how_it_goes_on(name: str):
    """Read into a fresh optimiser it gives the same next step; without it, another."""
    net = network()
    flat = Flat(net)
    optimizer = make(RECIPES[name], flat)
    for step in range(3):
        flat.grads.copy_(torch.sin(torch.arange(len(flat.grads)) + step))
        optimizer.step(1.0, no())
    stored = {key: value.clone() for key, value in optimizer.tensors().items()}
    values = flat.values.clone()

    def next_step(state: dict[str, Tensor] | None) -> Tensor:
        fresh = Flat(network())
        fresh.values.copy_(values)
        other = make(RECIPES[name], fresh)
        for key, value in other.tensors().items():
            if state is not None:
                value.copy_(state[key])
        fresh.grads.copy_(flat.grads)
        other.step(1.0, no())
        return fresh.values.clone()

    optimizer.step(1.0, no())
    assert torch.equal(next_step(stored), flat.values)
    assert not torch.equal(next_step(None), flat.values)


# --- the flat vector ---


def test_flattening_changes_no_answer_and_no_value():
    net, plain = network(), network()
    flat = Flat(net)
    images, _ = batch(0)
    torch.testing.assert_close(net.eval()(images), plain.eval()(images), rtol=0, atol=1e-6)
    for left, right in zip(net.state_dict().values(), plain.state_dict().values(), strict=True):
        assert torch.equal(left, right)
    learnt = [entry for entry in plain.parameters() if entry.requires_grad]
    assert len(flat.values) == len(flat.grads) == sum(entry.numel() for entry in learnt)


def test_the_vector_is_the_network():
    """Values, gradients and buffers are views: what is written to one shows in the other."""
    net = network()
    flat = Flat(net)
    flat.values.fill_(0.25)
    flat.buffers.fill_(0.5)
    learnt = [entry for entry in net.parameters() if entry.requires_grad]
    assert all((entry == 0.25).all() for entry in learnt)
    assert not (net.frozen.weight == 0.25).any()
    assert (net.norm.running_mean == 0.5).all() and (net.norm.running_var == 0.5).all()
    loss_of(net, 0).backward()
    assert sum(int((entry.grad != 0).sum()) for entry in learnt) == int((flat.grads != 0).sum()) > 0
    assert flat.hidden == 8 * 27 + 8 * 8
    assert flat.matrices == flat.hidden + 4 * 8
    assert [tensor.item() for tensor in flat.counts] == [1]


def test_a_network_of_vectors_alone_learns():
    net = nn.LayerNorm(4)
    flat = Flat(net)
    net(torch.randn(2, 4)).square().sum().backward()
    before = flat.values.clone()
    make(RECIPES["muon"], flat).step(1.0, no())
    assert flat.hidden == flat.matrices == 0
    assert not torch.equal(before, flat.values)


# --- orthogonal ---


def matrices(rows: int, columns: int, count: int = 3) -> Tensor:
    """Random matrices whose singular values are at most about ten apart."""
    random = torch.Generator().manual_seed(rows * columns)
    left = torch.linalg.qr(torch.randn(count, rows, rows, generator=random))[0]
    right = torch.linalg.qr(torch.randn(count, columns, columns, generator=random))[0]
    size = min(rows, columns)
    values = torch.linspace(1.0, 0.1, size).expand(count, size)
    return 7 * left[:, :, :size] @ torch.diag_embed(values) @ right[:, :size]


@pytest.mark.parametrize("shape", [(16, 16), (8, 40), (40, 8), (96, 128), (128, 96)])
def test_orthogonal_has_singular_values_near_one(shape: tuple[int, int]):
    stack = matrices(*shape)
    found = orthogonal(stack, 5)
    values = torch.linalg.svdvals(found.double())
    assert found.shape == stack.shape and found.dtype == stack.dtype
    assert values.min() > 0.6 and values.max() < 1.3
    assert torch.linalg.svdvals(stack.double()).min() < 0.8, "it had nothing to do"


@pytest.mark.parametrize("shape", [(16, 16), (8, 40), (40, 8)])
def test_orthogonal_keeps_the_singular_vectors(shape: tuple[int, int]):
    """It is U f(S) V' of U S V': near U V' in every direction."""
    stack = matrices(*shape)
    left, _, right = torch.linalg.svd(stack, full_matrices=False)
    inside = left.mT @ orthogonal(stack, 5) @ right.mT
    diagonal = torch.diagonal(inside, dim1=1, dim2=2)
    rest = inside - torch.diag_embed(diagonal)
    assert rest.abs().max() < 1e-3 and diagonal.min() > 0.6


def test_orthogonal_treats_every_matrix_of_a_stack_alone():
    stack = matrices(12, 20, 4) * torch.tensor([1.0, 1e-3, 1e3, 1.0])[:, None, None]
    together = orthogonal(stack, 3)
    for number in range(4):
        torch.testing.assert_close(together[number], orthogonal(stack[number][None], 3)[0])


def test_orthogonal_of_nothing_is_nothing():
    assert torch.equal(orthogonal(torch.zeros(2, 4, 4), 3), torch.zeros(2, 4, 4))


# --- the rate ---


def test_slope_goes_up_and_straight_down():
    assert slope(0.0, 0.2, 0.0) == 0.0
    assert slope(0.1, 0.2, 0.0) == pytest.approx(0.5)
    assert slope(0.2, 0.2, 0.0) == pytest.approx(1.0)
    assert slope(0.6, 0.2, 0.0) == pytest.approx(0.5)
    assert slope(1.0, 0.2, 0.0) == pytest.approx(0.0)
    assert slope(1.0, 0.2, 0.1) == pytest.approx(0.1)
    assert slope(0.6, 0.2, 0.1) == pytest.approx(0.55)
    assert slope(0.0, 0.0, 0.0) == pytest.approx(1.0)
    shares = [0.05, 0.1, 0.3, 0.4, 0.7, 1.0]
    held = [slope(share, 0.1, 0.0, hold=0.4) for share in shares]
    assert held == pytest.approx([0.5, 1.0, 1.0, 1.0, 0.5, 0.0])
