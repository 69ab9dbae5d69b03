"""Interactions from the layouts people have, what is wrong with lines, and rows to learn from."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tenfold.core import progress
from tenfold.core.errors import DataRefused
from tenfold.core.rows import Rows
from tenfold.media.interactions import read
from tenfold.tasks.recommendation import histories

EARLY = 1_000_000_000
PLAIN = [
    ("007", "a", 5, EARLY),
    ("007", "b", 3, EARLY + 9),
    ("8", "a", 4, EARLY),
    ("8", "c", 2, EARLY + 5),
]


def written(place: Path, separator: str, header: str = "") -> Path:
    lines = [separator.join(map(str, row)) for row in PLAIN]
    place.write_text("\n".join(([header] if header else []) + lines) + "\n", encoding="utf-8")
    return place


def events(found: read.Interactions) -> set[tuple[str, str, float]]:
    users, items = found.users[found.user], found.items[found.item]
    return set(zip(users, items, found.rating, strict=True))


@pytest.mark.parametrize(
    ("name", "separator", "header"),
    [
        ("u.data", "\t", ""),
        ("ratings.dat", "::", ""),
        ("ratings.csv", ",", "userId,movieId,rating,timestamp"),
        ("数据.csv", ";", "用户;商品;评分;时间"),
        ("log.txt", "|", ""),
    ],
)
def test_layouts_say_the_same(tmp_path: Path, name: str, separator: str, header: str):
    found = read.read(written(tmp_path / name, separator, header))
    assert events(found) == {("007", "a", 5), ("007", "b", 3), ("8", "a", 4), ("8", "c", 2)}
    assert found.ordered and not found.problems


def test_sequences_are_in_order(tmp_path: Path):
    (tmp_path / "s.txt").write_text("1 5 3 9\n2 3 5\n07 9 3 5 4\n")
    found = read.read(tmp_path / "s.txt")
    table = histories.rows_of(found).table
    row = table[(table["group"] == "07") & (table["split"] == "test")].iloc[0]
    assert row["items"] == ("9", "3", "5") and row["next"] == ("4",)


def test_a_table_in_memory_and_parquet(tmp_path: Path):
    frame = pd.DataFrame(PLAIN, columns=["user", "item", "rating", "time"])
    assert events(read.read(frame)) == events(
        read.read(written(tmp_path / "a.csv", ",", "user,item,rating,time"))
    )
    pytest.importorskip("pyarrow")
    frame.to_parquet(tmp_path / "b.parquet")
    assert events(read.read(tmp_path / "b.parquet")) == events(read.read(frame))


def test_bad_lines_are_named_and_the_rest_read(tmp_path: Path):
    lines = ["user,item,rating,time", "1,a,5,100", "1,b,good,200", ",a,3,1", "2,,3,1"]
    lines += ["2,a,4,4070908800", "2,b,4,-5", "2,c,4,20", "2,c,4,20", "3,a,4,1,9,9", "3,b,1,2"]
    lines += ["4,a" + 20 * ",1", "4,b,x,3"]
    (tmp_path / "r.csv").write_text("\n".join(lines))
    found = read.read(tmp_path / "r.csv")
    told = {source.rpartition(":")[2]: problem.code for source, problem in found.problems}
    assert told == {
        "3": "bad-rating",
        "4": "no-user",
        "5": "no-item",
        "6": "bad-time",
        "7": "bad-time",
        "10": "wrong-fields",
        "12": "wrong-fields",
        "13": "bad-rating",
    }
    assert events(found) == {("1", "a", 5), ("2", "c", 4), ("3", "b", 1)}
    assert all(problem.fix for _, problem in found.problems)


def test_separators_that_are_mixed_are_said_line_by_line(tmp_path: Path):
    lines = [(";" if at % 2 else ",").join((f"u{at % 9}", f"i{at % 7}", "5")) for at in range(90)]
    (tmp_path / "r.csv").write_text("user,item,rating\n" + "\n".join(lines))
    found = read.read(tmp_path / "r.csv")
    assert len(found.problems) == 45 and len(found.user) == 45
    source, problem = found.problems[0]
    assert (source, problem.code) == ("r.csv:3", "wrong-fields")
    assert problem.reason.values == {"fields": 1, "width": 3} and "separator" in problem.fix


def test_a_column_of_words_is_not_taken_for_ratings(tmp_path: Path):
    rows = [f"u{at % 9},i{at % 7},{'good' if at % 3 else 'bad'}" for at in range(60)]
    (tmp_path / "r.csv").write_text("user,item,rating\n" + "\n".join(rows))
    told = io.StringIO()
    with progress.listening(progress.ProgressLine(told)):
        found = read.read(tmp_path / "r.csv")
    assert not found.problems and np.isnan(found.rating).all()
    assert "the column 'rating' holds words" in told.getvalue()
    with pytest.raises(DataRefused) as refused:
        histories.rows_of(found, ratings=True)
    assert refused.value.code == "missing-column" and "--output ratings" in refused.value.fix


def test_a_file_without_interactions_is_named(tmp_path: Path):
    for name, text in (("empty.csv", ""), ("head.csv", "user,item,time\n")):
        (tmp_path / name).write_text(text)
        with pytest.raises(DataRefused) as refused:
            read.read(tmp_path / name)
        assert refused.value.code == "no-rows" and name in str(refused.value.where)


def test_every_way_of_judging_says_what_it_is():
    for split in ("last", "time", "random"):
        assert walked(split).split == histories.LINES[split]


def test_titles_and_attributes_come_from_a_file_beside(tmp_path: Path):
    written(tmp_path / "ratings.csv", ",", "userId,movieId,rating,timestamp")
    (tmp_path / "movies.csv").write_text(
        'movieId,title,genres\na,"Heat, the (1995)",Crime|Drama\nb,Up,Family\nc,It,Drama\n'
    )
    about = read.read(tmp_path).catalogue
    assert about.titles["a"] == "Heat, the (1995)"
    assert about.attributes["genres"]["Drama"] == ["a", "c"]


def test_the_layouts_of_movielens_tell_titles_and_genres(tmp_path: Path):
    """100K: u.data and u.item with a flag for each genre; 1M: .dat files; both Latin-1."""
    small, large = tmp_path / "ml-100k", tmp_path / "ml-1m"
    for folder in (small, large):
        folder.mkdir()
    lines = [
        (user, item, 3 + (user + item) % 3, EARLY + user) for user in (1, 2) for item in (1, 2)
    ]
    (small / "u.data").write_text("".join("\t".join(map(str, row)) + "\n" for row in lines))
    flags = ["0"] * 19
    flags[1] = flags[8] = "1"
    one = ["1", "Misérables, Les (1995)", "01-Jan-1995", "", "http://a.b/?x", *flags]
    two = ["2", "Up (2009)", "01-Jan-2009", "", "http://a.b/?y", *reversed(flags)]
    (small / "u.item").write_text("|".join(one) + "\n" + "|".join(two) + "\n", "latin-1")
    (small / "u.user").write_text("1|24|M|technician|85711\n2|53|F|other|94043\n")
    (large / "ratings.dat").write_text("".join("::".join(map(str, row)) + "\n" for row in lines))
    (large / "movies.dat").write_text(
        "1::Misérables, Les (1995)::Action|Drama\n2::Up (2009)::Drama|Thriller\n", "latin-1"
    )
    (large / "users.dat").write_text("1::F::1::10::48067\n2::M::56::16::70072\n")
    for folder in (small, large):
        found = read.read(folder)
        assert len(found.user) == 4 and not found.problems
        assert found.catalogue.titles["1"] == "Misérables, Les (1995)"
        assert {"1"} <= {*found.catalogue.attributes["genres"]["Action"]}
        assert "1" in found.catalogue.attributes["genres"]["Drama"]


@pytest.mark.parametrize(
    ("lines", "code"),
    [
        ("1,a\n1,b\n1,c\n", "one-class"),
        ("1,a\n2,a\n3,a\n", "one-class"),
        ("".join(f"{user},i{user % 7}\n" for user in range(500)), "nothing-together"),
    ],
)
def test_nothing_to_learn_from_is_said(tmp_path: Path, lines: str, code: str):
    (tmp_path / "r.csv").write_text("user,item\n" + lines)
    with pytest.raises(DataRefused) as refused:
        histories.rows_of(read.read(tmp_path / "r.csv"))
    assert refused.value.code == code and refused.value.fix


def walk(split: str) -> pd.DataFrame:
    return walked(split).table


def walked(split: str) -> Rows:
    rows = [(user, item, (item * 7 + user) % 5 + 1, 100 * item + user)
            for user in range(40) for item in range(user % 5, 12)]  # fmt: skip
    frame = pd.DataFrame(rows, columns=["user", "item", "rating", "time"])
    return histories.rows_of(read.read(frame), split)


@pytest.mark.parametrize("split", ["last", "time", "random"])
def test_nothing_is_learnt_of_what_is_asked(split: str):
    table = walk(split)
    for _, rows in table.groupby("group"):
        asked = rows[rows["split"] != "train"]
        for _, row in asked.iterrows():
            assert not {*row["items"]} & {*row["next"]} and row["next"]
        learnt = rows[rows["split"] == "train"]
        for _, row in learnt.iterrows():
            for _, other in asked.iterrows():
                assert not {*row["items"], *row["next"]} & {*other["next"]}
    assert set(table["split"]) == {"train", "valid", "test"}


def test_by_time_no_training_is_later_than_any_test():
    table = walk("time")
    latest = {part: [int(one) for row in table[table["split"] == part]["next"] for one in row]
              for part in ("train", "test")}  # fmt: skip
    assert max(latest["train"]) <= min(latest["test"])


def test_ratings_are_asked_for_by_a_question_mark():
    rows = [(user, item, (user + item) % 5 + 1) for user in range(30) for item in range(6)]
    found = read.read(pd.DataFrame(rows, columns=["user", "item", "rating"]))
    table = histories.rows_of(found, ratings=True).table
    test = table[table["split"] == "test"].iloc[0]
    asked = [one.rpartition("=")[0] for one in test["items"] if one.endswith("=?")]
    assert asked and asked == [item for item, _ in test["next"]]
