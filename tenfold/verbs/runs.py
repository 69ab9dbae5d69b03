"""List the runs here, remove one, or empty the cache."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from tenfold.core import system
from tenfold.core.document import Document
from tenfold.core.errors import UsageError
from tenfold.core.message import Message
from tenfold.core.results import SCHEMA
from tenfold.data import cache

__all__ = ["runs"]


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
    done = []
    if remove is not None:
        done.append(_removed(Path(remove)))
    if empty_cache:
        done.append(f"Cache emptied: {cache.remove_all() / 1e6:.0f} MB freed.")
    found = [_facts(path) for path in _places(Path(folder)) if (path / "plan.json").exists()]
    used = cache.size()
    content = {"schema": SCHEMA, "runs": found, "done": done, "cache_bytes": used}
    return Document(
        content,
        "\n".join(
            [*done, *_table(found), f"Cache: {used / 1e6:.0f} MB in {system.cache_folder()}"]
        ),
    )


def _places(folder: Path) -> list[Path]:
    """Paths where runs may lie: in the folder, and in those of `--repeat`, `--folds` and `tune`.

    Only the final run of a search is listed; its trials are listed where its folder is given.
    """
    return [
        path
        for form in ("*", "*/seed-*", "*/fold-*", "*/final", "*/best")
        for path in sorted(folder.glob(form))
    ]


def _removed(folder: Path) -> str:
    if not (folder / "task.json").exists() or not (folder / "plan.json").exists():
        raise UsageError(
            Message("{folder!r} is not a run folder", folder=str(folder)), code="no-such-run"
        )
    with system.locked(folder):
        shutil.rmtree(folder)
    return f"Removed {folder}."


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
        return ["No runs here yet: `tenfold train TASK DATA` makes one."]
    lines = []
    for one in found:
        score = one["score"]
        said = "unfinished: the same command continues it"
        said = f"{one['ended']} by the search it belongs to" if one["ended"] else said
        if one["finished"] and score:
            low, high = f"{score['low']:.4f}", f"{score['high']:.4f}"
            said = f"{one['headline']} {score['value']:.4f} ({low} to {high})"
            said += ", a trial: on validation" if one["trial"] else ""
        lines.append(f"{one['run']:44}{one['task']:22}{said}")
    return lines
