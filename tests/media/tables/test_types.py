"""Types and notation of the columns of a table, over the writings that people use."""

from __future__ import annotations

import datetime
import decimal
import math
import random
from collections.abc import Sequence
from typing import Any

import pandas as pd
import pytest

from tenfold.core.errors import UsageError
from tenfold.media.tables.columns.codes import naming_column
from tenfold.media.tables.schema import TableSchema
from tenfold.media.tables.types import (
    Decided,
    cells_of,
    decide,
    number_column,
    odd_cells,
    values,
)

NAN = math.nan
N = 60


def filled(*cells: Any, rows: int = N) -> list[Any]:
    """Cells repeated to a column of `rows` cells, in another order than that of numbers."""
    return [cells[at * 7 % len(cells)] for at in range(rows)]


MEASURED = [f"{(at * 37 % 101) / 4:.2f}" for at in range(N)]


def one(cells: Sequence[Any], name: str = "x", **more: Any) -> tuple[str, list[Any]]:
    """The type and values of one column beside measurements with decimal points."""
    table = {name: cells, "other": [*MEASURED, *["1.5"] * len(cells)][: len(cells)]}
    found = decide(table, **more)
    for left, _ in found.left:
        if left == name:
            return "left", []
    at = found.schema.names.index(name)
    return found.schema.columns[at].type, values(found.schema, table)[at]


def left(found: Decided) -> dict[str, str]:
    return {name: why.template for name, why in found.left}


def same(one: Sequence[Any], other: Sequence[Any]) -> bool:
    return len(one) == len(other) and all(
        a == b or (a != a and b != b) for a, b in zip(one, other, strict=True)
    )


POINT_NUMBERS = [
    ("1234.5", "1,234.5", "$1,234.50", "1 234.5", "1’234.5", "1\u202f234.5", "１２３４.５"),
    ("-35", "(35.00)", "−35", "- 35", "-35.0", "35.00-", "(€35)", "-€35", "€-35", "–35"),
    ("1234567", "12,34,567", "1,234,567", "1 234 567", "1'234'567", "1.234567e6", "₹12,34,567"),
    ("12.5", "12.5 %", "12.5%", "% 12.5", "12.50", "+12.5", "1.25E1", "12.5 EUR", "EUR12.5"),
    ("0.5", ".5", "0.50", "5e-1", "0.5 kg", "0.5 °C", "٠.٥", "US$0.5", "0.5元"),
]
WORDS_NOT_NUMBERS = ("1,5", "1.2.3", "12,34", "1,23,4", "1_000", "0x1F", "5A", "$", "1 2", "--3")


def test_one_number_in_the_writings_of_the_world():
    """A point in the file: every writing has the same value; with a comma the twin has it."""
    for first, *others in POINT_NUMBERS:
        texts = [first, *others]
        found = number_column(texts).column
        assert same(found.tolist(), [float(first)] * len(texts)), list(
            zip(texts, found, strict=True)
        )
        swapped = [text.translate(str.maketrans(".,", ",.")) for text in texts]
        comma = number_column(swapped, ",").column.tolist()
        assert same(comma, [float(first)] * len(texts)), list(zip(swapped, comma, strict=True))
    assert number_column(WORDS_NOT_NUMBERS).numbers.sum() == 0
    endless = number_column(["1e400", "-inf", "Infinity", "-1e999", "∞"])
    assert endless.endless.all() and not endless.numbers.any()


