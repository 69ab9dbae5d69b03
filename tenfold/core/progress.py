"""Progress output: sentences, and one line that is redrawn.

Other modules only call `tell` and `advance`; the current listener decides what is shown. Sentences
are messages (core/message.py), which are translated when they are displayed. The command line
writes to standard error; a notebook or a test may use its own listener.
"""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Iterator
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Protocol, TextIO

from tenfold.core.message import Message, translate

__all__ = [
    "Listener", "ProgressLine", "Silent", "advance", "advance_batches", "clock", "listening",
    "muted", "predicting", "tell",
]  # fmt: skip

EVERY, ON_PIPE = 0.1, 10.0
"""Minimum seconds between two lines of progress, on a terminal and elsewhere."""


class Listener(Protocol):
    """The interface of an object that receives progress reports."""

    def tell(self, sentence: str) -> None:
        """Receives one complete sentence."""

    def advance(self, stage: str, done: float, total: float, note: str = "") -> None:
        """Receives progress of a stage, `done` of `total`, with a short note such as the loss."""


class Silent:
    """A listener that shows nothing."""

    def __enter__(self) -> Silent:
        return self

    def __exit__(self, *_: object) -> None:
        """Does nothing."""

    def tell(self, sentence: str) -> None:
        """Does nothing."""

    def advance(self, stage: str, done: float, total: float, note: str = "") -> None:
        """Does nothing."""


@dataclass
class ProgressLine:
    """A listener that writes sentences and one redrawn line to a stream.

    If the stream is not a terminal, it writes a plain line instead, once `ON_PIPE` seconds have
    passed since the last line of any stage.
    """

    stream: TextIO = field(default_factory=lambda: sys.stderr)
    _stage: str = ""
    _start: float = 0.0
    _shown: float = field(default_factory=lambda: time.monotonic())
    _open: bool = False

    def __enter__(self) -> ProgressLine:
        return self

    def __exit__(self, *_: object) -> None:
        """Clears the redrawn line, so that later output begins on an empty line."""
        self._close()
        self.stream.flush()

    def tell(self, sentence: str) -> None:
        """Writes the sentence on a separate line, in the current language."""
        self._close()
        self.stream.write(translate(sentence) + "\n")
        self.stream.flush()
        self._shown = time.monotonic()

    def advance(self, stage: str, done: float, total: float, note: str = "") -> None:
        """Redraws the line at most ten times a second; on a pipe, writes one every 10 seconds."""
        now = time.monotonic()
        if stage != self._stage or done < 0:
            self._close()
            self._stage, self._start = stage, now
        terminal = self.stream.isatty()
        if now - self._shown < (EVERY if terminal else ON_PIPE):
            return
        self._shown = now
        left = _left(now - self._start, done, total)
        text = f"{translate(stage)} {_share(done, total)} {left} {translate(note)}"
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
    return translate(Message("{time} left", time=clock(spent * (total - done) / done)))


def clock(seconds: float) -> str:
    """Formats a duration in seconds: `45 s`, `3 min 20 s`, `2 h 05 min`."""
    whole = round(max(0.0, seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


_listener: ContextVar[Listener | None] = ContextVar("listener", default=None)


def muted() -> bool:
    """Returns True if a Silent listener was set, as `--quiet` does."""
    return isinstance(_listener.get(), Silent)


def _current() -> Listener:
    return _listener.get() or _default


_default: Listener = ProgressLine() if sys.stderr and sys.stderr.isatty() else Silent()


@contextlib.contextmanager
def listening(listener: Listener) -> Iterator[None]:
    """Sends all progress inside the block to `listener`."""
    token = _listener.set(listener)
    try:
        yield
    finally:
        _listener.reset(token)


_predicting: ContextVar[str] = ContextVar("predicting", default="")


@contextlib.contextmanager
def predicting(stage: str) -> Iterator[None]:
    """Reports the batches that are predicted inside the block as progress of `stage`."""
    token = _predicting.set(stage)
    try:
        yield
    finally:
        _predicting.reset(token)


def advance_batches(done: int, total: int) -> None:
    """Reports predicted batches as progress of the stage of `predicting`; without one, nothing."""
    if stage := _predicting.get():
        advance(stage, done, total)


def tell(sentence: str) -> None:
    """Sends a sentence to the current listener."""
    _current().tell(sentence)


def advance(stage: str, done: float, total: float, note: str = "") -> None:
    """Sends the progress of a stage to the current listener; cheap enough for every step."""
    _current().advance(stage, done, total, note)
