"""`report --compare`: the paired bootstrap, which rows it may use, what it says and refuses."""

import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from commands import tenfold as command
from PIL import Image

import tenfold
from tenfold.answers import registry
from tenfold.answers.intervals import Paired, Sampling
from tenfold.answers.label import Label
from tenfold.answers.labels import Labels
from tenfold.core.errors import DataRefused, UsageError
from tenfold.core.language import speaking
from tenfold.core.message import restored
from tenfold.reporting import comparison
from tenfold.run import compare
from tenfold.run.compare import Compared
from tenfold.run.rows import rows_of

TASK = "image-classification"
QUICK = {"size": "tiny", "batch": 16, "augment": "none"}


# --- the bootstrap ---


def share(rows: np.ndarray, counts: np.ndarray) -> np.ndarray:
    return counts @ rows[:, 0] / counts.sum(1)


def pair_of(first: np.ndarray, second: np.ndarray) -> Paired:
    return Sampling().paired((first[:, None] * 1, share), (second[:, None] * 1, share))


def test_the_interval_of_a_difference_is_that_of_theory():
    """Of shares on the same rows: b and c rows right for one alone, variance (b+c-(b-c)²/n)/n²."""
    first, second = (np.repeat(flags, [700, 180, 80, 40]) for flags in ([1, 1, 0, 0], [1, 0, 1, 0]))
    found = pair_of(first, second)
    error = np.sqrt(180 + 80 - (180 - 80) ** 2 / 1000) / 1000
    assert found.difference == pytest.approx(0.1)
    assert found.low == pytest.approx(0.1 - 1.96 * error, abs=0.002)
    assert found.high == pytest.approx(0.1 + 1.96 * error, abs=0.002)
    assert found.above > 0.999 and found.below < 0.001


def test_pairing_narrows_the_interval():
    """The same two scores with other rows right: what pairing gains is gone."""
    first = np.arange(1000) < 800
    alike, unlike = np.arange(1000) < 780, np.arange(1000) >= 220
    near, far = pair_of(first, alike), pair_of(first, unlike)
    assert near.difference == pytest.approx(far.difference)
    assert far.high - far.low > 3 * (near.high - near.low)


def test_a_difference_is_rarely_seen_where_there_is_none():
    random = np.random.default_rng(0)
    told = 0
    for _ in range(200):
        hard = random.random(200)
        first, second = (random.random(200) > 0.5 * hard for _ in "ab")
        one = (first[:, None] * 1, share)
        found = Sampling().paired(one, (second[:, None] * 1, share), times=500)
        told += not found.low <= 0 <= found.high
    assert told <= 20, "at most one of twenty is expected; twice that is chance"


def test_the_bootstrap_is_a_function_of_the_rows():
    random = np.random.default_rng(1)
    first, second = random.random((2, 300)) < 0.8
    order = random.permutation(300)
    assert pair_of(first, second) == pair_of(first[order], second[order])
    swapped = pair_of(second, first)
    assert swapped.difference == -pair_of(first, second).difference


@pytest.mark.parametrize("kind", [Label, Labels])
def test_weighed_is_the_headline(kind):
    random = np.random.default_rng(0)
    names = list("abc")
    if kind is Label:
        answers = [Label(x, {n: 0.8 if n == x else 0.1 for n in names}) for x in "abcab" * 20]
        table = pd.DataFrame({"label": random.choice(names, 100)})
    else:
        answers = [Labels(tuple(x), dict.fromkeys(names, 0.5)) for x in ["ab", "c", "", "a"] * 25]
        several = [tuple(n for n in names if random.random() < 0.4) for _ in range(100)]
        table = pd.DataFrame({"labels": pd.Series(several, dtype=object)})
    kind = registry.kinds()[type(answers[0]).__name__.lower()]
    rows, metric = kind.bootstrap(answers, table)
    found = kind.score(answers, table, table)
    ones = np.ones((1, 100), np.int64)
    assert kind.headline == found.headline
    assert metric(rows, ones)[0] == pytest.approx(found.best.value)
    assert metric(rows, np.vstack([ones, 3 * ones]))[1] == pytest.approx(found.best.value)
    half = np.repeat([[1, 0]], 50, 0).reshape(1, -1)
    part = kind.score(answers[::2], table.iloc[::2].reset_index(drop=True), table)
    assert metric(rows, half)[0] == pytest.approx(part.best.value)


