"""Pages speak English or Chinese, wholly: every sentence has its entry, and no entry is unused."""

import ast
import copy
import json
import pickle
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from latin import latin_words
from PIL import Image
from sentences import PACKAGE, PLACEHOLDER, called, calls_of, has_words, sentences

from tenfold.core.columns import Problem
from tenfold.core.errors import DataRefused, UsageError
from tenfold.core.language import say, speaking, spoken
from tenfold.core.message import Message, restored, translate, with_messages
from tenfold.media.text.medium import TEXT
from tenfold.reporting.templates import page as page_of
from tenfold.verbs.check import check
from tenfold.verbs.explain import explain
from tenfold.verbs.report import report
from tenfold.verbs.train import train

CATALOGUE = json.loads((PACKAGE / "core" / "chinese.json").read_text("utf-8"))

# --- every sentence there is ---


def test_every_message_has_a_literal_template():
    """A finished sentence in place of a template could not be translated."""
    wrong = [
        f"{path.relative_to(PACKAGE)}:{call.lineno}"
        for path in sorted(set(PACKAGE.rglob("*.py")) - set((PACKAGE / "core").glob("[lm]*age.py")))
        for call in calls_of(path)
        if called(call) == "Message" and call.args and not isinstance(call.args[0], ast.Constant)
    ]
    assert [one for one in wrong if "core/settings.py" not in one] == [], "help texts are listed"


def test_every_sentence_is_in_the_catalogue_and_nothing_else():
    found = sentences()
    assert len(found) > 200, "the collector has gone blind"
    assert sorted(found - set(CATALOGUE)) == [], "chinese.json lacks these"
    assert sorted(filter(has_words, set(CATALOGUE) - found)) == [], "nothing says these any more"


def test_a_translation_has_the_same_placeholders():
    wrong = {
        key
        for key, text in CATALOGUE.items()
        if sorted(PLACEHOLDER.findall(key)) != sorted(PLACEHOLDER.findall(text))
    }
    assert wrong == set()
    latin = r"[A-Za-z²]+( [A-Z]+)?|(tenfold|pip) .*|"  # RMSE, R² and commands
    chinese = r"[\u4e00-\u9fff，。：；]"
    odd = {
        k for k, v in CATALOGUE.items() if not re.search(chinese, v) and not re.fullmatch(latin, v)
    }
    assert odd == set()


# --- speaking ---


def test_english_is_spoken_unless_asked_otherwise():
    assert spoken() == "en" and say("Scores") == "Scores"
    with speaking("zh"):
        assert say("Scores") == "得分"
        with speaking("en"):
            assert say("Scores") == "Scores"
        assert say("{low} to {high}", low=1, high=2) == "1 至 2"
    assert say("Scores") == "Scores"


def test_what_is_missing_stays_english():
    with speaking("zh"):
        assert say("Nobody wrote {this}.", this="down") == "Nobody wrote down."
        assert translate("is of no known form") == "is of no known form"


def test_messages_are_translated_where_they_are_displayed():
    reason = Message("is larger than {limit} MB", limit=512)
    first = Message(
        "{count} of {rows} {units} cannot be used, more than 5 %; the first: {source} {reason}",
        count=3,
        rows=9,
        units=Message("files"),
        source="a{b}.png",
        reason=reason,
    )
    english = (
        "3 of 9 files cannot be used, more than 5 %; the first: a{b}.png is larger than 512 MB"
    )
    assert first == english == translate(first)
    document = with_messages({"refusal": [first], "other": "plain"})
    stored = json.loads(json.dumps(document))
    assert stored["refusal"] == [english]
    assert stored["messages"][reason] == {"template": reason.template, "values": {"limit": 512}}
    again = restored(stored)
    assert again == {"refusal": [english], "other": "plain"}
    with speaking("zh"):
        for one in (first, again["refusal"][0]):
            text = translate(one)
            assert "文件" in text and "a{b}.png" in text and "512 MB" in text
            assert not re.search("[a-z]{3,}", text.replace("a{b}.png", ""))


def test_a_stranger_s_messages_do_no_harm():
    """A run folder may come from anybody: entries of any form, values that do not fit, loops."""
    limit = "is larger than {limit} MB"
    loop = {"template": "The run {reason}", "values": {"reason": "a"}}
    document = {
        "all": ["a", "b", "c", "d", "e", "f"],
        "messages": {
            "a": loop,
            "b": {"template": "{x:>999999999}", "values": {"x": 1}},
            "c": {"template": limit, "values": {}},
            "d": {"template": limit},
            "e": ["no object"],
            "f": {"template": limit, "values": {"limit": "{limit.__class__}"}},
        },
    }
    again = restored(document)["all"]
    assert again == document["all"] and restored({"messages": "x", "y": 1})["y"] == 1
    with speaking("zh"):
        said = [translate(one) for one in again]
    assert said[1:5] == ["b", "c", "d", "e"] and said[0].endswith("a")
    assert "{limit.__class__}" in said[5]


def test_plain_text_of_rooms_from_elsewhere_is_enough():
    """Their authors may raise errors with strings, which stay English."""
    error = DataRefused("No dial", fix="Buy one.", code="no-dial")  # type: ignore[arg-type]
    assert error.to_json()["values"] == {} and "Buy one." in str(error)
    with speaking("zh"):
        assert str(Problem("no-dial", "has no dial")) == "has no dial。"  # type: ignore[arg-type]


def test_messages_are_copied_and_pickled_whole():
    message = Message("is larger than {limit} MB", limit=3)
    for other in (copy.deepcopy(message), pickle.loads(pickle.dumps(message))):
        assert (other, other.template, other.values) == (message, message.template, {"limit": 3})


