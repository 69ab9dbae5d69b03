"""One request on its way: what was decided from its head, how far it came, what it cost."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from tenfold.serving.replies import Refused, request_id

__all__ = ["Call", "Handler", "Route"]

Handler = Callable[[Any], Awaitable[Any]]
"""From a Starlette request to a response."""


class RequestLine(Protocol):
    """A queue: `coming` counts requests that were let in and have not reached it."""

    coming: int

    def has_room(self, rows: int = 1) -> bool:
        """True where so many rows may be added."""


@dataclass(frozen=True, slots=True)
class Route:
    """A path that is served. Paths hold no parameters: every model's are known at the start.

    `template` names the path in log and metrics; `most` is the largest body in bytes by content
    type, empty for a path that takes none; `open` paths need no token; `line` is the model's queue.
    """

    template: str
    method: str
    handler: Handler
    model: str = ""
    most: dict[bytes, int] = field(default_factory=dict)
    open: bool = False
    line: RequestLine | None = None


@dataclass(slots=True, eq=False)
class Call:
    """A request: `refused` says why it is not let in; the rest is for log and metrics.

    `size` and `chunked` are what the head says of the body, `most` is how much of it is taken;
    `coming` is True between head and queue, `reading` while its body comes in; `received` and
    `sent` are bytes of bodies, `holds` those in memory; `began` is the clock's time, `spent` and
    `waited` are seconds; `transport` tells whether anybody still waits.
    """

    method: str
    found: Route | None = None
    refused: Refused | None = None
    origin: bytes = b""
    content_type: bytes = b""
    size: int = 0
    chunked: bool = False
    most: int = 0
    status: int = 0
    code: str = ""
    received: int = 0
    sent: int = 0
    spent: float = 0.0
    waited: float = 0.0
    together: int = 0
    coming: bool = False
    reading: bool = False
    holds: int = 0
    transport: Any = None
    id: str = field(default_factory=request_id)
    began: float = field(default_factory=time.time)
    started: float = field(default_factory=time.perf_counter)

    def come(self, coming: bool) -> None:
        """Counts itself among those on the way to the queue, or no longer."""
        if self.found and self.found.line and coming != self.coming:
            self.found.line.coming += 1 if coming else -1
            self.coming = coming

    @property
    def route(self) -> str:
        """The path without what is particular; `unknown` where there is none."""
        return self.found.template if self.found else "unknown"

    @property
    def model(self) -> str:
        """The id of the model that is asked."""
        return self.found.model if self.found else ""

    @property
    def milliseconds(self) -> float:
        """Since the head of the request was read."""
        return round((time.perf_counter() - self.started) * 1e3, 3)
