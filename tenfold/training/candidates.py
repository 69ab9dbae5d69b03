"""Several ways to learn one thing: each is fitted, validation chooses, the others are reported.

Naive Bayes, a linear model and a network; trees; closed forms; a frozen backbone and a free one.
A task lists its candidates and says how networks are scored on the half of validation that
chooses; which are fitted, in which order, on which share of the minutes, what a dry run says of
them, which is kept and what is told about it stands here.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from tenfold.core.fitted import Fitted
from tenfold.core.plan import Plan
from tenfold.core.progress import tell
from tenfold.training.budget import Estimated

if TYPE_CHECKING:
    from torch import nn

__all__ = ["FREE", "Candidate", "Comparison", "Cost", "Fits", "answering", "fit"]


@dataclass(frozen=True)
class Cost:
    """What fitting a closed form takes: seconds, and bytes of memory while it is fitted."""

    seconds: float = 0.0
    bytes: float = 0.0


FREE = Cost()
"""Seconds so few that an estimate leaves them out."""


@dataclass
class Fits:
    """What was fitted so far, by the candidates' names: networks, and scores on validation."""

    nets: dict[str, Any] = field(default_factory=dict)
    scores: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Candidate:
    """One way to learn.

    `fit(plan, fits)` gives the network that answers as this candidate, and what was decided; None
    where it cannot be made of what was fitted. `cost` is None where the loop is called, which
    says itself what it takes. `needs` names candidates that must be fitted before. One that is
    fitted `always` is compared with a candidate that was requested by name, too.
    """

    name: str
    fit: Callable[[Plan, Fits], Fitted | None]
    cost: Cost | None = None
    needs: tuple[str, ...] = ()
    always: bool = False

    @property
    def setting(self) -> str:
        """The name as a setting spells it: naive-bayes of "naive Bayes"."""
        return self.name.lower().replace(" ", "-")


@dataclass(frozen=True)
class Comparison:
    """How candidates are compared on the half of validation that chooses, which has `rows` rows.

    `score(name, net)` is the value of `metric`, shown by the format `shown`. `without_rows` lists,
    best first, what is kept where there are no rows. `alone`: score a single candidate as well.
    `on` names the rows where these are others, since nothing is held out.
    """

    metric: str
    score: Callable[[str, Any], float]
    rows: int
    lower_is_better: bool
    shown: str = ".3f"
    without_rows: tuple[str, ...] = ()
    alone: bool = False
    on: str = "validation"

    def best(self, scores: dict[str, float]) -> str:
        """The name with the best score, of equal ones the first."""
        if not self.rows and (known := [name for name in self.without_rows if name in scores]):
            return known[0]
        choose = min if self.lower_is_better else max
        return choose(scores, key=lambda name: scores[name])

    def sentence(self, scores: dict[str, float], seconds: dict[str, float], selected: str) -> str:
        """What a person is told: the score of each, how long it took, which is kept."""
        each = [
            f"{name} {score:{self.shown}}"
            + (f" ({took:.1f} s)" if (took := seconds[name]) >= 0.05 else "")
            for name, score in scores.items()
        ]
        return f"On {self.on} ({self.metric}): {', '.join(each)}. {selected} is kept."


