"""The minutes of a training, shared among candidates and variants, on a clock that tests move."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from learning import PLAN, watching
from torch import nn

from tenfold.core.fitted import Fitted
from tenfold.core.plan import Plan
from tenfold.training import candidates, shares
from tenfold.training.candidates import FREE, Candidate, Comparison, Cost, Fits, fit
from tenfold.training.shares import affordable

COMPARISON = Comparison("log loss", lambda name, net: 0.5, 9, True)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [100.0]
    time = SimpleNamespace(perf_counter=lambda: now[0])
    for module in (candidates, shares):
        monkeypatch.setattr(module, "time", time)
    return now


def minutes(folder: Path | None, number: float = 1.0) -> Plan:
    return replace(PLAN, epochs=None, minutes=number, folder=folder)


class Fitting:
    """Candidates that take a number of seconds each; `seen` has the minutes they were given."""

    def __init__(self, clock: list[float]) -> None:
        self.clock, self.seen = clock, dict[str, float]()

    def one(self, name: str, seconds: float, **more: Any) -> Candidate:
        def made(plan: Plan, fits: Fits) -> Fitted:
            self.seen[name] = plan.minutes or 0.0
            self.clock[0] += seconds
            return Fitted(nn.Linear(1, 1))

        return Candidate(name, made, **more)


def test_closed_forms_come_first_and_the_loop_gets_what_they_left(clock, tmp_path):
    fitting = Fitting(clock)
    many = [
        fitting.one("bayes", 2, cost=FREE),
        fitting.one("linear", 10, cost=FREE),
        fitting.one("network", 30),
        fitting.one("mixed", 9, cost=FREE, needs=("linear", "network")),
    ]
    with watching() as heard:
        fit(many, "auto", COMPARISON, minutes(tmp_path))
    assert [*fitting.seen] == ["bayes", "linear", "network", "mixed"]
    given = {name: 60 * one for name, one in fitting.seen.items()}
    assert given == pytest.approx({"bayes": 15, "linear": 28, "network": 60 - 12 - 10, "mixed": 18})
    assert clock[0] - 100 < 60 and not any("left out" in one for one in heard.sentences)


def test_without_minutes_the_loop_comes_first(clock):
    fitting = Fitting(clock)
    many = [fitting.one("linear", 1, cost=FREE), fitting.one("network", 1)]
    fit(many, "auto", COMPARISON, PLAN)
    assert [*fitting.seen] == ["network", "linear"] and not any(fitting.seen.values())


def test_a_closed_form_that_takes_too_long_is_left_out_and_named(clock, tmp_path):
    fitting = Fitting(clock)
    many = [
        fitting.one("popularity", 0, cost=FREE),
        fitting.one("near", 12, cost=Cost(4.0)),  # three times as long as estimated
        fitting.one("large", 99, cost=Cost(30.0, least=7.0)),
        fitting.one("network", 20),
    ]
    with watching() as heard:
        found = fit(many, "auto", COMPARISON, minutes(tmp_path))
    assert [*fitting.seen] == ["popularity", "near", "network"]
    assert [one for one in heard.sentences if one.startswith("large is left out")]
    assert set(found.facts["validation_scores"]) == {"popularity", "near", "network"}


def test_what_was_left_out_is_left_out_again_on_a_faster_machine(clock, tmp_path):
    fitting = Fitting(clock)
    many = [fitting.one("large", 9, cost=Cost(40.0)), fitting.one("network", 20)]
    fit(many, "auto", COMPARISON, minutes(tmp_path))
    assert [*fitting.seen] == ["network"]
    quick = [replace(many[0], cost=Cost(1.0)), many[1]]
    fit(quick, "auto", COMPARISON, minutes(tmp_path))
    assert [*fitting.seen] == ["network"]
    fit(quick, "auto", COMPARISON, minutes(tmp_path / "another"))
    assert [*fitting.seen] == ["network", "large"]


def test_a_requested_closed_form_is_never_left_out(clock, tmp_path):
    fitting = Fitting(clock)
    many = [fitting.one("large", 99, cost=Cost(99.0)), fitting.one("network", 20)]
    fit(many, "large", COMPARISON, minutes(tmp_path))
    assert [*fitting.seen] == ["large"]


@pytest.mark.parametrize(("given", "count"), [(0.1, 1), (0.5, 3), (0.81, 4), (5.0, 6), (None, 6)])
def test_as_many_variants_as_fit_the_first_in_any_case(clock, tmp_path, given, count):
    def tried(folder: Path | None, minutes: float | None, seconds: float = 10) -> list[int]:
        found = []
        plan = replace(PLAN, epochs=None, minutes=minutes, folder=folder)
        for _, one in affordable(plan, "linear", {str(one): one for one in range(6)}):
            clock[0] += seconds
            found.append(one)
        return found

    with watching() as heard:
        assert tried(tmp_path, given) == [*range(count)]
    said = [f"linear: {count} of 6 variants fit into the minutes."] if count < 6 else []
    assert heard.sentences == said
    assert tried(tmp_path, given, seconds=0.01) == [*range(count)]  # a continued run: as stored
    assert tried(None, given) == [*range(count)]


def test_a_number_of_variants_is_not_stored_before_the_last_one(clock, tmp_path):
    plan = minutes(tmp_path)
    with pytest.raises(KeyboardInterrupt):
        for _ in affordable(plan, "linear", {"a": 1, "b": 2}):
            raise KeyboardInterrupt
    assert [one for _, one in affordable(plan, "linear", {"a": 1, "b": 2})] == [1, 2]
