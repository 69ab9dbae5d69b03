"""Several candidates: which are fitted, how they are compared, what dry and second fits do."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from learning import PLAN, SGD, loss, network, parts, watching
from refitting import Untouched
from torch import nn

from tenfold.core.columns import Parts
from tenfold.core.fitted import Fitted
from tenfold.core.plan import Plan
from tenfold.training import loop
from tenfold.training.budget import Estimated
from tenfold.training.candidates import (
    FREE,
    Candidate,
    Comparison,
    Cost,
    Fits,
    answering,
    fit,
)

SCORES = {"naive Bayes": 0.4, "linear": 0.3, "network": 0.2, "mixed": 0.1}


def closed(name: str, **more: Any) -> Candidate:
    """A candidate that is fitted at once; its network knows its name."""

    def made(plan: Plan, fits: Fits) -> Fitted:
        return Fitted(named(name), {name: list(fits.nets)})

    return Candidate(name, made, **{"cost": FREE, **more})


def learnt(name: str, given: Parts | None = None) -> Candidate:
    """A candidate that learns by the loop."""

    def made(plan: Plan, fits: Fits) -> Fitted:
        found = loop.fit(network(), given or parts(), loss, plan, SGD)
        found.net.name = name
        return found

    return Candidate(name, made)


def named(name: str) -> Any:
    net = nn.Linear(1, 1)
    net.name = name  # type: ignore[assignment]
    return net


def comparison(**settings: Any) -> Comparison:
    usual = {"rows": 9, "lower_is_better": True}
    return Comparison("log loss", lambda name, net: SCORES[name], **{**usual, **settings})


THREE = [closed("naive Bayes"), closed("linear"), closed("network")]


@pytest.mark.parametrize("lower, best", [(True, "network"), (False, "naive Bayes")])
def test_all_are_compared_and_the_best_is_kept(lower: bool, best: str):
    with watching() as heard:
        found = fit(THREE, "auto", comparison(lower_is_better=lower), PLAN)
    assert found.net.name == best and not found.net.training
    assert set(found.candidates) == {"naive Bayes", "linear", "network"} - {best}
    assert found.facts["selected"] == best
    expected = {"naive Bayes": 0.4, "linear": 0.3, "network": 0.2}
    assert found.facts["validation_scores"] == expected and set(found.seconds) == set(expected)
    listed = "naive Bayes 0.400, linear 0.300, network 0.200"
    assert heard.told(f"On validation (log loss): {listed}. {best} is selected.")


def test_of_equal_ones_the_first_is_kept():
    one = replace(comparison(), score=lambda name, net: 0.5)
    assert fit(THREE, "auto", one, PLAN).facts["selected"] == "naive Bayes"


def test_a_requested_one_is_fitted_alone():
    with watching() as heard:
        found = fit(THREE, "naive-bayes", comparison(), PLAN)
    assert found.net.name == "naive Bayes" and found.candidates == {}
    assert found.facts == {"selected": "naive Bayes", "naive Bayes": []}
    assert not heard.sentences


def test_with_what_it_is_made_of_and_what_is_always_compared():
    many = [*THREE, closed("mixed", needs=("network",))]
    many[1] = closed("linear", always=True)
    found = fit(many, "mixed", comparison(), PLAN)
    assert found.facts["mixed"] == ["linear", "network"], "fitted before it"
    assert set(found.facts["validation_scores"]) == {"linear", "network", "mixed"}
    best = fit(many, "network", comparison(), PLAN)
    assert best.facts["selected"] == "network" and set(best.candidates) == {"linear"}


def test_what_cannot_be_made_is_left_out():
    many = [*THREE, Candidate("mixed", lambda plan, fits: None, FREE)]
    assert "mixed" not in fit(many, "auto", comparison(), PLAN).facts["validation_scores"]


def test_without_rows_the_preferred_one_is_kept():
    bare = comparison(rows=0, without_rows=("forest", "linear"))
    found = fit(THREE, "auto", replace(bare, score=lambda name, net: 1 / 0), PLAN)
    assert found.facts["selected"] == "linear"
    assert set(found.facts["validation_scores"].values()) == {0.0}


def test_those_of_the_loop_share_minutes_and_folder(tmp_path: Path):
    seen: list[Plan] = []

    def noted(plan: Plan, fits: Fits) -> Fitted:
        seen.append(plan)
        return Fitted(named("one"), {"steps": 3 + len(seen), "batch": 8, "precision": "float32"})

    many = [closed("linear"), Candidate("network", noted), Candidate("mixed", noted)]
    plan = replace(PLAN, epochs=None, minutes=3.0, folder=tmp_path)
    found = fit(many, "auto", comparison(), plan)
    assert seen[0].minutes == pytest.approx(1.5, 0.01)
    assert seen[1].minutes == pytest.approx(3.0, 0.01)  # what the first one has not used
    assert [one.folder for one in seen] == [tmp_path, tmp_path / "checkpoints" / "part-1"]
    assert found.facts["linear"] == [] and found.facts["steps"] == 4
    assert {name: one["steps"] for name, one in found.facts["budgets"].items()} == {
        "network": 4,
        "mixed": 5,
    }


# --- dry runs ---


def test_a_dry_plan_says_what_the_loop_and_the_closed_forms_take():
    many = [
        closed("naive Bayes", cost=Cost(2.0, 10.0)),
        closed("linear", cost=Cost(3.0, 30.0)),
        learnt("network"),
    ]
    with pytest.raises(Estimated) as ended, watching() as heard:
        fit(many, "auto", comparison(), replace(PLAN, dry=True))
    facts = ended.value.facts
    assert facts["more"] == {"seconds": 5.0, "bytes": 30.0} and facts["steps"] == 24
    assert facts["seconds_a_step"] > 0 and ended.value.net is not None
    assert not heard.sentences and not heard.steps
    whole = named("whole")
    with pytest.raises(Estimated) as ended:
        fit(many, "linear", comparison(), replace(PLAN, dry=True), whole)
    assert ended.value.facts == {"more": {"seconds": 3.0, "bytes": 30.0}}
    assert ended.value.net is whole


def test_one_without_a_cost_that_never_calls_the_loop_is_an_error():
    with pytest.raises(RuntimeError, match="'linear' has no cost"):
        fit([closed("linear", cost=None)], "auto", comparison(), replace(PLAN, dry=True))


# --- second fits ---


def test_a_second_fit_makes_the_selected_one_alone():
    first = fit([learnt("network"), *THREE[:2]], "auto", comparison(), PLAN)
    assert first.facts["selected"] == "network" and first.facts["steps"] == 24
    plan = replace(PLAN, epochs=None, minutes=0.01, fixed=first.facts)
    hidden: Any = Untouched()
    rows = Parts(parts(30).train, hidden, hidden)
    many = [learnt("network", rows), closed("linear", always=True)]
    with watching() as heard:
        second = fit(many, "auto", replace(comparison(), score=lambda name, net: 1 / 0), plan)
    assert second.facts["steps"] == heard.steps[-1] == 24 and second.candidates == {}
    assert second.facts["decided"] == "the steps of the first training"
    assert second.facts["validation_scores"] == first.facts["validation_scores"]
    assert not heard.sentences


def test_a_second_fit_takes_the_steps_of_its_own_candidate():
    first = {
        "selected": "mixed",
        "steps": 7,
        "batch": 8,
        "precision": "float32",
        "budgets": {"mixed": {"steps": 30, "batch": 4, "precision": "float32", "ended_early": 11}},
    }
    many = [learnt("network"), learnt("mixed")]
    found = fit(many, "auto", comparison(), replace(PLAN, fixed=first))
    assert (found.facts["steps"], found.facts["batch"]) == (11, 4)
    assert found.net.name == "mixed"


def test_the_same_weights_answer_as_several():
    net = named("whole")
    other = answering(net, "linear")
    assert other.selected == "linear" and other.weight is net.weight
    assert "selected" not in vars(net)
