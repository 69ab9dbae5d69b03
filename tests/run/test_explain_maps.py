"""Covers and Grad-CAM find what an answer rests on, follow the network, and leave no trace."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
import torch
from maps import by_brightness, one_map
from torch import nn

from tenfold.answers.label import LABEL, Label
from tenfold.answers.labels import LABELS, Labels
from tenfold.core.columns import Columns, Problem, Ragged
from tenfold.media.image.cover import picture_covers
from tenfold.networks.fast import Fast
from tenfold.networks.image_classifier import PictureClassifier
from tenfold.networks.notation.network import Lined
from tenfold.networks.notation.ready import line_of
from tenfold.run import explain

CORNER = (slice(0, 8), slice(16, 24))


def spotted(rows: int = 1, side: int = 24, channels: int = 1) -> np.ndarray:
    """Grey pictures with a bright square at the upper right."""
    pictures = np.full((rows, side, side, channels), 60, np.uint8)
    pictures[:, CORNER[0], CORNER[1]] = 250
    return pictures


def by_corner(columns: Columns) -> list[Label]:
    """Says `bright` as surely as the upper right corner is bright."""
    chances = columns["image"][:, CORNER[0], CORNER[1]].mean((1, 2, 3)) / 255
    return [Label("bright", {"bright": float(p), "dark": 1 - float(p)}) for p in chances]


def middle_of(grid) -> tuple[float, float]:
    """(down, across) of a grid's weight, each from 0 to 1."""
    weights = np.maximum(np.array(grid, float), 0)
    down, across = (np.arange(n) + 0.5 for n in weights.shape)
    total = weights.sum()
    return (
        float((weights.sum(1) * down).sum() / total / len(down)),
        float((weights.sum(0) * across).sum() / total / len(across)),
    )


# --- cover and ask again ---


def test_covers_find_the_place():
    (found,) = explain.occlusion(LABEL, by_corner, Columns({"image": spotted()}))
    assert (found.over, found.method) == ("image", "occlusion")
    down, across = middle_of(found.weights)
    assert down < 0.35 and across > 0.65


def test_covers_come_in_one_batch_of_at_most_64():
    sizes = []

    def say(columns: Columns):
        sizes.append(columns.rows)
        return by_corner(columns)

    explain.occlusion(LABEL, say, Columns({"image": spotted(side=200)}))
    assert sizes == [1, 64]


@pytest.mark.parametrize("side", [1, 2, 5, 9])
def test_a_tiny_picture_gets_fewer_covers(side):
    covers, grid = picture_covers(np.zeros((side, side, 3), np.uint8))
    assert covers.shape == (grid[0] * grid[1], side, side, 3)
    assert grid[0] == grid[1] == max(1, side // 3)


def test_covers_explain_several_classes_too():
    def say(columns: Columns):
        return [Labels(("bright",), one.probabilities) for one in by_corner(columns)]

    (found,) = explain.occlusion(LABELS, say, Columns({"image": spotted()}))
    assert middle_of(found.weights)[1] > 0.65


def test_covers_take_the_row_of_a_view_and_repeat_other_columns():
    pictures = np.concatenate([np.full((1, 24, 24, 1), 9, np.uint8), spotted()])
    ragged = Ragged.of([[1], [2, 3]], np.int32)
    seen = []

    def say(columns: Columns):
        seen.append([list(row) for row in columns["ids"].take(np.arange(columns.rows))[0]])
        return by_corner(columns)

    view = Columns({"image": pictures, "ids": ragged}, np.array([1, 0]))
    (found,) = explain.occlusion(LABEL, say, view, row=0)
    assert found.over == "image" and max(map(max, found.weights)) > 0.05
    assert all(row == [2, 3] for batch in seen for row in batch)


def test_what_cannot_be_covered_gives_nothing():
    rows = Columns({"numbers": np.zeros((1, 4), np.float32)})
    assert explain.occlusion(LABEL, lambda _: [Label("a", {"a": 1.0})], rows) == []
    broken = Columns({"image": spotted()})
    assert explain.occlusion(LABEL, lambda _: [Problem("damaged", "is damaged")], broken) == []


# --- Grad-CAM ---


def seeded(body: nn.Module, channels: int, side: int, seed: int = 0, mirror: bool = False):
    torch.manual_seed(seed)
    net = PictureClassifier(body, channels, side, side, mirror, several=False)
    for entry in net.parameters():
        nn.init.normal_(entry, std=0.3)
    return net.eval()


@pytest.mark.parametrize("mirror", [False, True])
def test_grad_cam_finds_the_place(mirror):
    net = by_brightness(mirror=mirror)
    (found,) = explain.grad_cam(net, Columns({"image": spotted()}))
    assert (found.over, found.method) == ("image", "gradcam")
    down, across = middle_of(found.weights)
    assert down < 0.35 and across > 0.65
    assert max(map(max, found.weights)) == 1


def test_grad_cam_lays_the_map_where_it_was_seen():
    net = by_brightness(slice(8, 16))
    (found,) = explain.grad_cam(net, Columns({"image": np.full((1, 24, 24, 1), 250, np.uint8)}))
    weights = np.array(found.weights)
    assert weights.shape == (16, 16)
    assert weights[6:10, 6:10].min() > 0.9
    assert weights[:5].max() == weights[-5:].max() == weights[:, :5].max() == 0


def test_explanations_follow_the_network():
    """Weights drawn anew give another map (J. Adebayo et al. 2018), by both ways."""
    random = np.random.default_rng(0)
    columns = Columns({"image": random.integers(0, 255, (3, 32, 32, 3), np.uint8)})
    maps = []
    for seed in (0, 1):
        net = seeded(Fast(3, 4, 32, 32, "tiny"), 3, 32, seed)
        maps.append(np.array([one.weights for one in explain.grad_cam(net, columns)]))
        again = np.array([one.weights for one in explain.grad_cam(net, columns)])
        assert (maps[-1] == again).all()
    assert maps[0].shape == (3, 16, 16)
    likeness = np.corrcoef(maps[0].ravel(), maps[1].ravel())[0, 1]
    assert likeness < 0.9


def test_grad_cam_leaves_no_trace():
    net = seeded(Fast(1, 3, 28, 28, "tiny"), 1, 28).train()
    columns = Columns(
        {"image": np.random.default_rng(0).integers(0, 255, (40, 28, 28, 1), np.uint8)}
    )
    before = {name: value.clone() for name, value in net.state_dict().items()}
    assert len(explain.grad_cam(net, columns)) == 40
    assert net.training and not net.last_map._forward_hooks
    assert all(entry.grad is None for entry in net.parameters())
    assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items())


