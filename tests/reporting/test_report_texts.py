"""Pages about texts: examples, lengths, errors with what they rest on, and no word of pictures."""

import html
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from latin import latin_words

import tenfold
from tenfold.answers.spans import SPANS, Spans, true_marks
from tenfold.core.language import speaking
from tenfold.media.text.passages import named

NASTY = "<img src=x onerror=alert(1)>"
WORDS = {"good": ["lovely", "优秀", "kind"], "bad": ["awful", "糟糕", "cruel"]}
FILL = ["the", "film", NASTY, "电影", "很", "plot", "😀"]


def reviews(rows: int = 200, wrong: float = 0.15) -> pd.DataFrame:
    """Texts of two classes, some of them under the wrong one."""
    random = np.random.default_rng(5)
    found = []
    for row in range(rows):
        name, other = random.permutation(["good", "bad"])
        told = WORDS[other if random.random() < wrong else name]
        words = [*random.choice(FILL, random.integers(2, 12)), random.choice(told), str(row)]
        found.append(
            {
                "text": " ".join(random.permutation(words)),
                "label": name,
                "split": ("train", "train", "valid", "test")[row % 4],
                "source": f"reviews.csv:{row + 2}",
                "problem": None,
            }
        )
    found[0] |= {"text": "long " * 5000}
    return pd.DataFrame(found)


