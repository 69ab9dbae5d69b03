"""Tagged tokens: every format as it is written, and what is wrong with a line said."""

import gzip
import json
from pathlib import Path

import pandas as pd
import pytest

from tenfold.core.errors import DataRefused, UsageError
from tenfold.media.reading import Reading
from tenfold.media.text import tag_schemes, tagged

ENGLISH = [("Anna", "B-PER"), ("Bell", "I-PER"), ("saw", "O"), ("Paris", "B-LOC"), (".", "O")]
CHINESE = [("吴", "B-NAME"), ("重", "M-NAME"), ("阳", "E-NAME"), ("，", "O"), ("人", "S-X")]


def columns(*sentences: list[tuple[str, ...]], between: str = " ") -> str:
    return "\n".join("".join(f"{between.join(row)}\n" for row in one) for one in sentences)


def write(path: Path, text: str, encoding: str = "utf-8") -> Path:
    data = text.encode(encoding)
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path


def entities(table: pd.DataFrame, row: int = 0) -> list[tuple[str, str]]:
    """(type, words) of the spans of a row."""
    one = table.iloc[row]
    return [
        (kind, one["text"][a:b]) for kind, a, b in tag_schemes.spans_of(one["tags"], one["places"])
    ]


@pytest.mark.parametrize("between", [" ", "\t"])
@pytest.mark.parametrize("name", ["a.conll", "a.conll.gz"])
def test_columns(tmp_path: Path, between: str, name: str):
    table = tagged.read(
        write(tmp_path / name, columns(ENGLISH, ENGLISH[:3], between=between))
    ).table
    assert table["text"].tolist() == ["Anna Bell saw Paris .", "Anna Bell saw"]
    assert entities(table) == [("PER", "Anna Bell"), ("LOC", "Paris")]
    assert table["source"].tolist() == [f"{name}:1", f"{name}:7"]


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030", "utf-16"])
def test_chinese_characters_stand_together(tmp_path: Path, encoding: str):
    table = tagged.read(write(tmp_path / "a.bmes", columns(CHINESE, CHINESE), encoding)).table
    assert table["text"].tolist() == ["吴重阳，人"] * 2
    assert entities(table) == [("NAME", "吴重阳"), ("X", "人")]


def test_nested_tags_by_number_and_name(tmp_path: Path):
    rows = [("Bank", "B-ORG", "O"), ("of", "I-ORG", "O"), ("China", "I-ORG", "B-LOC")] * 2
    path = write(tmp_path / "a.conll", "token outer inner\n" + columns(rows, rows))
    assert entities(tagged.read(path, Reading(target="inner")).table)[0] == ("LOC", "China")
    assert entities(tagged.read(path, Reading(target="2")).table)[0] == ("ORG", "Bank of China")
    assert len(tagged.read(path).table) == 2
    with pytest.raises(UsageError, match=r"(?s)no column 'iner'.*Did you mean 'inner'"):
        tagged.read(path, Reading(target="iner"))


UD = """# text = I don't know.
1\tI\tI\tPRON\tPRP\t_\t4\tnsubj\t_\t_
2-3\tdon't\t_\t_\t_\t_\t_\t_\t_\t_
2\tdo\tdo\tAUX\tVBP\t_\t4\taux\t_\t_
3\tn't\tnot\tPART\tRB\t_\t4\tadvmod\t_\t_
4\tknow\tknow\tVERB\tVB\t_\t0\troot\t_\tSpaceAfter=No
4.1\tit\t_\t_\t_\t_\t_\t_\t_\t_
5\t.\t.\tPUNCT\t.\t_\t4\tpunct\t_\t_

"""


def test_conll_u(tmp_path: Path):
    table = tagged.read(write(tmp_path / "a.conllu", UD)).table
    assert table["text"].tolist() == ["I don't know."]
    assert table["tags"][0] == ("PRON", "AUX", "PART", "VERB", "PUNCT")
    words = [table["text"][0][a:b] for a, b in table["places"][0]]
    assert words == ["I", "do", "n't", "know", "."]
    assert tagged.read(tmp_path / "a.conllu", Reading(target="xpos")).table["tags"][0][0] == "PRP"


def test_json_lines(tmp_path: Path):
    lines = [
        {"tokens": ["Anna", "left"], "tags": ["B-PER", "O"]},
        {"text": "我爱北京", "spans": [[2, 4, "LOC"]]},
        {"text": "see Rome", "entities": [{"start": 4, "end": 8, "label": "LOC"}]},
        {"text": "see Rome", "spans": [[5, 9, "LOC"]]},
    ]
    path = write(tmp_path / "a.jsonl", "".join(json.dumps(one) + "\n" for one in lines))
    table = tagged.read(path).table
    assert [entities(table, row) for row in range(3)] == [
        [("PER", "Anna")],
        [("LOC", "北京")],
        [("LOC", "Rome")],
    ]
    assert table["problem"][3].code == "bad-json" and table["source"][3] == "a.jsonl:4"


def test_a_dataframe():
    frame = pd.DataFrame({"tokens": [["Anna", "left"]], "tags": [["B-PER", "O"]]})
    assert entities(tagged.read(frame).table) == [("PER", "Anna")]
    with pytest.raises(DataRefused, match="tokens and tags"):
        tagged.read(pd.DataFrame({"text": ["x"]}))


