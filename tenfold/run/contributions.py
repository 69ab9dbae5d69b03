"""Contributions of the fields of an input, such as the columns of a row, to a prediction.

The typical input has the median or the most frequent training value of every field. A contribution
is the Shapley value of a field in the game "the prediction with the values of some fields, all
others typical" (E. Strumbelj and I. Kononenko 2014, doi 10.1007/s10115-013-0679-x): the mean change
of the prediction when the value of the field replaces the typical one, over orders of the fields.
For every kind of model the contributions add up to the prediction minus that of the typical input.

Shapes: M predictions, D fields, P players (groups of fields that are replaced together).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from tenfold.answers.kind import AnswerKind
from tenfold.core.columns import Problem
from tenfold.core.results import Explanation, Prediction
from tenfold.media.cover import FieldCover
from tenfold.media.input import Input
from tenfold.media.registry import medium_of

__all__ = ["AskTable", "in_fields", "shapley"]

AskTable = Callable[[pd.DataFrame], Sequence[Prediction | Problem]]
Worth = Callable[[np.ndarray], np.ndarray]
"""Predictions (M,) for masks (M, P): True where a player has the values of the input."""

EXACT = 8
"""Up to this number of players, all of their subsets are predicted."""
ORDERS = 8
"""Number of random orders of more players; each is also used in reverse."""
MOST = 32
"""Most fields that have a contribution of their own."""
PARTS = 4
"""Parts into which a strong group of fields is divided."""
AT_ONCE = 4_000_000
"""Most values of fields in one batch of predictions."""


def in_fields(
    kind: AnswerKind,
    say: AskTable,
    inputs: dict[str, Input],
    table: pd.DataFrame,
    row: int = 0,
    about: Prediction | None = None,
) -> list[Explanation]:
    """Returns the contributions to the prediction for row number `row`, for inputs with fields.

    They are in the units of `kind.retained`: probabilities of the class that `about` predicts (by
    default the run's own prediction), or the unit of a number. `say` predicts tables. Fields with
    their typical value contribute 0 and are not listed. With more than MOST other fields, the
    strongest have contributions of their own, the rest one that they share, in a last entry with
    the name "". Returns [] where a mixture of the input and the typical one has no prediction.
    """
    covers = {name: medium_of(one).field_cover for name, one in inputs.items() if name in table}
    alone = table.iloc[[row]].reset_index(drop=True)
    known = {name: cover for name, cover in covers.items() if cover and inputs[name].fields}
    if not known or isinstance(before := about or say(alone)[0], Problem):
        return []
    found = []
    for name, cover in known.items():
        other = cover.typical(alone[name].iloc[0], inputs[name])
        if other is not None:
            game = _Game(kind, say, alone, name, cover, other, before)
            found += _explained(game)
    return found


@dataclass
class _Game:
    """Predictions for mixtures of a cell and the typical one, each predicted once."""

    kind: AnswerKind
    say: AskTable
    alone: pd.DataFrame
    name: str
    cover: FieldCover
    typical: Any
    before: Prediction
    known: dict[bytes, float] = field(default_factory=dict)

    @property
    def cell(self) -> Any:
        """The cell to explain."""
        return self.alone[self.name].iloc[0]

    def worth(self, masks: np.ndarray) -> np.ndarray:
        """Returns the predictions as numbers (M,) for masks (M, D): True = the value of the cell.

        NaN where a mixture has no prediction.
        """
        keys = [np.packbits(mask).tobytes() for mask in masks]
        new = {key: mask for key, mask in zip(keys, masks, strict=True) if key not in self.known}
        todo, size = list(new.items()), max(1, AT_ONCE // max(1, masks.shape[1]))
        for start in range(0, len(todo), size):
            some = todo[start : start + size]
            cells = [self.cover.mixed(self.cell, self.typical, mask.tolist()) for _, mask in some]
            asked = self.alone.iloc[np.zeros(len(cells), int)].reset_index(drop=True)
            asked[self.name] = pd.Series(cells, dtype=object)
            for (key, _), answer in zip(some, self.say(asked), strict=True):
                failed = isinstance(answer, Problem)
                self.known[key] = math.nan if failed else self.kind.retained(self.before, answer)
        return np.array([self.known[key] for key in keys])


def _explained(game: _Game) -> list[Explanation]:
    cover, cell = game.cover, game.cell
    own, usual = cover.values(cell), cover.values(game.typical)
    differ = [at for at, pair in enumerate(zip(own, usual, strict=True)) if pair[0] != pair[1]]
    base, total = game.worth(np.stack([np.zeros(len(own), bool), np.ones(len(own), bool)]))
    single, rest = _players(game, differ, len(own))
    groups = [[at] for at in single] + ([rest] if rest else [])
    weights = shapley(lambda masks: game.worth(_spread(masks, groups, len(own))), len(groups))
    if not np.isfinite([base, total, *weights]).all():
        return []
    pages = [cover.names(cell), cover.texts(cell), cover.texts(game.typical)]
    last = ["", str(len(rest)), ""]
    names, values, typical = (
        [one[at] for at in single] + ([end] if rest else [])
        for one, end in zip(pages, last, strict=True)
    )
    size = max(map(abs, [base, total, *weights]))
    told = [_digits(one, size) for one in weights]
    ends = [_digits(float(one), size) for one in (base, total)]
    return [Explanation(game.name, "contributions", told, [], names, values, typical, *ends)]


def _digits(value: float, size: float) -> float:
    """Returns a value rounded to nine digits of the largest one, so that sums stay exact."""
    return round(float(value), 8 - math.floor(math.log10(size))) if size else 0.0


def _spread(masks: np.ndarray, groups: Sequence[Sequence[int]], fields: int) -> np.ndarray:
    """Returns masks of fields (M, D) from masks of players (M, P); True outside of all groups."""
    found = np.ones((len(masks), fields), bool)
    for player, group in enumerate(groups):
        found[:, group] = masks[:, [player]]
    return found


def _players(game: _Game, differ: list[int], fields: int) -> tuple[list[int], list[int]]:
    """Returns the fields that get contributions of their own, and the rest, which share one.

    Of more than MOST fields, groups of neighbours are compared by how much the prediction changes
    with each of them alone replaced, in the typical input and in the asked one. The strongest
    groups are divided until they are single fields.
    """
    groups = [list(map(int, one)) for one in np.array_split(differ, 2 * MOST) if len(one)]
    rest: list[int] = []
    while len(groups) > MOST or any(len(one) > 1 for one in groups):
        eye = np.eye(len(groups), dtype=bool)
        both = np.concatenate([eye, ~eye, [np.zeros(len(eye), bool), np.ones(len(eye), bool)]])
        worth = np.nan_to_num(game.worth(_spread(both, groups, fields)))
        added, removed = np.split(worth[:-2], 2)
        strength = np.maximum(abs(added - worth[-2]), abs(removed - worth[-1]))
        order = np.argsort(-strength, kind="stable").tolist()
        rest += [at for number in order[MOST:] for at in groups[number]]
        kept = [groups[number] for number in order[:MOST]]
        groups = [list(map(int, one)) for group in kept for one in np.array_split(group, PARTS)
                  if len(one)]  # fmt: skip
    return sorted(at for group in groups for at in group), sorted(rest)


def shapley(worth: Worth, players: int, seed: int = 0) -> list[float]:
    """Returns the Shapley values of a game, which add up to worth(all) minus worth(none).

    Exact for up to EXACT players. With more players they are means over ORDERS random orders and
    their reverses: exact where the prediction is a sum of terms of at most two players each,
    because a pair stands in both orders equally often; else an estimate. The sum is always exact.
    """
    if not players:
        return []
    return _all_subsets(worth, players) if players <= EXACT else _in_orders(worth, players, seed)


def _all_subsets(worth: Worth, players: int) -> list[float]:
    masks = np.array(list(itertools.product([False, True], repeat=players)))
    values, sizes, found = worth(masks), masks.sum(1), []
    for player in range(players):
        with_, without = values[masks[:, player]], values[~masks[:, player]]
        others = sizes[~masks[:, player]]
        share = [1 / (players * math.comb(players - 1, int(size))) for size in others]
        found.append(float(np.dot(share, with_ - without)))
    return found


def _in_orders(worth: Worth, players: int, seed: int) -> list[float]:
    random = np.random.default_rng(seed)
    forward = [random.permutation(players) for _ in range(ORDERS)]
    orders = np.stack([*forward, *(one[::-1] for one in forward)])
    place = np.argsort(orders, 1)  # the position of each player in each order
    masks = place[:, None, :] < np.arange(players + 1)[None, :, None]
    values = worth(masks.reshape(-1, players)).reshape(len(orders), players + 1)
    steps = np.take_along_axis(np.diff(values, axis=1), place, 1)
    return [float(one) for one in steps.mean(0)]
