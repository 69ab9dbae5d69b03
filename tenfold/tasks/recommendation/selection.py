"""How well logits rank the rows that choose, and how sure they may be.

Shapes: R rows (persons), N items of the catalogue.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tenfold.answers.metrics.ranking import measures
from tenfold.core.columns import Columns
from tenfold.core.lazy import lazy
from tenfold.tasks.recommendation import item_models

torch = lazy("torch")

__all__ = ["Evaluator", "ScoreRows", "logits", "mean", "sharpen"]

JUDGED = 5_000
"""Most validation rows that choose."""
OUT = 1e4
"""How far below all others what is left out lies."""
SPARE = 0.02
"""Share of what comes next that may be anything: without it, what was never wrong would be sure."""
ROOM = 2e9
"""Multiplications that judging weights once may cost, beyond 500 rows."""

ScoreRows = Callable[[np.ndarray], np.ndarray]
"""(r, N) logits of some of the rows that judge."""


class Evaluator:
    """NDCG of scores on the rows that choose, the whole catalogue ranked."""

    def __init__(self, columns: Columns, items: int, most: int | None = None) -> None:
        """`most` rows judge, spread over all; None = as many as can be afforded."""
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
        """(R,) NDCG by weights (N, N) from item to item; of rows from `first` to `end` alone."""
        return self.each(self._linear(weights, fading), first, end)

    def measures(self, weights: np.ndarray, fading: float) -> dict[str, np.ndarray]:
        """All measures (R,) of them."""
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
        """Mean NDCG over rows; 0 where there are none."""
        return mean(self.each(scores))

    def each(self, scores: ScoreRows, first: int = 0, end: int | None = None) -> np.ndarray:
        """(R,) NDCG of the rows, or of those from `first` to `end`."""
        found = [
            item_models.ndcg(scores(rows), self.seen[rows], self.wanted[rows])
            for rows in self.blocks(first, end)
        ]
        return np.concatenate(found) if found else np.zeros(0)

    def blocks(self, first: int = 0, end: int | None = None) -> list[np.ndarray]:
        """Consecutive rows whose logits are held together."""
        end = min(self.rows if end is None else end, self.rows)
        size = max(1, min(512, 16_000_000 // max(1, self.items)))
        return [np.arange(at, min(at + size, end)) for at in range(first, end, size)]

    def logits(self, net: Any, rows: np.ndarray) -> np.ndarray:
        """(r, N) of a network, as it says them of rows with a known item."""
        return logits(net, self.columns.view(rows))


def mean(values: np.ndarray) -> float:
    """Their mean, 0 where there are none."""
    return round(float(values.mean()), 6) if len(values) else 0.0


def logits(net: Any, columns: Columns) -> np.ndarray:
    """(R, N) logits of rows, before what is left out."""
    batch = columns.only(["items"]).take(np.arange(columns.rows))
    with torch.inference_mode():
        return np.array(net.logits(torch.from_numpy(batch["items"])).float().numpy())


def sharpen(net: Any, columns: Columns, most: int = 500) -> None:
    """Sets how sure the network is, so that what came next is most probable, the had left out."""
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

    # Of a closed form, whose scores are small, as of logits, which are not.
    near = min(np.arange(-2.0, 6.25), key=loss)
    sure = 3.0 ** min(near + np.arange(-0.75, 1.0, 0.25), key=loss)
    with torch.no_grad():
        net.sharp.mul_(float(sure))
