"""Gzip data that are cut, changed or fail their checksum are refused as such, wherever it is."""

import gzip
import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tenfold.core.errors import DataRefused
from tenfold.media.interactions import read as interactions
from tenfold.media.reading import Reading
from tenfold.media.tables import read as tables
from tenfold.media.text import labelled, tagged

SHORT, LONG = 60, 40_000
"""Numbers of rows: less and more than what is read to detect the form of a file."""


def rows(count: int) -> list[tuple[str, str]]:
    drawn = random.Random(count)
    return [(f"soup {drawn.random()} table {at}", "ab"[at % 2]) for at in range(count)]


def texts(count: int) -> str:
    return "text,label\n" + "".join(f"{text},{label}\n" for text, label in rows(count))


def jsons(count: int) -> str:
    return json.dumps([{"text": text, "label": label} for text, label in rows(count)])


def tokens(count: int) -> str:
    return "".join(f"{text.replace(' ', '_')} B-X\nsaw O\n\n" for text, _ in rows(count))


def events(count: int) -> str:
    return "user,item,time\n" + "".join(f"{at % 9},i{at},{at}\n" for at in range(count))


def numbers(count: int) -> str:
    return "size,kind\n" + "".join(f"{at * 7 % 31}.5,{'ab'[at % 2]}\n" for at in range(count))


FORMS: dict[str, tuple[Callable[[int], str], Callable[[Path], Any]]] = {
    "a.csv.gz": (texts, labelled.read),
    "a.json.gz": (jsons, labelled.read),
    "a.conll.gz": (tokens, tagged.read),
    "tokens.json.gz": (jsons, tagged.read),
    "events.csv.gz": (events, interactions.read),
    "table.csv.gz": (numbers, lambda path: tables.read(path, Reading(target="kind"))),
}
DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "cut": lambda data: data[: len(data) * 2 // 3],
    "checksum": lambda data: data[:-8] + bytes(8),
    "changed": lambda data: data[:-40] + bytes(32) + data[-8:],
    "header alone": lambda data: data[:12],
}


@pytest.mark.parametrize("count", [SHORT, LONG])
@pytest.mark.parametrize("name", FORMS)
def test_damaged_gzip_is_named(tmp_path: Path, name: str, count: int):
    made, read = FORMS[name]
    whole = gzip.compress(made(count).encode(), 1)
    for how, damage in DAMAGES.items():
        (tmp_path / name).write_bytes(damage(whole))
        with pytest.raises(DataRefused) as refused:
            read(tmp_path / name)
        assert (refused.value.code, name in str(refused.value)) == ("damaged-gzip", True), how
