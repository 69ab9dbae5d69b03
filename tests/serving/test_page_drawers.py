"""The page's drawers: every kind of answer and of explanation, as the page draws it.

Most kinds no task has yet: a small real server (page_server.py) hands out the page's own
files and answers with canned documents (drawers.py); test_page.py has a real run behind it, what
the page sends stands in test_page_sent.py, what it says of refusals in test_page_refusals.py.
"""

import numpy as np
import pytest
from browsing import browser as browser
from browsing import choose, hand_over, headline, pixels, press
from drawers import BOXES, NASTY, SCENE, TEXT, alone, ask
from drawers import all_kinds as all_kinds
from drawers import canned as canned
from drawers import page as page

LOADED = """audio => audio.duration > 2
    || new Promise((done) => audio.addEventListener('loadedmetadata', done, { once: true }))"""


def explain(page) -> None:
    press(page, "Explain")
    page.wait_for_selector("#answer h3")


def rows(page) -> list[list[str]]:
    cells = "rows => rows.map(row => [...row.cells].map(cell => cell.innerText))"
    return page.locator("#answer tbody tr").evaluate_all(cells)


# --- answers ---


def test_label(page):
    assert ask(page, "label") == "cat 90.0\u00a0%"
    bars = page.get_by_role("list", name="Probabilities, best first").get_by_role("listitem")
    assert [one.split() for one in bars.all_inner_texts()] == [
        ["cat", "90.0", "%"],
        ["dog", "10.0", "%"],
    ]
    wide = [one.bounding_box()["width"] for one in bars.locator("i").all()]
    assert wide[0] == pytest.approx(9 * wide[1], rel=0.02)


def test_labels_that_are_chosen_are_marked_and_names_are_text(page):
    assert ask(page, "labels") == NASTY
    bars = page.get_by_role("list", name="Probabilities").get_by_role("listitem")
    assert bars.count() == 10 and "chosen" in bars.first.inner_text()
    assert "chosen" not in bars.nth(1).inner_text()
    page.get_by_role("button", name="Show all 21").click()
    assert bars.count() == 21
    page.get_by_role("button", name="Show fewer").click()
    assert bars.count() == 10 and page.locator("#answer img").count() == 0
    assert ask(page, "nothing") == "No class reaches the threshold"


def test_boxes_stand_where_they_are(page):
    assert ask(page, "boxes") == "Objects found: 2"
    found = rows(page)
    assert found[0] == ["cat", "90.0\u00a0%", "25.0\u00a0%, 50.0\u00a0%, 75.0\u00a0%, 100\u00a0%"]
    assert found[1][0] == NASTY
    picture = page.locator(".frame img").bounding_box()
    assert picture["width"] == pytest.approx(2 * picture["height"], rel=0.01)
    boxes = [one.bounding_box() for one in page.locator(".box").all()]
    for box, (_, x0, y0, x1, y1) in zip(boxes, BOXES, strict=True):
        assert box["x"] == pytest.approx(picture["x"] + max(0, x0) * picture["width"], abs=1)
        assert box["y"] == pytest.approx(picture["y"] + y0 * picture["height"], abs=1)
        assert box["width"] == pytest.approx((x1 - max(0, x0)) * picture["width"], abs=1)
        assert box["height"] == pytest.approx((y1 - y0) * picture["height"], abs=1)


def test_a_slider_hides_boxes_below_a_confidence(page):
    ask(page, "boxes")
    slider = page.get_by_role("slider", name="Least confidence")
    assert slider.input_value() == slider.get_attribute("min") == "40"
    seen = "nodes => nodes.map(node => node.checkVisibility())"
    for percent, both in (("40", [True, True]), ("41", [True, False]), ("91", [False, False])):
        slider.fill(percent)
        assert page.locator(".box").evaluate_all(seen) == both
        assert page.locator("#answer tbody tr").evaluate_all(seen) == both
    assert page.locator("#answer output").inner_text() == "0.91: 0 of 2"
    slider.fill("50")
    assert page.locator(".box").all_inner_texts()[0] == "cat 0.90"


def test_mask(page):
    assert ask(page, "mask") == "sea covers most: 50.0\u00a0%"
    assert rows(page) == [
        ["sea", "50.0\u00a0%"],
        ["sky", "46.9\u00a0%"],
        ["no class", "3.1\u00a0%"],
    ]
    drawn = pixels(page, "canvas.layer")
    assert drawn.shape == (4, 8, 4) and drawn[0, 0, 3] == 0, "no class is clear"
    assert (drawn[1, 1] == [0, 114, 178, 255]).all() and (drawn[1, 6] == [230, 159, 0, 255]).all()
    slider = page.get_by_role("slider", name="Opacity")
    slider.fill("25")
    assert page.locator("canvas.layer").evaluate("c => c.style.opacity") == "0.25"


def test_objects_of_a_mask_are_counted_and_told_apart(page):
    assert ask(page, "cells") == "Objects found: 2"
    assert rows(page) == [
        ["background", "75.0\u00a0%", "0"],
        [NASTY, "25.0\u00a0%", "2"],
    ]
    drawn = pixels(page, "canvas.layer")
    assert not drawn[0, 0].any() and (drawn[1, 1] == [230, 159, 0, 255]).all()
    assert (drawn[1, 2] == [115, 80, 0, 255]).all(), "the border between two objects is darker"
    assert page.locator("#answer img").count() == 0, "a class is text, never markup"


