"""Serve runs over HTTP: a page for people, a JSON API for programs."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

from tenfold.core import progress
from tenfold.core.document import Document
from tenfold.core.errors import UsageError
from tenfold.core.language import plural, say
from tenfold.core.lazy import lazy
from tenfold.core.message import Message
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
    known_people: bool = False,
    device: str = "auto",
) -> Document:
    """Serve runs over HTTP: a page for people, a JSON API for programs.

    Args:
        runs: Run folders or exported runs.
        host: Address to listen on; one that other machines can reach needs a token.
        port: Port to listen on; 0 = a free one.
        token: Token that every request must carry; safer as TENFOLD_TOKEN.
        batch: Maximum batch: rows predicted at once, and rows in one request.
        queue: Maximum queue: rows that wait for a model; more are refused with status 503.
        timeout: Timeout of a request in seconds, upload included.
        max_mb: Maximum body in MB; by default 10 for JSON, 25 a picture, 100 sound or video.
        allow_host: Host names of this server beside its address, separated by commas.
        allow_origin: Origins whose pages may send requests, such as https://example.org, by commas.
        known_people: Data that runs store about people: requests may refer to them; needs a token.
        device: Device: auto, cpu, cuda, cuda:1 ...

    Blocks until Ctrl-C or a termination signal; all accepted requests are still answered.

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
        known_people,
    )
    named = list(runs) if isinstance(runs, list | tuple) else [runs]
    if not named:
        raise UsageError(
            Message("No run was given"),
            code="no-such-run",
            fix=Message("`tenfold runs` lists the runs here."),
        )
    begin = server.serve  # raises for a missing package before a model is loaded
    with bound(settings) as listening:  # and for a port in use
        settings = dataclasses.replace(settings, port=listening.getsockname()[1])
        opened = [open_run(one, device) for one in named]
        tell(
            Message(
                "Serving on {address} (page) and {address}/docs (API). Ctrl-C stops the server.",
                address=settings.address,
            )
        )
        done = begin(opened, settings, listening)
    content = {"schema": SCHEMA, "address": settings.address, **done}
    return Document(content, lambda: _text(done))


def _text(done: dict[str, Any]) -> str:
    each = [
        say("{count} with {status}", count=count, status=status)
        for status, count in done["statuses"].items()
    ]
    requests = plural(done["requests"], "request")
    text = say("{requests} in {time}", requests=requests, time=clock(done["seconds"]))
    return f"{text}: {say(', ').join(each)}" if each else text
