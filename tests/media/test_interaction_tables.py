"""Tables of interactions as people have them: columns, side tables, ids, notations, and order."""

from __future__ import annotations

import csv
import datetime
import gzip
import io
import json
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tenfold.core.errors import DataRefused, UsageError
from tenfold.media.interactions import read
from tenfold.media.reading import Reading

START = datetime.datetime(2020, 9, 13, 12, 27)
EVENTS = [(user, (user + step) % 20, step) for user in range(1, 41) for step in range(8)]
"""Users, numbers of items and steps in time."""


def day(user: int, step: int) -> datetime.datetime:
    return START + datetime.timedelta(days=9 * step + user)


def table(place: Path, rows: Iterable[Iterable[Any]], separator: str = ",") -> Path:
    text = io.StringIO()
    csv.writer(text, delimiter=separator, lineterminator="\n").writerows(rows)
    place.write_text(text.getvalue(), encoding="utf-8")
    return place


def roles(found: read.Interactions) -> dict[str, str]:
    return {one.role: str(one.source) for one in found.taken.roles}


def notes(found: read.Interactions) -> str:
    return " ".join(map(str, found.taken.notes))


def left(found: read.Interactions) -> set[str]:
    return {name for one in found.taken.left for name in one.names}


def order(found: read.Interactions) -> list[tuple[str, str]]:
    names = zip(found.user, found.item, strict=True)
    return [(str(found.users[user]), str(found.items[item])) for user, item in names]


EXPECTED = sorted(((str(user), f"b{item}") for user, item, _ in EVENTS), key=lambda pair: pair[0])


def dated(place: Path, header: str, text: str) -> Path:
    rows = [(user, f"b{item}", f"{day(user, step):{text}}") for user, item, step in EVENTS[::-1]]
    return table(place, [header.split(","), *rows])


@pytest.mark.parametrize(
    ("header", "text"),
    [
        ("user_id,item_id,order_date", "%Y-%m-%d %H:%M:%S"),
        ("user_id,item_id,watched_at", "%Y-%m-%dT%H:%M:%SZ"),
        ("user_id,item_id,review_date", "%d/%m/%Y"),
        ("用户,商品,时间", "%Y年%m月%d日"),
        ("客户编号,商品编码,下单", "%Y/%m/%d %H:%M"),
        ("customer_id,article_id,t_dat", "%m/%d/%Y"),
        ("Kunde,Artikelnr,Bestellt", "%d.%m.%Y %H:%M"),
        ("user,item,when", "%d %b %Y"),
        ("user,item,day", "%Y%m%d"),
    ],
)
def test_a_column_of_dates_is_the_time(tmp_path: Path, header: str, text: str):
    found = read.read(dated(tmp_path / "e.csv", header, text))
    assert found.ordered and not found.problems and roles(found)["time"] == header.split(",")[2]
    assert sorted(order(found)) == sorted(EXPECTED)
    plain = read.read(dated(tmp_path / "iso.csv", "user,item,time", "%Y-%m-%dT%H:%M:%S"))
    assert order(found) == order(plain)


def test_two_readings_of_columns_are_asked_back(tmp_path: Path):
    few = [
        (user, f"b{item}", f"{1 + 5 * step % 9:02}/{1 + step:02}/2020")
        for user, item, step in EVENTS
    ]
    place = table(tmp_path / "e.csv", [("user", "item", "date"), *few])
    with pytest.raises(UsageError) as asked:
        read.read(place)
    assert asked.value.code == "two-readings" and "--dates" in str(asked.value.fix)
    assert order(read.read(place, Reading(dates="day-first"))) != order(
        read.read(place, Reading(dates="month-first"))
    )
    rows = [(u, f"b{i}", day(u, s).date(), day(u, 9 - s).date()) for u, i, s in EVENTS]
    place = table(tmp_path / "f.csv", [("user", "item", "ordered", "paid"), *rows])
    with pytest.raises(UsageError) as asked:
        read.read(place)
    assert asked.value.code == "two-readings" and "--time" in str(asked.value.fix)
    assert roles(read.read(place, Reading(time="paid")))["time"] == "paid"


