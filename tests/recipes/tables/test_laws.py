"""All candidates at once: compared, repeated by a second and by a continued fit; odd tables."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from learning import as_bytes, terminate, watching
from refitting import assert_repeats

from tenfold.core.errors import Stopped
from tenfold.core.fitted import Fitted
from tenfold.core.plan import Plan
from tenfold.data.prepare import Prepared, prepare
from tenfold.recipes.tables import trees
from tenfold.task import Task
from tenfold.tasks import registry
from tenfold.training.inference import by_torch

ROWS = 90
TASKS = ("tabular-classification", "tabular-regression")


def table(task: str) -> pd.DataFrame:
    random = np.random.default_rng(2)
    width, weight = random.normal(size=ROWS), random.normal(size=ROWS)
    clay, days = random.choice(["red", "grey"], ROWS), random.integers(0, 700, ROWS)
    value = width + 2 * (clay == "red") + 0.1 * random.normal(size=ROWS)
    found = pd.Timestamp("2020-01-01") + pd.to_timedelta(days, unit="D")
    target = value.round(3) if task == TASKS[1] else np.where(value > 1, "yes", "no")
    weight[::7] = np.nan
    return pd.DataFrame(
        {"width": width, "weight": weight, "clay": clay, "found": found, "target": target}
    )


def prepared(name: str, rows: pd.DataFrame) -> tuple[Task, Prepared, Plan]:
    task = registry.find(name, size="tiny")
    made = prepare(task, rows, seed=1)
    return task, made, Plan(facts=made.facts, seed=1, device="cpu", precision="float32", epochs=2)


def fit(task: Task, made: Prepared, plan: Plan) -> Fitted:
    torch.manual_seed(1)
    return task.fit(task.build(made.facts), made.parts, plan)


@pytest.mark.parametrize("name", TASKS)
def test_every_candidate_is_compared_and_repeated(name: str):
    task, made, plan = prepared(name, table(name))
    first = fit(task, made, plan)
    names = {first.facts["selected"], *first.candidates}
    assert names == {"linear", "boosted trees", "network", "blend"} == {*first.seconds}
    assert names == {*first.facts["validation_scores"]}
    assert sum(first.facts["mix"].values()) == pytest.approx(1)
    for other in ("", *first.candidates):
        assert_repeats(task, made.parts, plan, first, other)


def test_a_time_limit_decides_once(tmp_path, monkeypatch):
    """Stopped in the network and continued when the clock runs otherwise: the same bytes."""
    task, made, plan = prepared(TASKS[1], table(TASKS[1]))
    clock = iter(range(10**6))
    monkeypatch.setattr(
        "tenfold.recipes.tables.trees.time.perf_counter", lambda: 0.002 * next(clock)
    )
    plan = Plan(**{**vars(plan), "minutes": 1.0, "folder": tmp_path})
    with watching({1: terminate}), pytest.raises(Stopped):
        fit(task, made, plan)
    stored = json.loads((tmp_path / "checkpoints" / "shares.json").read_text())["choices"]
    monkeypatch.undo()
    second = fit(task, made, plan)
    assert second.facts["boosted trees"] == stored["boosted trees"]
    assert as_bytes(fit(task, made, plan).net) == as_bytes(second.net)


ODD = {
    "numbers alone": lambda rows: rows.drop(columns=["clay", "found"]),
    "categories alone": lambda rows: rows[["clay", "target"]],
    "a column nearly empty": lambda rows: rows.assign(weight=[1.5, 2.5] + [np.nan] * (ROWS - 2)),
    "a rare answer": lambda rows: rows.assign(target=["rare", *rows["target"][1:]]),
}


@pytest.mark.parametrize("odd", ODD)
def test_odd_tables_are_learnt(odd: str, monkeypatch: pytest.MonkeyPatch):
    few = replace(trees.SETTINGS["small"], iterations=30)
    monkeypatch.setattr(trees, "SETTINGS", {"small": few})
    task, made, plan = prepared(TASKS[0], ODD[odd](table(TASKS[0])))
    found = fit(task, made, plan)
    json.dumps(found.facts, allow_nan=False)
    whole = task.build(made.facts | {"fitted": found.facts})
    whole.load_state_dict(found.net.state_dict())
    answers = by_torch(whole.eval())(made.inputs("train"))
    assert all(np.isfinite(np.asarray(one)).all() for one in answers.values())
