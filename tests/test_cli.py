"""The command line as a person and a program meet it: help, results, errors, signals, pipes."""

import importlib
import inspect
import json
import os
import re
import signal
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from commands import Done, Running, tenfold
from pictures_made import HTML, cut, drawn, encoded, folder, png, zipped

import tenfold as api
from tenfold.errors import DataRefused, UsageError

KIND = "image-classification"
VERBS = sorted(path.stem for path in (Path(api.__file__).parent / "verbs").glob("[a-z]*.py"))
QUICK = ["--size", "tiny", "--epochs", "2", "--batch", "8", "--device", "cpu"]


@pytest.fixture(scope="module")
def home(tmp_path_factory) -> Path:
    """A folder as a person has it: pictures, and a run trained on them by the command."""
    place = tmp_path_factory.mktemp("home")
    folder(place / "photos", 16)
    done = tenfold("train", KIND, "photos", "--out", "run", "--json", *QUICK, cwd=place)
    assert done.code == 0, done.err
    (place / "trained.json").write_text(done.out)
    (place / "trained.err").write_text(done.err)
    return place


def refused(done: Done, code: int, *words: str) -> Done:
    """One sentence on standard error, nothing on standard output, no traceback."""
    assert done.code == code, (done.code, done.out, done.err)
    assert done.last and not done.out and "Traceback" not in done.err
    for word in words:
        assert word in done.last, done.last
    return done


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
    for words in (["train", KIND, "--help"], ["train", "--seed", "3", KIND, "--help"]):
        done = tenfold(*words, cwd=home)
        assert "--network" in done.out and "[default: fast]" in " ".join(done.out.split())
        assert "adds its own settings" not in done.out
    assert "--top" in tenfold("predict", "run", "--help", cwd=home).out


# --- documents ------------------------------------------------------------------------------------


def scored(document: dict) -> bool:
    one = document["scores"][document["headline"]]
    assert (
        set(one) == {"value", "low", "high", "guess"} and one["low"] <= one["value"] <= one["high"]
    )
    assert document["schema"] == 1 and document["kind"] == KIND and document["run"] == "run"
    assert document["headline"] in document["baselines"]["best constant guess"]
    return all(set(one) == {"value", "low", "high", "guess"} for one in document["scores"].values())


def test_train_as_json(home):
    found = json.loads((home / "trained.json").read_text())
    assert scored(found) and set(found["rows"]) == {"train", "valid", "test", "quarantined"}
    assert set(found["seconds"]) == {"read", "encode", "train", "test", "total"}
    assert (home / found["report"]).exists()
    kept = json.loads((home / "run" / "scores.json").read_text())
    assert found | {"report": ""} == kept | {"report": ""}


def test_test_as_json(home):
    found = tenfold("test", "run", "--json", cwd=home).document
    trained = json.loads((home / "trained.json").read_text())
    assert scored(found) and found["scores"] == trained["scores"]
    assert found["rows"]["test"] == trained["rows"]["test"]
    folder(home / "fresh", 4, side=20)
    found = tenfold("test", "run", "fresh", "--json", cwd=home).document
    assert scored(found) and found["rows"]["test"] == 8
    rows = {"train", "valid", "test", "left_out", "quarantined"}
    assert set(found["rows"]) == rows and found["rows"]["left_out"] == 0
    assert found["seconds"]["total"] > 0 and found["report"].endswith("report.html")
    found = tenfold("test", "run", "photos", "--json", cwd=home).document
    assert found["rows"]["left_out"] + found["rows"]["test"] == 32


