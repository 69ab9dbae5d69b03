"""Servers for tests: real ones on real ports, in a process of their own or in a thread of this one.

A process is what a person starts; a thread lets a test hold the model still, or break it.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import dataclasses
import functools
import http.client
import json
import re
import signal
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import processes
import pytest
from subjects import Subject, trained

import tenfold
from tenfold.answers.kind import Answer
from tenfold.answers.label import LABEL, Label
from tenfold.core.columns import Encoded, Problem
from tenfold.media.input import Input
from tenfold.media.tables.joins.joined import RowOptions
from tenfold.run.run import Run
from tenfold.serving import server as serving_server
from tenfold.serving.models import identifiers, model_of
from tenfold.serving.service import Service
from tenfold.serving.settings import Settings, bound
from tenfold.task import Task

PATIENCE = 120
TASK = "image-classification"
PREDICT = "/v1/models/run/predict"
BATCH = "/v1/models/run/batch"


@dataclasses.dataclass
class Reply:
    """One answer: its status, headers by lower-case name, and body."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def code(self) -> str:
        """The code of an error, which holds nothing else but the request's id."""
        error = self.json()["error"]
        assert set(self.json()) == {"error"} and set(error) == {"code", "request"}
        assert error["request"] == self.headers["x-request-id"]
        return error["code"]


@dataclasses.dataclass
class Served:
    """A server that runs."""

    port: int
    token: str = ""
    process: Any = None
    said: Path | None = None
    server: Any = None

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> Reply:
        """One request on a connection of its own; header names have _ for -."""
        line = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        if self.token and "authorization" not in named:
            named["authorization"] = f"Bearer {self.token}"
        with contextlib.closing(line):
            line.request(method, path, body, named)
            return _reply(line.getresponse())

    def get(self, path: str, **headers: str) -> Reply:
        return self.ask("GET", path, **headers)

    def post(self, path: str, value: Any, **headers: str) -> Reply:
        """A JSON request; bytes go as they are."""
        body = value if isinstance(value, bytes) else json.dumps(value).encode()
        return self.ask("POST", path, body, **({"content_type": "application/json"} | headers))

    def form(self, path: str, parts: list[tuple[str, bytes]], **headers: str) -> Reply:
        body, kind = form(parts)
        return self.ask("POST", path, body, content_type=kind, **headers)

    def raw(self, *pieces: bytes, wait: float = PATIENCE) -> bytes:
        """What comes back for these bytes until the server closes or says no more for a while."""
        with self.line() as line:
            line.settimeout(wait)
            found = b""
            with contextlib.suppress(TimeoutError, ConnectionResetError, BrokenPipeError):
                for piece in pieces:
                    line.sendall(piece)
                while not whole(found) and (more := line.recv(1 << 16)):
                    found += more
            return found

    def line(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), PATIENCE)

    def counts(self) -> dict[str, float]:
        """What /metrics says, by name with labels."""
        text = self.get("/metrics").body.decode()
        lines = [line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#")]
        return {name: float(value) for name, value in lines}


def whole(answer: bytes) -> bool:
    """True for one complete answer."""
    head, blank, body = answer.partition(b"\r\n\r\n")
    length = re.search(rb"content-length: (\d+)", head)
    return bool(blank and length) and len(body) >= int(length[1])


def status_of(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1]) if answer else 0


def _reply(answer: http.client.HTTPResponse) -> Reply:
    headers = {name.lower(): value for name, value in answer.getheaders()}
    return Reply(answer.status, headers, answer.read())


def form(parts: list[tuple[str, bytes]], boundary: str = "b0undary") -> tuple[bytes, str]:
    """A form's body and its content type."""
    said = 'Content-Disposition: form-data; name="{}"; filename="x"'
    pieces = [
        f"--{boundary}\r\n{said.format(name)}\r\n\r\n".encode() + content + b"\r\n"
        for name, content in parts
    ]
    end = f"--{boundary}--\r\n".encode()
    return b"".join(pieces) + end, f"multipart/form-data; boundary={boundary}"


def coded(content: bytes) -> str:
    return base64.b64encode(content).decode()


# --- in a process of its own ---


@contextlib.contextmanager
def process(words: list[str], said: Path, token: str = "") -> Iterator[Served]:
    """`tenfold serve` with these words on a free port."""
    words = ["serve", *words, "--port", "0", *(["--token", token] if token else [])]
    with processes.started(functools.partial(processes.command, words, said)) as started:
        processes.wait_for(lambda: _address(said), started)
        server = Served(int(_address(said)[1]), token, started, said)
        processes.wait_for(lambda: server.get("/ready").status == 200, started)
        yield server


def _address(said: Path) -> Any:
    text = said.read_text("utf-8") if said.exists() else ""
    return re.search(r"Serving on http://[^ ]+:(\d+) ", text)


