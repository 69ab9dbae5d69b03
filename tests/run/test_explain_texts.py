"""Texts are covered in the words that were handed over, alike by torch, without it and by HTTP."""

import dataclasses
import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import served
from commands import tenfold as command
from exported import exported
from subjects import Subject, trained

import tenfold
from tenfold.answers.label import LABEL, Label
from tenfold.core.columns import Columns, Problem
from tenfold.core.errors import UsageError
from tenfold.core.results import Explanation, to_json
from tenfold.data.inputs import tables
from tenfold.media.input import Input
from tenfold.media.text.cover import text_covers
from tenfold.media.text.passages import passage, strongest
from tenfold.run import explain
from tenfold.run.run import open_run

TASK = "text-classification"
TEXT = "today we saw the <b>team</b> 😀 score a goal"
CHINESE = "今天 我们 觉得 台风 很"
INPUTS = {"text": Input("text")}


@pytest.fixture(scope="module")
def subject(tmp_path_factory) -> Subject:
    return trained(TASK, tmp_path_factory)


def by_word(table: pd.DataFrame) -> list[Label | Problem]:
    """Says `yes` where the text holds 好 or good; a blank text cannot be answered."""
    return [
        Problem("empty-text", "is empty")
        if not text.strip()
        else Label("yes", {"yes": 0.9 if "好" in text or "good" in text else 0.2})
        for text in table["text"]
    ]


def asked(text: object) -> pd.DataFrame:
    return pd.DataFrame({"text": [text], "source": ["x"]}, dtype=object)


# --- covers ---


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("a good film", ["a", "good", "film"]),
        ("真 好看", ["真", "好", "看"]),
        ("😀 don't", ["😀", "don't"]),
        ("", []),
        (" \n\t", []),
    ],
)
def test_parts_of_a_text_are_its_tokens(text, parts):
    assert [text[a:b] for a, b in text_covers(text)] == parts


def test_a_long_text_has_64_parts_of_neighbours_that_leave_nothing_out():
    text = " ".join(f"w{number}" for number in range(1000))
    parts = text_covers(text)
    sizes = [text[a:b].count(" ") + 1 for a, b in parts]
    assert len(parts) == 64 and sum(sizes) == 1000 and max(sizes) - min(sizes) <= 1


@pytest.mark.parametrize("text", ["a" * 2_000_000, "字" * 2_000_000, None, 7, b"bytes"])
def test_vast_texts_and_what_is_no_text(text):
    parts = text_covers(text)
    assert len(parts) <= 64
    if isinstance(text, str):
        assert parts[0][0] == 0 and parts[-1][1] == len(text), "both ends are read"


@pytest.mark.parametrize("text", ["a good film", "这部电影很好。", "😀😀 good 好"])
def test_covers_find_the_word_and_keep_its_place(text):
    seen = []

    def say(table):
        seen.append(list(table["text"]))
        return by_word(table)

    (found,) = explain.in_cells(LABEL, say, INPUTS, asked(text))
    said = {text[a:b]: w for (a, b), w in zip(found.places, found.weights, strict=True)}
    telling = [word for word in said if word in ("good", "好")]
    if len(telling) == 1:
        assert max(said, key=said.get) == telling[0] and said[telling[0]] == pytest.approx(0.7)
        assert all(weight == 0 for word, weight in said.items() if word not in telling)
    assert [len(batch) for batch in seen] == [1, len(found.places)], "one batch"
    assert {len(one) for one in seen[1]} == {len(text)}, "what follows stays where it was"
    assert (found.over, found.method) == ("text", "occlusion")


def test_where_nothing_is_left_nothing_of_the_answer_is_left():
    (found,) = explain.in_cells(LABEL, by_word, INPUTS, asked("good"))
    assert found.weights == [0.9] and found.places == [[0, 4]]


