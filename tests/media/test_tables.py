"""Tables as people write them: dialects, title lines, JSON shapes, spreadsheets, databases."""

import datetime
import gzip
import json
import sqlite3
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow as pa
import pytest

from tenfold.core.errors import DataRefused, UsageError
from tenfold.media.files import references
from tenfold.media.files.records import RecordTable, table_of
from tenfold.media.reading import AS_FOUND, Reading

NAMES = {"text", "label", "category", "path"}


def known(name: str) -> bool:
    return name.strip().lower() in NAMES


def read(path: Path, content: Any = None, reading: Reading = AS_FOUND) -> RecordTable:
    if content is not None:
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return table_of(references.file_cell(path), path.name, known, reading)


def rows(table: RecordTable) -> list[list[Any]]:
    return [one.cells for one in table.records if one.problem is None]


ROWS = [["1,5", "good"], ["2,5", "bad"]]
WRITTEN = [  # name, content, names, rows
    ("sep.csv", "sep=;\nprice;label\n1,5;good\n2,5;bad\n", ["price", "label"], ROWS),
    ("quoted.csv", '"sep=;"\nprice;label\n1,5;good\n2,5;bad\n', ["price", "label"], ROWS),
    ("decimal.csv", "price;label\n1,5;good\n2,5;bad\n", ["price", "label"], ROWS),
    ("pipe.txt", "price|label\n1,5|good\n2,5|bad\n", ["price", "label"], ROWS),
    ("title.csv", "Survey, May\n\nprice;label\n1,5;good\n2,5;bad\n", ["price", "label"], ROWS),
    ("wide.csv", "Survey;\n;\nprice;label\n1,5;good\n2,5;bad\n", ["price", "label"], ROWS),
    ("tail.csv", "price;label;\n1,5;good;\n2,5;bad;\n", ["price", "label"], ROWS),
    ("none.csv", "1,5;good\n2,5;bad\n1,5;good\n", ["1", "2"], [*ROWS, ROWS[0]]),
    ("own.tsv", "wert\tart\n1,5\tgood\n2,5\tbad\n", ["wert", "art"], ROWS),
    ("space.csv", '"price"; "label"\n"1,5"; "good"\n"2,5"; "bad"\n', ["price", "label"], ROWS),
    ("back.csv", 'text,label\n"say \\"hi\\", you",y\nb,x\n',
     ["text", "label"], [['say "hi", you', "y"], ["b", "x"]]),
    ("lines.csv", 'text,label\n"a\n\nb",x\nc,y\n',
     ["text", "label"], [["a\n\nb", "x"], ["c", "y"]]),
    ("alone.csv", "text\nhello\nyou, there\n", ["text"], [["hello"], ["you, there"]]),
    ("array.json", '[{"text":"a","label":"b"}]', ["text", "label"], [["a", "b"]]),
    ("wrapped.json", '{"data":[{"text":"a","label":"b"}]}', ["text", "label"], [["a", "b"]]),
    ("told.json", '{\n"version": 1,\n"rows": [{"text":"a"}],\n"tags": []}', ["text"], [["a"]]),
    ("keyed.json", '{"text":{"0":"a","1":"c"},"label":{"0":"b","1":"d"}}',
     ["text", "label"], [["a", "b"], ["c", "d"]]),
    ("lists.json", '{"text":["a","c"],"label":["b","d"]}',
     ["text", "label"], [["a", "b"], ["c", "d"]]),
    ("split.json", '{"columns":["text","label"],"data":[["a","b"]]}',
     ["text", "label"], [["a", "b"]]),
    ("grid.json", '[["text","label"],["a","b"]]', ["text", "label"], [["a", "b"]]),
    ("lines.txt", '{"text":"a","label":"b"}\n{"text":"c"}\n',
     ["text", "label"], [["a", "b"], ["c", None]]),
]  # fmt: skip


def test_tables_are_read_as_they_are_written(tmp_path: Path):
    wrong = []
    for name, content, names, wanted in WRITTEN:
        table = read(tmp_path / name, content)
        if (table.names, found := rows(table)) != (names, wanted):
            wrong.append((name, table.names, found))
        packed = read(tmp_path / f"{name}.gz", gzip.compress(content.encode()))
        if (packed.names, rows(packed)) != (names, wanted):
            wrong.append((f"{name}.gz", packed.names))
    assert not wrong


def test_title_lines_are_left_out_and_said(tmp_path: Path):
    table = read(tmp_path / "a.csv", "Survey of May\n\ntext,n,category\nfoo,1,a\nbar,2,b\n")
    assert table.above == ["Survey of May"] and table.head[0].line == 4
    assert len(table.notes) == 1 and "Survey of May" in table.notes[0]
    assert not read(tmp_path / "b.csv", "text,label\na,b\n").notes


def test_two_separators_that_fit_alike_are_asked_back(tmp_path: Path):
    with pytest.raises(UsageError) as asked:
        read(tmp_path / "a.csv", "x,y;z\na,b;c\n")
    assert asked.value.code == "two-readings" and asked.value.exit_code == 2
    assert "a,b | c" in asked.value.message and "--separator semicolon" in asked.value.fix
    for word, cells in (("semicolon", ["a,b", "c"]), (",", ["a", "b;c"])):
        assert rows(read(tmp_path / "a.csv", None, Reading(separator=word)))[-1] == cells


def test_the_header_is_as_given(tmp_path: Path):
    content = "a,b\nc,d\ne,f\n"
    assert read(tmp_path / "a.csv", content).names == ["1", "2"]
    given = read(tmp_path / "a.csv", None, Reading(header="yes"))
    assert given.names == ["a", "b"] and len(rows(given)) == 2
    kept = read(tmp_path / "b.csv", "text,label\na,b\n", Reading(header="no"))
    assert kept.names == ["1", "2"] and len(rows(kept)) == 2


