"""Fits several candidate models, compares them on validation, selects one and reports the others.

Candidates are for example naive Bayes, a linear model and a network; trees; closed forms; a frozen
and an unfrozen backbone. A task lists its candidates and states how a network is scored on the
selection half of validation. This module decides which candidates are fitted, in which order and
with which share of the minutes, estimates their cost in a dry run, and selects the best.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from tenfold.core.fitted import Fitted
from tenfold.core.message import Message
from tenfold.core.plan import Plan
from tenfold.core.progress import advance, tell
from tenfold.training.budget import Estimated
from tenfold.training.candidate import FREE, Candidate, Cost, Fits
from tenfold.training.shares import Shares

if TYPE_CHECKING:
    from torch import nn

__all__ = ["FREE", "Candidate", "Comparison", "Cost", "Fits", "answering", "fit"]


@dataclass(frozen=True)
class Comparison:
    """How candidates are scored on the selection half of validation, which has `rows` rows.

    `score(name, net)` returns the value of `metric`; `shown` is its number format. `without_rows`
    lists, best first, the candidates to select where there are no rows. With `alone` a candidate is
    scored even if it is the only one. The rows are `held_out`, or those of training.
    """

    metric: Message
    score: Callable[[str, Any], float]
    rows: int
    lower_is_better: bool
    shown: str = ".3f"
    without_rows: tuple[str, ...] = ()
    alone: bool = False
    held_out: bool = True

    def best(self, scores: dict[str, float]) -> str:
        """The name with the best score, the first of equal ones.

        Without validation rows it returns the first fitted name of `without_rows`.
        """
        if not self.rows and (known := [name for name in self.without_rows if name in scores]):
            return known[0]
        choose = min if self.lower_is_better else max
        return choose(scores, key=lambda name: scores[name])

    def sentence(
        self, scores: dict[str, float], seconds: dict[str, float], selected: str
    ) -> Message:
        """A sentence with each score and fit time and the selected candidate."""
        each = [
            f"{name} {score:{self.shown}}"
            + (f" ({took:.1f} s)" if (took := seconds[name]) >= 0.05 else "")
            for name, score in scores.items()
        ]
        values = {"metric": self.metric, "scores": ", ".join(each), "name": selected}
        if self.held_out:
            return Message("On validation ({metric}): {scores}. {name} is selected.", **values)
        return Message("On the training rows ({metric}): {scores}. {name} is selected.", **values)


def fit(
    candidates: Sequence[Candidate],
    requested: str,
    comparison: Comparison,
    plan: Plan,
    shown: nn.Module | None = None,
) -> Fitted:
    """Fits candidates and returns the selected one: the best on validation, or the requested one.

    `requested` is "auto" or the setting of one candidate. The facts of the result are `selected`,
    `validation_scores` where candidates were compared, the choices of each candidate, and `budgets`
    by name where the loop trained several (the facts of the first one also stand at the top level).
    With `plan.fixed` only the selected candidate and those it needs are fitted, with the same
    choices. Raises Estimated under a dry plan; it holds the network `shown`, by default that of the
    last candidate that the loop would train. Under a plan with minutes, candidates whose fit would
    take too long are left out (see `shares`).
    """
    asked = _asked(candidates, requested, plan.fixed)
    by_loop = [one for one in asked if one.cost is None]
    if plan.dry:
        raise _estimated(asked, by_loop, plan, shown)
    compared = plan.fixed is None and (len(asked) > 1 or comparison.alone)
    fits, made, seconds = Fits(), dict[str, dict[str, Any]](), dict[str, float]()
    for one, own in _planned(asked, by_loop, plan, requested):
        began = time.perf_counter()
        if one.cost is not None:
            advance(Message("fitting {name}", name=one.name), 0, 0)
        found = one.fit(_plan_of(one, by_loop, own), fits)
        if found is None:
            continue
        seconds[one.name] = round(time.perf_counter() - began, 2)
        made[one.name] = found.facts
        fits.nets[one.name] = found.net.eval()
        if compared:
            score = comparison.score(one.name, found.net) if comparison.rows else 0.0
            fits.scores[one.name] = score
    facts = _facts({one.name: made[one.name] for one in _loop_first(asked) if one.name in made})
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


def _planned(
    asked: list[Candidate], by_loop: list[Candidate], plan: Plan, requested: str
) -> Iterator[tuple[Candidate, Plan]]:
    """Yields the candidates in the order of fitting, each with the plan that holds its minutes.

    Without a time limit, the candidates that the training loop trains come first.
    """
    if plan.minutes is None or plan.fixed is not None:
        for one in _loop_first(asked):
            yield one, plan
        return
    needed = {one.name for one in asked} if requested != "auto" else set()
    shares = Shares(asked, by_loop, plan.now(), needed)
    for one in shares.order():
        own = shares.plan_of(one)
        if own is not None:
            began = time.perf_counter()
            yield one, own
            shares.took(one, time.perf_counter() - began)


def _loop_first(asked: list[Candidate]) -> list[Candidate]:
    """Sorts candidates: those of the training loop first, then closed forms.

    In both groups, the candidates that need others come last.
    """
    return sorted(asked, key=lambda one: (one.cost is not None, bool(one.needs)))


def _facts(made: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Merges the facts of all candidates; for equal keys, the value of the first one is kept.

    If the training loop trained several candidates, `budgets` holds the budget of each by name.
    """
    facts: dict[str, Any] = {}
    for one in made.values():
        facts |= {name: value for name, value in one.items() if name not in facts}
    budgets = {name: _budget(one) for name, one in made.items() if "steps" in one}
    return facts | ({"budgets": budgets} if len(budgets) > 1 else {})