def test_one_notation_a_file_decided_from_all_columns():
    """1.040 is read as the other columns show, never alone; a cell that does not fit is missing."""
    open_ = filled("1.040", "7.125", "3.500")
    german = decide({"a": open_, "b": filled("1.234,50", "0,125", "7,5")})
    english = decide({"a": open_, "b": filled("1,234.50", "0.125", "7.5")})
    alone = decide({"a": open_})
    assert [one.schema.decimal for one in (german, english, alone)] == [",", ".", "."]
    assert values(german.schema, {"a": ["1.040"], "b": ["1.234,50"]}) == [[1040.0], [1234.5]]
    assert values(english.schema, {"a": ["1.040"], "b": ["1,234.50"]}) == [[1.04], [1234.5]]
    (note,) = german.notes
    assert (note.values["decimal"], note.values["clear"], note.values["open"]) == (",", 60, 60)
    assert [one.values["open"] for one in alone.notes] == [60]
    beside = decide({"a": open_}, beside={"target": filled("1,5", "2,25")})
    assert beside.schema.decimal == "," and beside.schema.names == ("a",)
    odd = decide({"a": [*(f"{at}.25" for at in range(99)), "1,5"]})
    assert odd.schema.columns[0].missing == ("1,5",)
    assert math.isnan(values(odd.schema, {"a": ["1,5"]})[0][0])
    for marks, cell, expected in (("'", "1'040", 1040.0), (" ", "1 040", 1040.0)):
        found = decide({"a": filled(cell, "2.5")})
        assert found.schema.thousands == marks and values(found.schema, {"a": [cell]}) == [
            [expected]
        ]


def test_units_are_removed_and_counted():
    cells = {
        "money": filled("$1.50", "$ 20", "$3"),
        "share": filled("12 %", "7.5%", "30"),
        "mixed": [*filled("$1.50", "$20"), *["€7"] * 5],
        "length": filled("5 cm", "7.5 cm", "8cm"),
    }
    cells = {name: (column + column)[: N + 5] for name, column in cells.items()}
    found = decide(cells)
    assert {one.name: (one.type, one.unit) for one in found.schema.columns} == {
        "money": ("number", "$"),
        "share": ("number", "%"),
        "mixed": ("number", ""),
        "length": ("number", "cm"),
    }
    notes = {note.values["column"]: note for note in found.notes if "column" in note.values}
    assert notes["mixed"].values["units"] == "$ 60, € 5"
    assert (notes["share"].values["count"], notes["share"].values["bare"]) == (44, 21)
    assert values(found.schema, {name: ["7"] for name in cells}) == [[7.0]] * 4


def test_marks_for_missing_of_each_column():
    marks = ["?", "-", "n/a", "NULL", "nan", ".", "--", "none", "无", "", "   ", "#N/A", "NA", "—"]
    cells = [*MEASURED * 2, *marks]
    found = decide({"x": cells})
    column = values(found.schema, {"x": cells})[0]
    assert found.schema.columns[0].type == "number" and sum(map(math.isnan, column)) == len(marks)
    (note,) = found.notes
    assert (note.values["empty"], note.values["blanks"], note.values["count"]) == (1, 1, len(marks))
    for words, missing in (
        (("red", "blue", "?"), {"?"}),
        (("red", "blue", "None"), set()),
        (("red", "blue", "unknown"), set()),
        (("+", "-"), set()),
        (("red", "blue", "-", "NULL", "n/a"), {"-", "NULL", "n/a"}),
        (("US", "DE", "NA", "FR"), set()),
        (("red", "blue", "NA"), {"NA"}),
        (("yes", "?"), {"?"}),
    ):
        found = decide({"x": filled(*words)})
        assert set(found.schema.columns[0].missing) == missing, words
        kept = {"None", "unknown", "NA", "-"} & set(words) - missing
        stated = {note.values["word"] for note in found.notes if "word" in note.values}
        assert stated == kept, words
    schema = decide({"x": filled("red", "blue")}).schema
    assert values(schema, {"x": ["?", None, "NULL", "", "red", NAN]})[0][4] == "red"
    assert values(schema, {"x": ["?", None, "NULL", "", "red", NAN]})[0].count(None) == 5


def test_numbers_that_are_not_finite_are_listed_with_their_lines():
    cells = [*MEASURED, "inf", "1e400", "-Infinity"]
    found = decide({"x": cells}, lines=range(2, 65))
    (note,) = found.notes
    assert (note.values["count"], note.values["lines"]) == (3, "62, 63, 64")
    assert odd_cells(found.schema, {"x": cells}) == [
        ("x", 60, "inf"),
        ("x", 61, "1e400"),
        ("x", 62, "-Infinity"),
    ]
    typed = [*map(float, MEASURED), math.inf, math.nan, 1e300]
    column = values(decide({"x": typed}).schema, {"x": typed})[0]
    assert [at for at, value in enumerate(column) if math.isnan(value)] == [60, 61]


