"""`explain`: the maps of a run, beside those of the same network with its weights shuffled."""

import dataclasses
import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from commands import tenfold
from learning import watching
from maps import by_brightness, one_map
from PIL import Image
from subjects import trained

from tenfold.core.errors import DataRefused, UsageError
from tenfold.media.input import Input
from tenfold.reporting.agreement import ALIKE
from tenfold.run import explain as run_explain
from tenfold.run.run import Run
from tenfold.training.inference import by_torch
from tenfold.verbs.explain import explain
from tenfold.verbs.features import features
from tenfold.verbs.similar import similar
from tenfold.verbs.train import train

# --- a run that has learnt ---


@pytest.fixture(scope="module")
def shapes(tmp_path_factory):
    """A run that has learnt to tell drawn shapes apart, and its test pictures."""
    subject = trained("image-classification", tmp_path_factory)
    return subject.run, sorted(map(str, (subject.data / "test").rglob("*.png")))[::4]


def test_maps_of_a_trained_run_are_not_those_of_random_weights(shapes, tmp_path):
    run, pictures = shapes
    found = explain(run, pictures, out=tmp_path / "seen", limit=len(pictures))
    for way in ("occlusion", "gradcam"):
        values = [one["random_weights"][way] for one in found["inputs"]]
        known = [value for value in values if value is not None]
        assert len(known) > len(values) / 2 and np.mean(known) < 0.5
        assert all(-1 <= value <= 1 for value in known)
    again = explain(run, pictures[:2], out=tmp_path / "seen")
    assert [one["random_weights"] for one in again["inputs"]] == [
        one["random_weights"] for one in found["inputs"][:2]
    ]
    page = (tmp_path / "seen/index.html").read_text("utf-8")
    assert page.count("(rank correlation ") >= 2
    assert "With random weights the explanations are others" in str(found)


def test_maps_of_one_class_are_not_those_of_another(shapes, tmp_path):
    run, pictures = shapes
    maps = {}
    for name in ("circle", "triangle"):
        found = explain(run, pictures, out=tmp_path / name, about=name, limit=len(pictures))
        assert found["about"] == name and f"evidence for {name}" in str(found)
        maps[name] = [one["explanations"] for one in found["inputs"]]
        assert f'<bdi title="{name}">' in (tmp_path / name / "index.html").read_text("utf-8")
    for place, way in enumerate(("occlusion", "gradcam")):
        pairs = zip(maps["circle"], maps["triangle"], strict=True)
        values = [
            run_explain.agreement(*(one_map(each[place]["weights"]) for each in pair))
            for pair in pairs
        ]
        known = [value for value in values if value is not None]
        assert known and np.mean(known) < 0.5, way


def test_the_class_that_is_answered_gives_the_maps_that_are_given(shapes, tmp_path):
    run, (one, *_) = shapes
    usual = explain(run, one, out=tmp_path / "a")["inputs"][0]
    asked = explain(run, one, out=tmp_path / "b", about=usual["label"])["inputs"][0]
    assert asked == usual


# --- a run that has hardly learnt ---

NAMES = ("猫", "<b>dog</b>")


def noise(labels: tuple) -> pd.DataFrame:
    """Random pictures, labelled in turn."""
    pictures = list(np.random.default_rng(0).integers(0, 255, (24, 24, 24), np.uint8))
    return pd.DataFrame({"image": pictures, "label": [labels[n % 2] for n in range(24)]})


def hardly_learnt(table: pd.DataFrame, out: Path) -> Run:
    return train("image-classification", table, out=out, size="tiny", epochs=1, batch=8)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return hardly_learnt(noise(NAMES), tmp_path_factory.mktemp("explain") / "run")


@pytest.fixture
def photos(tmp_path):
    folder = tmp_path / "photos"
    folder.mkdir()
    for number in range(3):
        pixels = np.random.default_rng(number).integers(0, 255, (40, 30), np.uint8)
        Image.fromarray(pixels).save(folder / f"{number} 猫.png")
    return folder


def test_explain_draws_every_input(run, photos, tmp_path):
    sealed = {path.name: path.read_bytes() for path in run.folder.iterdir()}
    found = explain(run, str(photos), out=tmp_path / "seen")
    assert [one["file"] for one in found["inputs"]] == [f"00{n + 1}-{n}_猫.png" for n in range(3)]
    for one in found["inputs"]:
        assert [each["method"] for each in one["explanations"]] == ["occlusion", "gradcam"]
        with Image.open(tmp_path / "seen" / one["file"]) as picture:
            assert picture.width > 3 * 200
    json.dumps(found.to_json(), allow_nan=False)
    page = (tmp_path / "seen/index.html").read_text("utf-8")
    assert all(one["file"] in page for one in found["inputs"])
    assert "<b>dog" not in page and "&lt;b&gt;dog" in page
    assert {path.name: path.read_bytes() for path in run.folder.iterdir()} == sealed


def test_explain_goes_beside_the_run(run, photos):
    found = explain(run.folder, [str(photos / "0 猫.png")], method="occlusion")
    assert found["page"] == str(run.folder.parent / "run-explained" / "index.html")
    assert [one["method"] for one in found["inputs"][0]["explanations"]] == ["occlusion"]