def test_check_as_json(home):
    folder(home / "dirty", 24)
    (home / "dirty" / "cat" / "bad.png").write_bytes(b"")
    (home / "dirty" / "note.txt").write_text("x")
    (home / "dirty" / "dog" / "same.png").write_bytes(png(3, 0))
    found = tenfold("check", KIND, "dirty", "--json", "--size", "tiny", cwd=home).document
    wanted = "found used quarantined ignored duplicates leaks conflicts classes estimate"
    assert set(wanted.split()) <= set(found) and found["schema"] == 1
    assert (found["found"], found["used"]) == (51, 49)
    (bad,) = found["quarantined"]
    assert bad["source"] == "cat/bad.png" and bad["reason"] and bad["fix"]
    assert found["ignored"] == ["note.txt"] and len(found["conflicts"]) == 1
    assert {"minutes", "memory", "disk"} <= set(found["estimate"])


def test_predict_as_json_is_an_object_a_line(home):
    done = tenfold("predict", "run", "photos/cat", "nothing.png", "--json", cwd=home)
    assert done.code == 0 and len(done.lines) == 17
    first, last = done.lines[0], done.lines[-1]
    assert first["source"] == "photos/cat/0.png" and first["kind"] == "label"
    assert sum(first["probabilities"].values()) == pytest.approx(1, abs=1e-4)
    assert last["source"] == "nothing.png" and last["error"]["code"] == "missing-file"


def test_explain_and_report_as_json(home):
    found = tenfold("explain", "run", "photos/cat/0.png", "--json", cwd=home).document
    assert found["schema"] == 1 and found["inputs"][0]["explanations"]
    assert (home / found["page"]).exists()
    found = tenfold("report", "run", "--json", cwd=home).document
    assert found["schema"] == 1 and (home / found["report"]).exists()


def test_kinds_runs_and_doctor_as_json(home):
    found = tenfold("kinds", "--json", cwd=home).document
    assert KIND in found["kinds"] and found["schema"] == 1
    found = tenfold("kinds", KIND, "--json", cwd=home).document
    assert found["knobs"]["size"]["choices"] and "top" in found["wishes"]
    found = tenfold("runs", ".", "--json", cwd=home).document
    assert [one["run"] for one in found["runs"]] == ["run"] and found["runs"][0]["finished"]
    found = tenfold("doctor", "--json", cwd=home).document
    assert found["versions"]["tenfold"] == api.__version__ and found["schema"] == 1


@pytest.mark.slow
def test_demo_as_json(tmp_path):
    found = tenfold("demo", "--json", cwd=tmp_path).document
    assert found["schema"] == 1 and found["scores"]["accuracy"]["value"] > 0.9
    assert len(found["answers"]) >= 1 and (tmp_path / found["report"]).exists()


def test_an_error_as_json_is_one_document(home):
    for words, code in (
        (["train", KIND, "nowhere", "--json"], 2),
        (["train", "nothing", "--json"], 2),
        (["trian", "--json"], 2),
        (["train", KIND, "photos", "--sized", "1", "--json"], 2),
        (["test", "nowhere", "--json"], 2),
    ):
        done = tenfold(*words, cwd=home)
        assert done.code == code
        found = done.document
        assert found["schema"] == 1 and set(found["error"]) == {"code", "message", "where", "fix"}
        assert found["error"]["message"] and found["error"]["fix"]


# --- results on one stream, talk on the other -----------------------------------------------------


def test_talk_goes_to_standard_error_in_plain_lines(home):
    said = (home / "trained.err").read_text()
    assert "32 rows" in said and "\r" not in said and "\x1b" not in said
    done = tenfold("predict", "run", "photos/dog/1.png", cwd=home)
    assert done.err == "" and re.fullmatch(r"photos/dog/1.png\t(cat|dog)\t0\.\d{4}\n", done.out)


def test_quiet_says_nothing(home):
    words = ["train", KIND, "photos", "--out", "silent", "--quiet", *QUICK]
    done = tenfold(*words, cwd=home)
    assert (
        done.code == 0 and done.err == "" and "accuracy" in done.out and "report.html" in done.out
    )


def test_on_a_terminal_a_line_moves_and_goes(home):
    words = ["train", KIND, "photos", "--out", "shown", "--size", "tiny", "--epochs", "60"]
    done = Running([*words, "--device", "cpu"], home, terminal=True).wait()
    assert done.code == 0 and "\r\x1b[2K" in done.err and "training" in done.err
    after = done.err[done.err.rindex("\x1b[2K") + 4 :]
    assert "%" not in after  # the moving line was taken away at last


