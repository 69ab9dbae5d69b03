"""Divides the time of a training among its candidate models, and among variants of a candidate.

If the time is limited (`plan.minutes`), candidates with a closed-form solution are fitted first, in
at most half of the time; candidates of the training loop get the rest. A candidate is left out if
even its cheapest variant would take too long. Each decision is stored beside the checkpoints, so
that a continued training fits the same candidates and variants.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from tenfold.core import system
from tenfold.core.message import Message
from tenfold.core.plan import LEAST_MINUTES, Plan
from tenfold.core.progress import tell
from tenfold.training.budget import stored
from tenfold.training.candidate import Candidate

__all__ = ["Shares", "affordable", "chosen"]

T = TypeVar("T")

CLOSED = 0.5
"""Share of the time for closed-form candidates, if the training loop trains others."""


class Shares:
    """Decides the order in which candidates are fitted, and the minutes that each gets.

    `by_loop` are the candidates that the training loop trains. `needed` names the candidates that
    are fitted even if the time is too short.
    """

    def __init__(
        self, asked: Sequence[Candidate], by_loop: Sequence[Candidate], plan: Plan, needed: set[str]
    ) -> None:
        self._plan, self._needed, self._began = plan, needed, time.perf_counter()
        names = {one.name for one in by_loop}
        combining = {one.name for one in asked if one.combines or names & set(one.needs)}
        self._stages = [
            [one for one in asked if one.cost is not None and one.name not in combining],
            [one for one in by_loop if one.name not in combining],
            [one for one in asked if one.name in combining],
        ]
        self._seconds: dict[str, float] = {}
        self._slow = 1.0

    def order(self) -> list[Candidate]:
        """Returns the candidates: closed forms, then those of the loop, then combinations."""
        return [one for stage in self._stages for one in stage]

    def plan_of(self, one: Candidate) -> Plan | None:
        """Returns the plan with the candidate's minutes; None if too little time is left."""
        number = next(at for at, stage in enumerate(self._stages) if one in stage)
        ahead = [other for other in self._stages[number] if other.name not in self._seconds]
        left = self._left(number)
        if number == 0 and self._left_out(one, left):
            self._seconds[one.name] = 0.0
            return None
        minutes = max(left / 60 / max(1, len(ahead)), LEAST_MINUTES)
        return replace(self._plan, minutes=minutes, given=time.perf_counter())

    def took(self, one: Candidate, seconds: float) -> None:
        """Records the duration of a fit.

        If a closed form took longer than estimated, the estimates of later ones are scaled up.
        """
        self._seconds[one.name] = seconds
        if one.cost is not None and one.cost.seconds > 1:
            self._slow = max(self._slow, seconds / one.cost.seconds)

    def _left(self, number: int) -> float:
        """Returns the seconds left for the unfitted candidates of stage `number` (see `order`)."""
        whole = 60 * (self._plan.minutes or 0)
        if number == 0 and self._stages[1]:
            whole *= CLOSED
        left = whole - (time.perf_counter() - self._began)
        return left - sum(map(self._combined, self._stages[2])) if number == 1 else left

    def _combined(self, one: Candidate) -> float:
        """Returns the seconds reserved for a combination of candidates.

        The estimate is the time that its closed forms took to fit or, if its `needs` name none, the
        time of the slowest closed form.
        """
        closed = {other.name: self._seconds.get(other.name, 0.0) for other in self._stages[0]}
        needed = [closed[name] for name in one.needs if name in closed]
        return sum(needed) if needed else max(closed.values(), default=0.0)

    def _left_out(self, one: Candidate, left: float) -> bool:
        """Returns True if even the cheapest variant of a candidate takes more than `left` seconds.

        The decision is stored, and a stored one is used again. Never True for `needed` candidates.
        """
        known = _stored(self._plan).get("left_out", {})
        if one.name not in known:
            least = one.cost.least or one.cost.seconds if one.cost else 0.0
            late = least > 0 and least * self._slow > left and one.name not in self._needed
            known |= {one.name: late}
            _store(self._plan, "left_out", known)
        if known[one.name]:
            tell(
                Message(
                    "{name} is left out: the minutes are too few for it. Give more --minutes, or "
                    "--model to fit it alone.",
                    name=one.name,
                )
            )
        return bool(known[one.name])


def affordable(plan: Plan, name: str, variants: Mapping[str, T]) -> Iterator[tuple[str, T]]:
    """Yields the variants of a candidate, by name, while its time lasts; the first in any case.

    The caller fits each variant before it asks for the next one, which is yielded if the mean time
    of the variants so far still fits into `plan.minutes`. Without a time limit all are yielded. The
    number of variants is stored under `name`, and a continued training yields the same number.
    """
    every = [*variants.items()]
    if plan.minutes is None or plan.fixed is not None or plan.dry:
        yield from every
        return
    known = _stored(plan).get("variants", {})
    began, count = time.perf_counter(), 0
    for one in every[: known.get(name)]:
        spent = time.perf_counter() - began
        if name not in known and count and spent * (count + 1) / count > 60 * plan.minutes:
            break
        yield one
        count += 1
    if name not in known:
        _store(plan, "variants", known | {name: count})
    if count < len(every):
        tell(
            Message(
                "{name}: {count} of {total} variants fit into the minutes.",
                name=name,
                count=count,
                total=len(every),
            )
        )


def chosen(plan: Plan, name: str, made: dict[str, Any] | None = None) -> dict[str, Any] | None:
    """Stores the choices of a candidate that depend on the time, if `made`; returns what is stored.

    A continued training gives them to the second fit of the candidate. Without a time limit nothing
    is stored, and `made` is returned.
    """
    if plan.minutes is None or plan.fixed is not None or plan.dry:
        return made
    known = _stored(plan).get("choices", {})
    if made is not None:
        known |= {name: made}
        _store(plan, "choices", known)
    return known.get(name)


def _path(plan: Plan) -> Path | None:
    return plan.folder / "checkpoints" / "shares.json" if plan.folder else None


def _stored(plan: Plan) -> dict[str, Any]:
    path = _path(plan)
    return stored(path) if path and path.exists() else {}


def _store(plan: Plan, key: str, value: dict[str, Any]) -> None:
    if path := _path(plan):
        path.parent.mkdir(parents=True, exist_ok=True)
        system.write_atomically(path, json.dumps(_stored(plan) | {key: value}))
