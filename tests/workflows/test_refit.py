"""`train --refit`: a second fit on train and validation with everything chosen by the first."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from commands import tenfold as command
from latin import latin_words
from learning import Killed, die, result, watching
from safetensors.numpy import load_file
from subjects import HELD_OUT, world_of

import tenfold
from tenfold.answers.label import LABEL
from tenfold.core.errors import ArtefactRefused, UsageError
from tenfold.networks import image_classifier, rankers, table_model, text_classifier
from tenfold.training import checkpoint
from tenfold.workflows import refit

TASK = "image-classification"
NETWORKS = {
    "image-classification": image_classifier.PictureClassifier,
    "text-classification": text_classifier.TextClassifier,
    "recommendation": rankers.Ranker,
    "tabular-classification": table_model.TableModel,
    "tabular-regression": table_model.TableModel,
}


def train(name: str, data: Path, out: Path, **more: Any) -> Any:
    world = world_of(name)
    plan = {"seed": 3, "device": "cpu", **world.plan, "epochs": 4, **world.settings}
    return tenfold.train(name, data, out=out, **(plan | more))


@pytest.fixture(scope="module", params=HELD_OUT)
def both(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A run as usual, and the refitted one."""
    home = tmp_path_factory.mktemp("refit")
    data = world_of(request.param).make(home / "data", 3)
    with watching() as heard:
        again = train(request.param, data, home / "again", refit=True)
    return train(request.param, data, home / "once"), again, heard


def weights(run: Any) -> dict[str, np.ndarray]:
    return dict(load_file(run.folder / "weights.safetensors"))


def test_it_learns_from_train_and_validation(both: Any):
    once, again, heard = both
    rows = once.scores["rows"]["train"] + once.scores["rows"]["valid"]
    assert again.scores["refit"] == {"rows": rows} and "refit" not in once.scores
    assert heard.told(f"Training again on {rows} rows")
    assert f"on {rows} rows" in str(again)
    assert f"Retrained on {rows} rows" in (again.folder / "report.html").read_text("utf-8")
    first, second = weights(once), weights(again)
    assert any((first[name] != second[name]).any() for name in first if name in second)


def test_what_was_chosen_stays(both: Any):
    once, again, _ = both
    first, second = once.facts["fitted"], again.facts["fitted"]
    for name in ("selected", "augment", "temperature", "batch", "validation_scores", "mix"):
        assert second.get(name) == first.get(name), name
    steps = {**first, **first.get("budgets", {}).get(first.get("selected"), {})}
    if "steps" in second:
        assert second["steps"] == steps["steps"]
    assert again.scores["valid"] == once.scores["valid"]


def test_calibration_is_that_of_the_first_fit(both: Any):
    """What a network names as calibrated is equal to the bit, and nothing else is copied."""
    once, again, _ = both
    names = getattr(again.net, "calibrated", ())
    assert names == getattr(NETWORKS.get(again.task_name), "calibrated", ())
    first, second = once.net.state_dict(), again.net.state_dict()
    assert all(torch.equal(first[name], second[name]) for name in names)
    assert tenfold.open_run(again.folder, "cpu").scores["refit"] == again.scores["refit"]


def test_calibration_alone_is_copied():
    """The negative control: a network that names another tensor gets that one."""

    class Net(torch.nn.Module):
        def __init__(self, value: float) -> None:
            super().__init__()
            self.register_buffer("temperature", torch.tensor(value))
            self.register_buffer("other", torch.tensor(value))

    one, other = Net(2.0), Net(1.0)
    refit.keep_calibration(one, other)
    assert float(other.temperature) == float(other.other) == 1
    other.calibrated = ("temperature",)
    refit.keep_calibration(one, other)
    assert float(other.temperature) == 2 and float(other.other) == 1


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return world_of(TASK).make(tmp_path_factory.mktemp("pictures") / "data", 3)


def test_killed_in_the_second_fit_it_ends_byte_equal(
    pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Its checkpoints lie in a folder of their own."""
    real = tenfold.core.plan.Plan.__init__

    def often(self: Any, *args: Any, **words: Any) -> None:
        real(self, *args, **{"checkpoint_steps": 3, **words})

    monkeypatch.setattr("tenfold.core.plan.Plan.__init__", often)
    whole = train(TASK, pictures, tmp_path / "whole", refit=True)
    seen = list[int]()

    def in_the_second() -> None:
        seen.append(1)
        if len(seen) == 2:
            die()

    with pytest.raises(Killed), watching({8: in_the_second}):
        train(TASK, pictures, tmp_path / "run", refit=True)
    kept = tmp_path / "run" / "checkpoints" / "refit" / "checkpoints"
    assert checkpoint.load(kept)[0]["step"] == 6
    with watching() as heard:
        train(TASK, pictures, tmp_path / "run", refit=True)
    assert heard.told("Continuing at step 6")
    assert result(tmp_path / "run") == result(whole.folder)
    assert not (tmp_path / "run" / "checkpoints").exists()


def test_the_test_part_is_not_looked_at_before(
    pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    real, seen = refit.fitted, list[str]()
    gather = tenfold.run.evaluate.gather
    monkeypatch.setattr(refit, "fitted", lambda *args: (seen.append("refit"), real(*args))[1])
    monkeypatch.setattr(
        tenfold.run.evaluate, "gather", lambda *args: (seen.append("test"), gather(*args))[1]
    )
    train(TASK, pictures, tmp_path / "run", refit=True, epochs=1)
    assert seen == ["refit", "test"]


def test_a_run_without_the_flag_does_not_continue_one_with_it(pictures: Path, tmp_path: Path):
    run = train(TASK, pictures, tmp_path / "run", refit=True, epochs=1, lang="zh")
    page = (run.folder / "report.html").read_text("utf-8")
    assert latin_words(page) <= {"circle", "cross", "triangle"} and "--refit" in page
    (run.folder / "manifest.json").unlink()
    with pytest.raises(ArtefactRefused) as caught:
        train(TASK, pictures, tmp_path / "run", epochs=1)
    assert caught.value.code == "run-differs" and caught.value.message.values["name"] == "refit"


def test_where_nothing_is_held_out_it_is_refused(
    pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(type(LABEL), "fits_all", lambda self, table: True)
    for flag in ({"refit": True}, {"folds": 3}):
        with pytest.raises(UsageError) as caught:
            train(TASK, pictures, tmp_path / "run", **flag)
        (name,) = flag
        assert caught.value.code == "bad-setting"
        assert caught.value.fix == f"Leave out --{name}."


def test_on_the_command_line(pictures: Path, tmp_path: Path):
    told = ["--size", "tiny", "--epochs", "1", "--device", "cpu", "--refit", "--json"]
    found = command("train", TASK, pictures, *told, cwd=tmp_path)
    assert found.code == 0, found.err
    assert json.loads(found.out)["refit"]["rows"] == 96
