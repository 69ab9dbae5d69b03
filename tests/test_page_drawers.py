"""The page's drawers: every kind of input and of answer, most of which no application has yet.

A small real server (page_server.py) hands out the page's own files and answers with canned
documents, so this tests what the page sends and draws; test_page.py has a real run behind it.
"""

import base64
import io
import json
import math
import re
import struct
import subprocess
import wave
from email import message_from_bytes
from email.policy import HTTP

import numpy as np
import pytest
from browsing import choose, chromium, hand_over, headline, last_json, pixels, png, visiting
from page_server import Canned, model

LOADED = """audio => audio.duration > 2
    || new Promise((done) => audio.addEventListener('loadedmetadata', done, { once: true }))"""
NASTY = "<img src=x onerror=alert(1)>"
TEXT = "Anna 😀 flew to 北京 in May"
SCENE = png(np.full((40, 80, 3), 200, np.uint8))
GRID = np.zeros((4, 8), int)
GRID[:, 4:], GRID[0, 0] = 1, 255
HEAT = np.zeros((4, 4))
HEAT[1, 2], HEAT[3, 0] = 1.0, -0.5


def inputs(**kinds: str) -> dict:
    return {name: {"kind": kind, "choices": []} for name, kind in kinds.items()}


def sound(seconds: float = 3) -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setparams((1, 2, 8000, 0, "NONE", ""))
        out.writeframes(bytes(int(16_000 * seconds)))
    return file.getvalue()


WISHES = {
    "top": {"type": "integer", "default": 0, "help": "how many", "low": 0, "high": 100_000},
    "threshold": {"type": "number", "default": 0.5, "help": "from", "low": 0.0, "high": 1.0},
    "mirror": {"type": "boolean", "default": False, "help": "both ways"},
    "rule": {"type": "string", "default": "any", "help": "which", "choices": ["any", "all"]},
}
SPANS = [["PERSON", 0, 4], ["PLACE", 15, 17], ["DATE", 21, 24]]
LABEL = {"kind": "label", "label": "cat", "probabilities": {"cat": 0.9, "dog": 0.1}}
MANY = {f"class {n}": 0.3 - n / 100 for n in range(20)} | {NASTY: 0.8}
BOXES = [["cat", 0.25, 0.5, 0.75, 1.0], [NASTY, -0.2, 0.0, 0.25, 0.25]]
WORDS = [["hello", 0.2, 0.5], ["there", 0.6, 0.9], ["again", 2.0, 2.4]]
TABLE = inputs(age="number", city="category", photo="image", words="tokens", bought="items")
TABLE["city"]["choices"] = ["Berlin", "北京"]
TABLE["bought"]["choices"] = ["apple", "pear", "plum"]

# name: (inputs, answer, explanations)
CASES = {
    "label": (inputs(image="image"), LABEL, [("image", HEAT.tolist())]),
    "even": (inputs(image="image"), LABEL, [("image", [[0.0, 0.0], [0.0, 0.0]])]),
    "mute": (inputs(image="image"), LABEL, []),
    "labels": (inputs(image="image"), {"labels": [NASTY], "probabilities": MANY}, []),
    "nothing": (inputs(image="image"), {"kind": "labels", "labels": [], "probabilities": {}}, []),
    "boxes": (inputs(image="image"), {"boxes": BOXES, "scores": [0.9, 0.4]}, []),
    "mask": (inputs(image="image"), {"mask": GRID.tolist(), "classes": ["sky", "sea"]}, []),
    "words": (inputs(audio="audio"), {"words": WORDS}, [("audio", [0.1, 0.4, -0.2])]),
    "event": (
        inputs(audio="audio"),
        [{"label": "bark", "start": 0.5, "end": 0.9}, {"label": "door", "start": 61, "end": 62.04}],
        [],
    ),
    "spans": (inputs(text="text"), {"spans": SPANS}, [("text", [1, 0, 0.1, 0, -0.5, 0, 0])]),
    "number": (
        TABLE,
        {"value": 41.5, "low": 40.0, "high": 44.0, "unit": "years"},
        [("age", [0.5]), ("city", [-0.2])],
    ),
    "ranking": (inputs(bought="items"), {"items": [["plum", 4.2], ["pear", 1.5]]}, []),
    "group": (inputs(text="text"), {"group": 3, "probabilities": {"3": 0.7, "1": 0.3}}, []),
    "oddity": (inputs(text="text"), {"score": 0.8, "threshold": 0.5}, []),
    "match": (inputs(text="text"), {"similarity": 0.2, "threshold": 0.5}, []),
    "strange": (inputs(text="text"), {"a": [1, 2], "b": {"c": NASTY}}, []),
}


