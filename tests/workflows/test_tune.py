"""`tune`: trials judged on validation, the best trained anew and tested, and what it is worth."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from searches import COUNT, FEW, TASK, TOLD, came_to, tune, weights
from searches import data as data
from searches import done as done
from searches import short as short

import tenfold
import worlds
from tenfold.answers.kind import unit_keys
from tenfold.answers.label import LABEL, Label
from tenfold.core.errors import ArtefactRefused, UsageError
from tenfold.data import splits
from tenfold.reporting import comparison, tuning
from tenfold.run import compare

# --- trials ---


def test_trials_are_runs_and_the_first_has_the_default_settings(done, data: Path, tmp_path: Path):
    folder = Path(done["folder"])
    assert [one["trial"] for one in done["trials"]] == list(range(COUNT))
    assert done["trials"][0]["settings"] == {}
    assert all(one["settings"] for one in done["trials"][1:])
    usual = tenfold.train(TASK, data, out=tmp_path / "usual", **TOLD)
    assert weights(folder)["trial-000"] == weights(usual.folder.parent)["usual"]
    for one in done["trials"]:
        place = Path(one["run"])
        about = json.loads((place / "task.json").read_text())["settings"]
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
    choose = int((~splits.reserved(unit_keys(valid), 0)).sum())
    scores = json.loads((folder / "scores.json").read_text())
    assert sum(one["support"] for one in scores["details"]["classes"]) == choose
    assert scores["protocol"].startswith(f"{choose} validation rows, the half for selection; ")
    assert scores["valid"] == {} and done["rows"]["selection"] == choose
    page = (folder / "report.html").read_text()
    assert f"{choose} validation rows, the half for selection" in page
    assert "A trial of a search: scored on validation, not on the test part." in page


def test_trials_do_not_see_the_test_part(short, data: Path, tmp_path: Path):
    """Every test picture becomes another one, of another class: only the last score moves."""
    moved = shutil.copytree(data, tmp_path / "data")
    for name, other in (("circle", "cross"), ("cross", "triangle")):
        for path in (moved / "test" / name).iterdir():
            grey = np.random.default_rng([*path.name.encode()]).integers(0, 255, (24, 24))
            worlds.Image.fromarray(grey.astype(np.uint8)).save(moved / "test" / other / path.name)
    again = tune(moved, tmp_path / "search", trials=FEW)
    theirs = came_to(again)
    assert theirs.pop("scores") != short["scores"]
    assert theirs == {key: value for key, value in came_to(short).items() if key != "scores"}
    assert weights(tmp_path / "search") == weights(Path(short["folder"]))


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
        with pytest.raises(ArtefactRefused) as caught:
            tenfold.open_run(place)
        assert caught.value.code == "ended-run"
        assert caught.value.message.values == {"reason": one["message"]}
    assert f"{len(early)} ended early" in str(done)
    listed = tenfold.runs(Path(done["folder"]))
    told = {Path(one["run"]).name: one for one in listed["runs"]}
    assert told["best"]["finished"] and not told["best"]["trial"]
    for one in done["trials"]:
        row = told[Path(one["run"]).name]
        assert row["ended"] == ("pruned" if one in early else "")
        assert row["finished"] == row["trial"] == (one not in early)
    assert "unfinished" not in str(listed) and "on validation (a trial of a search)" in str(listed)


def test_the_test_part_of_a_trial_is_not_given_away(done):
    trial, best = (Path(done["folder"]) / name for name in ("trial-000", "best"))
    with pytest.raises(UsageError) as caught:
        tenfold.test(trial)
    assert caught.value.code == "trial-run"
    with pytest.raises(UsageError) as caught:
        tenfold.report([best, trial], compare=True)
    assert (caught.value.code, caught.value.where) == ("trial-run", str(trial))
    assert not tenfold.report(trial, out=trial.parent / "page.html")["pictures"]
    (trial.parent / "page.html").unlink()


# --- the winner ---


def test_the_winner_is_trained_anew_and_tested_once(done, data: Path):
    finished = [one for one in done["trials"] if one["ended"] == "finished"]
    best = max(finished, key=lambda one: (one["value"], -one["trial"]))
    assert done["winner"] == best["trial"]
    folder = Path(done["folder"])
    kept = best if done["selected"] == "winner" else done["trials"][0]
    assert weights(folder)["best"] == weights(folder)[Path(kept["run"]).name], "same length here"
    winner = tenfold.open_run(folder / "best", "cpu")
    assert done.run.folder == winner.folder
    assert winner.scores["scores"] == done["scores"]
    assert winner.scores["protocol"] == "36 test rows; train, validation and test as given"
    assert tenfold.test(winner, data)["scores"]["accuracy"] == done["scores"]["accuracy"]
    told = {name: done[name] for name in ("winner", "selected", "gain")} | {"trials": COUNT}
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
        (30, 2, "Tuning beat the default settings. On 100 validation rows not used to select, "),
        (9, 4, "Tuning did not significantly beat the default settings, which are kept."),
        (3, 0, "only 3 rows"),
        (2, 30, "Tuning did not significantly beat the default settings, which are kept."),
    ],
)
def test_a_gain_is_said_where_it_is_sure(gained: int, lost: int, words: str):
    usual, won = np.ones(100, bool), np.ones(100, bool)
    usual[:gained] = False
    won[60 : 60 + lost] = False
    found = compare.of_answers(LABEL, (answered(won), answered(usual)), cats(100), 0, "")
    better = comparison.better(found) == "first"
    assert better == (gained == 30)
    assert words in tuning.verdict(trial_of(3), trial_of(0, 0.8), found, better)


def test_where_the_default_is_best_it_is_said():
    said = tuning.verdict(trial_of(0, 0.8), trial_of(0, 0.8), None, False)
    assert (
        "did not beat the default settings: no trial reached a better validation score" in said
        and "0.8000" in said
    )


def test_the_best_of_many_equals_does_not_pass_for_better():
    """Twenty settings that are all as good: the rows that chose would call the winner better."""
    chance, seemed, passed, times = np.random.default_rng(0), 0, 0, 60
    for _ in range(times):
        halves = []
        for _ in range(2):
            hard = chance.normal(0, 1, 200)
            halves.append(0.8 * hard + 0.6 * chance.normal(0, 1, (20, 200)) < 0.84)
        best = int(halves[0].mean(1).argmax())
        for half, counts in zip(halves, (True, False), strict=True):
            both = (answered(half[best]), answered(half[0]))
            found = comparison.better(compare.of_answers(LABEL, both, cats(200), 0, "")) == "first"
            seemed, passed = seemed + (found and counts), passed + (found and not counts)
    assert seemed > 0.1 * times
    assert passed < 0.06 * times
