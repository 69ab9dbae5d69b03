"""Items are named by id or title, with or without one rating, and are printed without escapes."""

import json
from pathlib import Path

import pytest

import tenfold
from tenfold.tasks.recommendation.catalogue import Known

KNOWN = Known({"a": 1, "b=2": 2, "c": 3}, {"film": 1, "x = y": 3})


@pytest.mark.parametrize(
    ("entry", "number", "disliked"),
    [
        ("a", 1, 0),
        (" a ", 1, 0),
        ("FILM", 1, 0),
        ("a=4.5", 1, 0),
        ("a=1", 1, 1),
        ("Film = 1", 1, 1),
        ("b=2", 2, 0),
        ("b=2=5", 2, 0),
        ("b=2=1", 2, 2),
        ("X = Y=1", 3, 3),
        ("a=?", 1, 0),
        ("a=1=1", 0, 0),
        ("a" + "=1" * 5000, 0, 0),
        ("=1" * 5000, 0, 0),
        ("=", 0, 0),
        ("", 0, 0),
    ],
)
def test_an_entry_names_an_item(entry: str, number: int, disliked: int):
    assert (KNOWN.of(entry), KNOWN.disliked(entry, 3.0)) == (number, disliked)


def test_escapes_of_titles_and_ids_are_not_printed(tmp_path: Path):
    data = tmp_path / "data"
    data.mkdir()
    pairs = [(user, (user + step) % 12) for user in range(12) for step in range(6)]
    lines = [f"u{user},i{item}\x1b[2J" for user, item in pairs]
    (data / "shop.csv").write_text("\n".join(["user,item", *lines]))
    titles = [f"i{item}\x1b[2J,\x1b]0;owned\x07 film {item}" for item in range(0, 12, 2)]
    (data / "items.csv").write_text("\n".join(["item,title", *titles]))
    told = tenfold.check("recommendation", data, out=tmp_path / "check")
    run = tenfold.train("recommendation", data, model="ease", out=tmp_path / "run", device="cpu")
    lines = [str(told), *map(str, tenfold.predict(run, ["user=u1", "i3\x1b[2J"]))]
    lines += map(str, tenfold.similar(run, ["i3\x1b[2J"]))
    assert any("film" in line for line in lines)
    assert [line for line in lines if "\x1b" in line or "\x07" in line] == []
    (one,) = tenfold.predict(run, ["user=u1"])
    assert "\\u001b" in json.dumps(one.to_json())
