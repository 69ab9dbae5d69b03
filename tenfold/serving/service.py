"""The ASGI application of the server: admits, answers, counts and logs each request."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from fastapi import Request
from starlette.responses import Response

from tenfold.serving import replies
from tenfold.serving.batching import Batcher
from tenfold.serving.log import Access, fault
from tenfold.serving.metrics import Metrics
from tenfold.serving.models import Model
from tenfold.serving.replies import Gone, Refused
from tenfold.serving.requests import Call
from tenfold.serving.routes import JSON, Routes
from tenfold.serving.settings import Settings

__all__ = ["Service"]


class _Nobody:
    """Stands in for a connection where the server provides none."""

    def is_closing(self) -> bool:
        """Always False: the state of the connection is not known."""
        return False

    def reply(self, call: Call, response: Response) -> bool:
        """Always False: nothing is written here."""
        return False


class Service:
    """Models with their routes; `draining` is True once the server is shutting down."""

    def __init__(self, models: list[Model], settings: Settings) -> None:
        self.batchers = [Batcher(model, settings.queue) for model in models]
        self.metrics = Metrics(self.batchers)
        self.access = Access(settings.log)
        self.draining = False
        self.settings = settings
        self._routes = Routes(self.batchers, settings)
        self._routes.health(self._live, self._ready, self._counted)
        self._gate = self._routes.gate

    def start(self) -> None:
        """Starts the threads that warm the models; call it on the event loop."""
        for batcher in self.batchers:
            batcher.start(asyncio.get_running_loop())

    def stop(self) -> None:
        """Stops the threads of the models and writes the remaining log lines."""
        for batcher in self.batchers:
            batcher.stop()
        self.access.flush()

    def admit(self, method: bytes, target: bytes, headers: Any) -> Call:
        """The call of a request, made from its head (see `Gate.admit`)."""
        return self._gate.admit(method, target, headers)

    def finished(self, call: Call) -> None:
        """Counts and logs a request, whatever its outcome."""
        call.spent = time.perf_counter() - call.started
        self.metrics.note(call)
        self.access.note(call)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Handles one HTTP request."""
        if scope["type"] != "http":
            return
        call: Call | None = scope.get("tenfold")
        if call is None:
            target = scope["raw_path"] if scope.get("raw_path") else scope["path"].encode()
            call = self.admit(scope["method"].encode(), target, scope["headers"])
            call.transport = _Nobody()
            scope["tenfold"] = call
        call.come(False)
        try:
            response = await self._answered(call, scope, receive)
            if response is None:
                call.status = 499
                return
            await self._send(call, response, send)
        finally:
            self._gate.held -= call.holds
            self.finished(call)

    async def _answered(self, call: Call, scope: Any, receive: Any) -> Response | None:
        """The response, also after an error; None where the client has left."""
        try:
            if call.refused or not call.found:
                return self._refused(call, call.refused or Refused(404, code="not-found"))
            request = Request(scope, receive)
            if not call.found.most:
                return await call.found.handler(request)
            async with asyncio.timeout(self.settings.timeout):
                return await call.found.handler(request)
        except Refused as error:
            return self._refused(call, error)
        except TimeoutError:
            late = Refused(504, code="timeout")
            slow = Refused(408, code="slow-request", close=True)
            return self._refused(call, slow if call.reading else late)
        except Gone:
            return None
        except Exception as error:
            fault(error, call.route)
            return self._refused(call, Refused(500, code="internal", close=call.reading))

    def _refused(self, call: Call, error: Refused) -> Response:
        call.code = error.code
        call.refused = Refused(error.status, code=error.code, close=error.close)  # without frames
        if error.status == 204:
            return Response(status_code=204)
        return Response(
            replies.refusal(error.code, call.id), status_code=error.status, media_type=JSON
        )

    async def _send(self, call: Call, response: Response, send: Any) -> None:
        call.status, call.sent = response.status_code, len(response.body)
        if call.transport.reply(call, response):
            return
        own = [(b"x-request-id", call.id.encode()), *self.headers(call)]
        headers = [*response.raw_headers, *replies.SECURITY, *own]
        await send({"type": "http.response.start", "status": call.status, "headers": headers})
        await send({"type": "http.response.body", "body": response.body})

    def headers(self, call: Call) -> list[tuple[bytes, bytes]]:
        """The headers of a response besides type, length, id and the security headers."""
        found: list[tuple[bytes, bytes]] = []
        if call.refused:
            found += replies.extras(call.refused.status)
            if call.refused.status == 405 and call.found:
                found.append((b"allow", call.found.method.encode()))
        if self.draining or (call.refused and call.refused.close):
            found.append((b"connection", b"close"))
        if call.origin:
            found += replies.shared(call.origin)
        return found

    # --- health and metrics ---

    async def _live(self, request: Request) -> Response:
        """Answers 200 as long as the process runs."""
        return Response(b'{"live":true}', media_type=JSON)

    async def _ready(self, request: Request) -> Response:
        """Answers 200 once all models are ready; 503 before that and during shutdown."""
        if self.draining or not all(batcher.ready for batcher in self.batchers):
            raise Refused(503, code="not-ready")
        return Response(b'{"ready":true}', media_type=JSON)

    async def _counted(self, request: Request) -> Response:
        """Answers with the metrics in the text format of Prometheus."""
        return Response(self.metrics.text(), media_type="text/plain; version=0.0.4; charset=utf-8")
