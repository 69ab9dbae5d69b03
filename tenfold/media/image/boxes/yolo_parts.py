"""The YAML file of a YOLO folder: names of the classes, and paths of the parts.

The paths may be those of another machine: where they lead nowhere, what lies beside is used.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tenfold.core.message import Message
from tenfold.media.files.listing import Entry
from tenfold.media.files.parts import part_of_file, part_of_folder
from tenfold.media.image.boxes.content import Contents
from tenfold.media.image.boxes.form import Judgement, StatedBoxes, held_out, in_several_parts
from tenfold.media.image.boxes.pictures import plain
from tenfold.media.image.medium import IMAGE

__all__ = ["YoloSettings", "add", "settings_of"]

_KEYS = {"train": "train", "val": "valid", "valid": "valid", "validation": "valid", "test": "test"}


@dataclass
class YoloSettings:
    """What a YAML file states: `parts` are (key, part, paths) in the order of the file."""

    file: str
    root: str
    names: dict[int, str] = field(default_factory=dict)
    parts: list[tuple[str, str, list[str]]] = field(default_factory=list)
    keypoints: bool = False


def settings_of(contents: Contents) -> YoloSettings | None:
    """Returns the settings of the YAML file nearest to the root that names classes or parts."""
    for entry, value in sorted(contents.yaml, key=lambda one: one[0].name.count("/")):
        parts = [
            (key, _KEYS[key], [one for one in _listed(value[key]) if one])
            for key in value
            if key in _KEYS and value[key]
        ]
        names = _names(value.get("names"))
        if names or parts:
            root = str(value.get("path") or "")
            return YoloSettings(entry.name, root, names, parts, bool(value.get("kpt_shape")))
    return None


def _names(value: Any) -> dict[int, str]:
    if isinstance(value, list):
        return {number: str(name).strip() for number, name in enumerate(value)}
    if isinstance(value, Mapping) and all(str(key).strip().isdigit() for key in value):
        return {int(key): str(name).strip() for key, name in value.items()}
    return {}


def _listed(value: Any) -> list[str]:
    return [str(one) for one in value] if isinstance(value, list) else [str(value)]


def add(found: StatedBoxes, contents: Contents, settings: YoloSettings | None) -> None:
    """Adds the parts of the YAML file, else of lists of pictures such as train.txt."""
    lists = _lists(contents, found.used)
    found.used |= {entry.name for entry, _ in lists.values()}
    if settings is None or not settings.parts:
        _add_lists(found, lists)
        return
    found.used.add(settings.file)
    pictures = [one for one in found.judgements if one.entry is not None]
    moved, double, taken = False, 0, dict[str, str]()
    for key, part, paths in settings.parts:
        members: list[Judgement] = []
        for path in paths:
            some, elsewhere = _members(path, settings, pictures, lists)
            members += some
            moved = moved or (bool(some) and elsewhere)
        if not members:
            members = [one for one in pictures if not one.part and part in _folder_parts(one)]
            moved = moved or bool(members)
        again = [one for one in members if one.part]
        if members and len(again) == len(members):
            why = Message("{file} names the same pictures for another part", file=settings.file)
            found.leave("folders", [f"{key}: {', '.join(paths)}"], why)
        elif not members:
            found.leave("folders", [f"{key}: {', '.join(paths)}"], Message("not there"))
        else:
            taken[key] = part
        for one in members if len(again) < len(members) else ():
            double += bool(one.part)
            one.part = held_out([one.part, part])
    if double:
        found.notes.append(in_several_parts(double))
    if moved:
        found.notes.append(
            Message(
                "The paths in {file} lead nowhere here; what lies beside it is used.",
                file=settings.file,
            )
        )
    found.parts = Message(
        "{names} in {file}",
        names=", ".join(f"{key} = {part}" for key, part in taken.items()),
        file=settings.file,
    )


def _folder_parts(one: Judgement) -> list[str | None]:
    return [part_of_folder(name) for name in (one.entry.parts if one.entry else ())]


def _members(
    path: str,
    settings: YoloSettings,
    pictures: Sequence[Judgement],
    lists: Mapping[str, tuple[Entry, list[str]]],
) -> tuple[list[Judgement], bool]:
    """Returns the pictures of a path, and whether it was found in another place than stated."""
    folder = settings.file.rpartition("/")[0]
    stated = _joined(folder, settings.root, path)
    wanted = plain(path)
    names = [stated, *_ends(wanted)]
    for at, name in enumerate(names):
        if name in lists:
            return _listed_pictures(lists[name][1], pictures), at > 0
        some = [one for one in pictures if plain(one.picture).startswith(f"{name}/")]
        if some:
            return some, at > 0
    return [], False


def _joined(*parts: str) -> str:
    """Returns the path of folders below the root, `..` resolved as far as the root."""
    kept: list[str] = []
    for part in "/".join(plain(one) for one in parts).split("/"):
        if part == "..":
            kept = kept[:-1]
        elif part not in ("", "."):
            kept.append(part)
    return "/".join(kept)


def _ends(path: str) -> list[str]:
    """Returns the path without its first folders, the longest first."""
    parts = [one for one in path.split("/") if one not in ("", ".", "..")]
    return ["/".join(parts[at:]) for at in range(len(parts))]


def _lists(contents: Contents, labels: Collection[str]) -> dict[str, tuple[Entry, list[str]]]:
    """Returns the text files whose lines are paths of pictures, by their own paths."""
    found = {}
    for entry in contents.texts:
        if entry.name in labels:
            continue
        lines = [line.strip() for line in contents.lines(entry) if line.strip()]
        if lines and all(_is_path(line) for line in lines[:50]):
            found[plain(entry.name)] = (entry, lines)
    return found


def _is_path(line: str) -> bool:
    return f".{line.rpartition('.')[2].lower()}" in IMAGE.suffixes


def _listed_pictures(lines: Sequence[str], pictures: Sequence[Judgement]) -> list[Judgement]:
    """Returns the pictures that the lines name, by as many folders as both have."""
    ends: dict[str, list[Judgement]] = {}
    for one in pictures:
        ends.setdefault(plain(one.picture).rpartition("/")[2], []).append(one)
    found = []
    for line in lines:
        parts = plain(line).split("/")
        some = ends.get(parts[-1], [])
        for at in range(len(parts)):
            tail = "/".join(parts[at:])
            hits = [o for o in some if f"/{plain(o.picture)}".endswith(f"/{tail}")]
            if hits:
                found += hits
                break
    return found


def _add_lists(found: StatedBoxes, lists: Mapping[str, tuple[Entry, list[str]]]) -> None:
    """Adds the parts of lists of pictures that are called train, val or test."""
    named = {name: part for name in lists if (part := part_of_file(name))}
    pictures = [one for one in found.judgements if one.entry is not None]
    for name, part in named.items():
        for one in _listed_pictures(lists[name][1], pictures):
            one.part = held_out([one.part, part])
    shown = ", ".join(f"{lists[name][0].name} = {part}" for name, part in sorted(named.items()))
    if shown:
        found.parts = Message("the lists {names}", names=shown)
