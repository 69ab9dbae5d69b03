"""What the page says where a server refuses, is gone, asks for a token, or is an odd one."""

import math

import pytest
from browsing import browser as browser
from browsing import hand_over, headline, press, visiting
from drawers import NASTY, SCENE, alone, inputs
from page_server import Canned, model

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
    with alone(browser) as (page, _):
        hand_over(page, ("scene.png", SCENE))
        headline(page)
        page.context.set_offline(True)
        hand_over(page, ("scene.png", SCENE))
        assert page.get_by_text("The server cannot be reached.").is_visible()
        page.context.set_offline(False)
        press(page, "Answer")
        assert headline(page) == "cat 90.0\u00a0%"


def test_too_large_is_said_before_it_is_sent(browser):
    with alone(browser, limits={"bytes": 1000, "batch": 4}) as (page, server):
        hand_over(page, ("big.png", bytes(5000)))
        text = "This is larger than the server takes: 5.2 KB, at most 1.0 KB."
        assert page.get_by_text(text).is_visible() and not server.asked
        hand_over(page, ("a.txt", b"text"), media="text/plain")
        assert page.get_by_text("No input of this model takes such a file.").is_visible()


def test_token_is_asked_for_and_kept_in_memory_only(browser):
    secret = "se'cret-42"
    with alone(browser, token=secret) as (page, _):
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


# --- odd servers ---


def test_empty_servers_and_hostile_names(browser):
    nasty = inputs(**{NASTY: "text"})
    with alone(browser, kind=NASTY, headline=NASTY, inputs=nasty) as (page, _):
        assert page.get_by_label(NASTY).is_visible()
        assert page.locator("img").count() == 0
        assert math.isclose(float(page.locator(".score strong").inner_text().split()[-1]), 0.9583)
    with Canned([], {}) as server, visiting(browser, server.address) as page:
        assert page.get_by_text("This server holds no model.").is_visible()