def test_a_row_alone_has_the_map_it_has_among_others():
    net = seeded(Fast(1, 3, 28, 28, "tiny"), 1, 28)
    columns = Columns(
        {"image": np.random.default_rng(0).integers(0, 255, (5, 28, 28, 1), np.uint8)}
    )
    together = explain.grad_cam(net, columns)
    (alone,) = explain.grad_cam(net, columns.view(np.array([3])))
    assert np.allclose(alone.weights, together[3].weights, atol=2e-3)


def test_no_map_no_grad_cam():
    columns = Columns({"image": spotted(2, 28)})
    line = line_of("listing", 1, 28, 28, "small")  # its last map is a single point
    point = seeded(Lined(line, 1, 3, 28, 28), 1, 28)
    assert explain.has_map(point) and explain.grad_cam(point, columns) == []
    assert not explain.has_map(nn.Linear(2, 2)) and not explain.has_map(None)
    assert explain.grad_cam(nn.Linear(2, 2), columns) == []


def test_grad_cam_follows_the_class_asked_about():
    columns = Columns({"image": spotted()})
    net = by_brightness()
    (best,) = explain.grad_cam(net, columns)
    assert explain.grad_cam(net, columns, about=1)[0] == best
    (other,) = explain.grad_cam(net, columns, about=0)
    assert np.max(other.weights) == 0  # nothing in the picture speaks for dark


def test_covers_follow_the_class_asked_about():
    columns = Columns({"image": spotted()})
    (answer,) = by_corner(columns)
    (bright,) = explain.occlusion(LABEL, by_corner, columns)
    asked = dataclasses.replace(answer, label="dark")
    (dark,) = explain.occlusion(LABEL, by_corner, columns, about=asked)
    assert np.allclose(dark.weights, -np.array(bright.weights), atol=2e-4)


# --- the same network with its weights shuffled ---


def test_agreement_is_spearmans():
    random = np.random.default_rng(0)
    for _ in range(20):
        first, second = random.integers(0, 9, (2, 5, 6)) / 7  # with many ties
        wanted = pd.Series(first.ravel()).rank().corr(pd.Series(second.ravel()).rank())
        assert explain.agreement(one_map(first), one_map(second)) == pytest.approx(wanted, abs=1e-4)
    assert explain.agreement(one_map(first), one_map(first**3)) == 1
    assert explain.agreement(one_map(first), one_map(-first)) == -1


def test_a_constant_map_agrees_with_none():
    flat, other = one_map(np.full((3, 3), 0.2)), one_map(np.eye(3))
    assert explain.agreement(flat, other) is explain.agreement(other, flat) is None
    assert explain.agreement(flat, flat) is None
    assert explain.agreement(one_map([[]]), one_map([[]])) is None


class Mixed(nn.Module):
    """Tensors of every kind a network may hold, two of them one and the same."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.norm = nn.Linear(4, 4), nn.BatchNorm1d(4)
        self.two = nn.Linear(4, 4)
        self.two.weight = self.one.weight
        self.short = nn.Parameter(torch.randn(6).to(torch.bfloat16), requires_grad=False)
        self.register_buffer("none", torch.zeros(0))
        self.register_buffer("scale", torch.ones(()))


def test_shuffling_changes_places_and_no_values():
    torch.manual_seed(0)
    net = Mixed().train()
    nn.init.normal_(net.norm.running_var)
    before = {name: value.clone() for name, value in net.state_dict().items()}
    twin, again, other = (explain.shuffled(net, seed) for seed in (0, 0, 1))
    for name, value in net.state_dict().items():
        assert torch.equal(value, before[name])
        new, same = (each.state_dict()[name] for each in (twin, again))
        assert torch.equal(new, same) and new.dtype == value.dtype
        assert torch.equal(new.flatten().sort()[0], value.flatten().sort()[0])
    for name in ("one.weight", "norm.running_var", "short"):
        assert not torch.equal(twin.state_dict()[name], before[name])
        assert not torch.equal(twin.state_dict()[name], other.state_dict()[name])
    assert twin.one.weight is twin.two.weight and twin.training
