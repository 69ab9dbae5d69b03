"""Tags in brackets: OntoNotes and plain columns become BIO, what cannot be used is named."""

from pathlib import Path

import pytest

from tenfold.media.reading import Reading
from tenfold.media.text import tagged
from tenfold.media.text.tags.asked import tokens_in

ONTONOTES = """#begin document (nw/made/00/made_0000); part 000
nw/made/00/made_0000 0 0   Last  JJ (TOP(S(NP*  -    - - -  (DATE*     *   (ARG0*   -
nw/made/00/made_0000 0 1   week  NN       *)    -    - - -       *)    *       *)   -
nw/made/00/made_0000 0 2   Anna NNP     (NP*    -    - - -  (PERSON*   *       *    (3
nw/made/00/made_0000 0 3   Bell NNP       *)    -    - - -       *)    *       *    3)
nw/made/00/made_0000 0 4    saw VBD     (VP*    see 01 - -       *    (V*)     *    -
nw/made/00/made_0000 0 5  Paris NNP (NP*)))) -    - - -    (GPE)  (ARG1*)  (V*)    -

nw/made/00/made_0000 0 0    Bob NNP (TOP(S*     -    - - -  (PERSON)  (3)
nw/made/00/made_0000 0 1      .   .       *))   -    - - -       *     -

#end document
"""
BIO = [
    ("B-DATE", "I-DATE", "B-PERSON", "I-PERSON", "O", "B-GPE"),
    ("B-PERSON", "O"),
]


def columns(*sentences: str) -> str:
    """Sentences of `word/tag` as lines of a word, a part of speech and a tag."""
    lines = (one.replace("/", " NN ").replace(" ; ", "\n") + "\n" for one in sentences)
    return "\n".join(lines)


GOOD = "Anna/(PER* ; Bell/*) ; saw/* ; Paris/(LOC)"
OPEN = "in/* ; the/(LOC* ; summer/*"
NESTED = "Bank/(ORG* ; of/* ; China/(LOC) ; ./*)"


def read(path: Path, text: str, **roles: str):
    path.write_text(text)
    return tagged.read(path, Reading(**roles)).table


@pytest.mark.parametrize("name", ["a.v4_gold_conll", "a.txt"])
def test_the_entities_of_ontonotes_become_bio(tmp_path: Path, name: str):
    table = read(tmp_path / name, ONTONOTES)
    assert table["tags"].tolist() == BIO
    assert table["text"][0] == "Last week Anna Bell saw Paris"
    assert table["source"].tolist() == [f"{name}:2", f"{name}:9"]
    assert read(tmp_path / name, ONTONOTES, target="pos")["tags"][1] == ("NNP", ".")
    asked = tokens_in(tmp_path / name, Reading())
    assert asked is not None and asked["text"].tolist() == table["text"].tolist()


def test_a_syntax_of_nested_brackets_is_refused_by_name(tmp_path: Path):
    table = read(tmp_path / "a.conll", ONTONOTES, target="parse")
    assert [one.code for one in table["problem"]] == ["nested-spans"] * 2
    assert "line 2" in str(table["problem"][0].reason)


@pytest.mark.parametrize("between", [" ", "\t"])
def test_plain_columns_with_brackets(tmp_path: Path, between: str):
    text = columns(*[GOOD] * 40, OPEN, NESTED, "x/*) ; y/*", "x/(A)) ; y/*").replace(" ", between)
    table = read(tmp_path / "a.conll", text)
    assert table["tags"].tolist()[:40] == [("B-PER", "I-PER", "O", "B-LOC")] * 40
    codes = [one.code for one in table["problem"][40:]]
    assert codes == ["odd-tag", "nested-spans", "odd-tag", "odd-tag"]
    assert [one.source.rsplit(":")[-1] for one in table.iloc[40:42].itertuples()] == ["201", "205"]


def test_words_with_brackets_are_no_tags(tmp_path: Path):
    words = "smile/B-X ; :)/I-X ; (/O ; */O ; (a)/O"
    assert read(tmp_path / "a.conll", columns(*[words] * 3))["tags"][0][:2] == ("B-X", "I-X")
