"""Errors for archives that are damaged, unsafe or too large."""

from __future__ import annotations

import re
from pathlib import Path

from tenfold.core.errors import DataRefused
from tenfold.core.message import EMPTY, Message
from tenfold.core.text import printable
from tenfold.media.files.unreadable import LARGEST_FILE, Unreadable, unreadable

__all__ = ["LINK", "damaged", "damaged_member", "leads_out", "too_large", "unsafe"]

LINK = Message("a link or a special file")


def leads_out(name: str) -> Message:
    """Returns why the name of a member points outside the archive; an empty message if not."""
    name = name.replace("\\", "/")
    if name.startswith("/") or re.match(r"^[A-Za-z]:", name):
        return Message("an absolute path")
    if ".." in name.split("/"):
        return Message("a path that points outside the archive")
    return EMPTY


def unsafe(path: Path, reason: Message, member: str) -> DataRefused:
    """Returns the error for an archive with an unsafe member; the whole archive is refused."""
    return DataRefused(
        Message("The archive holds {reason}: {member!r}", reason=reason, member=printable(member)),
        code="unsafe-archive",
        where=str(path),
        fix=Message("Unpack it yourself, check the files, and give the folder."),
    )


def damaged(path: Path, error: object) -> DataRefused:
    """Returns the error for an archive that cannot be read."""
    return DataRefused(
        Message("The archive is damaged: {error}", error=error),
        code="damaged-archive",
        where=str(path),
        fix=Message("Download or pack it again."),
    )


def damaged_member(error: object) -> Unreadable:
    """Returns the problem of a member that cannot be read."""
    return unreadable(
        "damaged-member", Message("is damaged inside the archive: {error}", error=error)
    )


def too_large() -> Unreadable:
    """Returns the problem of a member that is larger than LARGEST_FILE."""
    return unreadable(
        "too-large", Message("unpacks to more than {limit} MB", limit=LARGEST_FILE >> 20)
    )
