"""Run folders as places: which files one may hold, how far its run is, what may go near it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tenfold.core import system
from tenfold.core.errors import UsageError
from tenfold.data import cache
from tenfold.run import manifest
from tenfold.run.facts import ARRAYS, ASSETS
from tenfold.run.manifest import pretty, read
from tenfold.training import checkpoint

__all__ = [
    "EXPORTED",
    "EXPORTS",
    "FILES",
    "beside",
    "data_of",
    "end",
    "ended",
    "plan_of",
    "refuse_inside",
    "refuse_others",
    "refused_export",
    "remember_data",
    "unfinished",
]

EXPORTS = ("export", "export-int8")
"""Folders in a run that hold it without torch."""
INNER = "inner"
"""The folder of inner runs, each a run folder of its own, sealed by its own manifest."""
INSIDE = (f"{ASSETS}/*", f"{INNER}/*/{manifest.MANIFEST}")
FILES = manifest.Files(
    sealed=(
        "task.json",
        "facts.json",
        ARRAYS,
        "plan.json",
        "weights.safetensors",
        "rows.jsonl",
        "quarantine.jsonl",
        "log.jsonl",
        "scores.json",
    ),
    needed=("task.json", "facts.json", "weights.safetensors", "scores.json"),
    beside=("report.html", *EXPORTS, "checkpoints", ".lock"),
    inside=INSIDE,
)
EXPORTED = manifest.Files(
    sealed=("task.json", "facts.json", ARRAYS, "scores.json", "parity.json", "net.onnx"),
    needed=("task.json", "facts.json", "scores.json", "parity.json", "net.onnx"),
    inside=INSIDE,
)


def unfinished(folder: Path) -> bool:
    """True where a run was begun and not ended."""
    begun = (folder / "plan.json").exists() and not (folder / "manifest.json").exists()
    return begun and not (folder / "ended.json").exists()


def end(folder: Path, why: dict[str, Any]) -> None:
    """Notes that a run will not be finished, and lets its checkpoints go."""
    system.write_atomically(folder / "ended.json", pretty(why))
    checkpoint.remove(folder / "checkpoints")


def ended(folder: Path) -> dict[str, Any]:
    """Why a run was ended early by a search; {} where it was not."""
    path = folder / "ended.json"
    found: dict[str, Any] = read(path) if path.exists() else {}
    return found


def plan_of(folder: Path) -> dict[str, Any]:
    """The settings that a run was begun with."""
    found: dict[str, Any] = read(folder / "plan.json")
    return found


def beside(folder: Path, ending: str) -> Path:
    """A path beside a run folder, named after it, also where the folder is `.`."""
    home = folder.resolve()
    return (folder if folder.name == home.name else home).with_name(f"{home.name}{ending}")


def refuse_inside(folder: Path, place: Path, what: str) -> None:
    """Raises UsageError where `place` lies in a run folder, which is sealed: but for its report."""
    home, place = folder.resolve(), place.resolve()
    if place.is_relative_to(home) and place != home / "report.html":
        raise UsageError(
            f"{what} cannot go into the run folder, which is sealed",
            code="bad-setting",
            where=str(place),
            fix="Choose another --out.",
        )


def refuse_others(
    folder: Path, what: str, code: str = "run-exists", known: frozenset[str] = frozenset()
) -> None:
    """Raises UsageError where a folder that is to be written holds what was not made here.

    Hidden files may stay where files are added; not in a folder of `known` ones, which is replaced.
    """
    made = folder.is_dir() or not folder.exists()
    if made and not {path.name for path in folder.glob("*" if known else "[!.]*")} - known:
        return
    raise UsageError(
        f"{what} holds other files", code=code, where=str(folder), fix="Choose a new --out."
    )


def refused_export(folder: Path, what: str) -> UsageError:
    """The error of what an exported run cannot do."""
    fix = "Name the run it was exported from."
    return UsageError(what, code="exported-run", where=str(folder), fix=fix)


def remember_data(folder: Path, data: Path) -> None:
    """Notes on this machine, never in the run, where a run's data lie."""
    cache.remember(f"data of {folder.resolve()}", str(data.resolve()))


def data_of(folder: Path) -> Path | None:
    """Where the data of a run lay when it was trained here; None for a run from elsewhere."""
    found = cache.recall(f"data of {folder.resolve()}")
    return Path(found) if found and Path(found).exists() else None