# --- what can be handed over ----------------------------------------------------------------------


def sources(done: Done) -> list[str]:
    assert done.code == 0, done.err
    return [line["source"] for line in done.lines]


def predicted(home: Path, *words: str, **more) -> list[str]:
    return sources(tenfold("predict", "run", *words, "--json", cwd=home, **more))


def test_files_folders_globs_zips_and_standard_input(home):
    zipped(home / "photos" / "cat", home / "cats.zip")
    names = [f"photos/cat/{n}.png" for n in sorted(map(str, range(16)))]
    assert predicted(home, *names) == names
    assert sorted(predicted(home, "photos/cat/")) == sorted(names)
    assert sorted(predicted(home, "photos/c*/1*.png")) == sorted(n for n in names if "/1" in n)
    assert len(predicted(home, "photos/**/*.png")) == 32
    assert len(predicted(home, "cats.zip")) == 16
    lines = "\n".join(names).encode()
    assert predicted(home, "-", stdin=lines) == names
    assert predicted(home, "-", stdin=lines.replace(b"\n", b"\r\n") + b"\r\n\r\n") == names


def test_names_on_standard_input_need_not_be_utf_8(home):
    path = os.fsencode(home / "photos") + b"/caf\xe9.png"
    Path(os.fsdecode(path)).write_bytes(png(1))
    try:
        (line,) = tenfold("predict", "run", "-", "--json", cwd=home, stdin=path + b"\n").lines
        assert line["label"] and os.fsencode(line["source"]) == path
        text = tenfold("predict", "run", path, cwd=home)
        assert text.code == 0 and "caf\N{REPLACEMENT CHARACTER}.png" in text.out
    finally:
        os.remove(path)


def test_a_glob_without_a_match_and_an_empty_folder(home):
    (home / "empty").mkdir(exist_ok=True)
    done = tenfold("predict", "run", "x*.png", "photos/cat/0.png", "empty", "--json", cwd=home)
    assert done.code == 0 and [("error" in line) for line in done.lines] == [True, False]
    refused(tenfold("predict", "run", "empty", cwd=home), 3, "nothing to predict", "empty")
    refused(tenfold("predict", "run", cwd=home), 2, "Name files or folders")


def test_what_cannot_be_read_is_answered_on_its_own_line(home):
    place = home / "mixed"
    place.mkdir(exist_ok=True)
    (place / "a.png").write_bytes(b"")
    (place / "b.png").write_bytes(png(1))
    (place / "c.jpg").write_bytes(HTML)
    (place / "d.png").write_bytes(cut(png(2), 0.6))
    with zipfile.ZipFile(place / "e.zip", "w") as file:
        file.writestr("../out.png", png(3))
    os.mkfifo(place / "f.png")
    words = ["mixed/a.png", "mixed", "mixed/e.zip", "mixed/f.png", "mixed/b.png", "photos/dgo"]
    done = tenfold("predict", "run", *words, "--json", cwd=home)
    assert done.code == 0 and "Traceback" not in done.err
    bad = {line["source"]: line["error"] for line in done.lines if "error" in line}
    good = [line["source"] for line in done.lines if "error" not in line]
    assert good == ["mixed/b.png"] * 2 and set(bad) == {
        *(f"mixed/{name}" for name in ("a.png", "c.jpg", "d.png", "e.zip", "f.png")),
        "photos/dgo",
    }
    assert all(one["message"] and one["code"] for one in bad.values())
    assert "'dog'" in bad["photos/dgo"]["fix"]
    done = tenfold("predict", "run", "mixed/a.png", "mixed/c.jpg", cwd=home)
    assert done.code == 3 and len(done.out.splitlines()) == 2 and "ERROR" in done.out


