"""Labelled texts: every layout a person may have, read as it is, and said how."""

import gzip
import json
import zipfile
from pathlib import Path

import pandas as pd
import pytest

from tenfold.core.errors import DataRefused, UsageError
from tenfold.media.text import labelled
from tenfold.media.text.asked import texts_of

ROWS = [
    ("the soup was warm and tasty", "good"),
    ("面条很好吃", "good"),
    ("a cold, stale sandwich", "bad"),
    ("味道太差了", "bad"),
    ("friendly waiters and fresh bread", "good"),
    ("slow and rude", "bad"),
]


def write(path: Path, text: str, encoding: str = "utf-8") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    data = text.encode(encoding)
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path


def quoted(rows: list[tuple[str, str]], separator: str = ",") -> str:
    return "".join(
        separator.join(f'"{cell}"' if separator in cell else cell for cell in row) + "\n"
        for row in rows
    )


def pairs(source) -> list[tuple[str, str]]:
    table = labelled.read(source).table
    assert table["problem"].isna().all()
    return list(zip(table["text"], table["label"], strict=True))


CSV = "review,label\n" + quoted(ROWS)
JSONL = "".join(json.dumps({"id": 7, "text": a, "label": b}) + "\n" for a, b in ROWS)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", CSV),
        ("a.csv.gz", CSV),
        ("a.csv", "﻿" + CSV),
        ("a.csv", CSV.replace("\n", "\r\n")),
        ("a.csv", quoted(ROWS)),
        ("semicolons.csv", "text;category\n" + quoted(ROWS, ";")),
        ("a.tsv", "sentence\tsentiment\n" + quoted(ROWS, "\t")),
        ("a.tsv.gz", quoted(ROWS, "\t")),
        ("标签.csv", "内容,标签\n" + quoted(ROWS)),
        ("a.jsonl", JSONL),
        ("a.json", "[" + ",".join(JSONL.splitlines()) + "]"),
        ("lines.txt", quoted([(b, a) for a, b in ROWS], " ").replace('"', "")),
        ("lines.txt", quoted(ROWS, "\t")),
        ("fast.txt", "".join(f"__label__{b} {a}\n" for a, b in ROWS)),
    ],
)
def test_a_file_of_any_format(tmp_path: Path, name: str, content: str):
    assert pairs(write(tmp_path / name, content)) == ROWS


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "gb18030", "utf-8-sig"])
def test_any_encoding(tmp_path: Path, encoding: str):
    assert pairs(write(tmp_path / "a.csv", CSV, encoding)) == ROWS


def test_latin_letters_with_accents(tmp_path: Path):
    rows = [("très bon café", "bon"), ("déjà froid", "mauvais")] * 4
    assert pairs(write(tmp_path / "a.csv", "text,label\n" + quoted(rows), "latin-1")) == rows


def test_parquet(tmp_path: Path):
    pytest.importorskip("pyarrow")
    pd.DataFrame(ROWS, columns=["text", "label"]).to_parquet(tmp_path / "a.parquet")
    assert pairs(tmp_path / "a.parquet") == ROWS


def test_a_dataframe():
    assert pairs(pd.DataFrame(ROWS, columns=["comment", "class"])) == ROWS


def test_several_columns_are_one_text(tmp_path: Path):
    path = write(
        tmp_path / "a.csv", "class,title,description\n3,Stocks rise,The market\n4,Chips,A\n"
    )
    assert pairs(path) == [("Stocks rise\nThe market", "3"), ("Chips\nA", "4")]


def test_a_line_end_inside_quotes(tmp_path: Path):
    path = write(tmp_path / "a.csv", 'text,label\n"one\ntwo",a\n"say ""hi""",b\nplain,a\n')
    table = labelled.read(path).table
    assert table["text"].tolist() == ["one\ntwo", 'say "hi"', "plain"]
    assert table["source"].tolist() == ["a.csv:2", "a.csv:4", "a.csv:5"]


def test_several_labels(tmp_path: Path):
    path = write(tmp_path / "a.csv", "text,labels\nrain,weather|bad\nsun,weather\nnone,\n")
    assert labelled.read(path).table["labels"].tolist() == [("bad", "weather"), ("weather",), ()]
    path = write(tmp_path / "a.jsonl", '{"text": "x y", "labels": ["a", "b"]}\n' * 2)
    assert labelled.read(path).table["labels"].tolist() == [("a", "b")] * 2
    path = write(tmp_path / "f.txt", "__label__a __label__b some words\n__label__a more\n")
    assert labelled.read(path).table["labels"].tolist() == [("a", "b"), ("a",)]


