"""Errors, progress, results and help in Chinese: by --lang, else by TENFOLD_LANG."""

import json
import re
import shutil

import pytest
from commands import QUICK, tenfold
from commands import home as home
from latin import english_sentences
from pictures_made import TASK

from tenfold import cli

ENGLISH = "Error: 'fotos' does not exist\n  Did you mean 'photos'?\n"
CASES = {
    "English by default": ({}, [], "en"),
    "the variable": ({"TENFOLD_LANG": "zh"}, [], "zh"),
    "the flag before the variable": ({"TENFOLD_LANG": "zh"}, ["--lang", "en"], "en"),
    "the flag": ({}, ["--lang=zh"], "zh"),
    "a variable that names no language": ({"TENFOLD_LANG": "fr"}, [], "en"),
}


@pytest.mark.parametrize("name", CASES)
def test_errors_are_displayed_in_the_language_chosen(home, monkeypatch, name):
    variables, flags, language = CASES[name]
    for key, value in variables.items():
        monkeypatch.setenv(key, value)
    done = tenfold("check", TASK, "fotos", *flags, "--json", cwd=home)
    if name == "a variable that names no language":
        assert (done.code, done.err.startswith("Error: lang must be")) == (2, True)
        return
    assert done.code == 2
    assert (done.err == ENGLISH) == (language == "en")
    assert ("错误" in done.err) == (language == "zh") and "'photos'" in done.err
    document = json.loads(done.out)["error"]
    assert document["message"] == "'fotos' does not exist", "documents stay English"
    assert document["values"] == {"source": "fotos", "name": "photos"}


def test_help_names_the_variable(home):
    assert "TENFOLD_LANG" in tenfold("check", "--help", cwd=home).out


# --- progress and results ---

CHINESE = re.compile(r"[\u4e00-\u9fff]")
COMMANDS = {
    "check": ["check", TASK, "photos", "--out", "check.html", "--size", "tiny"],
    "train": ["train", TASK, "photos", *QUICK],
    "plan": ["train", TASK, "photos", "--plan", "--network", "conv8 relu maxpool2 flatten", *QUICK],
    "repeat": ["train", TASK, "photos", "--repeat", "2", *QUICK],
    "folds": ["train", TASK, "photos", "--folds", "2", *QUICK],
    "test": ["test", "run"],
    "predict": ["predict", "run", "photos", "missing.png"],
    "explain": ["explain", "run", "photos/dog/1.png"],
    "similar": ["similar", "run", "photos/dog/1.png"],
    "features": ["features", "run", "photos"],
    "report": ["report", "run", "--out", "report.html"],
    "compare": ["report", "--compare", "run", "run-copy"],
    "runs": ["runs"],
    "doctor": ["doctor"],
    "tasks": ["tasks"],
    "task": ["tasks", TASK],
}


@pytest.fixture(scope="module")
def odd(home):
    """Pictures and runs as in `home`, with a broken file and the same picture in two classes."""
    (home / "photos/dog/broken.png").write_bytes(b"")
    first = next((home / "photos/cat").iterdir())
    (home / "photos/dog/copy.png").write_bytes(first.read_bytes())
    shutil.copytree(home / "run", home / "run-copy")
    return home


SLOW = {name: pytest.mark.slow for name in ("repeat", "folds")}


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=SLOW.get(name, ())) for name in COMMANDS]
)
def test_output_is_in_one_language(odd, name):
    """No English sentence in Chinese output, and no Chinese letter in English output."""
    words = COMMANDS[name]
    allowed = ["--on-bad", "skip"] if words[0] in ("check", "train") else []
    out = ["--out", f"zh-{name}"] if words[0] == "train" and name != "plan" else []
    done = tenfold(*words, *allowed, *out, cwd=odd, env={"TENFOLD_LANG": "zh"})
    code = 3 if name == "predict" else 0  # one of the files is missing
    assert done.code == code, done.err
    text = f"{done.err}\n{done.out}"
    assert CHINESE.search(text) or name in ("predict", "similar"), text
    assert english_sentences(text) == [], text
    out = ["--out", f"en-{name}"] if out else []
    done = tenfold(*words, *allowed, *out, cwd=odd)
    assert done.code == code and not CHINESE.search(f"{done.err}{done.out}"), done.out
    assert english_sentences(done.err + done.out) or name in ("predict", "similar", "report")


def test_documents_do_not_depend_on_the_language(odd):
    words = ["check", TASK, "photos", "--size", "tiny", "--on-bad", "skip", "--out", "c.html"]
    for command in (words, ["runs"], ["tasks", TASK], ["report", "--compare", "run", "run-copy"]):
        both = [
            tenfold(*command, "--json", cwd=odd, env={"TENFOLD_LANG": lang}).document
            for lang in ("en", "zh")
        ]
        for one in both:
            one.pop("estimate", None)  # measured times
        assert both[0] == both[1]


# --- help ---


@pytest.mark.parametrize("verb", ["", *cli._summaries()])
def test_help_is_in_the_language_chosen(home, verb):
    words = [verb] if verb else []
    chosen = tenfold(*words, "--lang", "zh", "--help", cwd=home)
    assert chosen.code == 0 and english_sentences(chosen.out) == [], chosen.out
    assert all(
        CHINESE.search(line) for line in chosen.out.splitlines() if re.match(r"  -+\w.*  \S", line)
    )
    by_variable = tenfold(*words, "--help", cwd=home, env={"TENFOLD_LANG": "zh"})
    assert by_variable.out == chosen.out
    assert not CHINESE.search(tenfold(*words, "--help", cwd=home).out)


def test_help_of_a_task_is_in_the_language_chosen(home):
    done = tenfold("train", TASK, "--help", cwd=home, env={"TENFOLD_LANG": "zh"})
    assert "--network" in done.out and english_sentences(done.out) == [], done.out


def test_the_language_may_come_before_the_verb(home):
    assert "错误" in tenfold("--lang", "zh", "check", TASK, "fotos", cwd=home).err
    refused = tenfold("--lang", "fr", "check", TASK, "fotos", cwd=home)
    assert refused.code == 2 and "lang must be one of" in refused.err
    refused = tenfold("runs", "--lang", "fr", cwd=home)
    assert refused.code == 2 and "lang must be one of" in refused.err
