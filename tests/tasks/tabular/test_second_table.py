"""A run with a second table: what each verb makes of its rows, and what its report shows."""

import math
import re

import numpy as np
import pandas as pd
import pytest

import tenfold
from tenfold.core.errors import UsageError
from tenfold.run.run import open_run

N = 160
SUM = "orders.amount: sum"


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with a run whose value is the sum of a customer's orders; one label is wrong."""
    folder = tmp_path_factory.mktemp("shop")
    random = np.random.default_rng(0)
    names = [f"c{at}" for at in range(N)]
    amounts = random.integers(1, 100, (N, 3))
    value = amounts.sum(1) + random.normal(size=N).round(2)
    value[-1] += 500
    split = np.repeat(["train", "valid", "test"], [100, 30, 30])
    pd.DataFrame(
        {"id": names, "noise": random.normal(size=N), "value": value, "split": split}
    ).to_csv(folder / "customers.csv", index=False)
    pd.DataFrame({"id": np.repeat(names, 3), "amount": amounts.ravel()}).to_csv(
        folder / "orders.csv", index=False
    )
    tenfold.train(
        "tabular-regression",
        folder / "customers.csv",
        target="value",
        key="id",
        with_="orders.csv",
        model="linear",
        derived=False,
        device="cpu",
        out=folder / "run",
    )
    return folder


def test_rows_are_joined_for_every_verb(place, tmp_path):
    run, orders = place / "run", {"with_": str(place / "orders.csv")}
    asked = pd.read_csv(place / "customers.csv")[["id", "noise"]].head(2)
    verbs = {
        "explain": lambda **more: tenfold.explain(run, asked, out=tmp_path / "page", **more),
        "similar": lambda **more: list(tenfold.similar(run, asked, **more)),
        "features": lambda **more: tenfold.features(run, asked, out=None, **more),
        "predict": lambda **more: list(tenfold.predict(run, asked, **more)),
    }
    for name, verb in verbs.items():
        with pytest.raises(UsageError) as error:
            verb()
        assert error.value.code == "needs-second-table", name
        with pytest.raises(UsageError) as error:
            verb(other="x")
        assert error.value.code == "unknown-setting", name
    found = {name: verb(**orders) for name, verb in verbs.items()}
    values = [one.answer.value for one in found["predict"]]
    for one, value in zip(found["explain"].to_json()["inputs"], values, strict=True):
        (map_,) = one["explanations"]
        assert map_["total"] == pytest.approx(value, rel=1e-6)
        assert math.fsum(map_["weights"]) == pytest.approx(map_["total"] - map_["base"], rel=1e-6)
        assert {SUM, "noise"} <= {*map_["names"]}
    for row, one in enumerate(found["similar"]):
        assert one.neighbours[0].itself and one.neighbours[0].source.endswith(f":{row + 2}")
    assert found["features"].vectors.std(0).any()


def test_the_report_names_the_important_column_and_the_worst_row(place):
    found = open_run(place / "run").scores["importance"]
    drops = {one["name"]: one["drop"] for one in found["columns"]}
    assert found["rows"] == 30 and found["repeats"] >= 1
    assert drops["noise"] < max(drops.values()) / 10
    assert next(iter(drops)).startswith("orders.amount") and next(iter(drops.values())) > 5
    curve = next(one for one in found["dependence"] if one["name"] == next(iter(drops)))
    (means,) = curve["answers"].values()
    assert curve["numbers"] == sorted(curve["numbers"])
    assert means == sorted(means) and means[-1] - means[0] > 30
    page = (place / "run" / "report.html").read_text("utf-8")
    named = re.findall(r"customers\.csv:(\d+)", page)
    assert named[0] == str(N + 1)