# --- the verdict ---


def result(first: float, second: float, low: float, high: float, **counts: int) -> Compared:
    many = {"both": 50, "only_first": 20, "only_second": 10, "neither": 5} | counts
    return Compared("accuracy", Paired(first, second, low, high, 0.9, 0.1), many, 85, 0, "85 rows")


@pytest.mark.parametrize(
    ("found", "better", "sentence"),
    [
        (
            result(0.823, 0.802, 0.004, 0.039),
            "first",
            r"A is .*better than B: .*Accuracy \+2\.1 points \(95 % .*0\.4 to 3\.9\)\.",
        ),
        (
            result(0.802, 0.823, -0.039, -0.004),
            "second",
            r"B is .*better than A: .*Accuracy \+2\.1 points \(95 % .*0\.4 to 3\.9\)\.",
        ),
        (
            result(0.81, 0.80, -0.01, 0.03),
            "",
            r"No .*difference .*: Accuracy of A .* of B is \+1\.0 points "
            r"\(95 % .*-1\.0 to 3\.0\)\.",
        ),
        (
            result(0.85, 0.80, 0.01, 0.09, only_first=5, only_second=0),
            "",
            r"No .*difference .* only 5 rows\.",
        ),
    ],
)
def test_the_verdict_says_who_is_better_and_by_how_much(found, better, sentence):
    assert comparison.better(found) == better
    assert re.fullmatch(sentence, comparison.verdict(found, ("A", "B")))
    with speaking("zh"):
        assert ("优于" in comparison.verdict(found, ("A", "B"))) == bool(better)


# --- real runs ---


def photos(folder: Path, each: int = 40, seed: int = 0, learnable: bool = True) -> Path:
    """Dark and light pictures of noise."""
    random = np.random.default_rng(seed)
    for number, name in enumerate(("dark", "light")):
        (folder / name).mkdir(parents=True)
        low = 100 * number * learnable
        for index in range(each):
            pixels = random.integers(low, low + 150, (10, 10), np.uint8)
            Image.fromarray(pixels).save(folder / name / f"{index}.png")
    return folder


