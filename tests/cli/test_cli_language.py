"""Errors in Chinese: by --lang, else by the environment variable TENFOLD_LANG."""

import json

import pytest
from commands import home as home
from commands import tenfold
from pictures_made import TASK

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
