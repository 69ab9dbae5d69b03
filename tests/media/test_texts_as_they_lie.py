"""Tables, lines and folders of texts as people have them: read right, or asked back."""

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from tenfold.core.errors import TenfoldError
from tenfold.core.rows import Rows
from tenfold.data.inputs import tables
from tenfold.media.input import Input
from tenfold.media.reading import AS_FOUND, Reading, of_settings
from tenfold.media.text import labelled
from tenfold.media.text.medium import TEXT

GOOD = "the soup was warm and fresh|a friendly waiter and fine bread|tasty food, quick and kind"
BAD = "the soup was cold and stale|a rude waiter and dry bread|bland food, slow and dull"
TEXTS = [
    (f"{text} number {row}", label)
    for row in range(20)
    for texts, label in ((GOOD, "pos"), (BAD, "neg"))
    for text in [texts.split("|")[row % 3]]
]


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def read(path: Path, content: str, **given: str) -> Rows:
    return labelled.read(write(path, content), of_settings(given, TEXT.roles)[0])


def pairs(rows: Rows) -> list[tuple[str, str]]:
    assert rows.table["problem"].isna().all()
    return list(zip(rows.table["text"], rows.table["label"], strict=True))


def table(columns: list[str], rows: list[list[object]]) -> str:
    lines = [columns, *rows]
    return "".join(",".join(f'"{cell}"' for cell in line) + "\n" for line in lines)


def code(path: Path, content: str, **given: str) -> tuple[str, int]:
    with pytest.raises(TenfoldError) as refused:
        read(path, content, **given)
    assert len(str(refused.value.message)) < 600
    return refused.value.code, refused.value.exit_code


# --- columns ---


def test_the_label_column_has_a_name_of_its_own(tmp_path: Path):
    mail = table(
        ["From", "Lang", "Urgent", "Body", "Department"],
        [[f"u{n}@x.org", "en", "ny"[n % 2], text, label] for n, (text, label) in enumerate(TEXTS)],
    )
    tweets = table(
        ["id", "airline_sentiment", "airline_sentiment_gold", "airline", "text"],
        [[7000 + n, label, "", "AB"[n % 2], text] for n, (text, label) in enumerate(TEXTS)],
    )
    outcome = table(
        ["review_text", "country", "outcome"],
        [[text, ["DE", "FR", "US"][n % 3], label] for n, (text, label) in enumerate(TEXTS)],
    )
    german = table(
        ["Kommentar", "Sprache", "status"],
        [[text, "de" if n % 3 else "en", label] for n, (text, label) in enumerate(TEXTS)],
    )
    failed = []
    for content, column, also in (
        (mail, "Department", "Urgent"),
        (tweets, "airline_sentiment", "airline"),
        (outcome, "outcome", "country"),
        (german, "status", "Sprache"),
    ):
        rows = read(tmp_path / "a.csv", content)
        (answer,) = [one for one in rows.taken.roles if one.role == "answer"]
        said = (rows.reading.found["target"], pairs(rows) == TEXTS, also in answer.source)
        if said != (column, True, True) or answer.flag != "--target":
            failed.append((column, said))
    assert failed == []


def test_given_columns_are_taken(tmp_path: Path):
    rows = [[text, f"title {n}", label, "xyz"[n % 3], n % 2, f"2024-01-{n % 28 + 1:02d}", "train",
             f"p{n % 5}"] for n, (text, label) in enumerate(TEXTS)]  # fmt: skip
    names = ["text", "head", "label", "site", "heavy", "day", "where", "who"]
    given = {
        "text": "text,head",
        "target": "site",
        "weight": "heavy",
        "time": "day",
        "split": "where",
        "group": "who",
    }
    found = read(tmp_path / "a.csv", table(names, rows), **given).table
    first = found.iloc[1]
    assert first["text"] == f"{TEXTS[1][0]}\ntitle 1" and first["label"] == "y"
    assert (first["weight"], first["group"], first["split"]) == (1.0, "p1", "train")
    assert first["time"] > 1.7e9
    for role, column in (("target", "site"), ("text", "head")):
        missing = {**given, role: f"{column}s"}
        assert code(tmp_path / "a.csv", table(names, rows), **missing) == ("missing-column", 2)


