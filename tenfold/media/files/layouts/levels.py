"""Decides which level of folders names the parts of the split and which the classes."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from tenfold.core.errors import UsageError
from tenfold.core.message import EMPTY, Message
from tenfold.media.files.parts import HOLDERS, is_unlabelled, part_of_folder

__all__ = ["LEVELS", "Levels", "Place", "levels", "places"]

LEVELS = ("folder1", "folder2")
"""Names of the levels of folders that can hold the classes, below those of the parts."""
ALIKE = 0.8
"""Least share of all names of subfolders that each folder must hold, to hold the same ones."""
FEWEST_GROUPS = 6
"""Least number of folders above the classes that are read as groups, such as persons."""
_KINDS = frozenset("image images img imgs pictures jpegimages label labels annotations".split())
"""Names of folders that hold files of a kind and are not classes beside other folders."""

Folders = tuple[str, ...]


@dataclass(frozen=True)
class Place:
    """The part, the class and the group of a file; "" where its folders do not give one."""

    part: str = ""
    label: str = ""
    group: str = ""


@dataclass
class Levels:
    """The part, class and group of each file, from the folders that hold it.

    `classes` and `parts` name the folders that classes and parts come from.

    `left` counts the files of the folders that are neither parts nor classes, with the reason;
    `notes` are sentences about decisions that a user may not expect. `level` is the level of the
    classes where both could hold them, else "".
    """

    places: list[Place]
    classes: Message = EMPTY
    parts: Message = EMPTY
    left: list[tuple[str, int, Message]] = field(default_factory=list)
    notes: list[Message] = field(default_factory=list)
    level: str = ""


def places(folders: list[Folders], doubtful: list[bool] | None = None) -> list[tuple[str, str]]:
    """Returns (part, class) of each file, derived from the names of the folders above it.

    The part is `train`, `valid`, `test` or "" (none given); the class of a file without a class
    folder is "". `doubtful` is True for files that cannot be used: only the other files decide
    which level of folders names the parts and which the classes.
    """
    return [(one.part, one.label) for one in levels(folders, doubtful).places]


def levels(
    folders: Sequence[Folders],
    doubtful: Sequence[bool] | None = None,
    names: Sequence[str] | None = None,
    level: str = "",
) -> Levels:
    """Returns the place of each file, derived from the names of the folders above it.

    `doubtful` is True for files that cannot be used: only the other files decide. `names` are the
    names of the files; `level` is the level of the classes that the user gave, one of LEVELS.
    Raises UsageError where two levels can hold the classes, or a folder can be a class or a part.
    """
    unsure = doubtful or [False] * len(folders)
    usable = [parts for parts, bad in zip(folders, unsure, strict=True) if not bad] or [*folders]
    depth = _wrappers([*usable, *filter(None, folders)])
    cut = [one[depth:] for one in folders]
    sure = [one[depth:] for one in usable]
    found = Levels([])
    labelled = [one for one in sure if not any(map(is_unlabelled, one))] or sure
    level_of_parts, parts = _parts(labelled, found)
    rest = [_rest(one, level_of_parts) for one in cut]
    inner = _holders(
        [(_part(one, level_of_parts, parts), _rest(one, level_of_parts)) for one in labelled]
    )
    rest = [
        one[1:] if (_part(whole, level_of_parts, parts), one[:1]) in inner else one
        for whole, one in zip(cut, rest, strict=True)
    ]
    sure_rest = [
        one
        for one, whole, bad in zip(rest, cut, unsure, strict=True)
        if not bad and not any(map(is_unlabelled, whole)) and _known(whole, level_of_parts, parts)
    ]
    at = _class_level(sure_rest, level, found)
    groups = _groups(rest, at, names)
    for whole, one, group in zip(cut, rest, groups, strict=True):
        known = _known(whole, level_of_parts, parts) and not any(map(is_unlabelled, whole))
        label = one[at] if known and len(one) > at else ""
        part = _part(whole, level_of_parts, parts) if label else ""
        found.places.append(Place(part, label, group if label else ""))
    _refuse_kinds(found, sure_rest, level_of_parts)
    _state(found, cut, at, level_of_parts)
    return found


def _wrappers(folders: Sequence[Folders]) -> int:
    """Returns the number of outer folders that hold all files; zip archives often have one."""
    depth, deepest = 0, min(map(len, folders), default=0) - 1
    while depth < deepest and len({parts[depth] for parts in folders}) == 1:
        depth += 1
    return depth


# --- parts ----------------------------------------------------------------------------------------


def _parts(folders: Sequence[Folders], found: Levels) -> tuple[int | None, dict[str, str]]:
    """Returns the level of the folders of parts, or None, and the part of each name there."""
    below: dict[str, set[str]] = defaultdict(set)
    for one in folders:
        if one:
            below[one[0]].add(one[1] if len(one) > 1 else "")
    tops = {name: part_of_folder(name) or "" for name in below}
    if tops and all(tops.values()):
        return 0, tops
    seconds = {name for some in below.values() for name in some}
    if seconds and all(part_of_folder(name) for name in seconds):
        return 1, {name: part_of_folder(name) or "" for name in seconds}
    parts = {name: part for name, part in tops.items() if part}
    classes = {name for top in parts for name in below[top]} - {""}
    deep = all(below[name] - {""} for name in parts if parts[name] == "train")
    if "train" not in parts.values() or len(classes) < 2 or not deep:
        return None, {}
    others = {
        name for name in tops if name not in parts and len(below[name] & classes) > len(classes) / 2
    }
    if not others:
        return (0, parts)
    if len(others) == 1 and "test" not in parts.values():
        (name,) = others
        found.notes.append(
            Message(
                "The folder {name!r} holds the same classes as the training part: it is the test "
                "part.",
                name=name,
            )
        )
        return 0, {**parts, name: "test"}
    raise UsageError(
        Message(
            "Folders can be parts or not: {parts} are parts, {others} hold the same classes",
            parts=", ".join(sorted(parts)),
            others=", ".join(sorted(others)),
        ),
        code="two-readings",
        fix=Message("Rename the folders to train, valid and test, or move the others away."),
    )


def _part(folders: Folders, level: int | None, parts: dict[str, str]) -> str:
    if level is None or len(folders) <= level:
        return ""
    return parts.get(folders[level]) or part_of_folder(folders[level]) or ""


def _known(folders: Folders, level: int | None, parts: dict[str, str]) -> bool:
    """Returns True for a file below a folder of a part, or where there are no parts."""
    if level == 1:
        return bool(folders)
    return level is None or bool(_part(folders, level, parts))


def _rest(folders: Folders, level: int | None) -> Folders:
    if level is None:
        return folders
    return folders[:level] + folders[level + 1 :]


def _holders(folders: Sequence[tuple[str, Folders]]) -> set[tuple[str, Folders]]:
    """Returns the (part, folder) pairs of folders that hold all classes of a part.

    These are such as `seg_train/seg_train` or `train/images`.
    """
    below: dict[str, set[Folders]] = defaultdict(set)
    for part, rest in folders:
        below[part].add(rest[:1])
    beside = {name for some in below.values() if len(some) > 1 for name in some}
    return {
        (part, name)
        for part, some in below.items()
        for name in some
        if part and len(some) == 1 and name and name not in beside
        if part_of_folder(name[0]) == part or name[0].lower() in HOLDERS
    }


# --- classes --------------------------------------------------------------------------------------


def _class_level(folders: Sequence[Folders], level: str, found: Levels) -> int:
    """Returns the level of the classes: 0, or 1 where the folders above hold the same classes.

    Raises UsageError where both levels can hold the classes.
    """
    below: dict[str, set[str]] = defaultdict(set)
    for one in folders:
        if one:
            below[one[0]].add(one[1] if len(one) > 1 else "")
    seconds = {name for some in below.values() for name in some}
    alike = len(below) > 1 and len(seconds) > 1 and "" not in seconds
    if not alike or any(len(some) < ALIKE * len(seconds) for some in below.values()):
        return 0
    if level in LEVELS:
        found.level = level
        return LEVELS.index(level)
    upper, lower = _no_classes(below), _no_classes(seconds)
    if upper == lower:
        raise UsageError(
            Message(
                "The classes can be the outer folders ({outer}: --target folder1) or the folders "
                "in them ({inner}: --target folder2): each outer folder holds the same ones",
                outer=_listed(below),
                inner=_listed(seconds),
            ),
            code="two-readings",
            fix=Message("Choose one with --target."),
        )
    if upper:
        found.notes.append(
            Message(
                "The folders {outer} hold the same folders: these are the classes.",
                outer=_listed(below),
            )
        )
    return 1 if upper else 0


def _no_classes(names: Sequence[str] | set[str] | dict[str, set[str]]) -> bool:
    """Returns True for names such as `original` and `augmented`, or `fold1` and `fold2`."""
    plain = [name.strip().lower() for name in names]
    held = [bool({name, *re.split(r"[\W_]+", name)} & HOLDERS) for name in plain]
    return all(held) or len({re.sub(r"\d+", "#", name) for name in plain}) == 1


def _groups(folders: Sequence[Folders], at: int, names: Sequence[str] | None) -> list[str]:
    """Returns the group of each file: the folder above the classes, or the file in each of these.

    Copies of a file, such as augmented ones, have the same class and name in another folder above.
    """
    if at == 0 or names is None:
        return [""] * len(folders)
    tops = {one[0] for one in folders if one}
    if len(tops) >= FEWEST_GROUPS:
        return [one[0] if one else "" for one in folders]
    keys = [
        "/".join([*one[1:], name.rsplit("/", 1)[-1].rpartition(".")[0]])
        for one, name in zip(folders, names, strict=True)
    ]
    counts = Counter(keys)
    again = sum(counts[key] > 1 for key in keys)
    return keys if again > len(keys) / 2 else [""] * len(keys)


def _refuse_kinds(found: Levels, folders: Sequence[Folders], level: int | None) -> None:
    """Leaves files without a class where all folders are of a kind, such as `images`.

    Raises UsageError where such a folder, or one named as a part, is beside classes.
    """
    flat = {one[0] for one in folders if len(one) == 1} - {one[0] for one in folders if one[1:]}
    classes = {one.label for one in found.places} - {""}
    kinds = {name for name in flat & classes if name.lower() in HOLDERS}
    if kinds and kinds == classes:
        found.places = [Place() for _ in found.places]
        return
    parts = {n for n in flat & classes if part_of_folder(n) not in (None, "train")}
    odd = sorted(parts) if level is None and len(classes - parts) > 1 else []
    odd += sorted(name for name in kinds if name.lower() in _KINDS)
    if odd:
        raise UsageError(
            Message(
                "The folder {name!r} beside the class folders {classes} can be a class or files "
                "without a class",
                name=odd[0],
                classes=_listed(classes - set(odd)),
            ),
            code="two-readings",
            fix=Message("Move it out of the folder, or rename it if it is a class."),
        )


# --- what was taken -------------------------------------------------------------------------------


def _state(found: Levels, folders: Sequence[Folders], at: int, level: int | None) -> None:
    """Adds the folders that classes and parts come from, and those left out."""
    places = found.places
    classes = Message("names of folders")
    found.classes = Message("names of folders below others") if at else classes
    parts = {
        one[level]: place.part
        for one, place in zip(folders, places, strict=True)
        if level is not None and place.part
    }
    if parts:
        names = ", ".join(f"{name} = {part}" for name, part in sorted(parts.items()))
        found.parts = Message("folders {names}", names=names)
    counts: Counter[str] = Counter()
    for one, place in zip(folders, places, strict=True):
        if not place.label and one:
            counts["/".join(one[: 2 if level is not None and part_of_folder(one[0]) else 1])] += 1
    for name, count in sorted(counts.items()):
        found.left.append((name, count, Message("without a class")))


def _listed(names: Sequence[str] | set[str] | dict[str, set[str]]) -> str:
    shown = sorted(names)
    return ", ".join(shown[:4]) + (", ..." if len(shown) > 4 else "")
