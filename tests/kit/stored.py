"""Runs of schema 1 that are kept for ever: how they were made, and how a test opens them.

    PYTHONPATH=. python tests/kit/stored.py FOLDER [TASK ...]

writes TASK.zip for each task: a run folder without its report, an export inside of it, and
`answers.json`, what both predicted for the input of the task's world. A task that is added
later gets its zip when it is added. The zips that are there are never written again.
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import tenfold
from worlds import WORLDS

STORED = Path(__file__).resolve().parents[1] / "run" / "stored" / "schema-1"
SMALLEST: dict[str, dict[str, Any]] = {
    "image-classification": {"network": "conv4 maxpool4 relu globalaverage", "epochs": 3},
    "text-classification": {"model": "naive-bayes", "size": "tiny"},
    "token-classification": {"model": "linear", "size": "tiny"},
    "recommendation": {"model": "ease"},
}
"""Settings of the smallest run of each task."""
OPTIONS: dict[str, dict[str, Any]] = {"recommendation": {"top": 4}}
"""Options of predict: items of equal scores further down may change places."""


def make(task: str, out: Path) -> Path:
    """The zip of a task."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        world = WORLDS[task]
        data = world.make(home / "data", 3)
        settings = SMALLEST.get(task, world.settings | world.plan)
        run = tenfold.train(task, data, out=home / task, device="cpu", seed=3, **settings)
        tenfold.export(run)
        (home / task / "report.html").unlink()
        shutil.rmtree(home / task / "checkpoints", ignore_errors=True)
        return _packed(
            home / task, answers(task, home / task, world.hand_over(data)), out / f"{task}.zip"
        )


def _packed(run: Path, expected: list[dict[str, Any]], path: Path) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for file in sorted(run.rglob("*")):
            if file.is_file() and file.name != ".lock":
                archive.write(file, file.relative_to(run.parent))
        archive.writestr("answers.json", json.dumps(expected, ensure_ascii=False, indent=1))
    return path


def answers(task: str, run: Path, handed: Any) -> list[dict[str, Any]]:
    """What a run predicts, without the names of the inputs."""
    predictions = tenfold.predict(run, handed, **OPTIONS.get(task, {}))
    found = json.loads(json.dumps([one.to_json() for one in predictions]))
    return [{name: value for name, value in one.items() if name != "source"} for one in found]


def unpacked(task: str, folder: Path) -> tuple[Path, list[dict[str, Any]]]:
    """The run folder of a stored run, and what it predicted when it was made."""
    with zipfile.ZipFile(STORED / f"{task}.zip") as archive:
        archive.extractall(folder)
    return folder / task, json.loads((folder / "answers.json").read_text("utf-8"))


if __name__ == "__main__":
    place = Path(sys.argv[1])
    place.mkdir(parents=True, exist_ok=True)
    for name in sys.argv[2:] or WORLDS:
        print(make(name, place))