def test_a_date_that_describes_the_item_or_the_user_is_no_time(tmp_path: Path):
    rows = [(u, f"b{i}", f"20{i:02}-01-01", f"19{50 + u}-02-03") for u, i, _ in EVENTS]
    found = read.read(table(tmp_path / "e.csv", [("user", "item", "released", "born"), *rows]))
    assert not found.ordered and "time" not in roles(found)


INVOICE = (
    "InvoiceNo",
    "StockCode",
    "Description",
    "Quantity",
    "InvoiceDate",
    "Price",
    "CustomerID",
)
ITEMS = ("Rechnung", "Ware", "Text", "Menge", "Tag", "Preis", "Kunde")


@pytest.mark.parametrize(
    ("names", "separator"),
    [(INVOICE, ","), (ITEMS, ";"), (("no", "what", "text", "qty", "at", "price", "client"), "\t")],
)
def test_the_item_of_an_invoice_is_the_code_that_comes_back(
    tmp_path: Path, names: tuple[str, ...], separator: str
):
    rows = [
        (536_000 + 10 * user + step // 2, f"85{item:03}A", f"LANTERN {item}",
         -1 if step == 7 else 12, f"{day(user, step):%m/%d/%Y %H:%M}", f"{1 + item / 8:.2f}",
         user if user > 4 else "")
        for user, item, step in EVENTS
    ]  # fmt: skip
    found = read.read(table(tmp_path / "i.csv", [names, *rows], separator))
    columns = {role: source.split(" in ")[0] for role, source in roles(found).items()}
    columns.pop("about items")
    assert columns == dict(user=names[6], item=names[1], time=names[4], weight=names[3])
    assert not found.problems and len(found.users) == 36 and found.no.sum() == 36
    assert [one.count for one in found.taken.left if one.kind == "rows"] == [32]
    assert {names[0]} <= left(found)


def test_a_column_given_is_taken_and_a_lonely_item_is_noted(tmp_path: Path):
    rows = [(u, f"n{u}-{s}", f"b{i}") for u, i, s in EVENTS]
    place = table(tmp_path / "e.csv", [("user", "item", "code"), *rows])
    assert "hardly any value of item" in notes(read.read(place))
    found = read.read(place, Reading(columns={"item": "code"}))
    assert sorted(order(found)) == sorted(EXPECTED) and not notes(found)
    with pytest.raises(UsageError) as missing:
        read.read(place, Reading(columns={"item": "cod"}))
    assert missing.value.code == "missing-column" and "code" in str(missing.value.fix)


def catalogue(title: str, key: str, digits: int = 0) -> list[tuple[str, ...]]:
    rows = [
        (f"{item:0{digits}}" if digits else f"b{item}", f"Film {item}", "AB"[item % 2])
        for item in range(20)
    ]
    return [(key, title, "kind"), *rows]


def ratings(header: str, separator: str, place: Path, prefix: str = "b") -> None:
    rows = [(user, f"{prefix}{item}", 1 + item % 10) for user, item, _ in EVENTS]
    table(place, [header.split(","), *rows], separator)


SIDE = [
    ("BX-Ratings.csv", "User-ID,ISBN,Book-Rating", "BX-Books.csv", "Book-Title", "ISBN", ";"),
    ("user_artists.dat", "userID,artistID,weight", "artists.dat", "name", "id", "\t"),
    ("log_train.csv", "customer_id,article_id,price", "articles.csv", "prod_name", "article_id",
     ","),
    ("users_log.csv", "用户,商品,评分", "目录.csv", "名称", "商品", ","),
]  # fmt: skip


