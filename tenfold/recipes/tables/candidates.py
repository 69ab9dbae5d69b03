"""Fits and compares the candidates for tables, blends them, and fits temperature or intervals.

Shapes: N rows, D numbers, C categories, K classes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

import numpy as np

from tenfold.answers.classification import logits
from tenfold.answers.classification.balance import balanced_weights
from tenfold.answers.regression import intervals
from tenfold.core import device
from tenfold.core.columns import Columns, Parts
from tenfold.core.fitted import Fitted
from tenfold.core.lazy import lazy
from tenfold.core.message import Message
from tenfold.core.plan import Plan
from tenfold.core.progress import tell
from tenfold.recipes.tables import blend, derived, linear, model, network, threads, trees
from tenfold.recipes.tables.arrays import TableArrays
from tenfold.recipes.tables.model import BLEND, LINEAR, NETWORK, TREES
from tenfold.training import candidates, shares
from tenfold.training.candidates import FREE, Candidate, Comparison, Cost, Fits
from tenfold.training.inference import by_torch

if TYPE_CHECKING:
    from tenfold.networks.table_model import TableModel

torch = lazy("torch")

__all__ = ["MODELS", "fit"]

MODELS = ("auto", LINEAR, TREES.replace(" ", "-"), NETWORK, BLEND)
"""Values of the setting `model`."""
QUANTILES = ((1 - intervals.LEVEL) / 2, (1 + intervals.LEVEL) / 2)
"""Quantiles that are the ends of intervals."""
ROWS_AT_ONCE = 4096
NET = "net"
"""The fact of a part that holds its sizes."""


def fit(
    parts: Parts,
    plan: Plan,
    requested: str,
    learning_rate: float = 0.0,
    classes: int = 0,
    balance: bool = False,
) -> Fitted:
    """Returns the fitted network: the best candidate on validation, or the requested one.

    With 0 `classes` it predicts a number with an interval. `learning_rate` is that of the network,
    0 = that of its recipe. With `balance`, all classes weigh the same in the loss, and the scores
    of each candidate are corrected to their true shares.
    """
    work = _Work(plan.visible(parts), plan, classes, learning_rate, balance)
    many = [
        Candidate(LINEAR, work.linear, FREE, always=True),
        Candidate(TREES, work.trees, _cost(work), needs=(LINEAR,)),
        Candidate(NETWORK, work.network),
        Candidate(BLEND, work.blend, FREE, needs=(TREES, NETWORK), combines=True),
    ]
    by_loop = requested in ("auto", NETWORK, BLEND)
    shown = None if by_loop or not plan.dry else work.net
    return work.finished(candidates.fit(many, requested, work.comparison(), plan, shown))


@dataclass
class _Work:
    """The state that the candidates of one fit share: the rows, and the network with its parts."""

    parts: Parts
    plan: Plan
    classes: int
    learning_rate: float
    balance: bool
    sizes: dict[str, Any] = field(default_factory=dict)
    """Sizes of each part, as JSON, by name."""

    @cached_property
    def kept(self) -> derived.KeptColumns:
        """The derived columns that the candidates use."""
        facts, fixed = self.plan.facts, self.plan.fixed
        if fixed is not None:
            return derived.KeptColumns(fixed["kept"], fixed["gains"])
        numbers, pairs = facts["data"]["numbers"], facts["net"]["pairs"]
        if not facts["net"]["derived"] or self.plan.dry:
            return derived.KeptColumns(derived.names_of(numbers, pairs), {})
        rows = self._arrays(self.parts.train, None)
        with threads.few(rows.numbers[: derived.ROWS].size):
            kept = derived.choose(numbers, pairs, rows, bool(self.classes), self.plan.seed)
        kept.tell()
        return kept

    @cached_property
    def net(self) -> TableModel:
        """The network, to which each candidate adds its part."""
        net = model.empty(self.plan.facts, self.kept.names, self.classes)
        return net.to(self.device).eval()

    @cached_property
    def device(self) -> Any:
        """The device on which candidates are compared."""
        return device.choose_device(self.plan.device)

    @cached_property
    def counts(self) -> list[int]:
        """The number of codes of each category."""
        return model.counts_of(self.plan.facts["data"])

    @cached_property
    def train(self) -> TableArrays:
        """The training rows, with derived columns."""
        return self._arrays(self.parts.train, self.net.derived.kept)

    @cached_property
    def selection(self) -> TableArrays:
        """The half of validation that selects, with derived columns."""
        return self._arrays(self.parts.selection, self.net.derived.kept)

    @cached_property
    def shares(self) -> np.ndarray:
        """The training rows of each class (K,), or the sums of their weights; none is 0."""
        found = np.bincount(self.train.truth, self.train.weight, self.classes)
        return np.asarray(np.maximum(found, 0.5 * found.sum() / max(1, len(self.train))))

    @cached_property
    def class_weights(self) -> np.ndarray | None:
        """The weight of each class in the loss (K,); None = all the same."""
        return balanced_weights([*self.shares]) if self.balance and self.classes else None

    def _known(self, rows: Columns) -> np.ndarray:
        """Returns True (N,) for rows that count: they have a truth, and a weight that is not 0."""
        truth = np.asarray(rows["label" if self.classes else "value"])
        known = truth >= 0 if self.classes else np.isfinite(truth)
        weighed = known & (np.asarray(rows["weight"]) > 0) if "weight" in rows else known
        return np.asarray(weighed if weighed.any() else known)

    def _weight(self, rows: Columns, known: np.ndarray) -> np.ndarray | None:
        """Returns the weights of the rows that count, with mean 1; None without weights."""
        weight = np.asarray(rows["weight"], float)[known] if "weight" in rows else np.zeros(0)
        return np.asarray(weight / weight.mean()) if weight.any() else None

    def _arrays(self, rows: Columns, kept: list[int] | None) -> TableArrays:
        """Returns the rows that count; with `kept`, their derived columns."""
        known = self._known(rows)
        names = ("numbers", "levels", "label" if self.classes else "value")
        numbers, levels, truth = (np.asarray(rows[name])[known] for name in names)
        if kept is not None:
            numbers = derived.with_pairs(numbers, self.plan.facts["net"]["pairs"], kept)
        return TableArrays(numbers, levels, truth, self._weight(rows, known))

    # --- candidates ---

    def linear(self, plan: Plan, fits: Fits) -> Fitted:
        """Fits the linear model; its penalty is the best on validation."""
        rows, held = self.train, self.selection
        with threads.few(rows.numbers.size + rows.levels.size):
            found = linear.fit(
                rows,
                held,
                self.counts,
                self.classes,
                fixed=_fixed(plan, LINEAR),
                class_weights=self.class_weights,
            )
        return self._added(LINEAR, found.net, found.facts)

    def trees(self, plan: Plan, fits: Fits) -> Fitted:
        """Fits boosted trees, and for numbers those of both ends of the interval."""
        rows, held = self.train, self.selection
        fixed = _fixed(plan, TREES) or shares.chosen(plan, TREES)
        with threads.few(rows.numbers.size + rows.levels.size):
            found = trees.fit(
                rows,
                held,
                self.counts,
                self.classes,
                plan.seed,
                seconds=None if plan.minutes is None else 60 * plan.minutes,
                quantiles=() if self.classes else QUANTILES,
                fixed=fixed,
                class_weights=self.class_weights,
                settings=trees.SETTINGS,
            )
        shares.chosen(plan, TREES, {name: one for name, one in found.facts.items() if name != NET})
        return self._added(TREES, found.net, found.facts)

    def network(self, plan: Plan, fits: Fits) -> Fitted:
        """Trains the network with the training loop."""
        size, rows = plan.facts["net"]["size"], self.train
        settings = network.sized(size, rows.numbers.shape[1] + len(self.counts), self.classes)
        settings = settings.with_rate(self.learning_rate)
        bins = network.bins_of(rows.numbers, settings)
        device.seed(torch.device("cpu"), plan.seed)
        part = network.build(bins, self.counts, self.classes, settings)
        whole = model.empty(plan.facts, self.kept.names, self.classes)
        whole.add(NETWORK, part)
        model.choose(whole, NETWORK, {NETWORK: 1.0})
        found = network.fit(part, self.parts, plan, settings, whole, self.class_weights)
        added = self._added(NETWORK, found.net.part(NETWORK), {NET: {"bins": bins, "size": size}})
        return replace(added, facts=found.facts)

    def blend(self, plan: Plan, fits: Fits) -> Fitted:
        """Blends the fitted candidates, with weights chosen on the selection half of validation.

        Without such rows all weights are equal.
        """
        if plan.fixed is not None:
            mix = plan.fixed["mix"]
        elif not len(self.selection):
            mix = dict.fromkeys(fits.nets, 1 / len(fits.nets))
        else:
            answers = {name: self._answers(net) for name, net in fits.nets.items()}
            mix = blend.greedy(answers, self._loss)
        return Fitted(self._answering(BLEND, mix), {"mix": mix})

    def _added(self, name: str, part: Any, facts: dict[str, Any]) -> Fitted:
        """Adds a part to the network; its facts are `net`, its sizes, and its choices."""
        self.net.add(name, part.to(self.device))
        self.sizes[name] = facts[NET]
        choices = {key: one for key, one in facts.items() if key != NET}
        return Fitted(self._answering(name, {name: 1.0}), {name: choices})

    def _answering(self, name: str, mix: dict[str, float]) -> TableModel:
        """Returns a network with the same parts, and its own calibration, that answers `name`."""
        net = model.empty(self.plan.facts, self.kept.names, self.classes)
        net.parts, net.mixes = self.net.parts, self.net.mixes
        model.choose(net, name, mix)
        return net.to(self.device).eval()

    # --- comparison ---

    def comparison(self) -> Comparison:
        """Returns how candidates are compared: by log loss, or by root mean squared error."""
        metric = Message("log loss") if self.classes else Message("RMSE")
        return Comparison(
            metric,
            lambda name, net: self._loss(self._answers(net)),
            self._judged.rows,
            lower_is_better=True,
            shown=".4g",
            without_rows=(TREES, LINEAR),
        )

    def _answers(self, net: Any) -> np.ndarray:
        """Returns the probabilities (N, K) or values (N, 1) of the selection half."""
        ask = partial(_named, net.answers)
        return np.asarray(by_torch(net, ROWS_AT_ONCE, ask)(self._judged)["answers"])

    @cached_property
    def _judged(self) -> Columns:
        """The rows of the selection half of validation that count."""
        rows = self.parts.selection
        return rows.only(["numbers", "levels"]).view(np.flatnonzero(self._known(rows)))

    def _loss(self, answers: np.ndarray) -> float:
        rows = self.selection
        if not self.classes:
            squares = (answers[:, 0] - rows.truth) ** 2
            return float(np.sqrt(np.average(squares, weights=rows.weight)))
        right = answers[np.arange(len(rows)), rows.truth]
        return float(np.average(-np.log(np.maximum(right, 1e-12)), weights=rows.weight))

    # --- the network that is kept ---

    def finished(self, fitted: Fitted) -> Fitted:
        """Returns the selected answer with the parts that it needs, calibrated."""
        name = fitted.facts["selected"]
        mix = fitted.facts["mix"] if name == BLEND else {name: 1.0}
        net = model.empty(self.plan.facts, self.kept.names, self.classes)
        model.choose(net, name, mix)
        used = [one for one in self.sizes if one in model.used_by(net)]
        for one in used:
            net.add(one, self.net.part(one))
        net.mixes = {name: mix}
        facts = {
            "kept": self.kept.names,
            "gains": self.kept.gains,
            "parts": {one: self.sizes[one] for one in used},
        }
        if name == BLEND:
            held = ", ".join(f"{weight:.0%} {one}" for one, weight in mix.items())
            tell(Message("The blend holds {parts}.", parts=held))
        net = net.to(self.device).eval()
        calibrated = self._calibrated(net)
        for other in fitted.candidates.values():
            self._calibrated(other)
        return replace(fitted, net=net, facts=fitted.facts | facts | calibrated)

    def _calibrated(self, net: TableModel) -> dict[str, Any]:
        """Fits the temperature or the intervals of a network; returns the facts about it."""
        return self._temperature(net) if self.classes else self._offsets(net)

    def _temperature(self, net: TableModel) -> dict[str, Any]:
        ask = partial(_named, net.logits)
        infer = by_torch(net, ROWS_AT_ONCE, ask)

        def read(rows: Columns) -> np.ndarray:
            return np.asarray(infer(rows.only(["numbers", "levels"]))["answers"])

        each = self.shares / self.shares.sum() if self.balance else None
        return logits.calibrate(net, self.parts, read, self.plan, each)

    def _offsets(self, net: TableModel) -> dict[str, Any]:
        """Fits the offsets of the intervals on the half of validation that calibrates."""
        rows = self.parts.calibration
        found = self.plan.fixed["offsets"] if self.plan.fixed is not None else None
        if found is None and rows.rows:
            outputs = by_torch(net, ROWS_AT_ONCE)(rows.only(["numbers", "levels"]))
            truth, known = np.asarray(rows["value"], float), self._known(rows)
            low, high = (np.asarray(outputs[name], float)[known] for name in ("low", "high"))
            weight = self._weight(rows, known)
            found = intervals.offsets(truth[known], low, high, weights=weight)
        if found is not None:
            with torch.no_grad():
                net.offsets.copy_(torch.tensor(found))
        return {"offsets": None if found is None else [float(one) for one in found]}


def _fixed(plan: Plan, name: str) -> Any:
    """Returns what the first fit chose for a candidate; None in a first fit."""
    return None if plan.fixed is None else plan.fixed.get(name)


def _named(ask: Callable[..., Any], numbers: Any, levels: Any) -> dict[str, Any]:
    return {"answers": ask(numbers, levels).float()}


def _cost(work: _Work) -> Cost:
    """Returns the estimated cost of boosted trees, with that of choosing derived columns.

    Their seconds grow with rows and columns.
    """
    facts, rows = work.plan.facts, work.parts.train.rows
    numbers, pairs = facts["data"]["numbers"], facts["net"]["pairs"]
    cells = rows * (len(numbers) + len(work.counts) + 1)
    tried = 0
    if facts["net"]["derived"] and work.plan.fixed is None:
        tried = len(derived.names_of(numbers, pairs))
    choosing = tried * (0.3 + 4e-6 * min(rows, derived.ROWS) * cells / max(1, rows))
    seconds = 0.5 + 2e-5 * cells + choosing
    return Cost(seconds=seconds, bytes=24.0 * cells, least=0.2 + 2e-6 * cells)
