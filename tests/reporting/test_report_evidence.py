"""What the report adds to the scores: calibration, few examples, ablations, cost, layers, card."""

import dataclasses
import itertools
import json
import re
import shlex
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import log_loss

from tenfold.answers import calibration
from tenfold.answers.kind import unit_keys
from tenfold.answers.label import LABEL, Label
from tenfold.answers.labels import LABELS, Labels
from tenfold.core.columns import Columns
from tenfold.core.rows import Judged, Rows
from tenfold.data import splits
from tenfold.reporting import provenance, words, write
from tenfold.run import evaluate
from tenfold.run.evaluate import again
from tenfold.run.rows import rows_of
from tenfold.run.run import open_run
from tenfold.tasks.image_classification import ImageClassification
from tenfold.verbs.report import report
from tenfold.verbs.train import train

TASK = "image-classification"
QUICK = {"size": "tiny", "batch": 16, "augment": "none"}


# --- the temperature undone ---


def softmax(logits: np.ndarray) -> np.ndarray:
    weights = np.exp(logits - logits.max(1, keepdims=True))
    return weights / weights.sum(1, keepdims=True)


@pytest.mark.parametrize("temperature", [0.3, 1.0, 2.5])
def test_a_temperature_is_undone(temperature):
    logits = np.random.default_rng(0).normal(0, 3, (50, 7))
    divided = softmax(logits / temperature)
    assert np.allclose(calibration.undone(divided, temperature, True), softmax(logits))
    chances = 1 / (1 + np.exp(-logits / temperature))
    assert np.allclose(calibration.undone(chances, temperature, False), 1 / (1 + np.exp(-logits)))


def test_certain_and_impossible_answers_stay_so():
    sure = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 0.0], [0.5, 0.5, 0.0]])
    for temperature in (0.2, 5.0):
        assert np.array_equal(calibration.undone(sure, temperature, True), sure)
        assert np.allclose(calibration.undone(sure, temperature, False), sure)


def vain(rows: int = 3000) -> tuple[list[Label], pd.DataFrame, np.ndarray]:
    """Honest answers, divided by a temperature of a half: too sure of themselves."""
    random = np.random.default_rng(0)
    logits = random.normal(0, 1.5, (rows, 3))
    truth = [random.choice(3, p=row) for row in softmax(logits)]
    chances = softmax(logits / 0.5)
    names = list("abc")
    answers = [Label(names[r.argmax()], dict(zip(names, map(float, r), strict=True)))
               for r in chances]  # fmt: skip
    return answers, pd.DataFrame({"label": [names[n] for n in truth]}), logits


def test_certainty_before_and_after():
    answers, table, logits = vain()
    after = LABEL.calibration(answers, table, lambda chances: chances)
    before = LABEL.calibration(answers, table, lambda p: calibration.undone(p, 0.5, True))
    metrics = LABEL.score(answers, table, table).metrics
    assert after["ece"] == pytest.approx(metrics["ece"].value, abs=1e-6)
    assert after["log_loss"] == pytest.approx(metrics["log_loss"].value, abs=1e-6)
    truth = ["abc".index(name) for name in table["label"]]
    assert before["log_loss"] == pytest.approx(log_loss(truth, softmax(logits)), abs=1e-4)
    assert before["ece"] < 0.03 < 0.08 < after["ece"]
    assert sum(rows for *_, rows in before["reliability"]) == len(table)


def test_certainty_of_many_classes_counts_every_decision():
    answers = [Labels(("a",), {"a": 0.9, "b": 0.2}), Labels((), {"a": 0.4, "b": 0.1})]
    table = pd.DataFrame({"labels": pd.Series([("a",), ("b",)], dtype=object)})
    found = LABELS.calibration(answers, table, lambda chances: chances)
    assert sum(rows for *_, rows in found["reliability"]) == 4
    expected = -np.log([0.9, 0.8, 0.6, 0.1]).mean()
    assert found["log_loss"] == pytest.approx(expected, abs=1e-6)


# --- few examples ---


def judged_by(train: pd.DataFrame, test: pd.DataFrame) -> Judged:
    return Judged(Rows(test), Columns({"x": np.zeros(len(test))}), train)


