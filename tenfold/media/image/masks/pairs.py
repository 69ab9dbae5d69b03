"""Pairs pictures and masks of a folder by their whole names, never by their places in a list."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from tenfold.core.columns import Problem
from tenfold.core.message import Message
from tenfold.media.files.listing import Entry
from tenfold.media.image.masks.roles import (
    MaskFile,
    masks_and_pictures,
    without_first_word,
    without_number,
    without_picture_suffix,
    without_suffix,
)

__all__ = ["MaskPairs", "Pair", "paired"]

Form = Callable[[str], str]
Key = Callable[[MaskFile, str], tuple[str, ...]]
PREFERRED = ("segmentationclass", "labelids", "semantic")
_OBJECTS = "segmentationobject"


@dataclass
class Pair:
    """A picture with its masks: one file, or several, each with the name of its class ("").

    `objects` is a mask of object numbers beside a mask of classes. `each` is True where each file
    is the mask of one object or class.
    """

    picture: MaskFile
    masks: list[tuple[str, Entry]] = field(default_factory=list)
    each: bool = False
    objects: Entry | None = None
    problem: Problem | None = None
    extra: dict[str, Any] = field(default_factory=dict)
    """Further columns of its rows: group, weight, time."""


@dataclass
class MaskPairs:
    """The pairs of a folder; the masks without a picture; sentences about the names."""

    pairs: list[Pair]
    lonely: list[Entry]
    notes: list[Message] = field(default_factory=list)
    unused: list[Entry] = field(default_factory=list)


def paired(entries: list[Entry]) -> MaskPairs | None:
    """Returns the pairs of pictures and masks; None where there are no masks."""
    pictures, masks = masks_and_pictures(entries)
    if not masks or not pictures:
        return None
    if found := _folder_a_picture(pictures, masks):
        return found
    pairs = [Pair(one) for one in pictures]
    left = _by_names(pairs, masks)
    notes = list[Message]()
    if len(left) == len(masks):
        for attempt in (_named_with_class, _by_numbers):
            if (found_left := attempt(pairs, left, notes)) is not None:
                left = found_left
                break
    left = _numbered(pairs, left)
    unused = _choose(pairs)
    return MaskPairs(pairs, [one.entry for one in left], notes, unused)


def _by_names(pairs: list[Pair], masks: list[MaskFile]) -> list[MaskFile]:
    """Adds to each pair the masks with its name; returns the masks that belong to no picture.

    Folders are compared first, then names alone where a name occurs once among the pictures.
    """
    left = masks
    for key in (_in_folder, _alone, _anywhere):
        for of_picture, of_mask in _FORMS:
            known = _once(pairs, partial(_key, key, of_picture))
            rest = []
            for mask in left:
                pair = known.get(key(mask, of_mask(mask.name)))
                if pair is None:
                    rest.append(mask)
                else:
                    pair.masks.append((_class_folder(pair.picture, mask), mask.entry))
            left = rest
    return left


def _key(key: Key, form: Form, file: MaskFile) -> tuple[str, ...]:
    return key(file, form(file.name))


def _same(name: str) -> str:
    return name


def _plain(name: str) -> str:
    return without_picture_suffix(name).casefold()


_FORMS: tuple[tuple[Form, Form], ...] = (
    (_same, _same),
    (_same, without_suffix),
    (_plain, lambda name: without_suffix(name).casefold()),
    (without_first_word, without_first_word),
)
"""Forms in which names are compared, the strictest first: of a picture, of a mask."""


def _in_folder(file: MaskFile, name: str) -> tuple[str, ...]:
    return (*file.context, name)


def _alone(file: MaskFile, name: str) -> tuple[str, ...]:
    return (file.part, name)


def _anywhere(file: MaskFile, name: str) -> tuple[str, ...]:
    return (name,)


def _once(
    pairs: list[Pair], key: Callable[[MaskFile], tuple[str, ...]]
) -> dict[tuple[str, ...], Pair]:
    """Returns the pairs by key; keys that several pictures share are left out."""
    counts = Counter(key(one.picture) for one in pairs)
    return {key(one.picture): one for one in pairs if counts[key(one.picture)] == 1}


def _class_folder(picture: MaskFile, mask: MaskFile) -> str:
    """Returns the folders of a mask that its picture lacks: a class, as in masks/road/."""
    return "/".join(one for one in mask.context if one not in picture.context)


# --- several masks of a picture ------------------------------------------------------------------


def _choose(pairs: list[Pair]) -> list[Entry]:
    """Decides what several masks of a picture are; returns the files that are not used."""
    several = [one for one in pairs if len(one.masks) > 1 and not one.each]
    classes = {name for one in pairs for name, _ in one.masks}
    if not several:
        if len(classes - {""}) > 1:
            for one in pairs:
                one.each = bool(one.masks)
        return []
    unused = list[Entry]()
    for pair in several:
        names = [name for name, _ in pair.masks]
        if "" not in names and len(set(names)) == len(names):
            pair.each = True
            continue
        unused += _by_folder(pair)
    for pair in pairs:
        pair.each = pair.each or (bool(classes - {""}) and "" not in {n for n, _ in pair.masks})
    return unused


def _by_folder(pair: Pair) -> list[Entry]:
    """Keeps the preferred file of several masks with the same name; the others are returned."""

    def rank(item: tuple[str, Entry]) -> int:
        plain = item[1].name.lower().replace("_", "")
        found = [at for at, word in enumerate(PREFERRED) if word in plain]
        return found[0] if found else len(PREFERRED) + (_OBJECTS in plain)

    ordered = sorted(pair.masks, key=rank)
    best = [one for one in ordered if rank(one) == rank(ordered[0])]
    objects = [entry for _, entry in ordered if _OBJECTS in entry.name.lower()]
    if len(best) > 1:
        pair.problem = Problem(
            "several-masks",
            Message(
                "has several masks: {names}", names=", ".join(entry.name for _, entry in best[:4])
            ),
            Message("Leave one mask for each picture, or name each mask PICTURE_CLASS.png."),
        )
    pair.masks = best[:1]
    pair.objects = objects[0] if objects and objects[0] is not best[0][1] else None
    used = {id(best[0][1]), id(pair.objects)}
    return [entry for _, entry in ordered if id(entry) not in used]


def _numbered(pairs: list[Pair], masks: list[MaskFile]) -> list[MaskFile]:
    """Adds further masks of a picture, named PICTURE_mask_1.png; returns the others."""
    known = _once(pairs, lambda one: _in_folder(one, one.name))
    left = []
    for mask in masks:
        pair = known.get(_in_folder(mask, without_number(mask.name)))
        if pair is None:
            left.append(mask)
        else:
            pair.masks.append(("", mask.entry))
            pair.each = True
    return left


def _named_with_class(
    pairs: list[Pair], masks: list[MaskFile], notes: list[Message]
) -> list[MaskFile] | None:
    """Adds to each pair its masks named PICTURE_CLASS.png; returns the masks without a picture.

    Returns None, and adds nothing, unless most masks are named so.
    """
    known = _once(pairs, lambda one: _in_folder(one, one.name))
    found, left = list[tuple[Pair, str, MaskFile]](), list[MaskFile]()
    for mask in masks:
        for at in range(len(mask.name) - 1, 0, -1):
            pair = known.get(_in_folder(mask, mask.name[:at]))
            if pair is not None and mask.name[at] in "_-. " and mask.name[at + 1 :]:
                found.append((pair, mask.name[at + 1 :], mask))
                break
        else:
            left.append(mask)
    if len(found) < len(masks) / 2:
        return None
    names = Counter(name for _, name, _ in found)
    numbered = all(name.isdigit() for name in names)
    if not numbered and len(names) > len(found) / 2 and len({id(pair) for pair, _, _ in found}) > 1:
        return None
    for pair, name, mask in found:
        pair.masks.append(("" if numbered else without_suffix(name), mask.entry))
        pair.each = True
    return left


def _by_numbers(
    pairs: list[Pair], masks: list[MaskFile], notes: list[Message]
) -> list[MaskFile] | None:
    """Adds to each pair the mask with the same number, such as gt_007 to img_007.

    Returns the masks without a picture; None where no names differ only before the number.
    """
    starts = _start(one.picture.name for one in pairs), _start(one.name for one in masks)
    if not all(starts) or len(masks) < 2 or len(pairs) < 2:
        return None
    known = _once(pairs, lambda one: _in_folder(one, _after(one.name, starts[0])))
    found, left = 0, list[MaskFile]()
    for mask in masks:
        pair = known.get(_in_folder(mask, _after(mask.name, starts[1])))
        if pair is None or not mask.name.startswith(starts[1]):
            left.append(mask)
        else:
            pair.masks.append(("", mask.entry))
            found += 1
    if not found:
        return None
    notes.append(
        Message(
            "Pictures and masks are paired by the names after {picture!r} and {mask!r}.",
            picture=starts[0],
            mask=starts[1],
        )
    )
    return left


def _after(name: str, start: str) -> str:
    """Returns the number after `start`; names with another start are returned with their signs."""
    return name[len(start) :] if name.startswith(start) else f"/{name}"


def _start(names: Iterable[str]) -> str:
    """Returns the prefix before the number in most names that end in a number."""
    starts = Counter(name.rstrip("0123456789") for name in names if name[-1:].isdigit())
    return max(starts, key=lambda one: starts[one], default="")


# --- a folder for each picture -------------------------------------------------------------------

_GENERIC = frozenset("image img raw picture photo input original rgb".split())


def _folder_a_picture(pictures: list[MaskFile], masks: list[MaskFile]) -> MaskPairs | None:
    """Returns pairs where each folder holds one picture and its masks, else None.

    The folder has the name of the picture, or the picture a name such as `image.png`.
    """
    inside = defaultdict[tuple[str, ...], list[MaskFile]](list)
    for one in pictures:
        inside[one.context].append(one)
    for context, files in inside.items():
        own = context[-1] if context else ""
        if len(files) > 1 or not own:
            return None
        if files[0].name != own and files[0].name.lower() not in _GENERIC:
            return None
    pairs = {context: Pair(files[0], each=True) for context, files in inside.items()}
    lonely = list[Entry]()
    for mask in masks:
        pair = pairs.get(mask.context)
        if pair is None:
            lonely.append(mask.entry)
        else:
            pair.masks.append(("", mask.entry))
    for pair in pairs.values():
        pair.each = True
    if all(len(pair.masks) < 2 for pair in pairs.values()):
        for pair in pairs.values():
            pair.each = False
    return MaskPairs([*pairs.values()], lonely)
