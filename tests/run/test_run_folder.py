"""A run folder from a stranger: what was not written by tenfold, whole and known, is refused."""

from __future__ import annotations

import json
import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from strangers import folder as folder
from strangers import refused, sealed_again, write
from strangers import subject as subject
from subjects import Subject

from tenfold.core.errors import ArtefactRefused, TenfoldError, UsageError
from tenfold.core.results import SCHEMA
from tenfold.run.folder import FILES
from tenfold.run.run import open_run
from tenfold.verbs.predict import predict


def changed(path: Path, **values: Any) -> None:
    """Other values in a JSON file."""
    write(path, json.loads(path.read_text()) | values)


# --- what tenfold wrote ---


def test_a_copy_of_a_run_is_a_run(subject: Subject, folder: Path):
    opened = open_run(folder, "cpu")
    table = subject.prepared.table(subject.part)
    assert opened.answers_of(table) == subject.run.answers_of(table)
    here = {"run": str(folder), "report": str(folder / "report.html")}
    assert opened.scores == subject.run.scores | here


def test_a_run_holds_no_path_of_the_machine_it_was_made_on(subject: Subject, folder: Path):
    """Neither where the data lay nor anything below it; scores and page may name the run itself."""
    for name in ("task.json", "facts.json", "plan.json", "rows.jsonl", "weights.safetensors"):
        assert str(subject.data).encode() not in (folder / name).read_bytes(), name


def test_a_half_written_file_of_a_killed_process_does_no_harm(subject: Subject, folder: Path):
    (folder / ".report.html.a1b2c3d4").write_text("<p>")
    assert open_run(folder, "cpu").task_name == subject.name


# --- changed by accident ---


WRITTEN = [name for name in FILES.sealed if name != "facts.safetensors"]
"""Files of a run without arrays in its facts."""


@pytest.mark.parametrize("name", WRITTEN)
@pytest.mark.parametrize("place", [0.0, 0.3, 1.0])
def test_a_changed_bit_is_refused(folder: Path, name: str, place: float):
    content = bytearray((folder / name).read_bytes()) or bytearray(b"x")
    content[int(place * (len(content) - 1))] ^= 1
    (folder / name).write_bytes(content)
    assert name in refused(folder, "run-changed").message


def test_any_changed_bit_of_the_manifest_is_refused(folder: Path):
    path = folder / "manifest.json"
    whole = path.read_bytes()
    for place in range(0, len(whole), 5):
        content = bytearray(whole)
        content[place] ^= 1
        path.write_bytes(content)
        refused(folder)


@pytest.mark.parametrize("name", WRITTEN)
def test_a_missing_file_is_refused(folder: Path, name: str):
    (folder / name).unlink()
    assert name in refused(folder, "run-missing").message


@pytest.mark.parametrize("name", WRITTEN)
def test_a_file_cut_short_is_refused(folder: Path, name: str):
    os.truncate(folder / name, max(0, (folder / name).stat().st_size - 1))
    if name != "quarantine.jsonl":  # it is empty
        assert name in refused(folder, "run-changed").message


def test_an_unfinished_run_says_how_to_go_on(folder: Path):
    (folder / "manifest.json").unlink()
    with pytest.raises(ArtefactRefused) as found:
        open_run(folder)
    assert (found.value.code, found.value.where) == ("unfinished-run", str(folder))
    assert found.value.exit_code == 6 and "same `tenfold train` command" in found.value.fix


@pytest.mark.parametrize("what", ["nothing", "a file", "an empty folder", "other files"])
def test_what_is_no_run_is_a_matter_of_usage(tmp_path: Path, what: str):
    place = tmp_path / "run"
    if what == "a file":
        place.write_text("x")
    elif what != "nothing":
        place.mkdir()
        (place / "letter.txt").write_text("x") if what == "other files" else None
    with pytest.raises(UsageError) as found:
        open_run(place)
    assert found.value.exit_code == 2 and found.value.code == "no-such-run"


# --- changed on purpose, with a manifest that agrees ---


def extra(folder: Path) -> None:
    (folder / "notes.txt").write_text("mine")


def hidden(folder: Path) -> None:
    (folder / ".weights.safetensors").write_text("mine")


def inner_folder(folder: Path) -> None:
    (folder / "more").mkdir()


def link(folder: Path) -> None:
    target = folder.with_name("elsewhere.json")
    (folder / "facts.json").rename(target)
    (folder / "facts.json").symlink_to(target)


def link_further_down(folder: Path) -> None:
    (folder / "export").mkdir()
    (folder / "export" / "net.onnx").symlink_to("/etc/hostname")


def newer(folder: Path) -> None:
    changed(folder / "manifest.json", schema=SCHEMA + 1)


def manifest_of(change: Callable[[dict[str, Any]], object]) -> Callable[[Path], None]:
    def alter(folder: Path) -> None:
        manifest = json.loads((folder / "manifest.json").read_text())
        change(manifest["files"])
        write(folder / "manifest.json", manifest)

    return alter


