"""The page as text: both languages whole, colours readable, nothing that the rules forbid."""

import dataclasses
import json
import re

import pytest
from browsing import text_of
from page_server import PAGE

from tenfold.answers.registry import kinds, metrics
from tenfold.core.language import say, speaking
from tenfold.tasks import registry

FILES = text_of(PAGE)
SCRIPTS = {name: text for name, text in FILES.items() if name.endswith(".js")}
CODE = "\n".join(text for name, text in SCRIPTS.items() if name not in ("english.js", "chinese.js"))


NEVER = {"405", "431"}  # a wrong method, a head too large: not from this page


def book(name: str, which: str) -> dict[str, str]:
    """The object of texts that a script exports under `which`."""
    inside = re.search(rf"export const {which} = {{\n(.*?)\n}};", SCRIPTS[name], re.S)[1]
    found = entries(inside)
    lines = [line for line in inside.splitlines() if line.strip() and "// ---" not in line]
    assert len(found) == len(lines), "every line is one entry"
    return found


def entries(inside: str) -> dict[str, str]:
    entry = r'(?:(\w+)|"([^"\n]+)"): ("(?:[^"\\\n]|\\.)*")'
    return {a or b: json.loads(text) for a, b, text in re.findall(entry, inside)}


ENGLISH, CHINESE = book("english.js", "english"), book("chinese.js", "chinese")
SAID = book("chinese.js", "said")


def own_words(name: str) -> tuple[dict[str, str], dict[str, str]]:
    """The sentences of a drawer's file, in English and in Chinese."""
    exported = re.search(r"export const words = {(.*?)\n};", SCRIPTS[name], re.S)[1]
    english, chinese = re.fullmatch(r"\s*en: {(.*)},\s*zh: {(.*)},", exported, re.S).groups()
    return entries(english), entries(chinese)


OWN = {name: own_words(name) for name in SCRIPTS if re.match("(answers|media)/", name)}
BOOKS = {"page": (ENGLISH, CHINESE)} | OWN


def gaps(text: str) -> set[str]:
    return set(re.findall(r"{(\w+)}", text))


@pytest.mark.parametrize("name", BOOKS)
def test_both_languages_say_the_same(name):
    english, chinese = BOOKS[name]
    assert english and list(english) == list(chinese)
    for key, text in english.items():
        assert gaps(text) == gaps(chinese[key]), key
        plain = re.sub(r"{\w+}|ROC AUC|R²|OpenAPI|Ctrl \+ Enter|[·\s]|tenfold", "", text)
        same = chinese[key] == text
        assert not same or not plain, f"{key} is not translated"


def said(code: str) -> set[str]:
    """The keys of sentences that are named where they are used."""
    return set(re.findall(r"\b(?:say|soft)\(\s*\"(\w+)\"", code))


def quoted_in(code: str) -> set[str]:
    return set(re.findall(r'"(\w+)"', code))


@pytest.mark.parametrize("name", OWN)
def test_a_drawer_brings_the_sentences_that_only_it_uses(name):
    own, code = set(OWN[name][0]), SCRIPTS[name]
    assert not own & set(ENGLISH), "a sentence of the page is not said in other words"
    assert said(code) <= own | set(ENGLISH)
    assert own <= quoted_in(re.sub(r"export const words = {.*?\n};", "", code, flags=re.S))


def test_no_other_file_names_an_answer_or_a_medium():
    drawers = {name.split("/")[1].removesuffix(".js") for name in OWN}
    drawers -= {"text", "number", "group", "label"}  # types of fields, a role, a column of CSV
    for name, code in SCRIPTS.items():
        if name not in OWN and not name.startswith("parts/"):
            assert not quoted_in(code) & drawers, name


def test_every_text_is_used_and_every_use_has_one():
    literal = {key for name, code in SCRIPTS.items() if name not in OWN for key in said(code)}
    made = {f"{start}_" for start in re.findall(r"`(\w+)_\$\{", CODE)}
    quoted = quoted_in(CODE)
    assert literal <= set(ENGLISH), literal - set(ENGLISH)
    unused = {
        key
        for key in ENGLISH
        if key not in quoted | literal and not any(key.startswith(start) for start in made)
    }
    assert not unused, sorted(unused)