def test_a_number_far_from_all_others_is_stated_and_can_be_missing():
    rest = [str(31 + at % 47) for at in range(100)]
    for mark, far in (("999", True), ("-1", True), ("9999", True), ("85", False), ("0", True)):
        cells = [*rest, *[mark] * 10]
        found = decide({"x": cells})
        stated = [note.values for note in found.notes if "low" in note.values]
        assert bool(stated) == far, mark
        column = values(found.schema, {"x": cells})[0]
        assert column.count(float(mark)) == 10, "it stays a value"
        if far:
            assert (stated[0]["value"], stated[0]["count"]) == (mark, 10)
            told = decide({"x": cells}, missing={"x": [mark]})
            column = values(told.schema, {"x": [mark, "40"]})[0]
            assert math.isnan(column[0]) and column[1] == 40.0 and not told.schema.columns[0].unit


def test_codes_are_not_numbers():
    shuffled = random.Random(0).sample(range(10**11, 10**11 + 10**9), N)
    for cells, expected in (
        (filled("7", "07", "007", "12"), "category"),
        (filled("01", "02", "10"), "category"),
        (filled("1.1", "1.2", "1.10"), "category"),
        (filled("401234567890124877", "401234567890124876", "7"), "category"),
        ([str(401234567890124877 + at) for at in range(N)], "left"),
        ([401234567890124877 + at * 3 for at in range(N)], "left"),
        ([f"{at * 7 % N:05}" for at in range(N)], "left"),
        (list(map(str, shuffled)), "left"),
        (filled("0.5", "1.50", "1.5", "2"), "number"),
        (filled("5", "5.00", "7"), "number"),
        (filled("0", "1", "10"), "number"),
        (filled("00.5", "1.5", "2.25"), "number"),
        ([str(45_000 + at * 811 % 7919) for at in range(N)], "number"),
        ([str(1_600_000_000 + at * 7919) for at in range(N)], "number"),
        (filled("1", "2", "3"), "number"),
    ):
        kind, found = one(cells)
        assert kind == expected, cells[:4]
        if kind == "category":
            assert found == cells
    given = one(filled("7", "07", "12"), types={"x": "number"})
    assert given == ("number", filled(7.0, 7.0, 12.0))


def test_columns_that_are_not_used_are_named():
    rows = range(1, N + 1)
    found = decide(
        {
            "": list(map(str, range(N))),
            "Unnamed: 0": [at * 3 for at in range(N)],
            "no": list(rows),
            "row no": [*range(1, 31), *range(1, 31)],
            "parcel": [f"P{at:05}" for at in rows],
            "uuid": [f"{at * 7919 % 65536:04x}-{at:04x}" for at in rows],
            "customer_id": [str(5000 + at * 7 % 997) for at in rows],
            "shuffled": [at * 7 % 61 for at in rows],
            "site": ["north"] * N,
            "empty": ["", " ", "?"] * 20,
            "fixed": ["5"] * N,
            "price": [f"{at * 7919 % 1000 / 7:.4f}" for at in rows],
            "size": [str(at * at + 13) for at in rows],
            "when": [str(datetime.date(2020, 1, 1) + datetime.timedelta(at * 5)) for at in rows],
            "year": list(map(str, range(1950, 1950 + N))),
        }
    )
    assert found.schema.names == ("price", "size", "when", "year")
    assert len(found.left) == 11 and all(why.values["count"] == N for _, why in found.left)
    kinds = left(found)
    assert kinds[""] == kinds["Unnamed: 0"] == kinds["no"] == kinds["row no"] != kinds["parcel"]
    assert kinds["parcel"] == kinds["uuid"] == kinds["customer_id"] == kinds["shuffled"]
    assert kinds["site"] == kinds["fixed"]
    given = decide({"no": list(rows), "site": ["a"] * N}, types={"no": "number"})
    assert given.schema.names == ("no",) and list(left(given)) == ["site"]


