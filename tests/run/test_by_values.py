"""Scores for each value of a column: differences, what is too few, and how they are stored."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from answers_made import SAMPLES
from sharing import keep_the_table_of_operators

import tenfold
from tenfold.answers.intervals import Sampling
from tenfold.answers.label import LABEL, Label
from tenfold.answers.metrics.differences import differences
from tenfold.answers.registry import kinds
from tenfold.core.columns import Columns, Problem
from tenfold.core.rows import BY, Judged, Rows
from tenfold.run.by_text import by_lines
from tenfold.run.by_values import by_values
from tenfold.run.rows import rows_of

NAMES = ("a", "b")


class Scored:
    """What `by_values` needs of a run: an answer kind, and a task that scores rows."""

    def __init__(self, kind: Any) -> None:
        self.answer_kind = kind
        self.task = SimpleNamespace(score=lambda run, judged: None)

    def scored_kind(self, metric: str) -> Any:
        return self.answer_kind


def judged(table: pd.DataFrame) -> Judged:
    return Judged(Rows(table), Columns({"row": np.arange(len(table))}), table)


def labelled(right: np.ndarray, **columns: Any) -> tuple[list[Label], pd.DataFrame]:
    truth = [NAMES[row % 2] for row in range(len(right))]
    said = [
        name if hit else NAMES[1 - NAMES.index(name)]
        for name, hit in zip(truth, right, strict=True)
    ]
    answers = [Label(name, {one: 0.9 if one == name else 0.1 for one in NAMES}) for name in said]
    return answers, pd.DataFrame({"label": truth, **columns})


def test_a_value_15_points_worse_is_named_and_equal_ones_are_not():
    random = np.random.default_rng(4)
    site = np.repeat(["north", "south", "east", "west"], 200)
    camera = random.choice(["one", "two"], 800)
    right = random.random(800) < np.where(site == "east", 0.72, 0.9)
    answers, table = labelled(right, **{f"{BY}site": site, f"{BY}camera": camera})
    by_site, by_camera = by_values(Scored(LABEL), answers, judged(table))
    assert by_site["values"][0]["value"] == by_site["largest"]["value"] == "east"
    assert by_site["largest"]["shown"] and by_site["largest"]["difference"]["high"] < 0
    assert not by_camera["largest"]["shown"]
    assert {one["rows"] for one in by_site["values"]} == {200}
    values = [one["score"]["value"] for one in by_site["values"]]
    assert values == sorted(values)
    assert all({"ece", "log_loss"} == set(one["calibration"]) for one in by_site["values"])
    text = "\n".join(by_lines({"by": [by_site, by_camera]}))
    assert "east is worse than the others" in text and "No difference is shown" in text


def test_few_rows_a_missing_class_and_blank_cells_are_not_judged():
    right = np.ones(60, bool)
    cells = [*["many"] * 20, *["also"] * 20, *["few"] * 9, None, *["one class"] * 10]
    answers, table = labelled(right, **{f"{BY}x": pd.Series(cells, dtype=object)})
    table.loc[50:, "label"] = "a"
    (found,) = by_values(Scored(LABEL), answers, judged(table))
    told = {one["value"]: (one["judged"], one.get("missing")) for one in found["values"]}
    assert told == {
        "many": (True, None),
        "also": (True, None),
        "few": (False, []),
        "one class": (False, ["b"]),
    }
    assert found["blank"] == 1 and found["rows"] == 59 and found["largest"]["of"] == 2
    text = "\n".join(by_lines({"by": [found]}))
    assert text.count("too few to judge") == 2 and "no rows of: b" in text


@pytest.mark.parametrize("name", sorted(SAMPLES))
def test_every_answer_kind_is_reported_by_values(name: str):
    table, answers = SAMPLES[name](72)
    table[f"{BY}x"] = [("f", "m")[row // 6 % 2] for row in range(72)]
    table["group"] = [str(row // 3) for row in range(72)]
    kind = kinds()[name]
    (found,) = by_values(Scored(kind), answers, judged(table))
    assert [one["judged"] for one in found["values"]] == [True, True]
    assert found["headline"] == kind.headline and found["largest"]["of"] == 2
    assert not found["largest"]["shown"] and json.loads(json.dumps(found)) == found
    unread = Problem("empty-file", "is empty", "")  # every answer of "m" is missing
    pairs = zip(table[f"{BY}x"], answers, strict=True)
    worse = [unread if cell == "m" else one for cell, one in pairs]
    (found,) = by_values(Scored(kind), worse, judged(table))
    assert found["values"][0]["value"] == "m" and found["largest"]["shown"]


def test_a_task_that_scores_rows_of_its_own_is_compared_by_its_scores():
    """Two windows of each row are scored, as by a task that cuts its inputs."""

    def score(run: Any, part: Judged) -> Any:
        assert not [name for name in part.table if name.startswith(BY)]
        answers, made = labelled(np.repeat(part.table["right"].to_numpy(bool), 2))
        return LABEL.score(answers, made, made)

    right = np.arange(400) % 10 != 0
    right[200:] = np.arange(200) % 2 == 0
    _, table = labelled(right, **{f"{BY}x": np.repeat(["fine", "poor"], 200)})
    run = Scored(LABEL)
    run.task.score = score
    table["right"] = right
    (found,) = by_values(run, [None] * 400, judged(table))
    assert found["values"][0]["score"]["value"] < found["values"][1]["score"]["value"]
    assert found["values"][0]["value"] == "poor" and found["largest"]["shown"]


def test_groups_are_moved_whole():
    """A value that is one lucky group is no evidence, as many rows as it has."""
    groups = np.repeat(np.arange(12), 40)
    right = np.repeat([0, *[1] * 11], 40)
    weighted = right[:, None], lambda rows, n: n @ rows[:, 0] / np.maximum(1, n.sum(1))
    family = (groups == 0).astype(int)
    alone, grouped = (differences(weighted, [family], Sampling(of))[0] for of in (None, groups))
    assert all(one.shown for one in alone) and not any(one.shown for one in grouped)
    assert [one.value for one in alone] == [one.value for one in grouped] == [1.0, -1.0]
    few = differences(weighted, [family], Sampling(groups // 4))[0]
    assert [one.low for one in few] == [None, None]


# --- in a run -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    random, rows = np.random.default_rng(0), []
    words = {"good": "great nice fine".split(), "bad": "awful poor sad".split()}
    for row in range(360):
        label, site = random.choice(["good", "bad"]), random.choice(["North", "South", ""])
        said = label if site != "North" or random.random() < 0.6 else "bad"
        text = " ".join([*random.choice(words[said], 5), f"row{row}"])
        rows.append((text, label, site, random.choice(["1", "2"]), "x"))
    path = tmp_path_factory.mktemp("by") / "texts.csv"
    pd.DataFrame(rows, columns=["text", "label", "Site", "device", "extra"]).to_csv(
        path, index=False
    )
    return path


QUICK: dict[str, Any] = {"model": "naive-bayes", "device": "cpu"}


def test_a_run_stores_the_columns_and_learns_nothing_from_them(data: Path, tmp_path: Path):
    run = tenfold.train(
        "text-classification", data, out=tmp_path / "run", by=["site", "device"], **QUICK
    )
    plain = tenfold.train("text-classification", data, out=tmp_path / "plain", **QUICK)
    left = {"reading", "fitted"}
    assert {k: v for k, v in run.facts.items() if k not in left} == {
        k: v for k, v in plain.facts.items() if k not in left
    }
    weights = [(one.folder / "weights.safetensors").read_bytes() for one in (run, plain)]
    assert weights[0] == weights[1]
    assert run.facts["reading"]["by"] == ["site", "device"]
    assert {row[f"{BY}Site"] for row in rows_of(run)} == {"North", "South", None}
    assert [one["column"] for one in run.scores["by"]] == ["Site", "device"]
    again = tenfold.test(run.folder)
    assert again.to_json()["by"] == run.scores["by"] and "By Site" in str(again)
    page = (run.folder / "report.html").read_text("utf-8")
    assert "other groups of people were not compared" in page and "was not tested" not in page
    roles = run.scores["taken"]["roles"]
    assert [one["source"] for one in roles if one["role"] == "by"] == ["Site", "device"]

    # the values come from the run, also where the column has left the data
    pd.read_csv(data).drop(columns=["Site"]).to_csv(other := tmp_path / "other.csv", index=False)
    given = tenfold.test(run.folder, other).to_json()["by"]
    assert [one["column"] for one in given] == ["device"]

    for place, by, columns in (
        (None, "device", ["device"]),
        (None, [" SITE "], ["Site"]),
        (None, ["extra", "site"], ["extra", "Site"]),
        (data, ["extra", "site"], ["extra", "Site"]),
        (other, "site", ["site"]),
    ):
        given = tenfold.test(run.folder, place, by=by).to_json()["by"]
        assert sorted(one["column"] for one in given) == sorted(columns), (place, by)
        assert {one["value"] for one in given[-1]["values"]} <= {"North", "South", "1", "2", "x"}
        assert all(one["rows"] for one in given)
    for place in (None, other):
        with pytest.raises(tenfold.TenfoldError) as caught:
            tenfold.test(run.folder, place, by=["site", "sight"])
        assert caught.value.code == "missing-column"

    keep_the_table_of_operators()
    tenfold.export(run.folder, data=data, out=tmp_path / "export")
    for name in ("scores.json", "facts.json"):
        text = (tmp_path / "export" / name).read_text("utf-8")
        assert "North" not in text and "device" not in json.loads(text).get("reading", {})
        assert '"by"' not in text


def test_a_column_that_is_missing_is_an_error(data: Path):
    with pytest.raises(tenfold.TenfoldError) as caught:
        tenfold.train("text-classification", data, by="sight", **QUICK)
    assert caught.value.code == "missing-column"


def test_rows_of_a_recommender_are_known_whatever_is_reported(tmp_path: Path):
    """The digest of a row of interactions does not depend on the columns that are reported by."""
    rows = [(f"u{n % 60}", f"i{(n * n) % 17}", n, "fm"[n % 60 % 2], n % 3) for n in range(600)]
    frame = pd.DataFrame(rows, columns=["user", "item", "time", "sex", "shop"])
    frame.to_csv(tmp_path / "e.csv", index=False)
    settings = {"model": "ease", "device": "cpu", "out": tmp_path / "run"}
    run = tenfold.train("recommendation", tmp_path / "e.csv", by="sex", **settings)
    for by in ((), "shop", ["sex", "shop"]):
        found = tenfold.test(run.folder, by=by)
        assert found["rows"]["test"] == run.scores["rows"]["test"] == 60
        columns = {one["column"] for one in found["by"]}
        assert columns == ({*by} if isinstance(by, list) else {by or "sex"})
    assert tenfold.test(run.folder, tmp_path / "e.csv", by="shop")["rows"]["test"] == 60
