"""The load client of the benchmarks and the soak: it counts what happens, and hides no stall."""

import json
import os
import socketserver
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import processes
import pytest
from documents import ROOT

STALL = 0.5  # seconds
BODY = b'{"inputs": {"image": "cGljdHVyZQ=="}}'


class Stub(socketserver.ThreadingTCPServer):
    """Answers 200 to whole bodies, 422 to what holds no picture; may stall, may close unasked."""

    daemon_threads = allow_reuse_address = True
    request_queue_size = 256

    def __init__(self, stalls: bool = False, closes: bool = False) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.seen: Counter[str] = Counter()
        self.closes, self.lock = closes, threading.Lock()
        self.stall = 100 if stalls else 0  # that request, and all who come meanwhile, wait


class Handler(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        while line := self.rfile.readline():
            length = 0
            while line.strip():
                name, _, value = line.partition(b":")
                length = int(value) if name.lower() == b"content-length" else length
                line = self.rfile.readline()
            body = self.rfile.read(length)
            if not self.answer(body, len(body) < length):
                return

    def answer(self, body: bytes, broken: bool) -> bool:
        status = 200 if body == BODY else 422
        with self.server.lock:  # one at a time: a stall holds everyone
            self.server.seen["left" if broken else str(status)] += 1
            if self.server.stall == sum(self.server.seen.values()):
                time.sleep(STALL)
        if broken or self.server.closes:
            return False
        self.wfile.write(b"HTTP/1.1 %d X\r\nContent-Length: 2\r\n\r\nok" % status)
        return True


@contextmanager
def stub(**settings: bool) -> Iterator[Stub]:
    with Stub(**settings) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture
def asked(tmp_path):
    """What the client says of a server, as it is run from the command line."""
    (tmp_path / "body.json").write_bytes(BODY)

    def ask(server: Stub, *words: str) -> dict:
        address = f"http://127.0.0.1:{server.server_address[1]}/predict"
        client = [sys.executable, "-P", str(ROOT / "benchmarks/load.py"), address]
        command = [*client, "--body", str(tmp_path / "body.json"), *words]
        environment = {k: v for k, v in os.environ.items() if k != "TENFOLD_TOKEN"}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return ask


def test_both_sides_count_the_same(asked):
    with stub() as server:
        found = asked(server, *"--rate 300 --seconds 2 --bad 0.1 --leave 0.1 --seed 1".split())
        processes.wait_for(lambda: sum(server.seen.values()) == found["sent"])
        assert found["answered"] == {name: server.seen[name] for name in ("200", "422")}
    assert found["left"] == server.seen["left"] == found["asked"]["left"] > 20
    assert not found["errors"] and found["sent"] == sum(server.seen.values())
    assert 500 < found["sent"] < 700


def test_a_stall_is_seen_by_those_who_came_meanwhile(asked):
    """Arrivals do not wait: a fifth of them came within a stall of half a second, and say so."""
    with stub(stalls=True) as server:
        found = asked(server, *"--rate 200 --seconds 2.5".split())
    assert found["answered"] == {"200": found["sent"]}
    assert found["milliseconds"]["max"] > 400 and found["milliseconds"]["p90"] > 100


def test_clients_that_wait_send_as_many_as_are_answered(asked):
    with stub() as server:
        found = asked(server, *"--clients 4 --seconds 1".split())
    assert found["answered"] == {"200": found["sent"]} and found["sent"] > 4
    assert found["sent"] == server.seen["200"]


def test_what_is_not_answered_is_an_error(asked):
    with stub(closes=True) as server:
        found = asked(server, *"--rate 50 --seconds 1".split())
    assert found["errors"] == {"closed": found["sent"]} and not found["answered"]


def test_nobody_there_is_an_error(asked):
    with stub() as server:
        pass
    found = asked(server, *"--rate 50 --seconds 1".split())
    assert found["errors"] == {"ConnectionRefusedError": found["sent"]}