def test_running_text_is_no_table(tmp_path: Path):
    for text in (
        "Good day, sir\nBad night, lady\nHello, you\n",
        "one; two\nthree; four\nfive; six\n",
    ):
        table = read(tmp_path / "a.txt", text)
        assert table.names == ["1"] and rows(table) == [[line] for line in text.splitlines()]


def test_json_without_rows_is_refused_in_one_line(tmp_path: Path):
    for content in (
        '{"a": {"b": [1, 2]}, "c": [3]}',
        '{"a": [{"x": 1}], "b": [{"y": 2}]}',
        '{"a": ',
    ):
        with pytest.raises(DataRefused) as refused:
            read(tmp_path / "a.json", content)
        assert refused.value.code == "bad-json" and len(refused.value.message) < 200
    found = read(tmp_path / "b.jsonl", '{"text":"a"}\n[1]\n{"text":\n{"text":"b"}\n')
    assert [one.problem and one.problem.code for one in found.records] == [
        None, "bad-json", "bad-json", None,
    ]  # fmt: skip


def test_arrow_files_and_streams(tmp_path: Path):
    table = pa.table({"text": ["a", "b"], "label": [1, 0]})
    for name, writer in (("a.arrow", pa.ipc.new_stream), ("a.feather", pa.ipc.new_file)):
        with writer(str(tmp_path / name), table.schema) as file:
            file.write_table(table)
        found = read(tmp_path / name)
        assert found.names == ["text", "label"] and rows(found) == [["a", 1], ["b", 0]]
    with pytest.raises(DataRefused, match=r"b\.parquet"):
        read(tmp_path / "b.parquet", b"PAR1" + bytes(40))


def workbook(path: Path, sheets: dict[str, list[list[Any]]], hidden: str = "") -> Path:
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, content in sheets.items():
        sheet = book.create_sheet(name)
        for row in content:
            sheet.append(row)
        sheet.sheet_state = "hidden" if name == hidden else "visible"
    book.save(path)
    return path


REVIEWS = [["text", "n", "label"], ["good", 1.0, True], ["bad", 2.5, datetime.date(2024, 3, 4)]]


def test_a_spreadsheet_is_a_table(tmp_path: Path):
    titled = [["Survey"], [], *REVIEWS]
    table = read(workbook(tmp_path / "a.xlsx", {"Notes": [["n"]], "May": titled}))
    assert table.names == REVIEWS[0] and table.above == ["Survey"]
    assert rows(table) == [["good", "1", "TRUE"], ["bad", "2.5", "2024-03-04"]]
    assert len(table.notes) == 1 and "May" in table.notes[0]


def test_hidden_sheets_count_only_where_given(tmp_path: Path):
    other = [["text", "label"], ["old", "x"]]
    path = workbook(tmp_path / "a.xlsx", {"May": REVIEWS, "Old": other}, hidden="Old")
    assert rows(read(path))[0][0] == "good"
    assert rows(read(path, None, Reading(table="Old"))) == [["old", "x"]]


def test_several_sheets_are_asked_back(tmp_path: Path):
    path = workbook(tmp_path / "a.xlsx", {"May": REVIEWS, "June": REVIEWS})
    with pytest.raises(UsageError) as asked:
        read(path)
    assert asked.value.code == "two-readings" and "--table" in asked.value.fix
    assert rows(read(path, None, Reading(table="June")))[0][0] == "good"
    with pytest.raises(UsageError) as missing:
        read(path, None, Reading(table="Jun"))
    assert missing.value.code == "missing-table" and "June" in missing.value.fix


def test_merged_cells_hold_in_each_row(tmp_path: Path):
    book = openpyxl.Workbook()
    for row in (["label", "text"], ["good", "a"], [None, "b"], ["bad", "c"]):
        book.active.append(row)
    book.active.merge_cells("A2:A3")
    book.save(tmp_path / "a.xlsx")
    assert [row[0] for row in rows(read(tmp_path / "a.xlsx"))] == ["good", "good", "bad"]


def test_a_damaged_spreadsheet_is_named(tmp_path: Path):
    whole = workbook(tmp_path / "a.xlsx", {"May": REVIEWS}).read_bytes()
    with pytest.raises(DataRefused) as refused:
        read(tmp_path / "b.xlsx", whole[: len(whole) // 2])
    assert refused.value.code == "bad-manifest" and "b.xlsx" in refused.value.message


def test_a_database_is_a_table(tmp_path: Path):
    base = sqlite3.connect(tmp_path / "a.db")
    base.execute("create table reviews (text, label)")
    base.executemany("insert into reviews values (?, ?)", [("a", 1), ("b", None)])
    base.execute('create table "the users" (id, age)')
    base.executemany('insert into "the users" values (?, ?)', [(1, 30), (2, 40)])
    base.commit()
    base.close()
    before = (tmp_path / "a.db").read_bytes()
    table = read(tmp_path / "a.db")
    assert table.names == ["text", "label"] and rows(table) == [["a", 1], ["b", None]]
    assert rows(read(tmp_path / "a.db", None, Reading(table="the users"))) == [[1, 30], [2, 40]]
    assert (tmp_path / "a.db").read_bytes() == before
    with pytest.raises(DataRefused):
        read(tmp_path / "b.db", b"SQLite format 3\0" + bytes(100))


def test_the_first_objects_name_the_columns(tmp_path: Path):
    lines = [json.dumps({"text": str(at)} | ({"label": "x"} if at else {})) for at in range(500)]
    table = read(tmp_path / "a.jsonl", "\n".join(lines))
    found = rows(table)
    assert table.names == ["text", "label"] and len(found) == 500 and found[-1] == ["499", "x"]