def folder_for_file(folder: Path) -> None:
    (folder / "log.jsonl").unlink()
    (folder / "log.jsonl").mkdir()


STRANGE: dict[str, tuple[Callable[[Path], Any], str, str]] = {
    "an extra file": (extra, "run-stranger", "'notes.txt'"),
    "a hidden file": (hidden, "run-stranger", r"'\.weights\.safetensors'"),
    "an extra folder": (inner_folder, "run-stranger", "'more'"),
    "a link": (link, "run-link", "'facts.json'"),
    "a link further down": (link_further_down, "run-link", "'net.onnx'"),
    "a newer schema": (newer, "run-newer", rf"schema {SCHEMA + 1}\b"),
    "a folder for a file": (folder_for_file, "run-missing", "log.jsonl"),
    "a manifest that names another file": (
        manifest_of(lambda files: files.update({"../x": files["task.json"]})),
        "run-stranger",
        r"manifest .*'\.\./x'",
    ),
    "a manifest that names an absolute path": (
        manifest_of(lambda files: files.update({"/etc/hostname": files["task.json"]})),
        "run-stranger",
        "manifest .*'/etc/hostname'",
    ),
    "a manifest without the weights": (
        manifest_of(lambda files: files.pop("weights.safetensors")),
        "run-missing",
        "manifest .*weights.safetensors",
    ),
    "a manifest without a file that is there": (
        manifest_of(lambda files: files.pop("scores.json")),
        "run-missing",
        "manifest .*scores.json",
    ),
    "a manifest of sizes alone": (
        manifest_of(lambda files: [facts.pop("sha256") for facts in files.values()]),
        "run-changed",
        "",
    ),
    "a manifest of nothing": (
        lambda f: write(f / "manifest.json", {}),
        "run-unreadable",
        "no files",
    ),
    "a manifest that is a list": (
        lambda f: write(f / "manifest.json", [1]),
        "run-unreadable",
        "no files",
    ),
    "a manifest of a list": (
        lambda f: write(f / "manifest.json", {"schema": SCHEMA, "files": ["task.json"]}),
        "run-unreadable",
        "no files",
    ),
    "a manifest whose facts are words": (
        manifest_of(lambda files: files.update({"task.json": "fine"})),
        "run-changed",
        "task.json",
    ),
    "a manifest that is no JSON": (
        lambda f: (f / "manifest.json").write_text('{"schema": 1e999}'),
        "run-unreadable",
        "manifest",
    ),
    "a manifest too deep": (
        lambda f: (f / "manifest.json").write_text("[" * 200_000),
        "run-unreadable",
        "manifest.json",
    ),
}


@pytest.mark.parametrize("change, code, words", STRANGE.values(), ids=STRANGE.keys())
def test_a_strange_folder_is_refused(
    folder: Path, change: Callable[[Path], Any], code: str, words: str
):
    change(folder)
    refused(folder, code, words)


ODD: dict[str, Callable[[Path], Any]] = {
    "an unknown task": lambda f: changed(f / "task.json", task="mind-reading"),
    "a task that is a path": lambda f: changed(f / "task.json", task="../../x"),
    "a task that is a number": lambda f: changed(f / "task.json", task=7),
    "an unknown setting": lambda f: changed(f / "task.json", settings={"speed": 9}),
    "settings that are words": lambda f: changed(f / "task.json", settings="fast"),
    "no task": lambda f: write(f / "task.json", {"settings": {}}),
    "a task that is a list": lambda f: write(f / "task.json", []),
    "facts that are a number": lambda f: write(f / "facts.json", 3),
    "facts of nothing": lambda f: write(f / "facts.json", {}),
    "facts that are not finite": lambda f: (f / "facts.json").write_text('{"data": NaN}'),
    "facts that are no text": lambda f: (f / "facts.json").write_bytes(b"\xff\xfe\x00"),
    "a pickle for facts": lambda f: (f / "facts.json").write_bytes(pickle.dumps({"data": {}})),
}


@pytest.mark.parametrize("change", ODD.values(), ids=ODD.keys())
def test_an_odd_file_that_its_manifest_agrees_with_is_refused(
    folder: Path, change: Callable[[Path], Any]
):
    change(folder)
    sealed_again(folder)
    refused(folder)


@pytest.mark.parametrize("content", ["[]", "1", "{}", '{"rows": []}'])
def test_scores_of_a_stranger_that_are_no_scores(folder: Path, content: str):
    (folder / "scores.json").write_text(content)
    sealed_again(folder)
    assert "scores.json" in refused(folder, "run-unreadable").message


def test_every_verb_that_opens_a_run_refuses_it(subject: Subject, folder: Path):
    extra(folder)
    with pytest.raises(TenfoldError) as found:
        list(predict(folder, subject.world.hand_over(subject.data), device="cpu"))
    assert found.value.exit_code == 6 and found.value.code == "run-stranger"
