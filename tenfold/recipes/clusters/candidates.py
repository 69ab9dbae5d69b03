"""Fits and compares the candidates of clustering.

Shapes: N rows, K groups.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from tenfold.core.columns import Parts
from tenfold.core.errors import DataRefused
from tenfold.core.fitted import Fitted
from tenfold.core.message import Message
from tenfold.core.plan import Plan
from tenfold.core.progress import tell
from tenfold.recipes.clusters.models import MODELS
from tenfold.recipes.clusters.training import TrainingRows, network
from tenfold.recipes.subjects import Subject
from tenfold.training import candidates
from tenfold.training.candidates import FREE, Candidate, Comparison, Fits

if TYPE_CHECKING:
    from torch import nn

__all__ = ["CHOICES", "build", "chosen", "fit", "refuse_too_many"]

CHOICES = ("auto", *MODELS)
"""Values of the setting `model`."""
BLANK: dict[str, Any] = {
    "selected": "kmeans",
    "kmeans": {"names": ["", ""], "sizes": {}},
    "sample": 2,
}
"""What is decided of a network before its fit."""
MOST = 10
"""Largest number of groups that is tried where none is given."""
GRAPH_ROWS = 20_000
"""Number of training rows above which the graph is fitted only where it is requested."""


def build(subject: Subject, facts: dict[str, Any]) -> nn.Module:
    """Returns the network of a run; before the fit, k-means of two groups."""
    fitted = facts.get("fitted") or BLANK
    features: Any = subject.features(facts)
    own, groups = chosen(facts), len(chosen(facts)["names"])
    head = MODELS[fitted["selected"]].head(own["sizes"], groups, features.width)
    return network(subject, features, head, groups, fitted["sample"])


def chosen(facts: dict[str, Any]) -> dict[str, Any]:
    """Returns `names` of the K groups, `curve` and `sizes` of the selected candidate."""
    fitted = facts.get("fitted") or BLANK
    found: dict[str, Any] = fitted[fitted["selected"]]
    return found


def fit(
    subject: Subject, net: Any, parts: Parts, plan: Plan, requested: str, groups: int
) -> Fitted:
    """Returns the network with the groups of the training rows; 0 `groups` = chosen.

    Raises DataRefused where there are fewer different rows than groups.
    """
    rows = TrainingRows(subject, net.features, parts.train, plan)
    names = [*MODELS]
    if requested == "auto" and parts.train.rows > GRAPH_ROWS:
        names.remove("graph")
        tell(
            Message(
                "The graph of neighbours is left out: {rows} rows are more than {most}. "
                "--model graph fits it.",
                rows=parts.train.rows,
                most=GRAPH_ROWS,
            )
        )
    tried = [Candidate(name, partial(_fit, name, rows, groups), FREE) for name in names]
    comparison = Comparison(
        Message("silhouette"),
        lambda name, one: rows.silhouette(one),
        parts.train.rows,
        lower_is_better=False,
        held_out=False,
    )
    return candidates.fit(tried, requested, comparison, plan)


def refuse_too_many(groups: int, rows: int) -> None:
    """Raises DataRefused if there are fewer different rows than groups."""
    if groups > rows:
        raise DataRefused(
            Message(
                "{rows} different rows cannot be divided into {groups} groups",
                rows=rows,
                groups=groups,
            ),
            code="too-many-groups",
            where="--clusters",
            fix=Message("Give at most --clusters {rows}, or leave it out.", rows=rows),
        )


def _fit(name: str, rows: TrainingRows, groups: int, plan: Plan, fits: Fits) -> Fitted | None:
    """Returns one candidate, whose facts are under its name; of a single row, k-means alone."""
    if rows.different < 2 and name != "kmeans" and fits.nets:
        return None
    found = MODELS[name].fit(rows, _counts(rows, groups, plan), plan)
    net = rows.network(found.head, found.groups)
    curve = found.curve if plan.fixed is None else plan.fixed[name]["curve"]
    facts = {"names": rows.names(net), "curve": curve, "sizes": found.sizes}
    return Fitted(net, {"sample": len(rows.sample), name: facts})


def _counts(rows: TrainingRows, groups: int, plan: Plan) -> list[int]:
    """Returns the numbers of groups to try: that of an earlier fit, the given one, or several."""
    if plan.fixed is not None:
        groups = len(chosen({"fitted": plan.fixed})["names"])
    if groups:
        refuse_too_many(groups, rows.different)
        return [groups]
    return [*range(2, min(MOST, rows.different - 1) + 1)] or [rows.different]
