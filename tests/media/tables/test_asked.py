"""Rows given for prediction: the same cells from every format, order and number of rows."""

import io
import itertools
import math
import sqlite3
import sys
from pathlib import Path

import pandas as pd
import pytest
from learning import Watcher

from tenfold.core.columns import Problem
from tenfold.core.errors import TenfoldError, UsageError
from tenfold.core.progress import listening
from tenfold.data.inputs import tables
from tenfold.media.input import Input
from tenfold.media.reading import Reading
from tenfold.media.tables import read
from tenfold.media.tables.medium import ROW
from tenfold.media.tables.schema import TableColumn, TableRow, TableSchema

SCHEMA = TableSchema(
    (
        TableColumn("length", "number", ("?",), "cm"),
        TableColumn("clay", "category", ("?",)),
        TableColumn("code", "category"),
        TableColumn("day", "date", more={"forms": ["year-first"]}),
        TableColumn("note", "text"),
    )
)
READING = Reading(
    target="kind", found={"schema": SCHEMA.to_json(), "identifier": "pot", "target": "kind"}
)
FIELDS = {
    "length": Input("number"),
    "clay": Input("category", ("red", "grey")),
    "code": Input("category", ("007", "123456789012345678")),
    "day": Input("date"),
    "note": Input("text"),
}
DECLARED = {"row": Input("row", fields=FIELDS)}
ROWS = [
    {
        "pot": "a1",
        "length": "30",
        "clay": "red",
        "code": "007",
        "day": "2024-03-31",
        "note": "x, y",
    },
    {
        "pot": "a2",
        "length": "?",
        "clay": " grey ",
        "code": "123456789012345678",
        "day": "",
        "note": "",
    },
    {"pot": "a3", "length": "1.5 cm", "clay": "", "code": "7", "day": "1969-12-31", "note": "=1+1"},
]
DAY = 1_711_843_200.0


def asked(source, reading=READING, heard=None):
    """The cells by name of the row, as the data layer hands them to a task."""
    with listening(heard or Watcher()):
        parts = list(tables(DECLARED, source, reading))
    return {
        name: cell for part in parts for name, cell in zip(part["source"], part["row"], strict=True)
    }


def csv(rows, names=None):
    names = names or list(rows[0])
    frame = pd.DataFrame(rows, columns=names, dtype=object)
    return frame.to_csv(index=False)


def forms(folder: Path):
    """The same rows in every form, in other orders of rows and columns, with further columns."""
    frame = pd.DataFrame(ROWS, dtype=object)
    turned = frame.iloc[::-1, ::-1].assign(more=["1", "2", "3"])
    (folder / "plain.csv").write_text(csv(ROWS))
    (folder / "turned.tsv").write_text(turned.to_csv(index=False, sep="\t"))
    (folder / "other.csv").write_bytes(
        b"\xef\xbb\xbf" + turned.to_csv(index=False, sep=";").encode()
    )
    frame.to_parquet(folder / "plain.parquet")
    frame.to_json(folder / "rows.jsonl", orient="records", lines=True)
    with sqlite3.connect(folder / "base.db") as base:
        frame.to_sql("pots", base, index=False)
        turned.to_sql("others", base, index=False)
    (folder / "both").mkdir()
    (folder / "both" / "1.csv").write_text(csv(ROWS[:1]))
    (folder / "both" / "2.csv").write_text(csv(ROWS[1:], list(ROWS[0])[::-1]))
    typed = frame.assign(
        length=[30.0, None, 1.5], day=pd.to_datetime(["2024-03-31", None, "1969-12-31"])
    )
    return {
        **{
            name: folder / name
            for name in ("plain.csv", "turned.tsv", "other.csv", "plain.parquet")
        },
        "jsonl": str(folder / "rows.jsonl"),
        "sqlite": f"{folder / 'base.db'}#others",
        "folder": str(folder / "both"),
        "glob": str(folder / "both" / "*.csv"),
        "files": [folder / "both" / "2.csv", folder / "both" / "1.csv"],
        "frame": frame,
        "turned frame": turned,
        "typed frame": typed,
        "named index": frame.set_index("pot"),
        "dictionaries": ROWS,
        "mixed": [ROWS[0], frame.iloc[1:2], io.BytesIO(csv(ROWS[2:]).encode())],
        "open file": io.StringIO(csv(ROWS)),
    }


