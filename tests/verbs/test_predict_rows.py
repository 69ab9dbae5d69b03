"""Answers of rows of a table in files: the asked columns as they stand, before the answer."""

import csv
import json
from pathlib import Path

import pyarrow.parquet
import pytest
import served
from learning import watching

import tenfold
from tenfold.core.columns import Problem
from tenfold.core.errors import UsageError
from tenfold.media.input import Input
from tenfold.media.tables.schema import TableColumn, TableSchema
from tenfold.run.run import Run

SCHEMA = TableSchema((TableColumn("size", "number"), TableColumn("code", "category")))
FIELDS = {"size": Input("number"), "code": Input("category", ("007",))}
BIG = "123456789012345678"
TABLE = f"""id,size,code,label,note,note
a,1.50,007,x,=1+1,one
a,-3,{BIG},,@go,two
ragged
b,,007,y,"-1,5",three
"""


@pytest.fixture
def run(tmp_path: Path) -> Run:
    task = served.Echo((("row", Input("row", fields=FIELDS)),))
    reading = {"found": {"schema": SCHEMA.to_json(), "identifier": "id"}}
    return Run(tmp_path / "run", task, {"reading": reading}, lambda columns: {}, digest="0" * 64)


def test_asked_columns_stand_before_the_answer(run: Run, tmp_path: Path):
    table = tmp_path / "ask.csv"
    table.write_text(TABLE)
    paths = [tmp_path / f"out.{end}" for end in ("csv", "jsonl", "parquet")]
    for path in [*paths, *paths]:  # and replaced, as an earlier output
        answers = list(tenfold.predict(run, table, out=path))
        assert [one.source for one in answers] == ["a", "a", f"{table}:4", "b"]
        assert isinstance(answers[2].answer, Problem)
    with paths[0].open(encoding="utf-8-sig", newline="") as file:
        head, *rows = csv.reader(file)
    names = ["id", "size", "code", "label (asked)", "note (1)", "note (2)"]
    assert head == ["source", *names, "label", "error"]
    assert rows[0][1:7] == ["a", "1.50", "007", "x", "'=1+1", "one"]
    assert rows[1][1:7] == ["a", "-3", BIG, "", "'@go", "two"]
    assert rows[2][1:8] == [""] * 7 and rows[2][8] and rows[3][5] == "-1,5"
    lines = [json.loads(line) for line in paths[1].read_text("utf-8").splitlines()]
    assert lines[1]["asked"]["code"] == BIG and lines[0]["asked"]["note (1)"] == "=1+1"
    assert "asked" not in lines[2] and list(lines[0])[:2] == ["source", "asked"]
    found = pyarrow.parquet.read_table(paths[2])
    assert found.column_names == head and found["code"].to_pylist() == ["007", BIG, "", "007"]
    assert found["label"].to_pylist() == [row[7] or None for row in rows]


def test_a_file_of_another_command_is_kept(run: Run, tmp_path: Path):
    table = tmp_path / "ask.csv"
    table.write_text(TABLE)
    for name, content in (("x.csv", b"source,size\na,1\n"), ("x.parquet", b"PAR1 other")):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(UsageError) as caught:
            tenfold.predict(run, table, out=tmp_path / name)
        assert caught.value.code == "output-exists"


def test_files_with_other_columns_keep_those_of_the_first(run: Run, tmp_path: Path):
    (tmp_path / "1.csv").write_text("size,code\n1,007\n")
    (tmp_path / "2.csv").write_text("code,more,size\n8,x,2\n")
    out = tmp_path / "out.csv"
    with watching() as heard:
        list(tenfold.predict(run, [tmp_path / "1.csv", tmp_path / "2.csv"], csv=out))
    rows = list(csv.reader(out.open(encoding="utf-8-sig", newline="")))
    assert rows[0] == ["source", "size", "code", "label", "error"]
    assert [row[1:3] for row in rows[1:]] == [["1", "007"], ["2", "8"]]
    assert sum("more" in one for one in heard.sentences) == 2 and heard.told("'8'")
