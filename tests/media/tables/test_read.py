"""Labelled tables in every format and notation become the same rows of typed cells."""

import sqlite3
import zipfile

import numpy as np
import openpyxl
import pandas as pd
import pytest

from tenfold.core.errors import TenfoldError
from tenfold.media.reading import Reading
from tenfold.media.tables.read import read

WORDS, FIGURES = "learn-words", "learn-figures"


def table(count=60):
    random = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "size": random.normal(size=count).round(3),
            "floors": random.integers(0, 5, count).astype(float),
            "kind": random.choice(["hut", "barn", "mill"], count),
            "sold": random.choice([True, False], count),
            "built": pd.Timestamp("2024-01-01")
            + pd.to_timedelta(random.integers(0, 90, count), "D"),
            "class": random.choice(["p", "q"], count),
        }
    )
    frame.loc[3, "floors"], frame.loc[7, "kind"] = np.nan, None
    return frame


def taken(source, numeric=False, columns=None, **given):
    reading = Reading(columns=columns or {}, **given)
    return read(source, reading, numeric=numeric, other=WORDS if numeric else FIGURES)


def refused(source, numeric=False, columns=None, **given):
    with pytest.raises(TenfoldError) as caught:
        taken(source, numeric, columns, **given)
    return caught.value


def said(rows):
    return "\n".join(map(str, [rows.taken.line(), *rows.taken.notes]))


def inputs(rows):
    return [one["name"] for one in rows.reading.found["schema"]["columns"]]


def lines(path, *texts):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(texts) + "\n", encoding="utf-8")
    return path


# --- formats --------------------------------------------------------------------------------------


def test_one_table_in_every_format_gives_the_same_rows(tmp_path):
    frame = table()
    texts = frame.assign(built=frame["built"].astype(str))
    frame.to_csv(tmp_path / "a.csv", index=False)
    frame.to_csv(tmp_path / "b.csv.gz", index=False)
    frame.to_csv(tmp_path / "c.tsv", index=False, sep="\t")
    frame.to_csv(tmp_path / "d.csv", index=False, encoding="utf-16")
    frame.to_csv(tmp_path / "e.csv", index=False, sep=";", decimal=",", encoding="utf-8-sig")
    frame.to_parquet(tmp_path / "f.parquet")
    texts.to_json(tmp_path / "g.jsonl", orient="records", lines=True)
    with sqlite3.connect(tmp_path / "h.db") as base:
        texts.assign(sold=texts["sold"].astype(str)).to_sql("t", base, index=False)
    with zipfile.ZipFile(tmp_path / "i.zip", "w") as archive:
        archive.write(tmp_path / "a.csv", "inner/houses.csv")
    (tmp_path / "k").mkdir()
    frame.to_csv(tmp_path / "k" / "houses.csv", index=False)
    (tmp_path / "k" / "README.md").write_text("houses")
    first = taken(frame)
    cells = [one.values for one in first.table["row"]]
    assert len(cells) == 60 and cells[3][1] != cells[3][1] and cells[7][2] is None
    assert list(first.table["label"]) == list(frame["class"])
    for path in sorted(tmp_path.iterdir()):
        rows = taken(path)
        assert repr([one.values for one in rows.table["row"]]) == repr(cells), path.name
        assert list(rows.table["label"]) == list(frame["class"]), path.name
        assert rows.reading.found["target"] == "class", path.name
        assert rows.table["problem"].isna().all(), path.name
    assert taken(tmp_path / "a.csv").table["source"][1] == "a.csv:3"


def test_nested_columns_of_parquet_are_laid_out_or_named(tmp_path):
    frame = pd.DataFrame(
        {
            "box": [{"wide": at, "deep": {"low": at % 3}} for at in range(30)],
            "tags": [["red", "old"]] * 15 + [["new"]] * 15,
            "track": [[1.0, 2.0]] * 30,
            "y": ["a", "b"] * 15,
        }
    )
    frame.to_parquet(tmp_path / "n.parquet")
    rows = taken(tmp_path / "n.parquet")
    assert "track: holds lists" in said(rows)
    assert {"box.deep.low", "tags"} <= {*inputs(rows)} and "track" not in inputs(rows)
    assert [one.values for one in taken(frame).table["row"]] == [
        one.values for one in rows.table["row"]
    ]


