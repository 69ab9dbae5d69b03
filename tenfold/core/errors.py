"""Error classes; each error states what is wrong, where, and how to fix it.

TenfoldError
|-- UsageError          2    an argument, a setting or a path is invalid
|-- DataRefused         3    the data cannot be used as they are
|-- EnvironmentRefused  4    disk, memory, codec, missing package, port, permission
|-- TrainingFailed      5    training failed
|-- ArtefactRefused     6    a run folder or model file is damaged, unfinished or too new
`-- Stopped             130  Ctrl-C (143 for a termination signal); training saves its state
"""

from __future__ import annotations

import difflib
import re
import textwrap
from collections.abc import Iterable
from pathlib import Path
from typing import Any, ClassVar

from tenfold.core.message import EMPTY, Message, translate, values_of

__all__ = [
    "ArtefactRefused",
    "DataRefused",
    "EnvironmentRefused",
    "StopSignal",
    "Stopped",
    "TenfoldError",
    "TrainingFailed",
    "UsageError",
    "nearest",
    "run_refused",
]


MAX_LISTED_CHARACTERS = 300
"""Maximum length of the list of known names in the fix of an error."""


class TenfoldError(Exception):
    """Base class of all errors: one sentence (`message`), the location (`where`), and the `fix`.

    `code` is a stable slug for programs (`unknown-task`, `empty-folder`, ...).
    """

    exit_code: int = 1
    default_code: ClassVar[str] = "error"

    def __init__(
        self,
        message: Message,
        *,
        code: str | None = None,
        where: str = "",
        fix: Message = EMPTY,
    ) -> None:
        super().__init__(message)
        self.message, self.where, self.fix = message, str(where), fix
        self.code = code or self.default_code

    def __str__(self) -> str:
        """Returns message, location and fix in the current language."""
        where = f" ({self.where})" if self.where and not self._says_where() else ""
        fix = f"\n  {translate(self.fix)}" if self.fix else ""
        return f"{translate(self.message)}{where}{fix}"

    def _says_where(self) -> bool:
        """Returns True if the message already contains `where` as a whole word.

        If `where` consists of letters only, it must stand in quotation marks.
        """
        return re.search(rf"(?<!\w){re.escape(self.where)}(?!\w)", self.message) is not None and (
            not self.where.isalpha() or repr(self.where) in self.message
        )

    def to_json(self) -> dict[str, Any]:
        """Returns the error as an object of JSON documents."""
        return {
            "code": self.code,
            "message": self.message,
            "where": self.where,
            "fix": self.fix,
            "values": values_of(self.message, self.fix),
        }


class UsageError(TenfoldError):
    """An argument, a setting or a path is invalid."""

    exit_code, default_code = 2, "usage"


class DataRefused(TenfoldError):
    """The data cannot be used as they are."""

    exit_code, default_code = 3, "data-refused"


class EnvironmentRefused(TenfoldError):
    """The machine lacks something: disk, memory, a package, a permission."""

    exit_code, default_code = 4, "environment"


class TrainingFailed(TenfoldError):
    """Training failed, for example because the loss is never finite."""

    exit_code, default_code = 5, "training-failed"


class ArtefactRefused(TenfoldError):
    """A run folder or model file is unusable: damaged, unfinished, not of tenfold, or too new."""

    exit_code, default_code = 6, "artefact-refused"


class StopSignal(BaseException):
    """A received SIGINT or SIGTERM, raised at the interrupted line; `number` is the signal number.

    Like KeyboardInterrupt it is not an Exception, so that `except Exception` does not catch it.
    """

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


class Stopped(TenfoldError):
    """The command was stopped by signal number `signal` (2 or 15); exit code 128 + signal."""

    default_code = "stopped"

    def __init__(
        self, message: Message, *, signal: int, where: str = "", fix: Message = EMPTY
    ) -> None:
        super().__init__(message, where=where, fix=fix)
        self.exit_code = 128 + signal


def nearest(word: str, names: Iterable[str]) -> Message:
    """Returns `Did you mean X?` for the most similar known name, else lists the known names."""
    known = sorted(map(str, names))
    near = difflib.get_close_matches(word.replace("_", "-"), known, n=1, cutoff=0.55)
    if near:
        return Message("Did you mean {name!r}?", name=near[0])
    listed = textwrap.shorten(", ".join(known), MAX_LISTED_CHARACTERS, placeholder=" ...")
    return Message("Known names: {names}.", names=listed)


def run_refused(folder: Path, reason: Message, code: str) -> ArtefactRefused:
    """Returns the error for an invalid run folder; `reason` continues the words "The run"."""
    return ArtefactRefused(
        Message("The run {reason}", reason=reason),
        code=f"run-{code}",
        where=str(folder),
        fix=Message("Copy the run folder again from its source, or train again."),
    )