def test_every_form_gives_the_same_cells(tmp_path: Path):
    want = asked(ROWS)
    assert list(want) == ["a1", "a2", "a3"]
    assert want["a1"].values == (30.0, "red", "007", DAY, "x, y")
    assert want["a2"].values[1:3] == ("grey", "123456789012345678")
    assert want["a3"].values == (1.5, None, "7", -86400.0, "=1+1")
    digests = {name: ROW.content(cell) for name, cell in want.items()}
    assert len({*digests.values()}) == 3
    schema = want["a1"].schema
    same = [TableRow(schema, (one, "r" + "ed", None, math.nan, "")) for one in (0.0, -0.0)]
    other = [TableRow(schema, (one, "red", None, math.nan, "")) for one in (math.nan, 1.0)]
    assert ROW.content(same[0]) == ROW.content(same[1]) and len({*map(ROW.content, other)}) == 2
    assert ROW.content(same[0]) not in map(ROW.content, other)
    for form, source in forms(tmp_path).items():
        found = asked(source)
        assert {name: ROW.content(cell) for name, cell in found.items()} == digests, form
        assert found["a1"].written["code"] == "007", form
    for one in ROWS:  # one at a time, and as pairs on a command line
        (cell,) = asked([one]).values()
        pairs = asked([f"{key}={value}" for key, value in one.items()])
        assert ROW.content(cell) == ROW.content(pairs[one["pot"]]) == digests[one["pot"]]
    emptied = [ROWS[0], ROWS[1] | {"clay": ""}, ROWS[2]]
    found = asked(emptied)
    assert [name for name in want if ROW.content(found[name]) != digests[name]] == ["a2"]
    assert ROW.text(want["a1"]) == "length=30, clay=red, code=007, day=2024-03-31, note=x, y"


def test_standard_input_is_a_table(monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.StringIO(csv(ROWS, [n for n in ROWS[0] if n != "pot"])))
    assert list(asked("-")) == ["line 2", "line 3", "line 4"]


def test_what_is_odd_is_said(tmp_path: Path):
    odd = [
        ROWS[0] | {"clay": "purple", "length": "long", "kind": "bowl", "extra": 1},
        ROWS[1] | {"clay": "purple", "extra": 2},
        ROWS[2] | {"clay": "Red", "day": "soon", "extra": 3},
    ]
    (tmp_path / "one.csv").write_text(csv(odd) + "ragged,1\n")
    (tmp_path / "two.csv").write_text(csv(odd[:1]))
    heard = Watcher()
    found = asked([tmp_path / "one.csv", tmp_path / "two.csv"], heard=heard)
    assert found[f"{tmp_path / 'one.csv'}:5"].code == "ragged"
    assert [found[name].values[1] for name in ("a1", "a2", "a3")] == ["purple", "purple", "Red"]
    assert all(found[name].values[0] != found[name].values[0] for name in ("a1", "a2"))
    assert heard.sentences[0].endswith(": kind, extra") and "pot" not in heard.sentences[0]
    text = "\n".join(heard.sentences)
    assert len(heard.sentences) == 1 + 3 + 2, text
    for part in ("'purple'", ": 3.", "'Red'", "'7'", "length: cells taken", "'long'", "'soon'"):
        assert part in text
    heard = Watcher()
    (cell,) = asked(["clay=red", "length=30"], heard=heard).values()
    assert cell.values[:2] == (30.0, "red") and cell.values[2] is None
    (said,) = heard.sentences
    assert said.endswith("code, day, note")


MISTAKES = [
    (pd.DataFrame(ROWS).drop(columns="clay"), "missing-column", "clay"),
    (pd.DataFrame(ROWS).rename(columns={"length": "lenght"}), "missing-column", "lenght -> length"),
    ([{"length": 3}], "missing-column", "clay, code, day, note"),
    (["lenght=3"], "unknown-column", "'length'"),
    (["length=3", "length=4"], "unknown-column", "twice"),
    (
        pd.DataFrame([[1] * 6], columns=["length", *FIELDS]),
        "missing-column",
        "-> length",
    ),
    ([], "no-input", ""),
]


@pytest.mark.parametrize(("source", "code", "named"), MISTAKES)
def test_a_wrong_column_is_refused_by_name(source, code, named):
    with pytest.raises(UsageError) as caught:
        asked(source)
    assert caught.value.code == code and named in f"{caught.value.message} {caught.value.fix}"


def test_a_file_that_cannot_be_read_stops_no_other(tmp_path: Path):
    (tmp_path / "bad.parquet").write_bytes(b"PAR1 nothing")
    (tmp_path / "good.csv").write_text(csv(ROWS))
    found = asked([tmp_path / "bad.parquet", tmp_path / "good.csv", str(tmp_path / "no.csv")])
    codes = [cell.code for cell in found.values() if isinstance(cell, Problem)]
    assert codes == ["bad-manifest", "missing-file"] and len(found) == 5
    with pytest.raises(TenfoldError):
        list(ROW.table(b"PAR1 nothing", READING))


