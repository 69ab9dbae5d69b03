"""Tables as they should not be: what is refused, what is left out, and what is still learnt."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from tenfold.core.errors import TenfoldError
from tenfold.media.reading import Reading
from tenfold.media.tables import read

HEAD = ["size", "noise", "colour", "ok"]
COLOURS = ("red", "blue", "green")
LINES = [
    [f"{at % 17}.{at % 9 + 1}", f"{at * 7 % 23}.5", COLOURS[at % 3], "yes" if at % 17 > 8 else "no"]
    for at in range(60)
]


def table(lines: list[list[str]], header: list[str] = HEAD, separator: str = ",") -> str:
    return "\n".join(separator.join(one) for one in [header, *lines]) + "\n"


def changed(changes: dict[int, list[str]]) -> str:
    return table([changes.get(at, one) for at, one in enumerate(LINES)])


def with_cells(cells: list[str], place: int = 0) -> str:
    own = [[*one[:place], cell, *one[place + 1 :]] for one, cell in zip(LINES, cells, strict=False)]
    return table(own + LINES[len(own) :])


def column(name: str, cells: Any) -> str:
    return table([[*one, str(cells(at))] for at, one in enumerate(LINES)], [*HEAD, name])


UNFINISHED = changed({5: ["1.5", "2.5", '"red', "yes"]})

REFUSED = [
    ("", "ok", "empty-file"),
    (table([]), "ok", "bad-manifest"),
    (table(LINES), "okk", "missing-column"),
    (table(LINES), "", "missing-target"),
    (table([[*one[:3], ""] for one in LINES]), "ok", "no-labels"),
    (table([[*one[:3], "no"] for one in LINES]), "ok", "bad-target"),
    (column("code", lambda at: f"A-{at:05}"), "code", "bad-target"),
    (column("number", lambda at: at), "number", "bad-target"),
    (table(LINES, ["size", "ok", "colour", "ok"]), "ok", "two-readings"),
    (table([[one[3]] for one in LINES], ["ok"]), "ok", "no-columns"),
    (table(LINES[:1]), "ok", "bad-manifest"),
]


@pytest.mark.parametrize(("text", "target", "code"), REFUSED)
def test_a_table_that_cannot_be_learnt_is_refused_with_its_place(text, target, code, tmp_path):
    path = tmp_path / "bad.csv"
    path.write_text(text, "utf-8")
    with pytest.raises(TenfoldError) as refused:
        read.read(path, Reading(target=target))
    error = refused.value
    assert error.code == code and error.fix and error.exit_code in (2, 3)
    assert error.where in ("bad.csv", target)


USED = [
    ("not finite or missing", with_cells("NaN inf 1e400 N/A -inf null".split()), 0, 60),
    ("an empty and a constant column", column("void", lambda _: ""), 0, 60),
    ("two columns of one name", table(LINES, ["size", "size", "colour", "ok"]), 0, 60),
    ("the header again", changed({30: HEAD}), 0, 59),
    ("words among numbers", with_cells(["tall"] * 20), 0, 60),
    ("short and long lines", changed({9: ["1", "2"], 19: [*LINES[19], "x", "y"]}),
     2, 60),
    ("NUL", changed({9: ["1", "2", "re\0d", "no"]}), 1, 60),
    ("an open quote", UNFINISHED, 1, 60),
    ("another separator", table(LINES, separator=";"), 0, 60),
]  # fmt: skip


@pytest.mark.parametrize(("text", "problems", "rows"), [one[1:] for one in USED],
                         ids=[one[0] for one in USED])  # fmt: skip
def test_the_rest_of_a_bad_table_is_learnt(text, problems, rows, tmp_path):
    path = tmp_path / "bad.csv"
    path.write_text(text, "utf-8")
    found = read.read(path, Reading(target="ok")).table
    bad = [one for one in found["problem"] if one is not None]
    assert len(bad) == problems
    assert len(found) == rows and all(one.fix for one in bad)
    assert {*found["label"][found["problem"].isna()]} == {"yes", "no"}


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "gb18030"])
def test_encodings_and_chinese_names(encoding, tmp_path):
    path = tmp_path / "表.csv"
    header = ["尺寸", "噪声", "颜色", "合格"]
    path.write_text(table([[*one[:3], "是" if one[3] == "yes" else "否"] for one in LINES], header),
                    encoding)  # fmt: skip
    found = read.read(path, Reading(target="合格"))
    assert {*found.table["label"]} == {"是", "否"} and len(found.table) == 60
    names = [one["name"] for one in found.reading.found["schema"]["columns"]]
    assert names == header[:3]


def test_nested_columns_are_laid_out_flat(tmp_path):
    pytest.importorskip("pyarrow")
    frame = pd.DataFrame(LINES, columns=HEAD)
    frame["nest"] = [{"x": float(at), "y": {"z": at % 4}} for at in range(len(frame))]
    frame["many"] = [[1, 2]] * len(frame)
    frame.to_parquet(tmp_path / "nested.parquet")
    found = read.read(tmp_path / "nested.parquet", Reading(target="ok"))
    names = [one["name"] for one in found.reading.found["schema"]["columns"]]
    assert names == [*HEAD[:3], "nest.y.z"] and len(found.table) == 60  # nest.x numbers the rows


def test_a_test_table_without_a_column_and_with_other_values(tmp_path):
    (tmp_path / "train.csv").write_text(table(LINES))
    short = [[one[0], "purple", one[3]] for one in LINES[:20]]
    (tmp_path / "test.csv").write_text(table(short, ["size", "colour", "ok"]))
    found = read.read(tmp_path, Reading(target="ok"))
    tested = found.table[found.table["split"] == "test"]
    assert len(tested) == 20
    assert all(row.values[1] != row.values[1] and row.values[2] == "purple"
               for row in tested["row"])  # fmt: skip


def test_an_empty_folder_holds_no_table(tmp_path: Path):
    with pytest.raises(TenfoldError) as refused:
        read.read(tmp_path, Reading(target="ok"))
    assert refused.value.code == "no-files" and refused.value.fix
