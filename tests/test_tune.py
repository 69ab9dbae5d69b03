"""`tune`: trials judged on validation, the best trained anew and tested, and what it is worth."""

from __future__ import annotations

import functools
import json
import random
import shutil
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from commands import Running
from commands import tenfold as command
from learning import Killed, die, watching
from processes import command as forked
from processes import started, wait_for
from processes import tenfold as forked_to_its_end

import tenfold
import worlds
from tenfold import comparing, run, searching, splits, system, trials
from tenfold.errors import ArtefactRefused, DataRefused, EnvironmentRefused, UsageError
from tenfold.lazy import lazy
from tenfold.reporting import compared
from tenfold.results import Label
from tenfold.training import Asked

KIND = "image-classification"
TOLD = {"size": "tiny", "network": "fast", "epochs": 10, "batch": 24, "device": "cpu"}
COUNT = 8


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Given parts; those of the test part are all that a later test changes."""
    folder = tmp_path_factory.mktemp("tune") / "data"
    return worlds.shapes(folder, 3, {"train": 20, "valid": 16, "test": 12})


def tune(data: Any, out: Path | None = None, **more: Any):
    return tenfold.tune(KIND, data, out=out, **({"trials": COUNT} | TOLD | more))


@pytest.fixture(scope="module")
def done(data: Path, tmp_path_factory: pytest.TempPathFactory):
    return tune(data, tmp_path_factory.mktemp("done") / "search")


def came_to(document: Any) -> dict[str, Any]:
    """All that a search came to but time and place."""
    rows = [{**one, "seconds": 0, "run": ""} for one in document["trials"]]
    names = ("winner", "kept", "gain", "verdict", "scores")
    return {name: document[name] for name in names} | {"trials": rows}


def weights(folder: Path) -> dict[str, bytes]:
    """Of every run of a search."""
    return {path.parent.name: path.read_bytes() for path in folder.glob("*/weights.safetensors")}


# --- trials ---


def test_trials_are_runs_and_the_first_has_the_default_settings(done, data: Path, tmp_path: Path):
    folder = Path(done["folder"])
    assert [one["trial"] for one in done["trials"]] == list(range(COUNT))
    assert done["trials"][0]["settings"] == {}
    assert all(one["settings"] for one in done["trials"][1:])
    usual = tenfold.train(KIND, data, out=tmp_path / "usual", **TOLD)
    assert weights(folder)["trial-000"] == weights(usual.folder.parent)["usual"]
    for one in done["trials"]:
        place = Path(one["run"])
        about = json.loads((place / "app.json").read_text())["knobs"]
        assert (about["size"], about["network"]) == ("tiny", "fast"), "what is given is held"
        assert about | one["settings"] == about
        if one["ended"] == "finished":
            scores = tenfold.open_run(place, "cpu").scores
            assert scores["scores"][done["headline"]]["value"] == one["value"]
            assert scores["tuned"] == {"trial": one["trial"]}


def test_a_trial_is_judged_on_the_half_of_validation_that_chooses(done):
    folder = Path(done["folder"]) / "trial-000"
    rows = pd.DataFrame(map(json.loads, (folder / "rows.jsonl").read_text().splitlines()))
    valid = rows[rows["split"] == "valid"]
    choose = int((~splits.reserved(splits.unit_keys(valid), 0)).sum())
    scores = json.loads((folder / "scores.json").read_text())
    assert sum(one["support"] for one in scores["details"]["classes"]) == choose
    assert scores["protocol"].startswith(f"{choose} validation rows, those that choose; ")
    assert scores["valid"] == {} and done["rows"]["choose"] == choose
    page = (folder / "report.html").read_text()
    assert f"{choose} validation rows, those that choose" in page
    assert "A trial of a search: judged on validation, not on the test part." in page


def test_trials_do_not_see_the_test_part(done, data: Path, tmp_path: Path):
    """Every test picture becomes another one, of another class: only the last score moves."""
    moved = shutil.copytree(data, tmp_path / "data")
    for name, other in (("circle", "cross"), ("cross", "triangle")):
        for path in (moved / "test" / name).iterdir():
            grey = np.random.default_rng([*path.name.encode()]).integers(0, 255, (24, 24))
            worlds.Image.fromarray(grey.astype(np.uint8)).save(moved / "test" / other / path.name)
    again = tune(moved, tmp_path / "search")
    theirs = came_to(again)
    assert theirs.pop("scores") != done["scores"]
    assert theirs == {key: value for key, value in came_to(done).items() if key != "scores"}
    assert weights(tmp_path / "search") == weights(Path(done["folder"]))


def test_poor_trials_end_early_and_their_folders_say_so(done):
    early = [one for one in done["trials"] if one["ended"] == "pruned"]
    assert early, "the settings of this test lead to one"
    for one in early:
        place = Path(one["run"])
        assert one["value"] is None and "validation loss" in one["message"]
        assert not (place / "manifest.json").exists() and not (place / "checkpoints").exists()
        log = (place / "log.jsonl").read_text().splitlines()
        assert 3 <= len(log) < 10
        assert json.loads((place / "ended.json").read_text())["ended"] == "pruned"
        with pytest.raises(ArtefactRefused, match="ended early by a search") as caught:
            tenfold.open_run(place)
        assert caught.value.code == "ended-run"
    assert f"{len(early)} ended early" in str(done)
    listed = tenfold.runs(Path(done["folder"]))
    told = {Path(one["run"]).name: one for one in listed["runs"]}
    assert told["best"]["finished"] and not told["best"]["trial"]
    for one in done["trials"]:
        row = told[Path(one["run"]).name]
        assert row["ended"] == ("pruned" if one in early else "")
        assert row["finished"] == row["trial"] == (one not in early)
    assert "unfinished" not in str(listed) and "a trial: on validation" in str(listed)


def test_the_test_part_of_a_trial_is_not_given_away(done):
    trial, best = (Path(done["folder"]) / name for name in ("trial-000", "best"))
    with pytest.raises(UsageError, match="judged on validation alone") as caught:
        tenfold.test(trial)
    assert caught.value.code == "trial-run"
    with pytest.raises(UsageError, match="judged on validation alone"):
        tenfold.report([best, trial], compare=True)
    assert not tenfold.report(trial, out=trial.parent / "page.html")["pictures"]
    (trial.parent / "page.html").unlink()


# --- the winner ---


def test_the_winner_is_trained_anew_and_tested_once(done, data: Path):
    finished = [one for one in done["trials"] if one["ended"] == "finished"]
    best = max(finished, key=lambda one: (one["value"], -one["trial"]))
    assert done["winner"] == best["trial"]
    folder = Path(done["folder"])
    kept = best if done["kept"] == "winner" else done["trials"][0]
    assert weights(folder)["best"] == weights(folder)[Path(kept["run"]).name], "same length here"
    winner = tenfold.open_run(folder / "best", "cpu")
    assert done.run.folder == winner.folder
    assert winner.scores["scores"] == done["scores"]
    assert winner.scores["protocol"] == "36 test rows; train, validation and test as given"
    assert tenfold.test(winner, data)["scores"]["accuracy"] == done["scores"]["accuracy"]
    told = {name: done[name] for name in ("winner", "kept", "gain")} | {"trials": COUNT}
    assert winner.scores["tuned"] == told
    assert f"{COUNT} trials of a search" in (folder / "best" / "report.html").read_text()
    assert done["report"] == str(folder / "best" / "report.html")


def test_the_document_is_stored_and_said(done):
    stored = json.loads((Path(done["folder"]) / "tune.json").read_text())
    assert stored["content"] == done.to_json()
    text = str(done)
    assert done["verdict"] in text and "<- best on validation" in text
    assert all(f"{one['value']:.4f}" in text for one in done["trials"] if one["value"] is not None)


def trial_of(number: int, value: float = 0.9) -> dict[str, Any]:
    return {"trial": number, "headline": "accuracy", "value": value}


def answered(right: np.ndarray) -> list[Label]:
    sure = {
        True: Label("cat", {"cat": 1.0, "dog": 0.0}),
        False: Label("dog", {"cat": 0.0, "dog": 1.0}),
    }
    return [sure[bool(one)] for one in right]


def cats(rows: int) -> pd.DataFrame:
    return pd.DataFrame({"source": range(rows), "label": "cat"})


@pytest.mark.parametrize(
    "gained, lost, words",
    [
        (30, 2, "Tuning beat the default settings. On 100 validation rows that chose nothing, "),
        (9, 4, "Tuning did not surely beat the default settings, which are kept."),
        (3, 0, "only 3 rows are answered rightly by one run and not by the other"),
        (2, 30, "Tuning did not surely beat the default settings, which are kept."),
    ],
)
def test_a_gain_is_said_where_it_is_sure(gained: int, lost: int, words: str):
    usual, won = np.ones(100, bool), np.ones(100, bool)
    usual[:gained] = False
    won[60 : 60 + lost] = False
    found = comparing.of_answers((answered(won), answered(usual)), cats(100), 0, "")
    better = compared.better(found) == "first"
    assert better == (gained == 30)
    assert words in searching.tuned.verdict(trial_of(3), trial_of(0, 0.8), found, better)


def test_where_the_default_is_best_it_is_said():
    said = searching.tuned.verdict(trial_of(0, 0.8), trial_of(0, 0.8), None, False)
    assert "did not beat the default settings: no trial did better" in said and "0.8000" in said


def test_the_best_of_many_equals_does_not_pass_for_better():
    """Twenty settings that are all as good: the rows that chose would call the winner better."""
    chance, seemed, passed, times = np.random.default_rng(0), 0, 0, 120
    for _ in range(times):
        halves = []
        for _ in range(2):
            hard = chance.normal(0, 1, 200)
            halves.append(0.8 * hard + 0.6 * chance.normal(0, 1, (20, 200)) < 0.84)
        best = int(halves[0].mean(1).argmax())
        for half, counts in zip(halves, (True, False), strict=True):
            both = (answered(half[best]), answered(half[0]))
            found = compared.better(comparing.of_answers(both, cats(200), 0, "")) == "first"
            seemed, passed = seemed + (found and counts), passed + (found and not counts)
    assert seemed > 0.1 * times
    assert passed < 0.06 * times


# --- going on ---


def dies(trial: int, step: int) -> dict[int, Callable[[], object]]:
    """After that step of that trial."""
    begun: list[int] = []

    def maybe() -> None:
        if len(begun) > trial:
            die()

    return {1: lambda: begun.append(1), step: maybe}


@pytest.mark.parametrize(
    "trial, step",
    [(5, 8), *(pytest.param(*one, marks=pytest.mark.slow) for one in [(0, 4), (2, 9), (6, 4)])],
)
def test_killed_it_goes_on_and_ends_alike(done, data: Path, tmp_path: Path, trial: int, step: int):
    out = tmp_path / "search"
    with watching(dies(trial, step)), pytest.raises(Killed):
        tune(data, out)
    assert len(list(out.glob("trial-*"))) == trial + 1
    with watching() as heard:
        again = tune(data, out)
    assert heard.told(f"Trial {trial} (") and not heard.told(f"Trial {trial - 1} (")
    assert came_to(again) == came_to(done)
    assert weights(out) == weights(Path(done["folder"]))


def test_the_same_call_on_a_finished_search_trains_nothing(done, data: Path):
    before = {path: path.stat().st_mtime_ns for path in Path(done["folder"]).rglob("*.*")}
    with watching() as heard:
        again = tune(data, Path(done["folder"]))
    assert again.to_json() == done.to_json() and not heard.steps
    assert {path: path.stat().st_mtime_ns for path in Path(done["folder"]).rglob("*.*")} == before


@pytest.mark.parametrize("gone", ["best", "best/manifest.json", "told"])
def test_what_is_missing_of_the_end_is_made_again(done, data: Path, tmp_path: Path, gone: str):
    out = shutil.copytree(Path(done["folder"]), tmp_path / "search")
    stored = json.loads((out / "tune.json").read_text())
    del stored["content"]
    (out / "tune.json").write_text(json.dumps(stored))
    if gone == "best":
        shutil.rmtree(out / "best")
    elif gone != "told":
        (out / gone).unlink()
    assert came_to(tune(data, out)) == came_to(done)


LONG = "--size tiny --network fast --batch 24 --device cpu --trials 8 --epochs 20".split()


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_killed_again_and_again_it_ends_alike(data: Path, tmp_path: Path, seed: int):
    """Real SIGKILLs at any moment, some checkpoints behind."""
    whole, said = tmp_path / "whole", tmp_path / "said"
    words = ["tune", KIND, str(data), *LONG, "--json", "--out"]
    assert forked_to_its_end([*words, str(whole)], said, steps=5) == 0, said.read_text()
    out, chance, hits = tmp_path / "search", random.Random(seed), 0
    for _ in range(12):
        run_ = functools.partial(forked, [*words, str(out)], said, steps=5)
        with started(run_) as process:
            wait_for(lambda: (out / "tune.json").exists() or process.exitcode is not None)
            process.join(chance.uniform(0.1, 1.0))
            hits += process.exitcode is None
    assert hits >= 4
    assert forked_to_its_end([*words, str(out)], said, steps=5) == 0, said.read_text()
    both = [json.loads((place / "tune.json").read_text())["content"] for place in (whole, out)]
    assert came_to(both[0]) == came_to(both[1])
    assert weights(whole) == weights(out)


def test_ctrl_c_leaves_a_search_that_goes_on(data: Path, tmp_path: Path):
    words = ["tune", KIND, data, "--size", "tiny", "--network", "fast", "--device", "cpu"]
    words += ["--trials", "2", "--epochs", "2000", "--batch", "24"]
    running = Running(words, tmp_path, terminal=True)
    running.read_until(b"training")
    running.signal(signal.SIGINT)
    stopped = running.wait()
    assert stopped.code == 130 and "the state is saved" in stopped.err
    folder = tmp_path / "runs" / f"data-{KIND}-1"
    assert list((folder / "trial-000" / "checkpoints").glob("step-*"))
    again = Running(words, tmp_path, terminal=True)
    again.read_until(b"Continuing at step")
    again.signal(signal.SIGTERM)
    assert again.wait().code == 143
    assert [path.name for path in (tmp_path / "runs").iterdir()] == [folder.name]


# --- refused ---


@pytest.mark.parametrize(
    "more, words",
    [
        ({"epochs": 4}, "another epochs is there: 10 then, 4 now"),
        ({"seed": 3}, "another seed"),
        ({"trials": 5}, "another trials is there: 8 then, 5 now"),
        ({"size": "small"}, "another size is there: 'tiny' then, 'small' now"),
        ({"augment": "shift"}, "another augment"),
        ({"limit": 10}, "another limit"),
    ],
)
def test_other_settings_are_refused(done, data: Path, more: dict[str, Any], words: str):
    with pytest.raises(ArtefactRefused, match=f"A search with {words}") as caught:
        tune(data, Path(done["folder"]), **more)
    assert caught.value.code == "run-differs"


def test_other_data_are_refused(done, data: Path, tmp_path: Path):
    moved = shutil.copytree(data, tmp_path / "data")
    next(moved.rglob("*.png")).unlink()
    with pytest.raises(ArtefactRefused, match="A search with another data is there"):
        tune(moved, Path(done["folder"]))


def test_other_files_are_refused(data: Path, tmp_path: Path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(UsageError, match="holds other files"):
        tune(data, tmp_path)
    assert (tmp_path / "notes.txt").read_text() == "mine"


@pytest.mark.parametrize("count", [1, 0, -3, 1001])
def test_a_number_of_trials_out_of_range_is_refused(data: Path, tmp_path: Path, count: int):
    with pytest.raises(UsageError, match="trials must be a whole number from 2 to 1000"):
        tune(data, tmp_path / "search", trials=count)


def test_nothing_left_to_vary_is_refused(data: Path, tmp_path: Path):
    held = {"rate": 0.1, "augment": "none", "optimizer": "sgd"}
    with pytest.raises(UsageError, match="There is nothing to vary") as caught:
        tune(data, tmp_path / "search", **held)
    assert caught.value.code == "nothing-to-tune" and "Leave one of them out" in caught.value.fix
    assert not (tmp_path / "search").exists()


def test_without_optuna_it_is_said_before_data_are_read(tmp_path: Path, monkeypatch):
    monkeypatch.setitem(sys.modules, "optuna", None)
    monkeypatch.setattr(trials, "optuna", lazy("optuna"))
    with pytest.raises(EnvironmentRefused, match="needs the package optuna") as caught:
        tune(tmp_path / "nowhere", tmp_path / "search")
    assert caught.value.code == "missing-package" and "tenfold[tune]" in caught.value.fix


def test_a_second_search_in_one_folder_is_refused(done, data: Path, tmp_path: Path):
    out = shutil.copytree(Path(done["folder"]), tmp_path / "search")
    with system.locked(out), pytest.raises(EnvironmentRefused, match="Another process"):
        tune(data, out)


def test_one_class_is_refused(tmp_path: Path):
    worlds.shapes(tmp_path / "data", 3, {"": 20})
    for name in ("cross", "triangle"):
        shutil.rmtree(tmp_path / "data" / name)
    with pytest.raises(DataRefused, match="There is only one class"):
        tune(tmp_path / "data", tmp_path / "search")


def test_without_validation_nothing_can_choose(tmp_path: Path):
    worlds.shapes(tmp_path / "data", 3, {"train": 3, "test": 3})
    table = [
        {"image": str(path), "label": path.parent.name, "group": "one", "split": part}
        for part in ("train", "test")
        for path in sorted((tmp_path / "data" / part).rglob("*.png"))
    ]
    with pytest.raises(DataRefused, match="No row of validation is left") as caught:
        tune(pd.DataFrame(table), tmp_path / "search")
    assert caught.value.code == "no-validation-rows"


# --- odd data ---


def test_few_rows_are_said(tmp_path: Path):
    worlds.shapes(tmp_path / "data", 3, {"": 4})
    with watching() as heard:
        found = tune(tmp_path / "data", tmp_path / "search", trials=2, epochs=1)
    assert heard.told("to choose by: among so few, what is best is mostly chance")
    assert found["kept"] == "default"


def test_a_trial_that_fails_is_noted_and_none_is_trained_twice(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Only the network may vary, and one of the three does not fit the pictures."""
    fields = searching._fields(Asked(KIND, data, None))
    entry = next(one for one in fields if one.name == "network")
    two = {"search": ("flatten dense8 relu", "dense16")}
    monkeypatch.setattr(entry, "metadata", dict(entry.metadata) | two)
    told = {key: value for key, value in TOLD.items() if key != "network"} | {"epochs": 2}
    held = {"rate": 0.01, "augment": "none", "optimizer": "sgd"}
    with watching() as heard:
        found = tenfold.tune(KIND, data, out=tmp_path / "search", trials=8, **(told | held))
    failed = [one for one in found["trials"] if one["ended"] == "failed"]
    assert failed and all(one["settings"] == {"network": "dense16"} for one in failed)
    assert failed[0]["value"] is None and "Layer 1 'dense16'" in failed[0]["message"]
    assert heard.told("The trial failed: Layer 1 'dense16'") and "   failed " in str(found)
    assert run.ended(Path(failed[0]["run"]))["ended"] == "failed"
    assert heard.told("nothing is trained twice")
    assert len(list((tmp_path / "search").glob("trial-*/weights.safetensors"))) <= 2
    again = [one for one in found["trials"][1:] if not one["settings"]]
    assert all(one["run"] == found["trials"][0]["run"] for one in again)