def test_arff_with_quotes_sparse_rows_dates_and_comments(tmp_path):
    path = lines(
        tmp_path / "a.arff",
        "% a comment",
        "@RELATION 'bath houses'",
        "@attribute 'length, cm' real",
        "@attribute kind {hut, 'old mill', barn}",
        '@attribute seen date "dd.MM.yyyy"',
        "@attribute outcome {1, 2}",
        "@data",
        *("1.5,'old mill',03.04.2024,1", "?,hut,13.04.2024,2", "% none", "{0 2.5, 3 2}") * 8,
        "4.5,castle,01.01.2024,1",
        "1,2",
    )
    rows = taken(path)
    good = rows.table[rows.table["problem"].isna()]
    first, second, third = (one.values for one in good["row"][:3])
    assert first[:2] == (1.5, "old mill") and second[0] != second[0] and second[1] == "hut"
    assert third == (2.5, "hut", 0.0)
    assert first[2] == pd.Timestamp("2024-04-03").timestamp()
    assert list(good["label"][:3]) == ["1", "2", "2"] and len(good) == 24
    assert [(s, p.code) for s, p in rows.table[["source", "problem"]].values[24:]] == [
        ("a.arff:40", "bad-level"),
        ("a.arff:41", "ragged"),
    ]


def test_a_spreadsheet_with_two_header_rows_and_a_total(tmp_path):
    book = openpyxl.Workbook()
    book.active.title = "Notes"
    book.active.append(["written by hand"])
    book.active.append(["in May"])
    sheet = book.create_sheet("May")
    hidden = book.create_sheet("April")
    hidden.sheet_state = "hidden"
    for one in (sheet, hidden):
        for row in (["May"], [], [None, "Size", None, None], ["shift", "long", "wide", "mass g"]):
            one.append(row)
        one.merge_cells("B3:C3")
        for at in range(20):
            one.append(
                [
                    ("early", "late")[at > 9] if at % 10 == 0 else None,
                    at * 3 % 7,
                    at * at % 5,
                    at * at,
                ]
            )
        one.merge_cells("A5:A14")
        one.merge_cells("A15:A24")
        one.append([])
        one.append(["Total", None, None, 9999])
        one.append(["checked"])
    book.save(tmp_path / "m.xlsx")
    for target in ("mass g", "MASS G "):
        rows = taken(tmp_path / "m.xlsx", True, target=target)
        assert len(rows.table) == 20 and inputs(rows) == ["shift", "long", "wide"]
        assert [one.values[0] for one in rows.table["row"]] == ["early"] * 10 + ["late"] * 10
        assert all(word in said(rows) for word in ("m.xlsx:26", "m.xlsx:27", "'Notes', 'April'"))
    assert inputs(taken(tmp_path / "m.xlsx", True, target="Size long")) == [
        "shift",
        "wide",
        "mass g",
    ]


def test_several_sheets_that_fit_are_asked_back(tmp_path):
    book = openpyxl.Workbook()
    book.active.title = "May"
    for at, sheet in enumerate((book.active, book.create_sheet("June"))):
        for row in (["long", "wide", "back"], *([n * 7 % 11, n * 3 % 5, n % 2] for n in range(30))):
            sheet.append([one + at if isinstance(one, int) else one for one in row])
    book.save(tmp_path / "m.xlsx")
    error = refused(tmp_path / "m.xlsx", target="back")
    assert error.code == "two-readings" and error.exit_code == 2 and "--table" in str(error.fix)
    assert "May" in str(error.message) and "June" in str(error.message)
    for sheet, classes in (("May", {"0", "1"}), ("June", {"1", "2"})):
        rows = taken(tmp_path / "m.xlsx", target="back", table=sheet)
        assert {*rows.table["label"]} == classes and len(rows.table) == 30
        later = read(tmp_path / "m.xlsx", Reading.of_json(rows.reading.to_json()), other=FIGURES)
        assert {*later.table["label"]} == classes
    assert refused(tmp_path / "m.xlsx", target="back", table="Mai").code == "missing-table"


# --- columns and lines ----------------------------------------------------------------------------


def test_names_that_are_empty_or_stand_twice_are_free_and_printed(tmp_path):
    body = [f"{at % 9},{at % 7},{at % 5},{at % 3},{at * 0.5}" for at in range(30)]
    path = lines(tmp_path / "p.csv", ",flow,flow,flow (1),power", *body)
    rows = taken(path, True, target="POWER ")
    assert inputs(rows) == ["column 1", "flow (1) (2)", "flow (2)", "flow (1)"]
    assert all(repr(name) in said(rows) for name in inputs(rows)[:3])
    error = refused(path, True, target="flow")
    assert (error.code, error.exit_code) == ("two-readings", 2) and "2, 3" in str(error.message)
    for name in ("ignore", "types"):
        value = "flux" if name == "ignore" else "flux=number"
        error = refused(path, True, {name: value}, target="power")
        assert (error.code, error.exit_code) == ("missing-column", 2), name
    assert refused(path, True, {"types": "flow (2)=colour"}, target="power").code == "bad-setting"
    assert inputs(taken(path, True, {"ignore": "flow,column 1"}, target="power")) == ["flow (1)"]


