"""Conversion of exceptions of Python and the operating system to errors of tenfold."""

from __future__ import annotations

import errno
import os

from tenfold.core.errors import EnvironmentRefused, Stopped, TenfoldError
from tenfold.core.message import EMPTY, Message

__all__ = ["as_error"]

_SYSTEM = {
    errno.ENOSPC: Message("Free some space, or choose another disk with --out."),
    errno.EACCES: Message("Change the permissions, or choose another place."),
}


def as_error(error: BaseException) -> TenfoldError:
    """Converts an exception to a TenfoldError; an unknown one becomes an internal error."""
    if isinstance(error, TenfoldError):
        return error
    if isinstance(error, KeyboardInterrupt):
        fix = Message(
            "Run the same command again: it continues an unfinished run, or starts from the "
            "beginning."
        )
        return Stopped(Message("Stopped"), signal=2, fix=fix)
    if isinstance(error, MemoryError) or "can't allocate memory" in str(error):
        return EnvironmentRefused(
            Message("Memory ran out"),
            code="memory",
            fix=Message("Give a smaller --batch, --image-size or --limit."),
        )
    if isinstance(error, OSError) and error.errno is not None:
        where = os.fsdecode(error.filename) if error.filename else ""
        fix = _SYSTEM.get(error.errno, EMPTY)
        return EnvironmentRefused(
            Message("The system reports: {error}", error=error.strerror),
            code="system",
            where=where,
            fix=fix,
        )
    return TenfoldError(
        Message(
            "Internal error in tenfold ({kind}: {error})",
            kind=type(error).__name__,
            error=error,
        ),
        code="internal",
        fix=Message("Please report it together with the output of --debug."),
    )