def test_a_column_that_could_be_label_or_text_is_asked_back(tmp_path: Path):
    rows = [[["new", "old", "odd"][n % 3], f"the answer {n % 4}"] for n in range(60)]
    asked = ("two-readings", 2)
    plain = "".join("\t".join(row) + "\n" for row in rows)
    assert code(tmp_path / "a.tsv", plain) == asked
    assert code(tmp_path / "a.csv", table(["eins", "zwei"], rows)) == asked
    assert code(tmp_path / "a.csv", table(["head", "title"], rows)) == asked
    given = read(tmp_path / "a.csv", table(["eins", "zwei"], rows), target="eins", text="zwei")
    assert given.table["label"].nunique() == 3 and given.table["text"].nunique() == 4


def test_the_part_stands_in_a_column_of_any_name(tmp_path: Path):
    parts = ["Train", "Val", "Test"]
    columns = {
        "set": [parts[n % 3] for n in range(40)],
        "welcher": [["training", "validation", "test set"][n % 3] for n in range(40)],
        "is_valid": [str(n % 3 == 1) for n in range(40)],
        "fold": [n % 5 for n in range(40)],
        "kfold": [n % 5 + 1 for n in range(40)],
    }
    failed = []
    for name, cells in columns.items():
        rows = [[text, label, cells[n]] for n, (text, label) in enumerate(TEXTS)]
        found = read(tmp_path / "a.csv", table(["text", "label", name], rows))
        split = found.table["split"].tolist()
        part = {"set": "test", "welcher": "test", "is_valid": "valid"}.get(name, "test")
        wanted = {str(cells[n]) for n in range(40) if split[n] == part}
        last = {"set": "Test", "welcher": "test set", "is_valid": "True", "fold": "4"}
        if wanted != {last.get(name, "5")} or pairs(found) != TEXTS:
            failed.append((name, wanted))
    assert failed == []


def test_labels_with_a_colon_stay(tmp_path: Path):
    labels = ["http:200", "http:404", "db:timeout"]
    rows = [[text, labels[n % 3]] for n, (text, _) in enumerate(TEXTS)]
    assert set(read(tmp_path / "a.csv", table(["text", "label"], rows)).table["label"]) == {*labels}
    tabs = "text\tlabel\n" + "".join("\t".join(row) + "\n" for row in rows)
    assert set(read(tmp_path / "a.tsv", tabs).table["label"]) == {*labels}
    objects = "".join(json.dumps({"text": a, "label": b}) + "\n" for a, b in rows)
    assert set(read(tmp_path / "a.jsonl", objects).table["label"]) == {*labels}
    lines = "".join(f"{'HUM:ind' if n % 2 else 'LOC:city'} {a}\n" for n, (a, _) in enumerate(rows))
    fine = lines.replace("HUM:ind the", "HUM:gr the")
    assert set(read(tmp_path / "a.label", fine).table["label"]) == {"HUM", "LOC"}


def test_a_part_without_labels_is_not_scored(tmp_path: Path):
    place = ["NYC", "Paris"]
    train = [[n, place[n % 2], text, label] for n, (text, label) in enumerate(TEXTS)]
    test = [[n, place[n % 2], f"again {text}"] for n, (text, _) in enumerate(TEXTS)]
    forms = {"a": test, "b": [[*row, ""] for row in test]}
    for name, rows in forms.items():
        columns = ["id", "location", "text", *(["target"] if name == "b" else [])]
        write(tmp_path / name / "train.csv", table(["id", "location", "text", "target"], train))
        write(tmp_path / name / "test.csv", table(columns, rows))
        write(tmp_path / name / "sample_submission.csv", "id,target\n0,0\n1,0\n")
        found = labelled.read(tmp_path / name)
        assert pairs(found) == TEXTS and set(found.table["split"]) == {"train"}, name
        assert len(found.ignored) == 41 and any("test" in note for note in found.taken.notes)
    rows = [[*row[2:], "train"] for row in train] + [[row[2], "", "test"] for row in test]
    found = read(tmp_path / "c.csv", table(["text", "label", "split"], rows))
    assert pairs(found) == TEXTS and [one.count for one in found.taken.left] == [40]


# --- several answers, objects, exports ---