def test_words_are_categories_and_prose_is_text():
    sentences = [f"the {at} parcel was late and the box was damaged" for at in range(N)]
    names = [f"{'abcdefgh'[at % 8] * (1 + at % 9)} {'klmnop'[at % 6] * at}ski" for at in range(N)]
    chinese = [f"第{at}次配送很慢而且包装已经损坏" for at in range(N)]
    for cells, expected in (
        (filled("ja", "nein"), "category"),
        (filled("是", "否"), "category"),
        (filled("x", ""), "category"),
        (filled("1", ""), "category"),
        (filled(True, False), "category"),
        (filled("S", "M", "38", "40"), "category"),
        ([*filled("38", "40"), *["XL"] * 20], "category"),
        ([*map(str, range(0, 1000, 3)), "many"], "number"),
        (sentences, "text"),
        (chinese, "text"),
        (filled("north of the old river bridge", "south"), "category"),
        ([f"Mary{at} Smith" for at in range(N)], "left"),
        (names, "text"),
        ([f"user{at}" for at in range(N)], "left"),
    ):
        assert one(cells)[0] == expected, cells[:3]
    assert one(filled("1", "2", "3"), types={"x": "category"}) == (
        "category",
        filled("1", "2", "3"),
    )
    with pytest.raises(UsageError) as error:
        decide({"x": ["1"]}, types={"x": "numbers"})
    assert error.value.code == "unknown-type"


def test_words_among_numbers_are_counted():
    sizes = [*map(str, range(50)), *["XL"] * 9, "tall"]
    found = decide({"x": sizes, "y": sizes, "z": filled("S", "M", "38"), "w": [*sizes[:-10], "XL"]},
                   types={"y": "number"})  # fmt: skip
    assert [one.type for one in found.schema.columns] == [
        "category",
        "number",
        "category",
        "number",
    ]
    mixed = [str(one) for one in found.notes if "--types" in str(one)]
    assert len(mixed) == 1 and mixed[0].startswith("x: 50 cells")
    assert all(word in mixed[0] for word in (" 10 ", "'XL' 9, 'tall' 1"))


def test_one_order_of_day_and_month_a_file():
    """Columns without evidence follow those that have it; without any it is asked back."""
    clear, open_ = (
        filled("13/01/2024", "02/03/2024 17:20", "25/12/2023"),
        filled("03/04/2024", "01/02/2024"),
    )
    found = decide({"a": open_, "b": clear})
    assert found.schema.dates == "day-first"
    assert (found.notes[0].values["clear"], found.notes[0].values["open"]) == (40, 80)
    seconds = values(found.schema, {"a": ["03/04/2024", "April 3, 2024"], "b": ["2024-04-03"] * 2})
    assert seconds[0][0] == seconds[1][0] == 1712102400.0, "ISO 8601 has no other reading"
    assert math.isnan(seconds[0][1]), "in the forms of the run"
    codes = decide({"code": filled("7", "07", "007"), "same": filled("7", "7.0", "7.00")})
    assert [(one.name, one.type) for one in codes.schema.columns] == [("code", "category")]
    assert decide({"a": open_}, dates="month-first").schema.dates == "month-first"
    for table in ({"a": open_}, {"a": clear, "b": filled("01/13/2024", "12/25/2023")}):
        with pytest.raises(UsageError) as error:
            decide(table)
        assert error.value.code == "two-readings"