def answer(name: str) -> list[dict]:
    said = CASES[name][1]
    return [{"kind": name} | one for one in (said if isinstance(said, list) else [said])]


def explanations(name: str) -> list[dict]:
    return [{"over": over, "method": "occlusion", "weights": w} for over, w in CASES[name][2]]


def refuse_some(body: bytes):
    """A body with `cut` in it is a damaged picture."""
    return (422, "damaged") if b"cut" in body else [LABEL]


@pytest.fixture(scope="module")
def browser():
    with chromium() as found:
        yield found


@pytest.fixture(scope="module")
def canned():
    models = [
        model(
            name, inputs=case[0], gives=name, score=None, wishes=WISHES if name == "label" else {}
        )
        for name, case in CASES.items()
    ]
    with Canned(
        models, {n: answer(n) for n in CASES}, {n: explanations(n) for n in CASES}
    ) as server:
        yield server


@pytest.fixture(scope="module")
def all_kinds(browser, canned):
    with visiting(browser, canned.address) as page:
        yield page


@pytest.fixture
def page(all_kinds):
    """One page for all kinds; every test puts its own model on the bench."""
    return all_kinds


def ask(page, name: str) -> str:
    """Hands over what the model takes and gives its answer's headline."""
    choose(page, name)
    kinds = {one["kind"] for one in CASES[name][0].values()}
    if "image" in kinds:
        hand_over(page, ("scene.png", SCENE))
    if "audio" in kinds:
        hand_over(page, ("a.wav", sound()), media="audio/wav")
    if "text" in kinds:
        page.get_by_label("text", exact=True).fill(TEXT)
    if not kinds & {"image", "audio"}:
        press(page, "Answer")
    return headline(page)


def press(page, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).click()


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


def test_mask(page):
    assert ask(page, "mask") == "sea covers most: 50.0\u00a0%"
    assert rows(page) == [
        ["sea", "50.0\u00a0%"],
        ["sky", "46.9\u00a0%"],
        ["not judged", "3.1\u00a0%"],
    ]
    drawn = pixels(page, "canvas.layer")
    assert drawn.shape == (4, 8, 4) and drawn[0, 0, 3] == 0, "not judged is clear"
    assert (drawn[1, 1] == [0, 114, 178, 255]).all() and (drawn[1, 6] == [230, 159, 0, 255]).all()
    slider = page.get_by_role("slider", name="Opacity")
    slider.fill("25")
    assert page.locator("canvas.layer").evaluate("c => c.style.opacity") == "0.25"


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
    explain(page)
    words = page.locator(".explained .passage span")
    assert "".join(words.all_inner_texts()).strip() == TEXT
    assert words.nth(0).get_attribute("class") == "warm"
    assert words.nth(4).get_attribute("class") == "cool", "北京 speaks against"


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
    assert page.get_by_text("No single part decides").is_visible()
    ask(page, "mute")
    explain(page)
    assert page.get_by_text("cannot say what its answer rests on").is_visible()


def test_an_explanation_that_is_refused_leaves_the_answer(browser):
    with (
        Canned([model("a")], {"a": [LABEL]}, {"a": (503, "busy")}) as server,
        visiting(browser, server.address) as page,
    ):
        hand_over(page, ("scene.png", SCENE))
        headline(page)
        press(page, "Explain")
        page.get_by_text("The server is busy. Try again in 7 s.").wait_for()
        assert headline(page) == "cat 90.0\u00a0%"
        server.explains["a"] = []
        explain(page)
        assert page.get_by_text("cannot say what its answer rests on").is_visible()


# --- what is sent ---


def parts(asked) -> dict:
    """The parts of the newest form: name to (file name, content)."""
    _, kind, body = asked[-1]
    form = message_from_bytes(b"Content-Type: " + kind.encode() + b"\r\n\r\n" + body, policy=HTTP)
    return {
        part.get_param("name", header="content-disposition"): (
            part.get_filename(),
            part.get_payload(decode=True),
        )
        for part in form.iter_parts()
    }


