"""One choice decides between rankings and ratings, and both modes are complete."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from tenfold.answers.ranking import RANKING
from tenfold.answers.ratings import RATINGS
from tenfold.core.columns import Problem
from tenfold.tasks import registry
from tenfold.tasks.recommendation import ranking, rating
from tenfold.tasks.recommendation.mode import Mode

TASK = "recommendation"
KINDS = {"ranking": RANKING, "ratings": RATINGS}
NAMES = ("a", "b", "c")
NUMBERS = {"a": 1, "b": 2, "c": 3}


def events() -> pd.DataFrame:
    rows = [
        (user, f"i{(user + step) % 6}", 1 + step % 5, step)
        for user in range(9)
        for step in range(5)
    ]
    return pd.DataFrame(rows, columns=["user", "item", "rating", "time"])


@pytest.mark.parametrize("output", KINDS)
def test_the_setting_decides_before_there_are_facts_and_the_facts_afterwards(output: str):
    task = registry.find(TASK, output=output)
    rows = task.read(events())
    facts = task.learn(rows.part("train"))
    assert rows.answer is KINDS[output] and facts["data"]["rated"] == (output == "ratings")
    for other in KINDS:
        opened = registry.find(TASK, output=other)
        assert opened.answer(facts) is KINDS[output]
        columns = opened.encode(rows.table, facts).columns
        assert ("marks" in columns) == (output == "ratings")
        assert set(opened.targets(rows.table, facts)) == (
            {"next", "rated"} if output == "ratings" else {"next"}
        )


@pytest.mark.parametrize("mode", [ranking.MODE, rating.MODE])
def test_a_mode_adds_nothing_public_to_the_protocol(mode: Mode):
    assert {name for name in dir(mode) if name[0] != "_"} == {
        name for name in [*dir(Mode), *Mode.__annotations__] if name[0] != "_"
    }


@pytest.mark.parametrize(
    ("mode", "row", "entries"),
    [
        (ranking.MODE, (("a", "b"), ("c",)), ["a", "b", "c"]),
        (rating.MODE, (("a=4.5", "b=2", "c=?"), (("c", 3.0),)), ["a=4.5", "b=2", "c=3"]),
    ],
)
def test_a_remembered_person_stands_for_all_entries(mode: Mode, row: Any, entries: list[str]):
    assert mode.names(*row) == ["a", "b", "c"]
    memory = mode.memory(["7"], [row], NUMBERS)
    assert mode.resolve("user=7", memory, NAMES) == entries
    assert mode.resolve("user=8", memory, NAMES) == ["user=8"]
    assert mode.resolve("a", memory, NAMES) == ["a"]


@pytest.mark.parametrize("output", KINDS)
def test_a_cell_that_is_not_a_list_is_a_problem_of_its_row(output: str):
    task = registry.find(TASK, output=output)
    facts = task.learn(task.read(events()).part("train"))
    table = pd.DataFrame({"items": [("i1",), None, Problem("bad", "is bad")]}, dtype=object)
    encoded = task.encode(table, facts)
    assert {row: one.code for row, one in encoded.problems.items()} == {1: "no-items", 2: "bad"}
    assert encoded.columns["given"].tolist() == [1, 0, 0]