def test_parts_and_a_prefix(tmp_path: Path):
    named = [(f"en:{word}", tag) for word, tag in ENGLISH]
    for name in ("train.gz", "dev.gz", "x.test.annotated.gz", "README.md"):
        write(tmp_path / name, columns(named))
    table = tagged.read(tmp_path).table
    assert sorted(table["split"]) == ["test", "train", "valid"]
    assert set(table["text"]) == {"Anna Bell saw Paris ."}


# --- what is wrong ---


def test_a_short_line_costs_its_sentence(tmp_path: Path):
    path = write(tmp_path / "a.conll", columns(ENGLISH, [*ENGLISH[:2], ("alone",)], ENGLISH))
    table = tagged.read(path).table
    assert [one and one.code for one in table["problem"]] == [None, "short-line", None]
    assert "line 9" in table["problem"][1].reason and table["source"][1] == "a.conll:7"


def test_nul_and_blank_lines(tmp_path: Path):
    text = columns(ENGLISH) + "  \n\n\n" + columns([("a\0b", "O")]) + "\n" + columns(ENGLISH)
    table = tagged.read(write(tmp_path / "a.conll", text)).table
    assert [one and one.code for one in table["problem"]] == [None, "nul", None]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "empty-file"),
        ("word\nword\n\nword\n", "no-labels"),
        ("text,label\na b c,b\nc d,a\n", "no-labels"),
        (columns([("word", "O")] * 1200), "no-blank-lines"),
    ],
)
def test_what_cannot_be_learnt_from_is_refused(tmp_path: Path, text: str, code: str):
    with pytest.raises(DataRefused) as refused:
        tagged.read(write(tmp_path / "a.conll", text))
    assert refused.value.code == code and refused.value.where == "a.conll" and refused.value.fix


def test_an_empty_folder(tmp_path: Path):
    with pytest.raises(DataRefused, match="file of tagged tokens") as refused:
        tagged.read(tmp_path)
    assert refused.value.code == "no-files" and refused.value.where == str(tmp_path)


REAL = {
    "resume_ner_zh": (3821, 463, 477, 153_089),
    "wnut17": (3394, 1009, 1287, None),
    "ud_english_ewt": (4182, 2001, 2077, 117_984),
    "wikiann_en": (20_000, 10_000, 10_000, None),
}


@pytest.mark.parametrize("name", REAL)
def test_real_folders(data_folder: Path, name: str):
    *parts, count = REAL[name]
    table = tagged.read(data_folder / name).table
    assert [int((table["split"] == part).sum()) for part in ("train", "valid", "test")] == parts
    assert count is None or table["places"].map(len).sum() == count
    assert table["problem"].notna().sum() == (1 if name == "wnut17" else 0)
    some = table[table["problem"].isna()].sample(200, random_state=0)
    for one in some.itertuples():
        assert len(one.tags) == len(one.places)
        assert all(one.text[a:b].strip() == one.text[a:b] for a, b in one.places)


# --- JSON lines of annotation tools ---------------------------------------------------------------


@pytest.mark.parametrize("key", ["spans", "entities", "annotations", "label"])
def test_spans_of_annotation_tools_are_read(tmp_path: Path, key: str):
    ends = {"start_offset": 0, "end_offset": 4} if key == "annotations" else {"start": 0, "end": 4}
    lines = [json.dumps({"id": 1, "text": "Anna sings .", key: [{"label": "PER", **ends}]})] * 3
    (tmp_path / "a.jsonl").write_text("\n".join([*lines, json.dumps({"text": "No.", key: []})]))
    table = tagged.read(tmp_path / "a.jsonl").table
    assert table["problem"].isna().all()
    assert table["tags"].iloc[0] == ("B-PER", "O", "O") and set(table["tags"].iloc[3]) == {"O"}


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('{"text": "No spans here", "id": 7}', "no spans; its keys are text, id"),
        ('{"text": "None", "spans": null}', "no spans"),
        ('{"id": 7}', "no tokens and no text"),
        ('["text"]', "no tokens and no text"),
        ("7", "no tokens and no text"),
        ('{"text": 7, "spans": []}', "no tokens and no text"),
        ('{"text": "Anna", "spans": [{"start": 0, "label": "PER"}]}', "lacks its start, its end"),
        ('{"text": "Anna", "spans": [7]}', "cannot be used"),
        ('{"text": "Anna", "spans": 7}', "cannot be used"),
    ],
)
def test_a_line_without_spans_is_a_problem_of_this_line(tmp_path: Path, line: str, said: str):
    good = '{"text": "Anna sings", "spans": [[0, 4, "PER"]]}'
    (tmp_path / "a.jsonl").write_text("\n".join([good, line, good]))
    table = tagged.read(tmp_path / "a.jsonl").table
    assert table["problem"].notna().tolist() == [False, True, False]
    problem = table["problem"][1]
    assert problem.code == "bad-json" and said in problem.reason and problem.fix
    assert table["source"][1] == "a.jsonl:2"
