"""Tagged tokens as people have them: each shape gives the same sentences and spans."""

import json
from pathlib import Path

import pandas as pd
import pytest
from tagged_made import SENTENCES, SPANS, TABLES, conll, read, spans

from tenfold.core.errors import DataRefused, UsageError
from tenfold.media.reading import Reading
from tenfold.media.text import tagged

# --- columns --------------------------------------------------------------------------------------

COLUMNS = {
    "word tag": (conll(lambda s, n, w, t: (w, t)), "1", "2"),
    "tag first": (conll(lambda s, n, w, t: (t, w)), "2", "1"),
    "tag first, spaces": (conll(lambda s, n, w, t: (t, w), " "), "2", "1"),
    "numbered": (conll(lambda s, n, w, t: (n + 1, w, "NN", t)), "2", "4"),
    "numbered from 0": (conll(lambda s, n, w, t: (n, w, t), " "), "2", "3"),
    "number last": (conll(lambda s, n, w, t: (w, t, n + 1)), "1", "2"),
    "document and number": (conll(lambda s, n, w, t: ("d1", s, n, w, f"P{n % 3}", t)), "4", "6"),
    "tag in the middle": (conll(lambda s, n, w, t: (w, t, f"lemma{n}")), "1", "2"),
    "chunks before": (conll(lambda s, n, w, t: (w, "NN", "B-NP" if n else "O", t)), "1", "4"),
    "commas": (conll(lambda s, n, w, t: (w, t), ","), "1", "2"),
    "semicolons, tag first": (conll(lambda s, n, w, t: (t, w), ";"), "2", "1"),
    "counted, no empty line": (
        conll(lambda s, n, w, t: (n + 1, w, t)).replace("\n\n", "\n"),
        "2",
        "3",
    ),
}


@pytest.mark.parametrize("name", COLUMNS)
def test_roles_are_found_by_content(tmp_path: Path, name: str):
    text, token, tag = COLUMNS[name]
    rows = read(tmp_path, "a.conll", text)
    assert spans(rows) == SPANS
    assert (rows.reading.found["token"], rows.reading.found["target"]) == (token, tag)
    assert {one.flag for one in rows.taken.roles} == {"--token", "--target"}


def test_given_columns_are_used_and_a_missing_one_is_an_error(tmp_path: Path):
    text = conll(lambda s, n, w, t: (w.upper(), w, "B-X" if n == 1 else "O", t))
    rows = read(tmp_path, "a.conll", text, Reading(columns={"token": "2"}, target="3"))
    assert rows.table["text"][0].startswith("Now") and spans(rows)[1] == [("X", "Miller")]
    for reading in (
        Reading(columns={"token": "5"}),
        Reading(target="ner"),
        Reading(columns={"token": "word"}),
    ):
        with pytest.raises(UsageError) as refused:
            read(tmp_path, "a.conll", text, reading)
        assert refused.value.code == "missing-column"


@pytest.mark.parametrize(
    "names",
    [
        ("eng.train", "eng.testa", "eng.testb"),
        ("train.txt", "dev.txt", "test.txt"),
        ("a_train_set.conll", "validation/x.conll", "Test Data/x.conll"),
    ],
)
def test_parts_by_name_and_document_lines(tmp_path: Path, names: tuple[str, ...]):
    start = "-DOCSTART- -X- -X- O\n\n"
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        text = start + conll(lambda s, n, w, t: (w, "NN", "I-NP", t), " ")
        (tmp_path / name).write_text(text.replace("\nNow ", f"\n{start}Now "))
    rows = tagged.read(tmp_path)
    counts = rows.table["split"].value_counts().to_dict()
    assert counts == {"train": 24, "valid": 24, "test": 24}
    assert not rows.table["text"].str.contains("DOCSTART").any()


# --- tables ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", TABLES)
def test_tables_of_tokens(tmp_path: Path, name: str):
    rows = read(tmp_path, *TABLES[name])
    assert spans(rows) == SPANS
    assert rows.table["source"].is_unique


def test_tables_of_lists_and_other_roles(tmp_path: Path):
    frame = pd.DataFrame(
        {
            "tokens": [[w for w, _ in one] for one in SENTENCES],
            "ner_tags": [[t for _, t in one] for one in SENTENCES],
            "split": ["train", "dev", "test"] * 8,
            "who": [f"p{n // 4}" for n in range(24)],
        }
    )
    frame.to_parquet(tmp_path / "a.parquet")
    rows = tagged.read(tmp_path / "a.parquet", Reading(group="who", by=("who",)))
    assert spans(rows) == SPANS
    assert rows.table["split"].tolist() == ["train", "valid", "test"] * 8
    assert rows.table["group"].tolist() == rows.table["by:who"].tolist() == frame["who"].tolist()


