"""Roles of columns as the person gives them: target, group and time, in every task."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from preparing import fresh_cache as fresh_cache

import tenfold
from tenfold.core.errors import UsageError
from tenfold.data.prepare import prepare
from tenfold.media.reading import Reading, column_of, seconds_of
from tenfold.run import rows as run_rows
from tenfold.tasks.registry import find
from worlds import WORLDS, shape


def pictures(rows: int = 60) -> pd.DataFrame:
    """Pictures with columns under names that nobody would guess."""
    random = np.random.default_rng(0)
    names = ["circle", "cross", "triangle"]
    return pd.DataFrame(
        {
            "image": [shape(names[row % 3], random) for row in range(rows)],
            "label": ["other", "another"] * (rows // 2),
            "what": [names[row % 3] for row in range(rows)],
            "who": [f"person {row // 5}" for row in range(rows)],
            "when": [f"2024-01-{1 + row // 3:02} 10:00" for row in range(rows)],
        }
    )


def texts(rows: int = 60) -> pd.DataFrame:
    words, random = ["warm and lovely", "cold and awful"], np.random.default_rng(0)
    rest = [
        " ".join("".join(random.choice([*"abcdefgh"], 5)) for _ in range(8)) for _ in range(rows)
    ]
    return pd.DataFrame(
        {
            "text": [f"{words[row % 2]} {rest[row]}" for row in range(rows)],
            "label": ["other", "another", "third"] * (rows // 3),
            "what": [["good", "bad"][row % 2] for row in range(rows)],
            "who": [f"person {row // 5}" for row in range(rows)],
            "when": [1_700_000_000 + 1000 * row for row in range(rows)],
        }
    )


def tagged(rows: int = 60) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "tokens": [["Anna", "calls", f"no{row}"] for row in range(rows)],
            "tags": [["O", "O", "O"]] * rows,
            "what": [["B-PER", "O", "O"]] * rows,
            "who": [f"person {row // 5}" for row in range(rows)],
            "when": [1_700_000_000 + 1000 * row for row in range(rows)],
        }
    )


TABLES = {
    "image-classification": pictures,
    "text-classification": texts,
    "token-classification": tagged,
}
GIVEN = Reading(target="what", group="who", time="when")


def prepared(task: str, reading: Reading, data: Any = None) -> Any:
    return prepare(find(task), TABLES[task]() if data is None else data, seed=1, reading=reading)


@pytest.mark.parametrize("task", TABLES)
def test_the_target_is_the_column_that_is_named(task: str):
    given, found = prepared(task, Reading(target="what")), prepared(task, Reading())
    (truth,) = given.answer.truths
    table = TABLES[task]()
    wanted = [one if isinstance(one, str) else tuple(one) for one in table["what"]]
    assert sorted(map(str, given.used[truth])) == sorted(map(str, wanted))
    assert set(map(str, found.used[truth])) != set(map(str, given.used[truth]))
    stored = [one.facts.get("reading", {}) for one in (given, found)]
    assert [one.get("target") for one in stored] == ["what", None]


@pytest.mark.parametrize("task", TABLES)
def test_groups_stay_on_one_side(task: str):
    used = prepared(task, Reading(target="what", group="who")).used
    assert (used.groupby("group")["split"].nunique() == 1).all()
    assert used["group"].nunique() == 12 and used["split"].nunique() == 3


@pytest.mark.parametrize("task", TABLES)
def test_the_latest_rows_are_the_test_and_groups_still_stay_whole(task: str):
    for reading in (Reading(target="what", time="when"), GIVEN):
        found = prepared(task, reading)
        when = {part: found.table(part)["time"] for part in ("train", "valid", "test")}
        assert when["train"].max() <= when["valid"].min() <= when["valid"].max()
        assert when["valid"].max() <= when["test"].min()
        assert 0.1 <= len(when["test"]) / 60 <= 0.25
        assert "latest" in found.split_line
        if reading.group:
            assert (found.used.groupby("group")["split"].nunique() == 1).all()


@pytest.mark.parametrize("role", ["target", "group", "time"])
@pytest.mark.parametrize("task", TABLES)
def test_a_column_that_is_not_there_is_named_with_the_nearest(task: str, role: str):
    with pytest.raises(UsageError) as refused:
        prepared(task, Reading(**{"target": "what"} | {role: "wha"}))
    assert refused.value.code == "missing-column" and "'what'" in refused.value.fix
    assert f"--{role}" in refused.value.message


@pytest.mark.parametrize("role", ["target", "group", "time"])
@pytest.mark.parametrize("task", sorted(WORLDS))
def test_data_without_columns_refuse_a_role(task: str, role: str, tmp_path: Path):
    """Or take it, where the world of the task is a table that has such a column."""
    data = WORLDS[task].make(tmp_path / "data", 3)
    try:
        prepare(find(task), data, seed=1, reading=Reading(**{role: "no such column"}))
    except tenfold.TenfoldError as error:
        assert error.fix and (f"--{role}" in error.message or "no such column" in error.message)
    else:
        pytest.fail("a column that does not exist was taken")


def test_a_time_that_is_none_leaves_the_row_out():
    table = texts().astype({"when": object})
    table.loc[[3, 7], "when"] = ["tomorrow", None]
    found = prepared("text-classification", Reading(target="what", time="when"), table)
    assert {one["code"] for one in found.quarantined} == {"bad-time"} and len(found.used) == 58


def test_times_are_seconds_dates_and_what_their_size_makes_likely():
    seconds, wrong = seconds_of(pd.Series(["2024-01-01", "2024-01-02 00:00:00+00:00", "x", None]))
    assert seconds[1] - seconds[0] == 86_400 and wrong.tolist() == [False, False, True, False]
    for factor in (1, 1e3, 1e6, 1e9):
        found, _ = seconds_of(pd.Series([1_700_000_000 * factor, 1_700_000_060 * factor]))
        assert found.tolist() == [1_700_000_000, 1_700_000_060]


def test_a_name_is_taken_as_written_before_it_is_taken_in_any_case():
    assert column_of(Reading(target="Label"), "target", ["label", "Label"], "x") == "Label"
    assert column_of(Reading(target="LABEL"), "target", ["label", "Label"], "x") == "label"


def test_test_reads_as_training_did(tmp_path: Path):
    """The roles are stored with the run: new data need no flag."""
    table, out = texts(120), tmp_path / "run"
    run = tenfold.train(
        "text-classification", table, out=out, seed=1, device="cpu", target="what", group="who",
        size="tiny", epochs=2, model="naive-bayes",
    )  # fmt: skip
    fresh = table.assign(text=[f"{text} again {row}" for row, text in enumerate(table["text"])])
    found = tenfold.test(out, fresh).to_json()
    assert found["rows"]["test"] == 120 and found["scores"]["accuracy"]["value"] > 0.9
    again, _ = run_rows.looked_at(run, fresh)
    assert set(again["label"]) == {"good", "bad"} and "group" in again
    with pytest.raises(tenfold.TenfoldError) as refused:
        tenfold.train(
            "text-classification", table, out=out, seed=1, device="cpu", target="label",
            size="tiny", epochs=2, model="naive-bayes",
        )  # fmt: skip
    assert refused.value.code == "run-exists"
