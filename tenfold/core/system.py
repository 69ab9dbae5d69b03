"""Platform-specific functions: memory allocator, memory and disk size, locks, safe writing."""

from __future__ import annotations

import contextlib
import ctypes
import hashlib
import os
import platform
import re
import secrets
import shlex
import shutil
import sys
import time
from collections.abc import Iterator
from contextvars import ContextVar
from pathlib import Path

from tenfold.core.errors import EnvironmentRefused
from tenfold.core.lazy import lazy
from tenfold.core.message import Message

_locking = lazy("fcntl" if os.name == "posix" else "msvcrt")
_resource = lazy("resource")

__all__ = [
    "BEGAN",
    "available_memory",
    "cache_folder",
    "command_began",
    "cores",
    "digest_file",
    "fsync_folder",
    "keep_memory",
    "locked",
    "multiplies_bytes",
    "need_disk",
    "peak_memory",
    "process_began",
    "shell_word",
    "write_atomically",
]


def keep_memory() -> bool:
    """Makes glibc keep freed memory, which doubles the speed of training; returns True on success.

    Without this, each large buffer is mapped and unmapped, and the page faults cost more than the
    arithmetic. Call it before large allocations. It has no effect on other platforms.
    """
    if not sys.platform.startswith("linux"):
        return False
    try:
        mallopt = ctypes.CDLL("libc.so.6").mallopt
    except (OSError, AttributeError):  # musl and others have no such option
        return False
    mmap_max, trim_threshold, top_pad = -4, -1, -2
    settings = ((mmap_max, 0), (trim_threshold, 2**31 - 1), (top_pad, 64 << 20))
    return all([bool(mallopt(name, value)) for name, value in settings])


def cores() -> int:
    """Returns the number of processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0)) or 1
    return os.cpu_count() or 1


def multiplies_bytes() -> bool:
    """Returns True if products of byte matrices are fast (x86-64); they may be slow elsewhere."""
    return platform.machine().lower() in ("x86_64", "amd64")


def available_memory() -> int:
    """Returns the number of bytes that this process may still allocate.

    It is the smallest of free memory, container limit and address-space limit.
    """
    return max(0, min(_free_memory(), _container_room(), _address_room()))


def _free_memory() -> int:
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
        return next(int(line.split()[1]) << 10 for line in lines if "MemAvailable" in line)
    except (OSError, StopIteration):
        pages = os.sysconf("SC_PHYS_PAGES") if hasattr(os, "sysconf") else 1 << 20
        return pages * 4096 // 2


def _container_room() -> int:
    root = Path("/sys/fs/cgroup")
    try:
        return int((root / "memory.max").read_text()) - int((root / "memory.current").read_text())
    except (OSError, ValueError):  # not in a container, or no limit ("max")
        return sys.maxsize


def _address_room() -> int:
    if os.name != "posix":
        return sys.maxsize
    limit = _resource.getrlimit(_resource.RLIMIT_AS)[0]
    if limit == _resource.RLIM_INFINITY:
        return sys.maxsize
    try:
        used = int(Path("/proc/self/statm").read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        used = 0
    return int(limit) - used


def peak_memory() -> int:
    """Returns the peak resident memory of this process in bytes, 0 if unknown."""
    if os.name != "posix":
        return 0
    unit = 1 if sys.platform == "darwin" else 1024
    return int(_resource.getrusage(_resource.RUSAGE_SELF).ru_maxrss) * unit


def need_disk(folder: Path, size: int, what: Message) -> None:
    """Raises EnvironmentRefused where the disk of `folder` has less than `size` bytes free."""
    place = folder
    while not place.exists():
        place = place.parent
    free = shutil.disk_usage(place).free
    if free < size:
        raise EnvironmentRefused(
            Message(
                "{what} needs {size:.1f} GB of disk, {free:.1f} GB are free",
                what=what,
                size=size / 1e9,
                free=free / 1e9,
            ),
            code="disk-full",
            where=str(place),
            fix=Message(
                "Free some space, or set TENFOLD_CACHE (cache) or --out (run) to another disk."
            ),
        )


def cache_folder() -> Path:
    """Returns the cache folder of the user: TENFOLD_CACHE, else the platform's usual one."""
    if told := os.environ.get("TENFOLD_CACHE"):
        return Path(told)
    if os.name == "nt":
        return Path(os.environ.get("LOCALAPPDATA", Path.home())) / "tenfold"
    return Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "tenfold"


def fsync_folder(folder: Path) -> None:
    """Flushes the entries of `folder` to disk, so that they survive a power failure."""
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_atomically(path: Path, content: bytes | str) -> None:
    """Writes a file so that a crash leaves either the old file or the complete new one."""
    data = content.encode() if isinstance(content, str) else content
    path.parent.mkdir(parents=True, exist_ok=True)
    name = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    handle = os.open(name, flags, 0o666)  # less the bits of the umask
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(name, path)
    except BaseException:
        name.unlink(missing_ok=True)
        raise
    fsync_folder(path.parent)


def digest_file(path: Path) -> str:
    """Returns the SHA-256 of a file in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Locks `folder` for this process inside the block.

    Raises EnvironmentRefused at once where another process holds the lock.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("a+b") as file:
        try:
            _take(file.fileno())
        except OSError as error:
            raise EnvironmentRefused(
                Message("Another process is writing to this folder"),
                code="locked",
                where=str(folder),
                fix=Message("Wait until the other process has ended, or choose another --out."),
            ) from error
        yield


def _take(handle: int) -> None:
    if os.name == "posix":
        _locking.flock(handle, _locking.LOCK_EX | _locking.LOCK_NB)
    else:
        _locking.locking(handle, _locking.LK_NBLCK, 1)


BEGAN: ContextVar[float] = ContextVar("began", default=0.0)
"""Start of the command, a time of `time.perf_counter`; 0 outside of the command line."""


def command_began() -> float:
    """Returns the start of the command as a time of `time.perf_counter`.

    On the command line, it is the start of the process; in Python, the time of this call.
    """
    return BEGAN.get() or time.perf_counter()


def process_began() -> float:
    """Returns the start of this process as a time of `time.perf_counter`; now if it is unknown."""
    now = time.perf_counter()
    try:
        ticks = float(Path("/proc/self/stat").read_text().rpartition(")")[2].split()[19])
        uptime = float(Path("/proc/uptime").read_text().split()[0])
        return now - max(0.0, uptime - ticks / os.sysconf("SC_CLK_TCK"))
    except (OSError, ValueError, IndexError, AttributeError):
        return now


def shell_word(path: str | Path) -> str:
    """Returns a path as one word of a command line, quoted for the shell of this platform.

    The shell is a POSIX shell; on Windows, cmd or PowerShell. A path that begins with a dash gets
    `./` in front, so that it is not read as a flag.
    """
    word = str(path)
    if os.name != "nt":
        return shlex.quote(f"./{word}" if word.startswith("-") else word)
    return _windows_word(f".\\{word}" if word.startswith("-") else word, "PROMPT" in os.environ)


def _windows_word(word: str, cmd: bool) -> str:
    """Returns a path quoted for cmd (`cmd` = True) or PowerShell, where $ and ` are special."""
    if re.fullmatch(r"[\w.:\\/+=-]+", word):
        return word
    if not cmd and set(word) & set("$`\u201c\u201d\u201e"):
        quotes = "".join(letter * 2 if letter in "'\u2018\u2019" else letter for letter in word)
        return f"'{quotes}'"
    ends = len(word) - len(word.rstrip("\\"))  # a program reads \" as a quotation mark
    return f'"{word}{ends * chr(92)}"'
