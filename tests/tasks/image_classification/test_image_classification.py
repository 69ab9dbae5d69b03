"""Image classification: its settings reach what they name, any picture is learnt, and it learns."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from learning import HERE
from picture_facts import EVEN, TASK, facts_at, facts_of, handed_over, noise, several_facts, softmax
from torch import Tensor, nn

import tenfold
import worlds
from tenfold.answers.label import LABEL, Label
from tenfold.answers.labels import LABELS, Labels
from tenfold.core.columns import Columns, Parts
from tenfold.core.fitted import Fitted
from tenfold.core.plan import Plan
from tenfold.data.prepare import prepare
from tenfold.data.scan import scan
from tenfold.media.image.medium import IMAGE
from tenfold.task import Facts
from tenfold.tasks import registry
from tenfold.training import loop
from tenfold.training.batches import tensors

# --- settings and facts ---


def test_knobs_of_learning_move_no_facts_and_so_encode_nothing_again():
    plain = facts_of()
    for settings in ({"loss": "focal"}, {"optimizer": "sgd"}, {"learning_rate": 0.5}):
        assert facts_of(settings=settings) == plain
    assert facts_of(settings={"augment": "flip"})["data"] == plain["data"]
    assert facts_of(settings={"network": "listing"})["data"] == plain["data"]
    assert facts_of(settings={"image_size": 16})["data"] != plain["data"]


def test_rate_and_optimiser_reach_the_recipe(monkeypatch: pytest.MonkeyPatch):
    facts = facts_of()
    own = handed_over(facts, monkeypatch).recipe
    for name in ("sgd", "adamw", "muon"):
        recipe = handed_over(facts, monkeypatch, optimizer=name, learning_rate=0.25).recipe
        assert (recipe.optimizer, recipe.learning_rate) == (name, 0.25)
        assert handed_over(facts, monkeypatch, optimizer=name).recipe.learning_rate != 0.25
    assert handed_over(facts, monkeypatch, optimizer=own.optimizer).recipe == own


@pytest.mark.parametrize(
    "settings, look, changes",
    [
        ({}, {"channels": 1}, "shift"),
        ({}, {"channels": 3}, "shift,flip"),
        ({}, {"channels": 3, "sides": [(90, 120)]}, "crop,flip,colour"),
        ({"network": "listing"}, {"channels": 3, "sides": [(90, 120)]}, "shift,flip"),
        ({"augment": "none"}, {"channels": 3}, "none"),
        ({"augment": "shift"}, {"channels": 3}, "shift"),
        ({"augment": "colour, flip"}, {"channels": 1}, "flip,colour"),
    ],
)
def test_pictures_are_changed_as_suits_them_unless_told(
    settings: dict[str, str], look: dict[str, Any], changes: str
):
    assert facts_of(settings=settings, **look)["net"]["augment"] == changes


@pytest.mark.parametrize(
    "names", ["A B C", "turn_left turn_right ahead", "左 右", "arrow-Left up", "大 小 人"]
)
def test_classes_that_read_one_way_are_not_mirrored(names: str):
    counts = {name: 8 for name in names.split()}
    assert facts_of(counts, channels=3)["net"]["augment"] == "shift"
    told = facts_of(counts, {"augment": "flip"}, channels=3)
    assert told["net"]["augment"] == "flip", "the person knows better"


@pytest.mark.parametrize(
    "sides, wanted, found",
    [
        ([(28, 28)], 0, (28, 28)),
        ([(8, 8)], 0, (8, 8)),
        ([(1, 1)], 0, (1, 1)),
        ([(1000, 1000)], 0, (128, 128)),
        ([(1000, 1000)], 64, (64, 64)),
        ([(28, 28)], 32, (32, 32)),
        ([(28, 28)], 16, (16, 16)),
        ([(480, 640)], 64, (56, 72)),
        ([(640, 480)], 64, (72, 56)),
        ([(100, 1000)], 64, (48, 88)),
        ([(600, 640)], 0, (128, 128)),
        ([(40, 40), (60, 60), (50, 50)], 0, (48, 48)),
        ([(9, 11), (11, 9)], 0, (10, 10)),
    ],
)
def test_the_sides_are_chosen(sides: list[tuple[int, int]], wanted: int, found: tuple[int, int]):
    data = facts_of({"a": 6, "b": 6}, {"image_size": wanted}, sides=sides)["data"]
    assert (data["height"], data["width"]) == found


def test_classes_are_in_natural_order_and_answers_become_numbers():
    task = registry.find(TASK)
    facts = facts_of({"10": 3, "2": 4, "cat": 2})
    assert facts["truths"]["classes"] == ["2", "10", "cat"]
    assert facts["truths"]["counts"] == [4, 3, 2]
    table = pd.DataFrame({"label": ["cat", "2", "dog", "10"]})
    assert task.targets(table, facts)["label"].tolist() == [2, 0, -1, 1]
    several = pd.DataFrame({"labels": [("a", "c"), (), ("zebra", "b")]})
    assert task.targets(several, several_facts())["labels"].tolist() == [
        *([1, 0, 1], [0, 0, 0], [0, 1, 0])
    ]


# --- the network ---


def learnt(facts: Facts, steps: int = 2, **settings: Any) -> tuple[nn.Module, nn.Module]:
    """The network before and after some steps on noise."""
    task, parts = registry.find(TASK, **settings), noise(facts)
    torch.manual_seed(0)
    before = task.build(facts)
    torch.manual_seed(0)
    plan = Plan(facts=facts, device="cpu", epochs=steps, batch=16)
    return before, task.fit(task.build(facts), parts, plan).net


def assert_learnt(before: nn.Module, after: nn.Module) -> None:
    pairs = zip(before.parameters(), after.named_parameters(), strict=True)
    for old, (name, new) in pairs:
        assert torch.isfinite(new).all(), name
        assert not new.requires_grad or not torch.equal(old, new), f"{name} did not move"
    assert not after.training


@pytest.mark.parametrize(
    "size",
    ["tiny", "small", *(pytest.param(one, marks=pytest.mark.slow) for one in ("medium", "large"))],
)
def test_every_size_builds_and_learns(size: str):
    facts = facts_of(sides=[(12, 12)], settings={"size": size})
    before, after = learnt(facts, size=size)
    assert_learnt(before, after)


def test_sizes_are_sizes():
    def count(size: str) -> int:
        task = registry.find(TASK, size=size)
        return sum(p.numel() for p in task.build(facts_of(settings={"size": size})).parameters())

    counts = [count(size) for size in ("tiny", "small", "medium", "large")]
    assert counts == sorted(set(counts))


@pytest.mark.parametrize("network", ["fast", "listing", "residual", "conv8 relu globalmax"])
@pytest.mark.parametrize("optimizer", ["sgd", "adamw", "muon"])
def test_every_network_learns_by_every_optimiser(network: str, optimizer: str):
    settings = {"network": network, "size": "tiny", "optimizer": optimizer}
    facts = facts_of(settings=settings)
    before, after = learnt(facts, **settings)
    assert_learnt(before, after)


SIDES = [(1, 1, 1), (1, 20, 3), (2, 2, 1), (3, 5, 3), (8, 8, 1), (8, 8, 3), (17, 40, 1)]
SIDES += [(28, 28, 1), (32, 32, 3), (50, 31, 3), (64, 96, 1), (200, 200, 3)]
ANY_SIZE = [("fast", *sides) for sides in SIDES] + [("listing", *sides) for sides in SIDES[:-1]]


@pytest.mark.parametrize(
    "network, height, width, channels",
    [*ANY_SIZE, pytest.param("listing", 200, 200, 3, marks=pytest.mark.slow)],
)
def test_pictures_of_any_size_are_learnt(network: str, height: int, width: int, channels: int):
    settings = {"network": network, "size": "tiny", "optimizer": "sgd"}
    facts = facts_at(height, width, channels, settings)
    _, after = learnt(facts, steps=1, **settings)
    image = torch.from_numpy(np.asarray(noise(facts, 5).train["image"]))
    with torch.no_grad():
        chance = after(image)["probabilities"]
        as_floats = after(image.float())["probabilities"]
    assert chance.shape == (5, 3) and torch.isfinite(chance).all()
    torch.testing.assert_close(chance.sum(1), torch.ones(5))
    assert torch.equal(chance, as_floats), "floats from 0 to 255 are bytes too"


def test_a_picture_and_its_mirror_image_are_answered_alike():
    facts = facts_of(channels=3)
    _, net = learnt(facts, size="tiny")
    image = torch.from_numpy(np.asarray(noise(facts).train["image"]))
    with torch.no_grad():
        straight, mirrored = net(image), net(image.flip(2))
    torch.testing.assert_close(straight["probabilities"], mirrored["probabilities"])
    torch.testing.assert_close(straight["embedding"], mirrored["embedding"])
    assert not torch.equal(net.train().logits(image), net.logits(image.flip(2)))


# --- calibration and answers ---


@pytest.mark.parametrize("factor", [0.5, 1.0, 3.0])
def test_the_temperature_undoes_a_network_that_is_too_sure(
    monkeypatch: pytest.MonkeyPatch, factor: float
):
    """Answers drawn by the network's own chances, its logits then made `factor` times as large."""
    facts, random = facts_of(EVEN, channels=3), np.random.default_rng(0)
    rows = 3000
    logits = random.normal(0, 1.5, (rows, 3)).astype(np.float32)
    label = np.array([random.choice(3, p=chance / chance.sum()) for chance in softmax(logits)])

    class Sure(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.register_buffer("temperature", torch.ones(()))
            self.anchor = nn.Parameter(torch.zeros(()))

        def learn_statistics(self, image: Tensor) -> None:
            pass

        def logits(self, image: Tensor) -> Tensor:
            return image[:, 0, 0] * factor

    reserve = Columns({"image": logits[:, None, None], "label": label})
    monkeypatch.setattr(loop, "fit", lambda net, *rest: Fitted(net))
    parts = Parts(reserve, reserve, reserve)
    fitted = registry.find(TASK, augment="none").fit(Sure(), parts, Plan(facts=facts, device="cpu"))
    temperature = fitted.facts["temperature"]
    assert temperature == pytest.approx(factor, rel=0.12)
    assert float(fitted.net.temperature) == pytest.approx(temperature, abs=1e-3)


def test_the_temperature_divides_the_logits():
    facts = facts_of()
    _, net = learnt(facts, size="tiny")
    image = torch.from_numpy(np.asarray(noise(facts).train["image"]))
    net.temperature.fill_(2.5)
    with torch.no_grad():
        wanted = (net.logits(image) / 2.5).softmax(1)
        torch.testing.assert_close(net(image)["probabilities"], wanted)


def test_answers_are_whole_distributions_best_first():
    task, facts = registry.find(TASK), facts_of(EVEN)
    outputs = {"probabilities": np.array([[0.2, 0.7, 0.1], [0.4, 0.2, 0.4]], np.float32)}
    first, second = task.decode(outputs, facts, LABEL.options())
    assert isinstance(first, Label) and first.label == "b" and first.probability == 0.7
    assert list(first.probabilities.items()) == [("b", 0.7), ("a", 0.2), ("c", 0.1)]
    assert list(second.probabilities) == ["a", "c", "b"], "of equals the first comes first"
    short = task.decode(outputs, facts, LABEL.options(top=1))
    assert [list(one.probabilities) for one in short] == [["b"], ["a"]]


@pytest.mark.parametrize("threshold, said", [(0.5, ("b",)), (0.2, ("b", "a")), (0.9, ())])
def test_of_several_classes_those_above_the_threshold_are_said(
    threshold: float, said: tuple[str, ...]
):
    task = registry.find(TASK)
    outputs = {"probabilities": np.array([[0.25, 0.75, 0.1]], np.float32)}
    (answer,) = task.decode(outputs, several_facts(), LABELS.options(threshold=threshold))
    assert isinstance(answer, Labels) and answer.labels == said
    assert list(answer.probabilities) == ["b", "a", "c"]


# --- end to end ---


@pytest.mark.slow
def test_it_learns_shapes_that_no_mean_tells_apart(tmp_path: Path):
    """Three shapes in changing place, size, turn and colour, on rows never seen."""
    each = {"train": 40, "valid": 12, "test": 40}
    data = worlds.shapes(tmp_path / "data", 9, each, side=32, colour=True)
    run = tenfold.train(
        TASK, data, out=tmp_path / "run", size="tiny", epochs=25, batch=30, device="cpu"
    )
    score = run.scores["scores"]["accuracy"]
    centroid = run.scores["baselines"]["nearest centroid"]["accuracy"]
    assert score["low"] > 0.8 and score["low"] > centroid + 0.05 > score["baseline"]
    assert run.scores["rows"] == {"train": 120, "valid": 36, "test": 120, "quarantined": 0}


def several_world(folder: Path) -> Path:
    """A manifest of pictures that show a circle, a cross, both or none."""
    random, lines = np.random.default_rng(5), ["path,label,split"]
    for number in range(150):
        names = [name for name in ("circle", "cross") if random.random() < 0.5]
        canvas = random.normal(210, 8, (24, 48)).clip(0, 255).astype(np.uint8)
        for place, name in enumerate(("circle", "cross")):
            if name in names:
                canvas[:, 24 * place : 24 * place + 24] = worlds.shape(name, random)
        part = ("train", "train", "train", "valid", "test")[number % 5]
        path = folder / f"{number}.png"
        folder.mkdir(exist_ok=True)
        worlds.Image.fromarray(canvas).save(path)
        lines.append(f"{path.name},{'|'.join(names) or '|'},{part}")
    (folder / "labels.csv").write_text("\n".join(lines))
    return folder


def test_several_labels_end_to_end(tmp_path: Path):
    data = several_world(tmp_path / "data")
    settings = {"size": "tiny", "augment": "none", "epochs": 12, "batch": 15, "device": "cpu"}
    run = tenfold.train(TASK, data, out=tmp_path / "run", **settings)
    score = run.scores["scores"]["micro_f1"]
    assert run.scores["headline"] == "micro_f1" and score["low"] > score["baseline"]
    answers = [one.answer for one in tenfold.predict(run, data)]
    assert all(isinstance(answer, Labels) for answer in answers)
    assert {len(answer.labels) for answer in answers} == {0, 1, 2}
    opened = tenfold.open_run(tmp_path / "run", "cpu")
    assert [one.answer for one in tenfold.predict(opened, data)] == answers
    everything = tenfold.predict(opened, data, threshold=0.0)
    assert all(len(one.answer.labels) == 2 for one in everything)
    json.dumps([one.to_json() for one in tenfold.predict(opened, data)], allow_nan=False)


def test_weights_of_rows_go_from_the_manifest_to_the_loss(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Rows of weight 0 might as well not be there."""
    data = worlds.shapes(tmp_path / "data", 2, {"train": 6, "valid": 3, "test": 3})
    paths = sorted(path.relative_to(data) for path in data.rglob("*.png"))
    lines = ["path,label,split,weight"]
    lines += [f"{p},{p.parts[1]},{p.parts[0]},{i % 3 * 0.5}" for i, p in enumerate(paths)]
    (data / "labels.csv").write_text("\n".join(lines))
    task = registry.find(TASK, size="tiny")
    prepared = prepare(task, data / "labels.csv")
    weight = np.asarray(prepared.parts.train["weight"])
    assert weight.dtype == np.float32 and set(weight.tolist()) == {0.0, 0.5, 1.0}
    call = handed_over(prepared.facts, monkeypatch)
    every = prepared.parts.train
    kept = every.view(np.flatnonzero(weight > 0))
    call.net.eval()
    with torch.no_grad():
        values = [
            call.loss(call.net, tensors(part.take(np.arange(part.rows)), HERE))
            for part in (every, kept)
        ]
    assert kept.rows < every.rows
    torch.testing.assert_close(values[0], values[1])


def test_mixed_sizes_and_colours_become_one(tmp_path: Path):
    """Grey and coloured pictures of changing size are stored alike; what fails is reported."""
    data = worlds.shapes(tmp_path / "data", 2, {"train": 3}, side=40)
    worlds.shapes(tmp_path / "more", 3, {"train": 3}, side=60, colour=True)
    for number, path in enumerate(sorted((tmp_path / "more").rglob("*.png"))):
        path.rename(data / "train" / path.parent.name / f"more{number}.png")
    task = registry.find(TASK)
    rows = task.read(data)
    table = scan(rows.table, {"image": IMAGE})
    facts = task.learn(rows.with_table(table))
    assert facts["data"] == {"height": 48, "width": 48, "channels": 3, "masked": False}
    (data / "train" / "circle" / "000.png").write_bytes(b"gone")
    encoded = task.encode(table, facts)
    assert encoded.columns["image"].shape == (18, 48, 48, 3)
    assert len(encoded.problems) == 1 and not encoded.columns["image"][[*encoded.problems]].any()
    spread = encoded.columns["image"].astype(int).max((1, 2, 3)) > 0
    assert spread.sum() == 17


# --- networks that do not take every side ---


@pytest.mark.parametrize("augment", ["auto", "crop,flip", "none"])
@pytest.mark.parametrize(
    "line",
    [
        "3x(conv8:valid maxpool2 relu) globalaverage",
        "conv8 relu maxpool2 flatten",
        "view24 conv8 relu globalmax",
        "conv8:stride2 relu globalaverage",
        "dropout0.1 flatten",
    ],
)
def test_a_network_is_only_shown_pictures_that_it_takes(line: str, augment: str):
    """At every stage of growing pictures and of crops, and when it answers."""
    settings = {"network": line, "augment": augment}
    facts = facts_at(32, 40, 3, settings)
    before, after = learnt(facts, steps=4, **settings)
    assert_learnt(before, after)
    image = torch.from_numpy(np.asarray(noise(facts, 3).train["image"]))
    with torch.no_grad():
        assert after(image)["probabilities"].shape == (3, 3)


@pytest.mark.parametrize(
    "network, said",
    [
        ("fats", "Did you mean 'fast'"),
        ("conv0 flatten", "Layer 1 'conv0'"),
        ("", "description is empty"),
    ],
)
def test_a_network_that_cannot_be_is_refused(network: str, said: str):
    with pytest.raises(tenfold.TenfoldError) as caught:
        registry.find(TASK, network=network)
    assert said in str(caught.value)