def test_bad_lines_are_listed_and_the_rest_is_read(tmp_path):
    body = [f"{at},{'red' if at % 2 else 'blue'},{'yes' if at % 3 else 'no'}" for at in range(60)]
    body[10], body[20], body[30] = "1,red", "2,bl\0ue,no", "width,colour,y"
    body[40] = f'3,"{"open " * 10},yes'
    rows = taken(lines(tmp_path / "b.csv", "width,colour,y", *body, "Total,,", ""))
    bad = rows.table[rows.table["problem"].notna()]
    assert [
        (source, one.code) for source, one in zip(bad["source"], bad["problem"], strict=True)
    ] == [
        ("b.csv:12", "ragged"),
        ("b.csv:22", "nul"),
        ("b.csv:42", "open-quote"),
    ]
    assert len(rows.table) == 59 and bad["row"].isna().all()
    assert all(word in said(rows) for word in ("b.csv:32: the header", "b.csv:62: a total"))
    assert refused(lines(tmp_path / "h.csv", "width,colour,y")).code == "bad-manifest"


def test_a_table_of_many_columns(tmp_path):
    names = [f"g{at}" for at in range(3000)]
    body = [",".join(str((at * row) % 11) for at in range(3000)) for row in range(1, 9)]
    body = [f"{one},{'ab'[at % 2]}" for at, one in enumerate(body)]
    path = lines(tmp_path / "w.csv", ",".join([*names, "y"]), *body)
    assert len(refused(path, target="x").fix) < 2000
    rows = taken(path)
    assert len(rows.table) == 8 and len(inputs(rows)) > 2000 and len(said(rows)) < 5000


# --- answers --------------------------------------------------------------------------------------


def test_classes_as_people_write_them(tmp_path):
    cells = ["Yes", "yes ", "Yes", "NO", "no", "no", "?", "", "no", "Yes"] * 3
    rows = taken(
        lines(tmp_path / "s.csv", "a,y", *(f"{at % 4},{one}" for at, one in enumerate(cells)))
    )
    assert rows.table["label"].value_counts().to_dict() == {"Yes": 12, "no": 12}
    assert "'Yes' 9" in said(rows) and "'NO' 3" in said(rows) and "'?'" in said(rows)
    assert len(rows.ignored) == 6 and rows.ignored[0] == "s.csv:8" and "s.csv:8" in said(rows)
    grades = pd.DataFrame({"a": range(3, 33), "grade": [1.0, 2.0, np.nan, 4.0, 2.0] * 6})
    rows = taken(grades, target="grade")
    assert {*rows.table["label"]} == {"1", "2", "4"} and len(rows.table) == 24
    rows = taken(grades, True, target="grade")
    assert rows.table["value"].mean() == 2.25 and len(rows.ignored) == 6


def test_numbers_as_people_write_them(tmp_path):
    cells = ["$1,249.50", "(35.00)", "$ 7.25", "", "many"] * 8
    body = [f'{at % 4},"{one}"' for at, one in enumerate(cells)]
    rows = taken(lines(tmp_path / "n.csv", "a,rent", *body), True, target="rent")
    good = rows.table[rows.table["problem"].isna()]
    assert good["value"].tolist()[:3] == [1249.5, -35, 7.25] and len(good) == 24
    assert [one.code for one in rows.table["problem"] if one] == ["bad-number"] * 8
    assert len(rows.ignored) == 8


def test_answers_that_cannot_be_learnt_are_refused():
    count, random = 80, np.random.default_rng(1)
    frame = pd.DataFrame(
        {
            "a": random.normal(size=count),
            "same": "x",
            "empty": [None] * count,
            "code": [f"k{at}" for at in range(count)],
            "note": [f"the {at} th note about it" for at in range(count)],
            "price": random.normal(size=count).round(4),
            "row": range(count),
            "word": random.choice(["u", "v"], count),
        }
    )
    for target, numeric, code, exit_code, word in (
        ("same", False, "bad-target", 3, "every row"),
        ("empty", False, "no-labels", 3, "empty"),
        ("empty", True, "no-labels", 3, "empty"),
        ("code", False, "bad-target", 3, "identifiers"),
        ("note", False, "bad-target", 3, "texts"),
        ("price", False, "bad-target", 2, FIGURES),
        ("row", True, "bad-target", 3, "numbers the rows"),
        ("word", True, "bad-target", 2, WORDS),
        ("", False, "missing-target", 2, "'word' ("),
        ("prize", True, "missing-column", 2, "price"),
    ):
        error = refused(frame, numeric, target=target)
        assert (error.code, error.exit_code) == (code, exit_code), (target, numeric)
        assert word in f"{error.message} {error.fix}", (target, numeric)


# --- parts and other roles ------------------------------------------------------------------------


def body_of(first, count, *classes):
    return [
        f"i{first + at},{at % 5},{'rb'[at % 2]},{classes[at % len(classes)]}" for at in range(count)
    ]


