"""Torch module of a network description: its layers in order, then the dense layer to the classes.

Shapes: B batch, C channels, H height, W width; `notation.ready.fitted` gives those of each layer.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import Tensor, nn

from tenfold.networks import modules
from tenfold.networks.notation.shapes import ShapedLayer, groups_of, nested

__all__ = ["Lined"]


class Lined(nn.Module):
    """Network built from a one-line description: (B, C, H, W) -> logits (B, classes).

    Inputs are normalised floats. Raises UsageError (network-line) where the line does not fit
    images of that size.
    """

    def __init__(self, line: str, channels: int, classes: int, height: int, width: int) -> None:
        super().__init__()
        *body, head = nested(line, channels, height, width, classes)
        self.layers = nn.Sequential(*map(_made, body))
        self.head = _made(head)
        self._map = _place_of_last_map(body)

    @property
    def last_map(self) -> nn.Module | None:
        """The module whose output is the last feature map (B, C', H', W'); None without one."""
        return None if self._map is None else self.layers[self._map]

    def embed(self, x: Tensor) -> Tensor:
        """Embeddings of images: (B, C, H, W) -> (B, D), the input of the last dense layer."""
        result: Tensor = self.layers(x)
        return result

    def answer(self, embedding: Tensor) -> Tensor:
        """Logits of embeddings: (B, D) -> (B, classes)."""
        result: Tensor = self.head(embedding)
        return result

    def forward(self, x: Tensor) -> Tensor:
        return self.answer(self.embed(x))


def _place_of_last_map(body: list[ShapedLayer]) -> int | None:
    """Position of the last layer that gives a feature map; None if no layer up to it has weights.

    Before the first convolution, a map holds only the pixels.
    """
    maps = [place for place, one in enumerate(body) if len(one.outputs) == 3]
    learnt = any(one.weights or one.body for one in body[: maps[-1] + 1]) if maps else False
    return maps[-1] if learnt else None


def _made(one: ShapedLayer) -> nn.Module:
    """The torch module of a layer."""
    if one.name in modules.ACTIVATIONS:
        return modules.activation(one.name)
    return _MAKERS[one.name](one)


def _convolution(one: ShapedLayer) -> nn.Module:
    options = one.layer.options
    return modules.convolution(
        one.inputs[0],
        one.outputs[0],
        options["kernel"],
        options["stride"],
        same=not options["valid"],
        bias=not options["nobias"],
    )


def _dense(one: ShapedLayer) -> nn.Module:
    return modules.dense(one.inputs[0], one.outputs[0], bias=not one.layer.options["nobias"])


def _pooling(one: ShapedLayer, make: Callable[..., nn.Module]) -> nn.Module:
    sizes = one.layer.sizes
    size = sizes[0] if sizes[0] == sizes[-1] else sizes
    return make(size, one.layer.options["stride"] or None)


def _residual(one: ShapedLayer) -> nn.Module:
    body = nn.Sequential(*map(_made, one.body))
    return modules.Residual(body, _made(one.shortcut) if one.shortcut else None)


_MAKERS: dict[str, Callable[[ShapedLayer], Any]] = {
    "conv": _convolution,
    "maxpool": lambda one: _pooling(one, modules.max_pooling),
    "averagepool": lambda one: _pooling(one, modules.average_pooling),
    "dense": _dense,
    "batchnorm": lambda one: modules.BatchNorm(one.inputs[0]),
    "groupnorm": lambda one: modules.group_norm(one.inputs[0], groups_of(one.layer, one.inputs[0])),
    "dropout": lambda one: modules.dropout(one.layer.sizes[0]),
    "flatten": lambda one: modules.flatten(),
    "globalaverage": lambda one: modules.GlobalPooling("average"),
    "globalmax": lambda one: modules.GlobalPooling("max"),
    "view": lambda one: modules.View(*one.outputs[1:]),
    "residual": _residual,
}
