"""All that only some platforms have: the allocator, memory and disk, locks, files that survive."""

from __future__ import annotations

import contextlib
import ctypes
import hashlib
import os
import platform
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tenfold.core.errors import EnvironmentRefused
from tenfold.core.lazy import lazy

_locking = lazy("fcntl" if os.name == "posix" else "msvcrt")
_resource = lazy("resource")

__all__ = [
    "available_memory",
    "cache_folder",
    "cores",
    "digest_file",
    "fsync_folder",
    "keep_memory",
    "locked",
    "multiplies_bytes",
    "need_disk",
    "peak_memory",
    "write_atomically",
]


def keep_memory() -> bool:
    """Asks glibc to keep freed memory, which doubles the speed of training; harmless elsewhere.

    Every large buffer is otherwise mapped and unmapped, and page faults cost more than the
    arithmetic. Must run before large allocations. True where it took effect.
    """
    if not sys.platform.startswith("linux"):
        return False
    try:
        mallopt = ctypes.CDLL("libc.so.6").mallopt
    except (OSError, AttributeError):  # musl and others: their allocators have no such dial
        return False
    mmap_max, trim_threshold, top_pad = -4, -1, -2
    settings = ((mmap_max, 0), (trim_threshold, 2**31 - 1), (top_pad, 64 << 20))
    return all([bool(mallopt(name, value)) for name, value in settings])


def cores() -> int:
    """Processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0)) or 1
    return os.cpu_count() or 1


def multiplies_bytes() -> bool:
    """Whether products of matrices of bytes are quick; elsewhere they may go one by one."""
    return platform.machine().lower() in ("x86_64", "amd64")


def available_memory() -> int:
    """Bytes this process may still take: free memory, container limit, address-space limit."""
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
    except (OSError, ValueError):  # no container, or no limit ("max")
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
    """Largest resident size of this process so far, in bytes (0 where unknown)."""
    if os.name != "posix":
        return 0
    unit = 1 if sys.platform == "darwin" else 1024
    return int(_resource.getrusage(_resource.RUSAGE_SELF).ru_maxrss) * unit


def need_disk(folder: Path, size: int, what: str) -> None:
    """Raises EnvironmentRefused before the start where `folder` has no room for `size` bytes."""
    place = folder
    while not place.exists():
        place = place.parent
    free = shutil.disk_usage(place).free
    if free < size:
        raise EnvironmentRefused(
            f"{what} needs {size / 1e9:.1f} GB and {free / 1e9:.1f} GB are free",
            code="disk-full",
            where=str(place),
            fix="Free some space, or set TENFOLD_CACHE (cache) or --out (run) to another disk.",
        )


def cache_folder() -> Path:
    """The user's one cache: TENFOLD_CACHE, else the platform's cache folder."""
    if told := os.environ.get("TENFOLD_CACHE"):
        return Path(told)
    if os.name == "nt":
        return Path(os.environ.get("LOCALAPPDATA", Path.home())) / "tenfold"
    return Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "tenfold"


def fsync_folder(folder: Path) -> None:
    """Makes names inside `folder` survive a power cut."""
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_atomically(path: Path, content: bytes | str) -> None:
    """Either the old file or the whole new one is there, whenever the machine stops."""
    data = content.encode() if isinstance(content, str) else content
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(name, 0o644)
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    fsync_folder(path.parent)


def digest_file(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Holds `folder` for this process alone; a second process is refused at once."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("a+b") as file:
        try:
            _take(file.fileno())
        except OSError as error:
            raise EnvironmentRefused(
                "Another process is writing into this folder",
                code="locked",
                where=str(folder),
                fix="Wait for it, or choose another --out.",
            ) from error
        yield


def _take(handle: int) -> None:
    if os.name == "posix":
        _locking.flock(handle, _locking.LOCK_EX | _locking.LOCK_NB)
    else:
        _locking.locking(handle, _locking.LK_NBLCK, 1)
