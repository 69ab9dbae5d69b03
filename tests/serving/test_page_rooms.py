"""Page code of answers and media: found by name, also in folders of TENFOLD_ROOMS, and missing."""

import json
import os

import pytest
from browsing import browser as browser
from browsing import hand_over, headline, last_json, press, visiting
from drawers import SCENE, alone, inputs
from page_server import PAGE, Canned, model

from tenfold.serving.pages import MEDIA, files

SCRIPT = MEDIA[".js"]
WEATHER = """
import { make } from "../elements.js";
import { saying, share } from "../words.js";

export const words = {
  en: { sky: "Tomorrow: {sky}", rain: "Rain {share}", only: "never translated" },
  zh: { sky: "明天：{sky}", rain: "降雨 {share}" },
};
const say = saying(words);

export const drawer = {
  gathered: (predictions) => predictions.slice(0, 1),
  brief: ({ sky }) => say("sky", { sky }),
  draw: ({ rain }) => {
    const facts = make("p", { id: "rain", text: () => say("rain", { share: share(rain) }) });
    return make("div", {}, facts, make("p", { text: () => `${say("only")}, ${say("key")}` }));
  },
};
"""
PLACE = """
import { make } from "../elements.js";
import { labelled, typed } from "../parts/fields.js";
import { saying } from "../words.js";

export const words = {
  en: { hint: "Degrees north and east", missing: "Give a place." },
  zh: { hint: "北纬和东经的度数", missing: "请给出地点。" },
};
const say = saying(words);

export const drawer = {
  missing: () => say("missing"),
  field: (name, input, events) => {
    const control = make("input", { type: "text" });
    const value = typed(control, events, () => control.value.split(",").map(Number));
    return { ...labelled(name, control, [], () => say("hint")), value };
  },
};
"""
FORECAST = [{"answer": "weather", "sky": sky, "rain": 0.25} for sky in ("clear", "dull")]
TEXTS = {
    "en-GB": {
        "ask": "Answer",
        "missing": "Give a place.",
        "hint": "Degrees north and east",
        "brief": "Tomorrow: clear",
        "rain": "Rain 25.0\u00a0%",
        "only": "never translated, Key",
    },
    "zh-CN": {
        "ask": "回答",
        "missing": "请给出地点。",
        "hint": "北纬和东经的度数",
        "brief": "明天：clear",
        "rain": "降雨 25.0%",
        "only": "never translated, 键",
    },
}


def add(room, name: str, text: str) -> None:
    path = room / "page" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")


@pytest.fixture
def rooms(tmp_path, monkeypatch):
    """Two further folders; the first has an answer and a medium that tenfold does not."""
    found = [tmp_path / "first", tmp_path / "second"]
    monkeypatch.setenv("TENFOLD_ROOMS", os.pathsep.join(map(str, found)))
    add(found[0], "answers/weather.js", WEATHER)
    add(found[0], "media/place.js", PLACE)
    return found


# --- which files are served ---


def test_files_are_named_by_their_folders():
    found = files("page")
    assert found["answers/label.js"] == ((PAGE / "answers" / "label.js").read_bytes(), SCRIPT)
    assert {"page.js", "media/image.js", "parts/stage.js", "index.html"} <= set(found)
    assert len(found) == sum(path.is_file() for path in PAGE.rglob("*"))


def test_further_folders_add_answers_and_media_and_replace_nothing(rooms):
    before = set(files("page")) - {"answers/weather.js", "media/place.js"}
    for name in ("page.js", "index.html", "parts/more.js", "answers/Bad name.js", "answers/a.css"):
        add(rooms[0], name, "other")
    add(rooms[0], "answers/label.js", "other")
    add(rooms[0], "answers/deep/er.js", "other")
    add(rooms[1], "answers/weather.js", "a later folder")
    add(rooms[1], "answers/storm.js", "one more")
    found = files("page")
    assert set(found) - before == {"answers/weather.js", "media/place.js", "answers/storm.js"}
    assert found["answers/weather.js"] == (WEATHER.encode(), SCRIPT)
    assert b"other" not in {content for content, _ in found.values()}
    assert not [name for name in files("reference") if name.startswith("answers")]


# --- what the page makes of them ---


