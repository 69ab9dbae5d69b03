"""States what was read, what was decided and what was left, in the words of a `Taken`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from tenfold.core.message import Message
from tenfold.core.taken import Taken
from tenfold.media.files.listing import Entry
from tenfold.media.image.boxes.form import PictureRow, StatedBoxes, listed
from tenfold.media.image.boxes.pictures import Pictures

__all__ = ["add", "repeats", "ways"]

_WAYS = {
    "upload": Message("without the prefix of an upload"),
    "decoded": Message("after percent signs were decoded"),
    "folder": Message("by their names in other folders"),
    "suffix": Message("with another suffix"),
}


def ways(pictures: Pictures, taken: Taken) -> None:
    """States how many pictures were found in another way than as written."""
    for way, count in sorted(pictures.notes.items()):
        taken.note(
            Message(
                "Pictures found {way}, because exactly one file fits: {count}.",
                count=count,
                way=_WAYS[way],
            )
        )
    pictures.notes.clear()


def repeats(rows: Sequence[PictureRow], taken: Taken) -> None:
    """States which boxes stand several times in a picture."""
    names = [f"{row.source} ({', '.join(row.repeated)})" for row in rows if row.repeated]
    if names:
        taken.note(
            Message(
                "Boxes that stand several times in a picture count once: {count} repeats, in "
                "{names}.",
                count=sum(len(row.repeated) for row in rows),
                names=listed(names),
            )
        )


def add(rows: Sequence[PictureRow], found: StatedBoxes, pictures: Pictures, taken: Taken) -> None:
    """Adds the roles, what was left, and the notes of the format."""
    counts = Counter(box[0] for row in rows for box in (*row.boxes, *row.ignored))
    classes = [f"{name} ({count})" for name, count in counts.most_common()]
    taken.role("input", Message("pictures"), "", [row.source for row in rows])
    taken.role("answer", Message("boxes of {format}", format=found.format), "", classes)
    order = ("input", "answer")
    taken.roles.sort(key=lambda one: order.index(one.role) if one.role in order else 2)
    for kind, names, why in found.left:
        taken.leave(kind, names, 0, why)
    unused = [name for name in dict.fromkeys(found.classes) if name not in counts]
    taken.leave("categories", unused, 0, Message("without a box"))
    known = {row.entry.name for row in rows if row.entry}
    known |= _left_out(found, pictures, known, taken)
    told = {name for one in taken.left for name in one.names}
    known |= told
    rest = [one.name for one in pictures.entries if one.name not in known]
    taken.leave("files", rest, 0, Message("pictures without annotations"))
    _add_notes(rows, taken)
    for note in found.notes:
        taken.note(note)


def _left_out(
    found: StatedBoxes, pictures: Pictures, known: Iterable[str], taken: Taken
) -> set[str]:
    """Names the pictures that are not used although files state something, and returns them."""
    names: dict[Message, list[str]] = {}
    for one, why in found.left_out:
        entry = one.entry or pictures.first((one.picture, *one.others), one.file)
        name = entry.name if isinstance(entry, Entry) else one.picture
        if name not in known:
            names.setdefault(why, []).append(name)
    pictures.notes.clear()
    for why, some in names.items():
        taken.leave("files", some, 0, why)
    return {name for some in names.values() for name in some}


def _add_notes(rows: Sequence[PictureRow], taken: Taken) -> None:
    ignored = sum(len(row.ignored) for row in rows)
    if ignored:
        taken.note(
            Message(
                "Boxes that are ignored (crowd or difficult) and not scored: {count}.",
                count=ignored,
            )
        )
    empty = [row.source for row in rows if row.empty]
    if empty:
        taken.note(
            Message(
                "Annotated pictures without objects: {count} ({names}).",
                count=len(empty),
                names=listed(empty),
            )
        )