def test_planes_of_a_stack_are_shown_one_by_one(page):
    assert ask(page, "stack") == "sky covers most: 50.0\u00a0%"
    shown = {}
    for plane in ("0", "1"):
        page.get_by_role("slider", name="Plane").fill(plane)
        shown[plane] = pixels(page, "canvas.layer")
    assert (shown["0"][1, 6] == [230, 159, 0, 255]).all()
    assert (shown["1"][1, 6] == [0, 114, 178, 255]).all() and shown["1"][0, 0, 3] == 255


def test_words_with_times_that_play(page):
    assert ask(page, "words") == "hello there again"
    assert rows(page) == [["0:00.2", "hello there"], ["0:02.0", "again"]], "a pause ends a line"
    page.locator("audio").evaluate(LOADED)
    page.get_by_role("button", name="Play from 0:02.0").click()
    assert page.locator("audio").evaluate("a => a.currentTime") >= 2
    explain(page)
    assert "audio: 0.1, 0.4, -0.2" in page.get_by_role("img").get_attribute("aria-label")


def test_events_stand_in_one_table(page):
    assert ask(page, "event") == "Events: 2"
    assert [row[:3] for row in rows(page)] == [
        ["0:00.5", "0:00.9", "bark"],
        ["1:01.0", "1:02.0", "door"],
    ]


def test_spans_are_counted_in_characters(page):
    assert ask(page, "spans") == "Passages found: 3"
    marks = page.locator("mark").evaluate_all(
        "all => all.map(m => [m.firstChild.data, m.innerText])"
    )
    assert [one[0] for one in marks] == ["Anna", "北京", "May"], "an emoji is one character"
    assert "PLACE" in marks[1][1]
    assert page.locator("mark").nth(1).get_attribute("title") == "PLACE 80.0\u00a0%"
    explain(page)
    words = page.locator(".explained .passage span")
    assert "".join(words.all_inner_texts()).strip() == TEXT
    assert words.nth(0).get_attribute("class") == "warm"
    assert words.nth(4).get_attribute("class") == "cool", "北京 speaks against"


def test_tags_stand_under_their_words_and_parts_of_a_text_are_marked_in_it(page):
    assert ask(page, "tags") == "Words tagged: 5"
    marks = page.locator("mark").evaluate_all("all => all.map(m => [m.firstChild.data, m.title])")
    assert [one[0] for one in marks] == ["Anna", "😀", "flew", "to", "北京"]
    assert marks[0][1] == "NOUN 99.0\u00a0%"
    assert page.locator("mark img").count() == 0, "a tag is text, never markup"
    tones = page.locator("mark").evaluate_all("all => all.map(m => m.style.cssText)")
    assert tones[0] == tones[4] != tones[2], "one tag, one colour"
    explain(page)
    shown = page.locator(".explained .passage")
    assert shown.inner_text() == TEXT
    words = shown.locator("span")
    assert [one.inner_text() for one in words.all()] == ["Anna", "北京"], "emoji are one character"
    assert [one.get_attribute("class") for one in words.all()] == ["warm", "cool"]
    assert words.nth(1).get_attribute("title") == "-0.2"


def test_a_text_is_asked_about_by_control_and_enter(page):
    choose(page, "tags")
    area = page.get_by_label("text", exact=True)
    assert area.get_attribute("placeholder") == "…", "of no language"
    area.fill("two lines")
    area.press("Enter")
    assert area.input_value() == "two lines\n" and page.locator("mark").count() == 0
    area.press("Control+Enter")
    page.locator(".headline").wait_for()


def test_number_with_the_decimals_of_its_run(page):
    assert ask(page, "rounded") == "0.00 €"
    assert page.get_by_text(
        "between -1.25 and 1200.00, with a probability of 90.0\u00a0%"
    ).is_visible()


def test_number_with_its_interval(page):
    choose(page, "number")
    page.get_by_label("age").fill("30")
    hand_over(page, ("scene.png", SCENE))
    page.get_by_label("words").fill("a b")
    page.get_by_label("bought").first.fill("pear")
    page.keyboard.press("Enter")
    press(page, "Answer")
    assert headline(page) == "41.5 years"
    assert page.get_by_text("between 40 and 44").is_visible()
    band, value = (page.locator(f".scale {tag}").bounding_box() for tag in "ib")
    middle = (value["x"] + value["width"] / 2 - band["x"]) / band["width"]
    assert middle == pytest.approx((41.5 - 40) / 4, abs=0.02)
    explain(page)
    bars = page.get_by_role("list", name="Why this answer").get_by_role("listitem")
    assert [one.split() for one in bars.all_inner_texts()] == [["age", "0.5"], ["city", "-0.2"]]


