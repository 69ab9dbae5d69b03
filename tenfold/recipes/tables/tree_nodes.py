"""The trees of scikit-learn's histogram boosting as the buffers of `networks.trees.Trees`.

The buffers decide every row as scikit-learn does with the same inputs as float32: a threshold
becomes the largest float32 that is not above it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tenfold.core.lazy import lazy
from tenfold.recipes.tables.arrays import LevelColumn
from tenfold.recipes.tables.boosting import Boosted

if TYPE_CHECKING:
    from tenfold.networks.trees import Trees

torch, networks = lazy("torch"), lazy("tenfold.networks.trees")

__all__ = ["FlatTrees", "flatten", "trees_of"]

LARGEST = np.finfo(np.float32).max
"""Threshold above which no number is: stored weights are finite."""


@dataclass(frozen=True)
class FlatTrees:
    """Buffers by name, and the arguments of `Trees` as JSON."""

    buffers: dict[str, np.ndarray]
    sizes: dict[str, Any]


def trees_of(flat: FlatTrees) -> Trees:
    """Returns the network with its buffers filled."""
    net: Trees = networks.Trees(**flat.sizes)
    net.load_state_dict({name: torch.from_numpy(part) for name, part in flat.buffers.items()})
    return net.eval()


def flatten(
    boosted: Sequence[Boosted], numbers: int, counts: Sequence[int], outputs: int
) -> FlatTrees:
    """Returns the mean of boosters with the same outputs as one set of trees.

    `numbers` is D and `counts` are the numbers of codes of the categories. An output without any
    tree gets a tree of one leaf of value 0.
    """
    writer = _Writer(numbers, tuple(counts))
    base = np.zeros(outputs)
    trees = [0] * outputs
    share = 1 / len(boosted)
    for output in range(outputs):
        for one in boosted:
            base[output] += one.base[output] * share
            for iteration in one.trees:
                writer.add(iteration[output].nodes, iteration[output], one.columns, share)
                trees[output] += 1
        if not trees[output]:
            writer.add_leaf()
            trees[output] = 1
    return writer.flat(trees, base)


def joined(parts: Sequence[FlatTrees]) -> FlatTrees:
    """Returns one set of trees with the outputs of all parts, one after the other."""
    first = parts[0].sizes
    shifts = {"nodes": 0, "splits": 0, "members": 0}
    buffers: dict[str, list[np.ndarray]] = {name: [] for name in parts[0].buffers}
    for part in parts:
        numbers = first["numbers"]
        split = part.buffers["feature"] >= 2 * numbers
        moved = {
            "feature": part.buffers["feature"] + np.where(split, shifts["splits"], 0),
            "left": part.buffers["left"] + shifts["nodes"],
            "root": part.buffers["root"] + shifts["nodes"],
            "split_start": part.buffers["split_start"] + shifts["members"],
        }
        for name in buffers:
            buffers[name].append(moved.get(name, part.buffers[name]))
        shifts = {name: count + part.sizes[name] for name, count in shifts.items()}
    whole = {name: np.concatenate(found).astype(found[0].dtype) for name, found in buffers.items()}
    whole["limits"] = parts[0].buffers["limits"]
    trees = [count for part in parts for count in part.sizes["trees"]]
    steps = max(part.sizes["steps"] for part in parts)
    return FlatTrees(whole, first | shifts | {"trees": trees, "steps": steps})


class _Writer:
    """Collects the nodes of trees, and their splits by categories; equal splits are stored once."""

    def __init__(self, numbers: int, counts: tuple[int, ...]) -> None:
        self.numbers, self.counts = numbers, counts
        self.nodes: dict[str, list[np.ndarray]] = {
            name: [] for name in ("feature", "threshold", "left", "value")
        }
        self.root: list[int] = []
        self.size = self.steps = 0
        self.places: dict[tuple[int, bytes], int] = {}

    def add(self, nodes: np.ndarray, tree: Any, columns: list[LevelColumn], share: float) -> None:
        """Adds a tree; its nodes are written level by level, children side by side."""
        order, left = _level_order(nodes)
        leaf = nodes["is_leaf"].astype(bool)
        feature = np.zeros(len(nodes), np.int64)
        threshold = np.full(len(nodes), LARGEST, np.float32)  # of a leaf
        number = ~leaf & (nodes["feature_idx"] >= len(columns))
        place = nodes["feature_idx"][number] - len(columns)
        right = nodes["missing_go_to_left"][number] == 0
        feature[number] = place + right * self.numbers
        threshold[number] = round_down(nodes["num_threshold"][number])
        for at in np.flatnonzero(~leaf & ~number):
            feature[at] = 2 * self.numbers + self._split(nodes[at], tree, columns)
            threshold[at] = 0.5
        self._write(feature[order], threshold[order], left, _means(nodes)[order] * share)
        self.steps = max(self.steps, int(nodes["depth"].max()))

    def add_leaf(self) -> None:
        """Adds a tree of one leaf of value 0."""
        zero = np.zeros(1)
        self._write(zero.astype(np.int64), np.full(1, LARGEST), zero.astype(np.int64), zero)

    def flat(self, trees: list[int], base: np.ndarray) -> FlatTrees:
        """Returns all buffers and sizes."""
        known = list(self.places)
        lengths = [self.counts[category] for category, _ in known]
        members = np.frombuffer(b"".join(table for _, table in known), np.uint8).copy()
        starts = np.concatenate([[0], np.cumsum(lengths)[:-1]]) if known else np.zeros(0)
        nodes = {name: np.concatenate(parts) for name, parts in self.nodes.items()}
        whole = {
            "feature": nodes["feature"],
            "left": nodes["left"],
            "root": self.root,
            "split_column": [category for category, _ in known],
            "split_start": starts,
        }
        buffers = {name: np.array(found, np.int32) for name, found in whole.items()} | {
            "threshold": nodes["threshold"],
            "value": nodes["value"],
            "base": base.astype(np.float32),
            "members": members,
            "limits": np.array(self.counts, np.int64),
        }
        sizes = {
            "trees": trees,
            "nodes": self.size,
            "steps": self.steps,
            "numbers": self.numbers,
            "levels": list(self.counts),
            "splits": len(known),
            "members": len(members),
        }
        return FlatTrees(buffers, sizes)

    def _write(
        self, feature: np.ndarray, threshold: np.ndarray, left: np.ndarray, value: np.ndarray
    ) -> None:
        self.root.append(self.size)
        self.nodes["feature"].append(feature)
        self.nodes["threshold"].append(threshold.astype(np.float32))
        self.nodes["left"].append(left + self.size)
        self.nodes["value"].append(value.astype(np.float32))
        self.size += len(feature)

    def _split(self, node: np.void, tree: Any, columns: list[LevelColumn]) -> int:
        """Returns the place of the split of a node; `table[level]` is 1 for levels going right."""
        column = columns[node["feature_idx"]]
        values = column.values
        if column.grouped:
            words = tree.raw_left_cat_bitsets[node["bitset_idx"]]
            bits = np.unpackbits(words.astype("<u4").view(np.uint8), bitorder="little")
            goes_left = bits[np.nan_to_num(values).astype(np.int64)].astype(bool)
        else:
            goes_left = values <= node["num_threshold"]
        goes_left = np.where(np.isnan(values), bool(node["missing_go_to_left"]), goes_left)
        key = (column.category, (~goes_left).astype(np.uint8).tobytes())
        return self.places.setdefault(key, len(self.places))


def round_down(thresholds: np.ndarray) -> np.ndarray:
    """Returns the largest finite float32 not above each threshold.

    Every finite float32 is on the same side of the rounded threshold as of the given one. Infinity,
    the threshold between all numbers and missing values, becomes the largest float32.
    """
    with np.errstate(over="ignore"):
        near = thresholds.astype(np.float32)
    below = np.nextafter(near, np.float32(-np.inf))
    rounded = np.where(near.astype(np.float64) > thresholds, below, near)
    return np.minimum(rounded, LARGEST)


def _level_order(nodes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns the nodes in their new order, and the new place of each one's left child.

    A leaf is its own left child; the right child stands after the left one.
    """
    order, left, at = [0], [], 0
    while at < len(order):
        node = nodes[order[at]]
        if node["is_leaf"]:
            left.append(at)
        else:
            left.append(len(order))
            order += [int(node["left"]), int(node["right"])]
        at += 1
    return np.array(order), np.array(left, np.int64)


def _means(nodes: np.ndarray) -> np.ndarray:
    """Returns the value of each leaf, and of each inner node the mean of its training rows."""
    value, count = nodes["value"].copy(), nodes["count"].astype(np.float64)
    for at in np.argsort(-nodes["depth"].astype(np.int64), kind="stable"):
        if not nodes[at]["is_leaf"]:
            children = [int(nodes[at]["left"]), int(nodes[at]["right"])]
            value[at] = np.average(value[children], weights=count[children])
    return value
