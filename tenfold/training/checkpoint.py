"""Checkpoints that survive a crash: written to a new folder, synced, hashed, then renamed.

`load` reads the newest valid one.

checkpoints/plan.json                     decisions made at the start, never changed
checkpoints/step-000001000/
    state.safetensors                     weights, buffers, optimizer state, averages, loss sum
    state.json                            step, learning rate factor, micro-batches, log, schedule
    manifest.json                         sizes and SHA-256 of both, written last
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tenfold.core import system
from tenfold.core.errors import ArtefactRefused, EnvironmentRefused
from tenfold.core.lazy import lazy
from tenfold.core.message import Message
from tenfold.core.progress import tell

if TYPE_CHECKING:
    from torch import Tensor

safetensors, safetensors_errors = lazy("safetensors.torch"), lazy("safetensors")

__all__ = ["load", "remove", "save"]

SCHEMA = 1
KEEP = 2
FILES = ("state.safetensors", "state.json")


def save(folder: Path, step: int, facts: dict[str, Any], tensors: dict[str, Tensor]) -> None:
    """Writes checkpoint `step`, then removes all but the newest two.

    Raises EnvironmentRefused where it cannot be written, for example because the disk is full;
    earlier checkpoints are not changed.
    """
    name = f"step-{step:09d}"
    fresh = folder / f".{name}-{os.getpid()}"
    try:
        for left in folder.glob(".step-*"):  # left by a process that was killed during a save
            shutil.rmtree(left, ignore_errors=True)
        fresh.mkdir(parents=True)
        _write(tensors, fresh / "state.safetensors")
        (fresh / "state.json").write_text(json.dumps({"schema": SCHEMA, "step": step, **facts}))
        _seal(fresh)
        _replace(fresh, folder / name)
    except OSError as error:
        shutil.rmtree(fresh, ignore_errors=True)
        raise _no_room(folder, error) from error
    for old in _all(folder)[KEEP:]:
        shutil.rmtree(old, ignore_errors=True)


def _write(tensors: dict[str, Tensor], path: Path) -> None:
    """Writes tensors to a safetensors file.

    Raises OSError where the file cannot be written; the library's own error is converted.
    """
    copies = {key: value.detach().cpu().contiguous().clone() for key, value in tensors.items()}
    try:
        safetensors.save_file(copies, path)
    except safetensors_errors.SafetensorError as error:
        number = re.search(r"os error (\d+)", str(error))
        raise OSError(int(number[1]) if number else errno.EIO, str(error)) from error


def _seal(folder: Path) -> None:
    for name in FILES:
        _sync(folder / name)
    facts = {name: _facts_of(folder / name) for name in FILES}
    (folder / "manifest.json").write_text(json.dumps(facts))
    _sync(folder / "manifest.json")
    system.fsync_folder(folder)


def _sync(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())


def _replace(fresh: Path, place: Path) -> None:
    if place.exists():  # the same step again after a resume: both are equal
        shutil.rmtree(place)
    fresh.rename(place)
    system.fsync_folder(place.parent)


def _no_room(folder: Path, error: OSError) -> Exception:
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return EnvironmentRefused(
            Message(
                "The disk is full: the checkpoint could not be written, the earlier ones are intact"
            ),
            code="disk-full",
            where=str(folder),
            fix=Message("Free some space and run the same command again to continue."),
        )
    return EnvironmentRefused(
        Message("The checkpoint could not be written: {error}", error=error.strerror or error),
        where=str(folder),
    )


def load(folder: Path) -> tuple[dict[str, Any], dict[str, Tensor]] | None:
    """Facts and tensors of the newest checkpoint with matching hashes, None without one.

    Raises ArtefactRefused where there are checkpoints and all of them are damaged.
    """
    found = _all(folder)
    for place in found:
        with contextlib.suppress(OSError, ValueError, KeyError):
            if _valid(place):
                facts = json.loads((place / "state.json").read_text())
                return facts, safetensors.load_file(place / "state.safetensors")
        tell(Message("Checkpoint {name} is damaged and was skipped.", name=place.name))
    if found:
        raise ArtefactRefused(
            Message("All {count} checkpoints are damaged", count=len(found)),
            code="damaged-checkpoint",
            where=str(folder),
            fix=Message("Remove the run folder and train again."),
        )
    return None


def _valid(place: Path) -> bool:
    manifest = json.loads((place / "manifest.json").read_text())
    return bool(manifest == {name: _facts_of(place / name) for name in FILES})


def _facts_of(path: Path) -> dict[str, Any]:
    return {"size": path.stat().st_size, "sha256": system.digest_file(path)}


def remove(folder: Path) -> None:
    """Removes all checkpoints of a finished run."""
    shutil.rmtree(folder, ignore_errors=True)


def _all(folder: Path) -> list[Path]:
    """The checkpoint folders, newest first, ordered by step."""
    return sorted(folder.glob("step-*"), reverse=True) if folder.exists() else []
