"""What a reader took from the data and what it left: in `check`, in the run and in its report."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import tenfold
from tenfold.core.language import speaking
from tenfold.core.message import Message
from tenfold.core.taken import Taken
from tenfold.tasks.registry import class_of

TASK = "text-classification"
TEXTS = ["a fine day", "<b>rain</b> again", "a nice walk"]


@pytest.fixture
def data(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    cls = class_of(TASK)
    read = cls.read

    def stating(self: Any, *given: Any) -> Any:
        rows = read(self, *given)
        rows.taken.roles.clear()
        rows.taken.role("input", Message("column {column!r}", column="text"), "--text", TEXTS)
        rows.taken.role("part", Message("as given"))
        rows.taken.leave("columns", ["id", "url"], why=Message("no label"))
        rows.taken.note(Message("Split: {split}.", split="x"))
        return rows

    monkeypatch.setattr(cls, "read", stating)
    rows = [(f"{('great', 'awful')[n % 2]} thing {n}", ("good", "bad")[n % 2]) for n in range(80)]
    path = tmp_path / "texts.csv"
    pd.DataFrame(rows, columns=["text", "label"]).to_csv(path, index=False)
    return path


def plain(page: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", page))


def test_check_states_what_was_read(data: Path, tmp_path: Path):
    found = tenfold.check(TASK, data, out=tmp_path / "check.html")
    taken = found.to_json()["taken"]
    assert taken["roles"][0] == {
        "role": "input",
        "source": "column 'text'",
        "flag": "--text",
        "examples": TEXTS,
    }
    assert taken["left"] == [{"kind": "columns", "names": ["id", "url"], "count": 2,
                              "why": "no label"}]  # fmt: skip
    stored = json.loads((tmp_path / "check.json").read_text("utf-8"))
    assert stored["taken"] == taken
    for part in ("column 'text'", "--text", "a fine day", "id, url"):
        assert part in str(found)
    page = (tmp_path / "check.html").read_text("utf-8")
    text = plain(page)
    for part in ("Columns and folders", "--text", "a nice walk", "2 columns", "Split: x."):
        assert part in text, part
    assert "<b>rain</b>" not in page


def test_a_run_keeps_it_for_its_report_and_an_export_does_not(data: Path, tmp_path: Path):
    settings = {"model": "naive-bayes", "device": "cpu"}
    run = tenfold.train(TASK, data, out=tmp_path / "run", **settings)
    assert "a nice walk" in plain((run.folder / "report.html").read_text("utf-8"))
    data.unlink()  # the report needs no data
    tenfold.report(run.folder, lang="zh", out=tmp_path / "zh.html")
    text = plain((tmp_path / "zh.html").read_text("utf-8"))
    for part in ("列与文件夹", "输入", "a nice walk", "未使用", "2 个列"):
        assert part in text, part
    (old := tmp_path / "old").mkdir()
    scores = {name: one for name, one in run.scores.items() if name not in ("taken", "by")}
    older = tenfold.open_run(run.folder)
    older.scores = scores
    from tenfold.reporting import write

    assert "Columns and folders" not in write(older, None, old / "page.html").read_text("utf-8")


def test_a_line_is_said_in_chinese():
    taken = Taken()
    taken.role("input", "x", "--text")
    taken.leave("files", ["a"])
    with speaking("zh"):
        from tenfold.core.message import translate

        assert translate(taken.line()) == "读取：输入：x（--text）。未使用：1 个文件（a）。"
