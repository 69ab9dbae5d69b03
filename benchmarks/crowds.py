"""Generated interactions of people with items, as the recommendation benchmarks need them.

Measures nothing: people with tastes in 16 directions draw items, popular ones oftener, without
repeats; how many each has is log-normal, at least 20. `crowd()` has the shape of MovieLens-1M.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

__all__ = ["crowd", "written"]

TASTES = 16
BLOCK = 512


def crowd(
    people: int = 6040, items: int = 3706, events: int = 1_000_209, seed: int = 0
) -> Iterator[tuple[int, np.ndarray]]:
    """A person and the items in order of time, one after the other; about `events` in all."""
    random = np.random.default_rng(seed)
    many = _lengths(random, people, items, events)
    popular = -0.9 * np.log(np.arange(1, items + 1) + 10)
    own, of_items = (random.normal(size=(size, TASTES)) for size in (people, items))
    for start in range(0, people, BLOCK):
        liking = popular + 0.5 * (own[start : start + BLOCK] @ of_items.T)
        liking += random.gumbel(size=liking.shape)
        most = int(many[start : start + BLOCK].max())
        best = np.argpartition(-liking, most - 1, axis=1)[:, :most]
        order = np.argsort(-np.take_along_axis(liking, best, 1), axis=1)
        best = np.take_along_axis(best, order, 1)
        for person, row in enumerate(best, start):
            yield person, random.permutation(row[: many[person]])


def _lengths(random: np.random.Generator, people: int, items: int, events: int) -> np.ndarray:
    least = min(20, items // 4)
    found = np.exp(random.normal(size=people))
    for _ in range(20):
        found = np.clip(found * events / found.sum(), least, items // 2)
    return np.asarray(np.round(found).astype(int))


def written(path: Path, found: Iterator[tuple[int, np.ndarray]]) -> int:
    """Writes the atomic file that RecBole reads, and tenfold too; how many lines it has."""
    path.parent.mkdir(parents=True, exist_ok=True)
    count = 0
    with path.open("w") as file:
        file.write("user_id:token\titem_id:token\ttimestamp:float\n")
        for person, items in found:
            when = 1_000_000_000 + count
            file.writelines(f"{person}\t{item}\t{when + at}\n" for at, item in enumerate(items))
            count += len(items)
    return count