@pytest.mark.parametrize("locale", TEXTS)
def test_an_answer_and_a_medium_of_ones_own_are_drawn(browser, rooms, locale):
    texts = TEXTS[locale]
    one = model("a", inputs=inputs(where="place"), answer="weather")
    with (
        Canned([one], {"a": FORECAST}) as server,
        visiting(browser, server.address, locale=locale) as page,
    ):
        assert page.get_by_text(texts["hint"]).is_visible()
        press(page, texts["ask"])
        assert page.get_by_role("alert").inner_text() == texts["missing"] and not server.asked
        page.get_by_label("where").fill("52.5,13.4")
        press(page, texts["ask"])
        assert headline(page) == texts["brief"]
        assert last_json(server.asked) == {"inputs": {"where": [52.5, 13.4]}}
        assert page.locator("#answer article").count() == 1, "gathered as its drawer gathers"
        assert page.locator("#rain").inner_text() == texts["rain"]
        assert page.get_by_text(texts["only"]).is_visible(), "English, and the page's own sentences"
        page.locator("#language").click()
        other = TEXTS["en-GB" if locale == "zh-CN" else "zh-CN"]
        assert headline(page) == other["brief"] and page.get_by_text(other["hint"]).is_visible()


def test_only_what_the_models_need_is_loaded(browser):
    with alone(browser) as (page, _):
        loaded = page.evaluate("performance.getEntriesByType('resource').map(one => one.name)")
        names = [one.split("/page/")[1] for one in loaded if "/page/" in one]
        drawers = {one for one in names if one.startswith(("answers/", "media/"))}
        assert drawers == {"answers/label.js", "media/image.js"}


def test_a_kind_that_was_not_declared_is_loaded_as_it_comes(browser):
    said = [{"answer": "oddity", "score": 0.8, "threshold": 0.5}]
    with alone(browser, said) as (page, _):
        hand_over(page, ("scene.png", SCENE))
        assert headline(page) == "Unusual"


def test_an_answer_without_a_file_is_shown_generically(browser):
    one = model("a", answer="weather")
    with (
        Canned([one], {"a": FORECAST}) as server,
        visiting(browser, server.address, warned="answers/weather.js cannot be used: ") as page,
    ):
        hand_over(page, ("scene.png", SCENE))
        assert headline(page) == "An answer of the kind “weather”"
        assert page.locator("#answer article").count() == 2
        cells = page.locator("#answer tbody").first.inner_text().split()
        assert cells == ["sky", "clear", "rain", "0.25"]


UNTRIED = {
    "en-GB": ("This page has no field for “place”: use the HTTP API.", "Answer"),
    "zh-CN": ("本页没有“place”类型的输入框：请通过 HTTP 调用。", "回答"),
}


@pytest.mark.parametrize("locale", UNTRIED)
def test_a_medium_without_a_file_is_a_sentence(browser, locale):
    sentence, ask = UNTRIED[locale]
    models = [model("a", inputs=inputs(where="place", note="text")), model("b")]
    with (
        Canned(models, {"b": [{"answer": "label", "label": "cat", "probabilities": {}}]}) as server,
        visiting(browser, server.address, "media/place.js cannot be used: ", locale=locale) as page,
    ):
        assert page.get_by_label("where").inner_text() == sentence
        assert page.get_by_role("button", name=ask, exact=True).is_disabled()
        page.get_by_label("note").press("Control+Enter")
        assert not server.asked and page.get_by_role("alert").all_inner_texts() == []
        page.locator("#models").select_option("b")
        hand_over(page, ("scene.png", SCENE))
        assert headline(page) == "cat", "the other model can be asked"


BROKEN = {
    "not a script": "export const drawer = {",
    "it throws": "throw new Error('broken');",
    "it needs what is not there": "import '../nowhere.js';",
    "no drawer": "export const words = { en: {}, zh: {} };",
    "half a drawer": "export const drawer = { brief: () => '' };",
}


@pytest.mark.parametrize("text", BROKEN.values(), ids=BROKEN)
def test_a_broken_file_breaks_nothing_else(browser, rooms, text):
    add(rooms[0], "answers/weather.js", text)
    models = [model("a", answer="weather"), model("b")]
    answers = {"a": FORECAST, "b": [{"answer": "label", "label": "cat", "probabilities": {}}]}
    with (
        Canned(models, answers) as server,
        visiting(browser, server.address, "answers/weather.js cannot be used: ") as page,
    ):
        hand_over(page, ("scene.png", SCENE))
        assert headline(page) == "An answer of the kind “weather”"
        page.locator("#models").select_option("b")
        hand_over(page, ("scene.png", SCENE))
        assert headline(page) == "cat"


NOT_NAMES = ["../page", "label.js?x", "https://x.test/a", "Label", "constructor/..", ""]


def test_what_is_no_name_is_asked_of_nobody(browser):
    said = [{"answer": name, "sky": "clear"} for name in [*NOT_NAMES, "__proto__", 7]]
    with alone(browser, said) as (page, _):
        asked = []
        page.on("request", lambda request: asked.append(request.url))
        hand_over(page, ("scene.png", SCENE))
        assert headline(page) == "An answer of the kind “../page”"
        assert page.locator("#answer article").count() == len(said)
        assert not [url for url in asked if "/page/" in url]
        raw = json.loads(page.locator("#answer details pre").last.text_content())
        assert raw["predictions"] == said
