"""Groups of tables: what must not change them, who is grouped, and what is refused."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import tenfold
from tenfold.answers.group import GROUP
from tenfold.answers.grouping.scores import adjusted_rand
from tenfold.core.errors import TenfoldError
from tenfold.core.plan import Plan
from tenfold.data.prepare import prepare
from tenfold.media.reading import Reading
from tenfold.tasks.registry import find
from tenfold.training.inference import by_torch

VARIETIES = ("kama", "rosa", "canadian")
GRAINS, EACH = 90, 30
Line = dict[str, Any]


def grains(rows: int = GRAINS) -> list[Line]:
    """Sorted by variety: a running number and the variety, two measurements and one without."""
    draw = np.random.default_rng(3)
    lines = []
    for row in range(rows):
        variety = row * len(VARIETIES) // rows
        length, ratio = 5 + variety + 0.1 * draw.normal(), 0.4 + 0.1 * (variety == 1)
        cells = {"length": length, "ratio": ratio + 0.01 * draw.normal()}
        cells["mass"] = 250_000 + 20_000 * draw.normal()
        lines.append({"grain_no": row + 1, **cells, "variety": VARIETIES[variety]})
    return lines


def write(path: Path, lines: list[Line]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, [*lines[0]])
        writer.writeheader()
        writer.writerows(lines)
    return path


def grouped(path: Path, target: str = "", seed: int = 0, **settings: Any) -> np.ndarray:
    """The group (N,) of each row, from 0."""
    task = find("clustering", **{"clusters": 3, "model": "kmeans", **settings})
    found = prepare(task, path, reading=Reading(target=target))
    assert found.quarantined == [] and found.judged == "train"
    plan = Plan(facts=found.facts, seed=seed, device="cpu")
    net = task.fit(task.build(found.facts), found.parts, plan).net
    return by_torch(net)(found.inputs("train"))["probabilities"].argmax(1)


def alike(one: np.ndarray, other: np.ndarray) -> float:
    """The adjusted Rand index of two partitions."""
    table = np.zeros((one.max() + 1, other.max() + 1))
    np.add.at(table, (one, other), 1)
    return adjusted_rand(table)


TRUE = np.repeat(np.arange(3), EACH)


@pytest.mark.parametrize("model", ["kmeans", "mixture", "graph"])
def test_label_number_unit_and_order_change_no_group(tmp_path: Path, model: str):
    lines = grains()
    whole = grouped(write(tmp_path / "whole.csv", lines), "variety", model=model)
    assert alike(whole, TRUE) == 1.0
    assert np.bincount(whole).tolist() == [EACH] * 3
    bare = [{name: line[name] for name in ("length", "ratio", "mass")} for line in lines]
    kilograms = [line | {"mass": line["mass"] / 1e6} for line in bare]
    order = np.random.default_rng(1).permutation(len(lines))
    shuffled = [lines[row] for row in order]
    for name, other in {"bare": bare, "kilograms": kilograms}.items():
        found = grouped(write(tmp_path / f"{name}.csv", other), model=model)
        assert found.tolist() == whole.tolist(), name
    found = grouped(write(tmp_path / "shuffled.csv", shuffled), "variety", model=model)
    assert found.tolist() == whole[order].tolist()
    again = grouped(tmp_path / "whole.csv", "variety", model=model)
    assert again.tolist() == whole.tolist()


def test_rows_with_missing_cells_are_grouped(tmp_path: Path):
    lines = grains()
    for row in range(0, GRAINS, 5):
        lines[row] = lines[row] | {"mass": "", **({"ratio": ""} if row % 2 else {})}
    lines[7] = dict.fromkeys(lines[7], "")
    found = grouped(write(tmp_path / "gaps.csv", lines), "variety")
    assert len(found) == GRAINS
    kept = np.arange(GRAINS) != 7
    assert alike(found[kept], TRUE[kept]) == 1.0


def test_categories_alone_are_grouped(tmp_path: Path):
    lines = [{"colour": "rb"[row % 2], "shape": "xy"[row % 2], "odd": "pqr"[row % 3]}
             for row in range(60)]  # fmt: skip
    found = grouped(write(tmp_path / "names.csv", lines), clusters=2)
    assert alike(found, np.arange(60) % 2) == 1.0


def test_the_number_of_groups_is_chosen(tmp_path: Path):
    path = write(tmp_path / "grains.csv", grains())
    task = find("clustering", model="auto")
    found = prepare(task, path, reading=Reading(target="variety"))
    plan = Plan(facts=found.facts, seed=0, device="cpu")
    fitted = task.fit(task.build(found.facts), found.parts, plan)
    assert {*fitted.candidates} | {fitted.facts["selected"]} == {"kmeans", "mixture", "graph"}
    curves = {name: fitted.facts[name]["curve"] for name in ("kmeans", "mixture", "graph")}
    best = {"silhouette": max, "bic": min, "eigengap": max}
    for name, curve in curves.items():
        assert curve["groups"] == [*range(2, 11)], name
        at = curve["values"].index(best[curve["criterion"]](curve["values"]))
        assert len(fitted.facts[name]["names"]) == curve["groups"][at], name
    scores = fitted.facts["validation_scores"]
    assert max(scores, key=scores.__getitem__) == fitted.facts["selected"]
    whole = task.build(found.facts | {"fitted": fitted.facts})
    whole.load_state_dict(fitted.net.state_dict())
    one, other = (by_torch(net)(found.inputs("train")) for net in (whole, fitted.net))
    torch.testing.assert_close(one, other, rtol=0, atol=0)


def test_impossible_groups_are_refused(tmp_path: Path):
    same = [{"length": 1, "colour": "red"}] * 8
    constant = [{"length": 1, "colour": "red", "number": row} for row in range(8)]
    few = [{"length": row % 2, "mass": row % 2 + 0.5} for row in range(8)]
    cases: list[tuple[list[Line], dict[str, Any], set[str]]] = [
        (same, {}, {"one-row", "no-columns"}),
        (constant, {}, {"one-row", "no-columns"}),
        (few, {"clusters": 3}, {"too-many-groups"}),
    ]
    for number, (lines, settings, codes) in enumerate(cases):
        path = write(tmp_path / f"{number}.csv", lines)
        with pytest.raises(TenfoldError) as refused:
            grouped(path, **settings)
        assert refused.value.code in codes and refused.value.fix, refused.value


def test_training_predicts_its_own_groups_and_refuses_held_out_parts(tmp_path: Path):
    path = write(tmp_path / "grains.csv", grains())
    settings = {"target": "variety", "clusters": 3, "model": "kmeans", "device": "cpu"}
    run = tenfold.train("clustering", path, out=tmp_path / "run", minutes=0.2, **settings)
    scores = run.to_json()["scores"]
    assert scores["ari"]["value"] == scores["nmi"]["value"] == 1.0
    bare = [{"mass": line["mass"], "ratio": line["ratio"], "length": line["length"]}
            for line in grains()]  # fmt: skip
    asked = tenfold.predict(tmp_path / "run", write(tmp_path / "bare.csv", bare))
    found = np.array([int(one.answer.group) - 1 for one in asked])
    assert found.tolist() == grouped(path, "variety").tolist()
    for flags in ({"refit": True}, {"folds": 2}):
        with pytest.raises(TenfoldError) as refused:
            tenfold.train("clustering", path, out=tmp_path / "no", **flags, **settings)
        assert refused.value.code == "bad-setting" and "--" in refused.value.fix


def test_the_report_shows_how_the_number_was_chosen():
    curve = {"criterion": "bic", "groups": [2, 3, 4], "values": [9.0, -2.0, 1.0]}
    given = {"criterion": "silhouette", "groups": [3], "values": [0.7]}
    fitted = {"mixture": {"names": ["a", "b", "c"], "curve": curve}, "selected": "mixture"}
    kmeans = {"names": ["", "", ""], "curve": given}
    (section,) = GROUP.choices({**fitted, "kmeans": kmeans})
    assert len(section.charts) == 1 and section.figures[0][0] == "mixture"
    assert GROUP.choices({"kmeans": kmeans}) == GROUP.choices({}) == []