def test_parts_in_files_and_a_form_for_answers(tmp_path):
    head, root = "id,wide,hue,back", tmp_path / "p"
    lines(root / "train.csv", head, *body_of(0, 40, "yes", "no", "yes"))
    lines(root / "sample_submission.csv", "id,back", *(f"i{at},no" for at in range(90, 99)))
    lines(root / "test.csv", head, *body_of(90, 9, ""))
    rows = taken(root)
    assert rows.reading.found["target"] == "back" and {*rows.table["split"]} == {"train"}
    assert len(rows.table) == 40 and len(rows.ignored) == 10 and inputs(rows) == ["wide", "hue"]
    assert "sample_submission.csv: a form" in said(rows) and "9 rows" in said(rows)
    assert "file test.csv" not in said(rows) and rows.reading.found["identifier"] == "id"
    lines(
        root / "test.csv",
        "id,back,HUE ",
        *(f"i{at},{'YES' if at % 2 else '1.'},g" for at in range(9)),
    )
    rows = taken(root, target="back")
    test = rows.table[rows.table["split"] == "test"]
    assert list(test["label"][:2]) == ["1.", "yes"] and len(test) == 9
    assert [one.values[1] for one in test["row"]] == ["g"] * 9
    assert all(one.values[0] != one.values[0] for one in test["row"])
    assert "'wide': taken as missing in its 9 rows" in said(rows) and "'g'; rows: 9" in said(rows)
    assert "split" not in taken(root, target="back", split="none").table
    lines(root / "other.csv", head, *body_of(0, 9, "yes"))
    (root / "train.csv").unlink()
    (root / "test.csv").rename(root / "more.csv")
    assert refused(root, target="back").code == "several-manifests"
    assert len(taken(root, target="back", table="more").table) == 9


def test_other_roles_are_no_inputs_and_dates_are(tmp_path):
    days = [f"{1 + at % 28:02}/{1 + at // 28:02}/2024" for at in range(60)]
    body = [
        f"{at % 6},0.{at % 5},{day},{'nm'[at % 2]},{at * 3 % 7},{at % 3}.5"
        for at, day in enumerate(days)
    ]
    path = lines(tmp_path / "t.csv", "person,heavy,day,site,x,cost", *body)
    rows = taken(
        path, True, target="cost", group="person", weight="Heavy", time="day", by=("site",)
    )
    assert inputs(rows) == ["day", "x"]
    assert rows.table["time"].tolist()[:2] == [one.values[0] for one in rows.table["row"][:2]]
    assert rows.table["weight"].tolist()[:3] == [0.0, 0.1, 0.2]
    assert list(rows.table["by:site"][:2]) == ["n", "m"] and list(rows.table["group"][:2]) == [
        "0",
        "1",
    ]
    rows = taken(path, True, {"ignore": "day", "types": "x=category"}, target="cost", time="day")
    assert "day" not in inputs(rows) and rows.table["row"][0].values[-1] == "0"


def test_a_table_read_after_training_has_the_schema_of_the_run(tmp_path):
    body = [f"0{at % 9},{at % 4},{'ja' if at % 3 else 'nein'}" for at in range(60)]
    rows = taken(lines(tmp_path / "a.csv", "code,x,y", *body), target="y")
    again = lines(
        tmp_path / "b.csv", "y,CODE,more,x", "JA,7,1,2", "nein,07,1,", ",08,1,1", "ja,?,1,1"
    )
    later = read(again, Reading.of_json(rows.reading.to_json()), other=FIGURES)
    assert later.reading.found["schema"] == rows.reading.found["schema"]
    assert [one.values[0] for one in later.table["row"]][:2] == ["7", "07"]
    assert list(later.table["label"]) == ["ja", "nein", "ja"] and later.ignored == ["b.csv:4"]
    stored = rows.reading.to_json()
    stored["found"]["schema"]["columns"][1]["more"] = {"also": ["size x"]}
    lines(tmp_path / "b.csv", "code,Size X,y", "07,3,ja", "08,1,nein")
    later = read(tmp_path / "b.csv", Reading.of_json(stored), other=FIGURES)
    assert [one.values for one in later.table["row"]] == [("07", 3.0), ("08", 1.0)]
    assert "has no column" not in said(later)


def test_new_categories_of_a_part_are_compared_as_read(tmp_path):
    lines(tmp_path / "train.csv", "size,y", *(f"{at % 4},{'pq'[at % 2]}" for at in range(40)))
    lines(tmp_path / "test.csv", "size,y", "1.0,p", "9,q", ",q", "9.0,p")
    rows = taken(tmp_path, columns={"types": "size=category"}, target="y")
    assert [one.values[0] for one in rows.table["row"][:4]] == ["1", "9", None, "9"]
    assert "does not have: '9'; rows: 2." in said(rows)