def test_vast_texts_are_asked_about_in_several_parts(monkeypatch):
    monkeypatch.setattr(explain, "AT_ONCE", 100)
    sizes = []

    def say(table):
        sizes.append(len(table))
        return by_word(table)

    (found,) = explain.in_cells(LABEL, say, INPUTS, asked("a good film " * 3))
    assert max(sizes) == 2 and sum(sizes) == 1 + len(found.weights) == 10


def test_another_answer_is_explained_and_others_give_nothing():
    (no,) = explain.in_cells(
        LABEL,
        lambda table: [Label("yes", {"yes": p, "no": 1 - p}) for p in np.full(len(table), 0.4)],
        INPUTS, asked("a b"), about=Label("no", {"yes": 0.2, "no": 0.8}),
    )  # fmt: skip
    assert no.weights == [0.2, 0.2]
    assert explain.in_cells(LABEL, by_word, INPUTS, asked("  ")) == []
    assert explain.in_cells(LABEL, by_word, {"x": Input("number")}, asked("good")) == []


def test_only_explanations_of_texts_name_places():
    assert "places" not in to_json(Explanation("image", "occlusion", [[1.0]]))
    assert to_json(Explanation("text", "occlusion", [1.0], [[0, 2]]))["places"] == [[0, 2]]


# --- a run ---


@pytest.fixture(scope="module")
def shown(subject, tmp_path_factory):
    folder = tmp_path_factory.mktemp("shown") / "页"
    return tenfold.explain(subject.run, [TEXT, CHINESE, "  ", "soup " * 5000], out=folder)


def test_a_run_rests_on_the_words_of_its_topic(shown):
    english, chinese, blank, long = shown["inputs"]
    for one, text, telling in ((english, TEXT, "team score goal"), (chinese, CHINESE, "台 风")):
        (why,) = one["explanations"]
        parts = [text[a:b] for a, b in why["places"]]
        order = np.argsort(why["weights"])[::-1]
        assert parts[order[0]] in telling.split(), dict(zip(parts, why["weights"], strict=True))
    assert english["label"] == "sport" and chinese["label"] == "weather"
    assert blank["error"]["code"] == "empty-text"
    assert len(long["explanations"][0]["weights"]) == 64
    assert english["file"] == "" and set(english["random_weights"]) == {"occlusion"}


def test_the_page_shows_texts_and_speaks_of_no_pictures(shown):
    page = Path(shown["page"]).read_text("utf-8")
    assert "<b>team</b>" not in page and "team" in page and "😀" in page
    assert 'class="for"' in page and 'title="+' in page
    assert "picture" not in page and "<img" not in page
    assert page.count("soup") < 1000 and len(page) < 60_000, "a long text is cut"
    assert [one.name for one in Path(shown["page"]).parent.iterdir()] == ["index.html"]


def test_the_terminal_tells_the_strongest_words(shown):
    first = str(shown).splitlines()[0].split("\t")
    assert first[2].startswith("for: ") and "\n" not in first[2]
    assert "Page: " in str(shown) and "icture" not in str(shown)


def test_http_and_the_exported_run_explain_as_torch_does(subject, tmp_path, tmp_path_factory):
    run = open_run(shutil.copytree(subject.run.folder, tmp_path / "run"))
    want = maps_of(run, TEXT)
    with served.thread([run]) as server:
        reply = server.post("/v1/models/run/explain", {"inputs": {"text": TEXT}})
        (found,) = reply.json()["explanations"]
        assert set(found) == {"over", "method", "weights", "places"}
        assert found["places"] == want.places
        assert np.allclose(found["weights"], want.weights, atol=1e-3)
        assert server.post("/v1/models/run/explain", {"inputs": {"text": " "}}).code == "empty-text"
    home = exported(subject.name, tmp_path_factory) / "run" / "export"
    opened = open_run(shutil.copytree(home, tmp_path / "export"))
    assert opened.net is None
    other = maps_of(opened, TEXT)
    assert other.places == want.places and np.allclose(other.weights, want.weights, atol=1e-3)
    seen = tenfold.explain(opened, TEXT, out=tmp_path / "seen")["inputs"][0]
    assert seen["random_weights"] == {} and len(seen["explanations"]) == 1


