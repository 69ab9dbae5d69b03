"""Importance of the columns of a table: which rows are shuffled, and what is measured on them."""

import numpy as np
import pandas as pd
import pytest

import tenfold
from tenfold.run import importance as module
from tenfold.run.run import open_run

ROWS = 90


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A linear run on a table of 12 columns, of which the first alone matters, and its rows."""
    random = np.random.default_rng(0)
    table = pd.DataFrame({f"c{at}": random.normal(size=ROWS).round(3) for at in range(12)})
    table = table.assign(value=3 * table["c0"] + random.normal(0, 0.1, ROWS))
    out = tmp_path_factory.mktemp("runs") / "run"
    settings = {"model": "linear", "derived": False, "device": "cpu"}
    tenfold.train("tabular-regression", table, target="value", out=out, **settings)
    run = open_run(out)
    return run, run.task.read(table, run.reading).table


def test_wide_tables_are_measured_on_fewer_rows(made, monkeypatch):
    run, rows = made
    monkeypatch.setattr(module, "SECONDS", 600.0)
    for values, least, wanted in ((10**6, 5, ROWS), (12 * 12 * 40, 5, 40), (1, 7, 7)):
        monkeypatch.setattr(module, "VALUES", values)
        monkeypatch.setattr(module, "LEAST", least)
        found = module.importance(run, rows)
        assert (found["rows"], found["repeats"]) == (wanted, module.REPEATS)
        assert found["columns"][0]["name"] == "c0" and found["columns"][0]["drop"] > 1
        assert all(abs(one["drop"]) < 0.1 for one in found["columns"][1:])


def test_without_time_nothing_is_stated(made):
    run, rows = made
    assert module.importance(run, rows, latest=0.0) == {}
    assert module.importance(run, rows.iloc[:1]) == {}