def test_labels_are_named_by_the_file_of_classes(tmp_path: Path):
    write(tmp_path / "class.txt", "finance\nsport\n")
    write(tmp_path / "train.txt", "shares fall again\t0\ngoal in the last minute\t1\n" * 3)
    write(tmp_path / "test.txt", "a bank\t0\na match\t1\n")
    table = labelled.read(tmp_path).table
    assert set(table["label"]) == {"finance", "sport"}
    assert table["split"].value_counts().to_dict() == {"train": 6, "test": 2}


def test_labels_up_to_the_colon(tmp_path: Path):
    lines = "DESC:manner How did it end\nDESC:def What is it\nHUM:ind Who is he\nHUM:gr Who won\n"
    assert {label for _, label in pairs(write(tmp_path / "TREC.train.txt", 5 * lines))} == {
        "DESC",
        "HUM",
    }


def test_a_folder_a_class(tmp_path: Path):
    for number, (text, label) in enumerate(ROWS):
        write(tmp_path / "train" / label / f"{number}.txt", text)
    write(tmp_path / "test" / "good" / "x.txt", "fresh", "gb18030")
    table = labelled.read(tmp_path).table
    assert sorted(zip(table["text"], table["label"], strict=True)) == sorted(
        [*ROWS, ("fresh", "good")]
    )
    assert table["split"].value_counts().to_dict() == {"train": 6, "test": 1}
    assert set(table["source"]) >= {"test/good/x.txt", "train/good/0.txt"}


def test_a_file_a_class(tmp_path: Path):
    write(tmp_path / "reviews.good.txt.gz", "warm soup\nfresh bread\n")
    write(tmp_path / "reviews.bad.txt.gz", "cold soup\n\n")
    write(tmp_path / "README.txt", "what this is")
    rows = labelled.read(tmp_path)
    table = rows.table
    assert sorted(zip(table["text"], table["label"], strict=True)) == [
        ("cold soup", "bad"),
        ("fresh bread", "good"),
        ("warm soup", "good"),
    ]
    assert rows.ignored == ["README.txt"]


def test_a_zip(tmp_path: Path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as file:
        for part in ("train", "dev", "test"):
            file.writestr(f"data/{part}.csv", CSV)
    table = labelled.read(tmp_path / "a.zip").table
    assert table["split"].value_counts().to_dict() == {"train": 6, "valid": 6, "test": 6}


def test_columns_beside_text_and_label(tmp_path: Path):
    content = "text,label,author,weight,split\nwarm soup,a,x,2,train\ncold soup,b,y,1,test\n"
    table = labelled.read(write(tmp_path / "a.csv", content)).table
    assert table[["group", "weight", "split"]].values.tolist() == [
        ["x", 2.0, "train"],
        ["y", 1.0, "test"],
    ]


def test_numbers_as_labels_stay_as_written(tmp_path: Path):
    path = write(tmp_path / "a.csv", "text,label\nwarm soup here,007\ncold soup there,1\n")
    assert {label for _, label in pairs(path)} == {"007", "1"}


# --- what cannot be read ---


@pytest.mark.parametrize(
    ("lines", "number", "code"),
    [
        (["warm,soup,good"], 4, "ragged"),
        (["only one cell"], 4, "ragged"),
        (["   ,good"], 4, "empty-text"),
        (["nul\0here,good"], 4, "nul"),
        (['"never closed,good'], 4, "open-quote"),
    ],
)
def test_a_bad_line_is_named_and_the_rest_read(tmp_path: Path, lines, number: int, code: str):
    good = ["warm soup,good", "cold soup,bad"]
    content = "\n".join(["text,label", *good, *lines, *good]) + "\n"
    table = labelled.read(write(tmp_path / "a.csv", content)).table
    bad = table[table["problem"].notna()]
    assert [
        (one.code, source) for one, source in zip(bad["problem"], bad["source"], strict=True)
    ] == [(code, f"a.csv:{number}")]
    assert len(table) == 5 and bad["problem"].iloc[0].fix


def test_bad_bytes_spoil_one_line_alone(tmp_path: Path):
    lines = [f"tasty soup number {row} 好,good".encode() for row in range(40)]
    lines[7] = b"caf\xe9 \xff soup,bad"
    (tmp_path / "a.csv").write_bytes(b"text,label\n" + b"\n".join(lines))
    table = labelled.read(tmp_path / "a.csv").table
    bad = table[table["problem"].notna()]
    assert bad["source"].tolist() == ["a.csv:9"] and bad["problem"].iloc[0].code == "encoding"


@pytest.mark.parametrize(
    "line",
    [
        '{"text": "cut',
        "[1, 2]",
        "[" * 200_000,
        '{"text": "x", "label": 1e999}'.replace("1e999", "NaN"),
        '{"text": "x", "label": ' + "9" * 6000 + "}",
        '{"text": "x", "text": "y", "label": "a"}',
    ],
)
def test_a_bad_line_of_json(tmp_path: Path, line: str):
    good = '{"text": "warm soup", "label": "good"}\n'
    table = labelled.read(write(tmp_path / "a.jsonl", good * 3 + line + "\n" + good)).table
    bad = table[table["problem"].notna()]
    assert bad["source"].tolist() == ["a.jsonl:4"] and bad["problem"].iloc[0].code == "bad-json"


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("a.csv", "", "empty-file"),
        ("a.csv", "text,label\n", "bad-manifest"),
        ("a.csv", "number,size\n1,2\n3,4\n5,6\n7,8\n9,10\n11,12\n", "missing-column"),
        ("a.txt", "one line\nanother line of text\nmore and more\n", "no-labels"),
    ],
)
def test_what_cannot_be_learnt_from_is_refused(tmp_path: Path, name: str, content: str, code: str):
    with pytest.raises(DataRefused) as refused:
        labelled.read(write(tmp_path / name, content))
    assert refused.value.code == code and refused.value.where == name


