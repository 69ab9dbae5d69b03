"""The report of a run: one file, nothing from outside, any names, every kind of Prediction."""

import html
import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from tenfold.answers.intervals import Sampling
from tenfold.answers.label import LABEL, Label
from tenfold.answers.labels import LABELS, Labels
from tenfold.core.columns import Problem
from tenfold.core.errors import UsageError
from tenfold.core.text import short
from tenfold.media import drawing
from tenfold.media.image import draw
from tenfold.reporting import words
from tenfold.reporting.notes import notes
from tenfold.run.run import open_run
from tenfold.verbs.check import check
from tenfold.verbs.explain import explain
from tenfold.verbs.report import report
from tenfold.verbs.train import train

SCRIPT, CHINESE, LONG, MATHS = "<script>alert(1)</script>", "花猫", "x" * 200, "$a_b$ \"'&"
NAMES = (SCRIPT, CHINESE, LONG, MATHS)


def pictures(rows: int, side: int = 12, seed: int = 0) -> list[np.ndarray]:
    return list(np.random.default_rng(seed).integers(0, 255, (rows, side, side, 3), np.uint8))


def table(names: list[str], seed: int = 0) -> pd.DataFrame:
    return pd.DataFrame({"image": pictures(len(names), seed=seed), "label": names})


