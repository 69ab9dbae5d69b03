"""What strangers send: refused with the right status, and the next good request is answered.

Sockets are raw where a client library would be too polite. One server takes everything, so that
whatever one request leaves behind meets the next.
"""

import base64
import io
import itertools
import struct
import time
import zlib

import pytest
import served
from subjects import trained

PREDICT = "/v1/models/run/predict"
BATCH = "/v1/models/run/batch"
TIMEOUT = 1.5


@pytest.fixture(scope="module")
def subject(tmp_path_factory):
    return trained("image-classification", tmp_path_factory)


@pytest.fixture(scope="module")
def picture(subject) -> bytes:
    return (subject.data / "test" / "cross" / "000.png").read_bytes()


@pytest.fixture(scope="module")
def running(subject, tmp_path_factory):
    """A server whose limits are small, so that tests are quick: 1 MB, 1.5 seconds."""
    words = [str(subject.run.folder), "--max-mb", "1", "--timeout", str(TIMEOUT)]
    with served.process(words, tmp_path_factory.mktemp("said") / "said.txt") as found:
        yield found


@pytest.fixture
def server(running, picture):
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


# --- sizes ---

MB = 1 << 20


def test_a_body_over_the_limit_is_refused_before_it_is_read(server):
    """Honestly announced: the answer comes though not a byte of the body was sent."""
    for size in (2 * MB, 10**12, 10**30):
        began = time.monotonic()
        answer = server.raw(head(content_length=str(size)))
        assert code_of(answer) in ((413, "body-too-large"), (400, "bad-request")), size
        assert time.monotonic() - began < 1
    assert b"connection: close" in answer


def test_a_body_over_the_limit_is_refused_though_it_is_sent(server):
    """A client that sends on reads the answer, and not a reset."""
    body = b"x" * (3 * MB)
    answer = server.raw(head(content_length=str(len(body))), body)
    assert code_of(answer) == (413, "body-too-large")


def test_a_chunked_body_is_counted(server):
    chunk = b"10000\r\n" + b"x" * 65536 + b"\r\n"
    answer = server.raw(head(transfer_encoding="chunked"), *[chunk] * 40, b"0\r\n\r\n")
    assert code_of(answer) == (413, "body-too-large")


def test_a_picture_over_the_limit_is_refused(server, picture):
    assert server.form(PREDICT, [("image", bytes(MB + 1))]).code == "body-too-large"
    body, kind = served.form([("image", bytes(2 * MB))])
    reply = server.ask("POST", PREDICT, body, content_type=kind)
    assert (reply.status, reply.code) == (413, "body-too-large")


def test_ten_thousand_fields(server, picture):
    reply = server.form(PREDICT, [("image", picture), *[("top", b"1")] * 10_000])
    assert (reply.status, reply.code) == (413, "too-many-parts")
    reply = server.form(BATCH, [("image", picture)] * 9)
    assert (reply.status, reply.code) == (413, "too-many-parts")
    body = "&".join(f"a{number}=1" for number in range(10_000)).encode()
    reply = server.ask("POST", PREDICT, body, content_type="application/x-www-form-urlencoded")
    assert (reply.status, reply.code) == (415, "wrong-type")


def test_a_long_boundary(server, picture):
    body, kind = served.form([("image", picture)], "b" * 5000)
    reply = server.ask("POST", PREDICT, body, content_type=kind)
    assert (reply.status, reply.code) == (400, "bad-form")


def test_a_head_without_end(server):
    lines = (f"x-{number}: {'y' * 1000}\r\n".encode() for number in itertools.count())
    answer = server.raw(head()[:-2], *itertools.islice(lines, 200))
    assert code_of(answer) == (431, "head-too-large")
    many = {f"x{number}": "y" for number in range(150)}
    assert code_of(server.raw(head(**many, content_length="2"), b"{}")) == (431, "head-too-large")


def test_more_things_than_allowed(server, picture):
    many = {"inputs": [{"image": ""}] * 65}
    reply = server.post(BATCH, many)
    assert (reply.status, reply.code) == (413, "batch-too-large")


# --- lengths that lie, and slowness ---


def test_a_length_that_is_too_small(server):
    answer = server.raw(head(content_length="5"), b'{"inputs": {"image": ""}}')
    assert served.status_of(answer) == 400


