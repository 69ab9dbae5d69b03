"""List the runs here, remove one, or empty the cache."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from tenfold.answers.names import column
from tenfold.core import system
from tenfold.core.document import Document
from tenfold.core.errors import UsageError
from tenfold.core.language import say
from tenfold.core.message import Message, translate
from tenfold.core.results import SCHEMA
from tenfold.core.text import padded, width
from tenfold.data import cache

__all__ = ["runs"]

LONGEST = 44
"""Maximum width of the column of run folders; a longer name moves the rest of its line."""


def runs(
    folder: str | Path = "runs", *, remove: str | Path | None = None, empty_cache: bool = False
) -> Document:
    """List the runs here, remove one, or empty the cache.

    Args:
        folder: Folder of the runs.
        remove: Run folder to remove.
        empty_cache: Cache: remove all encoded data.

    Example:
        tenfold runs
    """
    done: list[Message] = []
    if remove is not None:
        done.append(_removed(Path(remove)))
    if empty_cache:
        done.append(Message("Cache emptied: {size:.0f} MB freed.", size=cache.remove_all() / 1e6))
    found = [_facts(path) for path in _places(Path(folder)) if (path / "plan.json").exists()]
    used = cache.size()
    content = {"schema": SCHEMA, "runs": found, "done": done, "cache_bytes": used}
    return Document(content, lambda: _text(content))


def _text(content: dict[str, Any]) -> str:
    size = content["cache_bytes"] / 1e6
    cached = say("Cache: {size:.0f} MB in {folder}", size=size, folder=system.cache_folder())
    return "\n".join([*map(translate, content["done"]), *_table(content["runs"]), cached])


def _places(folder: Path) -> list[Path]:
    """Paths where runs may lie: in the folder, and in those of `--repeat`, `--folds` and `tune`.

    Only the final run of a search is listed; its trials are listed where its folder is given.
    """
    return [
        path
        for form in ("*", "*/seed-*", "*/fold-*", "*/final", "*/best")
        for path in sorted(folder.glob(form))
    ]


def _removed(folder: Path) -> Message:
    if not (folder / "task.json").exists() or not (folder / "plan.json").exists():
        raise UsageError(
            Message("{folder!r} is not a run folder", folder=str(folder)), code="no-such-run"
        )
    with system.locked(folder):
        shutil.rmtree(folder)
    return Message("Removed {folder}.", folder=folder)


def _facts(folder: Path) -> dict[str, Any]:
    plan = _read(folder / "plan.json")
    scores = _read(folder / "scores.json")
    headline = scores.get("headline", "")
    return {
        "run": str(folder),
        "task": plan.get("task", ""),
        "finished": (folder / "manifest.json").exists(),
        "trial": "trial" in scores.get("tuned", {}),
        "ended": _read(folder / "ended.json").get("ended", ""),
        "headline": headline,
        "score": scores.get("scores", {}).get(headline),
        "seconds": scores.get("seconds", {}).get("total"),
    }


def _read(path: Path) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found


def _table(found: list[dict[str, Any]]) -> list[str]:
    if not found:
        return [say("There are no runs here: `tenfold train TASK DATA` makes one.")]
    columns = min(LONGEST, max(width(one["run"]) for one in found) + 2)
    return [
        f"{padded(one['run'] + '  ', columns)}{padded(one['task'], 22)}{_state(one)}"
        for one in found
    ]


def _state(one: dict[str, Any]) -> str:
    """The score of a run, or why it has none."""
    if not one["finished"] or not one["score"]:
        if not one["ended"]:
            return say("unfinished; the same command continues it")
        return say("ended early by a search") if one["ended"] == "pruned" else say("failed")
    if one["score"]["low"] is None:
        score = f"{column(one['headline'])} {one['score']['value']:.4f}"
        return (
            say("{score} on validation (a trial of a search)", score=score)
            if one["trial"]
            else score
        )
    score = say(
        "{metric} {value:.4f} ({low:.4f} to {high:.4f})",
        metric=column(one["headline"]),
        value=one["score"]["value"],
        low=one["score"]["low"],
        high=one["score"]["high"],
    )
    return (
        say("{score} on validation (a trial of a search)", score=score) if one["trial"] else score
    )