@pytest.mark.parametrize(("events", "header", "about", "title", "key", "separator"), SIDE)
@pytest.mark.parametrize("zipped", [False, True])
def test_tables_beside_are_told_apart_by_their_columns(
    tmp_path: Path, events: str, header: str, about: str, title: str, key: str, separator: str,
    zipped: bool,
):  # fmt: skip
    data = tmp_path / "data"
    data.mkdir()
    ratings(header, separator, data / events)
    table(data / about, catalogue(title, key), separator)
    user = header.split(",")[0]
    people = [(f"{one}", 1.0, 20 + one % 50) for one in range(1, 41)]
    table(data / "people.csv", [(user, "Active", "age"), *people])
    table(data / "form.csv", [(user, "prediction"), *((one, "b1 b2") for one in range(1, 41))])
    friends = [(one, 1 + (one * 7) % 40) for one in range(1, 41)]
    table(data / "friends.dat", [(user, "friendID"), *friends], "\t")
    table(data / "tags.csv", [(user, key, "tag"), *((one, "b1", "good") for one in range(1, 41))])
    (data / "README.txt").write_text("These data are made up. They hold nothing of anyone.\n" * 9)
    source = data
    if zipped:
        source = tmp_path / "data.zip"
        with zipfile.ZipFile(source, "w") as archive:
            for one in data.iterdir():
                archive.write(one, one.name)
    found = read.read(source)
    assert len(found.user) == len(EVENTS) and len(found.users) == 40 and not found.problems
    assert found.catalogue.titles["b3"] == "Film 3" and "kind" in found.catalogue.attributes
    assert {"people.csv", "form.csv", "friends.dat"} <= left(found)
    assert np.isfinite(found.rating).any() == header.lower().endswith(("rating", "评分"))
    assert (found.part == "").all()


def test_several_tables_of_interactions_are_asked_back(tmp_path: Path):
    ratings("user,item,rating", ",", tmp_path / "bought.csv")
    ratings("user,item,stars,source", ",", tmp_path / "seen.csv")
    with pytest.raises(UsageError) as asked:
        read.read(tmp_path)
    assert asked.value.code == "two-readings" and "--table" in str(asked.value.fix)
    assert {"bought.csv", "seen.csv"} <= set(asked.value.message.replace(",", "").split())
    for name in ("seen.csv", "seen"):
        assert len(read.read(tmp_path, Reading(table=name)).user) == len(EVENTS)
    with pytest.raises(UsageError) as missing:
        read.read(tmp_path, Reading(table="sen.csv"))
    assert missing.value.code == "missing-table" and "seen.csv" in str(missing.value.fix)
    (tmp_path / "seen.csv").unlink()
    ratings("user,item,rating", ",", tmp_path / "bought2.csv", "c")  # pieces of one table
    assert len(read.read(tmp_path).user) == 2 * len(EVENTS)


def test_without_interactions_the_tables_are_listed(tmp_path: Path):
    table(tmp_path / "customers.csv", [("customer_id", "age"), *((one, 30) for one in range(9))])
    with pytest.raises(DataRefused) as refused:
        read.read(tmp_path)
    assert refused.value.code == "no-rows" and "customers.csv" in refused.value.message


def test_ids_that_differ_are_joined_or_said(tmp_path: Path):
    ratings("userId,movieId,rating", ",", tmp_path / "ratings.csv", "")
    table(tmp_path / "movies.csv", catalogue("title", "movieId", 7))
    found = read.read(tmp_path)
    assert found.catalogue.titles["3"] == "Film 3" and "0000000 describes 0" in notes(found)
    other = [("movieId", "title"), *((f"tt{item}", f"Film {item}") for item in range(20))]
    table(tmp_path / "movies.csv", other)
    found = read.read(tmp_path)
    assert "20 of 20 items have no description" in notes(found) and "tt0" in notes(found)
    both = [
        ("movieId", "title"),
        *((f"{zeros}{item}", f"{zeros}Film") for item in range(20) for zeros in ("0", "00")),
    ]
    table(tmp_path / "movies.csv", both)
    assert "describes" not in notes(read.read(tmp_path))  # 01 and 001 would be one item


def test_records_are_read_as_tables_are(tmp_path: Path):
    names = ("reviewerID", "asin", "overall", "unixReviewTime")
    rows = [
        dict(zip(names, (f"A{u}", f"b{i}", 1.0 + s % 5, 1_600_000_000 + 86_400 * s), strict=True))
        | {"helpful": [0, s], "reviewText": f"good, {s}"}
        for u, i, s in EVENTS
    ]
    lines = "\n".join(map(json.dumps, rows))
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "reviews_5.json.gz").write_bytes(gzip.compress(lines.encode()))
    (tmp_path / "b.jsonl").write_text(lines)
    (tmp_path / "c.json").write_text(json.dumps(rows))
    frame = pd.DataFrame(rows)
    frame.to_parquet(tmp_path / "d.parquet")
    found = [
        read.read(tmp_path / one)
        for one in ("a", "a/reviews_5.json.gz", "b.jsonl", "c.json", "d.parquet")
    ]
    assert all(order(one) == order(found[0]) and one.ordered for one in found)
    assert all(roles(one)["rating"] == "overall" and not one.problems for one in found)
    assert found[0].rating.max() == 5 and len(found[0].user) == len(EVENTS)


