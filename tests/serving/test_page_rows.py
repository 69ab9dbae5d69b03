"""The page of a run that takes rows of a table: a field for each column, and a CSV in and out."""

import csv
import io

import pytest
import served
from browsing import browser as browser
from browsing import hand_over, press, visiting

from tenfold.media.input import Input
from tenfold.media.tables.schema import TableColumn, TableSchema
from tenfold.run.run import Run

FIELDS = {
    "size, cm": Input("number"),
    "clay": Input("category", ("red", "grey")),
    "day": Input("date"),
    "note": Input("text"),
}
WIDE = {f"column {number}": Input("number") for number in range(100)}


def rows_run(folder, fields) -> Run:
    schema = TableSchema(tuple(TableColumn(name, one.medium) for name, one in fields.items()))
    task = served.Echo((("row", Input("row", fields=fields)),))
    reading = {"found": {"schema": schema.to_json()}}
    return Run(folder, task, {"reading": reading}, lambda columns: {}, digest="0" * 64)


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    runs = [rows_run(folder / "pots", FIELDS), rows_run(folder / "wide", WIDE)]
    with served.thread(runs, batch=2) as server:
        yield f"http://127.0.0.1:{server.port}/"


def answer(page) -> str:
    page.locator("#answer").get_by_text("values=").first.wait_for()
    return page.locator("#answer").inner_text()


def test_a_field_for_each_column_which_may_stay_empty(browser, address):
    with visiting(browser, address) as page:
        press(page, "Answer")
        page.get_by_text("Write a number.").wait_for()
        page.get_by_label("size, cm").fill("2.5")
        page.get_by_label("clay").select_option("red")
        press(page, "Answer")
        assert "values=(2.5, 'red', nan, '')" in answer(page)
        page.get_by_label("day").fill("1970-01-02")
        page.get_by_label("note").fill("a b")
        press(page, "Answer")
        page.get_by_text("86400.0").first.wait_for()
        assert "values=(2.5, 'red', 86400.0, 'a b')" in answer(page)


TABLES = (
    'note;clay;more;"size, cm";day\n=1+1;red;007;1.5;\n'
    '"a;\nb";blue;-3;x;1970-01-02\nragged\n;;;;\n',
    'more,day,"size, cm",note,clay\n007,,1.5,=1+1,red\n'
    '-3,1970-01-02,x,"a;\nb",blue\nragged\n,,,,\n',
)


@pytest.mark.parametrize("content", TABLES)
@pytest.mark.parametrize("coding", ["utf-8-sig", "utf-16"])
def test_a_table_goes_in_and_comes_out_with_answers(browser, address, content, coding):
    with visiting(browser, address) as page:
        hand_over(page, ("pots.csv", content.encode(coding)), media="text/csv")
        section = page.locator("section.batch")
        section.get_by_text("4 of 4 answered · 1 could not be read").wait_for()
        with page.expect_download() as download:
            page.get_by_role("button", name="Download as CSV").click()
        text = download.value.path().read_bytes().decode("utf-8-sig")
    head, *rows = csv.reader(io.StringIO(text, newline=""))
    asked = [dict(zip(head, row, strict=True)) for row in rows]
    assert head[0] == "source" and head[6:] == ["label", "error"] and len(asked) == 4
    assert [one["more"] for one in asked][:2] == ["007", "-3"] and rows[2][1] == "ragged"
    assert [one["note"] for one in asked][:2] == ["'=1+1", "a;\nb"]
    assert "values=(1.5, 'red', nan, '=1+1')" in asked[0]["label"]
    assert "(nan, 'blue', 86400.0, 'a;\\\\nb')" in asked[1]["label"]
    assert [one["error"] for one in asked] == ["", "", "ragged", ""]


def test_a_table_without_a_column_is_told(browser, address):
    with visiting(browser, address) as page:
        hand_over(page, ("pots.csv", b"note,clay\na,red\n"), media="text/csv")
        page.get_by_text("The table lacks a column of the model.").first.wait_for()
        hand_over(page, ("none.csv", b"note,clay\n"), media="text/csv")
        page.get_by_text("An input is missing.").wait_for()


def test_a_hundred_columns_fit_a_phone_and_a_screen(browser, address):
    for width, most in ((390, 12_000), (1280, 4_000)):
        size = {"width": width, "height": 800}
        with visiting(browser, address, viewport=size) as page:
            page.get_by_label("Model").select_option("wide")
            page.get_by_label("column 99", exact=True).fill("9")
            wide, high = page.evaluate(
                "[document.documentElement.scrollWidth, "
                "document.querySelector('#form').offsetHeight]"
            )
            assert wide <= width and high < most, (width, wide, high)
            press(page, "Answer")
            assert "9.0" in answer(page)
