"""Every kind of answer keeps its promises, whichever task gives it: the suite finds them all."""

import dataclasses
import json
import math

import numpy as np
import pandas as pd
import pytest
from answers_made import SAMPLES, Sample

from tenfold.answers.kind import AnswerKind
from tenfold.answers.registry import kinds, metrics
from tenfold.answers.sections import Section
from tenfold.core.columns import Problem
from tenfold.core.results import to_json

PROBLEM = Problem("damaged", "is damaged")
PARTS = {"an empty part": (0, 0), "failures only": (3, 0), "one row": (1, 1), "rows": (6, 6)}


@pytest.fixture(params=sorted(kinds()))
def kind(request: pytest.FixtureRequest) -> AnswerKind:
    return kinds()[request.param]


def sample(kind: AnswerKind, rows: int) -> Sample:
    if kind.name not in SAMPLES:
        pytest.fail(f"{kind.name} has no sample: add one to tests/kit/answers_made.py")
    return SAMPLES[kind.name](rows)


def test_a_kind_is_final_and_lies_in_a_file_of_its_name(kind: AnswerKind):
    assert type(kind).__mro__[1] is AnswerKind and type(kind).__module__.endswith(f".{kind.name}")
    with pytest.raises(TypeError, match="final"):
        type("Sub", (type(kind),), {})
    assert dataclasses.is_dataclass(kind.prediction) and dataclasses.is_dataclass(kind.options)
    assert kind.headline in kind.metrics and kind.truths
    assert {name: metrics()[name].better for name in kind.metrics} == {
        name: one.better for name, one in kind.metrics.items()
    }, "a metric has one meaning, whichever kind has it"


@pytest.mark.parametrize("part", PARTS)
def test_every_method_takes_any_part(kind: AnswerKind, part: str):
    """Also one that holds no row, and one in which nothing could be read."""
    rows, right = PARTS[part]
    table, answers = sample(kind, rows)
    answers = answers[:right] + [PROBLEM] * (rows - right)
    train, _ = sample(kind, 6)
    for learnt in (train, train[:0]):
        scores = kind.score(answers, table, learnt)
        assert scores.rows == rows and scores.headline in scores.metrics
        assert scores.headline == kind.headline or kind.headline not in scores.metrics
        assert scores.headline == kind.headline or rows < 3, "rows of several truths have it"
        assert set(scores.metrics) <= set(kind.metrics)
        for one in scores.metrics.values():
            assert all(map(math.isfinite, dataclasses.astuple(one)))
            assert one.low <= one.value <= one.high
        details = json.loads(json.dumps(scores.details, allow_nan=False))
        pieces = kind.pieces(details)
        assert {"classes", "confused", "sections"} <= set(pieces)
        assert all(isinstance(one, Section) for one in pieces["sections"])
    worst = kind.worst(answers, table)
    assert len(set(worst)) == len(worst) and set(worst) <= set(range(rows))
    assert len(kind.baseline(train, table)) == rows
    content, metric = kind.bootstrap(answers, table)
    assert len(content) == rows
    if rows:
        value = metric(content, np.ones((1, rows), np.int64))[0]
        assert value == pytest.approx(kind.score(answers, table, train).best.value)
    json.dumps(kind.calibration(answers, table, lambda chances: chances), allow_nan=False)
    for row, one in enumerate(answers):
        assert kind.said(one, kind.truth_text(table, row))["said"]


def test_right_answers_are_as_good_as_can_be_and_failures_are_not(kind: AnswerKind):
    table, answers = sample(kind, 6)
    lower = kind.metrics[kind.headline].better == "lower"
    best = kind.score(answers, table, table).best
    assert best.value == (0.0 if lower else 1.0) and not kind.worst(answers, table)
    failed = kind.score([PROBLEM, *answers[1:]], table, table).best.value
    assert failed > best.value if lower else failed < best.value
    assert kind.worst([PROBLEM, *answers[1:]], table) == [0]


def test_the_constant_baseline_is_scored_on_the_same_rows(kind: AnswerKind):
    table, answers = sample(kind, 6)
    scores = kind.score(answers, table, table)
    guesses = kind.score(kind.baseline(table, table), table, table)
    for name, one in scores.metrics.items():
        assert one.baseline == pytest.approx(guesses.metrics[name].value)


def test_truths_are_the_same_in_tables_and_in_json(kind: AnswerKind):
    table, _ = sample(kind, 2)
    first, second = table[list(kind.truths)].to_dict(orient="records")
    for row in (first, second):
        assert kind.same(row, row) and kind.same(row, json.loads(json.dumps(row)))
    assert not kind.same(first, second) and not kind.same(json.loads(json.dumps(first)), second)


def test_an_answer_decides_like_itself_and_unlike_a_failure(kind: AnswerKind):
    for one in sample(kind, 3)[1]:
        assert kind.decides_alike(one, one, 0.0)
        assert not kind.decides_alike(one, PROBLEM, 0.0) and kind.decides_alike(PROBLEM, PROBLEM, 0)
        assert kind.weighed_by(one, one) == one
        whole = kind.retained(one, one)
        assert math.isfinite(whole) and (not kind.exclusive or 0 <= whole <= 1)


def test_an_answer_is_json_under_its_name(kind: AnswerKind):
    for one in sample(kind, 3)[1]:
        assert isinstance(one, kind.prediction)
        found = json.loads(json.dumps(to_json(one), allow_nan=False))
        assert found["answer"] == kind.name
        assert len(one.cells) == len(one.columns) and one.line


def test_rows_are_counted_split_and_renamed_by_class(kind: AnswerKind):
    table, _ = sample(kind, 6)
    assert len(kind.strata(table)) == len(kind.units(table)) == len(kind.blank(table)) == 6
    assert not kind.blank(table).any()
    names = kind.classes_in(table)
    assert set(kind.counts(table)) == names
    renamed, gone = kind.renamed(table, {name: f"new {name}" for name in names})
    assert not gone.any() and kind.classes_in(renamed) == {f"new {name}" for name in names}
    for name in names:
        rest, gone = kind.renamed(table, {name: None})
        assert kind.classes_in(rest[~gone]) == names - {name} - (
            set() if not gone.any() else names - kind.classes_in(table[~gone])
        )


def test_a_row_without_a_truth_is_blank(kind: AnswerKind):
    table, _ = sample(kind, 3)
    empty = table.assign(**{name: pd.Series([None] * 3, dtype=object) for name in kind.truths})
    unneeded = kind.fits_all(empty)  # a label is wanted for scores alone
    unneeded |= kind.name in ("labels", "oddity")  # no class at all is a truth too, as is unknown
    assert kind.blank(empty).all() or unneeded


def test_a_metric_means_the_same_for_every_kind():
    """Reports look metrics up by their names alone."""
    for kind in kinds().values():
        for name, metric in kind.metrics.items():
            assert metric == metrics()[name], (kind.name, name)


def test_every_kind_has_a_sample():
    assert set(SAMPLES) == set(kinds())
