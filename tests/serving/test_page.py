"""The page in a real browser before a real server with a trained run: what a person sees and does.

The drawers of kinds that no task has yet are tested in test_page_drawers.py.
"""

import json
import os
import re
import shutil
import subprocess
import urllib.error
import urllib.request
from pathlib import Path

import numpy as np
import processes
import pytest
from browsing import browser as browser
from browsing import hand_over, headline, pixels, press, visiting
from commands import Running

import worlds
from tenfold.core.results import to_json
from tenfold.reporting.words import share
from tenfold.serving.pages import files
from tenfold.verbs.predict import predict
from tenfold.verbs.train import train

WORLD = worlds.WORLDS["image-classification"]
STRANGE = 'it\'s a; "circle" 花.png'
SHIFTS = """new PerformanceObserver((list) => {
    for (const one of list.getEntries()) {
        if (!one.hadRecentInput) window.moved = (window.moved ?? 0) + one.value;
    }
}).observe({ type: 'layout-shift', buffered: true });"""


@pytest.fixture(scope="module")
def folder(browser, tmp_path_factory) -> Path:
    """A folder with a tiny trained run and a picture to ask about; not made where no browser is."""
    place = tmp_path_factory.mktemp("page")
    WORLD.make(place / "data", 0, side=64, colour=True)
    train(
        "image-classification", place / "data", out=place / "shapes", **WORLD.settings, **WORLD.plan
    )
    shutil.copy(place / "data" / "test" / "circle" / "000.png", place / STRANGE)
    return place


@pytest.fixture(scope="module")
def address(folder) -> str:
    """Where `tenfold serve` serves the run."""
    running = Running(["serve", "shapes", "--port", "0"], folder)

    def found() -> re.Match[str] | None:
        told = os.pread(running.files[2].fileno(), 10_000, 0).decode()
        return re.search(r"http://127\.0\.0\.1:\d+", told)

    processes.wait_for(found)
    yield found()[0] + "/"
    running.signal()
    assert running.wait().code in (0, 130)


@pytest.fixture(scope="module")
def expected(folder) -> dict:
    """What the run answers in this process."""
    (answer,) = predict(folder / "shapes", [folder / STRANGE])
    return to_json(answer.answer)


@pytest.fixture
def page(browser, address):
    with visiting(browser, address) as found:
        yield found


def picture(folder: Path) -> tuple[str, bytes]:
    return STRANGE, (folder / STRANGE).read_bytes()


def raw(page) -> dict:
    """The answer as the page shows it in JSON."""
    return json.loads(page.locator("#answer details pre").last.text_content())


def test_every_file_of_the_page_is_served(address):
    for name, (content, media) in files("page").items():
        place = "" if name == "index.html" else f"page/{name}"
        with urllib.request.urlopen(address + place) as reply:
            assert reply.read() == content and reply.headers["Content-Type"] == media, name
    for name in ("answers/", "answers/nothing.js", "answers/../../pages.py", "label.js"):
        with pytest.raises(urllib.error.HTTPError, match="404"):
            urllib.request.urlopen(f"{address}page/{name}")


def test_a_dropped_picture_is_answered_as_in_this_process(page, folder, expected):
    hand_over(page, picture(folder))
    best = expected["label"]
    assert headline(page) == f"{best} {share(expected['probabilities'][best])}"
    (answer,) = raw(page)["predictions"]
    assert answer["label"] == best and list(answer["probabilities"]) == list(
        expected["probabilities"]
    )
    assert answer["probabilities"] == pytest.approx(expected["probabilities"], abs=1e-5)
    bars = page.get_by_role("list", name="Probabilities").get_by_role("listitem")
    assert [re.sub(r"\s+", " ", one) for one in bars.all_inner_texts()] == [
        f"{name} {share(value)}".replace("\u00a0", " ")
        for name, value in expected["probabilities"].items()
    ]
    assert page.locator("#status").inner_text() == headline(page), "told to screen readers"
    assert page.get_by_text(f"{STRANGE}, 64 × 64 pixels").is_visible()


def test_pasting_asks_too(page, folder, expected):
    hand_over(page, picture(folder), how="paste")
    assert headline(page).startswith(expected["label"])


def test_what_the_run_is_stands_above(page, folder):
    scores = json.loads((folder / "shapes" / "scores.json").read_text())
    one = scores["scores"]["accuracy"]
    told = page.locator("#about").inner_text()
    for text in (
        "shapes",
        "image classification",
        f"Accuracy {share(one['value'])}",
        f"95 % interval {share(one['low'])} to {share(one['high'])}",
        f"constant baseline {share(one['baseline'])}",
        "A local model: your inputs stay on this computer.",
    ):
        assert text in told
    assert re.search(r"weights [0-9a-f]{12}$", told, re.M)


