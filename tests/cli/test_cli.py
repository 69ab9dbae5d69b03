"""The command line as a person and a program meet it: help, streams, signals, pipes, the way in."""

import importlib
import inspect
import json
import os
import re
import shlex
import signal
import subprocess
import sys
import sysconfig
from pathlib import Path

import numpy as np
import pytest
from commands import QUICK, Running, tenfold
from commands import home as home
from pictures_made import TASK
from PIL import Image
from screens import ERASE, screen

import tenfold as api
from tenfold.core.errors import DataRefused

VERBS = sorted(path.stem for path in (Path(api.__file__).parent / "verbs").glob("[a-z]*.py"))


# --- help -----------------------------------------------------------------------------------------


def test_without_words_and_with_help_every_verb_is_listed(tmp_path):
    for words in ([], ["--help"], ["-h"]):
        done = tenfold(*words, cwd=tmp_path)
        assert done.code == 0 and all(re.search(rf"^  {verb} ", done.out, re.M) for verb in VERBS)
    assert tenfold("--version", cwd=tmp_path).out.strip().endswith(api.__version__)


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_helps_with_an_example_and_all_its_flags(verb, tmp_path):
    done = tenfold(verb, "--help", cwd=tmp_path)
    assert done.code == 0 and not done.err
    assert re.search(rf"^\s*Example:\s+tenfold {verb}\b", done.out, re.M)
    function = getattr(importlib.import_module(f"tenfold.verbs.{verb}"), verb)
    for entry in inspect.signature(function).parameters.values():
        if entry.kind is entry.KEYWORD_ONLY:
            flag = f"--{entry.name.replace('_', '-')}"
            assert re.search(rf"^  {flag}\b.*\n?.*\w{{3}}", done.out, re.M), flag
        elif entry.kind is not entry.VAR_KEYWORD:
            assert entry.name.upper() in done.out.split("\n")[0]
    assert all(flag in done.out for flag in ("--json", "--debug", "--quiet", "--help"))


def test_help_of_a_kind_shows_its_settings(home):
    plain = tenfold("train", "--help", cwd=home)
    assert "--network" not in plain.out and "adds its own settings" in plain.out
    for words in (["train", TASK, "--help"], ["train", "--seed", "3", TASK, "--help"]):
        done = tenfold(*words, cwd=home)
        assert "--network" in done.out and "[default: fast]" in " ".join(done.out.split())
        assert "adds its own settings" not in done.out
    assert "--top" in tenfold("predict", "run", "--help", cwd=home).out


# --- results on one stream, talk on the other -----------------------------------------------------


def test_talk_goes_to_standard_error_in_plain_lines(home):
    said = (home / "trained.err").read_text()
    assert "32 rows" in said and "\r" not in said and "\x1b" not in said
    done = tenfold("predict", "run", "photos/dog/1.png", cwd=home)
    assert done.err == "" and re.fullmatch(r"photos/dog/1.png\t(cat|dog)\t0\.\d{4}\n", done.out)


def test_quiet_says_nothing(home):
    words = ["train", TASK, "photos", "--out", "silent", "--quiet", *QUICK]
    done = tenfold(*words, cwd=home)
    assert (
        done.code == 0 and done.err == "" and "accuracy" in done.out and "report.html" in done.out
    )


def test_on_a_terminal_a_line_moves_and_goes(home):
    words = ["train", TASK, "photos", "--out", "shown", "--size", "tiny", "--epochs", "60"]
    done = Running([*words, "--device", "cpu"], home, terminal=True).wait()
    assert done.code == 0 and "\r\x1b[2K" in done.err and "training" in done.err
    after = done.err[done.err.rindex("\x1b[2K") + 4 :]
    assert "%" not in after  # the moving line was taken away at last


def test_results_on_the_same_terminal_are_not_mixed_with_the_line(home):
    """No rest of the moving line stays before, beside or between the lines of a result."""
    words = ["train", TASK, "photos", "--out", "both", "--size", "tiny", "--epochs", "60"]
    done = Running([*words, "--device", "cpu"], home, terminal="both").wait()
    assert done.code == 0 and f"{ERASE}training" in done.err
    lines = screen(done.err.replace("\r\n", "\n"), 200)
    assert not any("training" in line and "%" in line for line in lines)
    assert any(line.startswith(f"{TASK}: ") for line in lines)
    done = Running(["predict", "both", *["photos"] * 9], home, terminal="both").wait()
    lines = screen(done.err.replace("\r\n", "\n"), 200)[:-1]
    assert len(lines) == 9 * 32
    assert all(re.fullmatch(r"photos/(cat|dog)/\d+\.png +(cat|dog) +0\.\d{4}", one.expandtabs())
               for one in lines)  # fmt: skip


