"""Exported runs, and what a stranger can make of an exported folder."""

from __future__ import annotations

import dataclasses
import json
import shutil
from pathlib import Path

import pytest
from sharing import keep_the_table_of_operators, once
from subjects import Subject, trained

import tenfold
from tenfold.core.errors import ArtefactRefused, TenfoldError
from tenfold.run import manifest
from tenfold.run.folder import EXPORTED
from tenfold.run.run import open_run


def copied(task: str, tmp_path_factory: pytest.TempPathFactory) -> Subject:
    """A copy of a trained run with its export, as tests add to it, where its data still lie."""
    own, home = trained(task, tmp_path_factory), exported(task, tmp_path_factory)
    folder = shutil.copytree(home / "run", tmp_path_factory.mktemp("export") / "run")
    return dataclasses.replace(own, run=open_run(folder, "cpu"))


def exported(task: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`run` with an export in it, and `document.json`, what the verb told; once for all tests."""
    own = trained(task, tmp_path_factory)
    keep_the_table_of_operators()

    def make(place: Path) -> None:
        run = open_run(shutil.copytree(own.run.folder, place / "run"), "cpu")
        told = tenfold.export(run, own.data)
        (place / "document.json").write_text(json.dumps(told.to_json()))

    return once(tmp_path_factory, f"{task}-exported", make)


def refusal(folder: Path) -> TenfoldError:
    with pytest.raises(ArtefactRefused) as found:
        open_run(folder)
    assert found.value.code.startswith("run-")
    assert found.value.exit_code == 6 and found.value.fix
    return found.value


def with_network(folder: Path, content: bytes) -> Path:
    """A stranger's network in a folder whose manifest agrees with it."""
    (folder / "net.onnx").write_bytes(content)
    manifest.seal(folder, EXPORTED)
    return folder