def test_explain_draws_heat_over_the_picture(page, folder):
    hand_over(page, picture(folder))
    headline(page)
    with page.expect_response("**/explain") as told:
        press(page, "Explain")
    weights = np.array(told.value.json()["explanations"][0]["weights"])
    page.wait_for_selector("canvas.layer")
    drawn = pixels(page, "canvas.layer").astype(int)
    strength = drawn[:, :, 3] * np.sign(drawn[:, :, 0] - drawn[:, :, 2])
    rows, columns = weights.shape
    centres = strength[
        np.ix_(*(((np.arange(n) + 0.5) * len(drawn) / n).astype(int) for n in (rows, columns)))
    ]
    assert np.corrcoef(centres.ravel(), weights.ravel())[0, 1] > 0.95
    slider = page.get_by_role("slider", name="Opacity")
    slider.fill("20")
    assert page.locator("canvas.layer").evaluate("c => getComputedStyle(c).opacity") == "0.2"


def test_copied_curl_gives_the_same_answer(browser, address, folder):
    granted = ["clipboard-read", "clipboard-write"]
    with visiting(browser, address, permissions=granted) as page:
        hand_over(page, picture(folder))
        headline(page)
        page.get_by_text("Options", exact=True).click()
        page.get_by_label("top", exact=True).fill("2")
        with page.expect_response("**/predict"):
            page.keyboard.press("Tab")
        page.locator(".bars li:nth-child(2):last-child").wait_for()
        press(page, "Copy as curl")
        page.get_by_text("Copied.").wait_for()
        command = page.evaluate("navigator.clipboard.readText()")
        shown = raw(page)
    done = subprocess.run(
        ["bash", "-c", f"{command} -sS"], cwd=folder, capture_output=True, text=True
    )
    answer = json.loads(done.stdout or done.stderr)
    assert answer["predictions"] == shown["predictions"]
    assert len(answer["predictions"][0]["probabilities"]) == 2


