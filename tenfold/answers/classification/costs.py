"""Costs of errors: what a person writes, the decision with the lowest expected cost, its threshold.

The costs are of the form `TRUE=PREDICTED:COST`, several separated by commas: `yes=no:5,no=yes:1`
means that predicting no for a true yes costs five times as much as predicting yes for a true no. An
error that is not named costs 1, a correct prediction nothing.

The decision is computed from the calibrated probabilities: the class with the lowest expected cost.
This is the best decision wherever the probabilities are right; it needs no rows, and therefore can
be overfitted to none, and it follows other costs without any new choice.

Shapes: N rows, K classes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tenfold.answers.classification.positive import TwoClasses
from tenfold.core.errors import UsageError, nearest
from tenfold.core.message import Message
from tenfold.core.results import rounded

__all__ = ["EQUAL", "Costs", "cost_matrix", "written_costs"]

EQUAL = "equal"
"""The costs of all errors are the same."""
MAX_COST = 1e9
_COST = r"(?P<cost>[0-9.eE+-]+)"


def written_costs(text: str) -> None:
    """Checks the form of the costs, without the names of classes; raises UsageError."""
    if text != EQUAL and not re.fullmatch(rf"[^=]+=.+:{_COST}", text.split(",")[-1].strip()):
        raise _refused(text)


def cost_matrix(text: str, classes: Sequence[str]) -> np.ndarray:
    """Returns the cost (K, K) of each error: true class by row, predicted class by column.

    Raises UsageError for another form, a class that the run does not have, or a cost that is not a
    number above 0.
    """
    text = "" if text == EQUAL else text
    place = {name: number for number, name in enumerate(classes)}
    found = 1.0 - np.eye(len(classes))
    names = "|".join(re.escape(name) for name in sorted(classes, key=len, reverse=True))
    pair = re.compile(rf"\s*(?P<true>{names})\s*=\s*(?P<predicted>{names})\s*:\s*{_COST}\s*(,|$)")
    at = 0
    while at < len(text):
        if not (one := pair.match(text, at)):
            raise _unread(text[at:], classes)
        true, predicted = place[one["true"]], place[one["predicted"]]
        cost = _number(one["cost"], text)
        if true == predicted:
            raise _refused(text)
        found[true, predicted], at = cost, one.end()
    return found


def _number(text: str, whole: str) -> float:
    try:
        found = float(text)
    except ValueError:
        raise _refused(whole) from None
    if not 0 < found <= MAX_COST:
        raise _refused(whole)
    return found


def _unread(rest: str, classes: Sequence[str]) -> UsageError:
    """Returns the error for the part of the text at which reading ended."""
    names = re.match(r"\s*([^=]*)=(.*?):", rest)
    for name in names.groups() if names else ():
        if name.strip() not in classes:
            return UsageError(
                Message("This run has no class {name!r}", name=name.strip()),
                code="unknown-class",
                where="costs",
                fix=nearest(name.strip(), classes),
            )
    return _refused(rest)


def _refused(text: str) -> UsageError:
    return UsageError(
        Message("The costs {text!r} cannot be read", text=text),
        code="bad-setting",
        where="costs",
        fix=Message("Write TRUE=PREDICTED:COST, such as yes=no:5,no=yes:1, with costs above 0."),
    )


@dataclass(frozen=True)
class Costs:
    """Costs of both errors of two classes: of a missed and of a false positive row."""

    missed: float
    false: float

    @staticmethod
    def of(text: str, positive: str, negative: str) -> Costs:
        """Returns the costs that a person wrote; raises UsageError as `cost_matrix`."""
        found = cost_matrix(text, [positive, negative])
        return Costs(float(found[0, 1]), float(found[1, 0]))

    @property
    def threshold(self) -> float:
        """The probability from which predicting the positive class has the lower expected cost."""
        return self.false / (self.false + self.missed)

    def spent(self, found: TwoClasses) -> dict[str, float | None]:
        """Returns the costs, their threshold, and the mean cost per row at it as JSON.

        `mean` is the mean cost at the threshold, `at_half` that at a probability of 0.5, `all` and
        `none` those of predicting the positive class for every row, or for none.
        """
        always = {"all": np.ones(len(found.rows), bool), "none": np.zeros(len(found.rows), bool)}
        ways: Mapping[str, Any] = {
            "mean": found.probability >= self.threshold,
            "at_half": found.probability > 0.5,
        } | always
        each = {
            name: self.missed * (found.truth & ~said) + self.false * (~found.truth & said)
            for name, said in ways.items()
        }
        values = {
            name: rounded(float(np.average(one, weights=found.weights)))
            for name, one in each.items()
        }
        about = {"missed": self.missed, "false": self.false}
        return {**about, "threshold": rounded(self.threshold), **values}