def test_a_name_with_a_dash_in_front(home):
    (home / "-x.png").write_bytes(png(1))
    refused(tenfold("predict", "run", "-x.png", cwd=home), 2, "'./-x.png'")
    assert predicted(home, "./-x.png") == ["./-x.png"]
    assert sources(tenfold("predict", "run", "--json", "--", "-x.png", cwd=home)) == ["-x.png"]


def test_answers_as_csv_and_drawn(home):
    names = ["nothing.png", "photos/cat/0.png", "=1+1.png", "a#b %41.png"]
    for number, name in enumerate(names[2:]):
        (home / name).write_bytes(png(number))
    zipped(home / "photos" / "dog", home / "dogs.zip")
    words = [*names, "dogs.zip", "--csv", "out.csv", "--draw", "drawn"]
    assert tenfold("predict", "run", *words, cwd=home).code == 0
    table = pd.read_csv(home / "out.csv")
    assert list(table.columns) == ["source", "label", "error", "cat", "dog"] and len(table) == 20
    assert table["error"].notna().tolist() == [True] + [False] * 19
    assert list(table["source"][:4]) == [*names[:2], "'=1+1.png", names[3]]
    assert len(list((home / "drawn").glob("*.png"))) == 19
    words = ["nothing.png", "--csv", "none.csv"]
    assert tenfold("predict", "run", *words, cwd=home).code == 3
    assert list(pd.read_csv(home / "none.csv")["source"]) == ["nothing.png"]


def test_python_takes_arrays_bytes_files_and_frames_too(home):
    run = api.open_run(home / "run", "cpu")
    picture, path = drawn(3), home / "photos" / "cat" / "3.png"
    wanted = [one.to_json()["probabilities"] for one in api.predict(run, str(path))]

    def answers(inputs) -> list:
        return [one.to_json().get("probabilities") for one in api.predict(run, inputs)]

    array = np.asarray(picture)
    with path.open("rb") as opened:
        many = [path, array, encoded(picture), opened, picture, None]
        assert answers(many) == wanted * 5 + [None]
    with path.open("rb") as opened:
        assert answers(opened) == wanted
    assert answers(array) == answers(array[None]) == answers(iter([array])) == wanted
    for name in ("image", "path"):
        frame = pd.DataFrame({name: pd.Series([str(path), array, None], dtype=object)})
        found = list(api.predict(run, frame))
        assert [one.to_json().get("probabilities") for one in found] == [*wanted, *wanted, None]
        assert [one.source for one in found] == [str(path), "row 1", "row 2"]
    named = pd.DataFrame({"image": [array], "source": ["mine"]}, index=[7])
    assert [one.source for one in api.predict(run, named)] == ["mine"]
    with pytest.raises(UsageError, match="no column 'image'"):
        list(api.predict(run, pd.DataFrame({"x": [1]})))


# --- mistakes -------------------------------------------------------------------------------------

MISTYPED = [
    (["trian", KIND, "photos"], "'train'"),
    (["train", "image-clasification", "photos"], f"'{KIND}'"),
    (["train", "image_classification", "photos"], f"'{KIND}'"),
    (["train", KIND, "fotos"], "'photos'"),
    (["check", KIND, "photos/../fotos"], "'photos'"),
    (["train", KIND, "photos", "--epoch", "1"], "'--epochs'"),
    (["train", KIND, "photos", "--netwrok", "fast"], "'--network'"),
    (["train", KIND, "photos", "--network", "fats"], "'fast'"),
    (["train", KIND, "photos", "--optimizer", "adam"], "'adamw'"),
    (["predict", "run", "photos", "--topp", "1"], "'--top'"),
    (["kinds", "image-classifier"], f"'{KIND}'"),
]


