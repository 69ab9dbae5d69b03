"""`tenfold serve` as a person meets it: what is refused before a model loads, token, the end."""

import contextlib
import http.client
import json
import re
import signal
import socket
import threading

import processes
import pytest
import served
from commands import Running
from documents import ROOT, blocks
from served import PREDICT
from served import picture as picture
from served import subject as subject

import tenfold
from tenfold.core import progress
from tenfold.core.errors import EnvironmentRefused, TenfoldError, UsageError
from tenfold.serving.settings import Settings, settings_of

DOCUMENTS = ROOT / "docs" / "json.md"
NOWHERE = "no-such-folder"
"""Told last: where another error is raised, it was found before any model was looked for."""


@pytest.fixture
def folder(subject) -> str:
    return str(subject.run.folder)


# --- refused before a model loads ---


def test_a_port_in_use_is_one_sentence(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(EnvironmentRefused) as told:
            tenfold.serve(NOWHERE, port=port)
        said = tmp_path / "said.txt"
        code = processes.tenfold(["serve", NOWHERE, "--port", str(port)], said)
    assert told.value.code == "port" and str(port) in told.value.message
    text = said.read_text("utf-8")
    assert code == 4 and text.startswith("Error: The server cannot listen on 127.0.0.1 port")
    assert "Traceback" not in text and text.count("\n") == 2


EXTRA = ["fastapi", "uvicorn", "python_multipart", "prometheus_client"]


def test_a_missing_extra_is_one_sentence(tmp_path):
    for package in EXTRA:
        said = tmp_path / package
        words = ["serve", NOWHERE]
        with processes.started(processes.without, package, words, said) as process:
            assert processes.ended(process) == 4
        text = said.read_text("utf-8")
        assert "Traceback" not in text and "tenfold[serve]" in text
        assert f"The package {package} is needed" in text


WRONG = [
    ({"port": -1}, "bad-setting"),
    ({"port": 70_000}, "bad-setting"),
    ({"batch": 0}, "bad-setting"),
    ({"queue": 0}, "bad-setting"),
    ({"timeout": 0}, "bad-setting"),
    ({"timeout": float("nan")}, "bad-setting"),
    ({"max_mb": 0}, "bad-setting"),
    ({"token": "two words"}, "bad-setting"),
    ({"token": "schlüssel"}, "bad-setting"),
    ({"allow_host": "https://a.example"}, "bad-setting"),
    ({"allow_origin": "a.example"}, "bad-setting"),
    ({"allow_origin": "*"}, "bad-setting"),
    ({"host": "0.0.0.0"}, "needs-token"),
    ({"host": "::"}, "needs-token"),
    ({"known_people": True}, "needs-token"),
    ({"host": ""}, "bad-setting"),
    ({"host": "no such host"}, "no-such-address"),
    ({"port": 0}, "no-such-run"),
]


@pytest.mark.parametrize(("words", "code"), WRONG, ids=[str(words) for words, _ in WRONG])
def test_a_bad_setting_is_one_sentence(words, code, monkeypatch):
    monkeypatch.delenv("TENFOLD_TOKEN", raising=False)
    with pytest.raises(UsageError) as told:
        tenfold.serve(NOWHERE, **{"port": 0, **words})
    assert told.value.code == code
    assert words.get("token") is None or words["token"] not in str(told.value)


def test_an_address_of_another_machine(monkeypatch):
    monkeypatch.setenv("TENFOLD_TOKEN", "t0ken")
    with pytest.raises(TenfoldError) as told:
        tenfold.serve(NOWHERE, host="192.0.2.1", port=0)
    assert told.value.code == "port"


def test_no_run_at_all():
    with pytest.raises(UsageError) as told:
        tenfold.serve([], port=0)
    assert told.value.code == "no-such-run"


def test_one_bad_run_of_two(folder, tmp_path):
    with pytest.raises(UsageError) as told:
        tenfold.serve([folder, tmp_path / "other"], port=0)
    assert told.value.code == "no-such-run"


def test_loopback_needs_no_token(monkeypatch):
    monkeypatch.delenv("TENFOLD_TOKEN", raising=False)
    for host in ("127.0.0.1", "localhost", "127.0.0.9"):
        assert _settings(host=host).token == ""


def test_the_token_may_come_from_the_environment(monkeypatch):
    monkeypatch.setenv("TENFOLD_TOKEN", "from-there")
    assert _settings(host="0.0.0.0").token == "from-there"
    assert _settings(token="given").token == "given"


def test_known_people_need_a_token_on_every_address(monkeypatch):
    monkeypatch.delenv("TENFOLD_TOKEN", raising=False)
    with pytest.raises(UsageError) as told:
        _settings(known_people=True)
    assert told.value.code == "needs-token" and "--known-people" in told.value.message
    assert _settings(known_people=True, token="given").known_people
    monkeypatch.setenv("TENFOLD_TOKEN", "from-there")
    assert _settings(known_people=True).known_people and not _settings().known_people


def _settings(**words) -> Settings:
    usual = {"host": "127.0.0.1", "port": 0, "token": None, "batch": 64, "queue": 256}
    usual |= {"timeout": 30.0, "max_mb": None, "allow_host": None, "allow_origin": None}
    return settings_of(**{**usual, "log": False, **words})


# --- token, names, origins ---


def test_with_a_token_only_the_page_and_health_are_open(subject, picture):
    body = {"inputs": {"image": served.coded(picture)}}
    with served.thread([subject.run], token="right") as server:
        assert server.post(PREDICT, body).status == 200
        for path in ("/", "/docs", "/docs/reference.js", "/live", "/ready"):
            assert server.get(path, authorization="").status == 200, path
        wrong = ("", "Bearer wrong", "Bearer right ", "Bearer rightright", "Basic right", "right")
        for given in wrong:
            for path in ("/v1/models", "/v1/models/run", "/metrics", "/openapi.json", "/nowhere"):
                reply = server.get(path, authorization=given)
                assert (reply.status, reply.code) == (401, "no-token"), (path, given)
                assert reply.headers["www-authenticate"] == "Bearer"
            assert server.post(PREDICT, body, authorization=given).code == "no-token"
        assert server.get("/v1/models", authorization="bearer right").status == 200
        schemes = server.get("/openapi.json").json()["components"]["securitySchemes"]
        assert schemes == {"token": {"type": "http", "scheme": "bearer"}}


def test_allowed_names_and_origins(subject, picture):
    page = "https://app.example"
    names = {"hosts": ("model.example",), "origins": (page,)}
    with served.thread([subject.run], token="right", **names) as server:
        assert server.get("/live", host="Model.Example:443").status == 200
        assert server.get("/live", host="other.example").status == 421
        reply = server.form(PREDICT, [("image", picture)], origin=page)
        assert reply.status == 200
        assert reply.headers["access-control-allow-origin"] == page
        leave = server.ask(
            "OPTIONS",
            PREDICT,
            origin=page,
            authorization="",
            access_control_request_method="POST",
        )
        assert leave.status == 204 and "POST" in leave.headers["access-control-allow-methods"]
        assert "authorization" in leave.headers["access-control-allow-headers"]
        other = server.ask("OPTIONS", PREDICT, origin="https://other.example")
        assert other.status == 403


# --- the end ---


def client(server, body: bytes, found: list, stop: threading.Event) -> None:
    """Asks on one connection until told to stop, or until the server says that it ends.

    What is asked on a connection that the server has not closed must be answered. A new connection
    may be refused, or one that was never accepted reset.
    """
    while not stop.is_set():
        line = http.client.HTTPConnection("127.0.0.1", server.port, timeout=120)
        with contextlib.closing(line):
            try:
                line.connect()
            except ConnectionError:
                return
            while not stop.is_set():
                try:
                    line.request("POST", PREDICT, body, {"content-type": "application/json"})
                    answer = line.getresponse()
                    answer.read()
                except (ConnectionError, http.client.BadStatusLine) as error:
                    found.append(type(error).__name__)
                    return
                found.append(answer.status)
                if answer.getheader("connection") == "close":
                    break


def test_a_signal_loses_no_request(folder, picture, tmp_path):
    body = json.dumps({"inputs": {"image": served.coded(picture)}}).encode()
    with served.process([folder], tmp_path / "said.txt") as server:
        found, stop = [], threading.Event()
        threads = [
            threading.Thread(target=client, args=(server, body, found, stop)) for _ in range(8)
        ]
        for thread in threads:
            thread.start()
        processes.wait_for(lambda: len(found) > 20)
        code = served.ended(server)
        stop.set()
        for thread in threads:
            thread.join(120)
    assert code == 0
    assert len(found) > 20 and set(found) == {200}
    said = (tmp_path / "said.txt").read_text("utf-8")
    lines = [line for line in said.splitlines() if '"/v1/models/{id}/predict"' in line]
    assert len(lines) == len(found), "asked and answered differ"


def refuses(server: served.Served) -> bool:
    """True once nobody can connect any more."""
    try:
        server.line().close()
    except ConnectionError:
        return True
    return False


def test_a_signal_waits_for_a_body_that_is_on_its_way(folder, picture, tmp_path):
    body, kind = served.form([("image", picture)])
    head = f"POST {PREDICT} HTTP/1.1\r\nHost: localhost\r\nContent-Type: {kind}\r\n"
    head += f"Expect: 100-continue\r\nContent-Length: {len(body)}\r\n\r\n"
    with served.process([folder], tmp_path / "said.txt") as server, server.line() as line:
        line.sendall(head.encode())
        assert line.recv(1 << 16) == b"HTTP/1.1 100 Continue\r\n\r\n", "the request is known"
        line.sendall(body[:100])
        processes.send(server.process, signal.SIGTERM)
        processes.wait_for(lambda: refuses(server), server.process)
        line.sendall(body[100:])
        answer = line.recv(1 << 16)
        assert served.status_of(answer) == 200 and b"connection: close" in answer.lower()
        assert processes.ended(server.process) == 0


def test_what_is_printed_at_the_end(folder, picture, tmp_path):
    """Ctrl-C is an end like any other; the document says what was done."""
    running = Running(["serve", folder, "--port", "0", "--json"], tmp_path)
    try:
        processes.wait_for(lambda: b"Serving on" in running.said())
        server = served.Served(int(re.search(rb":(\d+) ", running.said())[1]))
        processes.wait_for(lambda: server.get("/ready").status == 200)
        before = server.counts()
        assert server.form(PREDICT, [("image", picture)]).status == 200
        assert server.form(PREDICT, [("image", b"no")]).status == 422
    finally:
        running.signal()
        done = running.wait()
    assert done.code == 0
    told = done.document
    ready = sum(value for name, value in before.items() if name.startswith("tenfold_requests"))
    assert told["models"] == ["run"] and told["address"].endswith(str(server.port))
    assert (told["requests"], told["rows"], told["batches"]) == (ready + 3, 2, 2)
    assert told["statuses"]["422"] == 1 and sum(told["statuses"].values()) == told["requests"]
    (shown,) = (json.loads(block.text) for block in blocks(DOCUMENTS) if '"statuses"' in block.text)
    assert set(told) == set(shown), "docs/json.md shows other keys"


def test_quiet_says_nothing(folder, picture, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    said = tmp_path / "said.txt"
    run = ["serve", folder, "--port", str(port), "--quiet"]
    with processes.started(processes.command, run, said) as process:
        server = served.Served(port, process=process)
        processes.wait_for(lambda: _answers(server), process)
        assert server.form(PREDICT, [("image", picture)]).status == 200
        assert served.ended(server) == 0
    assert re.fullmatch(r"\d+ requests in .*\n", said.read_text("utf-8"))


def _answers(server: served.Served) -> bool:
    with contextlib.suppress(ConnectionError):
        return server.get("/ready").status == 200
    return False


def test_who_asked_for_silence():
    assert not progress.muted()
    with progress.listening(progress.Silent()):
        assert progress.muted()
    with progress.listening(progress.ProgressLine()):
        assert not progress.muted()
