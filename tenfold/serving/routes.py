"""The routes: the handler of each path, and the OpenAPI document that describes them.

FastAPI holds the routes and makes the document. Paths have no parameters, since all models are
known at the start, so that a dictionary finds the handler and FastAPI's own routing (patterns,
dependencies, exit stacks) is not used. benchmarks/serving.py compares it with a plain FastAPI
handler.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

from fastapi import FastAPI, Request
from starlette.responses import Response

from tenfold.core.version import __version__
from tenfold.serving import bodies, schemas
from tenfold.serving.batching import Batcher, Job, Outcome
from tenfold.serving.limits import FORM, PLAIN, TABLE, Gate
from tenfold.serving.models import Model, Question
from tenfold.serving.pages import files
from tenfold.serving.replies import Gone, Refused, encoded
from tenfold.serving.requests import Call, Handler, Route
from tenfold.serving.settings import Settings

__all__ = ["Routes"]

INLINE = 64 << 10
"""Bytes of a body up to which reading it is faster than passing it to another thread."""
_READERS = ThreadPoolExecutor(2, "bodies")
JSON = "application/json"


class _Model:
    """The handlers of one model."""

    def __init__(self, batcher: Batcher, gate: Gate, timeout: float) -> None:
        self._batcher, self._gate, self._timeout = batcher, gate, timeout
        self._model = batcher.model
        self._head = f'{{"model":"{self._model.id}","hash":"{self._model.run.digest}","request":"'

    async def predict(self, request: Request) -> Response:
        """Predicts one row."""
        call, asked = await self._asked(request, many=False)
        (told,) = (await self._answered(call, asked)).told
        return self._reply(call, f'"predictions":{_good(told)}')

    async def batch(self, request: Request) -> Response:
        """Predicts several rows; a row that cannot be read gets an error in its place."""
        call, asked = await self._asked(request, many=True)
        job = await self._answered(call, asked)
        return self._reply(call, f'"results":[{",".join(map(_result, job.told))}]')

    async def explain(self, request: Request) -> Response:
        """Predicts one row and shows which parts of it the prediction depends on."""
        call, asked = await self._asked(request, many=False)
        job = await self._answered(call, asked, explain=True)
        good = _good(job.told[0])
        return self._reply(call, f'"predictions":{good},"explanations":{job.maps}')

    async def _asked(self, request: Request, many: bool) -> tuple[Call, Question]:
        """The call and its checked content; a large body is parsed in another thread."""
        call: Call = request.scope["tenfold"]
        body = await _body(call, self._gate, request)
        read = partial(bodies.read, self._model, call.content_type, body, many)
        if len(body) <= INLINE:
            return call, read()
        return call, await asyncio.get_running_loop().run_in_executor(_READERS, read)

    async def _answered(self, call: Call, asked: Question, explain: bool = False) -> Job:
        """The job after the model has answered it.

        Raises Refused where the queue is full, Gone where the client has left.
        """
        job = Job(
            asked.rows,
            asked.wanted,
            time.monotonic() + self._timeout,
            call.transport,
            explain,
        )
        if not self._batcher.has_room(job.weight):
            raise Refused(503, code="busy")
        await self._batcher.ask(job)
        call.waited, call.together = job.waited, job.together
        if job.told[0].status == 499:
            raise Gone
        return job

    def _reply(self, call: Call, answer: str) -> Response:
        whole = f'{self._head}{call.id}",{answer},"milliseconds":{call.milliseconds}}}'
        return _Json(whole.encode())


class _Json(Response):
    """A JSON response; creating Starlette's own takes five times as long."""

    media_type = JSON

    def __init__(self, body: bytes) -> None:
        self.status_code, self.body, self.background = 200, body, None
        length = (b"content-length", b"%d" % len(body))
        self.raw_headers = [length, (b"content-type", b"application/json")]


def _good(told: Outcome) -> str:
    """The predictions of a row as JSON.

    Raises Refused where the row could not be read or predicted.
    """
    if told.code:
        raise Refused(told.status, code=told.code)
    return told.text


def _result(told: Outcome) -> str:
    if told.code:
        return f'{{"error":{{"code":"{told.code}"}}}}'
    return f'{{"predictions":{told.text}}}'


async def _body(call: Call, gate: Gate, request: Request) -> bytes:
    """The whole body of a request.

    Raises Refused where this body, or all bodies in memory together, exceed their limit; Gone where
    the client leaves.
    """
    receive, pieces, more = request.receive, list[bytes](), True
    call.reading = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Gone
        piece, more = message.get("body", b""), message.get("more_body", False)
        pieces.append(piece)
        call.received += len(piece)
        call.holds += len(piece)
        gate.held += len(piece)
        if call.received > call.most:
            raise Refused(413, code="body-too-large", close=True)
        if more and gate.held > gate.memory:
            raise Refused(503, code="busy", close=True)
    call.reading = False
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)