TAGS = [sorted({"abcd"[n % 4], "abcd"[n // 4 % 4]}) for n in range(40)]


def test_several_answers_a_row(tmp_path: Path):
    texts = [text for text, _ in TEXTS]
    hot = [[text, *(int(tag in row) for tag in "abcd")]
           for text, row in zip(texts, TAGS, strict=True)]  # fmt: skip
    contents = {
        "one-hot": table(["text", *"abcd"], hot),
        **{
            sign: table(
                ["text", "tags"], [[a, sign.join(b)] for a, b in zip(texts, TAGS, strict=True)]
            )
            for sign in ("|", ";", ", ", " ")
        },
        "list": table(["text", "tags"], [[a, str(b)] for a, b in zip(texts, TAGS, strict=True)]),
    }
    failed = [
        name
        for name, content in contents.items()
        if read(tmp_path / "a.csv", content).table.get("labels", pd.Series()).tolist()
        != [tuple(row) for row in TAGS]
    ]
    objects = "".join(
        json.dumps({"text": a, "cats": {tag: float(tag in b) for tag in "abcd"}}) + "\n"
        for a, b in zip(texts, TAGS, strict=True)
    )
    found = read(tmp_path / "a.jsonl", objects)
    assert failed == [] and found.table["labels"].tolist() == [tuple(row) for row in TAGS]
    again = labelled.read(write(tmp_path / "b.csv", "text,cats\nsome text,a\nmore,b\n"),
                          found.reading)  # fmt: skip
    assert again.table["labels"].tolist() == [("a",), ("b",)]


def test_an_object_is_never_a_class(tmp_path: Path):
    cells = [{"name": "pos"}, {"a": 0.3, "b": 0.7}, [{"label": "pos"}], {"0": "pos", "1": "neg"}]
    failed = [
        cell
        for cell in cells
        if code(
            tmp_path / "a.jsonl",
            "".join(json.dumps({"text": text, "label": cell}) + "\n" for text, _ in TEXTS),
        )
        != ("nested-cell", 3)
    ]
    assert failed == []
    odd = [json.dumps({"text": a, "label": b}) for a, b in TEXTS] + ['{"text": "x", "label": {}}']
    table = read(tmp_path / "a.jsonl", "\n".join(odd)).table
    assert table["label"].tolist()[:40] == [label for _, label in TEXTS]


def studio(text: str, label: str, cancelled: bool = False) -> dict:
    result = {"from_name": "mood", "type": "choices", "value": {"choices": [label]}}
    return {
        "id": 1,
        "data": {"text": text},
        "annotations": [{"was_cancelled": cancelled, "result": [result]}],
        "project": 1,
    }


def test_exports_of_annotation_tools(tmp_path: Path):
    nested = [studio(*pair) for pair in TEXTS] + [studio("not this one", "pos", cancelled=True)]
    prodigy = [{"text": a, "options": [{"id": "pos"}], "accept": [b], "answer": "accept"}
               for a, b in TEXTS] + [{"text": "x", "accept": [], "answer": "reject"}]  # fmt: skip
    binary = [{"text": a, "label": b, "answer": "accept"} for a, b in TEXTS] + [
        {"text": "x", "label": "pos", "answer": "ignore"}
    ]
    doccano = [{"id": n, "text": a, "label": [b], "Comments": []} for n, (a, b) in enumerate(TEXTS)]
    older = [{"text": a, "annotations": [{"label": b, "user": 1}]} for a, b in TEXTS]
    cats = [{"text": a, "cats": {"pos": float(b == "pos"), "neg": float(b == "neg")}}
            for a, b in TEXTS]  # fmt: skip
    failed = []
    for name, rows in {
        "studio": nested,
        "prodigy": prodigy,
        "binary": binary,
        "doccano": doccano,
        "older": older,
        "cats": cats,
        "spaCy pairs": [[one["text"], {"cats": one["cats"], "entities": []}] for one in cats],
        "spaCy documents": [
            {
                "id": n,
                "paragraphs": [{"raw": one["text"], "cats": listed_cats(one), "sentences": []}],
            }
            for n, one in enumerate(cats)
        ],
    }.items():
        found = read(tmp_path / "a.json", json.dumps(rows))
        left = sum(one.count for one in found.taken.left if one.kind == "rows")
        if pairs(found) != TEXTS or left != len(rows) - 40:
            failed.append((name, left))
    assert failed == []


def listed_cats(one: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"label": label, "value": value} for label, value in one["cats"].items()]


# --- lines ---


def test_fasttext_lines(tmp_path: Path):
    forms = {
        "space": "__label__{1} {0}\n",
        "tab": "__label__{1}\t{0}\n",
        "before": "  __label__{1} {0}\n",
        "after": "{0} __label__{1}\n",
        "wide": "{0}\u3000__label__{1}\n",
    }
    failed = [
        name
        for name, form in forms.items()
        if pairs(read(tmp_path / "a.txt", "".join(form.format(*pair) for pair in TEXTS))) != TEXTS
    ]
    later = "".join(f"__label__{b} {a} __label__x\n" if b == "neg" else f"__label__{b} {a}\n"
                    for a, b in TEXTS)  # fmt: skip
    found = read(tmp_path / "a.txt", later).table
    assert failed == [] and set(found["labels"]) == {("pos",), ("neg", "x")}
    assert found["text"].tolist() == [text for text, _ in TEXTS]


def test_a_first_word_is_a_label_only_where_the_lines_show_it(tmp_path: Path):
    assert pairs(read(tmp_path / "a.txt", "".join(f"{b} {a}\n" for a, b in TEXTS))) == TEXTS
    numbers = "".join(f"{int(b == 'pos')}   {a}\n" for a, b in TEXTS)
    assert pairs(read(tmp_path / "a.txt", numbers)) == [(a, str(int(b == "pos"))) for a, b in TEXTS]
    refused = {
        "last word": "".join(f"{a} {b}\n" for a, b in TEXTS),
        "sentences": "".join(
            f"{'The' if n % 2 else 'A'} man saw the dog and a cat {n}\n" for n in range(40)
        ),
        "arrows": "".join(f"{a.replace(',', '')} -> {b}\n" for a, b in TEXTS[:4]),
        "one label": "".join(f"pos {a.replace(',', '')}\n" for a, b in TEXTS),
    }
    found = {}
    for name, content in refused.items():
        try:
            read(tmp_path / "a.txt", content.replace(",", ""))
        except TenfoldError as error:
            found[name] = (error.code, error.exit_code)
    assert found == dict.fromkeys(["sentences", "arrows", "one label"], ("no-labels", 3)) | {
        "last word": ("no-labels", 3)
    }


def test_folders_of_texts_without_labels_are_no_classes(tmp_path: Path):
    for name in ("unsup", "unlabelled", "train_unlabeled"):
        root = tmp_path / name
        for part in ("train", "test"):
            for number, (text, label) in enumerate(TEXTS):
                write(root / part / label / f"{number}.txt", f"{part} {text}")
            write(root / part / "urls_pos.txt", "http://x.org\n")
            write(root / part / "labeledBow.feat", "9 0:9\n")
        write(root / "train" / name / "1.txt", "no one said")
        write(root / "words.vocab", "the\na\n")
        found = labelled.read(root)
        assert set(found.table["label"]) == {"pos", "neg"} and len(found.table) == 80
        assert len(found.ignored) == 6
        (rows,) = [one for one in found.taken.left if one.kind == "rows"]
        assert (rows.names, rows.count) == ((name,), 1)


# --- prediction ---


def asked(path: Path, content: str, reading: Reading = AS_FOUND) -> list[str]:
    (found,) = tables({"text": Input("text")}, str(write(path, content)), reading)
    return found["text"].tolist()


def test_prediction_reads_as_learning_did(tmp_path: Path):
    texts = [text for text, _ in TEXTS]
    plain = "".join(f"{text}\n" for text in texts)
    first = "".join(f"{b} {a}\n" for a, b in TEXTS)
    fast = "".join(f"{a} __label__{b}\n" for a, b in TEXTS)
    tabs = "".join(f"{b}\t{a}\n" for a, b in TEXTS)
    wide = table(["Lang", "Body", "Kind"], [["en" if n % 2 else "de", a, b]
                 for n, (a, b) in enumerate(TEXTS)])  # fmt: skip
    more = table(["text", "Body"], [[f"other {n}", a] for n, (a, _) in enumerate(TEXTS)])
    failed = []
    for name, learnt, new in (
        ("a.txt", first, plain),
        ("a.txt", first, first),
        ("a.txt", fast, plain),
        ("a.txt", fast, fast),
        ("a.txt", tabs, tabs),
        ("a.txt", tabs, plain.replace(",", "")),
        ("a.csv", wide, wide),
        ("a.csv", wide, more),
    ):
        reading = read(tmp_path / name, learnt).reading
        again = Reading.of_json(json.loads(json.dumps(reading.to_json())))
        said = asked(tmp_path / f"new{name}", new, again)
        if [text.replace(",", "") for text in said] != [text.replace(",", "") for text in texts]:
            failed.append((name, learnt[:30], new[:30], said[:2]))
    assert failed == []
    reading = read(tmp_path / "a.csv", wide).reading
    (frame,) = tables({"text": Input("text")}, pd.DataFrame({"Body": texts}), reading)
    assert frame["text"].tolist() == texts
    assert asked(tmp_path / "new.txt", plain, reading) == [plain]
