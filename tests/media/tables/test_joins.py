"""A second table of lines: what is made of the lines before a row, in training and when asked."""

import itertools
import sqlite3

import numpy as np
import pandas as pd
import pytest
from learning import Watcher

from tenfold.answers.label import LABEL
from tenfold.core.errors import TenfoldError, UsageError
from tenfold.core.progress import listening
from tenfold.data.inputs import tables
from tenfold.media.reading import Reading
from tenfold.media.tables import encode
from tenfold.media.tables.joins.history import COUNT, LAST, MEAN, SUM, History, Running
from tenfold.recipes.tables import derived
from tenfold.recipes.tables.arrays import TableArrays
from tenfold.tasks.tabular_classification import TabularClassification
from tenfold.tasks.tabular_regression import TabularRegression

TASK = TabularClassification()


def said(call):
    """What `call` returns, and the sentences that it printed."""
    heard = Watcher()
    with listening(heard):
        found = call()
    return found, heard


def written(folder, rows, lines):
    rows.to_csv(folder / "people.csv", index=False)
    lines.to_csv(folder / "orders.csv", index=False)
    return folder / "people.csv"


def people(count, seed=0):
    """People with a class, a time and no input that tells the class."""
    random = np.random.default_rng(seed)
    day = pd.Timestamp("2024-03-01") + pd.to_timedelta(random.integers(0, 60, count), "D")
    names = [f"p{at:03d}" for at in range(count)]
    answer = random.choice(["yes", "no"], count)
    age = random.integers(20, 70, count)
    return pd.DataFrame({"id": names, "age": age, "day": day, "left": answer})


def orders(rows, telling, seed=1):
    """Ten lines a row: the amounts of those before (or after) its time tell its class."""
    random = np.random.default_rng(seed)
    several = rows.loc[rows.index.repeat(10)].reset_index(drop=True)
    days = random.integers(1, 90, len(several)) * random.choice([-1, 1], len(several))
    told = (days < 0) == (telling == "before")
    more = np.where(told & (several["left"] == "yes"), 20.0, 0.0)
    return pd.DataFrame(
        {
            "id": several["id"],
            "day": several["day"] + pd.to_timedelta(days, "D"),
            "amount": (random.normal(30, 10, len(several)) + more).round(2),
            "state": random.choice(["paid", "open"], len(several)),
        }
    ).sample(frac=1, random_state=seed)


def reading(**more):
    return Reading(target="left", columns={"with_": "orders.csv", "key": "id"}, **more)


def test_sums_of_lines_are_those_of_a_loop():
    random = np.random.default_rng(0)
    keys = [str(one) for one in random.integers(0, 40, 900)]
    times = random.integers(0, 50, 900).astype(float)
    values = np.where(random.random(900) < 0.2, np.nan, random.normal(size=900))
    history = History.of(keys, times)
    running = Running.of(values[history.order], history.keys)
    asked = [str(one) for one in random.integers(0, 45, 300)]
    at = np.where(random.random(300) < 0.1, np.nan, random.integers(-1, 52, 300)).astype(float)
    span = history.before(asked, at)
    for row, (key, time) in enumerate(zip(asked, at, strict=True)):
        mine = [one for one in range(900) if keys[one] == key and not times[one] >= time]
        mine.sort(key=lambda one: times[one])
        known = [values[one] for one in mine if np.isfinite(values[one])]
        assert span.counts[row] == len(mine)
        wanted = {
            COUNT: len(known),
            SUM: sum(known),
            MEAN: np.mean(known) if known else np.nan,
            LAST: known[-1] if known else np.nan,
        }
        for how, value in wanted.items():
            assert np.isclose(running.over(span, how)[row], value, equal_nan=True), (how, row)
    days = history.days(span)
    lines = span.counts > 0
    assert np.isnan(days[~lines | np.isnan(at)]).all() and (days[lines & ~np.isnan(at)] > 0).all()


def auc(folder, telling):
    """Area under the ROC curve of boosted trees on the rows of odd number, and the kept names."""
    ensemble = pytest.importorskip("sklearn.ensemble")
    metrics = pytest.importorskip("sklearn.metrics")
    rows = people(1200)
    source = written(folder, rows, orders(rows, telling))
    found, _ = said(lambda: TASK.read(source, reading(time="day")))
    cells = list(found.table["row"])
    data = encode.facts_of(cells)
    columns = encode.encoded(cells, data).columns
    truth = (found.table["label"] == "yes").to_numpy(np.int64)
    train = np.arange(len(rows)) % 2 == 0
    numbers, levels = np.asarray(columns["numbers"]), np.asarray(columns["levels"])
    taught = TableArrays(numbers[train], levels[train], truth[train])
    kept = derived.choose(data["numbers"], [], taught, True, 0)
    places = derived.places_of(data["numbers"], [], kept.names)
    assert "row" in found.table and "id" not in cells[0].schema.names
    model = ensemble.HistGradientBoostingClassifier(max_iter=60, random_state=0)
    model.fit(numbers[train][:, places], truth[train])
    chances = model.predict_proba(numbers[~train][:, places])[:, 1]
    return metrics.roc_auc_score(truth[~train], chances), kept.names