@pytest.mark.parametrize(("words", "right"), MISTYPED, ids=str)
def test_a_mistyped_word_gets_the_nearest_right_one(home, words, right):
    refused(tenfold(*words, cwd=home), 2, f"Did you mean {right}?")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--epochs", "0"], "epochs must be more than 0"),
        (["--epochs", "many"], "--epochs"),
        (["--minutes", "-1"], "minutes must be more than 0"),
        (["--minutes", "1", "--epochs", "1"], "not both"),
        (["--batch", "0"], "batch"),
        (["--seed", "-1"], "seed must be from 0"),
        (["--limit", "0"], "limit"),
        (["--on-bad", "ignore"], "stop, fail, skip"),
        (["--device", "gpu"], "device must be"),
        (["--precision", "int8"], "precision must be one of"),
        (["--side", "5000"], "side of image-classification must be a whole number from 0 to 1024"),
        (["--rate", "nan"], "rate of image-classification must be a number"),
        (["--size", ""], "size of image-classification must be one of tiny"),
    ],
    ids=str,
)
def test_values_that_cannot_be_say_what_can(home, words, said):
    refused(tenfold("train", KIND, "photos", *words, cwd=home), 2, said)


def test_a_missing_kind_is_guessed_from_the_folder_and_asked_back(home):
    right = f"tenfold train {KIND} photos"
    for words in (
        ["photos"],
        ["zebra", "photos"],
        ["photos", "--size", "tiny"],
        ["zebra", "photos", "--size", "tiny"],
        ["photos", KIND],
    ):
        refused(tenfold("train", *words, cwd=home), 2, right)
    folder(home / "my photos", 3)
    refused(tenfold("check", "my photos", cwd=home), 2, f"tenfold check {KIND} 'my photos'")
    (home / "songs" / "rock").mkdir(parents=True, exist_ok=True)
    (home / "songs" / "rock" / "1.mp3").write_bytes(b"ID3")
    done = refused(tenfold("train", "songs", cwd=home), 2, "kind of work is missing", KIND)
    assert "look like" not in done.last
    refused(tenfold("train", KIND, cwd=home), 2, f"tenfold train {KIND} FOLDER")
    refused(tenfold("train", cwd=home), 2, "KIND")


def test_python_says_the_same(home, monkeypatch):
    monkeypatch.chdir(home)
    said = tenfold("train", "zebra", "photos", cwd=home).last
    with pytest.raises(UsageError) as error:
        api.train("zebra", "photos")
    assert f"Error: {error.value}" == said.strip() and error.value.exit_code == 2
    said = tenfold("train", KIND, "empty-one", cwd=home).last
    with pytest.raises(UsageError) as error:
        api.train(KIND, "empty-one")
    assert f"Error: {error.value}" == said.strip()


# --- exit codes -----------------------------------------------------------------------------------


def test_2_a_file_for_a_folder_and_a_run_that_is_none(home):
    refused(tenfold("train", KIND, "photos/cat/0.png", cwd=home), 2, "is a file")
    refused(tenfold("test", "photos", cwd=home), 2, "not a run folder", "tenfold runs")
    refused(tenfold("predict", "nowhere", "x.png", cwd=home), 2, "no run folder")
    refused(tenfold("runs", "--remove", "photos", cwd=home), 2, "not a run folder")
    assert (home / "photos" / "cat").is_dir()
    refused(tenfold("train", KIND, "photos", "--out", "run", *QUICK, cwd=home), 2, "finished run")
    refused(tenfold("train", KIND, "photos", "--out", "photos", *QUICK, cwd=home), 2, "other files")


def test_3_data_that_cannot_be_learnt_from(home):
    (home / "hollow").mkdir(exist_ok=True)
    refused(tenfold("train", KIND, "hollow", cwd=home), 3, "empty", "one folder a class")
    folder(home / "single", 4, classes=("cat",))
    refused(tenfold("train", KIND, "single", *QUICK, cwd=home), 3, "only one class, 'cat'")
    folder(home / "rotten", 9)
    for number in range(3):
        (home / "rotten" / "cat" / f"{number}.png").write_bytes(b"")
    done = refused(tenfold("train", KIND, "rotten", *QUICK, cwd=home), 3, "3 of 18 files", "5 %")
    assert "cat/0.png" in done.last
    words = [*QUICK, "--on-bad", "skip", "--out", "anyway"]
    assert tenfold("train", KIND, "rotten", *words, cwd=home).code == 0
    words = [*QUICK, "--on-bad", "fail"]
    refused(tenfold("train", KIND, "rotten", *words, cwd=home), 3, "cat/0.png", "0 bytes")


