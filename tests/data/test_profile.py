"""The profile of columns: relations, leaks, drift."""

import numpy as np
import pandas as pd
import pytest

from tenfold.data import relation
from tenfold.data.prepare import prepare
from tenfold.data.profile import profile
from tenfold.media.reading import Reading
from tenfold.tasks import registry


def exams(count: int = 320) -> pd.DataFrame:
    """Candidates sorted by the answer; two columns are only known after it."""
    random = np.random.default_rng(4)
    hours, sleep = random.uniform(0, 40, count), random.normal(7, 1, count)
    score = hours + 1.5 * sleep + random.normal(0, 12, count)
    passed = np.where(score > np.median(score), "yes", "no")
    table = pd.DataFrame(
        {
            "hours": hours.round(1),
            "sleep_h": sleep.round(1),
            "cohort": random.choice(list("ABCD"), count),
            "certificate_sent": np.where(passed == "yes", "2024-06-20", None),
            "final_points": np.where(passed == "yes", 50, 0)
            + random.uniform(0, 49, count).round(1),
            "passed": passed,
        }
    )
    return table.sort_values("passed", kind="stable").reset_index(drop=True)


def profiled(task: str, table: pd.DataFrame, target: str) -> dict:
    found = registry.find(task)
    prepared = prepare(found, table, reading=Reading(target=target))
    return profile(prepared, found.encodes(prepared.facts))


def test_columns_that_give_the_answer_away_are_named_and_no_others():
    found = profiled("tabular-classification", exams(), "passed")
    told = {one["name"]: list(map(str, one["warnings"])) for one in found["columns"]}
    assert [name for name, each in told.items() if each] == ["certificate_sent", "final_points"]
    assert "filled in exactly where the answer is yes" in told["certificate_sent"][0]
    related = {one["name"]: one["relation"] for one in found["columns"]}
    assert related["final_points"] > 0.97 and 0.1 < related["hours"] < 0.9
    assert related["cohort"] < 0.1
    missing = {one["name"]: one["missing"] for one in found["columns"]}
    assert missing["certificate_sent"] == pytest.approx(0.5, abs=0.01) and not missing["hours"]


def test_a_copy_of_a_number_in_another_unit_and_drift_are_named():
    random = np.random.default_rng(0)
    size, split = random.normal(50, 9, 400), np.repeat(["train", "valid", "test"], [240, 60, 100])
    table = pd.DataFrame(
        {
            "size": size,
            "inches": size / 2.54 + random.normal(0, 0.05, 400),
            "later": np.where(split == "test", 5.0, 0.0) + random.normal(0, 1, 400),
            "clay": random.choice(["red", "white"], 400),
            "price": 2 * size,
            "split": split,
        }
    ).drop(columns="size")
    found = profiled("tabular-regression", table, "price")
    assert [one["name"] for one in found["columns"] if one["warnings"]] == ["inches"]
    assert found["drifted"] == pytest.approx(1 / 3, abs=1e-3)
    assert "later" in str(found["warnings"][-1])


def test_relations_do_not_come_from_chance():
    random = np.random.default_rng(2)
    truth = random.integers(0, 2, (300, 1)).astype(float)
    names = np.arange(300.0)
    steps = np.where((names > 100) & (names < 180), 1.0, 0.0)[:, None]
    cases = [
        (names, truth, False, 0, 0.01),  # every row a category of its own
        (random.normal(size=300), truth, True, 0, 0.1),
        (
            np.where(truth[:, 0] > 0, np.nan, 1.0),
            truth,
            True,
            1,
            1,
        ),  # missing where the answer is 1
        (names, steps, True, 0.9, 1),  # not monotonic
        (names, 3 * names[:, None] - 7, True, 0.9999, 1),
        (np.zeros(300), truth, True, 0, 0.01),
        (np.full(300, np.nan), truth, False, 0, 0.01),
    ]
    for number, (values, wanted, numeric, low, high) in enumerate(cases):
        share = relation.explained(values, wanted, numeric)
        assert low <= share <= high, (number, share)
