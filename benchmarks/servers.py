"""A server on one core, its client on the other: how each is started, asked and ended.

Measures nothing by itself; benchmarks/serving.py does.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import load
from environments import python_of

__all__ = ["CLIENT", "LIMIT", "PATIENCE", "SERVER", "Server", "Service", "ours", "services"]

HERE = Path(__file__).resolve().parent
CLIENT, SERVER = 0, 1  # cores
LIMIT = 20.0  # ms
CLIENTS = 64
PATIENCE = 60.0  # seconds until a server is ready, or has ended


@dataclass(frozen=True)
class Service:
    """How to start one server, where it answers, and the body of a request to it."""

    name: str
    command: Callable[[Path, int], list[str | Path]]
    path: str = "/predict"
    ours: bool = False

    def body(self, picture: str) -> bytes:
        """JSON with a picture in base64."""
        image = {"image": picture}
        return json.dumps({"inputs": image} if self.ours else image).encode()


def _peer(script: str, environment: str, *words: str) -> Callable[[Path, int], list[str | Path]]:
    python = python_of(environment) if environment else Path(sys.executable)
    return lambda run, port: [python, HERE / "peers" / script, run, str(port), *words]


def ours(*words: str) -> Service:
    """tenfold on the export, with these flags."""

    def command(run: Path, port: int) -> list[str | Path]:
        serve = [sys.executable, "-m", "tenfold", "serve", run / "export"]
        return [*serve, "--port", str(port), *words]

    return Service("tenfold", command, "/v1/models/digits/predict", True)


def services() -> list[Service]:
    """tenfold and its peers."""
    return [
        ours(),
        Service("litserve", _peer("serving_litserve.py", "litserve", "--fast-queue")),
        Service("fastapi", _peer("serving_fastapi.py", "", "--engine", "torch")),
        Service("fastapi_onnx", _peer("serving_fastapi.py", "", "--engine", "onnx")),
    ]


class Server:
    """A server on its core, ready; with it everything it started is ended."""

    def __init__(self, service: Service, run: Path, pictures: list[str]) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.address = f"http://127.0.0.1:{port}{service.path}"
        self.bodies = [service.body(picture) for picture in pictures]
        self.good = [load.post(self.address, body) for body in self.bodies]
        self.process = subprocess.Popen(
            list(map(str, service.command(run, port))),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            env=os.environ | {"OMP_NUM_THREADS": "1"},
            preexec_fn=lambda: load.pin(SERVER),
        )

    def __enter__(self) -> Server:
        until = time.monotonic() + PATIENCE
        while not self._answers():
            if self.process.poll() is not None or time.monotonic() > until:
                self.__exit__()
                sys.exit(f"{self.process.args} does not answer")
            time.sleep(0.1)
        self.clients(1.0)  # warm
        return self

    def __exit__(self, *_: Any) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(5)
        with contextlib.suppress(ProcessLookupError):  # what it may have left behind
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def _answers(self) -> bool:
        head = {"Content-Type": "application/json"}
        asked = urllib.request.Request(self.address, self.bodies[0], head)
        with contextlib.suppress(OSError), urllib.request.urlopen(asked, timeout=5) as answer:
            return bool(answer.status == 200)
        return False

    def clients(self, seconds: float, clients: int = CLIENTS) -> load.Load:
        """A closed loop."""
        return load.closed_loop(self.address, itertools.cycle(self.good), clients, seconds)

    def arrivals(self, rate: float, seconds: float, seed: int = 0, **more: Any) -> load.Load:
        """An open loop."""
        asked = itertools.cycle(self.good)
        return load.open_loop(self.address, asked, rate, seconds, seed=seed, **more)

    def decide(self) -> None:
        """Waits until what an overload left behind is done: single requests are quick again."""
        until = time.monotonic() + PATIENCE
        while self.clients(0.05, 1).quantile(0.5) > LIMIT / 2 and time.monotonic() < until:
            time.sleep(0.2)

    def memory(self) -> float:
        """Resident MB of the process."""
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / (1 << 20)
