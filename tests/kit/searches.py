"""A search for settings that several tests ask about: its data, how it is made, what it came to."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import tenfold
import worlds

TASK = "image-classification"
TOLD = {"size": "tiny", "network": "fast", "epochs": 10, "batch": 24, "device": "cpu"}
COUNT = 8


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Given parts; those of the test part are all that a later test changes."""
    folder = tmp_path_factory.mktemp("tune") / "data"
    return worlds.shapes(folder, 3, {"train": 20, "valid": 16, "test": 12})


def tune(data: Any, out: Path | None = None, **more: Any):
    return tenfold.tune(TASK, data, out=out, **({"trials": COUNT} | TOLD | more))


@pytest.fixture(scope="module")
def done(data: Path, tmp_path_factory: pytest.TempPathFactory):
    return tune(data, tmp_path_factory.mktemp("done") / "search")


def came_to(document: Any) -> dict[str, Any]:
    """All that a search came to but time and place."""
    rows = [{**one, "seconds": 0, "run": ""} for one in document["trials"]]
    names = ("winner", "selected", "gain", "verdict", "scores")
    return {name: document[name] for name in names} | {"trials": rows}


def weights(folder: Path) -> dict[str, bytes]:
    """Of every run of a search."""
    return {path.parent.name: path.read_bytes() for path in folder.glob("*/weights.safetensors")}
