"""Published data sets are read as they lie: rows, parts and classes, without a flag."""

from pathlib import Path

import pytest

from tenfold.tasks.registry import find

PICTURES, TEXTS = "image-classification", "text-classification"
TOKENS, PEOPLE = "token-classification", "recommendation"
BOXES, MASKS = "object-detection", "image-segmentation"
SETS = {  # folder: task, rows, parts, number of classes
    "cats-dogs": (PICTURES, 1300, {"train": 1000, "test": 300}, 2),
    "flowers": (PICTURES, 4311, {}, 5),
    "fashion-mnist-mini": (PICTURES, 900, {}, 10),
    "orl-faces": (PICTURES, 400, {}, 40),
    "mnist": (PICTURES, 70_000, {"train": 60_000, "test": 10_000}, 10),
    "bccd": (BOXES, 364, {"train": 205, "valid": 87, "test": 72}, 3),
    "camvid": (MASKS, 701, {"train": 367, "valid": 101, "test": 233}, 11),
    "ag_news": (TEXTS, 7600, {"test": 7600}, 4),
    "sst2": (TEXTS, 9613, {"train": 6920, "valid": 872, "test": 1821}, 2),
    "trec": (TEXTS, 5952, {"train": 5452, "test": 500}, 6),
    "rt_polarity": (TEXTS, 10_662, {}, 2),
    "thucnews_titles": (TEXTS, 20_000, {"train": 10_000, "test": 10_000}, 10),
    "waimai_10k": (TEXTS, 11_987, {}, 2),
    "wnut17": (TOKENS, 5690, {"train": 3394, "valid": 1009, "test": 1287}, 6),
    "resume_ner_zh": (TOKENS, 4761, {"train": 3821, "valid": 463, "test": 477}, 8),
    "ud_english_ewt": (TOKENS, 8260, {"train": 4182, "valid": 2001, "test": 2077}, 17),
    "movielens_latest_small": (PEOPLE, 2116, {"train": 706, "valid": 705, "test": 705}, 0),
    "amazon_beauty": (PEOPLE, 67_089, {"train": 22_363, "valid": 22_363, "test": 22_363}, 0),
    "lastfm_s3rec": (PEOPLE, 3270, {"train": 1090, "valid": 1090, "test": 1090}, 0),
}


@pytest.mark.parametrize("name", SETS)
def test_a_published_set_is_read_as_it_lies(name: str, data_folder: Path):
    task, count, parts, classes = SETS[name]
    if not (data_folder / name).is_dir():
        pytest.skip(f"needs the data set {name}")
    rows = find(task).read(data_folder / name)
    table = rows.table
    assert len(table) == count
    assert (table["split"].value_counts().to_dict() if "split" in table else {}) == parts
    assert not classes or len(rows.answer.counts(table[table["problem"].isna()])) == classes
    assert rows.taken.roles and rows.taken.roles[0].examples is not None