def test_a_long_table_is_read_lazily(tmp_path: Path):
    path = tmp_path / "long.csv"
    with path.open("w") as file:
        file.write(csv(ROWS[:1]))
        file.write("\n".join(csv(ROWS).splitlines()[1:] * 2000) + "\n")
    with listening(Watcher()):
        first = next(tables(DECLARED, path, READING))
        source = iter(ROW.rows(path, itertools.count(1), READING))
        assert len(first) == 256 and sum(1 for _ in source) == 6001


def learnt(frame, target="y", **values):
    """The reading of a labelled table."""
    with listening(Watcher()):
        return read.read(frame, Reading(target=target, **values)).reading


def cells(source, reading):
    with listening(Watcher()):
        return [cell.values for cell, _ in ROW.rows(source, itertools.count(1), reading)]


def test_truths_are_equal_from_every_format(tmp_path: Path):
    frame = pd.DataFrame({"flag": [True, False] * 20, "n": [1.5, 2.25] * 20, "y": ["a", "b"] * 20})
    low = frame.assign(flag=frame["flag"].astype(str).str.lower())
    frame.to_parquet(tmp_path / "a.parquet")
    frame.to_csv(tmp_path / "a.csv", index=False)
    low.to_csv(tmp_path / "low.csv", index=False)
    with sqlite3.connect(tmp_path / "a.db") as base:
        frame.to_sql("t", base, index=False)
    sources = [tmp_path / name for name in ("a.parquet", "a.csv", "low.csv", "a.db")]
    for one in sources:
        reading = learnt(one)
        want = cells(one, reading)
        assert want[0] != want[1]
        assert all(cells(source, reading) == want for source in (*sources, frame, low))


def test_names_are_those_of_training(tmp_path: Path):
    rows = [f"{at},{at * 3 % 7},{at * 5 % 11}" for at in range(30)]
    kinds = ["a", "b"] * 15
    (tmp_path / "twice.csv").write_text(
        "flow,flow,,y\n" + "\n".join(f"{one},{kind}" for one, kind in zip(rows, kinds, strict=True))
    )
    reading = learnt(tmp_path / "twice.csv")
    assert [one["name"] for one in reading.found["schema"]["columns"]] == [
        "flow (2)",
        "column 3",
    ]
    (tmp_path / "ask.csv").write_text("flow,flow,\n" + "\n".join(rows))
    assert cells(tmp_path / "ask.csv", reading) == cells(tmp_path / "twice.csv", reading)
    (tmp_path / "bare.csv").write_text(
        "\n".join(f"{at % 9}.5;{at * 5 % 11};word{at % 2}" for at in range(30))
    )
    reading = learnt(tmp_path / "bare.csv", target="3")
    frame = pd.read_csv(tmp_path / "bare.csv", sep=";", header=None, names=["1", "2", "3"])
    want = cells(tmp_path / "bare.csv", reading)
    assert len(want) == 30 and cells(frame[["2", "1"]], reading) == want
    grouped = Reading(found={"schema": TableSchema((LENGTH,)).to_json()})
    assert cells([{"Size  length": "3"}], grouped) == cells([{"LENGTH": "3"}], grouped) == [(3.0,)]
    with pytest.raises(UsageError, match="lacks"):
        cells([{"Size length": "3", "length": "4", "LENGTH": 5}], grouped)


LENGTH = TableColumn("Length", "number", more={"also": ["size length"]})


def test_fields_totals_and_sources_are_read_as_in_training(tmp_path: Path):
    frame = pd.DataFrame(
        {
            "box": [{"wide": at * 1.5, "high": at % 3} for at in range(2000)],
            "source": ["north", "south"] * 1000,
            "y": ["a", "b"] * 1000,
        }
    )
    frame.loc[:1499, "box"] = None
    frame.to_parquet(tmp_path / "nested.parquet")
    reading = learnt(tmp_path / "nested.parquet")
    found = cells(tmp_path / "nested.parquet", reading)
    assert len(found) == 2000 and {"south", 1500 * 1.5, 0.0} == {*found[1499][2:], *found[1500][:2]}
    assert found[0][0] != found[0][0] and cells(frame, reading)[1500] == found[1500]
    lines = [f"{at},{at * 3 % 5}.5" for at in range(1, 26)]
    path = tmp_path / "asked.csv"
    path.write_text("\n".join(["k,n,m", *(f"x,{one}" for one in lines), "k,n,m", "Total,,"]))
    reading = Reading(
        found={"schema": TableSchema((TableColumn("n", "number"),)).to_json(), "target": "y"}
    )
    heard = Watcher()
    with listening(heard):
        rows = list(ROW.rows(path, itertools.count(1), reading))
    assert len(rows) == 25
    text = "\n".join(heard.sentences)
    assert ": 27" in text and ": 28" in text
