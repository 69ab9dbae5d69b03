"""The progress line: erased before other output, cut to the terminal, alive in a long stage."""

import io
import os
import re
import time

import numpy as np
import pytest
import torch
from screens import ERASE, screen, terminal

from tenfold.core import progress, system
from tenfold.core.columns import Columns
from tenfold.core.progress import ProgressLine, Silent, listening, predicting
from tenfold.core.text import padded, width
from tenfold.training.inference import by_torch
from tenfold.verbs import runs as runs_module

LONG = "读取数据与解码图片" * 8


def shown(seen: list[bytes]) -> str:
    return b"".join(seen).decode().replace("\r\n", "\n")


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """All intervals are a hundred times shorter."""
    for name in ("REDRAWN", "BEAT", "PLAIN"):
        monkeypatch.setattr(progress, name, getattr(progress, name) / 100)


@pytest.mark.parametrize("columns", [20, 80])
@pytest.mark.parametrize("stage", ["training " * 20, LONG, "a name\nwith\tcontrols " * 9])
def test_the_line_never_wraps(hurried, columns, stage):
    with terminal(columns) as (stream, seen), ProgressLine(stream) as line:
        for step in range(5):
            time.sleep(0.01)
            line.advance(stage, step, 5, "loss 0.123")
    drawn = [one for one in shown(seen).split(f"\r{ERASE}") if one]
    assert drawn and all(width(one) <= columns - 3 and "\n" not in one for one in drawn)
    assert screen(shown(seen), columns) == [""]  # erased at the end


def test_other_output_begins_on_an_empty_line(hurried):
    with terminal(40) as (stream, seen):
        with pytest.raises(KeyboardInterrupt), ProgressLine(stream) as line:
            for step in range(4):
                time.sleep(0.01)
                line.advance("reading", step, 9)
                with line.cleared():
                    stream.write(f"answer {step}\n")
            line.tell("A sentence.")
            time.sleep(0.01)
            line.advance("reading", 5, 9)
            raise KeyboardInterrupt
        stream.write("Error: Stopped\n")
    assert f"{ERASE}reading" in shown(seen)
    lines = [*(f"answer {step}" for step in range(4)), "A sentence.", "Error: Stopped", ""]
    assert screen(shown(seen), 40) == lines


@pytest.mark.parametrize("columns", [None, 80])
def test_a_long_stage_shows_that_it_goes_on(hurried, columns):
    """Nobody calls `advance` for a while: a line comes all the same, on a pipe too."""
    if columns is None:
        told = io.StringIO()
        with ProgressLine(told) as line:
            line.advance("fitting EASE", 0, 0)
            time.sleep(0.6)
        lines = told.getvalue().splitlines()
        assert 1 <= len(lines) <= 5 and set(lines) == {"fitting EASE"}
        return
    with terminal(columns) as (stream, seen), ProgressLine(stream) as line:
        line.advance("fitting EASE", 0, 0)
        time.sleep(1.2)
    assert re.search(r"fitting EASE 1 s", shown(seen))


def test_without_a_stage_nothing_is_written(hurried):
    told = io.StringIO()
    with ProgressLine(told):
        time.sleep(0.3)
    assert told.getvalue() == ""


def test_short_stages_in_a_row_do_not_hide_each_other(monkeypatch):
    """On a pipe a line comes in time, even where every stage is shorter than the interval."""
    monkeypatch.setattr(progress, "PLAIN", 0.1)
    told = io.StringIO()
    line = ProgressLine(told)
    for stage in range(20):
        line.advance(f"stage {stage}", 0, 0)
        time.sleep(0.02)
        line.advance(f"stage {stage}", 1, 2)
    assert len(told.getvalue().splitlines()) >= 2


def test_time_left_counts_from_where_the_stage_began(monkeypatch):
    """A continued training begins at step 500: the steps before it took no time here."""
    told, now = io.StringIO(), [100.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    line = ProgressLine(told)
    line.advance("training", 500, 1000)
    now[0] += 20
    line.advance("training", 600, 1000)
    assert told.getvalue() == "training  60 % 1 min 20 s left\n"


def test_cells_of_a_table_stay_apart(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("short", "a-very-long-name-of-a-run" * 3, "中文名字的运行", "花卉照片" * 15):
        place = tmp_path / "runs" / name
        place.mkdir(parents=True)
        (place / "plan.json").write_text('{"task": "image-classification"}')
    lines = str(runs_module.runs()).splitlines()[:4]
    assert len(lines) == 4 and all("  image-classification  " in one for one in lines)
    starts = {width(one[: one.index("image-class")]) for one in lines if width(one) < 120}
    assert len(starts) == 1  # wide letters count as two columns
    assert padded("花", 4) == "花  "


WORDS = ["plain/a.png", "my run", "it's", '"', "花卉", "-dash", "$HOME", "~"]


@pytest.mark.skipif(os.name == "nt", reason="a POSIX shell")
@pytest.mark.parametrize("name", WORDS)
def test_a_word_of_a_command_comes_back_from_the_shell(name):
    word = system.shell_word(name)
    told = os.popen(f"printf '%s' {word}").read()
    assert told == (f"./{name}" if name.startswith("-") else name)
    assert word == name or name != "plain/a.png"


@pytest.mark.parametrize(
    ("name", "cmd", "powershell"),
    [
        (r"runs\a-1", r"runs\a-1", r"runs\a-1"),
        (r"C:\my runs\a", r'"C:\my runs\a"', r'"C:\my runs\a"'),
        ("my runs\\", '"my runs\\\\"', '"my runs\\\\"'),
        ("花卉", "花卉", "花卉"),
        ("a&b", '"a&b"', '"a&b"'),
        ("it's", '"it\'s"', '"it\'s"'),
        ("$a's", '"$a\'s"', "'$a''s'"),
    ],
)
def test_a_word_for_windows(name, cmd, powershell):
    assert system._windows_word(name, cmd=True) == cmd
    assert system._windows_word(name, cmd=False) == powershell


class Told(Silent):
    """Collects the reports of progress."""

    def __init__(self) -> None:
        self.found: list[tuple[str, float, float]] = []

    def advance(self, stage: str, done: float, total: float, note: str = "") -> None:
        self.found.append((stage, done, total))


class Twice(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.one = torch.nn.Parameter(torch.ones(()))

    def forward(self, x: torch.Tensor) -> dict[str, torch.Tensor]:
        return {"y": 2 * x * self.one}


def test_batches_are_reported_only_where_a_stage_has_a_name():
    infer, columns = by_torch(Twice(), size=10), Columns({"x": np.arange(25, dtype=np.float32)})
    with listening(told := Told()):
        infer(columns)
        assert not told.found, "a server, or a stage of its own"
        with predicting("torch"):
            infer(columns)
    assert told.found == [("torch", 1, 3), ("torch", 2, 3), ("torch", 3, 3)]