def test_the_next_commands_are_quoted_for_the_shell(home):
    """A run folder with spaces, quotes, Chinese letters or a dash in front can be copied."""
    for name in ("it's my 花卉 1", "-dash"):
        done = tenfold("train", TASK, "photos", f"--out={name}", *QUICK, cwd=home)
        following = done.out[done.out.index("Next:") :].splitlines()[1:]
        assert done.code == 0 and len(following) == 3
        for line in following:
            words = shlex.split(line)
            assert words[0] == "tenfold" and (home / words[2]).is_dir() and words[2][0] != "-"
        assert tenfold(*shlex.split(following[0])[1:3], "photos/cat", cwd=home).code == 0


# --- tracebacks, pipes, signals -------------------------------------------------------------------


def test_a_traceback_only_with_debug(home):
    for words in (["train", TASK, "nowhere"], ["trian"], ["test", "photos"]):
        assert "Traceback" not in tenfold(*words, cwd=home).err
        done = tenfold(*words, "--debug", cwd=home)
        assert "Traceback" in done.err and done.last and done.code == 2


BROKEN = """
import sys
sys.path[:0] = {path!r}
from tenfold import cli
def verb():
    return {{}}["nothing"]
cli._do(verb, "verb", dict(json={json}, debug={debug}, quiet=False))
"""


@pytest.mark.parametrize(("as_json", "debug"), [(False, False), (True, False), (False, True)])
def test_a_fault_of_ours_is_said_in_a_sentence_too(as_json, debug, tmp_path):
    code = BROKEN.format(path=sys.path, json=as_json, debug=debug)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 1 and "Internal error in tenfold (KeyError: 'nothing')" in done.stderr
    assert ("Traceback" in done.stderr) == debug
    if as_json:
        assert json.loads(done.stdout)["error"]["code"] == "internal"


def test_a_reader_that_has_seen_enough(home):
    reading, writing = os.pipe()
    os.close(reading)
    done = Running(["predict", "run", "photos"], home, stdout=writing).wait()
    os.close(writing)
    assert done.code == 0 and done.err == ""


@pytest.fixture
def slow(tmp_path) -> Path:
    """Pictures that take far longer than a signal needs: `large` has many large files, links to
    two; in `wide` each is a small file with bytes of its own and a megapixel.
    """
    for label, name in enumerate(("cat", "dog")):
        large, wide = (tmp_path / folder / name for folder in ("large", "wide"))
        large.mkdir(parents=True)
        wide.mkdir(parents=True)
        pixels = np.random.default_rng(label).integers(0, 256, (1024, 1024), np.uint8)
        Image.fromarray(pixels).save(large / "0.png", compress_level=9)
        Image.new("L", (1024, 1024), 100 * label).save(wide / "0.png")
        content = (wide / "0.png").read_bytes()
        for number in range(1, 400):
            os.link(large / "0.png", large / f"{number}.png")
            (wide / f"{number}.png").write_bytes(content + number.to_bytes(4, "big"))
    return tmp_path


@pytest.mark.parametrize(
    ("stage", "folder", "number", "code"),
    [(b"reading", "large", signal.SIGINT, 130), (b"decoding", "wide", signal.SIGTERM, 143)],
)
def test_a_signal_ends_it_at_once_and_leaves_nothing(slow, stage, folder, number, code):
    env = {"TENFOLD_CACHE": str(slow / "cache")}
    running = Running(["train", TASK, folder, *QUICK], slow, env=env, terminal=True)
    running.read_until(stage, 600)
    running.signal(number)
    done = running.wait()
    assert done.code == code and "Traceback" not in done.err and "Error: Stopped" in done.err
    assert not (slow / "runs").exists()
    assert not list((slow / "cache").glob("columns/*"))


# --- the way in -----------------------------------------------------------------------------------


def script() -> list[str]:
    found = [*Path(sysconfig.get_path("scripts")).glob("tenfold*")]
    return [str(found[0])] if found else [sys.executable, "-m", "tenfold"]


def test_the_installed_command_and_the_module_are_the_same(home):
    ways = [script(), [sys.executable, "-m", "tenfold"]]
    outs = [
        subprocess.run([*way, "train", "phots"], cwd=home, capture_output=True, text=True)
        for way in ways
    ]
    assert [done.returncode for done in outs] == [2, 2]
    assert outs[0].stderr == outs[1].stderr and "phots" in outs[0].stderr


def test_a_real_pipe_into_head(home):
    way = " ".join(script())
    line = f"{way} predict run photos photos photos photos | head -n 1; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", line], cwd=home, capture_output=True, text=True)
    first, code = done.stdout.strip().split("\n")
    assert first.startswith("photos/cat/0.png") and code == "0" and not done.stderr


def test_a_refusal_in_python_is_an_exception_with_its_code(tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataRefused) as refused:
        api.train(TASK, tmp_path / "empty")
    assert refused.value.exit_code == 3 and refused.value.code == "empty-folder"