def test_classes_are_grouped_by_their_training_rows():
    train = pd.DataFrame({"label": ["a"] * 10 + ["b"] * 11 + ["c"] * 100 + ["d"] * 101 + ["e"]})
    rows = [("a", 4, 2), ("b", 3, 3), ("c", 10, 8), ("d", 20, 18)]  # class, test rows, right
    truth = [name for name, count, _ in rows for _ in range(count)]
    said = [name if n < hits else "e" for name, count, hits in rows for n in range(count)]
    answers = [Label(name, {one: 0.9 if one == name else 0.1 for one in "abcde"}) for name in said]
    judged = judged_by(train, pd.DataFrame({"label": truth}))
    found = evaluate._by_examples(LABEL, answers, judged)
    assert [
        (one["least"], one["most"], one["classes"], one["rows"], one["value"]) for one in found
    ] == [
        (0, 10, 1, 4, 0.5),
        (11, 30, 1, 3, 1.0),
        (31, 100, 1, 10, 0.8),
        (101, None, 1, 20, 0.9),
    ]
    assert all(one["low"] < one["value"] or one["value"] == 0 for one in found)
    assert evaluate._by_examples(LABEL, [], judged_by(train, pd.DataFrame({"label": []}))) == []
    several = pd.DataFrame({"labels": [("a", "b"), ("b",)]})
    both = [Labels(names, dict.fromkeys("ab", 0.5)) for names in several["labels"]]
    assert [
        (one["classes"], one["rows"])
        for one in evaluate._by_examples(LABELS, both, judged_by(several, several))
    ] == [(2, 3)]


# --- a real run ---


def table(rows: int = 90, classes: int = 3) -> pd.DataFrame:
    """Noise, the lighter the higher its class; class 0 has few rows."""
    random = np.random.default_rng(0)
    labels = [0 if n % 15 == 0 else 1 + n % (classes - 1) for n in range(rows)]
    pictures = [random.integers(0, 80 + 80 * n, (12, 12, 3), np.uint8) for n in labels]
    return pd.DataFrame({"image": pictures, "label": [f"class {n}" for n in labels]})


