"""`check` looks at every file, says what is wrong and what training would take, and writes nothing
to the data."""

import json
import shlex
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pictures_made import folder, png
from PIL import Image

from tenfold.core.errors import DataRefused, UsageError
from tenfold.core.message import restored
from tenfold.verbs.check import check

TASK = "image-classification"
QUICK = {"size": "tiny"}


@pytest.fixture
def here(tmp_path, monkeypatch) -> Path:
    """The current folder, empty, beside the data; steps are not timed there."""
    monkeypatch.setattr("tenfold.training.budget.seconds_a_step", lambda *_: 0.01)
    place = tmp_path / "here"
    place.mkdir()
    monkeypatch.chdir(place)
    return place


@pytest.fixture(scope="module")
def dirty(tmp_path_factory) -> Path:
    """Two classes of 30 with one of each kind of trouble."""
    data = folder(tmp_path_factory.mktemp("check") / "photos", each=30, classes=("猫", "<i>dog"))
    (data / "猫" / "cut.png").write_bytes(png(99)[:200])
    (data / "猫" / "page.jpg").write_bytes(b"<html>not found</html>")
    shutil.copy(data / "猫" / "1.png", data / "猫" / "copy of 1.png")
    shutil.copy(data / "猫" / "2.png", data / "<i>dog" / "also 2.png")
    (data / "notes.txt").write_text("x")
    return data


def state(place: Path) -> dict[str, tuple[int, int]]:
    facts = {path: path.stat() for path in sorted(place.rglob("*"))}
    return {str(path): (one.st_size, one.st_mtime_ns) for path, one in facts.items()}


@pytest.fixture(scope="module")
def checked(dirty, tmp_path_factory):
    """What check says of the dirty folder, and the page it wrote."""
    before = state(dirty)
    found = check(TASK, dirty, out=tmp_path_factory.mktemp("checked"), **QUICK)
    assert state(dirty) == before, "the data were written to"
    return found, Path(found["report"])


def test_check_tells_all(checked):
    found, _ = checked
    elsewhere = sum(len(found[name]) for name in ("quarantined", "ignored", "leaks"))
    assert found["found"] == found["used"] + elsewhere + found["beyond"]
    assert {one["source"] for one in found["quarantined"]} == {"猫/cut.png", "猫/page.jpg"}
    assert all(one["reason"] and one["fix"] for one in found["quarantined"])
    assert found["ignored"] == ["notes.txt"]
    assert [sorted(group) for group in found["duplicates"]] == [["猫/1.png", "猫/copy of 1.png"]]
    assert [sorted(group) for group in found["conflicts"]] == [["<i>dog/also 2.png", "猫/2.png"]]
    assert set(found["classes"]) == {"猫", "<i>dog"}
    assert sum(sum(counts.values()) for counts in found["classes"].values()) == found["used"]
    said = str(found)
    assert "left out: 猫/page.jpg" in said and "check-photos.html" in said


def test_check_writes_a_page_and_json(checked):
    found, path = checked
    assert path.name == "check-photos.html"
    written = json.loads(path.with_suffix(".json").read_text("utf-8"))
    assert restored(written) == found.to_json()
    with_values = {one["reason"] for one in found["quarantined"] if one["values"]}
    assert with_values and with_values <= {*written["messages"]}
    page = path.read_text("utf-8")
    for words in ("Ready for training.", "page.jpg", "web page", "also 2.png", "copy of 1.png"):
        assert words in page
    assert "<i>dog" not in page and "&lt;i&gt;dog" in page and ">猫<" in page
    assert page.count('src="data:image/') >= 2 * 8 + 2 * 8, (
        "examples of each class and changed views"
    )
    assert "<h3>Augmented examples</h3>" in page
    assert len(page) < 3_000_000 and "http:" not in page and "https:" not in page


def test_check_tells_what_training_would_take(checked):
    estimate = checked[0]["estimate"]
    assert 0 < estimate["minutes"] < 60
    assert estimate["steps"] >= 1 and estimate["seconds_a_step"] > 0
    assert 50e6 < estimate["memory"] < 50e9 and 2e6 < estimate["disk"] < 1e9


