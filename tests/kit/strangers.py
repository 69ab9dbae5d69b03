"""A copy of a run in a stranger's hands: what he can make of it, and how it is refused."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from subjects import BY_STEPS, Subject, trained

from tenfold.core.errors import ArtefactRefused
from tenfold.core.results import SCHEMA
from tenfold.run import manifest
from tenfold.run.run import open_run


@pytest.fixture(scope="module")
def subject(tmp_path_factory: pytest.TempPathFactory) -> Subject:
    return trained(BY_STEPS, tmp_path_factory)


@pytest.fixture
def folder(subject: Subject, tmp_path: Path) -> Path:
    return shutil.copytree(subject.run.folder, tmp_path / "run")


def refused(folder: Path, code: str = "", words: str = "") -> ArtefactRefused:
    """The refusal of a run: one sentence that says what, where, and what to do."""
    with pytest.raises(ArtefactRefused, match=words) as found:
        open_run(folder, "cpu")
    error = found.value
    assert error.code == code if code else error.code.startswith("run-")
    assert error.exit_code == 6 and error.message.values["reason"]
    assert error.where == str(folder) and error.fix
    return error


def sealed_again(folder: Path) -> None:
    """A stranger's own manifest, which agrees with what he changed."""
    files = json.loads((folder / "manifest.json").read_text())["files"]
    facts = {name: manifest.facts_of(folder / name) for name in files if (folder / name).is_file()}
    write(folder / "manifest.json", {"schema": SCHEMA, "files": facts})


def write(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value))
