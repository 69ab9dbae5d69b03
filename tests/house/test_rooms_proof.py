"""A medium, an answer kind and two tasks that lie elsewhere go through every verb.

`tests/kit/elsewhere` is a folder of TENFOLD_ROOMS: nothing of tenfold knows what is in it. The task
`dial-watch` has an inner run, results of another kind than its rows' and scores of its own.
"""

import contextlib
import csv
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import commands
import numpy as np
import processes
import pytest
from browsing import browser as browser
from browsing import headline, press, visiting
from PIL import Image
from served import Served

ROOMS = Path(__file__).resolve().parents[1] / "kit" / "elsewhere"
TASKS = {"signal-dial": ("short", 48), "dial-watch": ("long", 96)}
QUICK = ["--device", "cpu", "--epochs", "40", "--batch", "8"]
BARE = """
import sys
sys.modules["torch"] = None
from tenfold.cli import main
sys.argv = ["tenfold", *sys.argv[1:]]
main()
"""
SECTION = {"en": "Positions of the dial", "zh": "刻度盘的位置"}


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Path:
    """Two folders of signals with their dials, and where commands are given."""
    found = tmp_path_factory.mktemp("elsewhere")
    for name, length in TASKS.values():
        made(found / name, length)
    return found


def made(folder: Path, length: int) -> None:
    """Sixty sines whose swing is what the dial says, and one file without numbers."""
    folder.mkdir()
    random, lines = np.random.default_rng(0), ["path,dial,split", "bad.signal,0.5,train"]
    (folder / "bad.signal").write_text("no numbers")
    for number in range(60):
        dial = random.uniform(0.05, 0.95)
        swing = 10 * dial * np.sin(0.9 * np.arange(length) + random.uniform(0, 6))
        values = swing + random.normal(0, 0.2, length)
        (folder / f"{number:02}.signal").write_text(" ".join(f"{one:.3f}" for one in values))
        part = "test" if number % 4 == 0 else "valid" if number % 4 == 1 else "train"
        lines.append(f"{number:02}.signal,{dial:.4f},{part}")
    (folder / "dials.csv").write_text("\n".join(lines) + "\n")


def tenfold(place: Path, *words: object, code: int = 0) -> commands.Done:
    """The command with the rooms set, once it ended as it should."""
    done = commands.tenfold(*map(str, words), cwd=place, env={"TENFOLD_ROOMS": str(ROOMS)})
    assert done.code == code, (words, done.out, done.err)
    return done


@pytest.fixture(scope="module")
def runs(place: Path) -> Path:
    """Two runs of each task, and an export of the first."""
    for task, (data, _) in TASKS.items():
        for seed in (1, 2):
            words = ["--seed", seed, "--out", f"{task}-{seed}", *QUICK]
            tenfold(place, "train", task, data, *words)
        tenfold(place, "export", f"{task}-1")
    return place