def test_refused_data_are_reported_too(here, tmp_path, monkeypatch):
    printed = []
    monkeypatch.setattr("tenfold.data.refusals.tell", printed.append)
    data = folder(tmp_path / "photos", each=8)
    for name in ("bad.png", "worse.png"):
        (data / "cat" / name).write_bytes(b"")
    with pytest.raises(DataRefused, match="more than 5 %") as refused:
        check(TASK, data, **QUICK)
    assert [one.values["source"] for one in printed] == ["cat/bad.png", "cat/worse.png"]
    assert refused.value.exit_code == 3 and refused.value.code == "too-many-bad"
    document = json.loads((here / "check-photos.json").read_text("utf-8"))
    assert len(document["quarantined"]) == 2 and document["estimate"] == {}
    page = (here / "check-photos.html").read_text("utf-8")
    assert "Not ready for training." in page and "more than 5 %" in page
    assert check(TASK, data, on_bad="skip", **QUICK)["estimate"]


def test_check_goes_where_it_is_told(dirty, here):
    found = check(TASK, dirty, out="a/b.html", limit=8, **QUICK)
    assert found["beyond"] > 0 and found["report"] == str(Path("a/b.html"))
    assert sorted(path.name for path in here.rglob("*.*")) == ["b.html", "b.json"]
    assert "beyond --limit" in (here / "a/b.html").read_text("utf-8")


@pytest.mark.parametrize("out", [None, "page.html", "sub"])
def test_check_never_writes_into_the_data(out, dirty, monkeypatch):
    monkeypatch.chdir(dirty)
    before = state(dirty)
    with pytest.raises(UsageError, match="into the data"):
        check(TASK, ".", out=out, **QUICK)
    assert state(dirty) == before


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ({"seed": -1}, "seed must be"),
        ({"limit": 0}, "limit must be"),
        ({"on_bad": "maybe"}, "on_bad must be one of"),
        ({"size": "huge"}, "size of image-classification must be one of"),
    ],
)
def test_check_refuses_what_cannot_be(words, said, here, tmp_path):
    with pytest.raises(UsageError, match=said):
        check(TASK, tmp_path, **words)


def test_check_of_several_classes_in_a_table(here):
    random = np.random.default_rng(0)
    table = pd.DataFrame(
        {
            "image": [random.integers(0, 255, (12, 12, 3), np.uint8) for _ in range(30)],
            "label": ["red|round", "red", "round"] * 10,
        }
    )
    found = check(TASK, table, **QUICK)
    assert sum(found["classes"]["red"].values()) == 20
    assert (here / "check-data.html").is_file()


def test_sizes_are_drawn(here, tmp_path):
    data = folder(tmp_path / "photos", each=8)
    Image.new("RGB", (90, 40)).save(data / "cat" / "wide.png")
    check(TASK, data, **QUICK)
    page = (here / "check-photos.html").read_text("utf-8")
    assert "longer side, pixels" in page and ">90<" in page


def test_the_next_command_gives_what_check_was_given(here):
    """Roles of columns, notation, settings and the split; the flags can be copied as they are."""
    rows = [f"{n},{n * n % 31},{n % 7},{'ab'[n % 2]},{n % 3},{3.5 * n + n % 5}" for n in range(80)]
    Path("my flows.csv").write_text("\n".join(["id,size,level,site,shift,-flow 1", *rows]) + "\n")
    given = {"target": "-flow 1", "ignore": "id", "group": "level", "by": ("site", "shift")}
    more = {"seed": 3, "on_bad": "skip", "separator": ","}
    found = check("tabular-regression", "my flows.csv", **given, **more)
    words = shlex.split(str(found).splitlines()[-1].partition("tenfold ")[2])
    assert words[:3] == ["train", "tabular-regression", "my flows.csv"]
    assert sorted(zip(words[4::2], words[5::2], strict=True)) == sorted([
        ("--ignore", "id"), ("--group", "level"), ("--by", "site"), ("--by", "shift"),
        ("--separator", ","), ("--seed", "3"), ("--on-bad", "skip"),
    ])  # fmt: skip
    assert words[3] == "--target=-flow 1"