def ended(server: Served, number: signal.Signals = signal.SIGTERM) -> int:
    """The exit code after a signal."""
    processes.send(server.process, number)
    return processes.ended(server.process)


# --- in a thread of this process ---


@contextlib.contextmanager
def thread(runs: list[Run], ready: bool = True, **settings: Any) -> Iterator[Served]:
    """A server of these runs, which may be broken ones."""
    told = Settings(**{"port": 0, "log": False, "timeout": 60.0, **settings})
    listening = bound(told)
    named = zip(runs, identifiers(runs), strict=True)
    service = Service([model_of(run, name, told) for run, name in named], told)
    server = serving_server.Server(service, told)
    work = threading.Thread(target=_run, args=(server, listening), daemon=True)
    work.start()
    served = Served(listening.getsockname()[1], told.token, server=server)
    if ready:
        processes.wait_for(lambda: served.get("/ready").status == 200)
    try:
        yield served
    finally:
        server.should_exit = True
        work.join(PATIENCE)
        service.stop()
        assert not work.is_alive(), "the server does not end"


def _run(server: serving_server.Server, listening: socket.socket) -> None:
    with asyncio.Runner() as runner:
        runner.run(server.serve(sockets=[listening]))


# --- a run of any inputs ---


@dataclasses.dataclass(frozen=True)
class Echo(Task):
    """Answers with what came; "several" answers twice a row, "nothing" not at all.

    A cell that its facts, or those of an inner run, remember is answered with what they remember. A
    row with a Problem has this as its answer.
    """

    wanted: tuple[tuple[str, Input], ...] = ()

    options = RowOptions  # an option that names a file of the machine of the server

    def read(self, source: Any) -> Any:
        raise NotImplementedError

    def learn(self, train: Any) -> Any:
        raise NotImplementedError

    def inputs(self, facts: Any) -> dict[str, Input]:
        return dict(self.wanted)

    def answer(self, facts: Any) -> Any:
        return LABEL

    def encode(self, table: Any, facts: Any) -> Encoded:
        return Encoded({})

    def targets(self, table: Any, facts: Any) -> Any:
        return {}

    def build(self, facts: Any) -> Any:
        raise NotImplementedError

    def fit(self, net: Any, parts: Any, plan: Any) -> Any:
        raise NotImplementedError

    def decode(self, outputs: Any, facts: Any, options: Any) -> Any:
        raise NotImplementedError

    def predict(self, tables: Any, answers_of: Any, facts: Any, options: Any, inner: Any) -> Any:
        remembered = dict(facts.get("memory", {}))
        for run in inner.values():
            remembered |= run.facts.get("memory", {})
        for table in tables:
            for row in table.to_dict("records"):
                source = row.pop("source")
                yield from self._answers(source, row, remembered)

    def _answers(
        self, source: str, row: dict[str, Any], remembered: dict[str, str]
    ) -> Iterator[tuple[str, Answer]]:
        if bad := [cell for cell in row.values() if isinstance(cell, Problem)]:
            yield source, bad[0]
            return
        cells = {name: repr(_recalled(cell, remembered)) for name, cell in row.items()}
        said = Label(json.dumps(cells, ensure_ascii=False), {})
        if "several" in row.values():
            yield f"{source}#t=0,1", said
            yield f"{source}#t=1,2", said
        elif "nothing" not in row.values():
            yield source, said


def _recalled(cell: Any, remembered: dict[str, str]) -> Any:
    return remembered.get(cell, cell) if isinstance(cell, str) else cell


def echo(folder: Path, **wanted: Input) -> Run:
    """A run that takes these inputs."""
    return Run(folder, Echo(tuple(wanted.items())), {}, lambda columns: {}, digest="0" * 64)


# --- a run that tells pictures apart ---


@pytest.fixture(scope="module")
def subject(tmp_path_factory: pytest.TempPathFactory) -> Subject:
    return trained(TASK, tmp_path_factory)


@pytest.fixture(scope="module")
def picture(subject: Subject) -> bytes:
    return (subject.data / "test" / "cross" / "000.png").read_bytes()


@pytest.fixture(scope="module")
def pictures(subject: Subject) -> list[Path]:
    return sorted((subject.data / "test").rglob("*.png"))


@pytest.fixture(scope="module")
def server(subject: Subject, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    said = tmp_path_factory.mktemp("said") / "said.txt"
    with process([str(subject.run.folder)], said) as found:
        yield found


def one(content: bytes, **options: Any) -> dict[str, Any]:
    """The body of a request about one picture."""
    return {"inputs": {"image": coded(content)}, "options": options}


def in_process(run: Run, sources: list[Any]) -> list[dict[str, Any]]:
    """Predictions as JSON, without the source."""
    named = [str(one) if isinstance(one, Path) else one for one in sources]
    found = [answer.to_json() for answer in tenfold.predict(run, named)]
    return [{name: value for name, value in each.items() if name != "source"} for each in found]