def test_on_the_command_line_with_odd_names(tmp_path: Path):
    """Chinese and HTML in the names of classes; a number for the folder; a report in Chinese."""
    worlds.shapes(tmp_path / "图片", 3, {"": 16})
    (tmp_path / "图片" / "circle").rename(tmp_path / "图片" / "圆 <b>形")
    told = ["--trials", "3", "--size", "tiny", "--epochs", "2", "--device", "cpu", "--lang", "zh"]
    result = command("tune", KIND, "图片", *told, "--json", cwd=tmp_path)
    assert result.code == 0, result.err
    assert result.document["folder"] == f"runs/图片-{KIND}-1"
    assert len(result.document["trials"]) == 3
    page = (tmp_path / result.document["report"]).read_text()
    assert "&lt;b&gt;形" in page and "<b>形" not in page
    assert "沿用默认设置" in page or "设置由验证集从" in page
    listed = command("runs", "--json", cwd=tmp_path).document["runs"]
    assert [one["run"] for one in listed] == [f"runs/图片-{KIND}-1/best"]
    other = command("tune", KIND, "图片", *told, "--json", cwd=tmp_path).document
    assert other["folder"] == f"runs/图片-{KIND}-2", "the first is finished"
    refused = command("tune", KIND, "图片", "--rat", "3", cwd=tmp_path)
    assert refused.code == 2 and "--rate" in refused.err


@pytest.mark.slow
def test_minutes_are_those_of_the_whole_command(data: Path, tmp_path: Path):
    began = time.monotonic()
    told = {key: value for key, value in TOLD.items() if key != "epochs"}
    found = tenfold.tune(KIND, data, out=tmp_path / "search", trials=3, minutes=0.5, **told)
    assert time.monotonic() - began < 1.5 * 30
    plans = [json.loads((Path(one["run"]) / "plan.json").read_text()) for one in found["trials"]]
    assert {plan["plan"]["minutes"] for plan in plans} == {0.125}
    last = json.loads((tmp_path / "search" / "best" / "plan.json").read_text())
    assert 0.125 <= last["plan"]["minutes"] <= 0.5
    assert came_to(tenfold.tune(KIND, data, out=tmp_path / "search", trials=3, minutes=0.5, **told))
