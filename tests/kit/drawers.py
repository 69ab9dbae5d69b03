"""A page before canned models of every kind of input and of answer, and how a person asks them."""

import contextlib
import io
import wave
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from browsing import choose, hand_over, headline, png, press, visiting
from page_server import Canned, model

from tenfold.answers.mask import mask_of
from tenfold.core.results import to_json

NASTY = "<img src=x onerror=alert(1)>"
TEXT = "Anna 😀 flew to 北京 in May"
SCENE = png(np.full((40, 80, 3), 200, np.uint8))
GRID = np.zeros((4, 8), int)
GRID[:, 4:], GRID[0, 0] = 1, 255
CELLS = np.zeros((4, 8), int)
CELLS[1:3, 1:3], CELLS[1:3, 3:5] = 1, 2
HEAT = np.zeros((4, 4))
HEAT[1, 2], HEAT[3, 0] = 1.0, -0.5


def inputs(**kinds: str) -> dict:
    return {name: {"medium": kind, "choices": []} for name, kind in kinds.items()}


def mask_json(pixels: np.ndarray, classes: list[str], numbers: np.ndarray | None = None) -> dict:
    """The document of a mask; where objects are numbered, all are of the second class."""
    kinds = pixels if numbers is None else np.minimum(numbers, 1)
    return to_json(mask_of(kinds.astype(np.uint8), classes, numbers))


def sound(seconds: float = 3) -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setparams((1, 2, 8000, 0, "NONE", ""))
        out.writeframes(bytes(int(16_000 * seconds)))
    return file.getvalue()


OPTIONS = {
    "top": {"type": "integer", "default": 0, "help": "how many", "low": 0, "high": 100_000},
    "threshold": {"type": "number", "default": 0.5, "help": "from", "low": 0.0, "high": 1.0},
    "mirror": {"type": "boolean", "default": False, "help": "both ways"},
    "rule": {"type": "string", "default": "any", "help": "which", "choices": ["any", "all"]},
}
SPANS = [["PERSON", 0, 4], ["PLACE", 15, 17], ["DATE", 21, 24]]
TAGS = [["NOUN", 0, 4], [NASTY, 5, 6], ["VERB", 7, 11], ["ADP", 12, 14], ["NOUN", 15, 17]]
LABEL = {"answer": "label", "label": "cat", "probabilities": {"cat": 0.9, "dog": 0.1}}
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
    "nothing": (inputs(image="image"), {"answer": "labels", "labels": [], "probabilities": {}}, []),
    "boxes": (inputs(image="image"), {"boxes": BOXES, "scores": [0.9, 0.4]}, []),
    "mask": (inputs(image="image"), mask_json(GRID, ["sky", "sea"]), []),
    "cells": (inputs(image="image"), mask_json(CELLS, ["background", NASTY], CELLS), []),
    "stack": (inputs(image="image"), mask_json(np.stack([GRID, 1 - GRID % 2]), ["sky", "sea"]), []),
    "words": (inputs(audio="audio"), {"words": WORDS}, [("audio", [0.1, 0.4, -0.2])]),
    "event": (
        inputs(audio="audio"),
        [{"label": "bark", "start": 0.5, "end": 0.9}, {"label": "door", "start": 61, "end": 62.04}],
        [],
    ),
    "spans": (
        inputs(text="text"),
        {"spans": SPANS, "probabilities": [0.9, 0.8, 0.7]},
        [("text", [1, 0, 0.1, 0, -0.5, 0, 0])],
    ),
    "tags": (
        inputs(text="text"),
        {"tags": TAGS, "probabilities": [0.99, 0.5, 0.75, 0.9, 0.8]},
        [("text", [0.5, -0.2], [[0, 4], [15, 17]])],
    ),
    "number": (
        TABLE,
        {"value": 41.5, "low": 40.0, "high": 44.0, "unit": "years"},
        [("age", [0.5]), ("city", [-0.2])],
    ),
    "rounded": (
        inputs(text="text"),
        {
            "answer": "number",
            "value": -0.004,
            "low": -1.25,
            "high": 1200.0,
            "unit": "€",
            "decimals": 2,
            "level": 0.9,
        },
        [],
    ),
    "ranking": (inputs(bought="items"), {"items": [["plum", 4.2], ["pear", 1.5]]}, []),
    "ratings": (
        inputs(seen="items"),
        {"items": [["7", 4.5], ["9", 2.25]], "otherwise": 3.5, "titles": {"7": NASTY}},
        [],
    ),
    "popular": (
        inputs(bought="items"),
        {
            "answer": "ranking",
            "items": [["7", 0.5]],
            "titles": {"7": "Plum"},
            "known": 0,
            "given": 2,
        },
        [],
    ),
    "group": (inputs(text="text"), {"group": 3, "probabilities": {"3": 0.7, "1": 0.3}}, []),
    "oddity": (inputs(text="text"), {"score": 0.8, "threshold": 0.5}, []),
    "match": (inputs(text="text"), {"similarity": 0.2, "threshold": 0.5}, []),
    "strange": (inputs(text="text"), {"a": [1, 2], "b": {"c": NASTY}}, []),
}


def answer(name: str) -> list[dict]:
    said = CASES[name][1]
    return [{"answer": name} | one for one in (said if isinstance(said, list) else [said])]


def explanations(name: str) -> list[dict]:
    names = ("over", "weights", "places")
    found = [dict(zip(names, one, strict=False)) for one in CASES[name][2]]
    return [{"method": "occlusion"} | one for one in found]


@pytest.fixture(scope="module")
def canned():
    models = [
        model(
            name,
            inputs=case[0],
            answer=answer(name)[0]["answer"],
            score=None,
            options=OPTIONS if name == "label" else {},
        )
        for name, case in CASES.items()
    ]
    with Canned(
        models, {n: answer(n) for n in CASES}, {n: explanations(n) for n in CASES}
    ) as server:
        yield server


@pytest.fixture(scope="module")
def all_kinds(browser, canned):
    with visiting(browser, canned.address, warned="answers/strange.js cannot be used: ") as page:
        yield page


@pytest.fixture
def page(all_kinds):
    """One page for all kinds; every test puts its own model on the bench."""
    return all_kinds


@contextlib.contextmanager
def alone(
    browser: Any, said: Any = None, explains: Any = None, token: str = "", **facts: Any
) -> Iterator[tuple[Any, Canned]]:
    """The page of a server with one model, "a", which says `said`: page and server."""
    one = model("a", **facts)
    with (
        Canned([one], {"a": said or [LABEL]}, {"a": explains or []}, token) as server,
        visiting(browser, server.address) as page,
    ):
        yield page, server


def ask(page, name: str) -> str:
    """Hands over what the model takes and gives its answer's headline."""
    choose(page, name)
    kinds = {one["medium"] for one in CASES[name][0].values()}
    if "image" in kinds:
        hand_over(page, ("scene.png", SCENE))
    if "audio" in kinds:
        hand_over(page, ("a.wav", sound()), media="audio/wav")
    if "text" in kinds:
        page.get_by_label("text", exact=True).fill(TEXT)
    if not kinds & {"image", "audio"}:
        press(page, "Answer")
    return headline(page)
