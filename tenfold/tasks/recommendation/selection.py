"""Evaluates rankings on the selection half of validation, and calibrates their temperature.

Shapes: R rows (users), N items of the catalogue.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tenfold.answers.metrics.ranking import measures
from tenfold.core.columns import Columns
from tenfold.core.lazy import lazy
from tenfold.core.progress import advance
from tenfold.tasks.recommendation import item_models

torch = lazy("torch")

__all__ = ["Evaluator", "ScoreRows", "logits", "mean", "sharpen"]

JUDGED = 5_000
"""Maximum number of validation rows that are evaluated."""
OUT = 1e4
"""Masked logits are set to minus this value, far below all others."""
SPARE = 0.02
"""Label smoothing: share of the target that is spread over all allowed items.

Without it, a ranking with no errors on validation would get probabilities of 0 and 1.
"""
ROOM = 2e9
"""Maximum number of multiplications of one evaluation, which uses 500 rows in any case."""

ScoreRows = Callable[[np.ndarray], np.ndarray]
"""A function that returns the logits (r, N) of some of the evaluated rows."""


class Evaluator:
    """Computes the NDCG of scores on the evaluated rows, ranking the whole catalogue."""

    def __init__(self, columns: Columns, items: int, most: int | None = None) -> None:
        """Selects `most` evenly spaced rows; if None, as many as ROOM allows."""
        found = columns.only(["items"]).lengths if columns.rows else np.zeros(1)
        room = ROOM / max(1.0, float(np.mean(found)) * items)  # type: ignore[arg-type]
        many = min(columns.rows, most or int(np.clip(room, 500, JUDGED)))
        spread = np.linspace(0, columns.rows - 1, many).astype(np.int64)
        self.columns, self.items = columns.view(spread), items
        self.rows = many
        self.seen = item_models.matrix(self.columns, ("seen",), items)
        self.wanted = item_models.matrix(self.columns, ("next",), items)
        row, item = item_models.in_order(self.columns, ("items",))
        self.index, self.starts = item - 1, np.searchsorted(row, np.arange(many + 1))
        self.age = np.arange(len(row)) - self.starts[row]

    def linear(
        self, weights: np.ndarray, fading: float, first: int = 0, end: int | None = None
    ) -> np.ndarray:
        """The NDCG (R,) of item-to-item weights (N, N) on the rows from `first` to `end`."""
        return self.each(self._linear(weights, fading), first, end)

    def measures(self, weights: np.ndarray, fading: float) -> dict[str, np.ndarray]:
        """The values (R,) of all ranking metrics for item-to-item weights (N, N)."""
        scores = self._linear(weights, fading)
        found = [
            item_models.hits(scores(rows), self.seen[rows], self.wanted[rows])
            for rows in self.blocks()
        ]
        right, wanted = (np.concatenate(one) for one in zip(*found, strict=True))
        return measures(right, wanted)

    def _linear(self, weights: np.ndarray, fading: float) -> ScoreRows:
        says = (np.float32(fading) ** self.age).astype(np.float32)
        blocks = item_models.apart(weights, len(self.index))

        def scores(rows: np.ndarray) -> np.ndarray:
            first, end = self.starts[rows[0]], self.starts[rows[-1] + 1]
            starts = self.starts[rows] - first
            found = item_models.summed(blocks, self.index[first:end], starts, says[first:end])
            return np.asarray(found.numpy())

        return scores

    def worth(self, scores: ScoreRows) -> float:
        """The mean NDCG over all rows; 0 without rows."""
        return mean(self.each(scores))

    def each(self, scores: ScoreRows, first: int = 0, end: int | None = None) -> np.ndarray:
        """The NDCG (R,) of all rows, or of those from `first` to `end`."""
        found, blocks = [], self.blocks(first, end)
        for done, rows in enumerate(blocks):
            advance("validation", done, len(blocks))
            found.append(item_models.ndcg(scores(rows), self.seen[rows], self.wanted[rows]))
        return np.concatenate(found) if found else np.zeros(0)

    def blocks(self, first: int = 0, end: int | None = None) -> list[np.ndarray]:
        """Blocks of consecutive rows whose logits are held in memory together."""
        end = min(self.rows if end is None else end, self.rows)
        size = max(1, min(512, 16_000_000 // max(1, self.items)))
        return [np.arange(at, min(at + size, end)) for at in range(first, end, size)]

    def logits(self, net: Any, rows: np.ndarray) -> np.ndarray:
        """The logits (r, N) of a network for these rows, before masking."""
        return logits(net, self.columns.view(rows))


def mean(values: np.ndarray) -> float:
    """The mean of the values, rounded to 6 digits; 0 without values."""
    return round(float(values.mean()), 6) if len(values) else 0.0


def logits(net: Any, columns: Columns) -> np.ndarray:
    """The logits (R, N) of rows, before masking."""
    batch = columns.only(["items"]).take(np.arange(columns.rows))
    with torch.inference_mode():
        return np.array(net.logits(torch.from_numpy(batch["items"])).float().numpy())


def sharpen(net: Any, columns: Columns, most: int = 500) -> None:
    """Fits the softmax temperature on held-out next items; masks items that the user already has.

    Multiplies `net.sharp`, the inverse temperature, by the fitted factor. Uses at most `most` rows,
    and does nothing without rows or next items.
    """
    spread = np.linspace(0, columns.rows - 1, min(most, columns.rows)).astype(np.int64)
    some = columns.view(spread)
    if not some.rows:
        return
    found = torch.from_numpy(logits(net, some))
    seen = item_models.matrix(some, ("seen",), found.shape[1]).tocoo()
    found[torch.from_numpy(seen.row).long(), torch.from_numpy(seen.col).long()] = -OUT
    wanted = item_models.matrix(some, ("next",), found.shape[1]).tocoo()
    row, item = torch.from_numpy(wanted.row).long(), torch.from_numpy(wanted.col).long()
    if not len(row):
        return

    there = found > -OUT
    spare = there / there.sum(1, keepdim=True).clamp(min=1)

    def loss(power: float) -> float:
        likely = (found * 3.0**power).log_softmax(1)
        other = (likely * spare).sum(1).mean()
        return float(-(1 - SPARE) * likely[row, item].mean() - SPARE * other)

    # A wide range of powers: scores of a closed form are small, logits of a network are not.
    near = min(np.arange(-2.0, 6.25), key=loss)
    sure = 3.0 ** min(near + np.arange(-0.75, 1.0, 0.25), key=loss)
    with torch.no_grad():
        net.sharp.mul_(float(sure))
