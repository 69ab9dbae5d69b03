"""Requests as bytes, and the connections they go over: what the load client (load.py) drives.

Requests are made beforehand, answers are read for their status and length alone, a connection is
kept alive and carries one request at a time. Needs nothing of tenfold.
"""

from __future__ import annotations

import asyncio
import base64
import itertools
import json
import random
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

__all__ = ["PATIENCE", "Asked", "Lines", "Request", "bad_requests", "mixed", "post"]

PATIENCE = 10.0  # seconds without an answer after which a request has failed
MOST_LINES = 900  # connections at once; below the usual limit of 1,024 open files


@dataclass(frozen=True)
class Request:
    """Bytes to send; `leave` > 0: so many of them, then the connection is cut."""

    name: str
    data: bytes
    leave: int = 0


@dataclass(slots=True)
class Asked:
    """One request that was due: when, what, and what became of it (seconds from the start)."""

    name: str
    due: float
    sent: float = 0.0
    done: float = 0.0
    status: int = 0
    error: str = ""


# --- requests -------------------------------------------------------------------------------------


def post(address: str, body: bytes, name: str = "good", kind: str = "", token: str = "") -> Request:
    """A POST of JSON, or of the media type `kind`, as the bytes that go over the line."""
    place = urlsplit(address)
    lines = [
        f"POST {place.path} HTTP/1.1",
        f"Host: {place.netloc}",
        f"Content-Type: {kind or 'application/json'}",
        f"Content-Length: {len(body)}",
        *([f"Authorization: Bearer {token}"] if token else []),
    ]
    return Request(name, "\r\n".join(lines).encode() + b"\r\n\r\n" + body)


def mixed(
    good: list[Request], bad: list[Request], share_bad: float, share_left: float, seed: int = 0
) -> Iterator[Request]:
    """Good requests for ever, among them these shares of bad ones and of ones that hang up.

    One that hangs up sends its head and half its body.
    """
    draw = random.Random(seed)
    good_ones, bad_ones = itertools.cycle(good), itertools.cycle(bad)
    while True:
        place = draw.random()
        if place < share_bad:
            yield next(bad_ones)
            continue
        one = next(good_ones)
        if place < share_bad + share_left:
            head = one.data.index(b"\r\n\r\n") + 4
            yield Request("left", one.data, head + (len(one.data) - head) // 2)
        else:
            yield one


def bad_requests(address: str, body: bytes, token: str = "") -> list[Request]:
    """A picture that is none, a JSON text that breaks off, and one that lacks what is asked for."""
    asked = json.loads(body)
    (name,) = asked["inputs"]
    none = {"inputs": {name: base64.b64encode(b"this is no picture").decode()}}
    texts = {"unreadable": json.dumps(none).encode(), "malformed": body[:-2], "empty": b"{}"}
    return [post(address, text, kind, token=token) for kind, text in texts.items()]


# --- one connection -------------------------------------------------------------------------------


class _Line(asyncio.Protocol):
    """A connection that carries one request at a time; the lines are told when it has ended."""

    def __init__(self, lines: Lines) -> None:
        self.lines = lines
        self.transport: Any = None
        self.asked: Asked | None = None
        self.buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def send(self, request: Request, asked: Asked) -> None:
        self.asked, self.buffer = asked, b""
        asked.sent = self.lines.clock()
        if request.leave:
            self.transport.write(request.data[: request.leave])
            self._finish("left", False)
            self.transport.close()
        else:
            self.transport.write(request.data)

    def data_received(self, data: bytes) -> None:
        self.buffer = self.buffer + data if self.buffer else data
        head = self.buffer.find(b"\r\n\r\n")
        if head < 0 or self.asked is None:
            return
        text = self.buffer[:head].lower()
        place = text.find(b"content-length:")
        if place < 0:
            self._finish("no content-length", False)
            self.transport.abort()
            return
        length = int(text[place + 15 :].split(b"\r\n", 1)[0])
        if len(self.buffer) < head + 4 + length:
            return
        self.asked.status = int(self.buffer[9:12])
        self._finish("", b"connection: close" not in text)

    def connection_lost(self, error: Exception | None) -> None:
        self._finish(type(error).__name__ if error else "closed", False)

    def give_up(self) -> None:
        """Closes the connection; where an answer is due, it took too long."""
        self._finish("timeout", False)
        self.transport.close()

    def _finish(self, error: str, kept: bool) -> None:
        asked, self.asked = self.asked, None
        if not kept:
            self.lines.every.discard(self)
        if asked is not None:
            asked.error, asked.done = error, self.lines.clock()
            self.lines.ended(self, kept)


class Lines:
    """Free connections, and more where there is none free; what waits for one waits in order."""

    def __init__(self, address: str, clock: Callable[[], float], most: int = MOST_LINES) -> None:
        place = urlsplit(address)
        self.host, self.port = place.hostname or "", place.port or 80
        self.clock, self.most = clock, most
        self.free: list[_Line] = []
        self.every: set[_Line] = set()
        self.waiting: deque[tuple[Request, Asked]] = deque()
        self.busy = 0  # requests that have not ended
        self.opening = 0
        self.freed: Callable[[], None] = lambda: None

    def ask(self, request: Request, asked: Asked) -> None:
        """Sends over a free connection, else over a new one."""
        self.busy += 1
        while self.free:
            line = self.free.pop()
            if not line.transport.is_closing():
                line.send(request, asked)
                return
        self.waiting.append((request, asked))
        self._grow()

    def ended(self, line: _Line, kept: bool) -> None:
        """A request has ended; its connection is free for the next, or gone."""
        self.busy -= 1
        if kept:
            self._use(line)
        else:
            self._grow()
        self.freed()

    def _grow(self) -> None:
        room = self.most - len(self.every) - self.opening
        if len(self.waiting) > self.opening and room > 0:
            self.opening += 1
            task = asyncio.ensure_future(self._open())
            task.add_done_callback(lambda done: done.exception())

    async def _open(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            made = loop.create_connection(lambda: _Line(self), self.host, self.port)
            _, line = await asyncio.wait_for(made, PATIENCE)
        except (OSError, TimeoutError) as error:
            self.opening -= 1
            self._fail(type(error).__name__)
            return
        self.opening -= 1
        self.every.add(line)
        self._use(line)

    def _fail(self, error: str) -> None:
        """The request that has waited longest ends without a connection."""
        if self.waiting:
            _, asked = self.waiting.popleft()
            asked.error, asked.sent, asked.done = error, self.clock(), self.clock()
            self.busy -= 1
            self.freed()

    def _use(self, line: _Line) -> None:
        if self.waiting:
            line.send(*self.waiting.popleft())
        else:
            self.free.append(line)

    async def decide(self, patience: float) -> None:
        """Waits for what is on its way, then gives it up; closes every connection."""
        until = time.perf_counter() + patience
        while self.busy and time.perf_counter() < until:
            await asyncio.sleep(0.002)
        self.freed = lambda: None
        while self.waiting:
            self._fail("timeout")
        for line in list(self.every):
            line.give_up()
        await asyncio.sleep(0.05)
