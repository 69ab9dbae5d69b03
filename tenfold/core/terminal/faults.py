"""Conversion of exceptions of Python and the operating system to errors of tenfold."""

from __future__ import annotations

import errno
import os
import signal

from tenfold.core.errors import EnvironmentRefused, Stopped, StopSignal, TenfoldError
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
    if number := _signal_in(error):
        fix = Message(
            "Run the same command again: it continues an unfinished run, or starts from the "
            "beginning."
        )
        return Stopped(Message("Stopped"), signal=number, fix=fix)
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


def _signal_in(error: BaseException | None) -> int:
    """Returns the number of the signal that caused an exception, or 0 if none did.

    If a signal interrupts an import, Python raises another exception, and the exception of the
    signal is its `__cause__`.
    """
    while error is not None:
        if isinstance(error, StopSignal):
            return error.number
        if isinstance(error, KeyboardInterrupt):
            return int(signal.SIGINT)
        error = error.__cause__
    return 0
