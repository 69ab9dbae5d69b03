"""Recipe of the network for tables: its sizes, scales and bins, its loss, and its training.

The number of training steps is fixed in advance, the learning rate falls to 0 and the last weights
are averaged, in place of early stopping; where the minutes allow more steps than planned here, the
loop adds early stopping of its own.
`benchmarks/tabular_recipe.py` compares the choices.

Columns: `numbers` float32 (N, D), NaN = missing; `levels` int32 (N, C), 0 = missing, 1 = never
learnt; the target `label` (N,), -1 = unknown, or `value` (N,), NaN = unknown; `weight` (N,), where
rows have weights.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from tenfold.core.columns import Columns, Parts
from tenfold.core.fitted import Fitted
from tenfold.core.lazy import lazy
from tenfold.core.plan import Plan
from tenfold.training import loop
from tenfold.training.learner import TensorBatch

if TYPE_CHECKING:
    from torch import Tensor

    from tenfold.networks.table_model import TableModel
    from tenfold.networks.tables import TableNetwork

torch, functional = lazy("torch"), lazy("torch.nn.functional")
networks = lazy("tenfold.networks.tables")

__all__ = [
    "SIZES",
    "NetworkSettings",
    "bins_of",
    "build",
    "fit",
    "loss",
    "measure",
    "prepare",
    "recipe",
    "sized",
]

T = TypeVar("T")

SAMPLED_ROWS = 100_000
"""Maximum number of training rows from which scales and bins are computed."""


@dataclass(frozen=True)
class NetworkSettings:
    """Sizes of the network and its training, see TableNetwork and Recipe.

    `bins` is the maximum number of bins of a column. `passes` is the number of rows that training
    reads in total, at least once and at most `epochs` times each.
    """

    members: int = 8
    width: int = 192
    blocks: int = 2
    embedding: int = 16
    bins: int = 48
    dropout: float = 0.1
    optimizer: str = "muon"
    learning_rate: float = 0.02
    other_rate: float = 0.006
    decay: float = 0.0
    passes: float = 400_000
    epochs: float = 30.0
    batch: int = 256
    average: float = 0.2


SIZES = {
    "tiny": NetworkSettings(members=4, width=96, blocks=1, embedding=8, bins=24),
    "small": NetworkSettings(),
    "medium": NetworkSettings(members=16, passes=800_000, epochs=60),
    "large": NetworkSettings(members=32, width=256, blocks=3, passes=1_600_000, epochs=60),
}
"""Settings by model size; `small` was chosen by the benchmark, the others only scale it."""
INPUTS, PLACES = 4096, 16_384
"""Limits of wide tables: inputs of the first layer, and bins of all columns together.

Embeddings have at least 2 values, and columns at least 2 bins.
"""


CLASSES_DROPOUT, CLASSES_PASSES = 2.0, 0.75
"""Factors of dropout and passes where classes are learnt: cross-entropy overfits sooner."""


def sized(size: str, columns: int, classes: int) -> NetworkSettings:
    """Returns the settings of a size for a table, 0 `classes` = values are learnt.

    `columns` counts the columns of numbers and of categories together. Where there are many,
    embeddings are smaller and columns have fewer bins.
    """
    settings, columns = SIZES[size], max(1, columns)
    embedding = min(settings.embedding, max(2, INPUTS // columns))
    bins = min(settings.bins, max(2, PLACES // columns))
    found = replace(settings, embedding=embedding, bins=bins)
    if not classes:
        return found
    dropout, passes = CLASSES_DROPOUT * found.dropout, CLASSES_PASSES * found.passes
    return replace(found, dropout=dropout, passes=passes)


LEAST_STEPS = 60
"""Minimum number of steps; with 300 steps, tables of 600 rows were learnt by heart."""


def recipe(rows: int, settings: NetworkSettings) -> loop.Recipe:
    """Returns the recipe of the training loop for a number of training rows."""
    epochs = min(settings.epochs, max(1.0, settings.passes / max(1, rows)))
    return loop.Recipe(
        settings.optimizer,
        settings.learning_rate,
        settings.other_rate,
        decay=settings.decay,
        second=0.99,
        warm=0.02,
        hold=0.3,
        epochs=epochs,
        least_steps=LEAST_STEPS,
        batch=settings.batch,
        average=settings.average,
    )


def build(
    bins: Sequence[int], levels: Sequence[int], classes: int, settings: NetworkSettings
) -> TableNetwork:
    """Returns the untrained network; `bins` as `bins_of` returns them, 0 `classes` = a value."""
    names = ("members", "width", "blocks", "embedding", "dropout")
    sizes = {name: getattr(settings, name) for name in names}
    return networks.TableNetwork(bins, levels, classes, **sizes)


# --- scales and bins ---


def bins_of(numbers: np.ndarray, settings: NetworkSettings) -> list[int]:
    """Returns the number of bins of each column of training rows (N, D), for the facts."""
    return [max(0, len(edges) - 1) for edges in _edges(_sampled(numbers), settings.bins)]


def prepare(
    net: TableNetwork, numbers: np.ndarray, target: np.ndarray | None, settings: NetworkSettings
) -> None:
    """Sets the buffers of the network from the training rows.

    These are scales and bins of the columns of `numbers` (N, D) and, where a value is learnt, mean
    and standard deviation of `target` (N,).
    """
    numbers = _sampled(numbers)
    center, scale = _scales(numbers)
    found = zip(_edges(numbers, settings.bins), net.numbers.bins, strict=True)
    edges = [torch.from_numpy(_thinned(one, bins)) for one, bins in found]
    net.numbers.learn(torch.from_numpy(center), torch.from_numpy(scale), edges)
    known = np.zeros(0) if target is None else target[np.isfinite(target)].astype(np.float64)
    if len(known):
        net.shift.fill_(known.mean())
        net.spread.fill_(max(known.std(), 1e-6 * max(1.0, abs(known.mean()))))


def _sampled(numbers: np.ndarray) -> np.ndarray:
    step = -(-len(numbers) // SAMPLED_ROWS)
    return numbers[:: max(1, step)]


def _scales(numbers: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns the median (D,) and the inverse interquartile range (D,) of each column.

    Where that range is 0, half of the whole range is used; a constant column has the scale 0.
    """
    found = np.zeros((2, numbers.shape[1]), np.float32)
    for at, column in enumerate(numbers.T.astype(np.float64)):
        known = column[np.isfinite(column)]
        if not len(known):
            continue
        low, first, middle, third, high = np.quantile(known, [0, 0.25, 0.5, 0.75, 1])
        span = third - first or (high - low) / 2
        found[:, at] = middle, 1 / span if span > 0 else 0
    return found[0], np.nan_to_num(found[1], posinf=0.0)