@pytest.mark.parametrize("separator", [" ", "\t", ",", ";", "|", "::"])
def test_lines_of_user_item_and_rating_need_no_header(tmp_path: Path, separator: str):
    lines = [separator.join((str(u), str(20 + i), str(1 + (u + s) % 5))) for u, i, s in EVENTS]
    (tmp_path / "ratings.txt").write_text("\n".join(lines) + "\n")
    found = read.read(tmp_path / "ratings.txt")
    assert len(found.user) == len(EVENTS) and len(found.items) == 20
    assert set(found.rating) == {1, 2, 3, 4, 5} and roles(found)["rating"] == "column 3"
    three = [f"{user} {user % 7 + 30} {user % 11 + 50}" for user in range(40)]
    (tmp_path / "sequences.txt").write_text("\n".join(three))
    found = read.read(tmp_path / "sequences.txt")
    assert len(found.user) == 80 and "sequences" in roles(found)["item"]


def test_decimal_commas_are_read_where_they_can_be(tmp_path: Path):
    for name, separator in (("a.csv", ";"), ("b.tsv", "\t"), ("c.csv", ","), ("d.txt", "|")):
        for every in (2, 9):
            rows = [(u, f"b{i}", "2,5" if (u + s) % every == 0 else 4) for u, i, s in EVENTS]
            place = table(tmp_path / name, [("user", "item", "rating"), *rows], separator)
            found = read.read(place)
            assert not found.problems and set(found.rating) == {2.5, 4}
            assert "2,5" in notes(found)
    rows = [(u, f"b{i}", "1,500" if u == 3 else 4) for u, i, s in EVENTS]
    found = read.read(table(tmp_path / "e.csv", [("user", "item", "rating"), *rows]))
    assert {problem.code for _, problem in found.problems} == {"bad-rating"}
    assert "1,500" in found.problems[0][1].reason


def test_counts_and_repetitions_are_said_and_are_no_ratings(tmp_path: Path):
    for header in ("weight", "plays", "play_count", "次数"):
        rows = [(u, f"b{i}", 1 + 100 * s) for u, i, s in EVENTS]
        found = read.read(table(tmp_path / "c.tsv", [("userID", "artistID", header), *rows], "\t"))
        assert roles(found)["weight"] == header and "rating" not in roles(found)
        assert {*found.count} == {1 + 100 * s for _, _, s in EVENTS}
        assert not np.isfinite(found.rating).any()
    rows = [(u, f"b{i}") for u, i, _ in EVENTS] * 3
    found = read.read(table(tmp_path / "r.csv", [("user_id", "track_id"), *rows]))
    assert f"{2 * len(EVENTS)}. The last one is used" in notes(found)
    assert {*found.count} == {3}


def test_a_rating_of_zero_below_a_scale_from_one_is_no_rating(tmp_path: Path):
    rows = [(u, f"b{i}", 0 if s % 3 else 5 + i % 6) for u, i, s in EVENTS]
    found = read.read(table(tmp_path / "a.csv", [("User-ID", "ISBN", "Book-Rating"), *rows]))
    assert np.nanmin(found.rating) >= 5 and np.isnan(found.rating).sum() == 40 * 5
    rows = [(u, f"b{i}", (u + s) % 6) for u, i, s in EVENTS]
    found = read.read(table(tmp_path / "b.csv", [("user", "item", "rating"), *rows]))
    assert np.nanmin(found.rating) == 0


def test_roles_found_before_hold_for_the_next_table(tmp_path: Path):
    names = ("who", "thing", "mark", "moment")
    rows = [(f"u{u}", f"b{i}", 1 + s % 5, day(u, s).date()) for u, i, s in EVENTS]
    first = read.read(
        table(tmp_path / "a.csv", [names, *rows]), Reading(columns={"user": "who", "item": "thing"})
    )
    assert first.reading.found["time"] == "moment"
    again = Reading.of_json(first.reading.to_json())
    moved = [row[::-1] for row in rows]
    found = read.read(table(tmp_path / "b.csv", [names[::-1], *moved]), again)
    assert order(found) == order(first)