def answering(net: Any, name: str) -> Any:
    """A shallow copy of the network, sharing its weights, with `selected` set to `name`."""
    other = copy.copy(net)
    other.selected = name
    return other


def _asked(
    candidates: Sequence[Candidate], requested: str, fixed: dict[str, Any] | None
) -> list[Candidate]:
    """The candidates to fit, in the order in which the task lists them."""
    if fixed is None and requested == "auto":
        return list(candidates)
    known = {one.name: one for one in candidates}
    names = [_named(candidates, requested) if fixed is None else fixed["selected"]]
    names += [one.name for one in candidates if one.always and fixed is None]
    for name in names:  # the list grows during the loop
        names += [other for other in known[name].needs if other not in names]
    return [one for one in candidates if one.name in names]


def _named(candidates: Iterable[Candidate], requested: str) -> str:
    """Returns the name of the candidate whose `setting` is `requested`; the first for "auto"."""
    return next(one.name for one in candidates if requested in ("auto", one.setting))


def _plan_of(one: Candidate, by_loop: list[Candidate], plan: Plan) -> Plan:
    """Returns the plan with the checkpoint folder and the fixed choices of one candidate."""
    if plan.fixed is not None:
        plan = replace(plan, fixed=plan.fixed | plan.fixed.get("budgets", {}).get(one.name, {}))
    if one not in by_loop:
        return plan
    number, folder = by_loop.index(one), plan.folder
    if folder is not None and number:
        folder = folder / "checkpoints" / f"part-{number}"
        folder.mkdir(parents=True, exist_ok=True)
    return replace(plan, folder=folder)


def _budget(facts: dict[str, Any]) -> dict[str, Any]:
    """The facts that a second fit needs to repeat a training by the loop."""
    names = ("steps", "batch", "precision", "ended_early")
    return {name: facts[name] for name in names if name in facts}


def _estimated(
    asked: list[Candidate], by_loop: list[Candidate], plan: Plan, shown: nn.Module | None
) -> Estimated:
    """Returns the exception that ends a dry run and holds the estimated cost.

    Its facts are those of the first candidate that the loop would train, and `more`: the total
    seconds and the largest memory of the closed forms.
    """
    if plan.minutes is not None:
        plan = replace(plan, minutes=plan.minutes / max(1, len(by_loop)))
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