def test_a_length_that_is_too_large(server):
    began = time.monotonic()
    answer = server.raw(head(content_length="500"), b'{"inputs": {"image": ""}}')
    assert code_of(answer) == (408, "slow-request")
    assert TIMEOUT - 0.2 < time.monotonic() - began < TIMEOUT + 5


@pytest.mark.parametrize("length", ["-1", "1e3", "0x10", "1, 2", "1 2", "٣"])
def test_a_length_that_is_none(server, length):
    assert code_of(server.raw(head(content_length=length), b"{}")) == (400, "bad-request")


def test_two_lengths_and_both_ways_of_length(server):
    twice = b"content-length: 2\r\ncontent-length: 3\r\n\r\n{}"
    assert code_of(server.raw(head()[:-2] + twice)) == (400, "bad-request")
    both = head(content_length="2", transfer_encoding="chunked") + b"2\r\n{}\r\n0\r\n\r\n"
    assert code_of(server.raw(both)) == (400, "bad-request")


def test_a_slow_head_is_ended(server):
    with server.line() as line:
        began = time.monotonic()
        for byte in head()[:-2]:
            try:
                line.sendall(bytes([byte]))
            except OSError:
                break
            time.sleep(0.05)
        line.settimeout(10)
        answer = line.recv(4096)
        while not answer.endswith(b"}}"):  # head and body may come apart
            answer += line.recv(4096) or b"}}"
        assert code_of(answer) == (408, "slow-request")
        assert time.monotonic() - began < TIMEOUT + 8


def test_a_connection_that_says_nothing_is_ended(server):
    with server.line() as line:
        line.settimeout(10)
        assert line.recv(10) == b""


def test_a_slow_body_is_ended(server):
    with server.line() as line:
        line.sendall(head(content_length="1000"))
        line.settimeout(0.2)
        began, answer = time.monotonic(), b""
        while not answer and time.monotonic() - began < 10:
            try:
                line.sendall(b" ")
                answer = line.recv(4096)
            except TimeoutError:
                continue
        line.settimeout(10)
        while not answer.endswith(b"}}"):  # head and body may come apart
            answer += line.recv(4096) or b"}}"
        assert code_of(answer) == (408, "slow-request")


def test_many_slow_ones_do_not_keep_the_others_waiting(server, picture):
    lines = [server.line() for _ in range(100)]
    try:
        for line in lines:
            line.sendall(head(content_length="1000") + b'{"inp')
        began = time.monotonic()
        assert server.form(PREDICT, [("image", picture)]).status == 200
        assert time.monotonic() - began < TIMEOUT
    finally:
        for line in lines:
            line.close()


def test_leaving_in_the_middle(server, picture):
    body, kind = served.form([("image", picture)])
    whole = head(content_type=kind, content_length=str(len(body))) + body
    for cut in (1, 40, len(whole) - len(body), len(whole) - 5, len(whole)):
        for hard in (False, True):
            with server.line() as line:
                if hard:  # closed with a reset
                    line.setsockopt(1, 13, struct.pack("ii", 1, 0))
                line.sendall(whole[:cut])


def test_a_refused_body_that_never_comes(server):
    """The refusal comes at once; the connection is not kept for ever."""
    with server.line() as line:
        line.settimeout(10)
        line.sendall(head("/nothing", content_length="500000"))
        assert code_of(line.recv(4096)) == (404, "not-found")
        began = time.monotonic()
        assert line.recv(10) == b""
        assert time.monotonic() - began < TIMEOUT + 5


def test_who_waits_for_leave_to_send(server, picture):
    """`Expect: 100-continue`: leave is given for what will be read, an answer for what will not."""
    body, kind = served.form([("image", picture)])
    asking = {"expect": "100-continue", "content_type": kind}
    with server.line() as line:
        line.settimeout(10)
        line.sendall(head(content_length=str(len(body)), **asking))
        assert line.recv(4096).startswith(b"HTTP/1.1 100 ")
        line.sendall(body)
        assert served.status_of(line.recv(1 << 16)) == 200
    for path, size, status in ((PREDICT, 2 * MB, 413), ("/nothing", 10, 404)):
        answer = server.raw(head(path, content_length=str(size), **asking))
        assert served.status_of(answer) == status and b"connection: close" in answer


# --- where to, and from where ---

