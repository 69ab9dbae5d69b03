"""Output files of the verbs: where they may be written, and how.

No output replaces an input, is written into data or into a run, or replaces a file that the same
verb (command) did not write. A verb creates `OutputPaths` from its inputs, calls `allow` for each
output before it begins to work, and writes through `placed`: a file gets its name when it is
complete.
"""

from __future__ import annotations

import contextlib
import functools
import glob
import os
import re
import stat
import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tenfold.core.errors import UsageError
from tenfold.core.message import Message
from tenfold.core.progress import tell
from tenfold.media.files.references import printable
from tenfold.run import folder as run_folder
from tenfold.run.run import Run

__all__ = ["Ours", "OutputPaths", "never", "page_of", "pictures_of", "placed", "tell_drawn"]

Ours = Callable[[Path], bool]
"""Recognizes an existing file as an earlier output of the same verb."""
Identity = tuple[int, int]
"""Device and inode number of a file, which are the same for all paths to the file."""

HEAD = 4096
"""Bytes at the start of a file in which its header is searched."""
STREAMS = ("/dev/", "/proc/")
"""Path prefixes of files that are written directly, such as /dev/stdout."""


def never(_: Path) -> bool:
    """Returns False: a file in a format without a header is never known to be an earlier output."""
    return False


@dataclass(frozen=True)
class OutputPaths:
    """Checks where the outputs of one call may be written; looks at no input before that.

    `inputs` are what the call reads (paths, globs or a list), `runs` the runs that it opens. The
    data that the runs were trained on count as inputs too.
    """

    inputs: Any
    runs: tuple[Run, ...]
    force: bool = False
    """Whether files that tenfold did not write may be replaced."""

    @staticmethod
    def of(inputs: Any = None, *runs: Run, force: bool = False) -> OutputPaths:
        """Returns the checks for a call that reads `inputs` and opens `runs`."""
        return OutputPaths(inputs, runs, force)

    @functools.cached_property
    def _read(self) -> tuple[set[Identity], set[Identity]]:
        """The identities of the files and of the folders that the call reads."""
        found: list[str | Path] = [*_named(self.inputs)]
        found += filter(None, (run_folder.data_of(run.home) for run in self.runs))
        files: set[Identity] = set()
        folders: set[Identity] = set()
        for one in _facts(found):
            (folders if stat.S_ISDIR(one.st_mode) else files).add((one.st_dev, one.st_ino))
        return files, folders

    def allow(self, path: str | Path, ours: Ours = never, *, own: Path | None = None) -> Path:
        """Returns the path of an output file after checking it.

        The path `own` is always allowed, even inside a run. Raises UsageError where the path is an
        input, lies in the data or in a run, or is an existing file that is not recognized by `ours`
        (allowed with `force`).
        """
        path = Path(path)
        if own is not None and path.resolve() == own.resolve():
            return path
        self._refuse_place(path)
        if not os.path.lexists(path) or _is_stream(path):
            return path
        if path.is_dir():
            raise _refused(
                path, Message("The output is an existing folder"), Message("Give a file name.")
            )
        empty = path.is_file() and path.stat().st_size == 0
        if not (self.force or empty or (path.is_file() and ours(path))):
            raise UsageError(
                Message("The output file exists, and this command did not write it"),
                code="output-exists",
                where=str(path),
                fix=Message("Give another file, or --force to replace it."),
            )
        return path

    def allow_folder(self, path: str | Path, ours: dict[str, Ours]) -> Path:
        """Returns the path of an output folder after checking it and the files in it.

        `ours` maps patterns of file names to functions that recognize earlier outputs. Files that
        match no pattern stay untouched. Raises UsageError as `allow` does.
        """
        path = Path(path)
        self._refuse_place(path)
        if os.path.lexists(path) and not path.is_dir():
            raise _refused(
                path, Message("The output folder is a file"), Message("Give a folder name.")
            )
        for pattern, known in ours.items():
            for file in sorted(path.glob(pattern)):
                self.allow(file, known)
        return path

    def allow_new_folder(self, path: Path, *, own: Path | None = None) -> None:
        """Raises UsageError if a new run or export must not be written to this path.

        The path `own` is always allowed, even inside a run.
        """
        if own is None or path.resolve() != own.resolve():
            self._refuse_place(path, itself=False)

    def _refuse_place(self, path: Path, itself: bool = True) -> None:
        """Raises UsageError where the path is an input, or lies in the data or in a run.

        With `itself=False`, the path may be a run folder itself, but not lie in one.
        """
        files, folders = self._read
        if files & _identities([path]):
            raise _refused(
                path,
                Message("The output would replace an input of this command"),
                Message("Give another file."),
            )
        real = Path(os.path.realpath(path))
        above = [real, *real.parents]
        if folders & _identities(above):
            raise _refused(
                path,
                Message("The output would be written into the data"),
                Message("Give a place outside of the data folder."),
            )
        if any(map(run_folder.is_run, above if itself else real.parents)):
            raise _refused(
                path,
                Message("The output would be written into a run folder, which must not change"),
                Message("Give a place outside of the run folder."),
            )


def _refused(path: Path, message: Message, fix: Message) -> UsageError:
    return UsageError(message, code="bad-output", where=str(path), fix=fix)


def _named(inputs: Any) -> Iterator[str]:
    """The paths among the inputs, with all paths that a glob stands for."""
    for one in inputs if isinstance(inputs, (list, tuple)) else [inputs]:
        if isinstance(one, (str, os.PathLike)):
            name = os.fspath(one)
            yield name
            if glob.has_magic(name):
                yield from glob.iglob(name, recursive=True)


def _facts(paths: Iterable[str | Path]) -> Iterator[os.stat_result]:
    for path in paths:
        with contextlib.suppress(OSError, ValueError):  # a text is not the name of a file
            yield os.stat(path)


def _identities(paths: Iterable[Path]) -> set[Identity]:
    return {(one.st_dev, one.st_ino) for one in _facts(paths)}


def _is_stream(path: Path) -> bool:
    """True for standard output, a pipe or a device, which cannot be replaced by a new file."""
    if str(path.absolute()).startswith(STREAMS):
        return True
    return any(not stat.S_ISREG(one.st_mode) and not stat.S_ISDIR(one.st_mode)
               for one in _facts([path]))  # fmt: skip


@contextlib.contextmanager
def placed(path: Path) -> Iterator[Path]:
    """Yields a temporary path to write; the file gets the name `path` if the block succeeds.

    Otherwise an existing file stays as it is. A link is followed. Standard output, pipes and
    devices are written directly.
    """
    if _is_stream(path):
        yield path
        return
    real = Path(os.path.realpath(path))
    real.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=real.parent, prefix=".tenfold-") as folder:
        part = Path(folder) / real.name
        yield part
        if part.exists():
            os.replace(part, real)


def tell_drawn(folder: Path, count: int) -> None:
    """States how many pictures were drawn, and in which folder."""
    name = printable(str(folder))
    tell(Message("Pictures drawn in {folder}: {count}", folder=name, count=count))


# --- headers of outputs ---------------------------------------------------------------------------


def page_of(template: str) -> Ours:
    """Returns a function that recognizes HTML pages made from a template such as `report`."""
    wanted = re.compile(rf'name="generator" content="tenfold [^"]*, {template}"'.encode())

    def ours(path: Path) -> bool:
        return bool(wanted.search(_head(path)))

    return ours


def pictures_of(path: Path) -> bool:
    """Returns True for a PNG file written by `media.drawing.save`."""
    return b"Software\0tenfold" in _head(path)


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(HEAD)