@pytest.fixture(scope="module")
def home(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("compare")


@pytest.fixture(scope="module")
def data(home) -> Path:
    return photos(home / "photos", each=100)


@pytest.fixture(scope="module")
def good(home, data):
    return tenfold.train(TASK, data, out=home / "good", epochs=12, **QUICK)


@pytest.fixture(scope="module")
def bad(home, data):
    """Learnt with a rate at which nothing is learnt."""
    return tenfold.train(TASK, data, out=home / "bad", epochs=1, learning_rate=1e-7, **QUICK)


def test_the_better_run_is_told(good, bad):
    found = tenfold.report([good, bad], compare=True)
    assert found["better"] == "first" and found["difference"]["low"] > 0
    assert found["rows"]["judged"] == good.scores["rows"]["test"]
    assert found["values"]["first"] == good.scores["scores"]["accuracy"]["value"]
    assert found["values"]["second"] == bad.scores["scores"]["accuracy"]["value"]
    assert sum(found["counts"].values()) == found["rows"]["judged"]
    assert re.match(r"good is .*better than bad: .*Accuracy \+", str(found))
    other = tenfold.report(bad, good, compare=True)
    assert other["better"] == "second" and other["verdict"] == found["verdict"]
    assert found["report"] == "" and json.dumps(found.to_json(), allow_nan=False)


def test_a_page_is_written_where_it_is_asked_for(good, bad, tmp_path):
    out = tmp_path / "c.html"
    found = tenfold.report([good, bad], compare=True, out=out, lang="zh")
    page = out.read_text("utf-8")
    assert found["report"] == str(out) and '<html lang="zh-CN">' in page
    assert re.search("good .*优于 bad", page) and "<script" not in page
    assert "http:" not in page and "https:" not in page
    assert re.match("good is .*better than bad", found["verdict"]), "documents stay English"


def test_rows_that_one_run_learnt_from_are_left_out(home, data, good):
    """Another seed draws another split: few rows judge both, and neither has learnt from them."""
    other = tenfold.train(TASK, data, out=home / "seed", epochs=1, seed=5, **QUICK)
    found = compare.compare(good, other)
    rows = [{row["digest"]: row["split"] for row in rows_of(run)} for run in (good, other)]
    common = {key for key, part in rows[0].items() if part == rows[1].get(key) == "test"}
    assert 0 < found.rows == len(common) < good.scores["rows"]["test"]
    judged = {key for one in rows for key, part in one.items() if part == "test"}
    assert found.left_out == len(judged) - found.rows


def test_new_data_may_judge_both(good, bad, data, tmp_path):
    new = photos(tmp_path / "new", each=15, seed=9)
    seen = next((data / "dark").iterdir())
    (new / "dark/seen.png").write_bytes(seen.read_bytes())
    found = tenfold.report([good, bad], compare=True, data=new)
    split = {row["source"]: row["split"] for row in rows_of(good)}
    learnt = split[f"dark/{seen.name}"] != "test"
    assert found["rows"] == {"judged": 31 - learnt, "left_out": int(learnt)}
    assert "rows of the given data" in found["protocol"] and found["better"] == "first"


def test_the_command_line_says_the_same(good, bad, tmp_path):
    words = ("report", "--compare", good.folder, bad.folder)
    done = command(*words, "--json", cwd=tmp_path)
    assert done.code == 0, done.err
    assert restored(done.document) == tenfold.report([good, bad], compare=True).to_json()
    alone = command("report", "--compare", good.folder, cwd=tmp_path)
    assert alone.code == 2 and "two runs, got 1" in alone.err
    third = command(*words, good.folder, "--json", cwd=tmp_path)
    assert third.code == 2 and third.document["error"]["code"] == "run-count"
    again = command("report", good.folder, "--lang", "zh", "--out", "r.html", cwd=tmp_path)
    assert again.code == 0 and 'lang="zh-CN"' in (tmp_path / "r.html").read_text("utf-8")
    refused = command("report", good.folder, "--lang", "de", cwd=tmp_path)
    assert refused.code == 2 and "lang must be one of en, zh, got 'de'" in refused.err


def test_runs_of_one_name_are_told_apart(home, good, bad):
    twin = home / "elsewhere"
    twin.mkdir()
    (bad.folder).rename(twin / "good")
    try:
        moved = tenfold.open_run(twin / "good", "cpu")
        assert str(twin / "good") in tenfold.report([good, moved], compare=True)["verdict"]
    finally:
        (twin / "good").rename(bad.folder)


def test_what_cannot_be_compared_is_refused(home, data, good, bad, tmp_path):
    for named, compared in (([], False), ([good], True), ([good, bad, good], True)):
        with pytest.raises(UsageError) as count:
            tenfold.report(*named, compare=compared)
        assert count.value.code == "run-count"
        assert count.value.message.values["count"] == len(named)
    with pytest.raises(UsageError) as same:
        tenfold.report([good, good.folder], compare=True)
    assert same.value.code == "same-run"
    several = pd.DataFrame(
        {"image": [np.zeros((9, 9), np.uint8) + n for n in range(40)], "label": ["a|b", "b"] * 20}
    )
    both = tenfold.train(TASK, several, out=tmp_path / "several", epochs=1, **QUICK)
    with pytest.raises(UsageError) as kinds:
        tenfold.report([good, both], compare=True)
    assert kinds.value.code == "different-tasks"
    strange = photos(tmp_path / "strange", each=12, seed=77)
    alone = tenfold.train(TASK, strange, out=tmp_path / "alone", epochs=1, **QUICK)
    with pytest.raises(DataRefused) as none:
        tenfold.report([good, alone], compare=True)
    assert none.value.code == "no-common-rows" and "--data" in none.value.fix
