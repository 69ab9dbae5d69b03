"""The server process: runs the event loop until a signal, then finishes accepted requests."""

from __future__ import annotations

import asyncio
import gc
import importlib.util
import socket
import sys
import time
from collections.abc import Sequence
from types import FrameType
from typing import Any

import uvicorn

from tenfold.core.lazy import lazy
from tenfold.run.run import Run
from tenfold.serving.connections import Connection
from tenfold.serving.log import to_standard_error
from tenfold.serving.models import identifiers, model_of
from tenfold.serving.service import Service
from tenfold.serving.settings import Settings

__all__ = ["Server", "serve"]

uvloop = lazy("uvloop")

GRACE = 0.3
"""Seconds for which open idle connections may still send requests after shutdown begins."""
KEPT = 65
"""Seconds for which an idle connection is kept open."""
SWITCH = 0.0005
"""Thread switch interval in seconds: a tenth of Python's default, so the event loop waits less."""

RARELY = (10_000, 10, 10)
"""Garbage collection thresholds; with Python's 700, collections took most of a busy loop's time."""


class Server(uvicorn.Server):
    """uvicorn's server: closes late connections and finishes accepted requests after a signal."""

    def __init__(self, service: Service, settings: Settings) -> None:
        super().__init__(
            uvicorn.Config(
                service,
                http=Connection,
                ws="none",
                lifespan="off",
                interface="asgi3",
                log_config=None,
                access_log=False,
                proxy_headers=False,
                server_header=False,
                timeout_keep_alive=KEPT,
                timeout_graceful_shutdown=int(settings.timeout) + 5,
            )
        )
        self.service = service

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Starts to listen; the models are warmed at the same time."""
        self.service.start()
        await super().startup(sockets)

    async def on_tick(self, counter: int) -> bool:
        """Runs ten times a second: writes the log; every fifth call checks all connections."""
        self.service.access.flush()
        if counter % 5 == 0:
            now = asyncio.get_running_loop().time()
            for connection in list(self.server_state.connections):
                connection.check(now)  # type: ignore[union-attr]
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Accepts no more connections and answers the requests that were accepted."""
        self.service.draining = True
        for server in self.servers:
            server.close()
        for one in sockets or []:
            one.close()
        await asyncio.sleep(GRACE)
        await super().shutdown(sockets)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Ends the server: gracefully at the first signal, at once at the second."""
        self.force_exit = self.should_exit
        self.should_exit = True


def serve(runs: Sequence[Run], settings: Settings, listening: socket.socket) -> dict[str, Any]:
    """Serves until a signal comes and all accepted requests are answered; returns the counts."""
    began = time.monotonic()
    models = [
        model_of(run, name, settings) for run, name in zip(runs, identifiers(runs), strict=True)
    ]
    service = Service(models, settings)
    to_standard_error(settings.log)
    turns = sys.getswitchinterval()
    sys.setswitchinterval(SWITCH)
    thresholds = gc.get_threshold()
    gc.collect()
    gc.freeze()  # loaded objects stay; scanning them would stop everything for 0.1 s
    gc.set_threshold(*RARELY)  # requests create no reference cycles
    try:
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            runner.run(Server(service, settings).serve(sockets=[listening]))
    finally:
        service.stop()
        gc.set_threshold(*thresholds)
        gc.unfreeze()
        sys.setswitchinterval(turns)
    return _done(service, time.monotonic() - began)


def _loop_factory() -> Any:
    """uvloop's loop factory if it is installed (everywhere but on Windows), else None."""
    return uvloop.new_event_loop if importlib.util.find_spec("uvloop") else None


def _done(service: Service, seconds: float) -> dict[str, Any]:
    statuses = {str(status): count for status, count in service.metrics.statuses().items()}
    return {
        "models": [batcher.model.id for batcher in service.batchers],
        "requests": sum(statuses.values()),
        "statuses": statuses,
        "rows": sum(batcher.rows for batcher in service.batchers),
        "batches": sum(batcher.batches for batcher in service.batchers),
        "seconds": round(seconds, 3),
    }
