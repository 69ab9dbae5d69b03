"""What a person sees while work goes on: sentences and one line that moves.

The core only calls `tell` and `advance`; who listens decides what is shown. The command line
listens on standard error, a notebook may listen in its own way, a test may collect.
"""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Iterator
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Protocol, TextIO

__all__ = ["Listener", "ProgressLine", "Silent", "advance", "clock", "listening", "muted", "tell"]


class Listener(Protocol):
    """Somebody who wants to know how far the work is."""

    def tell(self, sentence: str) -> None:
        """One finished sentence."""

    def advance(self, stage: str, done: float, total: float, note: str = "") -> None:
        """`done` of `total` of a stage; `note` is short, such as the loss."""


class Silent:
    """Hears everything and shows nothing."""

    def __enter__(self) -> Silent:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing was shown."""

    def tell(self, sentence: str) -> None:
        """Shows nothing."""

    def advance(self, stage: str, done: float, total: float, note: str = "") -> None:
        """Shows nothing."""


@dataclass
class ProgressLine:
    """Sentences and one moving line on a stream; plain, rare lines where it is no terminal."""

    stream: TextIO = field(default_factory=lambda: sys.stderr)
    _stage: str = ""
    _start: float = 0.0
    _shown: float = 0.0
    _open: bool = False

    def __enter__(self) -> ProgressLine:
        return self

    def __exit__(self, *_: object) -> None:
        """Clears the moving line, so that what follows begins on an empty one."""
        self._close()
        self.stream.flush()

    def tell(self, sentence: str) -> None:
        """Writes the sentence on a line of its own."""
        self._close()
        self.stream.write(sentence + "\n")
        self.stream.flush()

    def advance(self, stage: str, done: float, total: float, note: str = "") -> None:
        """Redraws the line at most ten times a second; on a pipe, a line every 30 seconds."""
        now = time.monotonic()
        if stage != self._stage or done < 0:
            self._close()
            self._stage, self._start, self._shown = stage, now, now
        terminal = self.stream.isatty()
        if now - self._shown < (0.1 if terminal else 30.0):
            return
        self._shown = now
        text = f"{stage} {_share(done, total)} {_left(now - self._start, done, total)} {note}"
        self.stream.write(f"\r\x1b[2K{text}" if terminal else text.rstrip() + "\n")
        self.stream.flush()
        self._open = terminal

    def _close(self) -> None:
        if self._open:
            self.stream.write("\r\x1b[2K")
            self._open = False
        self._stage = ""


def _share(done: float, total: float) -> str:
    return f"{100 * done / total:3.0f} %" if total else ""


def _left(spent: float, done: float, total: float) -> str:
    if not total or done <= 0 or spent < 1:
        return ""
    return f"{clock(spent * (total - done) / done)} left"


def clock(seconds: float) -> str:
    """`45 s`, `3 min 20 s`, `2 h 05 min`."""
    whole = round(max(0.0, seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


_listener: ContextVar[Listener | None] = ContextVar("listener", default=None)


def muted() -> bool:
    """True where somebody asked for silence, as `--quiet` does."""
    return isinstance(_listener.get(), Silent)


def _current() -> Listener:
    return _listener.get() or _default


_default: Listener = ProgressLine() if sys.stderr and sys.stderr.isatty() else Silent()


@contextlib.contextmanager
def listening(listener: Listener) -> Iterator[None]:
    """Everything told inside the block goes to `listener`."""
    token = _listener.set(listener)
    try:
        yield
    finally:
        _listener.reset(token)


def tell(sentence: str) -> None:
    """A sentence for the person who waits."""
    _current().tell(sentence)


def advance(stage: str, done: float, total: float, note: str = "") -> None:
    """How far a stage is; cheap enough to be called at every step."""
    _current().advance(stage, done, total, note)
