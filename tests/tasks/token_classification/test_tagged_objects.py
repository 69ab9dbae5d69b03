"""Tagged texts in JSON, brat and exports, wrong spans, and files for prediction."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from tagged_made import SENTENCES, SPANS, TABLES, conll, read, spans

from tenfold.core.errors import DataRefused, TenfoldError, UsageError
from tenfold.data.inputs import tables
from tenfold.data.prepare import prepare
from tenfold.media.reading import AS_FOUND, Reading
from tenfold.media.text import tagged
from tenfold.tasks.registry import find

# --- JSON -----------------------------------------------------------------------------------------


def marked(one: list[tuple[str, str]]) -> tuple[str, list[tuple[int, int, str]]]:
    """The text of a sentence and its spans in characters."""
    text, found = " ".join(word for word, _ in one), []
    for kind, words in SPANS[SENTENCES.index(one)]:
        start = text.index(words)
        found.append((start, start + len(words), kind))
    return text, found


def each(shape: Callable[[list[tuple[str, str]], str, list[tuple[int, int, str]]], Any]) -> list:
    return [shape(one, *marked(one)) for one in SENTENCES]


def keyed(tokens: str, tags: str) -> list:
    return each(lambda one, text, found: {tokens: [w for w, _ in one], tags: [t for _, t in one]})


def spanned(key: str, span: Callable[..., Any], **more: Any) -> list:
    def shape(one: Any, text: str, found: Any) -> Any:
        return {"id": 1, "text": text, key: [span(*x, text) for x in found], **more}

    return each(shape)


def offsets(names: str) -> Callable[..., dict[str, Any]]:
    start, end, kind = names.split()
    return lambda a, b, k, text: {start: a, end: b, kind: k}


OBJECTS = {
    "tokens tags": keyed("tokens", "tags"),
    "words labels": keyed("words", "labels"),
    "tokens ner": keyed("tokens", "ner"),
    "tokens and an unknown key": keyed("tokens", "slots"),
    "pairs": each(lambda one, text, found: {"tokens": [list(pair) for pair in one]}),
    "objects": each(lambda one, t, f: {"tokens": [{"text": w, "label": x} for w, x in one]}),
    "doccano label": spanned("label", lambda a, b, k, text: [a, b, k]),
    "doccano entities": spanned(
        "entities", offsets("start_offset end_offset label"), relations=[], Comments=[]
    ),
    "annotations": spanned("annotations", offsets("start_offset end_offset label")),
    "start_pos": spanned("entities", offsets("start_pos end_pos label_type")),
    "length": spanned(
        "entities", lambda a, b, k, text: {"offset": a, "length": b - a, "category": k}
    ),
    "words of spans": spanned(
        "entities", lambda a, b, k, text: {"start": a, "end": b, "type": k, "text": text[a:b]}
    ),
    "inclusive ends": spanned(
        "entities", lambda a, b, k, text: {"start": a, "end": b - 1, "type": k, "text": text[a:b]}
    ),
    "Dataturks": each(
        lambda one, text, found: {
            "content": text,
            "annotation": [
                {"label": [k], "points": [{"start": a, "end": b - 1, "text": text[a:b]}]}
                for a, b, k in found
            ],
        }
    ),
    "by type": each(
        lambda one, text, found: {
            "text": text,
            "label": {k: {text[a:b]: [[a, b - 1]]} for a, b, k in found},
        }
    ),
    "Prodigy": each(
        lambda one, text, found: {
            "text": text,
            "tokens": [
                {"text": w, "start": sum(len(x) + 1 for x, _ in one[:n]), "id": n}
                | {"end": sum(len(x) + 1 for x, _ in one[:n]) + len(w)}
                for n, (w, _) in enumerate(one)
            ],
            "spans": [
                {"start": a, "end": b, "label": k, "token_start": 0, "token_end": 0}
                for a, b, k in found
            ],
            "answer": "accept",
        }
    ),
    "Label Studio": each(
        lambda one, text, found: {
            "id": 7,
            "data": {"text": text, "source": "x"},
            "annotations": [
                {
                    "was_cancelled": False,
                    "result": [
                        {
                            "type": "labels",
                            "value": {"start": a, "end": b, "text": text[a:b], "labels": [k]},
                        }
                        for a, b, k in found
                    ]
                    + [{"type": "relation", "from_id": "a", "to_id": "b"}],
                }
            ],
            "predictions": [],
        }
    ),
    "Label Studio, short": spanned(
        "label", lambda a, b, k, text: {"start": a, "end": b, "text": text[a:b], "labels": [k]}
    ),
    "spaCy pairs": each(lambda one, text, found: [text, {"entities": [list(x) for x in found]}]),
    "spaCy documents": [
        {
            "id": 0,
            "paragraphs": [
                {
                    "sentences": [
                        {"tokens": [{"orth": w, "tag": "NN", "ner": t} for w, t in one]}
                        for one in SENTENCES
                    ]
                }
            ],
        }
    ],
}


@pytest.mark.parametrize("name", OBJECTS)
def test_objects_stand_on_lines_in_arrays_or_in_an_object(tmp_path: Path, name: str):
    rows = OBJECTS[name]
    texts = {
        "a.json": json.dumps(rows),
        "b.json": json.dumps(rows, indent=1, ensure_ascii=False),
        "c.json": json.dumps({"version": 1, "classes": ["PER", "LOC"], "data": rows}),
        "d.jsonl": "".join(json.dumps(one) + "\n" for one in rows),
    }
    for file, text in texts.items():
        if name == "spaCy documents" and file == "d.jsonl":
            continue
        rows_read = read(tmp_path, file, text)
        assert rows_read.table["problem"].isna().all(), (file, rows_read.table["problem"][0])
        assert spans(rows_read) == SPANS, file


def test_spans_of_tokens_without_a_text_count_tokens(tmp_path: Path):
    """The form of SpERT; the end is exclusive."""
    words = "Anna Berg lives in New York".split()
    marks = [(0, 2, "Peop"), (4, 6, "Loc")]
    rows = [
        {
            "tokens": [*words, str(n)],
            "entities": [{"type": kind, "start": start, "end": end} for start, end, kind in marks],
            "relations": [{"type": "Live_In", "head": 0, "tail": 1}],
            "orig_id": n,
        }
        for n in range(9)
    ]
    odd = [
        rows[0] | {"entities": [{"type": "Loc", "start": 4, "end": 8}]},
        rows[0] | {"entities": rows[0]["entities"] + [{"type": "Loc", "start": 1, "end": 3}]},
    ]
    table = read(tmp_path, "a.json", json.dumps(rows + odd)).table
    tags = ("B-Peop", "I-Peop", "O", "O", "B-Loc", "I-Loc", "O")
    assert list(table["tags"][:9]) == [tags] * 9 and table["problem"][:9].isna().all()
    assert [one.code for one in table["problem"][9:]] == ["bad-json"] * 2


def test_objects_by_part_and_by_column(tmp_path: Path):
    rows = keyed("tokens", "tags")
    parts = {"train": rows[:16], "validation": rows[16:20], "test": rows[20:]}
    found = read(tmp_path, "a.json", json.dumps(parts))
    assert found.table["split"].value_counts().to_dict() == {"train": 16, "valid": 4, "test": 4}
    whole = {key: [row[key] for row in rows] for key in rows[0]}
    assert spans(read(tmp_path, "b.json", json.dumps(whole))) == SPANS


def test_two_lists_that_could_be_the_tags_are_asked_back(tmp_path: Path):
    rows = [{**row, "other": row["first"]} for row in keyed("tokens", "first")]
    with pytest.raises(UsageError) as asked:
        read(tmp_path, "a.json", json.dumps(rows))
    assert asked.value.code == "two-readings" and asked.value.exit_code == 2
    assert "--target first" in asked.value.fix and "--target other" in asked.value.fix
    assert spans(read(tmp_path, "a.json", json.dumps(rows), Reading(target="other"))) == SPANS
    with pytest.raises(UsageError) as missing:
        read(tmp_path, "a.json", json.dumps(rows), Reading(target="third"))
    assert missing.value.code == "missing-column"


def test_examples_that_were_not_accepted_stay_out(tmp_path: Path):
    lines = [json.dumps({**row, "answer": "accept"}) for row in OBJECTS["Prodigy"]]
    for at, answer in ((1, "reject"), (4, "ignore")):
        lines[at] = lines[at].replace('"accept"', f'"{answer}"')
    rows = read(tmp_path, "a.jsonl", "\n".join(lines))
    assert spans(rows) == [one for n, one in enumerate(SPANS) if n not in (1, 4)]
    assert [(one.kind, one.count) for one in rows.taken.left] == [("rows", 2)]
    tasks = [dict(one) for one in OBJECTS["Label Studio"]]
    tasks[0]["annotations"] = []
    tasks[1]["annotations"] = [{**tasks[1]["annotations"][0], "was_cancelled": True}]
    assert spans(read(tmp_path, "a.json", json.dumps(tasks))) == SPANS[2:]


# --- spans ----------------------------------------------------------------------------------------


def test_spans_off_the_borders_of_tokens(tmp_path: Path):
    rows = spanned("label", lambda a, b, k, text: [a - (a > 0), b + 1, k])
    trimmed = read(tmp_path, "a.json", json.dumps(rows))
    assert spans(trimmed) == SPANS and trimmed.table["problem"].isna().all()
    count = sum(map(len, SPANS))
    assert [note.values for note in trimmed.taken.notes] == [{"count": count}]
    rows = spanned("label", lambda a, b, k, text: [a, b - 1, k])
    moved = read(tmp_path, "a.json", json.dumps(rows))
    assert spans(moved) == SPANS
    assert moved.taken.notes[0].values["count"] == count


@pytest.mark.parametrize(
    ("wrong", "word"),
    [
        ([[0, 5, "X"], [3, 9, "Y"]], "overlaps"),
        ([[0, 500, "X"]], "outside"),
        ([[-3, 2, "X"]], "outside"),
        ([[4, 5, "X"]], "no token"),
        ([{"start": 0, "end": 5, "label": "X", "text": "Anna"}], "'Anna'"),
        ([{"start": 0, "end": 5, "labels": ["X", "Y"]}], "2 types"),
        ([[0.5, 3, "X"]], "lacks"),
    ],
)
def test_a_wrong_span_costs_its_text(tmp_path: Path, wrong: list, word: str):
    rows = spanned("label", lambda a, b, k, text: [a, b, k])
    rows[1] = {"text": rows[1]["text"], "label": wrong}
    found = read(tmp_path, "a.json", json.dumps(rows))
    assert found.table["problem"].notna().tolist() == [n == 1 for n in range(24)]
    assert word in found.table["problem"][1].reason and found.table["source"][1] == "a.json:2"
    assert spans(found) == [SPANS[0], *SPANS[2:]]


def test_brat(tmp_path: Path):
    (tmp_path / "train").mkdir()
    texts = [marked(one) for one in SENTENCES]
    content, marks, at = "", [], 0
    for text, found in texts:
        for a, b, kind in found:
            marks.append(f"T{len(marks) + 1}\t{kind} {at + a} {at + b}\t{text[a:b]}\n")
        content += f"{text}\n"
        at = len(content)
    marks.append("R1\tIn Arg1:T1 Arg2:T2\n")
    for ends in ("\n", "\r\n"):
        (tmp_path / "train" / "doc.txt").write_bytes(content.replace("\n", ends).encode())
        (tmp_path / "train" / "doc.ann").write_text("".join(marks))
        (tmp_path / "annotation.conf").write_text("[entities]\nPER\n")
        rows = tagged.read(tmp_path)
        assert spans(rows) == SPANS and set(rows.table["split"]) == {"train"}
        assert [(one.kind, one.count) for one in rows.taken.left] == [("rows", 1)]
    broken = "".join(marks) + "T99\tPER 0 2;4 6\tNo is\n"
    (tmp_path / "train" / "doc.ann").write_text(broken)
    table = tagged.read(tmp_path).table
    assert [p and p.code for p in table["problem"]] == ["bad-span", *[None] * 23]


# --- what is refused ------------------------------------------------------------------------------


def test_files_of_other_kinds(tmp_path: Path):
    (tmp_path / "x.conll").write_bytes(bytes(range(256)) * 20)
    with pytest.raises(DataRefused) as refused:
        tagged.read(tmp_path / "x.conll")
    assert refused.value.code == "unknown-format"
    (tmp_path / "x.conll").unlink()
    (tmp_path / "train.conll").write_text(conll(lambda s, n, w, t: (w, t)))
    (tmp_path / "words.txt").write_text("one\ntwo\n\nthree\n")
    rows = tagged.read(tmp_path)
    assert spans(rows) == SPANS and rows.ignored == ["words.txt"]
    assert [(one.kind, one.names) for one in rows.taken.left] == [("files", ("words.txt",))]


def test_one_row_is_too_few(tmp_path: Path):
    (tmp_path / "one.conll").write_text("Greta B-PER\nleaves O\n")
    with pytest.raises(TenfoldError) as refused:
        prepare(find("token-classification"), tmp_path / "one.conll")
    assert (refused.value.code, refused.value.exit_code) == ("nothing-held-out", 3)


# --- prediction -----------------------------------------------------------------------------------


def test_files_for_prediction_are_read_as_in_training(tmp_path: Path):
    (tmp_path / "plain.txt").write_text("Greta Miller left\nParis waits today\n")
    (tmp_path / "words.txt").write_text("Greta Miller\nHugo Miller\n")
    shapes = {
        "a.conll": conll(lambda s, n, w, t: (n, w, "NN", t)),
        "b.txt": conll(lambda s, n, w, t: (t, w), " "),
        "c.csv": TABLES["first row of each"][1],
        "d.json": json.dumps(OBJECTS["Label Studio"]),
        "e.jsonl": "".join(json.dumps({"tokens": [w for w, _ in x]}) + "\n" for x in SENTENCES),
        "f.conll": "\n".join("".join(f"{w}\n" for w, _ in one) for one in SENTENCES),
        "g.jsonl": "".join(json.dumps({"text": marked(x)[0]}) + "\n" for x in SENTENCES),
    }
    task = find("token-classification")
    texts = [marked(one)[0] for one in SENTENCES]
    for name, text in shapes.items():
        (tmp_path / name).write_text(text)
        reading = tagged.read(tmp_path / name).reading if name in "a.conll b.txt" else AS_FOUND
        (found,) = tables(task.inputs({}), [str(tmp_path / name)], reading)
        assert found["text"].tolist() == texts, name
        words = [[t[a:b] for a, b in p] for t, p in zip(texts, found["places"], strict=True)]
        assert words == [[w for w, _ in one] for one in SENTENCES], name
        assert found["source"].is_unique and found["source"][0].startswith(str(tmp_path / name))
    for name in ("plain.txt", "words.txt"):
        found = pd.concat(tables(task.inputs({}), [str(tmp_path / name), "Hugo left"]))
        assert "places" not in found and found["text"].tolist()[-1] == "Hugo left"
