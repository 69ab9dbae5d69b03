"""Times of a column: one form for all cells, and both orders of day and month."""

from __future__ import annotations

import datetime
import random

import numpy as np
import pandas as pd
import pytest

from tenfold.core.columns import Problem
from tenfold.core.errors import UsageError
from tenfold.media.dates import DAY_FIRST, MONTH_FIRST, Times, are_dates, times_of
from tenfold.media.reading import Reading, timed


def read(*cells: object, order: str = "") -> Times:
    return times_of(pd.Series(cells, dtype=object), order)


def written(times: Times) -> list[str]:
    return [
        "-" if value != value else str(datetime.datetime.fromtimestamp(value, datetime.UTC))[:16]
        for value in times.seconds.tolist()
    ]


MOMENT = datetime.datetime(2020, 9, 13, 15, 5)
SAME = [
    ("2020-09-13T15:05:00Z", "2020-09-14"),
    ("2020-09-13 17:05+02:00", "2020-09-14 03:00:00.250"),
    ("2020/9/13 15:05", "2020/10/1"),
    ("2020. 9. 13. 15:05", "2020. 9. 14."),
    ("202009131505", "20200914"),
    ("20200913T150500", "20200914T000000Z"),
    ("2020年09月13日 15:05", "2020年9月14日"),
    ("2020年9月13日 15时05分00秒", "2020年9月14日 1时2分"),
    ("2020年9月13日 下午3:05", "2020年9月14日 上午3:05"),
    ("2020年9月13日（周日） 15:05", "2020年9月14日（周一）"),
    ("13/09/2020 15:05", "01/02/2020 00:00"),
    ("13.9.2020 15:05", "1.2.2020"),
    ("13-09-20 15:05", "01-02-20"),
    ("9/13/2020 3:05 PM", "1/2/2020 12:05 AM"),
    ("09/13/20 3:05 p.m.", "1/2/20 3 am"),
    ("13 September 2020, 15:05", "1 Oct 2020"),
    ("Sun, 13 Sep 2020 15:05:00 +0000", "Mon, 14 Sep 2020 15:05:00 GMT"),
    ("Sep 13, 2020 3:05 PM", "October 1st, 2020"),
    ("Sun Sep 13 15:05:00 +0000 2020", "Mon Sep 14 15:05:00 UTC 2020"),
    ("13/Sep/2020:15:05:00 +0000", "14/Sep/2020:15:05:00 +0000"),
    ("13-sep-20 15:05", "1-oct-20"),
    ("13. September 2020 15:05", "1. März 2020"),
    ("13 septembre 2020 15:05", "1er août 2020"),
    ("13 de septiembre de 2020 15:05", "3 de enero de 2020"),
    ("1600009500", 1_600_009_501),
    (1_600_009_500_000, "1600009501000"),
    (1_600_009_500e6, 1_600_009_501e6),
    (MOMENT, pd.Timestamp("2020-09-14")),
]


@pytest.mark.parametrize("cells", SAME, ids=lambda cells: str(cells[0]))
def test_one_moment_in_the_writings_of_the_world(cells: tuple[object, ...]):
    found = read(*cells)
    assert written(found)[0] == "2020-09-13 15:05" and not found.wrong.any()


def test_a_cell_in_another_form_is_invalid_and_changes_nothing():
    for cells, odd in (
        (("2020-09-13", "2020-09-14", "14/09/2020"), 2),
        (("13/09/2020", "14/09/2020", "05/06/2020", "2020-09-13"), 3),
        (("1600000000", "1600000001", "soon"), 2),
        (("20200913", "20200914", "20201399"), 2),
        (("13/09/2020", "31/09/2020", "01/02/2020"), 1),
    ):
        found = read(*cells, None, " ")
        assert np.flatnonzero(found.wrong).tolist() == [odd]
        assert np.isnan(found.seconds[-2:]).all()
    many = [f"{day:02}/{month:02}/2020" for month in range(1, 13) for day in range(1, 29)]
    found = read(*many, "05/25/2020")
    assert found.order == DAY_FIRST and found.wrong.sum() == 1 and found.wrong[-1]


def test_the_order_of_day_and_month_is_decided_by_the_column():
    for separator in "/.-":
        for order, text in ((DAY_FIRST, "%d{0}%m{0}%Y"), (MONTH_FIRST, "%m{0}%d{0}%Y")):
            dates = [datetime.date(2020, 1, 3) + datetime.timedelta(11 * at) for at in range(30)]
            cells = [date.strftime(text.format(separator)) for date in dates]
            found = read(*cells)
            assert found.order == order and order in found.note
            assert [one[:10] for one in written(found)] == list(map(str, dates))


def test_two_readings_are_asked_back_and_chosen():
    cells = ("03/04/2020", "04/03/2020", "05/01/2020")
    with pytest.raises(UsageError) as asked:
        read(*cells)
    assert asked.value.code == "two-readings" and "--dates" in str(asked.value.fix)
    assert "2020-04-03" in asked.value.message and "2020-03-04" in asked.value.message
    assert written(read(*cells, order=DAY_FIRST))[0] == "2020-04-03 00:00"
    assert written(read(*cells, order=MONTH_FIRST))[0] == "2020-03-04 00:00"
    assert written(read("03/04/2020", "04/04/2020"))[1] == "2020-04-04 00:00"  # the same order
    contradicting = ("13/04/2020", "04/13/2020", "05/01/2020")
    with pytest.raises(UsageError):
        read(*contradicting)
    lone = [f"{day:02}/{month:02}/2020" for month in range(1, 13) for day in range(1, 12)]
    with pytest.raises(UsageError):  # one odd cell among 133 is not evidence
        read(*lone, "13/01/2020")


def test_many_cells_are_read_like_few():
    random.seed(1)
    start = datetime.datetime(2019, 1, 1, tzinfo=datetime.UTC)
    moments = [start + datetime.timedelta(minutes=97 * at) for at in range(6000)]
    seconds = [moment.timestamp() for moment in moments]
    for text in ("%d/%m/%Y %H:%M", "%Y年%m月%d日 %H:%M", "%m-%d-%y %I:%M %p", "%Y-%m-%dT%H:%M:%SZ",
                 "%d %b %Y %H:%M"):  # fmt: skip
        cells = [moment.strftime(text) for moment in moments]
        assert times_of(pd.Series(cells)).seconds.tolist() == seconds


def test_only_dates_are_dates():
    dates = ("2020-09-13", "9/13/2020 12:27", "13 Sep 2020", "20200913", "2020年9月13日")
    assert all(are_dates(pd.Series([cell] * 3)) for cell in dates)
    others = ("1600000000", "12", "7.4", "Sony A7", "2020", "10.0.0.1", "B00b6", "1-2", "", "4/5")
    assert not [cell for cell in others if are_dates(pd.Series([cell] * 3))]


def test_times_of_every_task_are_read_so():
    table = pd.DataFrame({"problem": [None, None, None]})
    cells = pd.Series(["03/04/2020", "04/03/2020", "x"])
    found = timed(table, cells, Reading(dates=MONTH_FIRST))
    assert found["time"].iloc[0] < found["time"].iloc[1]
    assert [isinstance(one, Problem) for one in found["problem"]] == [False, False, True]
    assert timed(table, cells, Reading().finding(dates=DAY_FIRST))["time"].diff()[1] < 0
