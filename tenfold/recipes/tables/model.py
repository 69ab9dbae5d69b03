"""Builds the network of a run on tables from its facts, without any file.

`facts["net"]` holds the model size and the pairs of columns that are tried as derived columns;
`facts["fitted"]` the derived columns that were kept, the sizes of each part, the name of the answer
that is given and the weights of the blend.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from tenfold.answers.classification import logits
from tenfold.core.lazy import lazy
from tenfold.media.tables import encode
from tenfold.media.tables.schema import TableRow
from tenfold.recipes.tables import derived, network, texts

if TYPE_CHECKING:
    from torch import nn

    from tenfold.networks.table_model import TableModel

networks = lazy("tenfold.networks.table_model")
forests, linears = lazy("tenfold.networks.trees"), lazy("tenfold.networks.tables_linear")

__all__ = [
    "BLEND",
    "LINEAR",
    "NETWORK",
    "SIZES",
    "TREES",
    "build",
    "choose",
    "counts_of",
    "empty",
    "learnt",
    "used_by",
]

SIZES = tuple(network.SIZES)
"""Names of the model sizes."""
LINEAR, TREES, NETWORK = "linear", "boosted trees", "network"
"""Names of the parts of a model."""
ROWS = 50_000
"""Maximum number of training rows from which derived columns are proposed."""
BLEND = "blend"
"""Name of the answer that is the weighted mean of those of the parts."""


def learnt(
    cells: Sequence[TableRow], size: str, wanted: bool, truths: texts.Truths
) -> dict[str, Any]:
    """Returns the facts `data` and `net` of the training rows, for `encode` and `build`.

    `net` holds the size of the network and the `pairs` of columns to try as derived columns,
    proposed from at most ROWS rows. With `wanted` False, as the fact `derived` then states, no
    derived columns are tried. Scores of texts are learnt from the `truths` of the rows.
    """
    learn = partial(texts.learnt, truths=truths) if wanted else None
    data, pairs = encode.facts_of(cells, learn), list[dict[str, Any]]()
    if wanted:
        some = cells[:: max(1, -(-len(cells) // ROWS))]
        numbers = np.asarray(encode.encoded(some, data).columns["numbers"])
        pairs = derived.pairs_of(data["numbers"], numbers)
    return {"data": data, "net": {"size": size, "pairs": pairs, "derived": wanted}}


def counts_of(data: Mapping[str, Any]) -> list[int]:
    """Returns the number of codes of each category, with those of missing and unknown ones."""
    return [len(levels) + encode.FIRST for levels in data["levels"]]


def empty(facts: Mapping[str, Any], kept: Sequence[str], classes: int) -> TableModel:
    """Returns the network without parts, which uses the derived columns `kept`, by name."""
    places = derived.places_of(*_named(facts), kept)
    made = derived.network_of(facts["net"]["pairs"], places)
    found: TableModel = networks.TableModel(made, {}, {}, classes)
    return found


def _named(facts: Mapping[str, Any]) -> tuple[Any, Any]:
    return facts["data"]["numbers"], facts["net"]["pairs"]


def choose(net: TableModel, name: str, mix: Mapping[str, float]) -> None:
    """Makes the network give the answer `name`, whose parts have the weights `mix`.

    The ends of intervals come from the network or the trees if the answer holds them, otherwise
    they lie at constant distances; the embedding is that of the network or of the linear model.
    """
    net.mixes[name], net.selected = dict(mix), name
    able = [] if net.classes else [one for one in (NETWORK, TREES) if one in mix]
    net.bounds = able[0] if able else ""
    net.embedded = NETWORK if NETWORK in mix else LINEAR


def used_by(net: TableModel) -> set[str]:
    """Returns the names of the parts that the answers of the network need."""
    return {*net.mixes[net.selected], net.bounds, net.embedded} - {""}


def build(facts: Mapping[str, Any], classes: int = 0) -> TableModel:
    """Returns the network of a run; before the fit its only part is a network. 0 = a number."""
    fitted = facts.get("fitted") or _unfitted(facts, classes)
    net = empty(facts, fitted["kept"], classes)
    numbers = len(net.derived.kept)
    for name, sizes in fitted["parts"].items():
        net.add(name, _part(name, sizes, numbers, counts_of(facts["data"]), classes))
    name = fitted["selected"]
    choose(net, name, fitted["mix"] if name == BLEND else {name: 1.0})
    logits.biased(net, fitted)
    return net


def _unfitted(facts: Mapping[str, Any], classes: int) -> dict[str, Any]:
    """Returns the facts of a fit that kept the network alone, with all of its bins."""
    numbers, pairs = _named(facts)
    size, kept = facts["net"]["size"], derived.names_of(numbers, pairs)
    places = len(derived.places_of(numbers, pairs, kept))
    bins = network.sized(size, places + len(facts["data"]["levels"]), classes).bins
    sizes = {"bins": [bins] * places, "size": size}
    return {"parts": {NETWORK: sizes}, "kept": kept, "selected": NETWORK}


def _part(
    name: str, sizes: Mapping[str, Any], numbers: int, counts: Sequence[int], classes: int
) -> nn.Module:
    """Returns an untrained part by its name and the sizes in the facts."""
    if name == LINEAR:
        return linears.TableLinear(**sizes)
    if name == NETWORK:
        settings = network.sized(sizes["size"], numbers + len(counts), classes)
        return network.build(sizes["bins"], counts, classes, settings)
    return forests.Trees(**sizes)
