"""Tags to spans: every scheme comes to the same spans; what begins nowhere is repaired."""

import numpy as np
import pandas as pd
import pytest

from tenfold.answers.spans import SPANS, Spans
from tenfold.answers.tags import TAGS, Tags
from tenfold.core.columns import Problem
from tenfold.core.results import to_json
from tenfold.media.text import tag_schemes
from tenfold.media.text.tag_schemes import Scheme

BI = Scheme("BIO", "BI")
BIO = ["B-PER", "I-PER", "O", "B-LOC", "B-LOC", "I-LOC", "O"]
SAME = {
    "BIO": BIO,
    "IOB1": ["I-PER", "I-PER", "O", "I-LOC", "B-LOC", "I-LOC", "O"],
    "BMES": ["B-PER", "E-PER", "O", "S-LOC", "B-LOC", "E-LOC", "O"],
}


@pytest.mark.parametrize("scheme", SAME)
def test_every_scheme_is_found_and_comes_to_bio(scheme: str):
    found = tag_schemes.scheme_of([SAME[scheme]])
    assert found.name == scheme
    assert tag_schemes.to_bio(SAME[scheme], found) == (tuple(BIO), 0)


@pytest.mark.parametrize(
    ("tags", "scheme"),
    [
        (["B-X", "I-X", "L-X", "U-X"], "BMES"),
        (["B-X", "I-X", "E-X", "S-X"], "BMES"),
        (["B", "E", "S", "O"], "BMES"),
        (["B", "I", "O"], "BIO"),
        (["NOUN", "VERB", "O"], "plain"),
        (["B-X", "Q-X"], "plain"),
        (["O", "O"], "plain"),
        (["O", "O", "PERSON", "PERSON"], "types"),
        (["o", "o", "o", "PERSON"], "types"),
        (["NOUN", "VERB", "O", "O", "ADJ"], "plain"),
        (["0", "0", "1", "2"], "plain"),
        ([*"BIOO" * 30, "0"], "BIO"),
        ([*["B-X", "I-X", "O"] * 30, "E-X"], "BIO"),
        ([*["B-X", "E-X", "S-X", "O"] * 30, "0"], "BMES"),
    ],
)
def test_schemes(tags: list[str], scheme: str):
    assert tag_schemes.scheme_of([tags]).name == scheme


def test_a_span_without_a_beginning_begins_there():
    assert tag_schemes.to_bio(["O", "I-PER", "I-LOC", "B-LOC", "I-LOC"], BI) == (
        ("O", "B-PER", "B-LOC", "B-LOC", "I-LOC"),
        2,
    )
    assert tag_schemes.to_bio(["E-X", "M-X"], Scheme("BMES")) == (("B-X", "B-X"), 2)


def test_spans_are_in_characters():
    places = [(0, 4), (5, 9), (10, 12), (13, 15), (16, 18), (19, 21), (22, 23)]
    assert tag_schemes.spans_of(BIO, places) == (("PER", 0, 9), ("LOC", 13, 15), ("LOC", 16, 21))
    assert tag_schemes.spans_of(["B-X"], [(2, 5)]) == (("X", 2, 5),)
    assert tag_schemes.spans_of([], []) == ()


# --- scores ---


def random_tags(random: np.random.Generator, length: int) -> list[str]:
    drawn = random.choice(["O", "B-A", "I-A", "B-B", "I-B"], length).tolist()
    return list(tag_schemes.to_bio(drawn, BI)[0])


def table(rows: list[list[str]]) -> pd.DataFrame:
    places = [tuple((2 * at, 2 * at + 1) for at in range(len(tags))) for tags in rows]
    return pd.DataFrame({"tags": [tuple(tags) for tags in rows], "places": places})


def answers(rows: list[list[str]], truth: pd.DataFrame) -> list[Spans]:
    found = [
        tag_schemes.spans_of(tags, places)
        for tags, places in zip(rows, truth["places"], strict=True)
    ]
    return [Spans(one, (0.9,) * len(one)) for one in found]


