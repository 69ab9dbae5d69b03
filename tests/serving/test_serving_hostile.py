"""What strangers send: refused with the right status, and the next good request is answered."""

import base64

import pytest
import served
from hostile import code_of, head
from hostile import running as running
from hostile import server as server
from pictures_made import png_header, text_bomb
from served import BATCH, PREDICT
from served import picture as picture
from served import subject as subject

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
    (b'{"inputs": {"image": ""}, "options": {"threshold": NaN}}', 400, "bad-json"),
    (b'{"inputs": {"image": ""}, "options": {"threshold": -Infinity}}', 400, "bad-json"),
    (b'{"inputs": {"image": ""}, "options": {"threshold": 1e999}}', 400, "bad-json"),
    (b'{"inputs": {"image": ""}, "options": {"top": ' + b"9" * 6000 + b"}}", 400, "bad-json"),
    (b'{"inputs": {"image": ""}, "options": {"top": ' + b"9" * 400 + b"}}", 422, "bad-setting"),
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
    (b'{"inputs": {"image": ""}, "options": {"nothing": 1}}', 422, "unknown-setting"),
    (b'{"inputs": {"image": ""}, "options": {"__class__": 1}}', 422, "unknown-setting"),
    (b'{"inputs": {"image": ""}, "options": {"top": -1}}', 422, "bad-setting"),
    (b'{"inputs": {"image": ""}, "options": {"top": 1.5}}', 422, "bad-setting"),
    (b'{"inputs": {"image": ""}, "options": {"top": true}}', 422, "bad-setting"),
    (b'{"inputs": {"image": ""}, "options": {"top": [1]}}', 422, "bad-setting"),
    (b'{"inputs": {"image": ""}, "options": {"threshold": 2}}', 422, "bad-setting"),
    (b'{"inputs": {"image": ""}, "options": 3}', 422, "bad-setting"),
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
    (part("file") + b"x" * 12_000 + b"\r\n--b--\r\n", 422, "unknown-input"),
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


def test_picture_bombs(server):
    for content, code in (
        (png_header(50_000, 50_000), "too-many-pixels"),
        (png_header(2**31 - 1, 2**31 - 1), "too-many-pixels"),
        (png_header(9000, 9000), "damaged"),
        (png_header(0, 0), "damaged"),
        (b"GIF89a" + b"\x01" * 200, "damaged"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'><image href='file:///etc/passwd'/></svg>", ""),
        (b"%PDF-1.7", "not-a-picture"),
        (b"file:///etc/passwd", "not-a-picture"),
    ):
        reply = server.form(PREDICT, [("image", content)])
        assert reply.status == 422 and reply.code == (code or "not-a-picture")


def test_text_chunk_bomb(server):
    """Compressed text that unpacks to far more than the picture."""
    assert server.form(PREDICT, [("image", text_bomb())]).status in (200, 422)
