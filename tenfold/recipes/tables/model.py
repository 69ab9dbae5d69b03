"""Builds the network of a run on tables from its facts, without any file.

`facts["net"]` holds the model size, the pairs of columns that are tried as derived columns, and the
number of bins of each column; `facts["fitted"]` the columns that were kept, the sizes of each part
and the weights of the blend.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from tenfold.answers.classification import logits
from tenfold.core.lazy import lazy
from tenfold.media.tables import encode
from tenfold.media.tables.schema import TableRow
from tenfold.recipes.tables import derived, network

if TYPE_CHECKING:
    from torch import nn

    from tenfold.networks.table_model import TableModel

networks = lazy("tenfold.networks.table_model")
columns = lazy("tenfold.networks.derived")
forests, linears = lazy("tenfold.networks.trees"), lazy("tenfold.networks.tables_linear")

__all__ = ["LINEAR", "NETWORK", "SIZES", "TREES", "build", "counts_of", "empty", "proposed"]

SIZES = tuple(network.SIZES)
"""Names of the model sizes."""
LINEAR, TREES, NETWORK = "linear", "boosted trees", "network"
"""Names of the parts of a model."""


def proposed(cells: Sequence[TableRow], data: dict[str, Any], wanted: bool) -> dict[str, Any]:
    """Returns facts of the training rows for `build`: the `pairs` of columns to try.

    With `wanted` False, as the fact `derived` then states, no derived columns are tried.
    """
    values = encode.encoded(cells, data).columns["numbers"]
    numbers = np.asarray(values)
    pairs = derived.pairs_of(data["numbers"], numbers) if wanted else []
    return {"pairs": pairs, "derived": wanted}


def counts_of(data: Mapping[str, Any]) -> list[int]:
    """Returns the number of codes of each category, with those of missing and unknown ones."""
    return [len(levels) + encode.FIRST for levels in data["levels"]]


def empty(facts: Mapping[str, Any], kept: Sequence[int], classes: int) -> TableModel:
    """Returns the network without parts, which uses the kept columns."""
    pairs = [(one["left"], one["right"], one["op"]) for one in facts["net"]["pairs"]]
    made = columns.Derived(pairs, kept)
    found: TableModel = networks.TableModel(made, {}, {}, classes)
    return found


def build(facts: Mapping[str, Any], classes: int = 0) -> TableModel:
    """Returns the network of a run; before the fit its only part is a network. 0 = a number."""
    fitted = facts.get("fitted") or _unfitted(facts, classes)
    kept = fitted.get("kept", [*range(len(facts["data"]["numbers"]))])
    net = empty(facts, kept, classes)
    for name, sizes in fitted.get("parts", {}).items():
        net.add(name, _part(name, sizes, len(kept), counts_of(facts["data"]), classes))
    net.mixes = {fitted["selected"]: fitted["mix"]}
    net.selected = fitted["selected"]
    net.bounds, net.embedded = fitted["bounds"], fitted["embedded"]
    logits.centred(net, fitted)
    return net


def _unfitted(facts: Mapping[str, Any], classes: int) -> dict[str, Any]:
    """Returns the facts of a fit that kept the network alone, with all of its bins."""
    size, numbers = facts["net"]["size"], len(facts["data"]["numbers"])
    columns = numbers + len(facts["data"]["levels"])
    bins = network.sized(size, columns, classes).bins
    sizes = {"bins": [bins] * numbers, "size": size}
    mix = {"mix": {NETWORK: 1.0}, "selected": NETWORK}
    return {"parts": {NETWORK: sizes}, **mix, "bounds": NETWORK, "embedded": NETWORK}


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
