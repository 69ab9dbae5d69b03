"""Serve runs over HTTP: a page for people, typed routes for programs."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

from tenfold.core import progress
from tenfold.core.document import Document
from tenfold.core.errors import UsageError
from tenfold.core.lazy import lazy
from tenfold.core.progress import clock, tell
from tenfold.core.results import SCHEMA
from tenfold.run.run import Run, open_run
from tenfold.serving.settings import bound, settings_of

__all__ = ["serve"]

server = lazy("tenfold.serving.server")


def serve(
    runs: list[Any] | str | Path | Run,
    *,
    host: str = "127.0.0.1",
    port: int = 8000,
    token: str | None = None,
    batch: int = 64,
    queue: int = 256,
    timeout: float = 30.0,
    max_mb: int | None = None,
    allow_host: str | None = None,
    allow_origin: str | None = None,
    device: str = "auto",
) -> Document:
    """Serve runs over HTTP: a page for people, typed routes for programs.

    Args:
        runs: Run folders, or exported ones.
        host: Address to listen on; any but this machine's own needs a token.
        port: Port to listen on, 0 = a free one.
        token: Word that every request must bring; better set as TENFOLD_TOKEN, unseen by others.
        batch: Most rows that a model is asked at once, and in one request.
        queue: Most rows that may wait for a model; beyond, requests are refused with 503.
        timeout: Seconds a request may take, its body included.
        max_mb: Largest body in MB; by default 10 as JSON, 25 a picture, 100 a sound or film.
        allow_host: Further names of this server, separated by commas.
        allow_origin: Other pages that may ask, such as https://example.org, separated by commas.
        device: auto, cpu, cuda, cuda:1 ...

    Blocks until Ctrl-C or a termination signal; then everything accepted is still answered.

    Example:
        tenfold serve runs/photos-image-classification-1 --port 8000
    """
    settings = settings_of(
        host,
        port,
        token,
        batch,
        queue,
        timeout,
        max_mb,
        allow_host,
        allow_origin,
        not progress.muted(),
    )
    named = list(runs) if isinstance(runs, list | tuple) else [runs]
    if not named:
        raise UsageError(
            "No run was named", code="no-such-run", fix="`tenfold runs` lists the runs here."
        )
    begin = server.serve  # a missing package is told before a model is loaded
    with bound(settings) as listening:  # and so is a port that is taken
        settings = dataclasses.replace(settings, port=listening.getsockname()[1])
        opened = [open_run(one, device) for one in named]
        tell(f"Serving on {settings.address} (page), {settings.address}/docs. Ctrl-C ends it.")
        done = begin(opened, settings, listening)
    return Document({"schema": SCHEMA, "address": settings.address, **done}, _text(done))


def _text(done: dict[str, Any]) -> str:
    told = ", ".join(f"{count} with {status}" for status, count in done["statuses"].items())
    return f"{done['requests']} requests in {clock(done['seconds'])}{': ' if told else ''}{told}"
