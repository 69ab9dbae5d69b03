"""What a reader took from a source, and what it left: for the terminal, `check` and the report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from tenfold.core.message import EMPTY, Message, as_message
from tenfold.core.progress import tell
from tenfold.core.text import printable

__all__ = ["KINDS", "ROLES", "Left", "Role", "Taken", "left_of_json", "said"]

EXAMPLES = 3
"""Number of example values of each role."""
NAMED = 8
"""Maximum number of names in a sentence."""

ROLES = {
    "input": Message("input"),
    "answer": Message("answer"),
    "part": Message("part"),
    "group": Message("group"),
    "time": Message("time"),
    "key": Message("key"),
    "weight": Message("weight"),
    "user": Message("user"),
    "item": Message("item"),
    "rating": Message("rating"),
    "token": Message("token"),
    "by": Message("reported by"),
}
KINDS = {
    "columns": Message("columns"),
    "tables": Message("tables"),
    "files": Message("files"),
    "rows": Message("rows"),
    "folders": Message("folders"),
    "formats": Message("formats"),
    "categories": Message("categories"),
    "annotations": Message("annotations"),
    "shapes": Message("shapes"),
    "frames": Message("frames"),
}
"""Words for the roles and for the kinds of things that are not used."""
SINGLE = {
    "columns": Message("column"),
    "tables": Message("table"),
    "files": Message("file"),
    "rows": Message("row"),
    "folders": Message("folder"),
    "formats": Message("format"),
    "categories": Message("category"),
    "annotations": Message("annotation"),
    "shapes": Message("shape"),
    "frames": Message("frame"),
}
"""The same words for one thing."""


@dataclass(frozen=True)
class Role:
    """One role, and where it comes from: columns or folders.

    `role` is a name such as `input`, `answer`, `part`, `group`, `time`; `source` names the columns
    or folders; `flag` is the flag that changes it, such as `--text`, "" where none does.
    """

    role: str
    source: Message
    flag: str = ""
    examples: tuple[str, ...] = ()


@dataclass(frozen=True)
class Left:
    """Things of one kind that are not used: their names, their number, and the reason.

    `kind` is a key of KINDS: `columns`, `tables`, `files`, `rows`, `folders`, `categories` ...
    """

    kind: str
    names: tuple[str, ...]
    count: int
    why: Message = EMPTY


@dataclass
class Taken:
    """The roles that a reader filled, what it left, and how the files were read.

    `notes` are further sentences for the user, such as the detected encoding or the number of
    repeated rows.
    """

    roles: list[Role] = field(default_factory=list)
    left: list[Left] = field(default_factory=list)
    notes: list[Message] = field(default_factory=list)

    def role(self, role: str, source: Any, flag: str = "", examples: Sequence[Any] = ()) -> None:
        """Adds a role, unless the same role was already added with the same source."""
        where = source if isinstance(source, Message) else Message("{text}", text=str(source))
        if any((one.role, str(one.source)) == (role, str(where)) for one in self.roles):
            return
        shown = tuple(_short(one) for one in examples[:EXAMPLES])
        self.roles.append(Role(role, where, flag, shown))

    def drop(self, role: str) -> None:
        """Removes a role."""
        self.roles = [one for one in self.roles if one.role != role]

    def leave(self, kind: str, names: Sequence[Any], count: int = 0, why: Message = EMPTY) -> None:
        """Adds things that are not used; nothing where there are none."""
        if names or count:
            told = tuple(_short(name) for name in names)
            self.left.append(Left(kind, told, count or len(told), why))

    def note(self, message: Message) -> None:
        """Adds a sentence, unless it was already added."""
        if str(message) not in map(str, self.notes):
            self.notes.append(message)

    def tell(self) -> None:
        """Prints what was taken and left in one line, and the notes, each in a line of its own."""
        if self.roles:
            tell(self.line())
        for note in self.notes:
            tell(note)

    def line(self) -> Message:
        """Returns one line: each role with its source and its flag, and what is not used."""
        line = _joined([_role_said(one) for one in self.roles])
        if not self.left:
            return Message("Read: {roles}.", roles=line)
        return Message(
            "Read: {roles}. Not used: {left}.", roles=line, left=_joined(list(map(said, self.left)))
        )

    def to_json(self) -> dict[str, Any]:
        """Returns the document of `check` and of the report."""
        return {
            "roles": [
                {
                    "role": one.role,
                    "source": one.source,
                    "flag": one.flag,
                    "examples": list(one.examples),
                }
                for one in self.roles
            ],
            "left": [
                {"kind": one.kind, "names": list(one.names), "count": one.count, "why": one.why}
                for one in self.left
            ],
            "notes": list(self.notes),
        }


def left_of_json(one: dict[str, Any]) -> Left:
    """Returns an entry of `left` in the document of `Taken.to_json` as a Left."""
    return Left(one["kind"], tuple(one["names"]), one["count"], as_message(one["why"]))


def _role_said(one: Role) -> Message:
    role = ROLES.get(one.role, as_message(one.role))
    if one.flag:
        return Message("{role} = {source} ({flag})", role=role, source=one.source, flag=one.flag)
    return Message("{role} = {source}", role=role, source=one.source)


def said(one: Left) -> Message:
    """Returns a phrase such as "2 columns (id, url: no role)"."""
    names = ", ".join(one.names[:NAMED]) + (" ..." if len(one.names) > NAMED else "")
    kind = (SINGLE if one.count == 1 else KINDS).get(one.kind, as_message(one.kind))
    values = {"count": one.count, "kind": kind, "names": names, "why": one.why}
    if one.why and names:
        return Message("{count} {kind} ({names}: {why})", **values)
    if one.why:
        return Message("{count} {kind} ({why})", **values)
    if names:
        return Message("{count} {kind} ({names})", **values)
    return Message("{count} {kind}", **values)


def _joined(parts: list[Message]) -> Message:
    line = parts[0]
    for one in parts[1:]:
        line = Message("{left}, {right}", left=line, right=one)
    return line


def _short(value: Any, most: int = 80) -> str:
    text = printable(" ".join(str(value).split()))
    return text if len(text) <= most else f"{text[: most - 3]}..."