def darker(batch: dict) -> dict:
    return batch | {"image": np.zeros_like(batch["image"])}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run of a task that says what can be taken away of a picture."""
    with pytest.MonkeyPatch.context() as patch:
        parts = {"<all> light": darker, "nothing": dict}
        patch.setattr(ImageClassification, "ablations", lambda self, facts: parts)
        out = tmp_path_factory.mktemp("evidence") / "run"
        return train(TASK, table(), out=out, epochs=8, **QUICK)


@pytest.fixture(scope="module")
def page(run) -> str:
    return (run.folder / "report.html").read_text("utf-8")


def test_calibration_is_told_before_and_after(run, page):
    found = run.scores["calibration"]
    assert found["temperature"] == run.facts["fitted"]["temperature"]
    valid = pd.DataFrame([row for row in rows_of(run) if row["split"] == "valid"])
    assert found["rows"] == splits.reserved(unit_keys(valid), 0).sum() > 0
    assert found["after"]["ece"] == run.scores["scores"]["ece"]["value"]
    assert found["before"] != found["after"]
    section = re.search(r'<section id="calibration">.*?</section>', page, re.S)[0]
    for key in ("before", "after"):
        assert words.share(found[key]["ece"]) in section
        assert words.number(found[key]["log_loss"]) in section
    assert "before calibration" in section and "reserved for calibration" in section
    assert f"({words.plural(found['rows'], 'row')})" in section


def test_parts_that_are_taken_away_are_scored(run, page):
    found = run.scores["ablations"]
    value = run.scores["scores"]["accuracy"]["value"]
    assert found["nothing"]["accuracy"] == value
    assert found["<all> light"]["accuracy"] < value
    assert set(found["nothing"]) == set(run.scores["scores"])
    section = re.search(r'<section id="scores">.*?</section>', page, re.S)[0]
    assert "Ablation" in section and "&lt;all&gt; light" in section
    assert words.metric("accuracy").gap(value - found["<all> light"]["accuracy"]) in section
    assert "<all>" not in page


def test_an_application_takes_nothing_away_unless_it_says_so(run):
    assert run.task.ablations(run.facts) == {}


def test_few_examples_have_their_table(run, page):
    groups = run.scores["by_examples"]
    assert groups[0]["most"] == 10 and groups[0]["classes"] == 1
    assert "Classes with few examples" in page and "up to 10" in page
    assert sum(group["rows"] for group in groups) == run.scores["rows"]["test"]


def test_cost_and_layers(run, page):
    cost, layers = run.scores["cost"], run.scores["layers"]
    assert cost["parameters"] == sum(one.numel() for one in run.net.parameters())
    assert cost["parameters"] == sum(one["parameters"] for one in layers)
    assert cost["flops_a_row"] == sum(one["flops"] for one in layers) > 0
    assert cost["weights"] == (run.folder / "weights.safetensors").stat().st_size
    assert cost["milliseconds_a_row"] > 0 and cost["memory"] > 1e7
    section = re.search(r'<section id="network">.*?</section>', page, re.S)[0]
    assert section.count("<tr") == len(layers) + 2
    assert f"{cost['flops_a_row']:,}" in section and f"{cost['parameters']:,}" in section


def test_the_card_says_what_it_is_for_and_what_not(run, page):
    found = report(run.folder)["card"]
    parts = {part: run.scores["rows"][part] for part in ("train", "valid", "test")}
    assert {part: found["learnt_from"][part] for part in parts} == parts
    assert sum(found["learnt_from"]["classes"].values()) == parts["train"]
    assert found["tested"]["protocol"] == run.scores["protocol"]
    assert found["tested"]["value"] == run.scores["scores"]["accuracy"]["value"]
    assert found["made"]["tenfold"] and re.fullmatch(r"\d{4}-.* UTC", found["made"]["time"])
    few = [text for text in found["limits"] if "at most 10 training rows" in text]
    assert len(few) == 1 and few[0].startswith("1 class ")
    assert any("Fairness" in text for text in found["limits"])
    for text in (found["use"], *found["not_for"], *found["limits"]):
        assert text in page, "the page says the same"


def test_scores_of_an_earlier_version_still_make_a_report(run, tmp_path):
    """Run folders keep working: what they do not know is left out, or judged again."""
    new = "calibration by_examples ablations layers cost environment".split()
    old = {key: value for key, value in run.scores.items() if key not in new}
    older = dataclasses.replace(run, scores=old)
    page = write(older, None, tmp_path / "old.html").read_text("utf-8")
    for title in ("Scores", "Classes", "Calibration", "Model card", "Training details"):
        assert f"<h2>{title}</h2>" in page
    assert "<h2>Network</h2>" not in page and "before calibration" not in page


def test_other_data_have_their_own_calibration(run, tmp_path):
    found, _ = again(run, table(30).iloc[5:])
    document = evaluate.scored(run, found)
    assert document["calibration"]["rows"] == run.scores["calibration"]["rows"]
    assert sum(n for *_, n in document["calibration"]["after"]["reliability"]) == len(found.table)
    report(run, table(30), out=tmp_path / "other.html")
    text = (tmp_path / "other.html").read_text("utf-8")
    assert "Ablation" not in text, "that was of other rows"
    assert open_run(run.folder, "cpu").scores["ablations"], "the run keeps its own"


# --- paper ---


def test_a_page_prints_whole(page):
    style = re.search(r"<style>(.*?)</style>", page, re.S)[1]
    paper = style[style.index("@media print") :]
    for rule in ("@page", "break-inside: avoid", "nav { display: none; }", "overflow: visible"):
        assert rule in paper


# --- how it is made again ---


def command_of(run, fitted: dict, minutes: float | None = None) -> str:
    """The command line of a run that had come to these decisions."""
    plan_file = run.folder / "plan.json"
    before = plan_file.read_text()
    told = json.loads(before)
    told["plan"] |= {"minutes": minutes, "epochs": None if minutes else told["plan"]["epochs"]}
    try:
        plan_file.write_text(json.dumps(told))
        facts = run.facts | {"fitted": run.facts["fitted"] | fitted}
        return provenance.command(replace(run, facts=facts), None)
    finally:
        plan_file.write_text(before)


def test_minutes_become_epochs_unless_learning_ended_early(run):
    said = command_of(run, {"epochs": 12.5}, minutes=3.0)
    assert "--epochs 12.5" in said and "--minutes" not in said
    early = command_of(run, {"epochs": 12.5, "ended_early": 40}, minutes=3.0)
    assert "--minutes 3.0" in early and "--epochs" not in early


def test_what_was_chosen_by_trials_is_told_as_a_setting(run):
    tried = {"validation_scores": {"shift": 0.5, "shift,cutout": 0.4}, "augment": "shift,cutout"}
    assert "--augment shift,cutout" in command_of(run, tried, minutes=3.0)
    rows = provenance.plan(replace(run, facts=run.facts | {"fitted": run.facts["fitted"] | tried}))
    assert ("validation scores of the candidates", "shift 0.500, shift,cutout 0.400") in rows


def test_the_command_gives_the_roles_of_columns_again(run):
    reading = {"target": "kind of leaf", "weight": "area", "by": ["site", "year"], "split": "none"}
    facts = run.facts | {"reading": reading | {"found": {"group": "plot"}}}
    words = shlex.split(provenance.command(replace(run, facts=facts), None))
    pairs = list(itertools.pairwise(words))
    for pair in ("target", "kind of leaf"), ("weight", "area"), ("by", "site"), ("by", "year"):
        assert (f"--{pair[0]}", pair[1]) in pairs
    assert ("--split", "none") in pairs and "--group" not in words and "--found" not in words