def test_lines_before_a_row_tell_its_class_and_later_ones_do_not(tmp_path):
    score, kept = auc(tmp_path, "before")
    assert score >= 0.9 and "orders.amount" in kept
    score, kept = auc(tmp_path, "after")
    assert 0.45 <= score <= 0.55 and "orders.amount" not in kept


def asked(source, found, path=""):
    """The rows as the run asks them, by name."""
    facts = {"reading": found.reading.to_json(), "data": {"names": [], "levels": []}}
    facts = facts | {"data": encode.facts_of(list(found.table["row"]))}
    parts = tables(TASK.inputs(facts), source, found.reading)
    rows = [TASK.ask(one, facts, _Options(path)) for one in parts]
    again = [TASK.ask(one, facts, _Options(path)) for one in rows]
    assert all(one.equals(other) for one, other in zip(rows, again, strict=True))
    return [row for one in rows for row in one["row"]]


def exact(rows):
    """The values of rows, to the last digit."""
    return [repr(row.values) for row in rows]


class _Options:
    def __init__(self, with_):
        self.with_ = with_


def test_the_same_rows_are_asked_one_by_one_and_in_a_table(tmp_path):
    rows = people(40)
    source = written(tmp_path, rows, orders(rows, "before"))
    found, heard = said(lambda: TASK.read(source, reading(time="day")))
    text = " ".join(map(str, heard.sentences))
    assert "400 lines of 40 keys" in text and "of 40" in text
    trained, orders_file = list(found.table["row"]), str(tmp_path / "orders.csv")
    frame = rows.drop(columns="left")
    each = [dict(zip(frame, map(str, one), strict=True)) for one in frame.to_numpy()]
    ways = {
        "file": str(source),
        "frame": frame,
        "turned": frame.iloc[::-1][["day", "id", "age"]],
        "rows": each,
    }
    for name, way in ways.items():
        (got, _) = said(lambda way=way: asked(way, found, orders_file))
        got = got[::-1] if name == "turned" else got
        assert exact(got) == exact(trained), name
    pairs = [f"{key}={value}" for key, value in each[7].items()]
    ((one,), _) = said(lambda: asked(pairs, found, orders_file))
    assert exact([one]) == exact(trained[7:8])
    read, _ = said(lambda: TASK.read(source, found.reading))
    assert exact(read.table["row"]) == exact(trained)
    with pytest.raises(UsageError) as error:
        said(lambda: asked(frame, found))
    assert error.value.code == "needs-second-table"
    more = frame.assign(**{n: 1.0 for n in trained[0].schema.names if n.startswith("orders")})
    (got, _) = said(lambda: asked(more, found))
    assert got[0].values[-1] == 1.0 and got[0].schema == trained[0].schema


def test_all_lines_count_without_a_time_and_keys_match_in_every_format(tmp_path):
    rows = pd.DataFrame({"id": [7, 8, 9] * 4, "age": range(12), "value": range(12)})
    lines = pd.DataFrame({"ID": ["8", "7", "7"], "price": [1.5, 2.0, 4.0], "x": ["a", "b", "b"]})
    task, told = TabularRegression(), {"key": "id"}
    with sqlite3.connect(tmp_path / "shop.db") as base:
        lines.to_sql("buys", base, index=False)
    lines.to_csv(tmp_path / "buys.csv", index=False)
    rows.to_parquet(tmp_path / "rows.parquet")
    every = []
    for source, file in itertools.product(
        (rows, tmp_path / "rows.parquet"), ("buys.csv", "shop.db#buys")
    ):
        held = Reading(target="value", columns={**told, "with_": str(tmp_path / file)})
        found, heard = said(lambda source=source, held=held: task.read(source, held))
        assert any("--time" in str(one) for one in heard.sentences)
        row = found.table["row"][0]
        every.append(dict(zip(row.schema.names, row.values, strict=True)))
    assert every[0] == every[1] == every[2] == every[3]
    assert every[0]["buys: lines"] == 2 and every[0]["buys.price: sum"] == 6.0
    assert every[0]["buys.price: last"] == 4.0 and every[0]["buys.x: lines with b"] == 2


def test_what_cannot_be_joined_is_refused(tmp_path):
    rows = people(30)
    lines = orders(rows, "before").rename(columns={"day": "sent"})
    source = written(tmp_path, rows, lines.assign(paid=lines["sent"]))
    own = {"with_": "orders.csv", "key": "id"}
    cases = [
        ({"with_": "orders.csv"}, "bad-setting"),
        ({"key": "id"}, "bad-setting"),
        ({**own, "key": "nobody"}, "missing-column"),
        ({**own, "key": "age"}, "missing-column"),
        ({**own, "with_": "none.csv"}, None),
        (own, "no-line-time"),
        ({**own, "with_time": "sold"}, "missing-column"),
    ]
    for columns, code in cases:
        with pytest.raises(TenfoldError) as error:
            said(lambda c=columns: TASK.read(source, Reading(target="left", columns=c, time="day")))
        assert code is None or error.value.code == code, columns
    held = Reading(target="left", columns={**own, "with_time": "sent"}, time="day")
    found, _ = said(lambda: TASK.read(source, held))
    assert found.reading.found["joined"]["line_time"] == "sent" and found.answer is LABEL
    with pytest.raises(UsageError) as error:
        TASK.ask(found.table, {}, _Options("orders.csv"))
    assert error.value.code == "bad-setting"