ELSEWHERE = [
    "/v1/models/../run/predict",
    "/v1/models/%2e%2e/predict",
    "/v1/models/..%2frun/predict",
    "/v1/models/%72un/predict",
    "/v1/models/run/predict/",
    "//v1/models/run/predict",
    "/v1/models/RUN/predict",
    "/v1/models/run%00/predict",
    "/v1/models//etc/passwd/predict",
    "/v1/models/" + "x" * 5000 + "/predict",
    "http://evil.example/v1/models/run/predict",
]


@pytest.mark.parametrize("path", ELSEWHERE, ids=range(len(ELSEWHERE)))
def test_ids_are_never_paths(server, path):
    assert code_of(server.raw(head(path, content_length="2"), b"{}")) == (404, "not-found")


@pytest.mark.parametrize("path", ["/page/../../server.py", "/page/%2e%2e/x", "/page/", "/docs/x"])
def test_pages_are_a_fixed_list(server, path):
    assert code_of(server.raw(head(path, "GET"))) == (404, "not-found")


ROUTES = ["/", "/docs", "/openapi.json", "/live", "/ready", "/metrics", "/v1/models", "/nowhere"]
FOREIGN = [
    "evil.example",
    "evil.example:80",
    "localhost.evil.example",
    "127.0.0.1.nip.io",
    "0x7f.1",
]


@pytest.mark.parametrize("host", [*FOREIGN, "localhost:80@evil.example", "[::2]", ""])
def test_a_foreign_host_is_refused_on_every_route(server, host):
    for path in (*ROUTES, "/v1/models/run"):
        assert code_of(server.raw(head(path, "GET", host=host))) == (421, "foreign-host")
    assert code_of(server.raw(head(host=host, content_length="2"), b"{}"))[0] == 421


def test_hosts_of_ours(server):
    for host in ("localhost", f"127.0.0.1:{server.port}", "[::1]:1", "LOCALHOST"):
        assert served.status_of(server.raw(head("/live", "GET", host=host))) == 200
    twice = b"GET /live HTTP/1.1\r\nhost: localhost\r\nhost: localhost\r\n\r\n"
    assert code_of(server.raw(twice)) == (400, "bad-request")
    assert code_of(server.raw(b"GET /live HTTP/1.0\r\n\r\n")) == (421, "foreign-host")


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "file://", "http://localhost:1"]
)
def test_a_foreign_origin_is_refused_on_every_route(server, origin):
    for path in ROUTES:
        reply = server.get(path, origin=origin)
        assert (reply.status, reply.code) == (403, "foreign-origin")
        assert "access-control-allow-origin" not in reply.headers
    reply = server.post(PREDICT, {"inputs": {"image": ""}}, origin=origin)
    assert (reply.status, reply.code) == (403, "foreign-origin")
    own = server.get("/live", origin=f"http://127.0.0.1:{server.port}")
    assert own.status == 200


def test_other_methods(server):
    for method in ("DELETE", "PUT", "PATCH", "OPTIONS", "GET", "TRACE"):
        reply = server.ask(method, PREDICT)
        assert (reply.status, reply.code) == (405, "wrong-method")
        assert reply.headers["allow"] == "POST"
    assert code_of(server.raw(b"CONNECT evil.example:443 HTTP/1.1\r\nhost: localhost\r\n\r\n"))


def test_what_is_no_http(server):
    for noise in (
        b"\x16\x03\x01\x02\x00\x01\x00" * 20,
        b"GET\r\n\r\n",
        b"\0" * 100,
        b"\r\n" * 50 + b"x y",
    ):
        answer = server.raw(noise, wait=3)
        assert not answer or served.status_of(answer) in (400, 408)
    websocket = head("/live", "GET", connection="upgrade", upgrade="websocket")
    assert served.status_of(server.raw(websocket)) == 200


# --- bodies ---

