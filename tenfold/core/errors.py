"""Errors a person can act on: what is wrong, where, what was done, how to fix it.

TenfoldError
|-- UsageError          2    a word, a setting or a path that cannot be right
|-- DataRefused         3    the data cannot be used as they are
|-- EnvironmentRefused  4    disk, memory, codec, missing package, port, permission
|-- TrainingFailed      5    learning itself went wrong
|-- ArtefactRefused     6    a run folder or model file is damaged, foreign or too new
`-- Stopped             130  Ctrl-C (143 for a termination signal); the state is saved
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any, ClassVar

__all__ = [
    "ArtefactRefused",
    "DataRefused",
    "EnvironmentRefused",
    "Stopped",
    "TenfoldError",
    "TrainingFailed",
    "UsageError",
    "nearest",
    "run_refused",
]


class TenfoldError(Exception):
    """One sentence of what is wrong, with `where`, and `fix` saying what to do next.

    `code` is a stable slug for programs (`unknown-task`, `empty-folder`, ...).
    """

    exit_code: int = 1
    default_code: ClassVar[str] = "error"

    def __init__(
        self, message: str, *, code: str | None = None, where: str = "", fix: str = ""
    ) -> None:
        super().__init__(message)
        self.message, self.where, self.fix = message, str(where), fix
        self.code = code or self.default_code

    def __str__(self) -> str:
        where = f" ({self.where})" if self.where and not self._says_where() else ""
        fix = f"\n  {self.fix}" if self.fix else ""
        return f"{self.message}{where}{fix}"

    def _says_where(self) -> bool:
        """True where the message names the place already, as a whole and not as part of a word."""
        return re.search(rf"(?<!\w){re.escape(self.where)}(?!\w)", self.message) is not None and (
            not self.where.isalpha() or repr(self.where) in self.message
        )

    def to_json(self) -> dict[str, Any]:
        """The error as the JSON documents show it."""
        return {"code": self.code, "message": self.message, "where": self.where, "fix": self.fix}


class UsageError(TenfoldError):
    """A word, a setting or a path that cannot be right."""

    exit_code, default_code = 2, "usage"


class DataRefused(TenfoldError):
    """The data cannot be used as they are."""

    exit_code, default_code = 3, "data-refused"


class EnvironmentRefused(TenfoldError):
    """The machine lacks something: disk, memory, a package, a permission."""

    exit_code, default_code = 4, "environment"


class TrainingFailed(TenfoldError):
    """Learning itself went wrong, for example a loss that is never finite."""

    exit_code, default_code = 5, "training-failed"


class ArtefactRefused(TenfoldError):
    """A run folder or a model file that is damaged, foreign or too new."""

    exit_code, default_code = 6, "artefact-refused"


class Stopped(TenfoldError):
    """Stopped by a signal with the state saved; `signal` is its number (2 or 15)."""

    default_code = "stopped"

    def __init__(self, message: str, *, signal: int, where: str = "", fix: str = "") -> None:
        super().__init__(message, where=where, fix=fix)
        self.exit_code = 128 + signal


def nearest(word: str, names: Iterable[str]) -> str:
    """`; did you mean X?` where a known name is near, else the list of what there is."""
    known = sorted(map(str, names))
    near = difflib.get_close_matches(word.replace("_", "-"), known, n=1, cutoff=0.55)
    return f"Did you mean {near[0]!r}?" if near else f"There is: {', '.join(known)}."


def run_refused(folder: Path, what: str, code: str) -> ArtefactRefused:
    """The error of a run that cannot be trusted."""
    return ArtefactRefused(
        f"The run {what}",
        code=f"run-{code}",
        where=str(folder),
        fix="Copy it again from where it was made, or train again.",
    )
