"""A search for settings that several tests ask about: its data, how it is made, what it came to."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from sharing import once

import tenfold
import worlds

TASK = "image-classification"
TOLD = {"size": "tiny", "network": "fast", "epochs": 10, "batch": 24, "device": "cpu"}
COUNT, FEW = 8, 3


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Given parts; those of the test part are all that a later test changes."""
    each = {"train": 20, "valid": 16, "test": 12}
    made = once(tmp_path_factory, "tune", lambda place: worlds.shapes(place / "data", 3, each))
    return made / "data"


def tune(data: Any, out: Path | None = None, **more: Any):
    return tenfold.tune(TASK, data, out=out, **({"trials": COUNT} | TOLD | more))


@pytest.fixture(scope="module")
def done(data: Path, tmp_path_factory: pytest.TempPathFactory):
    return _finished(data, tmp_path_factory, COUNT)


@pytest.fixture(scope="module")
def short(data: Path, tmp_path_factory: pytest.TempPathFactory):
    """A search of few trials, to be compared with another one."""
    return _finished(data, tmp_path_factory, FEW)


def _finished(data: Path, folders: pytest.TempPathFactory, trials: int):
    """A search that is made once for all tests, and copied to a folder of the caller's own."""
    name = f"search-{trials}"
    home = once(folders, name, lambda place: tune(data, place / "search", trials=trials))
    out = shutil.copytree(home / "search", folders.mktemp(name) / "search")
    stored = (out / "tune.json").read_text()
    (out / "tune.json").write_text(stored.replace(str(home / "search"), str(out)))
    return tune(data, out, trials=trials)


def came_to(document: Any) -> dict[str, Any]:
    """All that a search came to but time and place."""
    rows = [{**one, "seconds": 0, "run": ""} for one in document["trials"]]
    names = ("winner", "selected", "gain", "verdict", "scores")
    return {name: document[name] for name in names} | {"trials": rows}


def weights(folder: Path) -> dict[str, bytes]:
    """Of every run of a search."""
    return {path.parent.name: path.read_bytes() for path in folder.glob("*/weights.safetensors")}
