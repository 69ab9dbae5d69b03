"""Texts to tokens and hashed n-grams: as a plain loop would count them, whatever stands beside."""

import numpy as np
import pytest

from tenfold.media.text import tokens

SAMPLES = [
    "Hello, world!",
    "我爱北京 and 3.5元！",
    "",
    "   ",
    "don't stop_now",
    "a" * 50,
    "emoji 😀 ok",
    "ﬁrst ＡＢＣ",
    "\ud800 broken",
    "naïve cafe\u0301",
]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Hello, world!", ["Hello", ",", "world", "!"]),
        ("我爱ABC公司", ["我", "爱", "ABC", "公", "司"]),
        ("don't 3.5", ["don't", "3", ".", "5"]),
        ("  ", []),
        ("", []),
        ("😀ok", ["😀", "ok"]),
        ("한국어 텍스트", ["한국어", "텍스트"]),
        ("カタカナ", ["カ", "タ", "カ", "ナ"]),
        ("cafe\u0301 bar", ["cafe\u0301", "bar"]),
    ],
)
def test_tokens_and_their_places(text: str, said: list[str]):
    assert [text[start:end] for start, end in tokens.places(text)] == said


def plain(texts: list[str], words: int, least: int, most: int) -> list[int]:
    """How many different n-grams each text has, counted one by one."""
    found = []
    for text in texts:
        read = tokens._read(text)
        said = [read[start:end] for start, end in tokens.places(read)]
        grams = {
            ("w", *said[at : at + size])
            for size in range(1, words + 1)
            for at in range(len(said) - size + 1)
        }
        spaced = "".join(" " if one.isspace() else one for one in read)
        for size in range(least, most + 1):
            runs = {spaced[at : at + size] for at in range(len(spaced) - size + 1)}
            kept = {run for run in runs if run.strip() and " " not in run[1:-1]}
            grams |= {("c", run) for run in kept if size > 1 or run != " "}
        found.append(len(grams))
    return found


@pytest.mark.parametrize(("words", "least", "most"), [(2, 1, 0), (3, 2, 5), (0, 1, 3), (1, 4, 4)])
def test_n_grams_are_those_of_a_plain_loop(words: int, least: int, most: int):
    texts = [text for text in SAMPLES if "\ud800" not in text]
    row, _ = tokens.block(texts).grams(words, least, most)
    assert np.bincount(row, minlength=len(texts)).tolist() == plain(texts, words, least, most)


def test_a_text_alone_is_as_among_others():
    block = tokens.block(SAMPLES)
    row, hashed = block.grams(3, 2, 5)
    words, parts = block.features(1 << 12)
    of = block.row[block.starts]
    for number, text in enumerate(SAMPLES):
        alone = tokens.block([text])
        assert (alone.grams(3, 2, 5)[1] == hashed[row == number]).all()
        own_words, own_parts = alone.features(1 << 12)
        assert (own_words == words[of == number]).all()
        assert (own_parts == parts[of == number]).all()


def test_different_n_grams_rarely_share_a_hash():
    texts = [f"word{number} {number * 7919}" for number in range(20_000)]
    names = tokens.block(texts).words
    assert len(np.unique(names)) > 0.999 * len(set(" ".join(texts).split()))


def test_width_and_case_do_not_matter():
    one, other = (tokens.block([text]).grams(2, 2, 4)[1] for text in ("ＡＢＣ Def", "abc dEF"))
    assert (one == other).all()


def test_long_texts_are_read_at_both_ends():
    long = "start " + "x" * 3 * tokens.LONGEST + " ending"
    block = tokens.block([long])
    assert tokens.LONGEST < len(block.points) < tokens.LONGEST + 10
    heads = tokens.block(["start", "ending"]).words
    assert set(heads) <= set(block.words)


def test_what_is_known_is_found_again():
    names = np.array([5, 1, 9, 4_000_000_000], np.uint32)
    vocabulary = tokens.unpacked(tokens.packed(names))
    assert vocabulary.tolist() == [1, 5, 9, 4_000_000_000]
    asked = np.array([1, 2, 4_000_000_000, 4_000_000_001], np.uint32)
    assert tokens.known(asked, vocabulary).tolist() == [0, -1, 3, -1]
    assert tokens.known(asked, tokens.unpacked(tokens.packed(names[:0]))).tolist() == [-1] * 4


def test_what_is_no_text_is_said():
    texts, problems = tokens.texts_of(["fine", None, 3.5, "  ", float("nan")])
    assert texts == ["fine", "", "", "", ""]
    assert {row: one.code for row, one in problems.items()} == {
        1: "not-a-text",
        2: "not-a-text",
        3: "empty-text",
        4: "not-a-text",
    }