class Routes:
    """All routes by path in `found`; `app` holds the same routes as a FastAPI application."""

    def __init__(self, batchers: list[Batcher], settings: Settings) -> None:
        self._batchers = batchers
        self.found: dict[str, Route] = {}
        self.app = FastAPI(
            title="tenfold",
            version=__version__,
            description="What each model takes and gives. Errors hold a code and a request id.",
            openapi_url=None,
            docs_url=None,
            redoc_url=None,
        )
        models = [one.model for one in batchers]
        largest = max((max(one.form_many, one.json) for one in models), default=0)
        self.gate = Gate(settings, self.found, largest)
        for batcher in batchers:
            self._model(batcher, settings)
        self._shared(models)
        self._static()
        document = encoded(self._document(models, settings)).encode()
        self._get("/openapi.json", _fixed(document, JSON), "This document", shown=False)

    # --- paths ---

    def _model(self, batcher: Batcher, settings: Settings) -> None:
        model = batcher.model
        paths = _Model(batcher, self.gate, settings.timeout)
        each: tuple[tuple[str, Handler, bool, str, str], ...] = (
            ("predict", paths.predict, False, "one", f"Ask {model.id} about one thing"),
            ("batch", paths.batch, True, "many", f"Ask {model.id} about many things"),
            (
                "explain",
                paths.explain,
                False,
                "explained",
                f"What an answer of {model.id} rests on",
            ),
        )
        for verb, handler, many, answer, summary in each:
            form = model.form_many if many else model.form_one
            table = {TABLE: model.json} if many and model.table_input else {}
            self._add(
                f"/v1/models/{model.id}/{verb}",
                Route(
                    f"/v1/models/{{id}}/{verb}",
                    "POST",
                    handler,
                    model.id,
                    {PLAIN: model.json, FORM: form, **table},
                    line=batcher,
                ),
                summary,
                schemas.reference(f"{model.id}.{answer}"),
                body=schemas.body(model, many),
                tag=model.id,
            )
        self._get(
            f"/v1/models/{model.id}",
            _fixed(encoded(model.document()).encode(), JSON),
            f"What {model.id} takes and gives",
            schemas.reference("Model"),
            template="/v1/models/{id}",
            model=model.id,
        )

    def _shared(self, models: list[Model]) -> None:
        listed = {"models": [one.document() for one in models]}
        many = {"type": "array", "items": schemas.reference("Model")}
        told = schemas.record({"models": many})
        self._get("/v1/models", _fixed(encoded(listed).encode(), JSON), "Every model", told)

    def _static(self) -> None:
        for folder, path in (("page", "/"), ("reference", "/docs")):
            for name, (content, media) in files(folder).items():
                place = path if name == "index.html" else f"/{path.strip('/') or 'page'}/{name}"
                self._get(place, _fixed(content, media), name, shown=False, open=True)

    def health(self, live: Handler, ready: Handler, metrics: Handler) -> None:
        """Adds /live, /ready and /metrics; the first two reveal little and need no token."""
        self._get("/live", live, "The process lives", shown=False, open=True)
        self._get("/ready", ready, "Every model answers", shown=False, open=True)
        self._get("/metrics", metrics, "Counts for Prometheus", shown=False)

    # --- adding a route ---

    def _get(
        self,
        path: str,
        handler: Handler,
        summary: str,
        answer: dict[str, Any] | None = None,
        *,
        template: str = "",
        model: str = "",
        shown: bool = True,
        open: bool = False,
    ) -> None:
        route = Route(template or path, "GET", handler, model, open=open)
        self._add(path, route, summary, answer or {}, shown=shown, tag=model)

    def _add(
        self,
        path: str,
        route: Route,
        summary: str,
        answer: dict[str, Any],
        *,
        body: dict[str, Any] | None = None,
        tag: str = "",
        shown: bool = True,
    ) -> None:
        self.found[path] = route
        wrong = {"application/json": {"schema": schemas.reference("Error")}}
        self.app.add_api_route(
            path,
            route.handler,
            methods=[route.method],
            summary=summary,
            tags=[tag] if tag else None,
            operation_id=f"{route.method.lower()} {path}",
            include_in_schema=shown,
            response_model=None,
            response_class=Response,
            responses={
                200: {"description": "The answer", "content": {JSON: {"schema": answer}}},
                "default": {"description": "A code and a request id", "content": wrong},
            },
            openapi_extra={"requestBody": body} if body else None,
        )

    def _document(self, models: list[Model], settings: Settings) -> dict[str, Any]:
        found = self.app.openapi()
        parts = found.setdefault("components", {})
        parts["schemas"] = schemas.components(models)
        if settings.token:
            parts["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
            found["security"] = [{"token": []}]
        return found


def _fixed(content: bytes, media: str) -> Callable[[Request], Any]:
    """A handler that always returns the same content."""

    async def answer(request: Request) -> Response:
        return Response(content, media_type=media)

    return answer