def test_4_a_cache_that_cannot_be_written(home):
    env = {"TENFOLD_CACHE": str(home / "trained.json" / "cache")}
    words = ["train", KIND, "photos", "--side", "9", *QUICK]
    refused(tenfold(*words, cwd=home, env=env), 4, "cache cannot be written", "TENFOLD_CACHE")


def test_6_a_run_that_was_changed(home):
    assert subprocess.run(["cp", "-r", home / "run", home / "changed"]).returncode == 0
    facts = home / "changed" / "facts.json"
    facts.write_text(facts.read_text().replace("cat", "cow"))
    refused(
        tenfold("predict", "changed", "photos", cwd=home), 6, "facts.json", "changed or damaged"
    )


# --- tracebacks, pipes, signals -------------------------------------------------------------------


def test_a_traceback_only_with_debug(home):
    for words in (["train", KIND, "nowhere"], ["trian"], ["test", "photos"]):
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
    assert done.returncode == 1 and "wrong inside tenfold (KeyError: 'nothing')" in done.stderr
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
def slow_to_read(tmp_path) -> Path:
    """So many large pictures that reading them takes long; all are links to two."""
    for label, name in enumerate(("cat", "dog")):
        place = tmp_path / "big" / name
        place.mkdir(parents=True)
        pixels = np.random.default_rng(label).integers(0, 256, (1 << 20,), np.uint8)
        (place / "0.pgm").write_bytes(b"P5\n1024 1024\n255\n" + pixels.tobytes())
        for number in range(1, 400):
            os.link(place / "0.pgm", place / f"{number}.pgm")
    return tmp_path


@pytest.mark.parametrize(
    ("stage", "number", "code"),
    [(b"reading", signal.SIGINT, 130), (b"decoding", signal.SIGTERM, 143)],
)
def test_a_signal_ends_it_at_once_and_leaves_nothing(slow_to_read, stage, number, code):
    env = {"TENFOLD_CACHE": str(slow_to_read / "cache")}
    running = Running(["train", KIND, "big", *QUICK], slow_to_read, env=env, terminal=True)
    running.read_until(stage)
    running.signal(number)
    done = running.wait()
    assert done.code == code and "Traceback" not in done.err and "Error: Stopped" in done.err
    assert not (slow_to_read / "runs").exists()
    assert not list((slow_to_read / "cache").glob("columns/*"))


# --- the way in -----------------------------------------------------------------------------------


def script() -> list[str]:
    found = [*Path(sysconfig.get_path("scripts")).glob("tenfold*")]
    return [str(found[0])] if found else [sys.executable, "-m", "tenfold"]


def test_the_installed_command_and_the_module_are_the_same(home):
    ways = [script(), [sys.executable, "-m", "tenfold"]]
    outs = [
        subprocess.run([*way, "train", "photos"], cwd=home, capture_output=True, text=True)
        for way in ways
    ]
    assert [done.returncode for done in outs] == [2, 2]
    assert outs[0].stderr == outs[1].stderr and f"tenfold train {KIND} photos" in outs[0].stderr


def test_a_real_pipe_into_head(home):
    way = " ".join(script())
    line = f"{way} predict run photos photos photos photos | head -n 1; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", line], cwd=home, capture_output=True, text=True)
    first, code = done.stdout.strip().split("\n")
    assert first.startswith("photos/cat/0.png") and code == "0" and not done.stderr


def test_a_refusal_in_python_is_an_exception_with_its_code(tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataRefused) as refused:
        api.train(KIND, tmp_path / "empty")
    assert refused.value.exit_code == 3 and refused.value.code == "empty-folder"
