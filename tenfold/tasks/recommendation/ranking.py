"""Fits the parts of a recommender, and keeps what ranks validation best: each part, or two mixed.

What is tried depends on what the size of the catalogue allows; nothing looks at the test part.

Shapes: R rows (persons), N items.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from tenfold.core import device, system
from tenfold.core.columns import Columns, Parts
from tenfold.core.lazy import lazy
from tenfold.core.plan import Plan
from tenfold.core.progress import tell
from tenfold.tasks.recommendation import closed_form, item_models
from tenfold.tasks.recommendation.selection import Evaluator, sharpen
from tenfold.training import loop

if TYPE_CHECKING:
    from torch import nn

torch = lazy("torch")
networks = lazy("tenfold.networks.rankers")

__all__ = ["EASE_ITEMS", "RankingRequest", "fit", "network"]

EASE_ITEMS = 20_000
"""Items up to which the closed form is affordable: it inverts a matrix of all pairs."""
VECTORS = 64
AFFORDABLE = 3e12
"""Multiplications that the autoencoder may cost where nobody asked for it by name."""

Nets = dict[str, Any]


@dataclass(frozen=True)
class RankingRequest:
    """What the person asked for; `damping` 0 = best on validation."""

    model: str
    l2: float
    learning_rate: float
    items: int
    ordered: bool
    positions: int

    def tries(self, name: str, rows: int) -> bool:
        """Whether a part is to be learnt, of so many training rows."""
        if self.model != "auto":
            return self.model == name
        pairs = 4.0 * self.items**2 * 4
        closed_form = self.items <= EASE_ITEMS and pairs < 0.7 * system.available_memory()
        cheap = 20 * 6.0 * rows * self.items * 400 < AFFORDABLE
        return {
            "item-knn": closed_form,
            "ease": closed_form,
            "sasrec": self.ordered,
            "mult-vae": cheap and (not closed_form or not self.ordered),
        }.get(name, True)


def network(net: dict[str, Any], fitted: dict[str, Any]) -> nn.Module:
    """The network with the parts that were kept; before that, with those that are learnt."""
    items, width, dropout = net["items"], net["width"], net["dropout"]
    parts: dict[str, nn.Module] = {}
    for name, kept in fitted.get("parts", {}).items():
        parts[name] = {
            "linear": lambda kept=kept: networks.LinearRanker(items, kept),
            "sequence": lambda kept=kept: networks.Sequence(items, width, dropout),
            "autoencoder": lambda kept=kept: networks.Autoencoder(items, width, dropout),
        }[name]()
    return networks.Ranker(items, VECTORS, width, dropout, **parts)


def fit(net: Any, parts: Parts, plan: Plan, wanted: RankingRequest) -> tuple[Any, dict[str, Any]]:
    """(the network kept, what was fitted); the plan is told how long each part took."""
    counts = item_models.matrix(parts.train, ("next", "items"), wanted.items)
    with torch.no_grad():
        net.popular.copy_(torch.from_numpy(np.log1p(np.asarray(counts.sum(0)).ravel())))
        near = item_models.vectors(parts.train, ("next", "items"), wanted.items, VECTORS)
        net.vectors[1:] = torch.from_numpy(near)
    evaluator = Evaluator(parts.selection, wanted.items)
    learnt = [name for name in LEARNT if wanted.tries(name, parts.train.rows)]
    nets: Nets = {"popularity": net.only()}
    fitted: dict[str, Any] = {}
    tried: dict[str, float] = {}
    took = plan.seconds
    for number, name in enumerate(learnt):
        began = time.perf_counter()
        part, told = _learnt(name, net, parts, _share(plan, number, len(learnt)), wanted)
        fitted |= told if not number else {}
        nets |= part
        took |= dict.fromkeys(part, round(time.perf_counter() - began, 2))
    solved = [name for name in ("item-knn", "ease") if wanted.tries(name, parts.train.rows)]
    if plan.dry:
        more = {"more": closed_form.cost(solved, wanted.items, wanted.l2)} if solved else {}
        bare = {"linear": closed_form.empty(wanted.items)} if solved else {}
        return nets[next(reversed(nets))] if learnt else net.only(**bare), fitted | more
    pairs = item_models.gram(counts) if solved else np.zeros((0, 0), np.float32)
    for name in solved:
        began, title = time.perf_counter(), MODELS[name]
        linear, told, tried[title] = closed_form.fitted(
            name, pairs, evaluator, wanted.ordered, wanted.l2
        )
        fitted |= told
        nets[title] = net.only(linear=linear)
        took[title] = round(time.perf_counter() - began, 2)
    for name in nets.keys() - tried.keys():
        tried[name] = evaluator.worth(functools.partial(evaluator.logits, nets[name].eval()))
    tried = {name: tried[name] for name in nets}
    return _kept(nets, tried, fitted, took, parts, evaluator, wanted)


def _with_items(columns: Columns) -> Columns:
    """The rows with an item before the last: others teach nothing of what goes together."""
    lengths = columns.only(["items"]).lengths
    there = np.flatnonzero(lengths) if lengths is not None else np.arange(columns.rows)
    return columns.view(there) if len(there) else columns


def _share(plan: Plan, number: int, of: int) -> Plan:
    """The plan of one of several trainings: its share of the minutes, and a folder of its own."""
    minutes = None if plan.minutes is None else plan.minutes / of
    folder = plan.folder
    if folder is not None and number:
        folder = folder / "checkpoints" / f"part-{number}"
        folder.mkdir(parents=True, exist_ok=True)
    return replace(plan, minutes=minutes, folder=folder)


# --- parts that learn by the loop -----------------------------------------------------------------


def _learnt(
    name: str, net: Any, parts: Parts, plan: Plan, wanted: RankingRequest
) -> tuple[Nets, dict[str, Any]]:
    title, part, loss = LEARNT[name](net, wanted)
    parts = replace(parts, train=_with_items(parts.train))
    own = net.only(**part)
    recipe = replace(_recipe(name, parts.train.rows, wanted), learning_rate=wanted.learning_rate)
    found, fitted = loop.fit(own, parts, loss, plan, recipe, _windows, _measure(loss))
    return {title: found.to(device.choose_device("cpu"))}, fitted


def _sequence(net: Any, wanted: RankingRequest) -> Any:
    part = networks.Sequence(wanted.items, *_shape(net))
    width = part.items.weight.shape[1]
    with torch.no_grad():
        near = net.vectors[1:, : min(width, VECTORS)]
        start = 0.02 * torch.randn(wanted.items, width)
        start[:, : near.shape[1]] += near
        part.items.weight[1:] = torch.nn.functional.normalize(start, dim=-1)
    loss = functools.partial(networks.sequence_loss, places=wanted.positions)
    return "SASRec", {"sequence": part}, loss


def _autoencoder(net: Any, wanted: RankingRequest) -> Any:
    part = networks.Autoencoder(wanted.items, *_shape(net))
    share = torch.tensor(0.2)

    def loss(own: Any, batch: dict[str, Any]) -> Any:
        return networks.autoencoder_loss(own, batch, share.to(batch["items"].device))

    return "Mult-VAE", {"autoencoder": part}, loss


def _shape(net: Any) -> tuple[int, float]:
    """Width and dropout that the network was built with."""
    return net.width, net.dropout


LEARNT: dict[str, Callable[[Any, RankingRequest], Any]] = {
    "sasrec": _sequence,
    "mult-vae": _autoencoder,
}


def _recipe(name: str, rows: int, wanted: RankingRequest) -> loop.Recipe:
    """Few passes over many rows: what one costs grows with rows and items."""
    if name == "mult-vae":
        cost = 6.0 * rows * wanted.items * 400
        epochs = float(np.clip(AFFORDABLE / max(1.0, cost), 3, 100))
        return loop.Recipe("adamw", decay=0.01, second=0.98, epochs=epochs, batch=128)
    cost = 6.0 * rows * wanted.positions * wanted.items * 64
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
    """Half of the rows longer than the network sees begin somewhere inside."""
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


# --- what is kept ---------------------------------------------------------------------------------

SHARES = tuple(round(share, 1) for share in np.arange(0.1, 1.0, 0.1))
MODELS = {"ease": "EASE", "item-knn": "item-kNN", "sasrec": "SASRec", "mult-vae": "Mult-VAE"}


def _kept(
    nets: Nets,
    tried: dict[str, float],
    fitted: dict[str, Any],
    took: dict[str, float],
    parts: Parts,
    evaluator: Evaluator,
    wanted: RankingRequest,
) -> tuple[Any, dict[str, Any]]:
    if wanted.model == "auto" and evaluator.rows:
        began = time.perf_counter()
        if mixed := _mixed(nets, tried, evaluator):
            nets["mixed"], tried["mixed"] = mixed
            took["mixed"] = round(time.perf_counter() - began, 2)
    name = MODELS.get(wanted.model) or max(tried, key=lambda one: tried[one])
    if not evaluator.rows and wanted.model == "auto":
        name = next((one for one in ("EASE", "SASRec", "Mult-VAE") if one in nets), name)
    if wanted.model == "popularity":
        name = "popularity"
    said = ", ".join(
        f"{one} {value:.4f}" + (f" ({took[one]:.1f} s)" if one in took else "")
        for one, value in tried.items()
    )
    tell(f"On validation (NDCG@10): {said}. {name} is kept.")
    net = nets[name]
    sharpen(net, parts.calibration if parts.calibration.rows else evaluator.columns)
    object.__setattr__(net, "others", {key: one for key, one in nets.items() if key != name})
    sizes = {key: _size(one) for key, one in net.parts.items()}
    return net, fitted | {"selected": name, "parts": sizes, "validation_scores": tried}


def _size(part: Any) -> int:
    """Weights kept of an item; 1 for a part without."""
    return part.weights.shape[1] if hasattr(part, "weights") else 1


def _mixed(nets: Nets, tried: dict[str, float], evaluator: Evaluator) -> tuple[Any, float] | None:
    """The best linear part and the best learnt one together, in the shares that rank best."""
    linear = [name for name in ("EASE", "item-kNN") if name in nets]
    others = [name for name in ("SASRec", "Mult-VAE") if name in nets]
    if not linear or not others:
        return None
    pair = [nets[max(names, key=lambda one: tried[one])] for names in (linear, others)]
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

    share = max(SHARES, key=worth)
    both = dict(pair[0].parts.items()) | dict(pair[1].parts.items())
    net = pair[0].only(**both)
    with torch.no_grad():
        net.mix.copy_(torch.tensor([1 - share, share]) * torch.stack([one.sharp for one in pair]))
    return net.eval(), evaluator.worth(functools.partial(evaluator.logits, net))