DEEP = b'{"inputs": ' + b"[" * 200_000
BODIES = [
    (b"", 400, "bad-json"),
    (b"{", 400, "bad-json"),
    (b"\xff\xfe{\0}\0", 400, "bad-json"),
    (b'{"inputs": {"image": NaN}}', 400, "bad-json"),
    (b'{"inputs": {"image": ""}, "wishes": {"threshold": NaN}}', 400, "bad-json"),
    (b'{"inputs": {"image": ""}, "wishes": {"threshold": -Infinity}}', 400, "bad-json"),
    (b'{"inputs": {"image": ""}, "wishes": {"threshold": 1e999}}', 400, "bad-json"),
    (b'{"inputs": {"image": ""}, "wishes": {"top": ' + b"9" * 6000 + b"}}", 400, "bad-json"),
    (b'{"inputs": {"image": ""}, "wishes": {"top": ' + b"9" * 400 + b"}}", 422, "bad-setting"),
    (DEEP, 400, "bad-json"),
    (DEEP + b"]" * 200_000 + b"}", 400, "bad-json"),
    (b'{"a":' * 200_000, 400, "bad-json"),
    (b"[]", 422, "bad-input"),
    (b"null", 422, "bad-input"),
    (b'"text"', 422, "bad-input"),
    (b"{}", 422, "missing-input"),
    (b'{"inputs": []}', 422, "bad-input"),
    (b'{"inputs": {}}', 422, "missing-input"),
    (b'{"inputs": {"image": "a"}}', 422, "bad-base64"),
    (b'{"inputs": {"image": "!!!!"}}', 422, "bad-base64"),
    (b'{"inputs": {"image": "aGk=\\naGk="}}', 422, "bad-base64"),
    (b'{"inputs": {"image": "file:///etc/passwd"}}', 422, "bad-base64"),
    (b'{"inputs": {"image": {"path": "/etc/passwd"}}}', 422, "bad-input"),
    (b'{"inputs": {"image": ""}}', 422, "empty-file"),
    (b'{"inputs": {"image": "aGk="}}', 422, "not-a-picture"),
    (b'{"inputs": {"image": ""}, "url": "http://evil.example"}', 422, "bad-input"),
    (b'{"inputs": {"image": "", "path": "/etc/passwd"}}', 422, "unknown-input"),
    (b'{"inputs": {"image": ""}, "wishes": {"nothing": 1}}', 422, "unknown-setting"),
    (b'{"inputs": {"image": ""}, "wishes": {"__class__": 1}}', 422, "unknown-setting"),
    (b'{"inputs": {"image": ""}, "wishes": {"top": -1}}', 422, "bad-setting"),
    (b'{"inputs": {"image": ""}, "wishes": {"top": 1.5}}', 422, "bad-setting"),
    (b'{"inputs": {"image": ""}, "wishes": {"top": true}}', 422, "bad-setting"),
    (b'{"inputs": {"image": ""}, "wishes": {"top": [1]}}', 422, "bad-setting"),
    (b'{"inputs": {"image": ""}, "wishes": {"threshold": 2}}', 422, "bad-setting"),
    (b'{"inputs": {"image": ""}, "wishes": 3}', 422, "bad-setting"),
]


@pytest.mark.parametrize(("body", "status", "code"), BODIES, ids=range(len(BODIES)))
def test_a_bad_body_as_json(server, body, status, code):
    reply = server.post(PREDICT, body)
    assert (reply.status, reply.code) == (status, code)


def test_bad_batches(server):
    for inputs, code in (({}, "missing-input"), ([], "missing-input"), ([1], "bad-input")):
        assert server.post(BATCH, {"inputs": inputs}).code == code
    assert server.post(BATCH, DEEP).code == "bad-json"


TYPES = ["", "text/plain", "application/octet-stream", "application/x-pickle", "image/png"]


@pytest.mark.parametrize("kind", [*TYPES, "application/jsonx", "application/x-python-serialize"])
def test_another_type_is_refused(server, kind):
    """A pickle among them: nothing of it is looked at."""
    body = b"\x80\x04\x8c\x05posix\x8c\x06system\x93\x8c\x04true\x85R."
    answer = server.raw(head(content_type=kind, content_length=str(len(body))), body)
    assert code_of(answer) == (415, "wrong-type")


def test_a_pickle_under_another_name(server):
    body = b"\x80\x04\x8c\x05posix\x8c\x06system\x93\x8c\x04true\x85R."
    assert server.post(PREDICT, body).code == "bad-json"
    assert server.form(PREDICT, [("image", body)]).code == "not-a-picture"


def test_types_may_have_parameters(server, picture):
    for kind in ("application/json; charset=utf-8", "Application/JSON"):
        body = {"inputs": {"image": base64.b64encode(picture).decode()}}
        assert server.post(PREDICT, body, content_type=kind).status == 200


def part(name: str = "image") -> bytes:
    return f'--b\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n'.encode()