def maps_of(run, text: str) -> Explanation:
    table = next(tables(run.task.inputs(run.facts), text))
    columns = Columns(run.task.encode(table, run.facts).columns)
    (found,) = explain.covered(run, table, columns)
    return found


def test_a_class_is_asked_about(subject, tmp_path):
    about = {
        name: tenfold.explain(subject.run, TEXT, about=name, out=tmp_path)["inputs"][0]
        for name in ("sport", "food")
    }
    first, second = (one["explanations"][0]["weights"] for one in about.values())
    assert np.corrcoef(first, second)[0, 1] < 0, "what speaks for one speaks against the other"


def test_gradcam_has_nothing_to_say_of_texts(subject, tmp_path):
    found = tenfold.explain(subject.run, TEXT, method="gradcam", out=tmp_path / "seen")
    assert found["inputs"][0]["explanations"] == []
    page = (tmp_path / "seen/index.html").read_text("utf-8")
    assert "goal" in page and 'class="for"' not in page


def test_the_command_line_explains_a_text(subject, tmp_path):
    done = command("explain", str(subject.run.folder), TEXT, "--out", "seen", cwd=tmp_path)
    assert done.code == 0 and "for: " in done.out, done.err
    done = command(
        "explain", str(subject.run.folder), TEXT, "--out", "seen", "--json", cwd=tmp_path
    )
    assert json.loads(done.out)["inputs"][0]["explanations"][0]["places"][0] == [0, 5]


def test_nothing_is_drawn_beside_texts(subject, tmp_path):
    with pytest.raises(UsageError) as refused:
        tenfold.similar(subject.run, TEXT, draw=tmp_path / "drawn")
    assert (refused.value.code, refused.value.where) == ("bad-setting", "draw")
    assert refused.value.message.values == {"media": "text"}
    assert not (tmp_path / "drawn").exists()


def test_explaining_a_vast_text_takes_few_predictions(subject, tmp_path):
    asked_for = []

    def infer(columns: Columns):
        asked_for.append(columns.rows)
        return subject.run.infer(columns)

    run = dataclasses.replace(subject.run, infer=infer)
    found = tenfold.explain(run, asked("soup" * 500_000), out=tmp_path / "seen")
    assert len(found["inputs"][0]["explanations"][0]["weights"]) <= 64
    assert 1 < sum(asked_for) < 4 * 64, "covered copies, counted"
    assert (tmp_path / "seen/index.html").stat().st_size < 60_000


# --- passages ---


def test_a_passage_is_the_text_itself():
    found = Explanation("text", "occlusion", [0.5, -0.25, 0.001], [[0, 1], [2, 4], [5, 6]])
    pieces = passage("好 so 😀!", found)
    assert "".join(one["text"] for one in pieces) == "好 so 😀!"
    marked = {one["text"]: one["strength"] for one in pieces if one["weight"] is not None}
    assert marked == {"好": 1.0, "so": 0.5}, "what hardly matters is not marked"
    assert strongest("好 so 😀!", found) == "for: 好 +0.50; against: so -0.25"


def test_a_long_passage_shows_what_matters():
    text = "x " * 5000 + "needle" + " y" * 5000
    found = Explanation("text", "occlusion", [0.1, 0.9], [[0, 1], [10_000, 10_006]])
    pieces = passage(text, found, 400)
    shown_ = "".join(one["text"] for one in pieces)
    assert "needle" in shown_ and len(shown_) < 700 and " … " in shown_
    assert len("".join(one["text"] for one in passage(text, None, 400))) < 420


def test_a_passage_holds_nothing_that_a_page_cannot():
    pieces = passage("a\x00b\ud800c\n")
    assert pieces[0]["text"] == "a\ufffdb\ufffdc\n"
    assert passage("") == []
