"""The routes: what each path answers, and the OpenAPI document that describes them.

FastAPI holds the routes and draws the document. Paths hold no parameters, as every model is known
at the start, so that a dictionary finds them, without FastAPI's own way to a handler: patterns,
dependencies, exit stacks. (benchmarks/serving.py has a plain FastAPI handler beside it.)
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
from tenfold.serving.limits import FORM, PLAIN, Gate
from tenfold.serving.models import Model, Question
from tenfold.serving.pages import files
from tenfold.serving.replies import Gone, Refused, encoded
from tenfold.serving.requests import Call, Handler, Route
from tenfold.serving.settings import Settings

__all__ = ["Routes"]

INLINE = 64 << 10
"""Bytes of a body up to which reading it takes less than handing it to another thread."""
_READERS = ThreadPoolExecutor(2, "bodies")
JSON = "application/json"


class _Model:
    """The routes of one model."""

    def __init__(self, batcher: Batcher, gate: Gate, timeout: float) -> None:
        self._batcher, self._gate, self._timeout = batcher, gate, timeout
        self._model = batcher.model
        self._head = f'{{"model":"{self._model.id}","hash":"{self._model.run.digest}","request":"'

    async def predict(self, request: Request) -> Response:
        """One thing."""
        call, asked = await self._asked(request, many=False)
        (told,) = (await self._answered(call, asked)).told
        return self._reply(call, f'"predictions":{_good(told)}')

    async def batch(self, request: Request) -> Response:
        """Many things; one that cannot be read has an error in its place."""
        call, asked = await self._asked(request, many=True)
        job = await self._answered(call, asked)
        return self._reply(call, f'"results":[{",".join(map(_result, job.told))}]')

    async def explain(self, request: Request) -> Response:
        """One thing, with what the answer rests on."""
        call, asked = await self._asked(request, many=False)
        job = await self._answered(call, asked, explain=True)
        good = _good(job.told[0])
        return self._reply(call, f'"predictions":{good},"explanations":{job.maps}')

    async def _asked(self, request: Request, many: bool) -> tuple[Call, Question]:
        """The request's body, read and checked; a large one by another thread."""
        call: Call = request.scope["tenfold"]
        body = await _body(call, self._gate, request)
        read = partial(bodies.read, self._model, call.content_type, body, many)
        if len(body) <= INLINE:
            return call, read()
        return call, await asyncio.get_running_loop().run_in_executor(_READERS, read)

    async def _answered(self, call: Call, asked: Question, explain: bool = False) -> Job:
        """The job once its model has answered it."""
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
    """A response of JSON; Starlette's own takes five times as long to be made."""

    media_type = JSON

    def __init__(self, body: bytes) -> None:
        self.status_code, self.body, self.background = 200, body, None
        length = (b"content-length", b"%d" % len(body))
        self.raw_headers = [length, (b"content-type", b"application/json")]


def _good(told: Outcome) -> str:
    """The predictions of a row.

    Raises Refused where it could not be read or answered.
    """
    if told.code:
        raise Refused(told.status, code=told.code)
    return told.text


def _result(told: Outcome) -> str:
    if told.code:
        return f'{{"error":{{"code":"{told.code}"}}}}'
    return f'{{"predictions":{told.text}}}'


async def _body(call: Call, gate: Gate, request: Request) -> bytes:
    """The whole body.

    Raises Refused at the first byte too many, of its own or of all that are in memory; Gone where
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
    """Every path with its handler, as `found`; `app` is the same as a FastAPI application."""

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

    # --- what there is ---

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
            self._add(
                f"/v1/models/{model.id}/{verb}",
                Route(
                    f"/v1/models/{{id}}/{verb}",
                    "POST",
                    handler,
                    model.id,
                    {PLAIN: model.json, FORM: form},
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
        """The paths that watch the server; only the last says anything of use to a stranger."""
        self._get("/live", live, "The process lives", shown=False, open=True)
        self._get("/ready", ready, "Every model answers", shown=False, open=True)
        self._get("/metrics", metrics, "Counts for Prometheus", shown=False)

    # --- putting them down ---

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
    """A handler of what never changes."""

    async def answer(request: Request) -> Response:
        return Response(content, media_type=media)

    return answer