def fit(
    candidates: Sequence[Candidate],
    requested: str,
    comparison: Comparison,
    plan: Plan,
    shown: nn.Module | None = None,
) -> Fitted:
    """The best candidate on validation (`requested` is "auto"), or the one that was requested.

    Its facts are `selected`, `validation_scores` where several were compared, what each candidate
    decided, and `budgets` by name where several were trained by the loop (the first of these
    stands beside them, too). With `plan.fixed` the candidate that was selected is fitted alone, as
    it was. Raises Estimated under a dry plan; `shown` is the network of that, None = of the last
    candidate that the loop would train.
    """
    asked = _asked(candidates, requested, plan.fixed)
    by_loop = [one for one in asked if one.cost is None]
    if plan.dry:
        raise _estimated(asked, by_loop, plan, shown)
    compared = plan.fixed is None and (len(asked) > 1 or comparison.alone)
    fits, facts, budgets, seconds = Fits(), dict[str, Any](), dict[str, Any](), dict[str, float]()
    for one in sorted(asked, key=lambda one: (one.cost is not None, bool(one.needs))):
        began = time.perf_counter()
        found = one.fit(_plan_of(one, by_loop, plan), fits)
        if found is None:
            continue
        seconds[one.name] = round(time.perf_counter() - began, 2)
        facts |= {name: value for name, value in found.facts.items() if name not in facts}
        budgets |= {one.name: _budget(found.facts)} if "steps" in found.facts else {}
        fits.nets[one.name] = found.net.eval()
        if compared:
            score = comparison.score(one.name, found.net) if comparison.rows else 0.0
            fits.scores[one.name] = score
    facts |= {"budgets": budgets} if len(budgets) > 1 else {}
    if not compared:
        first = plan.fixed or {"selected": _named(asked, requested)}
        kept = {name: first[name] for name in ("selected", "validation_scores") if name in first}
        return Fitted(fits.nets[kept["selected"]], facts | kept, {}, seconds)
    scores = {one.name: fits.scores[one.name] for one in asked if one.name in fits.scores}
    name = comparison.best(scores) if requested == "auto" else _named(asked, requested)
    tell(comparison.sentence(scores, seconds, name))
    others = {other: fits.nets[other] for other in scores if other != name}
    facts |= {"selected": name, "validation_scores": scores}
    return Fitted(fits.nets[name], facts, others, seconds)


def answering(net: Any, name: str) -> Any:
    """The same weights, with the candidate of that name answering: `selected` of the copy."""
    other = copy.copy(net)
    other.selected = name
    return other


def _asked(
    candidates: Sequence[Candidate], requested: str, fixed: dict[str, Any] | None
) -> list[Candidate]:
    """The candidates to fit, in the order in which they are listed."""
    if fixed is None and requested == "auto":
        return list(candidates)
    known = {one.name: one for one in candidates}
    names = [_named(candidates, requested) if fixed is None else fixed["selected"]]
    names += [one.name for one in candidates if one.always and fixed is None]
    for name in names:  # grows while it is read
        names += [other for other in known[name].needs if other not in names]
    return [one for one in candidates if one.name in names]


def _named(candidates: Iterable[Candidate], requested: str) -> str:
    """The name of the candidate that a setting asks for; of "auto" the only one."""
    return next(one.name for one in candidates if requested in ("auto", one.setting))


def _plan_of(one: Candidate, by_loop: list[Candidate], plan: Plan) -> Plan:
    """Its share of the minutes, a folder of its own, and what was decided for it before."""
    if plan.fixed is not None:
        plan = replace(plan, fixed=plan.fixed | plan.fixed.get("budgets", {}).get(one.name, {}))
    if one not in by_loop:
        return plan
    number, folder = by_loop.index(one), plan.folder
    minutes = None if plan.minutes is None else plan.minutes / len(by_loop)
    if folder is not None and number:
        folder = folder / "checkpoints" / f"part-{number}"
        folder.mkdir(parents=True, exist_ok=True)
    return replace(plan, minutes=minutes, folder=folder)


def _budget(facts: dict[str, Any]) -> dict[str, Any]:
    """What a second fit must know of a training by the loop."""
    names = ("steps", "batch", "precision", "ended_early")
    return {name: facts[name] for name in names if name in facts}


def _estimated(
    asked: list[Candidate], by_loop: list[Candidate], plan: Plan, shown: nn.Module | None
) -> Estimated:
    """What the loop says of the first that it would train, and `more`: what closed forms take."""
    found = [_tried(one, _plan_of(one, by_loop, plan)) for one in by_loop]
    costs = [one.cost for one in asked if one.cost is not None]
    more = {
        "seconds": sum(cost.seconds for cost in costs),
        "bytes": max((cost.bytes for cost in costs), default=0.0),
    }
    facts = found[0].facts if found else {}
    return Estimated(
        shown if shown is not None or not found else found[-1].net, facts | {"more": more}
    )


def _tried(one: Candidate, plan: Plan) -> Estimated:
    try:
        one.fit(plan, Fits())
    except Estimated as found:
        return found
    raise RuntimeError(f"The candidate {one.name!r} has no cost and does not call loop.fit")