QUICK = {"size": "tiny"}


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A run on the reviews, as a table with their parts."""
    folder = tmp_path_factory.mktemp("texts")
    table = reviews().drop(columns=["source", "problem"])
    table.to_csv(folder / "reviews.csv", index=False)
    return tenfold.train(
        "text-classification",
        folder / "reviews.csv",
        out=folder / "run",
        epochs=2,
        device="cpu",
        **QUICK,
    )


@pytest.fixture(scope="module", params=["en", "zh"])
def pages(request, trained, tmp_path_factory):
    """Check and report of the same reviews, in one language."""
    folder, lang = tmp_path_factory.mktemp("pages"), request.param
    check = tenfold.check(
        "text-classification", reviews(), out=folder / "c.html", lang=lang, **QUICK
    )
    assert check["report"] == str(folder / "c.html")
    report = trained.folder / "report.html"
    if lang != "en":
        tenfold.report(trained, out=(report := folder / "report.html"), lang=lang)
    return lang, (folder / "c.html").read_text("utf-8"), report.read_text("utf-8"), trained


def body(page: str) -> str:
    """What a person reads."""
    return html.unescape(re.sub(r"<[^>]*>", "", page[page.index("<body>") :]))


def test_no_page_about_texts_speaks_of_pictures(pages):
    lang, check, report, _ = pages
    for page in (check, report):
        assert not re.search(
            "picture|pixel|image" if lang == "en" else "图片|像素|图像", body(page)
        )
        assert NASTY not in page and "&lt;" in page
        assert 'src="data:' not in page


def test_a_check_shows_texts_of_every_class_and_their_lengths(pages):
    lang, check, _, _ = pages
    assert check.count('class="strip texts"') == 2
    assert check.count('<p class="passage"') == 8
    assert "long long" in check and check.count("long ") < 100, "a long text is cut"
    assert ("characters" if lang == "en" else "字符") in body(check)
    assert "25,000" in body(check), "the longest text, in characters"
    chart = re.search(r"<svg.*?</svg>", check[check.index("25,000") :], re.S)[0]
    assert f">{'tokens' if lang == 'en' else '词元'}</text>" in chart


def test_worst_errors_show_what_they_rest_on(pages):
    _, _, report, _ = pages
    errors = report[report.index('id="errors"') : report.index('id="calibration"')]
    cards = errors.split('<div class="card">')[1:]
    assert len(cards) >= 3
    telling = " ".join(word for words in WORDS.values() for word in words)
    marked = 0
    for card in cards:
        strongest = re.findall(r'class="for" style="--s: 1.0" title="\+[\d.]+">([^<]+)<', card)
        marked += any(word in telling for word in strongest)
        assert "reviews.csv:" in card
    # One word in eight is out of place: a map at random would find it on an eighth of the cards.
    assert marked >= 0.35 * len(cards), "the wrong answer rests on the word that is out of place"


def test_the_rungs_stand_among_the_baselines(pages):
    lang, _, report, run = pages
    told = body(report)
    named = {"en": ["naive Bayes", "linear model"], "zh": ["朴素贝叶斯", "线性模型"]}[lang]
    assert all(name in told for name in named)
    assert {"naive Bayes", "linear", "convolution", "mixed"} & set(run.scores["baselines"])


def test_the_command_that_trains_again_holds_settings_only(pages):
    _, _, report, _ = pages
    (command,) = re.findall(r"<pre>(tenfold train [^<]*)</pre>", report)
    own = "--device cpu --epochs 2 --size tiny"
    assert command == f"tenfold train text-classification reviews.csv {own}"


def test_rows_that_were_left_out_are_no_files(tmp_path):
    frame = reviews(120)
    frame.loc[3, "text"] = " "
    with speaking("en"):
        tenfold.check(
            "text-classification", frame, out=tmp_path / "c.html", on_bad="skip", size="tiny"
        )
    told = body((tmp_path / "c.html").read_text("utf-8"))
    assert "Left out: 1 row" in told and "1 file" not in told


def test_texts_of_any_number_of_classes_have_examples_too(tmp_path):
    frame = reviews(120, 0).drop(columns="label")
    frame["labels"] = [
        tuple(name for name in WORDS if any(word in text for word in WORDS[name]))
        for text in frame["text"]
    ]
    tenfold.check("text-classification", frame, out=tmp_path / "c.html", size="tiny")
    page = (tmp_path / "c.html").read_text("utf-8")
    assert page.count('<p class="passage"') == 8


# --- parts of a text with names ---


TAGGED = pd.DataFrame(
    {
        "text": ["Anna 😀 sees 北京"],
        "tags": [("B-PER", "O", "O", "B-LOC", "I-LOC")],
        "places": [((0, 4), (5, 6), (7, 11), (12, 13), (13, 14))],
    }
)


def test_parts_of_a_labelled_text_are_joined_by_their_tags():
    assert true_marks(TAGGED, 0) == [("PER", 0, 4), ("LOC", 12, 14)]
    assert SPANS.truth_text(TAGGED, 0) == "LOC + PER"
    plain = TAGGED.assign(tags=[("NOUN", "SYM", "VERB", "NOUN", "NOUN")])
    assert len(true_marks(plain, 0)) == 5
    assert true_marks(pd.DataFrame({"text": ["a"]}), 0) == []


def test_an_answer_that_names_parts_is_said_and_marked():
    answer = Spans((("LOC", 12, 14), (NASTY, 0, 4)), (0.9, 0.7))
    said = SPANS.said(answer)
    assert (said["said"], said["sure"]) == (f"{NASTY} + LOC", 0.7)
    pieces = named("Anna 😀 sees 北京", SPANS.marks(answer))
    assert [one["text"] for one in pieces] == ["Anna", " 😀 sees ", "北京"]
    assert [one["label"] for one in pieces] == [NASTY, "", "LOC"]
    assert SPANS.said(Spans((), ()))["said"] == "none"


def test_a_long_text_of_parts_is_cut():
    parts = [("A", 10 * n, 10 * n + 3) for n in range(1000)]
    pieces = named("abc def gh" * 1000, parts, 300)
    assert len("".join(one["text"] for one in pieces)) < 310 and pieces[-1]["text"] == " …"
    assert named("ab", [("A", 0, 2), ("B", 1, 2)])[0]["label"] == "A"


def test_chinese_pages_about_texts_are_wholly_chinese(pages, tmp_path):
    lang, check, report, run = pages
    if lang == "en":
        return
    seen = tenfold.explain(run, "the lovely film", out=tmp_path / "seen", lang="zh")
    gallery = Path(seen["page"]).read_text("utf-8")
    for page in (check, report, gallery):
        plain = re.sub(r'<p class="passage".*?</p>', " ", page, flags=re.S)
        assert latin_words(plain) - {"data", "text", "good", "bad", "reviews", "csv"} == set()
