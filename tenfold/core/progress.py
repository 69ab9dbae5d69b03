"""Progress output: sentences, and one line that is redrawn.

Other modules only call `tell` and `advance`; the current listener decides what is shown. Sentences
are messages (core/message.py), which are translated when they are displayed. The command line
writes to standard error; a notebook or a test may use its own listener.
"""

from __future__ import annotations

import contextlib
import contextvars
import os
import sys
import threading
import time
from collections.abc import Iterator
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from typing import Protocol, TextIO

from tenfold.core.message import Message, translate
from tenfold.core.text import short

__all__ = [
    "Listener", "ProgressLine", "Silent", "advance", "advance_batches", "clock", "listening",
    "muted", "predicting", "tell",
]  # fmt: skip


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

    @contextlib.contextmanager
    def cleared(self) -> Iterator[None]:
        """Does nothing around the block."""
        yield


REDRAWN, BEAT = 0.1, 1.0
"""Minimum seconds between two drawings of the line; seconds until it redraws by itself."""
PLAIN = 12.0
"""Seconds without output after which a stream that is not a terminal gets a progress line."""
MARGIN = 4
"""Columns left free at the end of the line, where a terminal may print ^C."""


@dataclass(frozen=True)
class _Stage:
    """The progress of a stage that began at time `begun` (seconds) with `first` already done."""

    name: str = ""
    begun: float = 0.0
    first: float = 0.0
    done: float = 0.0
    total: float = 0.0
    note: str = ""

    def text(self, now: float) -> str:
        """Returns the line to display: stage, percentage done, time left and note.

        If the total is unknown (0), the time spent replaces percentage and time left.
        """
        spent = now - self.begun
        if self.total:
            left = _left(spent, self.done - self.first, self.total - self.done)
            share = f"{100 * self.done / self.total:3.0f} %"
            return f"{translate(self.name)} {share} {left} {translate(self.note)}".rstrip()
        time_spent = clock(spent) if spent >= 1 else ""
        return f"{translate(self.name)} {time_spent} {translate(self.note)}".rstrip()


@dataclass
class ProgressLine:
    """A listener that writes sentences and one redrawn line to a stream.

    If the stream is not a terminal, it writes plain lines at long intervals instead. As a context
    manager it also redraws the line from a thread, so that the time shown goes on if `advance` is
    not called for a while.
    """

    stream: TextIO = field(default_factory=lambda: sys.stderr)
    _stage: _Stage = _Stage()
    _shown: float = field(default_factory=lambda: time.monotonic())
    _open: bool = False
    _lock: threading.RLock = field(default_factory=threading.RLock)
    _ended: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> ProgressLine:
        context = contextvars.copy_context()  # the display language is a context variable
        threading.Thread(target=context.run, args=(self._beat,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        """Erases the redrawn line, so that later output begins on an empty line."""
        self._ended.set()
        with self.cleared():
            self.stream.flush()

    @contextlib.contextmanager
    def cleared(self) -> Iterator[None]:
        """Erases the line and does not redraw it inside the block, where other code may write."""
        with self._lock:
            if self._open:
                self.stream.write("\r\x1b[2K")
                self.stream.flush()
                self._open = False
            yield

    def tell(self, sentence: str) -> None:
        """Writes the sentence on a separate line, in the current language."""
        with self.cleared():
            self.stream.write(translate(sentence) + "\n")
            self.stream.flush()
            self._shown = time.monotonic()

    def advance(self, stage: str, done: float, total: float, note: str = "") -> None:
        """Redraws the line at most ten times a second; on a pipe, writes one every 12 seconds."""
        now, known = time.monotonic(), self._stage
        if stage != known.name or done < known.done:
            known = _Stage(stage, now, done)
        self._stage = replace(known, done=done, total=total, note=note)
        if now - self._shown >= REDRAWN:
            self._draw(REDRAWN)

    def _draw(self, least: float) -> None:
        """Redraws the line on a terminal if the last output is at least `least` seconds old.

        On any other stream, writes a plain line if the last output is at least PLAIN seconds old.
        """
        terminal = self.stream.isatty()
        with self._lock:
            now = time.monotonic()
            if now - self._shown < (least if terminal else PLAIN) or not self._stage.name:
                return
            self._shown, text = now, self._stage.text(now)
            if terminal:
                text = f"\r\x1b[2K{short(text, _columns(self.stream) - MARGIN)}"
            self.stream.write(text if terminal else text + "\n")
            self.stream.flush()
            self._open = terminal

    def _beat(self) -> None:
        """Redraws the line every BEAT seconds until the context manager exits (run in a thread)."""
        while not self._ended.wait(BEAT):
            with contextlib.suppress(ValueError, OSError):  # the stream is closed
                self._draw(BEAT)


def _columns(stream: TextIO) -> int:
    """Returns the width of a terminal in columns; 80 if it is unknown."""
    try:
        return os.get_terminal_size(stream.fileno()).columns or 80
    except (OSError, ValueError):
        return 80


def _left(spent: float, done: float, rest: float) -> str:
    if done <= 0 or spent < 1:
        return ""
    return translate(Message("{time} left", time=clock(spent * rest / done)))


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
    """Reports predicted batches as progress of the stage set by `predicting`, if any is set."""
    if stage := _predicting.get():
        advance(stage, done, total)


def tell(sentence: str) -> None:
    """Sends a sentence to the current listener."""
    _current().tell(sentence)


def advance(stage: str, done: float, total: float, note: str = "") -> None:
    """Sends the progress of a stage to the current listener; cheap enough for every step."""
    _current().advance(stage, done, total, note)
