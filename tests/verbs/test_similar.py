"""The nearest training rows: exact, its own first, made once, and found wherever the data lie."""

import dataclasses
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from commands import tenfold
from learning import watching
from pictures_made import drawn, folder, png, snapshot
from PIL import Image

import tenfold as api
from tenfold.core.errors import DataRefused, UsageError
from tenfold.run import embed

TASK = "image-classification"
SETTINGS = {"size": "tiny", "epochs": 2, "batch": 8, "device": "cpu"}
NAMES = ("猫", "<b>dog</b>")


@pytest.fixture(scope="module")
def home(tmp_path_factory) -> Path:
    """Pictures, and beside them a run trained on them."""
    place = tmp_path_factory.mktemp("similar")
    data = folder(place / "photos", 16)
    mapping = {"cat": NAMES[0], "dog": NAMES[1]}
    api.train(TASK, data, out=place / "run", classes=mapping, **SETTINGS)
    return place


@pytest.fixture(scope="module")
def run(home):
    return api.open_run(home / "run", "cpu")


def rows(run, part: str = "train") -> list[dict]:
    text = (run.folder / "rows.jsonl").read_text("utf-8")
    return [row for row in map(json.loads, text.splitlines()) if row["split"] == part]


def found(run, *inputs, **more) -> list[dict]:
    return [one.to_json() for one in api.similar(run, list(map(str, inputs)), **more)]