def test_a_row_is_sent_as_it_was_typed(page, canned):
    choose(page, "number")
    page.get_by_label("age").fill("-1.5")
    page.get_by_label("words").fill("  one\ntwo  ")
    hand_over(page, ("花 猫.png", SCENE))
    for word in ("apple", "not listed", "apple"):
        page.get_by_label("bought").first.fill(word)
        page.keyboard.press("Enter")
    page.get_by_role("button", name="Remove not listed").click()
    press(page, "Answer")
    headline(page)
    sent = parts(canned.asked)
    assert sent["photo"] == ("花 猫.png", SCENE)
    assert sent["age"] == (None, b"-1.5") and sent["city"] == (None, b"")
    assert json.loads(sent["words"][1]) == ["one", "two"]
    assert json.loads(sent["bought"][1]) == ["apple"]


def test_without_a_file_the_request_is_json(page, canned):
    ask(page, "group")
    assert canned.asked[-1][:2] == ("/v1/models/group/predict", "application/json")
    assert last_json(canned.asked) == {"inputs": {"text": TEXT}}


LONG = inputs(**{f"number {n}": "number" for n in range(8)}, photo="image", note="text")
AWKWARD = '@it\'s "so"\n$HOME `x` 😀 \\n'


@pytest.mark.parametrize("wanted", [LONG, inputs(note="text"), inputs(note="text", photo="image")])
def test_curl_asks_for_the_very_same(browser, tmp_path, wanted):
    name = 'it\'s a "b",; c.png'
    (tmp_path / name).write_bytes(SCENE)
    with (
        Canned([model("a", inputs=wanted)], {"a": [LABEL]}) as server,
        visiting(browser, server.address) as page,
    ):
        page.get_by_label("note").fill(AWKWARD)
        if "photo" in wanted:
            hand_over(page, (name, SCENE))
        press(page, "Answer")
        headline(page)
        command = page.locator("details pre").first.text_content()
        done = subprocess.run(["bash", "-c", command], cwd=tmp_path, capture_output=True, text=True)
        assert done.returncode == 0 and json.loads(done.stdout)["predictions"] == [LABEL]
        kinds = [kind.partition(";")[0] for _, kind, _ in server.asked]
        if kinds == ["multipart/form-data"] * 2:
            ours, curls = (parts(server.asked[: n + 1]) for n in range(2))
            escaped = name.replace('"', "%22")  # as HTML has it, and curl from 7.81 on
            assert ours["photo"] == (escaped, SCENE)
            assert curls["photo"] in ((escaped, SCENE), (name, SCENE))
            lines = [sent["note"][1].decode().splitlines() for sent in (ours, curls)]
            assert lines[0] == lines[1] == AWKWARD.splitlines()
        else:
            assert kinds == ["application/json"] * 2
            ours, curls = (json.loads(body) for _, _, body in server.asked)
            assert ours == curls and ours["inputs"]["note"] == AWKWARD
            assert ours["inputs"].keys() == wanted.keys()
            sent = base64.b64decode(ours["inputs"].get("photo", ""))
            assert sent == (SCENE if "photo" in wanted else b"")


def test_what_is_missing_is_said_beside_its_field(page, canned):
    before = len(canned.asked)
    choose(page, "number")
    page.get_by_label("age").fill("3")
    press(page, "Answer")
    said = page.get_by_role("alert").filter(has_text="Choose a picture first.")
    assert said.is_visible() and len(canned.asked) == before
    assert page.evaluate("document.activeElement.getAttribute('aria-invalid')") == "true"
    choose(page, "group")
    press(page, "Answer")
    assert page.get_by_text("Write something first.").is_visible()


def test_completion_offers_what_fits(page):
    choose(page, "ranking")
    page.get_by_label("bought").first.fill("p")
    assert page.locator("datalist option").count() == 0, "free where no choices are declared"
    choose(page, "number")
    page.get_by_label("bought").first.fill("PL")
    offered = page.locator("datalist option").evaluate_all("all => all.map(o => o.value)")
    assert offered == ["apple", "plum"]
    city = page.get_by_role("combobox", name="city").locator("option")
    assert city.all_inner_texts() == ["(choose)", "Berlin", "北京"]


