"""The rating mode: encodes lists of ratings, fits matrix factorisation, and predicts ratings.

Entries are "item=4.5" for a known rating and "item=?" for one to predict.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from tenfold.answers.ratings import RATINGS, Ratings
from tenfold.core.columns import Column, Columns, Encoded, Parts, Ragged
from tenfold.core.fitted import Fitted
from tenfold.core.lazy import lazy
from tenfold.core.message import Message
from tenfold.core.plan import Plan
from tenfold.core.results import Prediction
from tenfold.task import Facts, Outputs, Table
from tenfold.tasks.recommendation import catalogue, factorisation
from tenfold.tasks.recommendation.mode import FitRequest, Mode
from tenfold.training import candidates
from tenfold.training.candidates import FREE, Candidate, Comparison, Fits
from tenfold.training.shares import affordable

if TYPE_CHECKING:
    from torch import nn

torch = lazy("torch")
networks = lazy("tenfold.networks.raters")

__all__ = ["MODE", "RatingMode"]

L2_VECTORS = (0.03, 0.06, 0.12, 0.2)
OFTEN = 10
"""Minimum number of ratings of an item in a list of best items; "item=?" needs none."""
L2_BIASES = 0.02
"""L2 regularization of the biases, per rating."""


class RatingMode(Mode):
    """Predicts the ratings that a user would give to items."""

    answer = RATINGS
    rated = True
    widths: ClassVar = {"tiny": 4, "small": 16, "medium": 32, "large": 48}

    def names(self, items: Any, after: Any) -> list[str]:
        pairs = map(_parsed, items)
        return [*(name for name, mark in pairs if mark is not None), *(name for name, _ in after)]

    def encode(self, rows: list[list[str]], table: Table, data: Facts) -> Encoded:
        """Encodes, for each row, the rated items, their ratings and the items without a rating.

        The ratings of the items without a rating are predicted. `given` is the number of different
        known items plus that of the entries that name an unknown item.
        """
        known = catalogue.known(data)
        encoded = [_encoded(row, known) for row in rows]
        types = {"items": np.int32, "marks": np.float32, "asked": np.int32}
        columns: dict[str, Column] = {
            name: Ragged.of([row[name] for row in encoded], type_) for name, type_ in types.items()
        }
        given = np.array([row["given"] for row in encoded], np.int32)
        return Encoded(columns | {"given": given})

    def targets(self, after: Iterable[Any], numbers: dict[str, int]) -> dict[str, Column]:
        """The next items and their ratings; 0 for an unknown item."""
        rows = [[(numbers.get(name, 0), mark) for name, mark in row] for row in after]
        return {
            "next": Ragged.of([[name for name, _ in row] for row in rows], np.int32),
            "rated": Ragged.of([[mark for _, mark in row] for row in rows], np.float32),
        }

    def build(self, net: Facts, fitted: Facts) -> nn.Module:
        network: nn.Module = networks.Rater(net["items"], net["width"])
        return network

    def fit(self, net: Any, parts: Parts, plan: Plan, request: FitRequest) -> Fitted:
        """Fits biases and vectors of the items; the L2 of the vectors is the best on validation."""
        parts = plan.visible(parts)
        errors = dict[str, float]()

        def factors(plan: Plan, fits: Fits) -> Fitted:
            l2_vectors, errors["matrix factorisation"] = _factorise(net, parts, plan)
            return Fitted(net, {"l2_vectors": l2_vectors})

        def biases(plan: Plan, fits: Fits) -> Fitted:
            return Fitted(_as_biases(net))

        def score(name: str, net: Any) -> float:
            return errors[name] if name in errors else _error(net, parts.selection)

        needs = ("matrix factorisation",)
        many = [
            Candidate("biases", biases, FREE, needs, always=True),
            Candidate("matrix factorisation", factors, FREE),
        ]
        comparison = Comparison(Message("RMSE"), score, parts.selection.rows, True, ".4f")
        return candidates.fit(many, "matrix-factorisation", comparison, plan, shown=net)

    def decode(self, outputs: Outputs, data: Facts, top: int) -> list[Prediction]:
        """Returns the predicted ratings of the items that a row names with "item=?".

        For a row without such items, returns the `top` items with the highest predicted ratings.
        """
        names, titles = catalogue.listed(data["items"]), catalogue.titles(data["titles"])
        answers: list[Prediction] = []
        for row, pair in enumerate(zip(outputs["wanted"], outputs["ratings"], strict=True)):
            numbers, marks = pair
            if not len(numbers):
                best, marks = outputs["ranking"][row, :top], outputs["scores"][row, :top]
                numbers, marks = best[marks > -1e3], marks[marks > -1e3]
            listed = [names[number - 1] for number in numbers]
            items = tuple(zip(listed, (round(float(mark), 4) for mark in marks), strict=True))
            shown = {name: titles[name] for name in listed if name in titles}
            counts = int(outputs["known"][row]), int(outputs["told"][row])
            otherwise = round(float(outputs["otherwise"][row]), 4)
            answers.append(Ratings(items, otherwise, *counts, shown))
        return answers

    def memory(
        self,
        persons: Iterable[str],
        rows: Iterable[tuple[Any, Any]],
        numbers: dict[str, int],
        disliked: Iterable[Any] | None = None,
    ) -> Facts:
        """Packs the rated items of each user and their ratings, in thousandths."""
        items, marks = [], []
        for had, after in rows:
            pairs = [pair for pair in map(_parsed, had) if pair[1] is not None] + [*after]
            known = [(numbers[name], mark) for name, mark in pairs if name in numbers]
            items.append([number for number, _ in known])
            marks.append([round(1000 * float(mark or 0)) for _, mark in known])
        packed = catalogue.packed(Ragged.of(marks, np.int32))
        return catalogue.people(persons, items) | {"marks": packed}

    def resolve(self, entry: str, memory: Facts, names: tuple[str, ...]) -> list[str]:
        items = catalogue.history(memory, entry)
        marks = catalogue.history(memory, entry, "marks")
        if items is None or marks is None:
            return [entry]
        pairs = zip(items.tolist(), (marks / 1000).tolist(), strict=True)
        return [f"{names[number - 1]}={mark:g}" for number, mark in pairs]

    def show(self, cell: Any, titles: dict[str, str]) -> Any:
        """Returns a cell with titles in place of ids, in entries "item=4.5" and (item, rating)."""
        if not isinstance(cell, tuple):
            return cell
        shown = []
        for one in cell:
            name, mark = one if isinstance(one, tuple) else (one.rpartition("=")[0] or one, None)
            title = titles.get(name, name)
            shown.append((title, mark) if mark is not None else f"{title}{one[len(name) :]}")
        return tuple(shown)


MODE = RatingMode()


def _parsed(entry: str) -> tuple[str, float | None]:
    """The item and the rating of an entry; the rating is None where it is "?" or missing."""
    name, _, text = entry.rpartition("=")
    if not name:
        return entry, None
    try:
        return name, None if text.strip() == "?" else float(text)
    except ValueError:
        return entry, None


def _encoded(entries: list[str], known: catalogue.Known) -> dict[str, Any]:
    """Returns the rated items of a row and those to predict, each once, and `given`.

    An item that is rated several times has its last rating.
    """
    pairs: dict[int, float] = {}
    asked: dict[int, None] = {}
    strange = 0
    for entry in entries:
        name, mark = _parsed(entry)
        if not (number := known.of(name)):
            strange += 1
        elif mark is None:
            asked[number] = None
        else:
            pairs[number] = mark
    given = len(pairs) + len(asked) + strange
    return {"items": [*pairs], "marks": [*pairs.values()], "asked": [*asked], "given": given}


def _factorise(net: Any, parts: Parts, plan: Plan) -> tuple[float, float]:
    """Fits the network; returns the selected L2 of its vectors, and the RMSE on validation."""
    told = factorisation.told(parts.train, (("items", "marks"), ("next", "rated")))
    items, width = net.vectors.shape[0] - 1, net.vectors.shape[1]
    with torch.no_grad():
        net.low.fill_(float(told.mark.min()))
        net.high.fill_(float(told.mark.max()))
        often = torch.from_numpy(np.bincount(told.item, minlength=items))
        net.rare.copy_(often < min(OFTEN, int(often.max())))
    errors: dict[float, float] = {}
    found: dict[float, factorisation.Factors] = {}
    choices = L2_VECTORS if parts.selection.rows else L2_VECTORS[1:2]
    if plan.fixed is not None:
        choices = (plan.fixed["l2_vectors"],)
    for _, l2 in affordable(plan, "matrix factorisation", {f"{l2:g}": l2 for l2 in choices}):
        found[l2] = factorisation.factorised(told, items, width, l2, L2_BIASES, plan.seed)
        errors[l2] = _error(_put(net, found[l2], l2), parts.selection)
    best = min(errors, key=lambda one: errors[one])
    _put(net, found[best], best)
    return best, errors[best]


def _put(net: Any, found: factorisation.Factors, l2_vectors: float) -> Any:
    with torch.no_grad():
        net.mean.fill_(found.mean)
        net.biases[1:] = torch.from_numpy(found.biases)
        net.vectors[1:] = torch.from_numpy(found.vectors)
        net.l2_vectors.fill_(l2_vectors)
        net.l2_biases.fill_(L2_BIASES)
    return net


def _as_biases(net: Any) -> Any:
    """A copy of the network without vectors: the mean, and the biases of item and user."""
    other = networks.Rater(net.vectors.shape[0] - 1, net.vectors.shape[1])
    other.load_state_dict(net.state_dict())
    other.sharp.zero_()
    return other.eval()


def _error(net: Any, columns: Columns, size: int = 256) -> float:
    """The RMSE of the predicted ratings of the next items; unknown items are left out."""
    total, count = 0.0, 0.0
    some = columns.only(["items", "marks", "next", "rated"])
    with torch.inference_mode():
        for start in range(0, columns.rows, size):
            batch = some.take(np.arange(start, min(start + size, columns.rows)))
            given = {name: torch.from_numpy(value) for name, value in batch.items()}
            length, asked = given["next_length"], given["next"]
            nothing = torch.zeros(len(asked), dtype=torch.int32)
            said = net(
                given["items"], given["items_length"], given["marks"], given["marks_length"],
                asked, length, nothing,
            )["ratings"]  # fmt: skip
            there = (asked > 0).float()
            total += float(((said - given["rated"]) ** 2 * there).sum())
            count += float(there.sum())
    return round((total / max(1.0, count)) ** 0.5, 6)
