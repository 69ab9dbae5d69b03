"""What a part of benchmarks/gpu.py gets to work with, and where it leaves its results."""

from __future__ import annotations

import json
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

__all__ = ["Job"]

KIT = Path(__file__).resolve().parents[2] / "tests" / "kit"


@dataclass
class Job:
    """One part on a device, to be done in so many seconds.

    `folder` is empty and removed at the end. Everything noted is written at once, so that a part
    which is stopped leaves the figures it had.
    """

    device: str
    seconds: float
    quick: bool
    pack: Path
    folder: Path
    figures: dict[str, Any] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)
    broken: list[str] = field(default_factory=list)
    began: float = field(default_factory=time.monotonic)
    _writing: Any = field(default_factory=threading.Lock)

    @staticmethod
    def of(request: dict[str, Any]) -> Job:
        """From its JSON form."""
        paths = {name: Path(request[name]) for name in ("pack", "folder")}
        return Job(**(request | paths))

    @property
    def left(self) -> float:
        """Seconds that are left."""
        return self.seconds - (time.monotonic() - self.began)

    def note(self, name: str, figure: Any) -> None:
        """Stores a figure under its name."""
        self.figures[name] = figure
        self.write()

    def skip(self, name: str, reason: str) -> None:
        """States that something was left out, and why; "" = the part itself."""
        self.skipped[name] = reason
        self.write()

    def law(self, holds: bool, sentence: str) -> None:
        """Stores the sentence where a law is broken."""
        if not holds:
            self.broken.append(sentence)
            self.write()

    def write(self) -> None:
        """Writes the results so far."""
        names = ("figures", "skipped", "broken")
        text = json.dumps({name: getattr(self, name) for name in names})
        path = self.folder / "result.json"
        with self._writing:
            path.with_suffix(".new").write_text(text)
            path.with_suffix(".new").replace(path)

    def kit(self) -> None:
        """Makes the helpers of the tests importable: the generated worlds."""
        if str(KIT) not in sys.path:
            sys.path.insert(0, str(KIT))
