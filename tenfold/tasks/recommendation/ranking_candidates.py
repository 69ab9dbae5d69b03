"""Fits the candidates of a ranking recommender; selects the best one or a mixture of two.

The size of the catalogue decides which candidates are fitted; the test part is never used.

Shapes: R rows (users), N items.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from tenfold.core import device, system
from tenfold.core.columns import Columns, Parts
from tenfold.core.fitted import Fitted
from tenfold.core.lazy import lazy
from tenfold.core.message import Message
from tenfold.core.plan import Plan
from tenfold.core.progress import tell
from tenfold.tasks.recommendation import closed_form, item_models
from tenfold.tasks.recommendation.mode import FitRequest
from tenfold.tasks.recommendation.selection import Evaluator, sharpen
from tenfold.training import candidates, loop
from tenfold.training.candidates import FREE, Candidate, Comparison, Fits

if TYPE_CHECKING:
    from torch import nn

torch = lazy("torch")
networks = lazy("tenfold.networks.rankers")

__all__ = ["EASE_ITEMS", "fit", "network"]

EASE_ITEMS = 20_000
"""Maximum number of items for closed forms by default; EASE inverts a matrix of all pairs."""
VECTORS = 64
SHARES = tuple(round(share, 1) for share in np.arange(0.1, 1.0, 0.1))
MODELS = {"ease": "EASE", "item-knn": "item-kNN", "sasrec": "SASRec", "mult-vae": "Mult-VAE"}
AFFORDABLE = 3e12
"""Maximum multiplications for training the autoencoder where it was not requested by name."""


def network(net: dict[str, Any], fitted: dict[str, Any]) -> nn.Module:
    """The network with the parts that were selected; before the fit, without parts."""
    items, width, dropout = net["items"], net["width"], net["dropout"]
    parts: dict[str, nn.Module] = {}
    for name, kept in fitted.get("parts", {}).items():
        parts[name] = {
            "linear": lambda kept=kept: networks.LinearRanker(items, kept),
            "sequence": lambda kept=kept: networks.Sequence(items, width, dropout),
            "autoencoder": lambda kept=kept: networks.Autoencoder(items, width, dropout),
        }[name]()
    return networks.Ranker(items, VECTORS, width, dropout, **parts)


def fit(net: Any, parts: Parts, plan: Plan, request: FitRequest) -> Fitted:
    """Fits the candidates; returns the best on validation, or the one set as `model`."""
    parts = plan.visible(parts)
    names = _names(request, parts.train.rows, plan)
    fits = _RankingFits(net, parts, request, names, Evaluator(parts.selection, request.items))
    with torch.no_grad():
        net.popular.copy_(torch.from_numpy(np.log1p(np.asarray(fits.counts.sum(0)).ravel())))
        near = item_models.vectors(parts.train, ("next", "items"), request.items, VECTORS)
        net.vectors[1:] = torch.from_numpy(near)
    fitted = candidates.fit(
        fits.candidates(plan), request.model, fits.comparison(), plan, fits.shown()
    )
    sharpen(fitted.net, parts.calibration if parts.calibration.rows else fits.evaluator.columns)
    sizes = {name: _size(part) for name, part in fitted.net.parts.items()}
    return replace(fitted, facts=fitted.facts | {"parts": sizes})


def _names(request: FitRequest, rows: int, plan: Plan) -> list[str]:
    """The candidates to fit in addition to popularity, as values of the setting `model`."""
    every = [*LEARNT, "item-knn", "ease"]
    if plan.fixed is None:
        return [name for name in every if _tries(name, request, rows)]
    known = {plan.fixed["selected"], *plan.fixed.get("mix", {})}
    return [name for name in every if MODELS[name] in known]


def _tries(name: str, request: FitRequest, rows: int) -> bool:
    """True where the candidate `name` is to be fitted.

    It is the model set by the user, or, for `auto`, suits the data and is cheap enough for the
    number of training `rows`.
    """
    if request.model != "auto":
        return request.model == name
    pairs = 4.0 * request.items**2 * 4
    solvable = request.items <= EASE_ITEMS and pairs < 0.7 * system.available_memory()
    cheap = 20 * 6.0 * rows * request.items * 400 < AFFORDABLE
    return {
        "item-knn": solvable,
        "ease": solvable,
        "sasrec": request.ordered,
        "mult-vae": cheap and (not solvable or not request.ordered),
    }.get(name, True)


@dataclass
class _RankingFits:
    """Fits the models in `names`, popularity, and a mixture of two models.

    `known` holds the validation scores of closed forms, which their own fit computes, by name.
    """

    net: Any
    parts: Parts
    request: FitRequest
    names: list[str]
    evaluator: Evaluator
    known: dict[str, float] = field(default_factory=dict)

    @functools.cached_property
    def counts(self) -> Any:
        """Sparse matrix (R, N) of ones where a user has an item."""
        return item_models.matrix(self.parts.train, ("next", "items"), self.request.items)

    @functools.cached_property
    def pairs(self) -> np.ndarray:
        """Number of users who have both items, for all pairs of items (N, N)."""
        return item_models.gram(self.counts)

    @functools.cached_property
    def weighted_pairs(self) -> np.ndarray:
        """The sums of products of weights for all pairs of items (N, N), where users have both."""
        return item_models.gram(item_models.weighted(self.counts, self.parts.train))

    @property
    def has_counts(self) -> bool:
        """True where the rows state how often a user had an item."""
        return "often" in self.parts.train

    def shown(self) -> Any:
        """Returns the network that a dry run describes.

        None = that of the last candidate which the training loop trains.
        """
        if any(name in LEARNT for name in self.names):
            return None
        part = {"linear": closed_form.empty(self.request.items)} if self.names else {}
        return self.net.only(**part)

    def candidates(self, plan: Plan) -> list[Candidate]:
        """The candidates: popularity, trained networks, closed forms, a mixture of two."""
        names, items, l2 = self.names, self.request.items, self.request.l2
        closed = [name for name in names if name not in LEARNT]
        costs = {
            name: closed_form.cost(name, items, l2, name == closed[0], self.has_counts)
            for name in closed
        }
        found = [Candidate("popularity", self._popularity, FREE, always=True)]
        for name in names:
            fit = self._learnt if name in LEARNT else self._solved
            found.append(Candidate(MODELS[name], functools.partial(fit, name), costs.get(name)))
        if plan.fixed is not None and plan.fixed["selected"] == "mixed":
            needs = tuple(plan.fixed["mix"])
            found.append(Candidate("mixed", self._mixed_as_before, FREE, needs))
        elif self.request.model == "auto" and self.evaluator.rows:
            found.append(Candidate("mixed", self._mixed, FREE, combines=True))
        return found

    def comparison(self) -> Comparison:
        """Returns the comparison of the candidates: by NDCG@10 over the whole catalogue."""
        return Comparison(
            Message("NDCG@10"),
            self._score,
            self.evaluator.rows,
            lower_is_better=False,
            shown=".4f",
            without_rows=("EASE", "SASRec", "Mult-VAE"),
            alone=True,
        )

    def _score(self, name: str, net: Any) -> float:
        if name in self.known:
            return self.known[name]
        return self.evaluator.worth(functools.partial(self.evaluator.logits, net))

    def _popularity(self, plan: Plan, fits: Fits) -> Fitted:
        return Fitted(self.net.only())

    def _learnt(self, name: str, plan: Plan, fits: Fits) -> Fitted:
        request = self.request
        part, loss = LEARNT[name](self.net, request)
        parts = replace(self.parts, train=_with_items(self.parts.train))
        recipe = replace(
            _recipe(name, parts.train.rows, request), learning_rate=request.learning_rate
        )
        own = self.net.only(**part)
        found = loop.fit(own, parts, loss, plan, recipe, _windows, _measure(loss))
        return replace(found, net=found.net.to(device.choose_device("cpu")))

    def _solved(self, name: str, plan: Plan, fits: Fits) -> Fitted:
        key, request = closed_form.key(name), self.request
        if plan.fixed is not None:
            pairs = self.weighted_pairs if plan.fixed[key].get("counts") else self.pairs
            linear = closed_form.fixed(name, pairs, plan.fixed[key])
            return Fitted(self.net.only(linear=linear), {key: plan.fixed[key]})
        linear, facts, self.known[MODELS[name]] = closed_form.fitted(
            name,
            self.pairs,
            self.evaluator,
            request.ordered,
            request.l2,
            plan,
            (lambda: self.weighted_pairs) if self.has_counts else None,
        )
        if self.has_counts:
            _tell_counts(MODELS[name], "counts" in facts[key])
        return Fitted(self.net.only(linear=linear), facts)

    def _mixed(self, plan: Plan, fits: Fits) -> Fitted | None:
        """Mixes the best closed form and the best trained network; None where one is missing."""
        linear = [name for name in ("EASE", "item-kNN") if name in fits.nets]
        others = [name for name in ("SASRec", "Mult-VAE") if name in fits.nets]
        if not linear or not others:
            return None
        pair = [max(names, key=lambda one: fits.scores[one]) for names in (linear, others)]
        nets = [fits.nets[name] for name in pair]
        share = _best_share(nets, self.evaluator)
        shares = torch.tensor([1 - share, share]) * torch.stack([one.sharp for one in nets])
        return self._sum_of(dict(zip(pair, shares.tolist(), strict=True)), fits)

    def _mixed_as_before(self, plan: Plan, fits: Fits) -> Fitted:
        return self._sum_of((plan.fixed or {})["mix"], fits)

    def _sum_of(self, mix: dict[str, float], fits: Fits) -> Fitted:
        """One network with both parts; `mix` holds their weights."""
        parts = [part for name in mix for part in fits.nets[name].parts.items()]
        net = self.net.only(**dict(parts))
        with torch.no_grad():
            net.mix.copy_(torch.tensor(list(mix.values())))
        return Fitted(net, {"mix": mix})


def _tell_counts(name: str, better: bool) -> None:
    if better:
        note = Message("{name}: counts weigh the interactions; validation ranks better.", name=name)
    else:
        note = Message("{name}: counts are not used; validation ranks as well without.", name=name)
    tell(note)


def _best_share(pair: list[Any], evaluator: Evaluator) -> float:
    """The weight of the second network, between 0 and 1, that gives the best mean NDCG."""
    for net in pair:
        sharpen(net, evaluator.columns)
    blocks = [
        (rows, [evaluator.logits(net, rows) for net in pair]) for rows in evaluator.blocks()[:8]
    ]

    def worth(share: float) -> float:
        found = [
            item_models.ndcg(
                (1 - share) * one + share * other, evaluator.seen[rows], evaluator.wanted[rows]
            )
            for rows, (one, other) in blocks
        ]
        return float(np.concatenate(found).mean())

    return max(SHARES, key=worth)


def _size(part: Any) -> int:
    """Returns the number of weights per item of a linear ranker; 1 for the other parts."""
    return part.weights.shape[1] if isinstance(part, networks.LinearRanker) else 1


def _with_items(columns: Columns) -> Columns:
    """Returns the rows with at least one item besides the target: only these relate items.

    If there are no such rows, all rows are returned.
    """
    lengths = columns.only(["items"]).lengths
    there = np.flatnonzero(lengths) if lengths is not None else np.arange(columns.rows)
    return columns.view(there) if len(there) else columns


# --- parts trained by the loop --------------------------------------------------------------------


def _sequence(net: Any, request: FitRequest) -> Any:
    part = networks.Sequence(request.items, *_shape(net))
    width = part.items.weight.shape[1]
    with torch.no_grad():
        near = net.vectors[1:, : min(width, VECTORS)]
        start = 0.02 * torch.randn(request.items, width)
        start[:, : near.shape[1]] += near
        part.items.weight[1:] = torch.nn.functional.normalize(start, dim=-1)
    loss = functools.partial(networks.sequence_loss, places=request.positions)
    return {"sequence": part}, loss


def _autoencoder(net: Any, request: FitRequest) -> Any:
    part = networks.Autoencoder(request.items, *_shape(net))
    share = torch.tensor(0.2)

    def loss(own: Any, batch: dict[str, Any]) -> Any:
        return networks.autoencoder_loss(own, batch, share.to(batch["items"].device))

    return {"autoencoder": part}, loss


def _shape(net: Any) -> tuple[int, float]:
    """The width and the dropout rate of the network."""
    return net.width, net.dropout


LEARNT: dict[str, Callable[[Any, FitRequest], Any]] = {
    "sasrec": _sequence,
    "mult-vae": _autoencoder,
}


def _recipe(name: str, rows: int, request: FitRequest) -> loop.Recipe:
    """The recipe of a trained part: fewer epochs where there are more rows and items."""
    if name == "mult-vae":
        cost = 6.0 * rows * request.items * 400
        epochs = float(np.clip(AFFORDABLE / max(1.0, cost), 3, 100))
        return loop.Recipe("adamw", decay=0.01, second=0.98, epochs=epochs, batch=128)
    cost = 6.0 * rows * request.positions * request.items * 64
    epochs = float(np.clip(6e12 / max(1.0, cost), 1, 12 if rows > 5_000 else 30))
    return loop.Recipe(
        "adamw",
        decay=0.02,
        second=0.98,
        warm=0.1,
        epochs=epochs,
        least_steps=300,
        batch=256 if rows > 5_000 else 64,
        average=0.2,
    )


def _windows(batch: dict[str, Any], share: float) -> dict[str, Any]:
    """Augmentation: drops a random number of the latest items in half of the long rows.

    Long rows have more than AGES items, so that the network does not see all of them. The oldest
    dropped item becomes the next item.
    """
    items, length = batch["items"], batch["items_length"]
    room = (length - networks.AGES).clamp(min=0)
    chance = torch.rand(len(items), 2, device=items.device)
    skipped = (chance[:, 0] * (room + 1) * (chance[:, 1] < 0.5)).long().clamp(max=room)
    place = torch.arange(items.shape[1], device=items.device) + skipped.unsqueeze(1)
    inside = place < items.shape[1]
    moved = items.gather(1, place.clamp(max=items.shape[1] - 1)) * inside
    before = items.gather(1, (skipped - 1).clamp(min=0).unsqueeze(1)).to(batch["next"].dtype)
    after = torch.where((skipped > 0).unsqueeze(1), before, batch["next"][:, :1])
    rest = batch["next"][:, 1:] * (skipped == 0).unsqueeze(1)
    return batch | {
        "items": moved,
        "items_length": length - skipped,
        "next": torch.cat([after, rest], 1),
    }


def _measure(loss: Any) -> Any:
    def measure(net: Any, batch: dict[str, Any]) -> dict[str, Any]:
        return {"valid_loss": loss(net, batch) * len(batch["items"])}

    return measure