def test_metrics_are_called_as_in_the_report():
    plain = set(re.findall(r'"(\w+)"', re.search(r"PLAIN = new Set\((.*?)\)", CODE)[1]))
    assert plain >= {name for name, one in metrics().items() if not one.share}
    assert not plain & {name for name, one in metrics().items() if one.share}
    assert {f"metric_{kind.headline}" for kind in kinds().values()} <= set(ENGLISH)
    for name, one in metrics().items():
        if f"metric_{name}" not in ENGLISH:
            continue  # the page shows headlines alone
        assert ENGLISH[f"metric_{name}"] == one.title
        with speaking("zh"):
            assert CHINESE[f"metric_{name}"] == say(one.title)


def test_what_tasks_say_of_themselves_is_translated():
    for name in registry.names():
        assert name.replace("-", " ") in SAID
        cls = registry.class_of(name)
        for part in (cls.options, *(kind.options for kind in cls.answers)):
            helps = {option.metadata["help"] for option in dataclasses.fields(part)}
            assert helps <= set(SAID)
            with speaking("zh"):  # as the command line translates it
                assert {text: SAID[text] for text in helps} == {text: say(text) for text in helps}


def test_nothing_forbidden_stands_in_the_files():
    for name, text in FILES.items():
        assert text.count("\n") <= 400, name
        for word in (
            "innerHTML",
            "outerHTML",
            "insertAdjacent",
            "document.write",
            "eval(",
            "Function(",
        ):
            assert word not in text, (name, word)
        outside = re.findall(r"""(?:https?:)?//[\w-]+\.[\w.-]+""", text)
        assert set(outside) <= {"http://www.w3.org"}, "the namespace of SVG, which nothing loads"
    page = FILES["index.html"]
    assert not re.search(r"<script(?![^>]*\bsrc=)|\sstyle=|<style|\son\w+=", page)
    assert "@import" not in "".join(FILES.values()) and "localStorage.setItem(`tenfold-" in CODE


def test_functions_stay_short():
    for name, text in SCRIPTS.items():
        starts = [
            n
            for n, line in enumerate(text.splitlines())
            if re.match(r"(export )?(async )?function ", line)
        ]
        ends = [n for n, line in enumerate(text.splitlines()) if line == "}"]
        for start in starts:
            assert min(end for end in ends if end >= start) - start < 40, (name, start + 1)


def test_every_refusal_of_the_server_is_a_sentence():
    told = "\n".join(path.read_text("utf-8") for path in PAGE.parent.glob("*.py"))
    found = re.findall(r'Refused\((\d{3}), code="([\w-]+)"', told)
    assert len(found) > 10
    for status, code in found:
        keys = (f"error_{code.replace('-', '_')}", f"error_{status}")
        assert status in NEVER or any(key in ENGLISH for key in keys), (status, code)


# --- contrast, by the formula of WCAG 2.1 ---


def luminance(colour: str) -> float:
    channels = [int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    low, high = sorted(map(luminance, (one, other)))
    return (high + 0.05) / (low + 0.05)


def themes() -> list[dict[str, str]]:
    """Light, dark by choice, dark by the system."""
    blocks = re.findall(r":root[^{]*\{([^}]*--paper[^}]*)\}", FILES["page.css"])
    return [dict(re.findall(r"(--[\w-]+): (#[0-9a-f]{6})", block)) for block in blocks]


def test_the_contrast_is_computed_rightly():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("number", [0, 1])
def test_colours_can_be_read(number):
    light, dark, system = themes()
    assert dark == system and set(light) == set(dark)
    theme = (light, dark)[number]
    for ground in ("--paper", "--card", "--wash"):
        for ink in ("--ink", "--soft", "--accent", "--bad"):
            assert contrast(theme[ink], theme[ground]) >= 4.5, (ink, ground)
    assert contrast(theme["--on-accent"], theme["--accent"]) >= 4.5
    assert contrast(theme["--ink"], theme["--bad-wash"]) >= 4.5
    for part in ("--edge", "--accent"):  # edges of fields and the ring of the focus
        assert contrast(theme[part], theme["--card"]) >= 3, part