def test_options_have_ranges_and_are_sent_when_changed(page, canned):
    ask(page, "label")
    assert set(parts(canned.asked)) == {"image"}
    page.get_by_text("Options", exact=True).click()
    page.get_by_role("slider", name="threshold").fill("0.25")
    page.get_by_role("slider", name="threshold").dispatch_event("change")
    page.get_by_label("mirror").check()
    page.get_by_label("rule").select_option("all")
    page.get_by_label("top").fill("7")
    with page.expect_response("**/predict"):  # a changed option asks again
        page.keyboard.press("Tab")
    assert page.get_by_text("Options (4 changed)").is_visible()
    sent = {name: value for name, (_, value) in parts(canned.asked).items() if name != "image"}
    assert sent == {"threshold": b"0.25", "mirror": b"true", "rule": b"all", "top": b"7"}
    page.get_by_label("top").fill("-3")
    page.keyboard.press("Tab")
    assert page.get_by_text("top must be a number (0 to 100000).").is_visible()
    page.get_by_role("button", name="Back to the defaults").click()
    assert page.get_by_label("top").input_value() == "0"


def test_a_changed_input_makes_the_answer_stale(page):
    ask(page, "group")
    page.get_by_label("text", exact=True).fill("other")
    assert page.get_by_text("The input has changed since: ask again.").is_visible()
    page.keyboard.press("Control+Enter")
    page.wait_for_selector(".note", state="detached")


def test_microphone_becomes_a_wav_file(page, canned):
    choose(page, "words")
    press(page, "Record")
    page.get_by_role("button", name=re.compile(r"Stop \(0:0[1-9]")).wait_for()
    page.get_by_role("button", name="Stop (").click()
    assert headline(page) == "hello there again"
    name, content = parts(canned.asked)["audio"]
    with wave.open(io.BytesIO(content)) as file:
        assert (name, file.getnchannels(), file.getsampwidth()) == ("recording.wav", 1, 2)
        frames = np.frombuffer(file.readframes(file.getnframes()), "<i2")
        assert 1 <= len(frames) / file.getframerate() < 9
    assert struct.unpack("<I", content[4:8])[0] == len(content) - 8
    assert np.abs(frames).max() > 100, "the fake device beeps"


# --- refusals ---

REFUSALS = [
    (422, "damaged", "The file is damaged or cut short.", "文件已损坏或不完整。"),
    (422, "not-a-picture", "This is no picture", "这不是图片"),
    (422, "empty-file", "The file is empty.", "文件是空的。"),
    (422, "too-many-pixels", "more than 100 megapixels", "超过 1 亿像素"),
    (413, "body-too-large", "larger than the server takes", "超过服务器接受的大小"),
    (503, "queue-full", "The server is busy. Try again in 7 s.", "服务器正忙。请在 7 秒后重试。"),
    (418, "never-heard-of", "refused with status 418", "状态码 418"),
]


@pytest.mark.parametrize("locale", ["en-GB", "zh-CN"])
def test_refusals_are_sentences_with_the_request(browser, locale):
    models = [model(f"m{n}") for n in range(len(REFUSALS))]
    with (
        Canned(models, {f"m{n}": row[:2] for n, row in enumerate(REFUSALS)}) as server,
        visiting(browser, server.address, locale=locale) as page,
    ):
        for number, (*_, english, chinese) in enumerate(REFUSALS):
            page.locator("#models").select_option(f"m{number}")
            hand_over(page, ("scene.png", SCENE))
            said = page.locator("#answer [role=alert]").inner_text()
            assert (english if locale == "en-GB" else chinese) in said
            assert "0123456789abcdef" in said


def test_a_server_that_is_gone_is_said(browser):
    with Canned([model("a")], {"a": [LABEL]}) as server, visiting(browser, server.address) as page:
        hand_over(page, ("scene.png", SCENE))
        headline(page)
        page.context.set_offline(True)
        hand_over(page, ("scene.png", SCENE))
        assert page.get_by_text("The server cannot be reached.").is_visible()
        page.context.set_offline(False)
        press(page, "Answer")
        assert headline(page) == "cat 90.0\u00a0%"


