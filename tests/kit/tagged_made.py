"""Sentences with known spans, written in the forms of tagged files."""

import csv
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tenfold.core.rows import Rows
from tenfold.media.reading import AS_FOUND, Reading
from tenfold.media.text import tag_schemes, tagged

WORDS = ["Greta Hugo Boris Clara Elena".split(), "Paris Lima Quito Osaka".split()]
LONG = [
    [(WORDS[0][n % 5], "B-PER"), ("Miller", "I-PER"), ("left", "O"), (WORDS[1][n % 4], "B-LOC")]
    for n in range(24)
]
SENTENCES = [
    [*one, ("on", "O"), (str(n), "O"), (".", "O")]
    if n % 3
    else [("Now", "O"), one[3], ("waits", "O"), (".", "O")]
    for n, one in enumerate(LONG)
]
SPANS = [
    [("PER", f"{one[0][0]} Miller"), ("LOC", one[3][0])] if len(one) == 7 else [("LOC", one[1][0])]
    for one in SENTENCES
]


def spans(rows: Rows) -> list[list[tuple[str, str]]]:
    """(type, words) of the spans of every usable row."""
    good = rows.table[rows.table["problem"].isna()]
    return [
        [(kind, text[a:b]) for kind, a, b in tag_schemes.spans_of(tags, places)]
        for text, tags, places in zip(good["text"], good["tags"], good["places"], strict=True)
    ]


def conll(row: Callable[[int, int, str, str], tuple[Any, ...]], between: str = "\t") -> str:
    """Lines of all sentences, an empty line between two; `row` gets sentence, token, word, tag."""
    return "\n".join(
        "".join(
            between.join(map(str, row(at, number, word, tag))) + "\n"
            for number, (word, tag) in enumerate(one)
        )
        for at, one in enumerate(SENTENCES)
    )


def table(names: list[str], row: Callable[..., tuple[Any, ...]], separator: str = ",") -> str:
    out = io.StringIO()
    writer = csv.writer(out, delimiter=separator, lineterminator="\n")
    writer.writerow(names)
    for at, one in enumerate(SENTENCES):
        writer.writerows(row(at, n, word, tag) for n, (word, tag) in enumerate(one))
    return out.getvalue()


def read(folder: Path, name: str, text: str, reading: Reading = AS_FOUND, **more: Any) -> Rows:
    (folder / name).write_text(text, encoding=more.pop("encoding", "utf-8"))
    return tagged.read(folder / name, reading, **more)


TABLES = {
    "first row of each": (
        "a.csv",
        table(
            ["Sentence #", "Word", "POS", "Tag"],
            lambda s, n, w, t: ("" if n else f"Sentence: {s}", w, "NN", t),
        ),
    ),
    "each row": (
        "a.csv",
        table(["sentence_id", "words", "labels"], lambda s, n, w, t: (s, w, t)),
    ),
    "semicolons, tag first": (
        "a.csv",
        table(["ner", "token", "sent"], lambda s, n, w, t: (t, w, s), ";"),
    ),
    "tabs, two numbers": (
        "a.tsv",
        table(
            ["doc_id", "sent_id", "token_id", "token", "tag"],
            lambda s, n, w, t: (s // 2, s % 2, n, w, t),
            "\t",
        ),
    ),
    "Chinese names": ("a.csv", table(["句子编号", "词", "标签"], lambda s, n, w, t: (s, w, t))),
    "title and sep": (
        "a.csv",
        "sep=;\n" + table(["Sentence", "Word", "Tag"], lambda s, n, w, t: (s, w, t), ";"),
    ),
    "unknown name of the number": (
        "a.csv",
        table(["nummer", "word", "tag"], lambda s, n, w, t: (s + 1, w, t)),
    ),
    "empty rows between": (
        "a.csv",
        table(["word", "tag"], lambda s, n, w, t: (w, t)).replace(".,O\n", ".,O\n,\n"),
    ),
    "words of a sentence in a cell": (
        "a.csv",
        "id,sentence,tags\n"
        + "".join(
            f'{n},"{" ".join(w for w, _ in one)}",{" ".join(t for _, t in one)}\n'
            for n, one in enumerate(SENTENCES)
        ),
    ),
    "lists in cells": (
        "a.tsv",
        "tokens\tner_tags\n"
        + "".join(f"{[w for w, _ in one]}\t{[t for _, t in one]}\n" for one in SENTENCES),
    ),
}
