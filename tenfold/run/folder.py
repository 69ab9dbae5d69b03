"""Run folders: their files, whether their run is finished, and checks of output folders."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tenfold.core import system
from tenfold.core.errors import UsageError
from tenfold.core.message import Message, restored
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
    "is_run",
    "plan_of",
    "refuse_others",
    "refused_export",
    "remember_data",
    "unfinished",
]

EXPORTS = ("export", "export-int8")
"""Folders in a run folder with exports of the run that do not need torch."""
INNER = "inner"
"""Folder of the inner runs; each is a run folder with its own manifest."""
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
    """True where a run was started and neither finished nor stopped early."""
    begun = (folder / "plan.json").exists() and not (folder / "manifest.json").exists()
    return begun and not (folder / "ended.json").exists()


def end(folder: Path, why: dict[str, Any]) -> None:
    """Marks a run as stopped early, with the reason, and deletes its checkpoints."""
    system.write_atomically(folder / "ended.json", pretty(why))
    checkpoint.remove(folder / "checkpoints")


def ended(folder: Path) -> dict[str, Any]:
    """The reason why a search stopped this run early; {} where it was not stopped."""
    path = folder / "ended.json"
    found: dict[str, Any] = restored(read(path)) if path.exists() else {}
    return found


def plan_of(folder: Path) -> dict[str, Any]:
    """The plan with which a run was started."""
    found: dict[str, Any] = read(folder / "plan.json")
    return found


def beside(folder: Path, ending: str) -> Path:
    """The path beside a run folder with the folder's name plus `ending`; works for `.` too."""
    home = folder.resolve()
    return (folder if folder.name == home.name else home).with_name(f"{home.name}{ending}")


def is_run(folder: Path) -> bool:
    """True where a folder holds a run, finished or not, or an export."""
    return (folder / "task.json").is_file() and any(
        (folder / name).is_file() for name in ("plan.json", "manifest.json")
    )


def refuse_others(
    folder: Path, what: Message, code: str = "run-exists", known: frozenset[str] = frozenset()
) -> None:
    """Raises UsageError where an output folder holds files that are not in `known`, or is a file.

    Without `known`, hidden files are allowed, because files are only added. With `known`, the
    folder will be replaced, so hidden files count too.
    """
    made = folder.is_dir() or not folder.exists()
    if made and not {path.name for path in folder.glob("*" if known else "[!.]*")} - known:
        return
    raise UsageError(
        Message("{what} holds other files", what=what),
        code=code,
        where=str(folder),
        fix=Message("Choose a new --out."),
    )


def refused_export(folder: Path, what: Message) -> UsageError:
    """The UsageError for an action that an exported run does not support."""
    fix = Message("Give the run that this export was made from.")
    return UsageError(what, code="exported-run", where=str(folder), fix=fix)


def remember_data(folder: Path, data: Path) -> None:
    """Stores the path of a run's data on this machine, outside of the run folder."""
    cache.remember(f"data of {folder.resolve()}", str(data.resolve()))


def data_of(folder: Path) -> Path | None:
    """The path of a run's data, if it was trained on this machine and the path still exists."""
    found = cache.recall(f"data of {folder.resolve()}")
    return Path(found) if found and Path(found).exists() else None
