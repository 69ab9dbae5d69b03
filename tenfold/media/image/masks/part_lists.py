"""Reads lists of pictures for each part: ImageSets/Segmentation/train.txt, or train.txt beside."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace

from tenfold.core.errors import DataRefused, UsageError
from tenfold.core.message import Message
from tenfold.media.files.lines import lines
from tenfold.media.files.listing import Entry, Tree
from tenfold.media.files.parts import part_of_file
from tenfold.media.files.references import printable
from tenfold.media.image.masks.pairs import MaskPairs, Pair
from tenfold.media.image.masks.roles import stem

__all__ = ["by_lists"]

CLEAR = 0.9
"""Least share of the lines of a list that must name pictures."""


def by_lists(tree: Tree, found: MaskPairs) -> tuple[MaskPairs, list[Entry], list[Pair]]:
    """Returns the pairs with the parts of lists, the lists, and the pairs outside all lists.

    Where there is a list of the training part, pictures outside the lists are left out; otherwise
    they are for training.
    """
    names = {pair.picture.name for pair in found.pairs}
    folders = defaultdict[str, list[tuple[Entry, str, set[str]]]](list)
    for entry in tree.entries:
        part = part_of_file(entry.name)
        if entry.suffix != ".txt" or entry.problem or not part:
            continue
        listed = _names(entry)
        if listed and len(listed & names) >= CLEAR * len(listed):
            folders[entry.name.rpartition("/")[0]].append((entry, part, listed))
    if not folders:
        return found, [], []
    best = min(folders, key=lambda one: ("seg" not in one.lower(), one.count("/"), one))
    parts = {name: part for _, part, listed in folders[best] for name in listed}
    outside = [pair for pair in found.pairs if pair.picture.name not in parts]
    if "train" not in parts.values():
        parts |= {pair.picture.name: "train" for pair in outside}
        outside = []
    kept = [pair for pair in found.pairs if pair.picture.name in parts]
    for pair in kept:
        pair.picture = replace(pair.picture, part=parts[pair.picture.name])
    shown = ", ".join(printable(entry.name) for entry, _, _ in folders[best][:4])
    notes = [*found.notes, Message("Parts are given by the lists {names}.", names=shown)]
    used = [entry for entry, _, _ in folders[best]]
    return replace(found, pairs=kept, notes=notes), used, outside


def _names(entry: Entry) -> set[str]:
    """Returns the names in the first column of a list, without folders and suffixes."""
    try:
        texts = [line.text.strip() for line in lines(entry.cell)]
    except (DataRefused, UsageError):
        return set()
    return {stem(text.split()[0].replace("\\", "/")) for text in texts if text}
