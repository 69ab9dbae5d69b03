"""The folder of a training: the given one, an unfinished one to continue, or a new one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from tenfold.core.errors import ArtefactRefused, UsageError
from tenfold.core.message import Message
from tenfold.core.progress import tell
from tenfold.run import folder as run_folder
from tenfold.run.outputs import OutputPaths

__all__ = ["folder_for", "numbered", "outside", "refuse_changed"]


def folder_for(out: str | Path | None, settings: dict[str, Any], task: str, data: Any) -> Path:
    """The run folder: `out`, else the newest unfinished run with equal settings, else a new one.

    Raises UsageError where `out` holds a finished run or other files, ArtefactRefused where it
    holds an unfinished run with other settings.
    """
    if out is not None:
        return _told(outside(out, data), settings)
    folder = numbered(
        task,
        data,
        lambda place: run_folder.unfinished(place) and run_folder.plan_of(place) == settings,
    )
    if not folder.exists():
        _tell_changed_data(folder, settings)
    return folder


def _tell_changed_data(folder: Path, settings: dict[str, Any]) -> None:
    """Prints a note if the newest unfinished run differs from a new one in its data alone."""
    stem, _, number = folder.name.rpartition("-")
    for older in reversed(range(1, int(number))):
        place = folder.with_name(f"{stem}-{older}")
        if not run_folder.unfinished(place):
            continue
        if run_folder.plan_of(place) | {"data": settings["data"]} == settings:
            tell(
                Message(
                    "The data have changed since the unfinished run {path} was begun, so it is "
                    "not continued: training starts anew in {folder}.",
                    path=place,
                    folder=folder,
                )
            )
            return


def outside(out: str | Path, data: Any) -> Path:
    """The output folder as a path; raises UsageError where it lies in the data or in a run."""
    OutputPaths.of(data).allow_new_folder(Path(out))
    return Path(out)


def numbered(task: str, data: Any, fits: Callable[[Path], bool]) -> Path:
    """The newest runs/<data>-<task>-<n> for which `fits` is True, else the first free number.

    Raises UsageError where `runs` lies in the data.
    """
    named = isinstance(data, (str, Path))
    name = Path(data).resolve().name.split(".")[0] if named else "data"
    runs, stem, number = outside("runs", data), f"{name}-{task}-", 1
    while (folder := runs / f"{stem}{number}").exists():
        number += 1
    for older in reversed(range(1, number)):
        if fits(place := folder.with_name(f"{stem}{older}")):
            tell(Message("Continuing the unfinished run {path}", path=place))
            return place
    return folder


def _told(folder: Path, settings: dict[str, Any]) -> Path:
    if (folder / "manifest.json").exists():
        raise UsageError(
            Message("The folder holds a finished run"),
            code="run-exists",
            where=str(folder),
            fix=Message("Choose another --out, or remove that run with `tenfold runs --remove`."),
        )
    if run_folder.unfinished(folder):
        refuse_changed(folder, Message("An unfinished run"), run_folder.plan_of(folder), settings)
    else:
        run_folder.refuse_others(folder, Message("The folder for the run"))
    return folder


def refuse_changed(folder: Path, what: Message, then: dict[str, Any], now: dict[str, Any]) -> None:
    """Raises ArtefactRefused where the run in the folder was begun with other settings."""
    if differs := _changed(then, now):
        name, before, after = differs
        raise ArtefactRefused(
            Message(
                "{what} with a different {name} already exists there: it has {before!r}, this "
                "command has {after!r}",
                what=what,
                name=name,
                before=before,
                after=after,
            ),
            code="run-differs",
            where=str(folder),
            fix=Message("Choose another --out, or give the same settings and data."),
        )


def _changed(then: dict[str, Any], now: dict[str, Any]) -> tuple[str, Any, Any] | None:
    """The first setting that differs, by its innermost name, with both values; else None."""
    for name in {**now, **then}:
        old, value = then.get(name), now.get(name)
        if isinstance(old, dict) and isinstance(value, dict):
            if inner := _changed(old, value):
                return inner
        elif old != value:
            return name, old, value
    return None