def test_too_large_is_said_before_it_is_sent(browser):
    small = model("a", limits={"bytes": 1000, "batch": 4})
    with Canned([small], {"a": [LABEL]}) as server, visiting(browser, server.address) as page:
        hand_over(page, ("big.png", bytes(5000)))
        text = "This is larger than the server takes: 5.2 KB, at most 1.0 KB."
        assert page.get_by_text(text).is_visible() and not server.asked
        hand_over(page, ("a.txt", b"text"), media="text/plain")
        assert page.get_by_text("No input of this model takes such a file.").is_visible()


def test_token_is_asked_for_and_kept_in_memory_only(browser):
    secret = "se'cret-42"
    with (
        Canned([model("a")], {"a": [LABEL]}, token=secret) as server,
        visiting(browser, server.address) as page,
    ):
        field = page.get_by_label("Token", exact=True)
        field.fill("wrong")
        with page.expect_response("**/v1/models") as answer:
            page.keyboard.press("Enter")
        assert answer.value.status == 401
        page.locator("#token-form:not([hidden])").wait_for()
        field.fill(secret)
        page.get_by_role("button", name="Use it").click()
        page.wait_for_selector("h1")
        hand_over(page, ("scene.png", SCENE))
        assert headline(page) == "cat 90.0\u00a0%"
        stored = page.evaluate(
            "JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie])"
        )
        assert secret not in stored and secret not in page.content()
        command = page.locator("details pre").first.text_content()
        assert '-H "Authorization: Bearer $TENFOLD_TOKEN"' in command


# --- several at once ---


def test_several_files_are_answered_in_turn_and_become_a_table(browser):
    files = [("=1+1.png", SCENE), ("cut.png", b"cut"), ('a "b",c.png', SCENE)]
    with (
        Canned([model("a")], {"a": refuse_some}) as server,
        visiting(browser, server.address) as page,
    ):
        hand_over(page, *files)
        section = page.locator("section.batch")
        section.get_by_text("3 of 3 answered · 1 could not be read").wait_for()
        cells = section.locator("tbody tr").all_inner_texts()
        assert [one.split("\t")[1] for one in cells] == [
            "cat 90.0\u00a0%",
            "The file is damaged or cut short. Copy or download it again.",
            "cat 90.0\u00a0%",
        ]
        assert headline(page) == "cat 90.0\u00a0%", "the first is shown at once"
        with page.expect_download() as download:
            page.get_by_role("button", name="Download as CSV").click()
        lines = download.value.path().read_bytes().decode("utf-8").split("\r\n")
        assert lines == [
            "\ufeffsource,label,error,cat,dog",
            "'=1+1.png,cat,,0.9,0.1",
            "cut.png,,damaged,,",
            '"a ""b"",c.png",cat,,0.9,0.1',
            "",
        ]
        section.get_by_role("button", name="Show =1+1.png").click()
        assert headline(page) == "cat 90.0\u00a0%"
        assert page.get_by_role("img", name="The picture handed over: =1+1.png").is_visible()
        assert len(server.asked) == 3, "shown from what was answered before"


def test_no_video_is_sent_as_a_picture(browser):
    with (
        Canned([model("v", inputs=inputs(video="video"))], {"v": [LABEL]}) as server,
        visiting(browser, server.address) as page,
    ):
        hand_over(page, ("scene.png", SCENE))
        assert page.get_by_text("No input of this model takes such a file.").is_visible()
        hand_over(page, ("clip.mp4", b"no film"), media="video/mp4")
        assert headline(page) == "cat 90.0\u00a0%"
        assert parts(server.asked)["video"] == ("clip.mp4", b"no film")


def test_empty_servers_and_hostile_names(browser):
    nasty = model("a", kind=NASTY, headline=NASTY, inputs=inputs(**{NASTY: "text"}))
    with Canned([nasty], {"a": [LABEL]}) as server, visiting(browser, server.address) as page:
        assert page.get_by_label(NASTY).is_visible()
        assert page.locator("img").count() == 0
        assert math.isclose(float(page.locator(".score strong").inner_text().split()[-1]), 0.9583)
    with Canned([], {}) as server, visiting(browser, server.address) as page:
        assert page.get_by_text("This server holds no model.").is_visible()
