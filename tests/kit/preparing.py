"""Pictures and tables of them, read and prepared as `train` does, and what was found in them."""

from pathlib import Path

import pandas as pd
import pytest
from pictures_made import TASK, folder

from tenfold.data.prepare import Prepared, prepare
from tenfold.media.files import labelled
from tenfold.media.image.medium import IMAGE
from tenfold.tasks.registry import find


@pytest.fixture(autouse=True)
def fresh_cache(tmp_path, monkeypatch):
    """Every test begins with an empty cache."""
    monkeypatch.setenv("TENFOLD_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("TENFOLD_CACHE_BYTES", raising=False)
    return tmp_path / "cache"


@pytest.fixture
def photos(tmp_path) -> Path:
    return folder(tmp_path / "photos", 20)


def read(source) -> pd.DataFrame:
    return labelled.read(source, IMAGE).table


def ignored(source) -> list[str]:
    """Names in the source that are no data."""
    return labelled.read(source, IMAGE).ignored


def prepared(source, **settings) -> Prepared:
    return prepare(find(TASK), source, **settings)


def reasons(data: Prepared) -> dict[str, str]:
    return {one["source"]: one["code"] for one in data.quarantined}