def test_ranking_is_a_numbered_list(page):
    choose(page, "ranking")
    page.get_by_label("bought").first.fill("plum")
    page.get_by_role("button", name="Add").click()
    press(page, "Answer")
    assert headline(page) == "First: plum"
    items = page.get_by_role("list", name="Ranking").get_by_role("listitem")
    assert [one.split() for one in items.all_inner_texts()] == [["plum", "4.2"], ["pear", "1.5"]]


@pytest.mark.parametrize(
    ("name", "field", "said", "lines", "note"),
    [
        ("ratings", "seen", f"{NASTY}: 4.5", [f"{NASTY} 7", "9"], "Any other item: 3.5"),
        ("popular", "bought", "First: Plum", ["Plum 7"], "None of the items is known"),
    ],
)
def test_items_are_shown_by_title_with_what_it_rests_on(page, name, field, said, lines, note):
    choose(page, name)
    page.get_by_label(field).first.fill("7=4")
    page.get_by_role("button", name="Add").click()
    press(page, "Answer")
    assert headline(page) == said
    items = page.get_by_role("list", name="Ranking").get_by_role("listitem")
    shown = items.all_inner_texts()
    assert all(map(str.startswith, shown, lines)) and len(shown) == len(lines)
    assert page.get_by_text(note).is_visible()
    assert page.locator("#answer img").count() == 0, "a title is text, never markup"


@pytest.mark.parametrize(
    ("name", "said", "text"),
    [
        ("group", "Group 3", "70.0\u00a0%"),
        ("oddity", "Unusual", "Score 0.8, threshold 0.5"),
        ("match", "No match", "Similarity 0.2, threshold 0.5"),
        ("strange", "An answer of the kind “strange”", NASTY),
    ],
)
def test_short_answers(page, name, said, text):
    assert ask(page, name) == said
    assert page.locator("article").get_by_text(text).is_visible()
    assert page.locator("#answer img").count() == 0


# --- explanations of pictures ---


def test_heat_is_smooth_and_warm_where_the_answer_rests(page):
    ask(page, "label")
    explain(page)
    drawn = pixels(page, "canvas.layer").astype(int)
    side = drawn.shape[0]
    warm, cool = (
        drawn[int(1.5 / 4 * side), int(2.5 / 4 * side)],
        drawn[int(3.5 / 4 * side), side // 8],
    )
    assert warm[0] > warm[2] and warm[3] > 220, "red over blue, and strong"
    assert cool[2] > cool[0] and 80 < cool[3] < warm[3], "blue where it speaks against"
    assert drawn[side // 8, side // 8, 3] < 10, "clear where nothing depends on it"
    assert np.abs(np.diff(drawn[:, :, 3], axis=1)).max() < 60, "no edges of cells"
    picture, layer = (page.locator(f".frame {tag}").bounding_box() for tag in ("img", "canvas"))
    assert picture == pytest.approx(layer)
    page.get_by_role("checkbox", name="Show the heat map").uncheck()
    assert not page.locator("canvas.layer").is_visible()


def test_explanations_that_say_nothing(page):
    ask(page, "even")
    explain(page)
    assert page.get_by_text("No single part is decisive").is_visible()
    ask(page, "mute")
    explain(page)
    assert page.get_by_text("cannot explain its answers").is_visible()


def test_an_explanation_that_is_refused_leaves_the_answer(browser):
    with alone(browser, explains=(503, "busy")) as (page, server):
        hand_over(page, ("scene.png", SCENE))
        headline(page)
        press(page, "Explain")
        page.get_by_text("The server is busy. Try again in 7 s.").wait_for()
        assert headline(page) == "cat 90.0\u00a0%"
        server.explains["a"] = []
        explain(page)
        assert page.get_by_text("cannot explain its answers").is_visible()


def test_contributions_of_columns_are_bars_from_the_typical_answer_to_this_one(browser):
    given = {
        "over": "row",
        "names": ["width", NASTY, "day", ""],
        "values": ["12", "red", "", "3"],
        "typical": ["10", "", "2024-05-01", ""],
        "weights": [-2.5, 6.0, 0.5, 0.0],
        "base": 40.0,
        "total": 44.0,
    }
    with alone(browser) as (page, server):
        server.explains["a"] = [given]
        hand_over(page, ("scene.png", SCENE))
        headline(page)
        explain(page)
        part = page.locator(".contributions")
        text = part.locator("p").inner_text()
        assert {"40", "44"} <= {one.strip(",.") for one in text.split()}
        bars = part.get_by_role("listitem")
        named = [bar.locator("bdi").inner_text() for bar in bars.all()]
        assert named == [f"{NASTY} = red", "width = 12", "day = –", "3 other columns"]
        figures = bars.locator(".figure").all_inner_texts()
        assert figures[:3] == ["+6", "−2.5", "+0.5"]
        assert [bar.get_attribute("class") for bar in bars.all()[:2]] == ["warm", "cool"]
        assert bars.nth(1).locator("small").inner_text().endswith(" 10")
        wide = [bar.locator("i").bounding_box()["width"] for bar in bars.all()[:2]]
        assert wide[0] == pytest.approx(6 / 2.5 * wide[1], rel=0.03)
        assert page.locator("#answer img").count() == 0, "a name of a column is text"
