"""Near copies of texts: found whatever the marks, never between texts that only resemble."""

import re

import numpy as np
import pandas as pd
from preparing import fresh_cache as fresh_cache

import tenfold
from tenfold.answers.label import LABEL
from tenfold.data import duplicates
from tenfold.data.duplicates import near_groups
from tenfold.data.prepare import prepare
from tenfold.data.scan import scan
from tenfold.media.text import near_duplicates
from tenfold.media.text.medium import TEXT
from tenfold.tasks.registry import find

TASK = "text-classification"
MEDIA = {"text": TEXT}
WORDS = np.array(
    "harbour violet engine quiet marble lantern copper thunder meadow silver pocket window "
    "ladder button camera forest island jacket kitten lemon".split()
)


def sentence(seed: int, words: int = 14) -> str:
    return " ".join(np.random.default_rng(seed).choice(WORDS, words))


def table(rows: list[tuple[str, ...]], names: str = "text label split") -> pd.DataFrame:
    found = pd.DataFrame(rows, columns=names.split()[: len(rows[0])])
    found["source"] = [f"row {row}" for row in range(len(found))]
    found["problem"] = pd.Series([None] * len(found), dtype=object)
    return found


def groups(*texts: str) -> list[list[int]]:
    return near_groups(scan(table([(text,) for text in texts], "text"), MEDIA), MEDIA)


def test_marks_case_and_a_word_more_are_near():
    one = sentence(1)
    assert groups(one, sentence(2), f"{one.upper()}!!", sentence(3), f"{one} (photo)") == [
        [0, 2, 4]
    ]


def test_chinese_titles_are_compared_too():
    title = "南二环嘉特美公馆预计9月开盘价格待定"
    assert groups(title, "房山纯新盘绿地新都会国际花都11月开盘", f"{title}(图)") == [[0, 2]]


def test_other_texts_of_the_same_words_are_not_near():
    assert groups(*(sentence(seed) for seed in range(60))) == []


def test_short_texts_are_alike_by_chance():
    assert groups("very good", "Very good!", "VERY GOOD") == []


def test_exact_copies_are_no_near_copies():
    assert groups(sentence(1), sentence(1)) == []


def test_every_pair_that_shares_enough_is_found():
    """Against comparing all pairs: nothing is found that is not near, and hardly one is missed."""
    random = np.random.default_rng(0)
    texts = [sentence(seed, 20) for seed in range(40)]
    for row in range(40):
        words = texts[row].split()
        for _ in range(int(random.integers(1, 4))):
            words[int(random.integers(len(words)))] = str(random.choice(WORDS))
        texts.append(" ".join(words))
    sets = [
        {text[at : at + 4] for at in range(len(text) - 3)}
        for text in (one.replace(" ", "") for one in texts)
    ]
    wanted = {
        (one, other)
        for one in range(80)
        for other in range(one + 1, 80)
        if len(sets[one] & sets[other]) >= near_duplicates.ALIKE * len(sets[one] | sets[other])
    }
    found = {tuple(rows) for rows in groups(*texts) if len(rows) == 2}
    assert len(wanted) > 10
    assert found <= wanted and len(found) >= 0.9 * len(wanted)


# --- in a training ---


def rows(count: int, part: str, start: int = 0) -> list[tuple[str, str, str]]:
    return [(sentence(start + seed), "ab"[seed % 2], part) for seed in range(count)]


def test_training_rows_near_the_test_are_left_out():
    few = [(f"{sentence(1000)}!", "a", "train")]
    data = table([*rows(60, "train"), *rows(10, "valid", 500), *rows(10, "test", 1000), *few])
    found = prepare(find(TASK), data)
    assert found.leaks == ["row 80"] and found.near == [["row 70", "row 80"]]
    assert len(found.table("test")) == 10


def test_where_many_are_near_they_stay_and_it_is_said():
    many = [(f"{sentence(1000 + seed)}!", "ab"[seed % 2], "train") for seed in range(10)]
    data = table([*rows(60, "train"), *rows(10, "valid", 500), *rows(10, "test", 1000), *many])
    found = prepare(find(TASK), data)
    assert not found.leaks and len(found.near) == 10


def test_the_score_is_given_without_them_too(tmp_path):
    many = [(f"{sentence(1000 + seed)}!", "ab"[seed % 2], "train") for seed in range(8)]
    data = table([*rows(60, "train"), *rows(12, "valid", 500), *rows(10, "test", 1000), *many])
    run = tenfold.train(TASK, data, out=tmp_path / "run", model="naive-bayes")
    assert run.scores["rows"]["test"] == 10 and run.scores["without_near"]["rows"] == 2
    assert set(run.scores["without_near"]["scores"]) == set(run.scores["scores"])
    page = (tmp_path / "run" / "report.html").read_text("utf-8")
    assert re.search(r"near duplicates in training; [^<]* \d\.\d{4} \(2 rows\)", page)


def test_a_drawn_split_keeps_them_on_one_side():
    pairs = [
        (f"{sentence(seed)}{mark}", "ab"[seed % 2]) for seed in range(80) for mark in ("", "!")
    ]
    data = prepare(find(TASK), table(pairs))
    sides = data.used.groupby("near")["split"].nunique()
    assert len(sides) == 80 and (sides == 1).all()


def test_conflicts_are_copies_with_other_answers():
    text, other = sentence(1), sentence(2)
    rows = table([(text, "a"), (text, "b"), (other, "a"), (other, "a")], "text label")
    found = duplicates.found(scan(rows, MEDIA), LABEL, MEDIA)[1]
    assert found.conflicts == [["row 0", "row 1"]] and found.duplicates == [["row 2", "row 3"]]