# --- schemes --------------------------------------------------------------------------------------


def test_one_odd_tag_costs_its_sentence(tmp_path: Path):
    bioes = conll(lambda s, n, w, t: (w, {"B-LOC": "S-LOC", "I-PER": "E-PER"}.get(t, t)), " ")
    for text in (bioes, conll(lambda s, n, w, t: (w, t), " ")):
        for wrong in ("0", "B", "Q-PER"):
            rows = read(tmp_path, "a.conll", text.replace("left O", f"left {wrong}", 1))
            assert [p and p.code for p in rows.table["problem"]].count("odd-tag") == 1
            assert rows.table["problem"][1].reason.values["place"].values["number"] == 8
            assert spans(rows) == [one for n, one in enumerate(SPANS) if n != 1]


@pytest.mark.parametrize("outside", ["O", "o", "_", "other"])
def test_types_without_a_prefix_are_spans(tmp_path: Path, outside: str):
    def tag(t: str) -> str:
        return outside if t == "O" else t[2:]

    text = conll(lambda s, n, w, t: (w, tag(t)))
    automatic = outside in ("O", "o")
    rows = read(tmp_path, "a.tsv", text, tags="auto" if automatic else "spans")
    assert spans(rows) == SPANS
    assert rows.reading.found.get("tags") == "spans"
    single = read(tmp_path, "a.tsv", text, tags="single")
    assert single.table["tags"][0][:2] == (outside, "LOC")
    assert tagged.read(tmp_path / "a.tsv", rows.reading).table["tags"].equals(rows.table["tags"])


def test_parts_of_speech_stay_single(tmp_path: Path):
    kinds = ["NOUN", "VERB", "ADP", "PUNCT"]
    rows = read(tmp_path, "a.tsv", conll(lambda s, n, w, t: (w, kinds[n % 4])))
    assert set(rows.table["tags"][1]) == set(kinds)


# --- numbers --------------------------------------------------------------------------------------

NAMES = ["O", "B-PER", "I-PER", "B-LOC", "I-LOC"]
NUMBERED = "".join(
    json.dumps({"tokens": [w for w, _ in one], "ner_tags": [NAMES.index(t) for _, t in one]}) + "\n"
    for one in SENTENCES
)
LISTS = {
    "labels.txt": "\n".join(NAMES),
    "classes.txt": "".join(f"{n} {name}\n" for n, name in enumerate(NAMES)),
    "tags.txt": "".join(f"{name}\t{n}\n" for n, name in enumerate(NAMES)),
    "dataset_infos.json": json.dumps(
        {
            "x": {
                "features": {
                    "pos_tags": {"feature": {"names": ["NN", "VB"]}},
                    "ner_tags": {"feature": {"names": NAMES, "_type": "ClassLabel"}},
                }
            }
        }
    ),
    "config.json": json.dumps({"id2label": {str(n): name for n, name in enumerate(NAMES)}}),
    "label2id.json": json.dumps({name: n for n, name in enumerate(NAMES)}),
}


@pytest.mark.parametrize("name", LISTS)
@pytest.mark.parametrize("whole", [True, False])
def test_numbers_get_the_names_beside_them(tmp_path: Path, name: str, whole: bool):
    (tmp_path / name).write_text(LISTS[name])
    (tmp_path / "train.jsonl").write_text(NUMBERED)
    rows = tagged.read(tmp_path if whole else tmp_path / "train.jsonl")
    assert spans(rows) == SPANS and len(rows.table) == 24
    (tmp_path / name).unlink()
    assert spans(tagged.read(tmp_path / "train.jsonl", rows.reading)) == SPANS


def test_numbers_without_names_are_stated(tmp_path: Path):
    rows = read(tmp_path, "train.jsonl", NUMBERED)
    assert rows.table["tags"][0] == ("0", "3", "0", "0")
    assert any("labels.txt" in note for note in rows.taken.notes)
    (tmp_path / "labels.txt").write_text("O\nB-PER")
    with pytest.raises(DataRefused) as refused:
        tagged.read(tmp_path / "train.jsonl")
    assert refused.value.code == "missing-names"