FORMS = [
    (b"", 400, "bad-form"),
    (b"--b", 400, "bad-form"),
    (b"--b--\r\n", 422, "missing-input"),
    (part() + b"cut", 400, "bad-form"),
    (part() + b"\r\n--c--\r\n", 400, "bad-form"),
    (b"no boundary at all", 400, "bad-form"),
    (b"--b\r\n" + b"X-Y: z\r\n" * 5000 + b"\r\nx\r\n--b--\r\n", 400, "bad-form"),
    (b"--b\r\nX: " + b"z" * 100_000 + b"\r\n\r\nx\r\n--b--\r\n", 400, "bad-form"),
    (b"--b\r\n\r\nno name\r\n--b--\r\n", 422, "unknown-input"),
    (part("../image") + b"x\r\n--b--\r\n", 422, "unknown-input"),
    (part("top") + b"1\r\n--b--\r\n", 422, "missing-input"),
    (part() + b"x\r\n" + part() + b"x\r\n--b--\r\n", 422, "bad-input"),
    (part() + b"x\r\n" + part("top") + b"one\r\n--b--\r\n", 422, "bad-setting"),
    (part() + b"x\r\n" + part("top") + b"9" * 900 + b"\r\n--b--\r\n", 422, "bad-setting"),
    (part() + b"x\r\n" + part("top") + b"9" * 9000 + b"\r\n--b--\r\n", 413, "body-too-large"),
    (part() + b"x\r\n" + part("threshold") + b"nan\r\n--b--\r\n", 422, "bad-setting"),
    (part() + b"x\r\n" + part("threshold") + b"inf\r\n--b--\r\n", 422, "bad-setting"),
    (part() + b"\r\n--b--\r\n", 422, "empty-file"),
]


@pytest.mark.parametrize(("body", "status", "code"), FORMS, ids=range(len(FORMS)))
def test_a_bad_body_as_a_form(server, body, status, code):
    reply = server.ask("POST", PREDICT, body, content_type="multipart/form-data; boundary=b")
    assert (reply.status, reply.code) == (status, code)


def test_a_form_without_boundary(server):
    for kind in ("multipart/form-data", "multipart/form-data; boundary=", "multipart/form-data; x"):
        reply = server.ask("POST", PREDICT, part() + b"x\r\n--b--\r\n", content_type=kind)
        assert (reply.status, reply.code) == (400, "bad-form")


# --- pictures ---


def png(width: int, height: int) -> bytes:
    """A PNG whose header claims that size."""
    claim = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    pieces = ((b"IHDR", claim), (b"IDAT", zlib.compress(bytes(1000))), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in pieces
    )


def test_picture_bombs(server):
    began = time.monotonic()
    for picture, code in (
        (png(50_000, 50_000), "too-many-pixels"),
        (png(2**31 - 1, 2**31 - 1), "too-many-pixels"),
        (png(9000, 9000), "damaged"),
        (png(0, 0), "damaged"),
        (b"GIF89a" + b"\x01" * 200, "damaged"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'><image href='file:///etc/passwd'/></svg>", ""),
        (b"%PDF-1.7", "not-a-picture"),
        (b"file:///etc/passwd", "not-a-picture"),
    ):
        reply = server.form(PREDICT, [("image", picture)])
        assert reply.status == 422 and reply.code == (code or "not-a-picture")
    assert time.monotonic() - began < 10


def test_text_chunk_bomb(server, picture):
    """Compressed text that unpacks to far more than the picture."""
    text = b"comment\0\0" + zlib.compress(bytes(64 * MB), 9)
    chunk = struct.pack(">I", len(text)) + b"zTXt" + text
    chunk += struct.pack(">I", zlib.crc32(b"zTXt" + text))
    file = io.BytesIO(picture)
    bomb = file.read(33) + chunk + file.read()
    assert server.form(PREDICT, [("image", bomb)]).status in (200, 422)


# --- several requests on one connection ---


def test_requests_on_one_connection(server, picture):
    """Good ones after refused ones, sent without waiting: answered in order."""
    body, kind = served.form([("image", picture)])
    good = head(content_type=kind, content_length=str(len(body))) + body
    missing = head("/nothing", content_length=str(len(body))) + body
    with server.line() as line:
        line.sendall(good + missing + good + missing + missing + good)
        line.settimeout(10)
        found = b""
        while found.count(b"HTTP/1.1 ") < 6 or not served.whole(found):
            found += line.recv(1 << 16)
            if found.count(b"HTTP/1.1 ") == 6 and found.rstrip().endswith(b"}"):
                break
    statuses = [int(each[:3]) for each in found.split(b"HTTP/1.1 ")[1:]]
    assert statuses == [200, 404, 200, 404, 404, 200]