def bare(place: Path, *words: object) -> str:
    """Standard output of the command in a Python that has no torch."""
    env = os.environ | {"TENFOLD_ROOMS": str(ROOMS)}
    done = subprocess.run(
        [sys.executable, "-c", BARE, *map(str, words)],
        cwd=place, env=env, capture_output=True, text=True, timeout=600,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


# --- before training ---


def test_they_are_listed_and_found_by_their_data(place: Path):
    listed = tenfold(place, "tasks").out
    assert "Read the position of a dial from a signal." in listed and "dial-watch" in listed
    assert "image-classification" in listed
    asked = tenfold(place, "check", "short", code=2).err
    assert "tenfold check dial-watch short" in asked and "tenfold check signal-dial short" in asked


def test_nobody_else_knows_them(place: Path):
    done = commands.tenfold("tasks", cwd=place, env={"TENFOLD_ROOMS": ""})
    assert done.code == 0 and "signal-dial" not in done.out


@pytest.mark.parametrize("task", TASKS)
def test_check(place: Path, task: str):
    done = tenfold(place, "check", task, TASKS[task][0], "--out", f"{task}.html", "--json")
    assert done.document["parts"] == {"train": 30, "valid": 15, "test": 15}
    assert done.document["quarantined"][0]["code"] == "bad-signal"
    page = (place / f"{task}.html").read_text("utf-8")
    assert "holds no row of numbers" in page and "data:image" in page
    (place / "mapping.csv").write_text("from,to\na,b\n")
    refused = tenfold(place, "check", task, TASKS[task][0], "--classes", "mapping.csv", code=2)
    assert "classes" in refused.last


def test_a_medium_brings_a_role_with_its_flag(place: Path):
    """`--signal` is declared by the medium elsewhere; no file of tenfold knows the role."""
    assert "--signal" not in tenfold(place, "train", "image-classification", "--help").out
    listed = tenfold(place, "check", "signal-dial", "--help").out
    assert "Column of signal files." in listed
    shutil.copytree(place / "short", place / "renamed")
    table = place / "renamed" / "dials.csv"
    table.write_text(table.read_text().replace("path,", "file,", 1))
    for flag, code in (("File", 0), ("files", 2)):
        words = ["renamed", "--signal", flag, "--epochs", 1, "--device", "cpu", "--out", "role"]
        done = tenfold(place, "train", "signal-dial", *words, code=code)
        assert code == 0 or ("--signal" in done.last and "'file'" in done.last)
    stored = json.loads((place / "role" / "facts.json").read_text())["reading"]
    assert stored == {"signal": "File"}
    assert tenfold(place, "test", "role", "renamed", "--json").document["rows"]["test"] == 15


# --- runs ---


@pytest.mark.parametrize("task", TASKS)
def test_the_test_repeats_the_scores(runs: Path, task: str):
    found = tenfold(runs, "test", f"{task}-1", "--json").document
    given = tenfold(runs, "test", f"{task}-1", TASKS[task][0], "--json").document
    assert found["scores"] == given["scores"] and found["rows"]["test"] == 15
    best, own = found["scores"][found["headline"]], task == "dial-watch"
    assert found["headline"] == ("accuracy" if own else "mae")
    assert best["value"] > best["baseline"] if own else best["value"] < best["baseline"] / 2


@pytest.mark.parametrize("task", TASKS)
def test_reports(runs: Path, task: str):
    for lang, title in SECTION.items():
        tenfold(
            runs, "report", f"{task}-1", "--lang", lang, "--out", "r.html", "--data", TASKS[task][0]
        )
        page = (runs / "r.html").read_text("utf-8")
        assert (title in page) == (task == "signal-dial") and "Undefined" not in page
        assert ("F1" in page) == (task == "dial-watch"), "scores of the results' kind"
    pair = [f"{task}-1", f"{task}-2"]
    compared = tenfold(runs, "report", "--compare", *pair, "--out", "c.html", "--json").document
    assert compared["rows"]["judged"] == 15 and compared["headline"] == "mae"


def test_answers_of_the_kind(runs: Path):
    handed = ["short/00.signal", "short/bad.signal", "short/01.signal"]
    found = tenfold(runs, "predict", "signal-dial-1", *handed, "--csv", "a.csv", "--json", code=3)
    first, bad, _ = found.lines
    assert first["answer"] == "dial" and 0 <= first["dial"] <= 1
    assert bad["error"]["code"] == "bad-signal"
    lines = list(csv.DictReader((runs / "a.csv").open(encoding="utf-8-sig")))
    assert float(lines[0]["dial"]) == pytest.approx(first["dial"], abs=1e-4)
    rounded = tenfold(runs, "predict", "signal-dial-1", handed[0], "--step", 0.5, "--json")
    assert rounded.lines[0]["dial"] in (0, 0.5, 1)


def test_the_kind_draws_its_answers_and_writes_a_format_of_its_own(runs: Path):
    handed = ["short/00.signal", "short/bad.signal"]
    words = ["predict", "signal-dial-1", *handed, "--out", "w.gauges", "--draw", "w", "--json"]
    first, _ = tenfold(runs, *words, code=3).lines
    (gauge,) = (runs / "w.gauges").iterdir()
    assert (gauge.name, gauge.read_text()) == ("00.txt", f"{first['dial']:.0%}\n")
    (drawn,) = (runs / "w").iterdir()
    pixels = np.asarray(Image.open(drawn))
    red = (pixels == (255, 0, 0)).all(2)
    assert np.flatnonzero(red.all(1)).tolist() == [round(first["dial"] * (len(pixels) - 1))]


def test_several_results_a_source_by_the_inner_run(runs: Path):
    words = ["predict", "dial-watch-1", "long/00.signal", "long/bad.signal"]
    found = tenfold(runs, *words, "--csv", "b.csv", "--json", "--draw", "drawn", code=3).lines
    assert [one["source"].partition("#")[2] for one in found] == [
        "t=0,32",
        "t=32,64",
        "t=64,96",
        "",
    ]
    assert {one.get("answer") for one in found} == {"label", None}
    assert len(list((runs / "drawn").iterdir())) == 3
    lines = list(csv.DictReader((runs / "b.csv").open(encoding="utf-8-sig")))
    assert float(lines[0]["high"]) == pytest.approx(found[0]["probabilities"]["high"])
    low = tenfold(runs, *words[:3], "--cut", 1, "--json").lines
    assert {one["label"] for one in low} == {"low"}
    inner = runs / "dial-watch-1" / "inner" / "window"
    told = tenfold(runs, "predict", inner, "long/00.signal", "--json").lines
    assert told[0]["answer"] == "dial", "an inner run is a run"


@pytest.mark.parametrize("task", TASKS)
def test_explain_similar_and_features(runs: Path, task: str):
    run, handed = f"{task}-1", f"{TASKS[task][0]}/02.signal"
    (found,) = tenfold(runs, "explain", run, handed, "--out", "x", "--json").document["inputs"]
    assert np.shape(found["explanations"][0]["weights"]) == (1, 8) and found["answer"] == "dial"
    assert (runs / "x" / found["file"]).is_file()
    near = tenfold(runs, "similar", run, handed, "--json").lines[0]["neighbours"]
    assert near[0]["itself"] and 0 <= near[0]["dial"] <= 1
    tenfold(runs, "features", run, handed, "--out", "f.csv")
    assert len((runs / "f.csv").read_text("utf-8-sig").splitlines()) == 2


@pytest.mark.parametrize("task", TASKS)
def test_an_export_answers_without_torch(runs: Path, tmp_path: Path, task: str):
    copy = shutil.copytree(runs / f"{task}-1" / "export", tmp_path / "copy")
    handed = f"{TASKS[task][0]}/00.signal"
    assert bare(runs, "predict", copy, handed) == tenfold(runs, "predict", f"{task}-1", handed).out


@pytest.mark.slow
def test_eight_bits_are_judged_by_the_scores_of_the_task(runs: Path, tmp_path: Path):
    words = ["--int8", "--max-drop", 20, "--out", tmp_path / "small"]
    done = tenfold(runs, "export", "dial-watch-1", *words)
    assert (tmp_path / "small" / "net.onnx").is_file() and "accuracy" in done.out


# --- served ---


@pytest.fixture(scope="module")
def server(runs: Path):
    """Both exports behind one server."""
    said = runs / "said.txt"
    words = [f"{task}-1/export" for task in TASKS]
    with said.open("wb") as file:
        started = subprocess.Popen(
            [sys.executable, "-m", "tenfold", "serve", *words, "--port", "0"],
            cwd=runs, env=os.environ | {"TENFOLD_ROOMS": str(ROOMS)}, stdout=file, stderr=file,
        )  # fmt: skip
    with contextlib.ExitStack() as stack:
        stack.callback(started.wait, 30)
        stack.callback(started.send_signal, signal.SIGTERM)
        processes.wait_for(lambda: address(said) or started.poll() is not None)
        found = Served(int(address(said)[1]))
        processes.wait_for(lambda: found.get("/ready").status == 200)
        yield found


def address(said: Path):
    return re.search(r"Serving on http://[^ ]+:(\d+) ", said.read_text("utf-8"))


def test_they_are_served(server: Served, runs: Path):
    models = {one["id"]: one for one in server.get("/v1/models").json()["models"]}
    assert models["signal-dial-1"]["inputs"]["signal"]["medium"] == "signal"
    assert [models[f"{task}-1"]["answer"] for task in TASKS] == ["dial", "label"]
    assert models["dial-watch-1"]["classes"] == ["high", "low"]
    for task, (data, _) in TASKS.items():
        values = list(map(float, (runs / data / "00.signal").read_text().split()))
        reply = server.post(f"/v1/models/{task}-1/predict", {"inputs": {"signal": values}}).json()
        want = tenfold(runs, "predict", f"{task}-1", f"{data}/00.signal", "--json").lines
        key = "dial" if task == "signal-dial" else "label"
        have = reply["predictions"]
        assert [str(one[key])[:6] for one in have] == [str(one[key])[:6] for one in want]
    wrong = server.post("/v1/models/signal-dial-1/predict", {"inputs": {"signal": ["x"]}})
    assert (wrong.status, wrong.code) == (422, "bad-input")


PAGE = {
    "en-GB": ("Answer", "Write some numbers.", "Dial at 0", "Position of the dial"),
    "zh-CN": ("回答", "请输入数字。", "刻度 0", "刻度盘的位置"),
}


@pytest.mark.parametrize("locale", ["en-GB", pytest.param("zh-CN", marks=pytest.mark.slow)])
def test_the_page_draws_them(browser, server: Served, locale: str):
    ask, missing, brief, meter = PAGE[locale]
    values = "0 3 -3 2 -1 3 -3 2 -3 3"
    with visiting(browser, f"http://127.0.0.1:{server.port}", locale=locale) as page:
        press(page, ask)
        assert missing in page.get_by_role("alert").all_inner_texts()
        page.get_by_label("signal").fill(values)
        press(page, ask)
        assert headline(page).startswith(brief)
        assert page.locator("#dial").is_visible() and page.get_by_text(meter).is_visible()
        page.locator("#models").select_option("dial-watch-1")
        page.get_by_label("signal").fill(values)
        press(page, ask)
        page.locator("#answer [data-answer=label]").first.wait_for()
        assert headline(page).split()[0] in ("high", "low")


def test_a_run_killed_after_its_inner_runs_ends_alike(runs: Path):
    """The outer network does not depend on whether the inner runs were trained or opened."""
    first, again = runs / "dial-watch-1", runs / "dial-watch-again"
    again.mkdir()
    for name in ("plan.json", "task.json"):
        shutil.copy(first / name, again / name)
    shutil.copytree(first / "inner", again / "inner")
    data, _ = TASKS["dial-watch"]
    tenfold(runs, "train", "dial-watch", data, "--seed", 1, "--out", again.name, *QUICK)
    for name in ("weights.safetensors", "inner/window/weights.safetensors"):
        assert (again / name).read_bytes() == (first / name).read_bytes(), name


def test_folds_are_refused_where_rows_are_not_what_is_scored(runs: Path):
    data, _ = TASKS["dial-watch"]
    done = tenfold(runs, "train", "dial-watch", data, "--folds", 2, *QUICK, code=2)
    assert "scores whole runs, not rows" in done.err
