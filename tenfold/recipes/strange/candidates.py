"""Fits and compares the candidates of anomaly detection, and sets the threshold.

Every candidate is fitted to good training rows. Where the selection half of validation has strange
rows, the candidate with the highest ROC AUC on it is selected; elsewhere nothing tells which is
best, and the distance to neighbours is taken, the best on average over six public tables where
normal rows are fitted (`benchmarks/anomalies.py`).

Shapes: N rows, F features, M calibration rows.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

import numpy as np

from tenfold.answers.metrics.discrimination import Ordered
from tenfold.core import device
from tenfold.core.columns import Columns, Parts
from tenfold.core.fitted import Fitted
from tenfold.core.lazy import lazy
from tenfold.core.message import Message
from tenfold.core.plan import Plan
from tenfold.core.progress import tell
from tenfold.recipes.strange import heads
from tenfold.recipes.strange.heads import AUTOENCODER, CLOSED, NEIGHBOURS
from tenfold.recipes.subjects import Subject, features_of
from tenfold.training import candidates, loop
from tenfold.training.candidates import FREE, Candidate, Comparison, Fits
from tenfold.training.inference import by_torch

if TYPE_CHECKING:
    from torch import nn

torch, networks = lazy("torch"), lazy("tenfold.networks.strange.answer")

__all__ = ["MODELS", "build", "fit"]

NAMES = (*CLOSED, AUTOENCODER)
MODELS = ("auto", *(name.replace(" ", "-") for name in NAMES))
"""Values of the setting `model`."""
MOST = 4000
"""Maximum number of good rows that set the threshold."""
AT_ONCE = 1024
"""Rows of a batch at most."""


def build(subject: Subject, facts: dict[str, Any]) -> nn.Module:
    """Returns the network of a run; before the fit, one of a single neighbour."""
    fitted = facts.get("fitted")
    if not fitted:
        return _network(subject, facts, NEIGHBOURS, heads.first_sizes(), 1)
    name = fitted["selected"]
    return _network(subject, facts, name, fitted["parts"][name], len(fitted["calibration"][name]))


def _network(
    subject: Subject, facts: dict[str, Any], name: str, sizes: dict[str, Any], rows: int
) -> Any:
    features: Any = subject.features(facts)
    head = heads.build(name, features.width, sizes)
    return subject.network(features, networks.Strange(head, subject.owners(facts)[1], rows))


def fit(subject: Subject, parts: Parts, plan: Plan, requested: str, rate: float) -> Fitted:
    """Returns the network that scores rows; `rate` is the share of false alarms.

    It is fitted to the training rows that are not known to be strange; the good rows of the
    calibration half of validation set the threshold.
    """
    work = _Work(subject, plan.visible(parts), plan, rate)
    many = [Candidate(name, partial(work.closed, name, one), FREE) for name, one in CLOSED.items()]
    many.append(Candidate(AUTOENCODER, work.autoencoder))
    if requested == "auto" and plan.fixed is None and not work.judged.rows:
        requested = NEIGHBOURS
    shown = work.empty if plan.dry else None
    return work.finished(candidates.fit(many, requested, work.comparison(), plan, shown))


@dataclass
class _Work:
    """The state that the candidates of one fit share."""

    subject: Subject
    parts: Parts
    plan: Plan
    rate: float
    sizes: dict[str, Any] = field(default_factory=dict)
    """Sizes of each head, as JSON, by name."""

    @cached_property
    def place(self) -> Any:
        """The device of the networks."""
        return device.choose_device(self.plan.device)

    @cached_property
    def empty(self) -> Any:
        """The untrained network."""
        return build(self.subject, {**self.plan.facts, "fitted": None})

    @cached_property
    def train(self) -> Columns:
        """The training rows that are not known to be strange."""
        return _good(self.parts.train)

    @cached_property
    def features(self) -> Any:
        """The module that makes features, with the statistics of the training rows."""
        found = self.subject.features(self.plan.facts)
        self.subject.learn_features(found, self.train)
        return found

    @cached_property
    def x(self) -> np.ndarray:
        """The features (N, F) of the training rows."""
        return features_of(self.subject, self.features, self.train)

    @cached_property
    def judged(self) -> Columns:
        """The selection half of validation with known truths; empty without both kinds of rows."""
        rows = self.parts.selection
        truth = _truth(rows)
        known = np.flatnonzero(truth >= 0) if {0, 1} <= {*truth.tolist()} else np.zeros(0, int)
        return rows.view(known)

    def _made(self, name: str, sizes: dict[str, Any], state: dict[str, Any] | None = None) -> Any:
        """Returns the network of a candidate, with the features and the state of its head."""
        net = _network(self.subject, self.plan.facts, name, sizes, 1)
        net.features.load_state_dict(self.features.state_dict())
        if state is not None:
            net.model.head.load_state_dict(state)
        self.sizes[name] = sizes
        return net.to(self.place).eval()

    # --- candidates ---

    def closed(self, name: str, how: heads.FitHead, plan: Plan, fits: Fits) -> Fitted:
        """Fits a candidate in closed form."""
        return Fitted(self._made(name, *how(self.x, plan.seed)))

    def autoencoder(self, plan: Plan, fits: Fits) -> Fitted:
        """Trains the autoencoder with the training loop."""
        device.seed(torch.device("cpu"), plan.seed)
        net = self._made(AUTOENCODER, heads.sizes_of_autoencoder(self.features.width))
        names = [*self.subject.columns]
        good = partial(_view, names=names)
        parts = Parts(good(self.train), good(_good(self.parts.selection)), self.parts.calibration)
        return loop.fit(net, parts, _error, plan, RECIPE)

    def comparison(self) -> Comparison:
        """Returns how candidates are compared: by ROC AUC."""
        return Comparison(
            Message("ROC AUC"),
            lambda name, net: self._area(net),
            self.judged.rows,
            lower_is_better=False,
            without_rows=(NEIGHBOURS,),
        )

    def _scores(self, net: Any, rows: Columns) -> np.ndarray:
        found = by_torch(net, AT_ONCE)(rows.only([*self.subject.columns]))["score"]
        return np.asarray(found, np.float32)

    def _area(self, net: Any) -> float:
        strange = _truth(self.judged) == 1
        ordered = Ordered.of(self._scores(net, self.judged), strange)
        return float(ordered.roc_auc(np.ones(len(strange))))

    # --- the network that is kept ---

    def finished(self, fitted: Fitted) -> Fitted:
        """Returns the selected network with its threshold; also those of the others are set."""
        name = fitted.facts["selected"]
        fixed = (self.plan.fixed or {}).get("calibration", {})
        calibration = {name: fixed.get(name) or self._calibration(fitted.net)}
        net = self._calibrated(fitted.net, calibration[name])
        for other in fitted.candidates.values():
            self._calibrated(other, self._calibration(other))
        if not fixed:
            self._tell(len(calibration[name]))
        facts = {"parts": {name: self.sizes[name]}, "calibration": fixed or calibration}
        return replace(fitted, net=net, facts=fitted.facts | facts)

    def _calibration(self, net: Any) -> list[float]:
        """Returns the scores (M,) of good rows that were not fitted, or of fitted ones."""
        rows = _good(self.parts.calibration)
        rows = rows if rows.rows else self.train
        kept = np.random.default_rng(self.plan.seed).permutation(rows.rows)[:MOST]
        return [float(one) for one in self._scores(net, rows.view(np.sort(kept)))]

    def _calibrated(self, net: Any, scores: list[float]) -> Any:
        """Sets the threshold of a network from the scores of good rows."""
        net.model.register_buffer("calibration", torch.zeros(len(scores), device=self.place))
        net.model.calibrate(torch.tensor(scores, dtype=torch.float32), self.rate)
        return net

    def _tell(self, rows: int) -> None:
        """Tells what the number of calibration rows allows."""
        if not _good(self.parts.calibration).rows:
            tell(Message("No good row is left for the threshold: training rows set it"))
        elif (rows + 1) * self.rate < 1:
            tell(
                Message(
                    "{rows} good rows set the threshold: they hold a share of false alarms of "
                    "{share} at best, not {asked}. More good rows lower it.",
                    rows=rows,
                    share=f"{100 / (rows + 1):.2g} %",
                    asked=f"{100 * self.rate:.2g} %",
                )
            )


RECIPE = loop.Recipe(
    "adamw", 3e-3, decay=0.01, warm=0.05, hold=0.3, epochs=40, least_steps=400, batch=128,
    average=0.1,
)  # fmt: skip


def _error(net: Any, batch: dict[str, Any]) -> Any:
    """Returns the mean squared error of restored features."""
    return net(**batch)["score"].mean()


def _view(rows: Columns, names: list[str]) -> Columns:
    return rows.only(names)


def _truth(rows: Columns) -> np.ndarray:
    """Returns 1 for strange rows, 0 for good ones, -1 where it is unknown, (N,)."""
    if "strange" not in rows.arrays:
        return np.full(rows.rows, -1)
    return np.asarray(rows["strange"])


def _good(rows: Columns) -> Columns:
    """Returns the rows that are not known to be strange."""
    return rows.view(np.flatnonzero(_truth(rows) <= 0))