def _edges(numbers: np.ndarray, most: int) -> list[np.ndarray]:
    """Returns the rising edges of at most `most` bins of each column, float32.

    Half of the edges are quantiles of the values, half are quantiles of the distinct values, so
    that rare values have bins too where one value fills most of a column.
    """
    found = []
    for column in numbers.T:
        known = column[np.isfinite(column)]
        distinct = np.unique(known)
        if len(distinct) <= most + 1:
            found.append(distinct.astype(np.float32))
            continue
        half = np.linspace(0, 1, max(2, most // 2 + 1))
        both = [np.quantile(one, half, method="nearest") for one in (known, distinct)]
        found.append(np.unique(np.concatenate(both)).astype(np.float32))
    return found


def _thinned(edges: np.ndarray, bins: int) -> np.ndarray:
    """Returns at most `bins` + 1 of the edges: a second fit on more rows may find more of them."""
    if len(edges) <= bins + 1:
        return edges
    return edges[np.linspace(0, len(edges) - 1, bins + 1).round().astype(int)]


# --- training ---


def loss(net: Any, batch: TensorBatch) -> Tensor:
    """Returns the mean loss of the members: cross-entropy, or the squared error of scaled values.

    Each member has its own loss. Rows count by their weight; rows with an unknown truth do not.
    """
    each, known = _losses(net, batch)
    weight = known * batch["weight"] if "weight" in batch else known
    return (each * weight).sum() / weight.sum().clamp(min=1e-6)


def measure(net: Any, batch: TensorBatch) -> dict[str, Tensor]:
    """Returns sums over rows for the log, of the answer of all members together.

    They are `valid_loss` and, for classes, `valid_accuracy`.
    """
    found = net(batch["numbers"], batch["levels"])
    weight = batch.get("weight", 1.0)
    if not net.classes:
        known = torch.isfinite(batch["value"])
        error = net.scaled(found["value"]) - net.scaled(batch["value"].nan_to_num())
        return {"valid_loss": (error.square() * known * weight).sum()}
    label = batch["label"]
    logs = found["probabilities"].clamp(min=1e-9).log()
    each = functional.nll_loss(logs, label, ignore_index=-1, reduction="none")
    right = (logs.argmax(1) == label) * weight
    return {"valid_loss": (each * weight).sum(), "valid_accuracy": right.sum()}


def fit(
    net: TableNetwork,
    parts: Parts,
    plan: Plan,
    settings: NetworkSettings,
    whole: TableModel | None = None,
) -> Fitted:
    """Trains the network on `parts.train` and returns it with the decisions of the loop.

    With `whole`, a network that answers with its part `net` alone, that one is trained and
    returned: `net` then learns from the columns that its `derived` computes.
    """
    train = parts.train
    numbers = _numbers(train, whole)
    prepare(net, numbers, np.asarray(train["value"]) if "value" in train else None, settings)
    functions = (loss, measure) if whole is None else (_inside(loss), _inside(measure))
    own = recipe(train.rows, settings)
    return loop.fit(whole or net, parts, functions[0], plan, own, measure=functions[1])


def _inside(function: Callable[[Any, TensorBatch], T]) -> Callable[[Any, TensorBatch], T]:
    """Returns the loss or measure for a network that answers with one part."""

    def of_part(whole: Any, batch: TensorBatch) -> T:
        derived = {"numbers": whole.derived(batch["numbers"])}
        return function(whole.part(whole.selected), {**batch, **derived})

    return of_part


def _numbers(rows: Columns, whole: TableModel | None) -> np.ndarray:
    """Returns the numbers of sampled rows with derived columns, (N, D)."""
    found = _sampled(np.asarray(rows["numbers"]))
    if whole is None:
        return found
    with torch.no_grad():
        made: np.ndarray = whole.derived(torch.from_numpy(np.ascontiguousarray(found))).numpy()
    return made


def _losses(net: Any, batch: TensorBatch) -> tuple[Tensor, Tensor]:
    """Returns the loss of each row (N,), the mean over members, and 1 for rows that count."""
    answers = net.head(net.hidden(batch["numbers"], batch["levels"])).float()
    if net.classes:
        label = batch["label"]
        each = -answers.log_softmax(-1).mean(1)
        picked = each.gather(1, label.clamp(min=0).unsqueeze(1)).squeeze(1)
        return picked, (label >= 0).float()
    known = torch.isfinite(batch["value"])
    rest = net.scaled(batch["value"].nan_to_num()).unsqueeze(1).unsqueeze(2) - answers
    each = rest[..., 0].square().mean(1)
    for at, level in enumerate(networks.QUANTILES, 1):
        each = each + torch.maximum(level * rest[..., at], (level - 1) * rest[..., at]).mean(1)
    return each, known.float()