def test_explain_answers_what_it_cannot_read(run, photos, tmp_path):
    (photos / "bad.png").write_bytes(b"no picture")
    found = explain(run, str(photos), out=tmp_path / "seen")
    bad = next(one for one in found["inputs"] if "error" in one)
    assert bad["source"].endswith("bad.png") and bad["error"]["code"] == "not-a-picture"
    assert len(found["inputs"]) == 4 and "ERROR" in str(found)
    with pytest.raises(DataRefused) as refused:
        explain(run, str(photos / "bad.png"), out=tmp_path / "seen")
    assert refused.value.code == "not-a-picture" and refused.value.message.values["count"] == 1


def test_explain_stops_at_the_limit(run, photos, tmp_path):
    found = explain(run, [str(photos)] * 2, out=tmp_path / "seen", limit=2, method="gradcam")
    assert len(found["inputs"]) == 2
    assert re.search(r"^Pictures: ", str(found), re.M)


@pytest.mark.parametrize(
    ("words", "code", "values"),
    [
        ({"method": "magic"}, "bad-setting", {"method": "magic"}),
        ({"limit": 0}, "bad-setting", {"limit": 0}),
        ({"about": "猪"}, "unknown-class", {"name": "猪"}),
        ({"about": ""}, "unknown-class", {"name": ""}),
    ],
)
def test_explain_refuses_what_cannot_be(run, photos, words, code, values):
    with pytest.raises(UsageError) as refused:
        explain(run, str(photos), **words)
    assert refused.value.code == code
    assert values.items() <= refused.value.message.values.items()


def test_explain_never_writes_into_the_run(run, photos):
    place = run.folder / "pictures"
    with pytest.raises(UsageError) as refused:
        explain(run, str(photos), out=place)
    assert (refused.value.code, refused.value.where) == ("bad-output", str(place))
    assert not place.exists()


def test_a_map_that_does_not_need_the_weights_is_warned_about(run, photos, tmp_path):
    """Brightness has one weight: shuffled it is the same network, and so must its maps be."""
    net = by_brightness()
    other = dataclasses.replace(run, net=net, infer=by_torch(net))
    with watching() as heard:
        found = explain(other, str(photos), out=tmp_path / "seen")
    alike = [one["random_weights"]["gradcam"] for one in found["inputs"]]
    assert all(value > ALIKE for value in alike) and max(alike) == 1
    assert "3 of 3 explanations (Grad-CAM) are nearly the same" in str(heard.sentences)
    assert "With random weights the explanations are others" not in str(found)
    page = (tmp_path / "seen/index.html").read_text("utf-8")
    assert page.count("it shows the picture, not what the network learned") == 6


def test_without_a_torch_network_nothing_is_compared(run, photos, tmp_path):
    exported = dataclasses.replace(run, net=None)
    found = explain(exported, str(photos), out=tmp_path / "seen")
    for one in found["inputs"]:
        assert one["random_weights"] == {}
        assert [each["method"] for each in one["explanations"]] == ["occlusion"]
    page = (tmp_path / "seen/index.html").read_text("utf-8")
    assert "rank correlation" not in page and "rank correlation" not in str(found)


def test_explain_asks_about_a_class_in_both_words(run, photos):
    home = run.folder.parent
    for flag in ("--about", "--class"):
        words = ("explain", run.folder, photos / "0 猫.png", "--json", flag)
        done = tenfold(*map(str, words), "猫", cwd=home)
        assert done.code == 0 and done.document["about"] == "猫", done.err
        assert (
            tenfold(*map(str, words), "dog", cwd=home).document["error"]["code"] == "unknown-class"
        )
    found = explain(run, str(photos), about=NAMES[1])
    page = (home / "run-explained" / "index.html").read_text("utf-8")
    assert found["about"] == NAMES[1] and "<b>dog" not in page and "&lt;b&gt;dog" in page


def test_several_classes_are_asked_about_one_at_a_time(tmp_path):
    table = noise((["a"], ["a", "b"]))
    run = hardly_learnt(table, tmp_path / "run")
    found = explain(run, table["image"][0], about="b", out=tmp_path / "seen")
    (one,) = found["inputs"]
    assert one["answer"] == "labels" and set(one["random_weights"]) == {"occlusion", "gradcam"}
    usual = explain(run, table["image"][0], out=tmp_path / "seen")["inputs"][0]
    assert usual["explanations"][0] != one["explanations"][0]


def test_explain_inside_the_run_folder_writes_beside_it(run, photos, monkeypatch):
    monkeypatch.chdir(run.folder)
    found = explain(".", str(photos / "0 猫.png"), method="occlusion")
    assert found["page"] == str(run.folder.parent / "run-explained" / "index.html")


def test_a_run_that_makes_rows_of_its_own_is_not_explained(run, photos, monkeypatch):
    """Nor are its features taken: the network reads other columns than are handed over."""
    monkeypatch.setattr(type(run.task), "encodes", lambda task, facts: {"crop": Input("image")})
    for verb in (explain, features, similar):
        with pytest.raises(UsageError) as refused:
            list(verb(run, str(photos)))
        assert refused.value.code == "made-rows" and "predict" in refused.value.fix
