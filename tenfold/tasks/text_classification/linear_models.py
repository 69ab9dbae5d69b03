"""The candidates that are linear in n-grams, and their mixture with a convolution.

Shapes: N rows, V n-grams, K classes, 3 branches of the mixture.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Any

import numpy as np

from tenfold.answers import calibration
from tenfold.answers.classification import logits
from tenfold.core.columns import Columns, Parts
from tenfold.core.fitted import Fitted
from tenfold.core.lazy import lazy
from tenfold.core.message import Message
from tenfold.core.plan import Plan
from tenfold.tasks.text_classification import bag_of_words
from tenfold.tasks.text_classification.bag_of_words import Weights
from tenfold.training.candidates import Comparison, Fits, answering
from tenfold.training.shares import affordable

torch = lazy("torch")

__all__ = ["LinearModels", "logits_of"]

COSTS = (0.1, 0.3, 1.0)


@dataclass
class LinearModels:
    """Fits naive Bayes and linear models; C and the set of n-grams are selected on validation.

    `cost` is the C of the linear models; with 0, COSTS are compared on validation. `costs` maps
    each linear model to its selected variant, such as "0.3 words". The first `words` of the `grams`
    n-grams are word n-grams, the others character n-grams.
    """

    net: Any
    parts: Parts
    grams: int
    words: int
    classes: int
    several: bool
    cost: float
    costs: dict[str, str] = field(default_factory=dict)

    @cached_property
    def rows(self) -> tuple[Any, np.ndarray]:
        """Training rows (N, V) as a sparse matrix, and their positions among all training rows."""
        return bag_of_words.matrix(self.parts.train, "ids", self.grams)

    @cached_property
    def truth(self) -> np.ndarray:
        """True labels (N, K) of the training rows in `rows`, as zeros and ones."""
        truth = logits.truths(self.parts.train)
        every = truth.astype(np.float32) if truth.ndim == 2 else self._one_hot(truth)
        return every[self.rows[1]]

    @cached_property
    def judged(self) -> tuple[Any, np.ndarray]:
        """Rows (N, V) of the selection half of validation, and their true labels."""
        rows, kept = bag_of_words.matrix(self.parts.selection, "ids", self.grams)
        return rows, logits.truths(self.parts.selection)[kept]

    def naive_bayes(self, plan: Plan, fits: Fits) -> Fitted:
        """Fits naive Bayes on n-grams of words."""
        alone = self.rows[0][:, : self.words]
        found = bag_of_words.naive_bayes(alone, self.truth, self.several)
        _put(self.net.bayes, found.widened(self.grams))
        return Fitted(answering(self.net, "naive Bayes"))

    def linear(self, plan: Plan, fits: Fits) -> Fitted:
        """Fits support vector machines on n-grams scaled by inverse document frequency.

        C and the set of n-grams (all, or only word n-grams) are those with the lowest validation
        loss.
        """
        rows, truth = self.rows[0], self.truth
        idf = bag_of_words.frequencies(rows)
        tried: dict[str, Callable[[], Weights]] = {
            f"{one:g}": partial(bag_of_words.linear, rows, truth, idf, one) for one in self._costs()
        }
        tried |= {f"{one:g} words": partial(self._of_words, idf, one) for one in self._costs()}
        self._keep_best("linear", self.net.linear, tried, plan)
        return Fitted(answering(self.net, "linear"))

    def mixed(self, plan: Plan, fits: Fits) -> Fitted:
        """Fits the mixture: a weighted sum of the logits of `bag`, `linear` and `convolution`.

        The weights are fitted on validation. `bag` is a linear model, fitted here, whose n-grams
        are scaled by naive Bayes ratios.
        """
        rows, truth = self.rows[0], self.truth
        scales = bag_of_words.ratios(rows, truth)
        tried: dict[str, Callable[[], Weights]] = {
            f"{one:g}": partial(bag_of_words.linear, rows, truth, scales, one)
            for one in self._costs()
        }
        self._keep_best("bag", self.net.bag, tried, plan)
        with torch.no_grad():
            self.net.mix.copy_(torch.as_tensor(self._mix(plan)))
        mix = [round(float(one), 4) for one in self.net.mix]
        return Fitted(answering(self.net, "mixed"), {"mix": mix})

    def comparison(self) -> Comparison:
        """Returns the comparison by validation log loss, each candidate at its best temperature."""

        def score(name: str, net: Any) -> float:
            found = logits_of(net.logits, net, self.parts.selection)
            return round(logits.validation_loss(found, logits.truths(self.parts.selection)), 4)

        return Comparison(
            Message("log loss"), score, self.parts.selection.rows, lower_is_better=True,
            without_rows=("mixed",),
        )  # fmt: skip

    def _of_words(self, idf: np.ndarray, cost: float) -> Weights:
        """Fits a linear model on n-grams of words; the other n-grams get weight 0."""
        rows, scales = self.rows[0][:, : self.words], idf[: self.words]
        return bag_of_words.linear(rows, self.truth, scales, cost).widened(self.grams)

    def _costs(self) -> tuple[float, ...]:
        return (self.cost,) if self.cost else COSTS

    def _keep_best(
        self, name: str, bag: Any, tried: dict[str, Callable[[], Weights]], plan: Plan
    ) -> None:
        """Fits the variants and stores the one with the lowest validation loss in `bag`.

        A refit fits only the variant that the first fit selected (`plan.fixed`).
        """
        if plan.fixed is not None:
            chosen = plan.fixed["cost"][name]
            _put(bag, tried[chosen]())
        else:
            rows, truth = self.judged
            made = {key: fit() for key, fit in affordable(plan, name, tried)}
            losses = {
                key: logits.validation_loss(one.scores(rows), truth) for key, one in made.items()
            }
            chosen = min(losses, key=lambda key: losses[key])
            _put(bag, made[chosen])
        self.costs[name] = chosen

    def _mix(self, plan: Plan) -> Any:
        """Returns the mixture weights (3,): fitted on validation, or in a refit those of `plan`."""
        if plan.fixed is not None:
            return plan.fixed["mix"]
        selection = self.parts.selection
        if not selection.rows:
            return self.net.mix
        branches = logits_of(self.net.branches, self.net, selection).swapaxes(0, 1)
        return calibration.mixed(branches, logits.truths(selection))

    def _one_hot(self, truth: np.ndarray) -> np.ndarray:
        return np.eye(self.classes, dtype=np.float32)[truth]


def logits_of(ask: Callable[..., Any], net: Any, columns: Columns) -> np.ndarray:
    """Returns the logits of all rows: (N, K) where `ask` is `net.logits`, else (N, 3, K).

    `ask` is `net.logits`, or `net.branches` for the three models of the mixture.
    """
    return logits.logits_of(net, columns.only(["ids", "tokens"]), ask)


def _put(bag: Any, found: Weights) -> None:
    with torch.no_grad():
        bag.weights[1:] = torch.from_numpy(found.weights)
        bag.squares[1:] = torch.from_numpy(found.squares)
        bag.bias.copy_(torch.from_numpy(found.bias))
