"""Linear models of tables: ridge regression in closed form, logistic regression by L-BFGS.

Both are scikit-learn's `Ridge` and `LogisticRegression` on the design of `TableLinear` with the
penalty `l2` and an unpenalised constant: `sum w (y - x b)^2 + l2 |b|^2`, and
`sum w log_loss + l2 / 2 |b|^2`. The penalty is chosen on validation rows, of a fixed grid.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tenfold.answers.classification.balance import corrected
from tenfold.core.lazy import lazy
from tenfold.recipes.tables.arrays import UNSEEN, TableArrays
from tenfold.recipes.tables.boosting import loss_of

if TYPE_CHECKING:
    from scipy.sparse import csr_array

    from tenfold.networks.tables_linear import TableLinear

torch, networks = lazy("torch"), lazy("tenfold.networks.tables_linear")
linalg, optimize = lazy("scipy.linalg"), lazy("scipy.optimize")
sparse, special = lazy("scipy.sparse"), lazy("scipy.special")

__all__ = ["FittedLinear", "Scaling", "fit", "logistic", "ridge"]

PENALTIES = (0.1, 1.0, 10.0, 100.0)
WITHOUT_ROWS = 1.0
"""The penalty where no validation row can choose it."""
LIMIT = 5.0
"""Standardised numbers are clipped to this range on both sides."""
STEPS, TOLERANCE = 500, 1e-10
"""Maximum number of steps of L-BFGS, and the relative fall of the loss below which it ends."""
MAX_DENSE_COLUMNS = 4000
"""A ridge with more columns than this is not solved in closed form but by L-BFGS."""


@dataclass(frozen=True)
class FittedLinear:
    """The network, its sizes and the penalty as JSON, and raw validation scores (M, K)."""

    net: TableLinear
    facts: dict[str, Any]
    raw: np.ndarray | None


@dataclass(frozen=True)
class Scaling:
    """Centre and scale (D,) of the numbers."""

    centre: np.ndarray
    scale: np.ndarray

    @staticmethod
    def of(numbers: np.ndarray) -> Scaling:
        """Returns the median, and a robust standard deviation from the quartiles.

        Where the quartiles are equal it is the standard deviation; 1 where that is 0, too.
        """
        centre, scale = np.zeros(numbers.shape[1]), np.ones(numbers.shape[1])
        for at, column in enumerate(numbers.astype(np.float64).T):
            known = column[np.isfinite(column)]
            if len(known):
                low, centre[at], high = np.quantile(known, (0.25, 0.5, 0.75))
                scale[at] = (high - low) / 1.349 or known.std() or 1.0
        return Scaling(centre.astype(np.float32), scale.astype(np.float32))

    def design(self, rows: TableArrays, counts: Sequence[int], limit: float = LIMIT) -> csr_array:
        """Returns the design (N, 2 D + L): numbers, missing cells, one column per level."""
        missing = np.isnan(rows.numbers)
        standard = (rows.numbers.astype(np.float64) - self.centre) / self.scale
        standard = np.where(missing, 0, np.clip(standard, -limit, limit))
        parts = [sparse.csr_array(standard), sparse.csr_array(missing.astype(np.float64))]
        for column, size in enumerate(counts):
            codes = rows.levels[:, column]
            codes = np.where((codes < 0) | (codes >= size), UNSEEN, codes)
            places = (np.arange(len(codes)), codes)
            parts.append(sparse.csr_array((np.ones(len(codes)), places), (len(codes), size)))
        whole: csr_array = sparse.csr_array(sparse.hstack(parts, format="csr"))
        return whole


def fit(
    train: TableArrays,
    valid: TableArrays | None,
    counts: Sequence[int],
    classes: int,
    *,
    penalties: Sequence[float] = PENALTIES,
    fixed: Mapping[str, Any] | None = None,
    class_weights: np.ndarray | None = None,
) -> FittedLinear:
    """Fits the linear model; `classes` is 0 for values, and two classes have one output.

    `class_weights` (K,) weigh the classes in the loss; the constants are corrected, so that the
    scores have the true shares of the classes.
    The penalty with the lowest validation loss is kept; `fixed` (the facts of an earlier fit)
    names it, and without validation rows it is 1. Only the first of equal penalties is kept.
    """
    scaling = Scaling.of(train.numbers)
    inputs = scaling.design(train, counts)
    known = valid is not None and len(valid) > 0
    tried = [fixed["l2"]] if fixed else (list(penalties) if known else [WITHOUT_ROWS])
    judged = scaling.design(valid, counts) if valid is not None and known else None
    found: list[tuple[float, float, np.ndarray, np.ndarray]] = []
    losses: dict[str, float] = {}
    weights = None
    for l2 in sorted(tried, reverse=True):
        if classes:
            weight = train.weighed(class_weights)
            weights, constant = logistic(inputs, train.truth, weight, l2, classes, weights)
            if class_weights is not None:
                constant = corrected(constant, class_weights)
        else:
            weights, constant = ridge(inputs, train.truth, train.weight, l2)
        loss = 0.0
        if judged is not None and valid is not None:
            loss = loss_of(classes)(judged @ weights + constant, valid.truth, valid.weight)
            losses[str(l2)] = loss
        found.append((loss, l2, weights, constant))
    _, l2, weights, constant = min(found, key=lambda one: one[0])
    raw = None if judged is None else judged @ weights + constant
    sizes = {
        "numbers": train.numbers.shape[1],
        "levels": list(counts),
        "outputs": weights.shape[1],
    }
    net = _network(sizes, scaling, weights, constant)
    kept = dict(fixed["losses"]) if fixed else losses
    return FittedLinear(net, {"l2": l2, "losses": kept, "net": sizes}, raw)


def ridge(
    inputs: csr_array, truth: np.ndarray, weight: np.ndarray | None, l2: float
) -> tuple[np.ndarray, np.ndarray]:
    """Returns the weights (P, 1) and the constant (1,) of a ridge regression, in float64.

    The normal equations of the centred design are solved by Cholesky's factors.
    """
    sure = np.ones(len(truth)) if weight is None else weight.astype(np.float64)
    share = sure / sure.sum()
    means, level = inputs.T @ share, float(truth @ share)
    if inputs.shape[1] > MAX_DENSE_COLUMNS:
        return _large_ridge(inputs, truth.astype(np.float64), sure, l2)
    weighted = inputs.multiply(sure[:, None]).tocsr()
    square = (inputs.T @ weighted).toarray() - sure.sum() * np.outer(means, means)
    target = weighted.T @ (truth - level)
    square[np.diag_indices_from(square)] += l2
    found = linalg.cho_solve(linalg.cho_factor(square, overwrite_a=True), target)
    return found[:, None], np.array([level - means @ found])


def _large_ridge(
    inputs: csr_array, truth: np.ndarray, weight: np.ndarray, l2: float
) -> tuple[np.ndarray, np.ndarray]:
    level = float(np.average(truth, weights=weight))

    def loss(found: np.ndarray) -> tuple[float, np.ndarray]:
        error = inputs @ found[:-1] + found[-1] - (truth - level)
        slope = inputs.T @ (weight * error) + l2 * found[:-1]
        value = 0.5 * float(weight @ error**2 + l2 * found[:-1] @ found[:-1])
        return value, np.append(slope, weight @ error)

    found = _minimum(loss, np.zeros(inputs.shape[1] + 1), weight.sum())
    return found[:-1, None], np.array([found[-1] + level])


def logistic(
    inputs: csr_array,
    truth: np.ndarray,
    weight: np.ndarray | None,
    l2: float,
    classes: int,
    begin: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Returns the weights (P, K) and constants (K,) of a logistic regression; K = 1 for 2 classes.

    Begins at the weights `begin`, of another penalty for instance.
    """
    sure = np.ones(len(truth)) if weight is None else weight.astype(np.float64)
    outputs = 1 if classes == 2 else classes
    wide = inputs.shape[1]
    hit = np.eye(classes)[truth][:, -outputs:]

    def loss(flat: np.ndarray) -> tuple[float, np.ndarray]:
        found = flat.reshape(wide + 1, outputs)
        raw = inputs @ found[:-1] + found[-1]
        full = np.concatenate([np.zeros((len(raw), 1)), raw], 1) if outputs == 1 else raw
        logs = special.log_softmax(full, 1)
        value = -float(sure @ logs[np.arange(len(truth)), truth])
        slope = (np.exp(logs)[:, -outputs:] - hit) * sure[:, None]
        value += l2 / 2 * float((found[:-1] ** 2).sum())
        gradient = np.concatenate([inputs.T @ slope + l2 * found[:-1], slope.sum(0)[None]])
        return value, gradient.ravel()

    start = np.zeros((wide + 1, outputs))
    if begin is not None:
        start[:-1] = begin
    found = _minimum(loss, start.ravel(), sure.sum()).reshape(wide + 1, outputs)
    return found[:-1], found[-1]


def _minimum(loss: Any, start: np.ndarray, rows: float) -> np.ndarray:
    """Returns where the loss, a sum over rows, is least."""

    def mean(found: np.ndarray) -> tuple[float, np.ndarray]:
        value, slope = loss(found)
        return value / rows, slope / rows

    options = {"maxiter": STEPS, "gtol": 1e-5, "ftol": TOLERANCE, "maxcor": 20}
    found: np.ndarray = optimize.minimize(
        mean, start, jac=True, method="L-BFGS-B", options=options
    ).x
    return found


def _network(
    sizes: dict[str, Any], scaling: Scaling, weights: np.ndarray, constant: np.ndarray
) -> TableLinear:
    numbers = int(sizes["numbers"])
    net: TableLinear = networks.TableLinear(**sizes)
    parts = {
        "centre": scaling.centre,
        "scale": scaling.scale,
        "limit": np.array(LIMIT),
        "number_weight": weights[:numbers],
        "missing_weight": weights[numbers : 2 * numbers],
        "level_weight": weights[2 * numbers :],
        "constant": constant,
    }
    buffers = {name: torch.from_numpy(part).float() for name, part in parts.items()}
    net.load_state_dict(net.state_dict() | buffers)
    return net.eval()
