"""The answer to a row depends on its values alone: not on format, order, names or neighbours."""

import dataclasses
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from learning import watching

import tenfold
from tenfold.core.errors import UsageError

SETTINGS = {"model": "linear", "device": "cpu", "derived": False, "seed": 0}
N = 120


def pots(rows: int, start: int = 0) -> pd.DataFrame:
    """Pots with codes that leading zeros tell apart, marks for missing, dates and truths."""
    rng = np.random.default_rng(start)
    code = rng.choice(["7", "07", "007"], rows)
    length = rng.normal(30, 5, rows).round(2)
    day = pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 300, rows), "D")
    price = 3 * length + 40 * (code == "07") - 40 * (code == "007") + rng.normal(size=rows)
    frame = pd.DataFrame(
        {
            "pot": [f"{401234567890123456 + start + at * 7}" for at in range(rows)],
            "code": code,
            "length": length.astype(str),
            "glazed": rng.choice(["true", "false"], rows),
            "day": day.strftime("%d/%m/%Y"),
            "price": price.round(2).astype(str),
            "kind": np.where(price > 90, "dear", "cheap"),
        }
    )
    frame.loc[::9, "length"], frame.loc[4::9, "length"] = "?", ""
    return frame


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """A run of each task, on the same table."""
    folder = tmp_path_factory.mktemp("pots")
    table = folder / "pots.csv"
    pots(N).to_csv(table, index=False)
    found = {}
    for task, target, other in (
        ("tabular-regression", "price", "kind"),
        ("tabular-classification", "kind", "price"),
    ):
        found[task] = folder / task
        tenfold.train(task, table, target=target, ignore=other, out=found[task], **SETTINGS)
    return found


def answers(run, source) -> dict[str, dict]:
    return {one.source: dataclasses.asdict(one.answer) for one in tenfold.predict(run, source)}


@pytest.mark.parametrize("task", ["tabular-regression", "tabular-classification"])
def test_every_form_of_a_row_has_the_same_answer(runs, task, tmp_path: Path):
    run, frame = runs[task], pots(40, 5).drop(columns=["price", "kind"])
    frame.to_csv(tmp_path / "ask.csv", index=False)
    want = answers(run, tmp_path / "ask.csv")
    assert list(want) == [*frame["pot"]] and len({*map(str, want.values())}) > 30
    turned = frame.iloc[::-1, ::-1].assign(price="0", note="x", **{"code2": "9"})
    turned.to_csv(tmp_path / "turned.csv", index=False, sep=";")
    frame.to_parquet(tmp_path / "ask.parquet")
    typed = frame.assign(
        length=pd.to_numeric(frame["length"].replace({"?": None, "": None})),
        glazed=frame["glazed"] == "true",
        day=pd.to_datetime(frame["day"], dayfirst=True),
    )
    typed.to_parquet(tmp_path / "typed.parquet")
    sources = [tmp_path / name for name in ("turned.csv", "ask.parquet", "typed.parquet")]
    for source in (*sources, frame, turned, typed, frame.to_dict("records")):
        assert answers(run, source) == want
    for pot, row in list(zip(frame["pot"], frame.to_dict("records"), strict=True))[:4]:
        (alone,) = answers(run, frame[frame["pot"] == pot]).values()
        (pairs,) = answers(run, [f"{name}={cell}" for name, cell in row.items()]).values()
        assert alone == pairs == want[pot]
    for name in ("length", "code", "glazed", "day"):
        emptied = frame.copy()
        emptied.loc[3, name] = ""
        found = answers(run, emptied)
        assert [pot for pot in want if found[pot] != want[pot]] in ([frame["pot"][3]], [])
        assert all(found[pot] == want[pot] for pot in want if pot != frame["pot"][3])


def test_odd_cells_are_answered_and_named(runs):
    run = runs["tabular-regression"]
    row = {"code": "07", "length": "30", "glazed": "true", "day": "13/04/2024"}
    empty = [*answers(run, [row | {"length": ""}]).values()]
    for cell in ("?", "n/a", "inf", " ", None, float("nan")):
        assert [*answers(run, [row | {"length": cell}]).values()] == empty, cell
    by_code = {
        code: next(iter(answers(run, [row | {"code": code}]).values()))["value"]
        for code in ("7", "07", "007")
    }
    assert by_code["07"] > by_code["7"] + 20 > by_code["007"] + 40
    frame = pots(40, 5).drop(columns=["price", "kind"])
    want = answers(run, frame)
    boat = frame.copy()
    boat.loc[:6, "code"] = "boat"
    with watching() as heard:
        found = answers(run, boat)
    assert {pot: found[pot] for pot in frame["pot"][7:]} == {
        pot: want[pot] for pot in frame["pot"][7:]
    }
    assert sum("'boat'" in one and ": 7." in one for one in heard.sentences) == 1


def test_names_that_stand_twice_are_asked_as_they_were_learnt(tmp_path: Path):
    rng = np.random.default_rng(0)
    cells = rng.normal(size=(N, 3)).round(3)
    power = cells @ [5, -7, 3]
    lines = [f"{a},{b},{c}" for a, b, c in cells]
    table = tmp_path / "pumps.csv"
    rows = [f"{line},{one:.3f}" for line, one in zip(lines, power, strict=True)]
    table.write_text("\n".join(["flow,flow,flow.1,power", *rows]))
    with pytest.raises(UsageError) as caught:
        tenfold.train("tabular-regression", table, target="flow", out=tmp_path / "no", **SETTINGS)
    assert "1, 2" in str(caught.value.message) and not (tmp_path / "no").exists()
    tenfold.train("tabular-regression", table, target="power", out=tmp_path / "run", **SETTINGS)
    (tmp_path / "ask.csv").write_text("\n".join(["flow,flow,flow.1", *lines[:5]]))
    found = [one.answer.value for one in tenfold.predict(tmp_path / "run", tmp_path / "ask.csv")]
    known = [one.answer.value for one in tenfold.predict(tmp_path / "run", table)]
    assert found == known[:5]
    assert np.abs(np.array(known) - power).mean() < 1