def test_damaged_gzip_is_refused(tmp_path: Path):
    whole = gzip.compress((CSV + 5000 * quoted(ROWS)).encode())
    (tmp_path / "a.csv.gz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DataRefused, match="damaged after line") as refused:
        labelled.read(tmp_path / "a.csv.gz")
    assert refused.value.code == "damaged-gzip"


def test_empty_and_mistyped_folders(tmp_path: Path):
    with pytest.raises(DataRefused) as refused:
        labelled.read(tmp_path)
    assert refused.value.code == "empty-folder" and refused.value.where == str(tmp_path)
    with pytest.raises(UsageError, match="nowhere") as mistyped:
        labelled.read(tmp_path / "nowhere")
    assert mistyped.value.code == "no-such-path"
    write(tmp_path / "a.csv", CSV)
    write(tmp_path / "b.csv", CSV)
    with pytest.raises(UsageError, match="2 tables") as several:
        labelled.read(tmp_path)
    assert several.value.code == "several-manifests"


def test_two_megabytes_without_a_space(tmp_path: Path):
    path = write(tmp_path / "a.csv", f"text,label\n{'x' * 2_000_000},a\nshort one,b\n")
    assert [len(text) for text, _ in pairs(path)] == [2_000_000, 9]


# --- to predict ---


def test_rows_of_a_table_come_in_pieces(tmp_path: Path):
    lines = "".join(f"text number {row}\n" for row in range(1000))
    path = write(tmp_path / "a.csv", f"review\n{lines}")
    tables = list(texts_of(path))
    assert [len(one) for one in tables] == [256, 256, 256, 232]
    assert tables[3]["text"].iloc[-1] == "text number 999"
    assert tables[3]["source"].iloc[-1].endswith("a.csv:1001")


def test_a_plain_file_is_one_text(tmp_path: Path):
    path = write(tmp_path / "letter.txt", "Dear all,\n\nno.\n")
    (table,) = texts_of(path)
    assert table["text"].tolist() == ["Dear all,\n\nno.\n"]


# --- real data ---

REAL = {
    "sst2": (9613, 2, {"train": 6920, "valid": 872, "test": 1821}),
    "trec": (5952, 6, {"train": 5452, "test": 500}),
    "thucnews_titles": (20_000, 10, {"train": 10_000, "test": 10_000}),
    "waimai_10k": (11_987, 2, {}),
    "ag_news": (7600, 4, {"test": 7600}),
    "rt_polarity": (10_662, 2, {}),
}


@pytest.mark.parametrize("name", REAL)
def test_real_folders(data_folder: Path, name: str):
    rows, classes, parts = REAL[name]
    table = labelled.read(data_folder / name).table
    assert len(table) == rows and table["label"].nunique() == classes
    assert table["problem"].isna().all()
    assert (table["split"].value_counts().to_dict() if "split" in table else {}) == parts
