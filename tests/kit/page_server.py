"""A small real HTTP server with the page's own files and canned models: for kinds of input and of
answer that no task of the package has yet, and for refusals that are hard to provoke."""

import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import tenfold
from tenfold.serving.pages import files

PAGE = Path(tenfold.__file__).parent / "serving" / "page"
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
    "media-src 'self' blob:; connect-src 'self'; form-action 'none'; frame-ancestors 'none'; "
    "base-uri 'none'"
)
REQUEST = "0123456789abcdef"


def model(name: str, **facts: Any) -> dict[str, Any]:
    """What GET /v1/models says of a model; `facts` replace the defaults."""
    return {
        "id": name,
        "task": "image-classification",
        "hash": "ab" * 32,
        "inputs": {"image": {"medium": "image", "choices": []}},
        "answer": "label",
        "options": {},
        "classes": [],
        "headline": "accuracy",
        "score": {"value": 0.958333, "low": 0.797577, "high": 0.992611, "baseline": 0.25},
        "limits": {"bytes": 25_000_000, "batch": 64},
    } | facts


class Canned:
    """Serves models with answers: {id: answer or function of the body}, explanations alike.

    An answer is a list of predictions, or (status, code) of a refusal. What was asked stands in
    `asked` as (path, content type, body). With `token`, nothing is told without it.
    """

    def __init__(
        self, models: list[dict], answers: dict[str, Any], explains=None, token=""
    ) -> None:
        self.models, self.answers, self.explains = models, answers, explains or {}
        self.token, self.asked = token, list[tuple[str, str, bytes]]()
        self.files = files("page")
        self.server = ThreadingHTTPServer(
            ("127.0.0.1", 0), type("_", (_Handler,), {"canned": self})
        )
        self.address = f"http://127.0.0.1:{self.server.server_port}/"

    def __enter__(self) -> "Canned":
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_) -> None:
        self.server.shutdown()
        self.server.server_close()

    def answer(self, path: str, body: bytes) -> tuple[int, dict[str, Any]]:
        """Status and document of a request to a model."""
        _, _, _, name, verb = path.split("/")
        said = self.answers[name]
        said = said(body) if isinstance(said, Callable) else said
        if verb == "explain" and isinstance(self.explains.get(name), tuple):
            said = self.explains[name]
        if isinstance(said, tuple):
            return said[0], {"error": {"code": said[1], "request": REQUEST}}
        document = {"model": name, "hash": "ab" * 32, "request": REQUEST, "predictions": said}
        if verb == "explain":
            document["explanations"] = self.explains.get(name, [])
        return 200, document | {"milliseconds": 2.345}


class _Handler(BaseHTTPRequestHandler):
    canned: Canned
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        if self.path == "/v1/models":
            self.tell(*self.checked(lambda: (200, {"models": self.canned.models})))
        else:
            self.file("index.html" if self.path == "/" else self.path.removeprefix("/page/"))

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.canned.asked.append((self.path, self.headers["Content-Type"], body))
        self.tell(*self.checked(lambda: self.canned.answer(self.path, body)))

    def checked(self, then: Callable[[], tuple[int, dict]]) -> tuple[int, dict]:
        wanted = f"Bearer {self.canned.token}"
        if self.canned.token and self.headers["Authorization"] != wanted:
            return 401, {"error": {"code": "unauthorised", "request": REQUEST}}
        return then()

    def tell(self, status: int, document: dict) -> None:
        self.send(status, "application/json", json.dumps(document).encode())

    def file(self, name: str) -> None:
        if name not in self.canned.files:
            return self.tell(404, {"error": {"code": "not-found", "request": REQUEST}})
        body, kind = self.canned.files[name]
        self.send(200, kind, body)

    def send(self, status: int, kind: str, body: bytes) -> None:
        self.send_response(status)
        for name, value in {
            "Content-Type": kind,
            "Content-Length": str(len(body)),
            "Content-Security-Policy": POLICY,
            "X-Content-Type-Options": "nosniff",
            **({"Retry-After": "7"} if status == 503 else {}),
        }.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_) -> None:
        """Silent."""
