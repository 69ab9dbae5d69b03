"""Fits and compares the candidates of anomaly detection.

Shapes: N rows, F features, C columns of the input.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tenfold.core.columns import Columns, Parts
from tenfold.core.fitted import Fitted
from tenfold.core.lazy import lazy
from tenfold.core.plan import Plan
from tenfold.recipes.subjects import Subject, features_of
from tenfold.training.inference import by_torch

if TYPE_CHECKING:
    from torch import nn

torch, networks, plain = (
    lazy("torch"),
    lazy("tenfold.networks.strange"),
    lazy("tenfold.networks.groups"),
)

__all__ = ["MODELS", "build", "fit"]

MODELS = ("auto", "neighbours")
COUNT = 5
"""Number of neighbours."""
REFERENCE = 20_000
"""Maximum number of training rows that are kept as neighbours."""


def build(subject: Subject, facts: dict[str, Any]) -> nn.Module:
    """Returns the network of a run; before the fit, one of a single neighbour."""
    fitted = facts.get("fitted") or {"reference": 1, "calibration": 1}
    features: Any = subject.features(facts)
    head = networks.Neighbours(fitted["reference"], features.width, COUNT)
    model = networks.Strange(head, subject.owners(facts)[1], fitted["calibration"])
    return subject.network(features, model)


def fit(subject: Subject, parts: Parts, plan: Plan, requested: str, rate: float) -> Fitted:
    """Returns the network that scores rows; `rate` is the share of false alarms.

    It is fitted to the training rows; the good rows of the calibration half set the threshold.
    """
    features: Any = subject.features(plan.facts)
    subject.learn_features(features, parts.train)
    x = features_of(subject, features, parts.train)
    kept = np.random.default_rng(plan.seed).permutation(len(x))[:REFERENCE]
    good = _good(parts.calibration)
    sizes = {"reference": len(kept), "calibration": max(1, good.rows)}
    net: Any = build(subject, plan.facts | {"fitted": sizes}).eval()
    net.features.load_state_dict(features.state_dict())
    with torch.no_grad():
        net.model.head.rows.copy_(torch.from_numpy(x[kept]))
    scores = (
        by_torch(net)(good.only([*subject.columns]))["score"]
        if good.rows
        else np.zeros(1, np.float32)
    )
    net.model.calibrate(torch.from_numpy(np.asarray(scores)), rate)
    return Fitted(net, {**sizes, "selected": "neighbours"})


def _good(rows: Columns) -> Columns:
    """Returns the rows that are not known to be strange."""
    if "strange" not in rows.arrays:
        return rows
    return rows.view(np.flatnonzero(np.asarray(rows["strange"]) <= 0))