# --- the search -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rows", "k", "block"), [(50, 5, 7), (50, 50, 8192), (9, 12, 4), (1, 3, 1)]
)
def test_the_search_is_exact_in_blocks_of_any_size(rows, k, block):
    random = np.random.default_rng(rows)
    units = embed.unit(random.normal(size=(rows, 6)))
    units[rows // 2] = units[0]  # equal ones come in the order of rows
    asked = embed.unit(random.normal(size=(4, 6)))
    scores, places = embed.nearest(asked, units, k, block)
    whole = asked @ units.T
    wanted = np.argsort(-whole, axis=1, kind="stable")[:, :k]
    assert scores.shape == places.shape == (4, min(k, rows))
    assert np.allclose(scores, np.take_along_axis(whole, wanted, 1), atol=1e-6)
    assert np.allclose(np.take_along_axis(whole, places, 1), scores, atol=1e-6)
    assert block < rows or (places == wanted).all()


def test_vectors_of_zeros_are_near_to_nothing():
    units = embed.unit(np.array([[0, 0], [3, 4], [np.inf, 0]], np.float32))
    assert np.isfinite(units).all()
    scores, places = embed.nearest(units[:1], units, 3)
    assert scores.tolist() == [[0, 0, 0]] and places.tolist() == [[0, 1, 2]]
    assert embed.nearest(units[:0], units, 2)[0].shape == (0, 2)


# --- what is said ---------------------------------------------------------------------------------


def test_neighbours_are_those_of_the_features(run, home, tmp_path):
    """The same as numpy says of the vectors that `features` writes."""
    train = rows(run)
    there = api.features(run, [str(home / "photos" / row["source"]) for row in train], out=None)
    fresh = tmp_path / "new.png"
    drawn(77, 1).save(fresh)
    (asked,) = api.features(run, str(fresh), out=None).vectors
    cosine = there.vectors @ asked / np.linalg.norm(there.vectors, axis=1) / np.linalg.norm(asked)
    wanted = [train[place] for place in np.argsort(-cosine)[:7]]
    (one,) = found(run, fresh, k=7)
    assert one["source"] == str(fresh)
    assert [near["source"] for near in one["neighbours"]] == [row["source"] for row in wanted]
    assert [near["label"] for near in one["neighbours"]] == [row["label"] for row in wanted]
    said = [near["similarity"] for near in one["neighbours"]]
    assert np.allclose(said, np.sort(cosine)[::-1][:7], atol=1e-4) and max(said) <= 1
    assert not any(near["itself"] for near in one["neighbours"])


def test_a_training_row_shows_itself_first(run, home):
    for row in rows(run)[:4]:
        (one,) = found(run, home / "photos" / row["source"], k=3)
        first, *others = one["neighbours"]
        assert first == {
            "source": row["source"], "label": row["label"], "similarity": 1.0, "itself": True
        }  # fmt: skip
        assert len(others) == 2 and not any(near["itself"] for near in others)
    held = rows(run, "test")[0]  # a row that was kept from learning is not there
    (one,) = found(run, home / "photos" / held["source"])
    assert held["source"] not in [near["source"] for near in one["neighbours"]]


def test_a_copy_under_another_name_is_known_by_its_content(run, home, tmp_path):
    row = rows(run)[0]
    copy = shutil.copy(home / "photos" / row["source"], tmp_path / "renamed")
    (one,) = found(run, copy, k=1)
    assert one["neighbours"][0]["source"] == row["source"] and one["neighbours"][0]["itself"]
    (one,) = api.similar(run, Path(copy).read_bytes(), k=1)
    assert one.neighbours[0].itself and one.neighbours[0].words == row["label"]
    assert "(itself)" in str(one)


def test_what_cannot_be_read_is_answered_on_its_own_line(run, home, tmp_path):
    (tmp_path / "bad.png").write_bytes(b"no picture")
    good = home / "photos/cat/0.png"
    answers = api.similar(run, [str(tmp_path / "bad.png"), str(good), "none.png"])
    lines = [one.to_json() for one in answers]
    assert [("error" in one, "neighbours" in one) for one in lines] == [
        (True, False), (False, True), (True, False)
    ]  # fmt: skip
    assert lines[0]["error"]["code"] == "not-a-picture" and answers.exit_code == 3
    answers = api.similar(run, ["none.png"])
    assert "ERROR" in str(next(answers)) and answers.exit_code == 3


@pytest.mark.parametrize("k", [0, -1, 1001, 2.5, True, "3"])
def test_k_out_of_range_gives_the_standard_sentence(run, home, k):
    with pytest.raises(UsageError, match=r"k of similar must be a whole number from 1 to 1000"):
        api.similar(run, str(home / "photos/cat/0.png"), k=k)


def test_more_neighbours_than_rows_are_all_there_are(run, home):
    (one,) = found(run, home / "photos/cat/0.png", k=1000)
    assert len(one["neighbours"]) == len(rows(run))
    assert len({near["source"] for near in one["neighbours"]}) == len(rows(run))


def test_several_classes_a_picture_are_a_list(tmp_path):
    table = pd.DataFrame({"image": [np.asarray(drawn(n)) for n in range(24)]})
    table["label"] = ["a|b" if n % 2 else "a" for n in range(24)]
    run = api.train(TASK, table, out=tmp_path / "run", **SETTINGS)
    with pytest.raises(UsageError) as told:  # a DataFrame lies nowhere
        api.similar(run, np.asarray(drawn(0)))
    assert told.value.code == "no-data"
    (one,) = api.similar(run, np.asarray(drawn(3)), data=table, k=24)
    said = {tuple(near.to_json()["labels"]) for near in one.neighbours}
    assert said == {("a",), ("a", "b")} and "a + b" in str(one)


def test_nothing_handed_over_is_said_at_once(run):
    with pytest.raises(UsageError) as told:
        api.similar(run, [])
    assert told.value.code == "no-input"
    assert list(api.similar(run, pd.DataFrame({"image": []}))) == []


# --- where the data lie ---------------------------------------------------------------------------


def test_data_that_moved_are_asked_for(run, home, tmp_path):
    (row, *_) = rows(run)
    other = shutil.copytree(run.folder, tmp_path / "elsewhere")  # as from another machine
    one = home / "photos" / row["source"]
    with pytest.raises(UsageError) as told:
        api.similar(other, str(one))
    assert told.value.code == "no-data" and "--data" in told.value.fix
    moved = shutil.copytree(home / "photos", tmp_path / "deeper" / "moved")
    (said,) = found(other, one, data=moved)
    assert said == found(run, one)[0]


def test_rows_that_are_gone_are_counted(run, home, tmp_path):
    moved = shutil.copytree(home / "photos", tmp_path / "moved")
    gone = rows(run)[:3]
    for row in gone:
        (moved / row["source"]).unlink()
    with watching() as heard:
        (one,) = found(run, home / "photos/cat/0.png", data=moved, k=1000)
    assert heard.told(f"not exist any more: 3 of {len(rows(run))}.")
    assert len(one["neighbours"]) == len(rows(run)) - 3


def test_other_data_hold_none_of_the_rows(run, home, tmp_path):
    strangers = folder(tmp_path / "strangers", 3, side=20)
    with pytest.raises(DataRefused, match=r"None of the .* training rows") as told:
        api.similar(run, str(home / "photos/cat/0.png"), data=strangers)
    assert told.value.code == "no-rows"


# --- once -----------------------------------------------------------------------------------------


def counted(run) -> tuple[object, list[int]]:
    """The run, and how many rows its network is asked about from now on."""
    asked: list[int] = []

    def counting(infer: Callable) -> Callable:
        def call(columns):
            asked.append(columns.rows)
            return infer(columns)

        return call

    return dataclasses.replace(run, infer=counting(run.infer)), asked


def test_training_rows_are_embedded_once(run, home, tmp_path, monkeypatch):
    monkeypatch.setenv("TENFOLD_CACHE", str(tmp_path / "cache"))
    one, asked = counted(run)
    first = found(one, home / "photos/cat/0.png", data=home / "photos")
    assert sum(asked) == len(rows(run)) + 1
    asked.clear()
    assert found(one, home / "photos/cat/0.png", data=home / "photos") == first
    assert asked == [1]
    # another network is another entry: what is kept of this one is not taken for it
    other = api.train(TASK, home / "photos", out=tmp_path / "other", seed=1, **SETTINGS)
    two, asked = counted(other)
    found(two, home / "photos/cat/0.png")
    assert sum(asked) == len(rows(other)) + 1


# --- pictures and the command ---------------------------------------------------------------------


def test_neighbours_are_drawn_beside_the_input(run, home, tmp_path):
    before = snapshot(home)
    inputs = [home / "photos/cat/0.png", "none.png", home / "photos/dog/1.png"]
    assert len(found(run, *inputs, k=3, draw=tmp_path / "drawn")) == 3
    names = sorted(path.name for path in (tmp_path / "drawn").iterdir())
    assert names == ["00000-0.png", "00002-1.png"]
    with Image.open(tmp_path / "drawn" / names[0]) as picture:
        assert picture.width > 4 * 160 and picture.getextrema()[0][0] < 100
    assert snapshot(home) == before


def test_the_command_says_a_line_for_each_input(home):
    done = tenfold("similar", "run", "photos/cat", "none.png", "--k", "2", "--json", cwd=home)
    assert done.code == 3, done.err
    assert len(done.lines) == 17 and done.lines[-1]["error"]["code"] == "missing-file"
    assert all(len(one["neighbours"]) == 2 for one in done.lines[:-1])
    text = tenfold("similar", "run", "photos/cat/0.png", "--data", "photos", cwd=home)
    assert text.code == 0 and len(text.out.strip().split("\t")) == 6
    assert any(name in text.out for name in NAMES)
    assert tenfold("similar", "run", "none.png", cwd=home).code == 3
    refused = tenfold("similar", "run", "photos", "--k", "0", cwd=home)
    assert refused.code == 2 and "k of similar" in refused.last
    assert tenfold("similar", "run", cwd=home).code == 2


def test_png_of_another_size_is_found_too(run, tmp_path):
    (tmp_path / "large.png").write_bytes(png(2, side=64))
    (one,) = found(run, tmp_path / "large.png")
    assert len(one["neighbours"]) == 5