def test_dates_in_several_forms_and_types():
    day = datetime.date(2024, 5, 31)
    moment = datetime.datetime(2024, 5, 31, 16, 5)
    zone = datetime.timezone(datetime.timedelta(hours=2))
    given = {"types": {"x": "date"}}
    may, later = 1717113600.0, 1717171500.0
    for cell, other, more, expected in (
        ("2024-05-31", "2024-01-02", {}, may),
        ("31.05.2024", "13.01.2024", {}, may),
        ("31 May 2024", "1 Jan 2024", {}, may),
        ("20240531", "20240115", {}, may),
        (20240531, 20240115, {}, may),
        ("2024年5月31日", "2024年1月1日", {}, may),
        (day, datetime.date(2024, 1, 2), {}, may),
        (pd.Timestamp(day), pd.Timestamp(moment), {}, may),
        (moment, datetime.datetime(2024, 1, 2), {}, later),
        ("2024-05-31T18:05:00+02:00", "2024-01-02T00:00:00Z", {}, later),
        (moment.replace(hour=18, tzinfo=zone), moment.replace(tzinfo=zone), {}, later),
        ("16:05", "5:30 pm", {}, 57900.0),
        ("45443", "45000", given, may),
        (1717171500, 1717171000, given, later),
        ("1717171500000", "1717171000000", given, later),
        ("2024", "1999", given, 1704067200.0),
    ):
        kind, found = one(filled(cell, other), **more)
        assert (kind, found[0]) == ("date", expected), cell
    assert one(filled("x", "y"), types={"x": "date"})[0] == "left"
    mixed = [*filled("2024-05-31", "2024-01-02"), *filled("31/05/2024", "13/01/2024"), "soon"]
    schema = decide({"x": mixed}).schema
    assert schema.columns[0].more["forms"] == ["year-first", "numbers"]
    assert schema.columns[0].missing == ("soon",)
    both = values(schema, {"x": ["2024-05-31", "31/05/2024", "soon"]})[0]
    assert both[:2] == [1717113600.0] * 2 and math.isnan(both[2])


def test_values_do_not_depend_on_the_format_or_the_other_cells():
    """Texts, integers, floats with gaps and decimals of one table have the same values."""
    rows = random.Random(1)
    numbers = [round(rows.gauss(0, 100), 4) for _ in range(N)]
    classes = [rows.choice([1, 2, 4]) for _ in range(N)]
    truths = [rows.random() < 0.5 for _ in range(N)]
    start = datetime.datetime(2024, 1, 1)
    days = [start + datetime.timedelta(hours=rows.randrange(9000)) for _ in range(N)]
    texts = {
        "n": [f"{one:.4f}" for one in numbers],
        "c": list(map(str, classes)),
        "t": list(map(str, truths)),
        "d": list(map(str, days)),
    }
    typed = {"n": numbers, "c": classes, "t": truths, "d": days}
    frame = pd.DataFrame(typed)
    exact = [decimal.Decimal(one) for one in texts["n"]]
    gaps = {**typed, "n": exact, "c": pd.Series(classes).astype(float)}
    types = {"c": "category"}
    schema = decide(texts, types=types).schema
    expected = values(schema, texts)
    assert expected[1] == list(map(str, classes)) and expected[2] == list(map(str, truths))
    for table in (typed, frame, gaps, frame.convert_dtypes()):
        columns = {name: table[name] for name in texts}
        assert values(decide(columns, types=types).schema, columns) == expected
        assert values(schema, columns) == expected
    for row in range(5):
        alone = values(schema, {name: [cells[row]] for name, cells in texts.items()})
        assert alone == [[column[row]] for column in expected]
    upper = decide({"t": [one.upper() for one in texts["t"]]}).schema
    assert values(upper, {"t": [True, "true", "FALSE"]}) == [["TRUE", "TRUE", "FALSE"]]
    assert TableSchema.of_json(schema.to_json()) == schema


def test_rows_are_named_by_filled_cells_that_differ():
    names = [f"p{at}" for at in range(40)]
    columns = {
        "none": [None] * 40,
        "numbers": list(range(1, 41)),
        "twice": [*names[:39], "p0"],
        "half": [*names[:20], *[None] * 20],
        "pot": [*names[:39], None],  # a row that cannot be read
        "more": names,
    }
    cells = {name: cells_of(column) for name, column in columns.items()}
    assert naming_column(cells, ["gone", *columns]) == "pot"
    assert naming_column(cells, ["none", "numbers", "twice", "half"]) == ""
