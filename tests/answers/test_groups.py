"""Intervals draw whole groups where rows have a group: every kind of answer, and the coverage."""

from __future__ import annotations

import importlib.util
import math
import re
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from answers_made import SAMPLES, Sample

from tenfold.answers.intervals import LEAST_GROUPS, Sampling, protocol
from tenfold.answers.kind import Answer, AnswerKind
from tenfold.answers.label import LABEL, Label
from tenfold.answers.registry import kinds
from tenfold.core.columns import Columns
from tenfold.core.message import Message, translate
from tenfold.core.rows import Judged, Rows
from tenfold.run import evaluate

ELSEWHERE = Path(__file__).resolve().parents[1] / "kit" / "elsewhere" / "answers" / "dial.py"
TIMES = 6
"""How often the same rows stand in their group: more rows, but no more groups."""


def elsewhere() -> Any:
    spec = importlib.util.spec_from_file_location("dial", ELSEWHERE)
    assert spec is not None and spec.loader is not None
    found = sys.modules["dial"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(found)
    return found


DIAL = elsewhere()


def dials(rows: int) -> Sample:
    marks = [(0.1, 0.5, 0.9)[row % 3] for row in range(rows)]
    table = pd.DataFrame({"dial": marks, "digest": [f"{row:032x}" for row in range(rows)]})
    return table, [DIAL.Dial(mark) for mark in marks]


def grouped(rows: int) -> Sample:
    """Each third person lies between the groups."""
    table, answers = SAMPLES["group"](rows)
    between = [row // 3 % 3 == 2 for row in range(rows)]
    return table, [
        replace(one, silhouette=0.0) if odd else one
        for one, odd in zip(answers, between, strict=True)
    ]


EVERY = {**kinds(), "dial": DIAL.DIAL}
MADE = {**SAMPLES, "dial": dials, "group": grouped}
NEAR = {"group": 0.05}
"""How far the ends of an interval may lie apart, by kind: the Rand index depends on the rows."""


@pytest.fixture(params=sorted(EVERY))
def kind(request: pytest.FixtureRequest) -> AnswerKind:
    return EVERY[request.param]


def world(kind: AnswerKind, groups: int = 12, times: int = 1, wrong: int = 4) -> Sample:
    """Groups of three rows, each `times` times; answers to the last `wrong` groups are wrong."""
    table, answers = MADE[kind.name](3 * groups)
    table["group"] = [f"person {row // 3}" for row in range(3 * groups)]
    first = 3 * (groups - wrong)
    answers = answers[:first] + answers[first + 1 :] + answers[first : first + 1]
    rows = np.repeat(np.arange(3 * groups), times)
    return table.iloc[rows].reset_index(drop=True), [answers[row] for row in rows]


def intervals(found: Any) -> Iterator[dict[str, Any]]:
    """All that state an interval in a document, however deep."""
    if isinstance(found, dict):
        if {"low", "high"} <= set(found):
            yield found
        for one in found.values():
            yield from intervals(one)
    elif isinstance(found, list):
        for one in found:
            yield from intervals(one)


def stated(kind: AnswerKind, table: pd.DataFrame, answers: list[Answer]) -> list[dict[str, Any]]:
    """Every interval that is stated of these answers: scores, details, classes with few rows."""
    scores = kind.score(answers, table, table)
    columns = Columns({"x": np.zeros(len(table))})
    train = world(kind)[0]
    examples = evaluate._by_examples(kind, answers, Judged(Rows(table), columns, train))
    metrics = [one.to_json() for one in scores.metrics.values()]
    return [*metrics, *intervals(scores.details), *intervals(examples)]


def paired(kind: AnswerKind, table: pd.DataFrame, answers: list[Answer]) -> tuple[Any, ...]:
    """The comparison with a run that answers all rows right, as numbers."""
    right = MADE[kind.name](3)[1]
    best = [right[row % 3] for row in np.arange(len(table)) // (len(table) // 36)]
    pair = Sampling.of(table).paired(
        kind.bootstrap(answers, table), kind.bootstrap(best, table), 2_000
    )
    return pair.low, pair.high, pair.above, pair.below


# --- every kind ---


def test_the_same_rows_again_in_their_group_tell_nothing_new(kind: AnswerKind):
    few, many = (stated(kind, *world(kind, times=times)) for times in (1, TIMES))
    assert len(few) == len(many) >= len(kind.score(*reversed(world(kind)), world(kind)[0]).metrics)
    for one, other in zip(few, many, strict=True):
        near = NEAR.get(kind.name, 0.02)
        assert other["low"] == pytest.approx(one["low"], abs=near)
        assert other["high"] == pytest.approx(one["high"], abs=near)
        assert one["low"] < one["high"] or one["value"] == 0


def test_counting_rows_would_be_surer_than_the_groups_allow(kind: AnswerKind):
    """The control: without its column, the intervals of the same rows are far narrower."""
    table, answers = world(kind, times=TIMES)
    groups = stated(kind, table, answers)
    rows = stated(kind, table.drop(columns="group"), answers)
    wider = [
        (one["high"] - one["low"]) / (other["high"] - other["low"])
        for one, other in zip(groups, rows, strict=True)
        if other["high"] - other["low"] > 1e-9
    ]
    assert wider and float(np.median(wider)) > 2
    assert [one["value"] for one in groups] == [one["value"] for one in rows]


def test_a_comparison_draws_groups(kind: AnswerKind):
    few, many = (paired(kind, *world(kind, times=times)) for times in (1, TIMES))
    assert few == pytest.approx(many, abs=1e-9)
    table, answers = world(kind, times=TIMES)
    low, high, *_ = paired(kind, table.drop(columns="group"), answers)
    assert few[1] - few[0] > 2 * (high - low)


def test_too_few_groups_have_no_interval(kind: AnswerKind):
    table, answers = world(kind)
    table["group"] = np.arange(len(table)) % (LEAST_GROUPS - 1)
    found = stated(kind, table, answers)
    assert found and all(one["low"] is one["high"] is None for one in found)
    assert all(math.isfinite(one["value"]) for one in found)
    assert kind.score(answers, table, table).groups == LEAST_GROUPS - 1
    assert paired(kind, table, answers) == (None,) * 4
    pieces = kind.pieces(kind.score(answers, table, table).details)
    assert not re.search("text='[^']*None", str(pieces)), "a page shows a dash"


def test_a_group_of_each_row_alone_changes_nothing(kind: AnswerKind):
    table, answers = world(kind)
    bare = table.drop(columns="group")
    for column in (np.arange(len(table)), [None] * len(table)):
        assert stated(kind, table.assign(group=column), answers) == stated(kind, bare, answers)


def test_classes_are_recalled_as_their_table_says(kind: AnswerKind):
    table, answers = world(kind)
    classes = kind.details(answers, table, Sampling()).get("classes", [])
    rows, names, hits = kind.recalled(answers, table)
    assert len(rows) == len(names) == len(hits) and (len(rows) > 0) == bool(classes)
    assert set(map(int, rows)) <= set(range(len(table)))
    for one in classes:
        mine = [hit for name, hit in zip(names, hits, strict=True) if name == one["class"]]
        assert len(mine) == one["support"]
        assert np.mean(mine or [0]) == pytest.approx(one["recall"])


# --- which rows are a group ---


def test_a_row_without_a_group_is_a_group_of_its_own():
    table = pd.DataFrame({"group": ["a", None, "a", np.nan, "b"], "near": ["n"] * 5})
    found = Sampling.of(table)
    assert found.count == 4 and found.groups[0] == found.groups[2]
    assert found.at(np.array([True, False, True, False, False])).count == 1
    assert Sampling.of(table.drop(columns="group")).count is None, "near copies are no group"


def test_the_protocol_states_the_number_of_groups():
    rows = Message("{rows} test rows; {split}", rows=9, split="given")
    assert protocol(rows, None) is rows
    assert protocol(rows, 12) == "9 test rows; given; 95 % intervals over 12 groups"
    assert "number of groups is 3 and at least 5" in protocol(rows, 3)
    assert translate(protocol(rows, 3)) == protocol(rows, 3)


# --- shares and means ---


def grouped(*sizes: int) -> np.ndarray:
    return np.repeat(np.arange(len(sizes)), sizes)


def test_the_variance_is_that_of_leaving_out_one_group_at_a_time():
    random = np.random.default_rng(0)
    groups = grouped(3, 30, 8, 12, 5, 20, 1)
    values = random.random(len(groups)) + groups
    value, low, high = Sampling(groups).mean(values)
    left = np.array([values[groups != one].mean() for one in range(7)])
    error = np.sqrt(6 / 7 * ((left - value) ** 2).sum())
    assert value == pytest.approx(values.mean())
    assert high - value == pytest.approx(2.446912 * error, rel=1e-6)  # t of 6 degrees of freedom
    assert low == pytest.approx(max(0, value - 2.446912 * error), rel=1e-6)


@pytest.mark.parametrize("right", [0, 1])
def test_perfect_groups_have_the_interval_of_as_many_rows(right: int):
    """Nothing is known of how alike the rows of a group are: each counts once, with Student's t."""
    groups = grouped(40, 7, 100, 33, 20, 50)
    value, low, high = Sampling(groups).share(np.full(len(groups), bool(right)))
    end = 6 / (6 + 2.570582**2)  # Wilson's end for six of six
    assert value == right
    assert (low, high) == pytest.approx((end, 1) if right else (0, 1 - end), abs=1e-6)
    perfect = Sampling(groups).resampled(lambda counts: float(right), len(groups))
    assert perfect == pytest.approx((value, low, high))
    assert Sampling(groups).mean(np.full(len(groups), 1.0 * right), share=True) == perfect


def test_an_interval_of_a_share_stays_within_its_range():
    groups = grouped(*[10] * 6)
    for wrong in range(61):
        value, low, high = Sampling(groups).share(np.arange(60) >= wrong)
        assert 0 <= low <= value <= high <= 1 and low < high


# --- coverage ---

SHARES = np.array([0.4, 0.3, 0.2, 0.1])
ACCURACY, ALIKE = 0.8, 0.1


def clustered(random: np.random.Generator, groups: int) -> Sample:
    """Groups of unequal size; whether answers are right correlates by 0.1 within a group."""
    sizes = np.maximum(2, random.poisson(random.gamma(2, 10, groups)))
    spread = 1 / ALIKE - 1
    chance = random.beta(ACCURACY * spread, (1 - ACCURACY) * spread, groups)
    group = np.repeat(np.arange(groups), sizes)
    truth = random.choice(4, len(group), p=SHARES)
    right = random.random(len(group)) < chance[group]
    said = np.where(right, truth, (truth + random.integers(1, 4, len(group))) % 4)
    answers = [Label("abcd"[one], {**dict.fromkeys("abcd", 0.1), "abcd"[one]: 0.7}) for one in said]
    return pd.DataFrame({"label": ["abcd"[one] for one in truth], "group": group}), answers


def macro_f1() -> float:
    """That of endlessly many groups: a wrong answer is any other class alike."""
    said = ACCURACY * SHARES + (1 - ACCURACY) / 3 * (1 - SHARES)
    return float((2 * ACCURACY * SHARES / (SHARES + said)).mean())


@pytest.mark.parametrize("groups", [6, 20])
def test_intervals_over_groups_hold_the_truth(groups: int):
    """In nearly 95 of 100 data sets; those over rows hold it far less often."""
    held, rows, count = np.zeros(2), 0, 50
    for seed in range(count):
        table, answers = clustered(np.random.default_rng([groups, seed]), groups)
        sampling = replace(Sampling.of(table), times=80)  # 200 resamples, as there are few groups
        found = LABEL.measure(answers, table, sampling)
        truths = {"accuracy": ACCURACY, "macro_f1": macro_f1()}
        held += [found[name][1] <= truth <= found[name][2] for name, truth in truths.items()]
        _, low, high = LABEL.measure(answers, table, Sampling(times=0))["accuracy"]
        rows += low <= ACCURACY <= high
    assert (held >= 0.88 * count).all(), held
    assert rows < 0.8 * count
