"""Random tables in random dialects, with known content, for hypothesis."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

WORDS = {
    "latin": "good bad soup table waiter cold fresh rude price bill again never".split(),
    "accented": "café naïve groß schön más niño été façade übel året".split(),
    "chinese": "好吃 难吃 服务 态度 很 不错 非常 推荐 下次 再来".split(),
    "cyrillic": "хороший суп ужасно грубо отлично вкусно меню столик".split(),
}
SIGNS = [", ", "; ", ". ", " - ", "! ", "? ", ' "so" ', " | "]
USUAL = ["text", "label", "title", "category", "comment", "sentiment"]
OWN = ["spalte", "wert", "remark", "kind of", "nummer", "nota", "结果", "Datum 2", "q1", "x_1"]


@dataclass(frozen=True)
class Written:
    """A table, how it is written, and the bytes of its file."""

    names: list[str]
    rows: list[list[str]]
    header: bool
    separator: str
    name: str
    data: bytes


def _texts(draw: Any, script: str) -> str:
    words = draw(st.lists(st.sampled_from(WORDS[script]), min_size=2, max_size=9))
    signs = draw(
        st.lists(st.sampled_from([" "] * 6 + SIGNS), min_size=len(words), max_size=len(words))
    )
    text = "".join(word + sign for word, sign in zip(words, signs, strict=True)).strip()
    return text + draw(st.sampled_from(["", "", "", "\nand more", "\n\nend"]))


def _column(draw: Any, kind: str, rows: int, script: str, comma: bool) -> list[str]:
    if kind == "text":
        return [_texts(draw, script) for _ in range(rows)]
    if kind == "label":
        classes = draw(
            st.lists(st.sampled_from(WORDS[script]), min_size=2, max_size=3, unique=True)
        )
        return [classes[at % len(classes)] for at in draw(st.permutations(range(rows)))]
    if kind == "number":
        told = draw(st.lists(st.integers(-9999, 9999), min_size=rows, max_size=rows))
        return [f"{one / 10:.1f}".replace(".", "," if comma else ".") for one in told]
    if kind == "id":
        return [f"{one:05d}" for one in draw(st.permutations(range(rows)))]
    days = draw(st.lists(st.integers(1, 28), min_size=rows, max_size=rows))
    return [f"2024-03-{day:02d}" for day in days]


@st.composite
def tables(draw: Any) -> Written:
    """Draws a table of 6 to 30 rows and 1 to 5 columns, and writes it in a random dialect."""
    script = draw(st.sampled_from(sorted(WORDS)))
    separator = draw(st.sampled_from([",", ";", "\t", "|"]))
    comma = separator == ";" and draw(st.booleans())
    rows = draw(st.integers(6, 30))
    more = draw(st.lists(st.sampled_from(["number", "id", "date", "label", "text"]), max_size=3))
    kinds = list(draw(st.permutations(["text", "label", *more])))
    columns = [_column(draw, kind, rows, script, comma) for kind in kinds]
    usual = draw(st.booleans())
    names = draw(
        st.lists(
            st.sampled_from(USUAL if usual else OWN),
            min_size=len(kinds),
            max_size=len(kinds),
            unique=True,
        )
    )
    header = draw(st.booleans())
    quoting = draw(st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]))
    end = draw(st.sampled_from(["\n", "\r\n"]))
    held = [list(row) for row in zip(*columns, strict=True)]
    out = io.StringIO()
    above = draw(
        st.sampled_from(["", "", "", f"Survey of May{end}", f"Survey{separator}{end}{end}"])
    )
    above = above if header and usual else ""
    out.write(draw(st.sampled_from(["", "", f"sep={separator}{end}"])) or above)
    writer = csv.writer(out, delimiter=separator, quoting=quoting, lineterminator=end)
    writer.writerows(([names] if header else []) + held)
    text = out.getvalue()
    text = text if draw(st.booleans()) else text.removesuffix(end)
    encodings = ["utf-8", "utf-8", "utf-8-sig", "utf-16"]
    encodings += {"chinese": ["gb18030"], "accented": ["cp1252"], "cyrillic": ["cp1251"]}.get(
        script, []
    )
    if any(sign > "\u3040" for name in names for sign in name) and script != "chinese":
        encodings = encodings[:4]
    encoding = draw(st.sampled_from(encodings))
    suffix = draw(st.sampled_from([".csv", ".csv", ".txt", ".dat"]))
    if separator == "\t" and draw(st.booleans()):
        suffix = ".tsv"
    return Written(names, held, header, separator, f"table{suffix}", text.encode(encoding))
