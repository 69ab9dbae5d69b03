"""Viterbi decoding and marginal probabilities of a linear-chain CRF, in numpy.

Shapes: N texts, T tokens, K tags.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

__all__ = ["TagPath", "ways"]

NEVER = -1e4


@dataclass(frozen=True)
class TagPath:
    """The best tag sequence (T,) of a text, with the log values that its probabilities need.

    `scores` (T, K) are the tag scores. `before` and `behind` (T, K) are the log values of the
    forward and backward algorithms. `chain` (1 + K, K) holds the start scores and the transition
    scores. `whole` is the log partition function: the log of the sum of exp(score) over all tag
    sequences.
    """

    tags: np.ndarray
    scores: np.ndarray
    before: np.ndarray
    behind: np.ndarray
    chain: np.ndarray
    whole: float

    def of_tag(self, place: int) -> float:
        """The marginal probability of the best sequence's tag at token number `place`."""
        tag = self.tags[place]
        return self._chance(self.before[place, tag] + self.behind[place, tag])

    def of_span(self, start: int, end: int, inside: int) -> float:
        """The probability that tokens start to end - 1 form exactly one span.

        `inside` is the number of the tag that would continue the span; it is excluded at `end`.
        """
        tags, total = self.tags, self.before[start, self.tags[start]]
        for place in range(start + 1, end):
            total += self.chain[1 + tags[place - 1], tags[place]] + self.scores[place, tags[place]]
        if end < len(tags):
            following = self.chain[1 + tags[end - 1]] + self.scores[end] + self.behind[end]
            total += np.logaddexp.reduce(np.delete(following, inside))
        return self._chance(total)

    def _chance(self, total: float) -> float:
        return round(float(min(1.0, np.exp(total - self.whole))), 6)


def ways(outputs: dict[str, Any], names: list[str]) -> list[tuple[np.ndarray, list[TagPath]]]:
    """Decodes the best tag sequence of each text.

    `outputs` holds `scores` (ragged, T x K) and `transitions` (N, 1 + K, K) of a network; `names`
    are the K tags. Returns pairs of row positions and their paths. Texts of the same length are
    decoded together, at most 256 at a time.
    """
    scores, allowed, found = outputs["scores"], _allowed(names), []
    for length in np.unique(scores.lengths):
        all_rows = np.flatnonzero(scores.lengths == length)
        for rows in np.array_split(all_rows, -(-len(all_rows) // 256)):
            if not length:
                empty = np.zeros((0, len(names)))
                none = TagPath(np.zeros(0, np.int64), empty, empty, empty, allowed, 0.0)
                found.append((rows, [none] * len(rows)))
                continue
            part = scores.rows(rows).values.reshape(len(rows), length, -1).astype(np.float64)
            chain = outputs["transitions"][rows].astype(np.float64) + allowed
            found.append((rows, _solve(part, chain)))
    return found


def _solve(scores: np.ndarray, chain: np.ndarray) -> list[TagPath]:
    """Best tags by the Viterbi algorithm, with forward and backward sums; scores (N, T, K)."""
    length, start, steps = scores.shape[1], chain[:, 0], chain[:, 1:]
    best, before, behind = start + scores[:, 0], scores.copy(), np.zeros_like(scores)
    before[:, 0] += start
    came = np.zeros(scores.shape, np.int64)
    for place in range(1, length):
        ways = best[:, :, None] + steps
        came[:, place] = ways.argmax(1)
        best = ways.max(1) + scores[:, place]
        before[:, place] += _sum(before[:, place - 1, :, None] + steps, 1)
    for place in range(length - 2, -1, -1):
        following = scores[:, place + 1] + behind[:, place + 1]
        behind[:, place] = _sum(steps + following[:, None], 2)
    tags, row = np.zeros(scores.shape[:2], np.int64), np.arange(len(scores))
    tags[:, -1] = best.argmax(1)
    for place in range(length - 1, 0, -1):
        tags[:, place - 1] = came[row, place, tags[:, place]]
    whole = _sum(before[:, -1], 1)
    parts = zip(tags, scores, before, behind, chain, whole, strict=True)
    return [TagPath(*one) for one in parts]


def _sum(logs: np.ndarray, axis: int) -> np.ndarray:
    """log(sum(exp(logs))) along an axis, computed without overflow."""
    top = logs.max(axis, keepdims=True)
    found: np.ndarray = np.log(np.exp(logs - top).sum(axis)) + np.squeeze(top, axis)
    return found


def _allowed(names: list[str]) -> np.ndarray:
    """(1 + K, K) transition mask: `I-X` may follow only `B-X` or `I-X`; 0 = allowed, else NEVER."""
    found = np.zeros((1 + len(names), len(names)))
    for place, name in enumerate(names):
        if name.startswith("I-"):
            before = [one in (name, f"B-{name[2:]}") for one in names]
            found[:, place] = np.where([False, *before], 0.0, NEVER)
    return found