def test_an_error_is_displayed_in_the_language_spoken():
    error = DataRefused(
        Message("Class {name!r} has only one example", name="猫"),
        fix=Message("Add examples of a second class."),
    )
    assert str(error).startswith("Class '猫' has only one example")
    assert error.to_json()["values"] == {"name": "猫"}
    with speaking("zh"):
        assert str(error) != error.message and "猫" in str(error)
        assert error.to_json()["message"] == "Class '猫' has only one example"


@pytest.mark.parametrize(("lang", "near"), [("fr", "Known names: en, zh."), ("zh-cn", "mean 'zh'")])
def test_an_unknown_language_is_refused(lang, near, tmp_path):
    for verb in (
        lambda: report(tmp_path, lang=lang),
        lambda: train("image-classification", tmp_path, lang=lang),
        lambda: check("image-classification", tmp_path, lang=lang),
        lambda: explain(tmp_path, tmp_path, lang=lang),
    ):
        with pytest.raises(UsageError, match="lang must be one of en, zh, got") as refused:
            verb()
        assert refused.value.code == "bad-setting" and near in refused.value.fix


def test_values_are_escaped_into_sentences():
    with speaking("zh"):
        page = page_of("gallery.html.jinja", title="<i>", cards=[], medium=TEXT)
    assert "<i>" not in page and "&lt;i&gt;" in page


# --- whole pages ---


@pytest.fixture(scope="module")
def home(tmp_path_factory) -> Path:
    """Pictures of two classes, one of them damaged, copies, and a class name in Chinese."""
    folder = tmp_path_factory.mktemp("language")
    random = np.random.default_rng(0)
    for name in ("红", "blue"):
        (folder / "photos" / name).mkdir(parents=True)
        for number in range(30):
            pixels = random.integers(0, 255, (12, 12, 3), np.uint8)
            Image.fromarray(pixels).save(folder / "photos" / name / f"{number}.png")
    (folder / "photos/blue/damaged.png").write_bytes(b"<html>")
    (folder / "photos/blue/copy.png").write_bytes((folder / "photos/blue/0.png").read_bytes())
    (folder / "photos/红/other.png").write_bytes((folder / "photos/blue/1.png").read_bytes())
    return folder


@pytest.fixture(scope="module")
def run(home):
    settings = {"size": "tiny", "epochs": 2, "batch": 16, "augment": "shift", "on_bad": "skip"}
    out = home / "run"
    return train("image-classification", home / "photos", out=out, lang="zh", **settings)


def test_a_report_is_wholly_chinese(run, home):
    page = (run.folder / "report.html").read_text("utf-8")
    assert '<html lang="zh-CN">' in page
    assert latin_words(page) == set()
    charts_text = " ".join(re.findall(r"<text.*?</text>", page, re.S))
    assert "训练轮数" in charts_text and "红" in charts_text and "预测的置信度" in charts_text
    assert run.scores["protocol"].endswith("drawn from all rows"), "documents stay English"
    assert report(run, out=home / "en.html")["card"]["use"].startswith(
        "Predicts the class of a picture"
    )
    english = (home / "en.html").read_text("utf-8")
    assert '<html lang="en">' in english and "红" in english
    assert set(re.findall(r"[\u4e00-\u9fff]", english)) == {"红"}


def test_the_latin_words_of_an_english_page_are_seen(run, home):
    report(run, out=home / "seen.html")
    assert {"Scores", "rows", "precision"} <= latin_words((home / "seen.html").read_text("utf-8"))


def test_a_check_is_wholly_chinese(home):
    settings = {"size": "tiny", "on_bad": "skip", "lang": "zh"}
    check("image-classification", home / "photos", out=home / "check.html", **settings)
    page = (home / "check.html").read_text("utf-8")
    assert latin_words(page) == set() and '<html lang="zh-CN">' in page
    assert "是网页（HTML 或 XML），不是图片" in page and "请下载图片本身。" in page


def test_a_refused_check_is_wholly_chinese(home, tmp_path):
    for number in range(20):
        (home / "photos/blue" / f"bad{number}.png").write_bytes(b"")
    try:
        with pytest.raises(DataRefused, match="files cannot be used"):
            check("image-classification", home / "photos", out=tmp_path / "c.html", lang="zh")
    finally:
        for number in range(20):
            (home / "photos/blue" / f"bad{number}.png").unlink()
    page = (tmp_path / "c.html").read_text("utf-8")
    assert latin_words(page) - {"check", "bad"} == set()
    assert "还不能用于训练" in page and "是空文件（0 字节）" in page


def test_a_gallery_is_wholly_chinese(run, home):
    found = explain(run, str(home / "photos/blue/0.png"), out=home / "seen", limit=1, lang="zh")
    page = Path(found["page"]).read_text("utf-8")
    assert latin_words(page) == set() and '<html lang="zh-CN">' in page


def test_labels_of_any_number_are_chinese_too(tmp_path):
    pictures = list(np.random.default_rng(0).integers(0, 255, (32, 12, 12, 3), np.uint8))
    names = ["红|圆", "红", "圆", "方|红"] * 8
    table = pd.DataFrame({"image": pictures, "label": names})
    settings = {"size": "tiny", "epochs": 1, "batch": 16, "augment": "none", "lang": "zh"}
    run = train("image-classification", table, out=tmp_path / "run", **settings)
    page = (run.folder / "report.html").read_text("utf-8")
    assert latin_words(page) == set() and "微平均 F1" in page and "校准前" in page
