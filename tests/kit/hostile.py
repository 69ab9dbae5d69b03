"""A server for what strangers send, which must be whole after every test; requests as raw bytes.

Sockets are raw where a client library would be too polite. One server takes all that a file of
tests sends, so that whatever one request leaves behind meets the next.
"""

from collections.abc import Iterator

import pytest
import served
from served import PREDICT, Served
from subjects import Subject

TIMEOUT = 3.0
MB = 1 << 20


@pytest.fixture(scope="module")
def running(subject: Subject, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server whose limits are small, so that tests are quick: 1 MB, 3 seconds."""
    words = [str(subject.run.folder), "--max-mb", "1", "--timeout", str(TIMEOUT)]
    with served.process(words, tmp_path_factory.mktemp("said") / "said.txt") as found:
        yield found


@pytest.fixture
def server(running: Served, picture: bytes) -> Iterator[Served]:
    """The server, which must be whole afterwards: the process, the queue, a good request."""
    before = running.process.pid
    yield running
    assert running.process.exitcode is None and running.process.pid == before
    reply = running.form(PREDICT, [("image", picture)])
    assert reply.status == 200 and reply.json()["predictions"]
    assert running.counts()['tenfold_queue_rows{model="run"}'] == 0


def head(path: str = PREDICT, method: str = "POST", **headers: str) -> bytes:
    """The head of a request; header names have _ for -."""
    told = {"host": "localhost", "content_type": "application/json"} | headers
    lines = [f"{name.replace('_', '-')}: {value}\r\n" for name, value in told.items() if value]
    return f"{method} {path} HTTP/1.1\r\n{''.join(lines)}\r\n".encode()


def code_of(answer: bytes) -> tuple[int, str]:
    """Status and code; what comes back holds nothing else."""
    body = answer.partition(b"\r\n\r\n")[2]
    assert body.startswith(b'{"error":{"code":"') and len(body) < 100, answer
    return served.status_of(answer), body.split(b'"')[5].decode()