QUICK = {"size": "tiny", "epochs": 2, "batch": 16}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run on names that no page expects, with a picture that cannot be read."""
    data = table([NAMES[n % 4] for n in range(80)])
    data.at[7, "image"] = np.zeros((3, 4, 5, 6), np.uint8)
    out = tmp_path_factory.mktemp("report") / "run"
    return train("image-classification", data, out=out, augment="none", seed=3, **QUICK)


@pytest.fixture(scope="module")
def page(run) -> str:
    return (run.folder / "report.html").read_text("utf-8")


def outside(page: str) -> list[str]:
    """Every address in an attribute or a style that does not lie in the page itself."""
    found = re.findall(r"""(?:src|href|srcset|action)\s*=\s*["']?([^"'\s>]+)""", page)
    found += re.findall(r"url\(([^)]*)\)|@import\s+(\S+)", page)
    flat = ["".join(one) for one in found]
    return [one for one in flat if not one.startswith(("#", "data:image/"))]


# --- one file, whatever the names ---


def test_nothing_comes_from_outside(page):
    assert outside(page) == []
    assert "http:" not in page and "https:" not in page and "<script" not in page
    assert "default-src 'none'" in page
    assert outside('<a href="https://example.org">') == ["https://example.org"]


def test_names_are_text(page):
    assert SCRIPT not in page and html.escape(SCRIPT) in page
    charts = " ".join(re.findall(r"<svg.*?</svg>", page, re.S))
    assert f">{CHINESE}</text>" in charts, "Chinese stays text in charts"
    assert "$a_b$" in charts and "alert(1)" in charts and "<script" not in charts
    assert LONG[:24] in charts and LONG[:60] not in charts, "long names are cut in pictures"
    assert f'title="{LONG}"' in page


def test_the_page_is_small_and_whole(run, page):
    assert len(page.encode()) < 3_000_000
    for opened in ("section", "table", "svg", "div", "main", "tr", "td", "th", "bdi"):
        assert len(re.findall(rf"<{opened}[\s>]", page)) == page.count(f"</{opened}>"), opened
    anchors = re.findall(r'<a href="#(\w+)"', page)
    assert anchors and all(f'id="{anchor}"' in page for anchor in anchors)
    names = re.findall(r'\sid="([^"]+)"', page)
    used = re.findall(r'(?:url\(|href="|clip-path=")#([^")]+)', page)
    assert set(used) <= set(names)


def test_the_page_says_what_there_is(run, page):
    score = run.scores["scores"]["accuracy"]
    for value in (score["value"], score["low"], score["high"], score["baseline"]):
        assert words.share(value) in page
    assert "nearest centroid" in page and "constant baseline" in page
    assert html.escape(run.scores["protocol"]) in page
    for title in ("Scores", "Classes", "Confusion", "Worst errors", "Calibration", "Learning"):
        assert f"<h2>{title}</h2>" in page
    assert page.count("<svg") == 3, "curves, calibration, classes"
    wrong = round((1 - score["value"]) * run.scores["rows"]["test"])
    assert page.count('class="card"') == min(24, wrong)
    assert page.count('src="data:image/') == 2 * min(24, wrong), "each error with its heat map"


def test_the_page_lists_what_was_left_out(run, page):
    (line,) = (run.folder / "quarantine.jsonl").read_text("utf-8").splitlines()
    bad = json.loads(line)
    for text in (bad["source"], bad["reason"], bad["fix"]):
        assert html.escape(text) in page


def test_the_page_says_how_to_do_it_again(page):
    command = html.unescape(re.search(r"<pre>(.*?)</pre>", page, re.S)[1])
    assert command.startswith("tenfold train image-classification DATA")
    for setting in ("--epochs 2", "--batch 16", "--seed 3", "--size tiny", "--augment none"):
        assert setting in command
    assert "--learning-rate" not in command and "--device" not in command


# --- made again ---


def test_made_again_without_the_data(run, page, tmp_path):
    """Data that are gone cost the pictures and what only they tell, nothing else."""
    found = report(run.folder, out=tmp_path / "again.html")
    again = (tmp_path / "again.html").read_text("utf-8")
    assert found["pictures"] is False and 'src="data:image/' not in again
    kept = ("Scores", "Classes", "Confusion", "Learning", "Calibration", "Data", "Network")
    kept += ("Model card", "Training details")
    assert all(f"<h2>{title}</h2>" in again for title in kept)
    assert found["scores"] == run.scores["scores"]
    bars = re.compile(r'<div class="bars">.*?</div>', re.S)
    assert bars.search(again)[0] == bars.search(page)[0]


def test_the_run_stays_sealed(run):
    report(run.folder)
    assert open_run(run.folder, "cpu").task_name == run.task_name


def test_no_page_goes_into_the_run(run):
    place = run.folder / "mine.html"
    for named, more in ((run, {}), ([run, run], {"compare": True})):
        with pytest.raises(UsageError) as refused:
            report(named, out=place, **more)
        assert (refused.value.code, refused.value.where) == ("bad-output", str(place))
    assert not place.exists()
    report(run, out=run.folder / "report.html")
    assert open_run(run.folder, "cpu").task_name == run.task_name


def test_on_other_data(run):
    """A report on other data lies beside the run, and a class never learnt counts as an error."""
    data = table([*NAMES * 3, "new"], seed=9)
    found = report(run, data)
    assert found["report"] == str(run.folder.parent / "run-on-data.html")
    other = Path(found["report"]).read_text("utf-8")
    assert "13 rows of the given data" in other and "unknown class" in other
    assert found["scores"] != run.scores["scores"] and found["pictures"]


def test_on_its_own_rows_where_they_lie(tmp_path):
    for number, pixels in enumerate(pictures(40)):
        place = tmp_path / "photos" / "ab"[number % 2]
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(place / f"{number}.png")
    run = train("image-classification", tmp_path / "photos", out=tmp_path / "run", **QUICK)
    first = (run.folder / "report.html").read_text("utf-8")
    (run.folder / "report.html").unlink()
    assert report(run.folder)["pictures"]
    again = (run.folder / "report.html").read_text("utf-8")
    cards = re.compile(r'<div class="card">.*?</p>', re.S)
    assert cards.findall(again) == cards.findall(first)
    assert "tenfold train image-classification photos --epochs 2" in again


def test_folders_of_any_name(tmp_path):
    """Walked as a person does: check, train, report and explain on folders of odd names."""
    names = ("<img src=x onerror=alert(1)>", "猫" * 60, "y" * 200, "@0@ {x} %s", "&amp;", "$x$")
    for number, pixels in enumerate(pictures(72)):
        place = tmp_path / "photos" / names[number % 6]
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(place / f"{number}.png")
    run = train("image-classification", tmp_path / "photos", out=tmp_path / "run", **QUICK)
    found = explain(run, str(tmp_path / "photos" / names[0]), out=tmp_path / "seen", limit=1)
    check("image-classification", tmp_path / "photos", out=tmp_path / "c.html", size="tiny")
    report(run, out=tmp_path / "r.html", lang="zh")
    for path in (
        run.folder / "report.html",
        found["page"],
        tmp_path / "c.html",
        tmp_path / "r.html",
    ):
        text = Path(path).read_text("utf-8")
        assert "<img src=x" not in text and "onerror=alert(1)>" not in text
        charts = " ".join(re.findall(r"<svg.*?</svg>", text, re.S))
        assert "y" * 25 not in charts and "猫" * 13 not in charts
        assert not charts or ("&lt;img src=x" in charts and "@0@ {x} %s" in charts)
        assert not re.search(r"猫{120}|y{201}", text)


def test_no_report_without_a_run(tmp_path):
    with pytest.raises(UsageError):
        report(tmp_path / "nothing")


# --- kinds of Prediction ---


def test_any_number_of_classes(tmp_path):
    names = ["red|round", "red", "round", "<b>|red"] * 8
    run = train("image-classification", table(names), out=tmp_path / "run", **QUICK)
    page = (run.folder / "report.html").read_text("utf-8")
    assert "Micro F1" in page and "<h2>Classes</h2>" in page and "<h2>Confusion</h2>" not in page
    assert "<b>red" not in page and "&lt;b&gt;" in page and "red + round" in page
    assert outside(page) == []


def details(classes: int, rows: int = 600) -> dict:
    """Scores of answers that are right nine times of ten."""
    random = np.random.default_rng(0)
    names = [f"class {n}" for n in range(classes)]
    truth = random.integers(0, classes, rows)
    said = np.where(random.random(rows) < 0.9, truth, random.integers(0, classes, rows))
    rest = 0.2 / (classes - 1)
    given = [
        Label(names[one], {name: 0.8 if name == names[one] else rest for name in names})
        for one in said
    ]
    return LABEL.details(given, pd.DataFrame({"label": [names[n] for n in truth]}), Sampling())


@pytest.mark.parametrize(("classes", "shown"), [(2, True), (30, True), (31, False), (300, False)])
def test_many_classes_show_pairs_in_place_of_a_matrix(classes, shown):
    found = LABEL.pieces(details(classes))
    assert ("matrix" in found) == shown
    assert found["confused"] and found["confused"][0]["count"] >= found["confused"][-1]["count"]
    assert len(found["classes"]) == min(classes, 200)
    assert found["classes_cut"] == max(0, classes - 200)


def test_a_matrix_adds_up():
    found = LABEL.pieces(details(5))
    assert sum(row["total"] for row in found["matrix"]["rows"]) == 600
    for row in found["matrix"]["rows"]:
        assert sum(cell["count"] for cell in row["cells"]) == row["total"]
        assert all(0 <= cell["heat"] <= 1 for cell in row["cells"])


def test_an_answer_in_words():
    one = LABEL.said(Label("cat", {"cat": 0.7, "dog": 0.3}), "dog")
    assert one == {"said": "cat", "sure": 0.7, "right": 0.3}
    assert LABELS.said(Labels((), {"cat": 0.2}))["said"] == "none"
    assert LABEL.said(Problem("damaged", "is damaged"))["said"] == "no answer"


# --- what to know first ---


def document(value: float, low: float, high: float, **more) -> dict:
    scores = {"accuracy": {"value": value, "low": low, "high": high, "baseline": 0.5}}
    return {
        "headline": "accuracy",
        "scores": scores,
        "baselines": {"constant baseline": {"accuracy": 0.5}},
        "rows": {"judged": 40},
        "details": {},
        **more,
    }


def said(*facts) -> str:
    return "\n".join(text for _, text in notes(*facts))


@pytest.mark.parametrize(
    ("facts", "sentence"),
    [
        ((document(0.9, 0.88, 0.92), {}, []), "Significantly better than the constant baseline"),
        ((document(0.6, 0.45, 0.7), {}, []), "but not significantly so"),
        ((document(0.4, 0.3, 0.5), {}, []), "No better than the constant baseline"),
        ((document(0.9, 0.7, 0.95), {}, []), "Scored on only 40 rows"),
        (
            (document(0.7, 0.68, 0.72, valid={"accuracy": {"value": 0.9, "low": 0.88}}), {}, []),
            "(90.0 %) is significantly better than the test",
        ),
        (
            (document(0.9, 0.9, 0.9), {}, [{"valid_loss": x, "epoch": x} for x in (3, 1, 2, 3)]),
            "lowest after 1 epochs",
        ),
        (
            (
                document(0.9, 0.9, 0.9),
                {"uneven": {"ratio": 9, "most": ("a", 90), "least": ("b", 10), "median": 50}},
                [],
            ),
            "a has 90 training rows, b has 10.",
        ),
        (
            (document(0.9, 0.9, 0.9), {"leaks": {"count": 2}}, []),
            "2 training rows left out: also in validation or test.",
        ),
        ((document(0.9, 0.9, 0.9), {"quarantined": {"count": 1}}, []), "1 file could not be used"),
    ],
)
def test_notes_tell(facts, sentence):
    assert sentence.replace(" %", "\N{NO-BREAK SPACE}%") in said(*facts)


def test_notes_are_silent_where_all_is_well():
    assert said(document(0.9, 0.89, 0.91), {}, []).count("\n") == 0


# --- numbers and pictures ---


@pytest.mark.parametrize(
    ("value", "text"), [(0, "0 %"), (1, "100 %"), (0.934, "93.4 %"), (0.9987, "99.87 %")]
)
def test_shares(value, text):
    assert words.share(value) == text.replace(" ", "\N{NO-BREAK SPACE}")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("cat", "cat"),
        ("a\nb\t c", "a b c"),
        ("x" * 30, "x" * 24 + "…"),
        ("猫" * 20, "猫" * 12 + "…"),
        ("\u202ecat", "cat"),
    ],
)
def test_names_are_cut(name, text):
    assert short(name) == text


@pytest.mark.parametrize("shape", [(1, 1, 1), (8, 8, 3), (3, 200, 1), (300, 200, 3)])
def test_pictures_of_any_size(shape):
    pixels = np.random.default_rng(0).integers(0, 255, shape, np.uint8)
    assert drawing.thumbnail(draw.picture(pixels)).startswith("data:image/")
    for weights in ([[0.0]], [[1, -1], [0, 0.5]]):
        assert min(draw.overlay(pixels, weights).size) >= 1
    for text in ("cat 99 %", "一只很可爱的猫 99 %", "", "🐱" * 99):
        drawn = drawing.captioned(draw.picture(pixels), text)
        assert drawn.mode == "RGB" and drawn.height > shape[0]


def test_warm_is_for_and_blue_against():
    heat = np.asarray(draw.overlay(np.full((64, 64, 3), 128, np.uint8), [[1, -1]]), int)
    assert heat[50, 5, 0] > heat[50, 5, 2] + 80 and heat[50, -5, 2] > heat[50, -5, 0] + 80
