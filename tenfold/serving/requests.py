"""The state of one request: its head, its progress and its cost."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from tenfold.serving.replies import Refused, request_id

__all__ = ["Call", "Handler", "Route"]

Handler = Callable[[Any], Awaitable[Any]]
"""Function from a Starlette request to a response."""


class RequestLine(Protocol):
    """A queue; `coming` counts accepted requests whose handling has not started."""

    coming: int

    def has_room(self, rows: int = 1) -> bool:
        """True if `rows` more rows may be queued."""


@dataclass(frozen=True, slots=True)
class Route:
    """A path of the server. Paths have no parameters: all models are known at the start.

    `template` is the path in log and metrics; `most` is the maximum size of the body in bytes by
    content type, empty for a path without a body; `open` paths need no token; `line` is the queue
    of the model.
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
    """The state of a request; `refused` is the reason if it was refused.

    `size` and `chunked` describe the body as stated in the head, `most` is its maximum size in
    bytes. `coming` is True from the accepted head until handling starts, `reading` while the body
    is read. `received` and `sent` are the bytes of the two bodies, `holds` the bytes of the body
    counted as in memory. `together` is the number of rows in the same batch. `began` is the
    wall-clock time of arrival, `started` the same moment by `perf_counter`; `spent` is the total
    time and `waited` the time in the queue, both in seconds. `transport` shows whether the client
    is still connected.
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
        """Counts the request as accepted and not yet handled (True), or no longer (False)."""
        if self.found and self.found.line and coming != self.coming:
            self.found.line.coming += 1 if coming else -1
            self.coming = coming

    @property
    def route(self) -> str:
        """The path with placeholders, for log and metrics; `unknown` if no route was found."""
        return self.found.template if self.found else "unknown"

    @property
    def model(self) -> str:
        """The id of the requested model; empty for a path without a model."""
        return self.found.model if self.found else ""

    @property
    def milliseconds(self) -> float:
        """Milliseconds since the head of the request was read."""
        return round((time.perf_counter() - self.started) * 1e3, 3)