def test_a_broken_picture_is_a_sentence_and_the_next_one_is_answered(page, folder):
    content = picture(folder)[1]
    hand_over(page, ("cut.png", content[: len(content) // 2]))
    page.get_by_text("The file is damaged or cut short.").wait_for()
    assert re.search(r"request [0-9a-f]{16}", page.locator("#answer").inner_text())
    hand_over(page, ("page.png", b"<!doctype html><title>not found</title>"))
    page.get_by_text("This is no picture").wait_for()
    assert page.get_by_text("This browser cannot show this file").is_visible()
    hand_over(page, ("empty.png", b""))
    page.get_by_text("The file is empty.").wait_for()
    hand_over(page, picture(folder))
    assert "%" in headline(page)


STREAMS = """() => {
    const devices = navigator.mediaDevices, open = devices.getUserMedia.bind(devices);
    window.tracks = [];
    devices.getUserMedia = async (wanted) => {
        const stream = await open(wanted);
        window.tracks.push(...stream.getTracks());
        return stream;
    };
}"""


def test_camera_takes_a_picture_and_escape_closes_it(page):
    page.evaluate(STREAMS)
    press(page, "Camera")
    take = page.get_by_role("dialog", name="Take a picture").get_by_role(
        "button", name="Take the picture"
    )
    take.wait_for()
    page.keyboard.press("Escape")
    page.locator("dialog").wait_for(state="detached")  # by role it is gone before it has closed
    focused = page.evaluate("document.activeElement.innerText")
    assert page.evaluate("tracks.map(track => track.readyState)") == ["ended"]
    assert focused == "Camera" and page.locator(".stage").count() == 0
    page.keyboard.press("Enter")
    page.locator("dialog button.strong:enabled:focus").wait_for()
    page.keyboard.press("Enter")
    assert "%" in headline(page)
    assert page.locator("figcaption").inner_text().startswith("camera.jpg, ")


# --- by keyboard alone ---

FOCUSED = """() => {
    const one = document.activeElement, style = getComputedStyle(one);
    const name = one.innerText || one.ariaLabel || one.name || one.id;
    return [name, style.outlineStyle, style.outlineWidth];
}"""


def tab(page, until: str) -> list[str]:
    """Tabs to what is called so; every stop on the way shows its focus."""
    passed = []
    for _ in range(40):
        page.keyboard.press("Tab")
        name, style, width = page.evaluate(FOCUSED)
        passed.append(name.split("\n")[0])
        assert (style, width) == ("solid", "2px"), name
        if passed[-1] == until:
            return passed
    raise AssertionError(passed)


def test_the_keyboard_is_enough(page, folder, expected):
    with page.expect_file_chooser() as chooser:
        tab(page, "Drop a picture here, or choose one")
        page.keyboard.press("Enter")
    chooser.value.set_files(folder / STRANGE)
    assert headline(page).startswith(expected["label"])
    page.locator("#input").focus()
    passed = tab(page, "Options")
    assert passed == ["Choose another", "Remove", "Camera", "Options"]
    page.keyboard.press("Space")
    tab(page, "Explain")
    page.keyboard.press("Enter")
    page.locator("canvas.layer").wait_for()
    tab(page, "The request as curl")
    page.keyboard.press("Enter")
    assert page.locator("#answer pre").first.is_visible()


# --- looks ---


def overflow(page) -> int:
    return page.evaluate("document.documentElement.scrollWidth - innerWidth")


@pytest.mark.parametrize("locale", ["en-GB", "zh-CN"])
def test_a_phone_shows_everything_without_scrolling_sideways(browser, address, folder, locale):
    phone = {"viewport": {"width": 360, "height": 740}, "has_touch": True, "locale": locale}
    with visiting(browser, address, **phone) as page:
        assert overflow(page) <= 0
        hand_over(page, picture(folder), ("b.png", picture(folder)[1]))
        page.locator("section.batch tbody button:enabled").nth(1).click()
        headline(page)
        page.locator("#answer .buttons button").first.click()
        page.locator("canvas.layer").wait_for()
        for summary in page.locator("summary").all():
            summary.click()
        assert overflow(page) <= 0
        edges = page.locator("button:visible, input:visible, .frame").evaluate_all(
            "all => all.map(one => one.getBoundingClientRect()).map(r => [r.left, r.right])"
        )
        wide = [edge for edge in edges if edge[1] - edge[0] > 1]
        assert wide and all(left >= 0 and right <= 360 for left, right in wide)


def ground(page) -> list[int]:
    colour = page.evaluate("getComputedStyle(document.body).backgroundColor")
    return [int(word) for word in re.findall(r"\d+", colour)]


def test_dark_by_the_system_and_by_choice(browser, address):
    with visiting(browser, address, color_scheme="dark") as page:
        assert max(ground(page)) < 60
        press(page, "Show in light colours")
        assert min(ground(page)) > 200
        page.reload()
        page.wait_for_selector("h1")
        assert min(ground(page)) > 200, "kept for the next visit"
        press(page, "Show in dark colours")
        assert max(ground(page)) < 60


def test_chinese_by_the_browser_and_by_choice(browser, address, folder, expected):
    with visiting(browser, address, locale="zh-CN") as page:
        assert page.evaluate("document.documentElement.lang") == "zh-CN"
        hand_over(page, picture(folder))
        best = expected["label"]
        assert headline(page) == f"{best} {share(expected['probabilities'][best])}".replace(
            "\u00a0", ""
        )
        assert page.get_by_role("list", name="概率，从高到低").is_visible()
        press(page, "解释")
        page.get_by_text("暖色部分支持该回答，蓝色部分反对。").wait_for()
        assert "常数基线" in page.locator("#about").inner_text()
        page.get_by_text("选项", exact=True).click()
        assert page.get_by_text("列出的类别数量，0 = 全部").is_visible()
        names = "circle|cross|triangle|shapes|tenfold|it's a|png|top|threshold|costs|yes|no"
        alike = "OpenAPI|English|HTTP|curl|JSON|ms|KB|[0-9a-f]{12,16}"
        rest = re.sub(f"{names}|{alike}", "", page.locator("body").inner_text())
        assert not re.findall(r"[A-Za-z]{2,}", rest), "nothing is left in English"
        press(page, "English")
        assert page.evaluate("document.documentElement.lang") == "en"
        assert page.get_by_text("Warm parts support the answer").is_visible()
        assert page.title() == "shapes · tenfold"


def test_nothing_moves_by_itself(browser, address, folder):
    with visiting(browser, address, reduced_motion="reduce") as page:
        page.evaluate(SHIFTS)
        hand_over(page, picture(folder))
        headline(page)
        page.wait_for_timeout(200)
        assert page.evaluate("window.moved ?? 0") < 0.02
        assert (
            page.locator(".bars i").first.evaluate("i => getComputedStyle(i).transitionDuration")
            == "0s"
        )


def test_screen_readers_find_their_way(page, folder, expected):
    hand_over(page, picture(folder))
    headline(page)
    tree = page.locator("body").aria_snapshot()
    for line in (
        '- heading "shapes" [level=1]',
        '- region "Input"',
        '- region "Answer"',
        '- list "Probabilities, best first"',
        f"- listitem: {expected['label']} {share(expected['probabilities'][expected['label']])}",
        '- button "Explain"',
        '- button "Copy as curl"',
        '- button "Show in dark colours"',
        '- link "HTTP API"',
    ):
        assert line.replace("\u00a0", " ") in tree.replace("\u00a0", " "), f"{line}\n{tree}"
    assert page.get_by_role("img", name=f"The input picture: {STRANGE}").is_visible()
    nameless = page.locator("button, input:not([type=file]), select, textarea").evaluate_all(
        "all => all.filter(one => !(one.textContent || one.ariaLabel || one.labels?.length)).length"
    )
    assert nameless == 0
