"""Tables of users beside the interactions: their columns are reported by, never learnt from."""

from __future__ import annotations

from pathlib import Path

import pytest

import tenfold
from tenfold.core.errors import UsageError
from tenfold.core.rows import BY, reported
from tenfold.media.reading import Reading
from tenfold.tasks.registry import find

USERS = 30
GENDERS = {f"{user}": "FM"[user % 2] for user in range(1, USERS + 1)}
EVENTS = [
    (user, (user * 7 + step * 3) % 23, 1 + (user + step) % 5, 978_000_000 + step)
    for user in range(1, USERS + 1)
    for step in range(8)
]
LINES = [(user, GENDERS[f"{user}"], 18 + user % 3, user % 7, 10_000 + user) for user in
         range(1, USERS + 1)]  # fmt: skip


def movielens(path: Path) -> Path:
    """The layout of MovieLens-1M, with one user without a line."""
    texts = {"ratings.dat": EVENTS, "users.dat": LINES[:-1]}
    for name, lines in texts.items():
        text = "\n".join("::".join(map(str, line)) for line in lines)
        (path / name).write_text(text + "\n", "latin-1")
    movies = [f"{item}::Film {item} (1999)::Drama|War" for item in range(23)]
    (path / "movies.dat").write_text("\n".join(movies) + "\n", "latin-1")
    return path


def movielens_100k(path: Path) -> Path:
    (path / "u.data").write_text("".join("\t".join(map(str, one)) + "\n" for one in EVENTS))
    rows = [(user, age, gender, "writer", code) for user, gender, age, _, code in LINES[:-1]]
    (path / "u.user").write_text("".join("|".join(map(str, one)) + "\n" for one in rows))
    return path


def with_headers(path: Path) -> Path:
    written(path / "purchases.csv", "customer_id,article_id,score,time", EVENTS)
    written(path / "customers.csv", "customer_id,Gender,Age,x,y", LINES[:-1])
    return path


def with_ids(path: Path) -> Path:
    written(path / "events.csv", "user_id;item_id;rating;timestamp", EVENTS, ";")
    written(path / "users.csv", "id;gender;age;job;code", LINES[:-1], ";")
    return path


def written(path: Path, header: str, rows: list[tuple[object, ...]], separator: str = ",") -> None:
    lines = [header, *(separator.join(map(str, row)) for row in rows)]
    path.write_text("\n".join(lines) + "\n")


def recbole(path: Path) -> Path:
    types = "user_id:token", "item_id:token", "rating:float", "timestamp:float"
    written(path / "ml.inter", "\t".join(types), EVENTS, "\t")
    names = "user_id:token", "gender:token", "age:token", "job:token", "code:token"
    written(path / "ml.user", "\t".join(names), LINES[:-1], "\t")
    return path


MAKERS = [movielens, movielens_100k, with_headers, with_ids, recbole]


@pytest.mark.parametrize("maker", MAKERS)
def test_columns_of_users_are_joined_by_their_ids(maker, tmp_path: Path):
    source = maker(tmp_path)
    plain = find("recommendation").read(source).table
    assert not reported(plain)
    rows = find("recommendation").read(source, Reading(by=("gender", " AGE ")))
    names = {name.lower(): column for name, column in reported(rows.table).items()}
    assert set(names) == {"gender", "age"}
    genders = dict(zip(rows.table["group"], rows.table[names["gender"]], strict=True))
    assert genders == GENDERS | {f"{USERS}": None}
    assert set(rows.table[names["age"]]) == {"18", "19", "20", None}
    columns = [name for name in rows.table if not name.startswith(BY)]
    assert rows.table[columns].equals(plain), "nothing else depends on them"
    aside = [one for one in rows.taken.left if one.kind == "tables"]
    assert any("gender" in str(one.why).lower() and "--by" in str(one.why) for one in aside)
    with pytest.raises(UsageError) as refused:
        find("recommendation").read(source, Reading(by=("gender", "height")))
    assert refused.value.code == "missing-column" and "'height'" in refused.value.message


def test_a_column_of_the_interactions_comes_first(tmp_path: Path):
    events = [(*event[:2], "app" if event[0] % 3 else "web") for event in EVENTS]
    written(tmp_path / "events.csv", "user_id,item_id,age", events)
    written(tmp_path / "users.csv", "id,gender,age,job,code", LINES)
    table = find("recommendation").read(tmp_path, Reading(by=("age", "gender"))).table
    assert set(table[f"{BY}age"]) == {"app", "web"} and set(table[f"{BY}gender"]) == {"F", "M"}


def test_a_run_reports_by_them(tmp_path: Path):
    (tmp_path / "data").mkdir()
    source = movielens(tmp_path / "data")
    settings = {"model": "ease", "device": "cpu", "out": tmp_path / "run"}
    run = tenfold.train("recommendation", source, by="gender", **settings)
    (found,) = run.scores["by"]
    assert {one["value"] for one in found["values"]} == {"F", "M"} and found["blank"] == 1
    assert tenfold.test(run.folder).to_json()["by"] == run.scores["by"]
    (other,) = tenfold.test(run.folder, by="age").to_json()["by"]
    assert {one["value"] for one in other["values"]} == {"18", "19", "20"}
