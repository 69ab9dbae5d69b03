"""Run folders and exports of earlier versions open for ever, and predict what they predicted."""

from pathlib import Path

import pytest
from stored import STORED, answers, unpacked

import tenfold
from tenfold.core.results import SCHEMA
from worlds import WORLDS

TASKS = sorted(path.stem for path in STORED.glob("*.zip"))


def close(value):
    """The same with room for the last bits of another processor."""
    if isinstance(value, dict):
        return {name: close(one) for name, one in value.items()}
    if isinstance(value, list):
        return [close(one) for one in value]
    return pytest.approx(value, abs=1e-4) if isinstance(value, float) else value


def test_the_first_tasks_are_there():
    """When the schema is raised, these stay, and a folder for the new one is added."""
    assert SCHEMA == 1
    first = "image-classification recommendation text-classification token-classification"
    assert set(first.split()) <= set(TASKS) <= set(WORLDS)


@pytest.mark.parametrize("task", TASKS)
def test_a_run_of_schema_1_predicts_as_it_did(task: str, tmp_path: Path):
    run, expected = unpacked(task, tmp_path)
    handed = WORLDS[task].hand_over(WORLDS[task].make(tmp_path / "data", 3))
    assert answers(task, run, handed) == close(expected)
    assert answers(task, run / "export", handed) == close(expected)
    scores = tenfold.open_run(run).scores
    assert scores["schema"] == 1 and scores["task"] == task and scores["protocol"]