def test_f1_is_that_of_a_plain_loop():
    random = np.random.default_rng(0)
    lengths = random.integers(1, 9, 200)
    truth = table([random_tags(random, length) for length in lengths])
    said = answers([random_tags(random, length) for length in lengths], truth)
    right = there = told = 0
    for one, tags, places in zip(said, truth["tags"], truth["places"], strict=True):
        begun = [at for at, tag in enumerate(tags) if tag.startswith("B-")]
        for at in begun:
            end = at + 1
            while end < len(tags) and tags[end] == f"I-{tags[at][2:]}":
                end += 1
            right += (tags[at][2:], places[at][0], places[end - 1][1]) in one.spans
        there, told = there + len(begun), told + len(one.spans)
    found = SPANS.score(said, truth, truth)
    assert found.headline == "entity_f1"
    assert found.metrics["precision"].value == pytest.approx(right / told)
    assert found.metrics["recall"].value == pytest.approx(right / there)
    assert found.best.value == pytest.approx(2 * right / (there + told))
    assert found.best.low < found.best.value < found.best.high and found.best.baseline == 0.0
    assert sum(one["support"] for one in found.details["classes"]) == there
    rested, metric = SPANS.bootstrap(said, truth)
    assert metric(rested, np.ones((1, 200)))[0] == pytest.approx(found.best.value)


def test_what_could_not_be_read_counts_as_nothing_said():
    truth = table([["B-A"], ["B-A"]])
    said = [*answers([["B-A"]], truth.head(1)), Problem("empty-text", "is empty")]
    found = SPANS.score(said, truth, truth)
    assert found.metrics["recall"].value == 0.5 and found.metrics["precision"].value == 1.0
    assert SPANS.worst(said, truth) == [1]


def test_tags_are_scored_token_by_token():
    truth = table([["N", "V", "N"], ["D", "N"]])
    right = [
        Tags(
            tuple((tag, *place) for tag, place in zip(tags, places, strict=True)),
            (0.8,) * len(tags),
        )
        for tags, places in zip(truth["tags"], truth["places"], strict=True)
    ]
    wrong = Tags((("V", 0, 1), ("N", 2, 3)), (0.6, 0.7))
    found = TAGS.score([right[0], wrong], truth, truth)
    assert found.best.value == pytest.approx(4 / 5)
    assert found.best.baseline == pytest.approx(3 / 5), "the most frequent tag for every token"
    assert TAGS.worst([right[0], wrong], truth) == [1]
    support = {one["class"]: one["support"] for one in found.details["classes"]}
    assert support == {"D": 1, "N": 3, "V": 1}
    assert np.sum(found.details["confusion"]) == 5


def test_decisions_differ_but_for_ties():
    one = Spans((("A", 0, 3),), (0.9,))
    assert SPANS.same_decision(one, one, 0.0)
    assert not SPANS.same_decision(one, Spans((), ()), 1e-4)
    close = Spans((("A", 0, 3),), (0.45,))
    assert SPANS.same_decision(close, Spans((("B", 0, 3),), (0.45,)), 1e-4)
    assert not SPANS.same_decision(close, Spans((("B", 0, 3),), (0.45,)), 0.0)
    assert not TAGS.same_decision(Tags((("N", 0, 1),), (0.9,)), Tags((("V", 0, 1),), (0.9,)), 1e-4)


def test_what_is_left_of_an_answer():
    before = Spans((("A", 0, 3), ("B", 5, 6)), (0.9, 0.8))
    after = Spans((("A", 0, 3),), (0.5,))
    assert SPANS.retained(before, after) == pytest.approx(0.25)
    assert SPANS.retained(Spans((), ()), after) == 1.0


def test_answers_are_json():
    found = to_json(Spans((("PER", 0, 4),), (0.5,)))
    assert found == {"answer": "spans", "spans": (("PER", 0, 4),), "probabilities": (0.5,)}
    assert Spans((("PER", 0, 4),), (0.5,)).line == "PER 0-4"
