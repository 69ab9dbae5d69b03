"""What the page sends: fields, files, options and recordings, one thing or several in turn."""

import base64
import io
import json
import re
import struct
import subprocess
import wave
from email import message_from_bytes
from email.policy import HTTP

import numpy as np
import pytest
from browsing import browser as browser
from browsing import choose, hand_over, headline, last_json, press
from drawers import LABEL, SCENE, TEXT, alone, ask, inputs
from drawers import all_kinds as all_kinds
from drawers import canned as canned
from drawers import page as page

# --- one thing ---


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
    with alone(browser, inputs=wanted) as (page, server):
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
    # each changed option asks again; the answer to an earlier one may still be under way
    with page.expect_response(lambda _: "top" in parts(canned.asked)):
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


def test_no_video_is_sent_as_a_picture(browser):
    with alone(browser, inputs=inputs(video="video")) as (page, server):
        hand_over(page, ("scene.png", SCENE))
        assert page.get_by_text("No input of this model takes such a file.").is_visible()
        hand_over(page, ("clip.mp4", b"no film"), media="video/mp4")
        assert headline(page) == "cat 90.0\u00a0%"
        assert parts(server.asked)["video"] == ("clip.mp4", b"no film")


# --- several at once ---


def refuse_some(body: bytes):
    """A body with `cut` in it is a damaged picture."""
    return (422, "damaged") if b"cut" in body else [LABEL]


def test_several_files_are_answered_in_turn_and_become_a_table(browser):
    files = [("=1+1.png", SCENE), ("cut.png", b"cut"), ('a "b",c.png', SCENE)]
    with alone(browser, refuse_some) as (page, server):
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
        assert page.get_by_role("img", name="The input picture: =1+1.png").is_visible()
        assert len(server.asked) == 3, "shown from what was answered before"
