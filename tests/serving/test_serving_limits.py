"""Requests too large, too slow or cut short, and several on one connection: told, then ended."""

import contextlib
import itertools
import socket
import struct
import time

import pytest
import served
from hostile import MB, code_of, head
from hostile import running as running
from hostile import server as server
from served import BATCH, PREDICT
from served import picture as picture
from served import subject as subject

PAUSE = 0.2  # seconds between two bytes of a slow body
WAITS = round(served.PATIENCE / PAUSE)

# --- sizes ---


def test_a_body_over_the_limit_is_refused_before_it_is_read(server):
    """Honestly announced: the answer comes though not a byte of the body was sent."""
    for size in (2 * MB, 10**12, 10**30):
        answer = server.raw(head(content_length=str(size)))
        assert code_of(answer) in ((413, "body-too-large"), (400, "bad-request")), size
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
    answer = server.raw(head(content_length="500"), b'{"inputs": {"image": ""}}')
    assert code_of(answer) == (408, "slow-request")


@pytest.mark.parametrize("length", ["-1", "1e3", "0x10", "1, 2", "1 2", "٣"])
def test_a_length_that_is_none(server, length):
    assert code_of(server.raw(head(content_length=length), b"{}")) == (400, "bad-request")


def test_two_lengths_and_both_ways_of_length(server):
    twice = b"content-length: 2\r\ncontent-length: 3\r\n\r\n{}"
    assert code_of(server.raw(head()[:-2] + twice)) == (400, "bad-request")
    both = head(content_length="2", transfer_encoding="chunked") + b"2\r\n{}\r\n0\r\n\r\n"
    assert code_of(server.raw(both)) == (400, "bad-request")


def to_its_end(line: socket.socket, answer: bytes = b"") -> bytes:
    """The whole of a refusal: head and body may come apart."""
    line.settimeout(served.PATIENCE)
    while not answer.endswith(b"}}"):
        answer += line.recv(4096) or b"}}"
    return answer


def test_a_slow_head_is_ended(server):
    with server.line() as line:
        for byte in head()[:-2]:
            try:
                line.sendall(bytes([byte]))
            except OSError:
                break
            time.sleep(0.05)
        assert code_of(to_its_end(line)) == (408, "slow-request")


def test_a_connection_that_says_nothing_is_ended(server):
    with server.line() as line:
        line.settimeout(served.PATIENCE)
        assert line.recv(10) == b""


def test_a_slow_body_is_ended(server):
    with server.line() as line:
        line.sendall(head(content_length="1000"))
        line.settimeout(PAUSE)
        answer = b""
        for _ in range(WAITS):
            try:
                line.sendall(b" ")
                answer = line.recv(4096)
                break
            except TimeoutError:
                continue
        assert code_of(to_its_end(line, answer)) == (408, "slow-request")


def test_many_slow_ones_do_not_keep_the_others_waiting(subject, picture):
    """The slow ones may take longer than this client waits: an answer is one ahead of theirs."""
    longer = 10.0 * served.PATIENCE
    with served.thread([subject.run], timeout=longer) as server, contextlib.ExitStack() as lines:
        for _ in range(100):
            line = lines.enter_context(server.line())
            line.sendall(head(content_length="1000") + b'{"inp')
        assert server.form(PREDICT, [("image", picture)]).status == 200


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
        line.settimeout(served.PATIENCE)
        line.sendall(head("/nothing", content_length="500000"))
        assert code_of(line.recv(4096)) == (404, "not-found")
        assert line.recv(10) == b""


def test_who_waits_for_leave_to_send(server, picture):
    """`Expect: 100-continue`: leave is given for what will be read, an answer for what will not."""
    body, kind = served.form([("image", picture)])
    asking = {"expect": "100-continue", "content_type": kind}
    with server.line() as line:
        line.settimeout(served.PATIENCE)
        line.sendall(head(content_length=str(len(body)), **asking))
        assert line.recv(4096).startswith(b"HTTP/1.1 100 ")
        line.sendall(body)
        assert served.status_of(line.recv(1 << 16)) == 200
    for path, size, status in ((PREDICT, 2 * MB, 413), ("/nothing", 10, 404)):
        answer = server.raw(head(path, content_length=str(size), **asking))
        assert served.status_of(answer) == status and b"connection: close" in answer


# --- several requests on one connection ---


def test_requests_on_one_connection(server, picture):
    """Good ones after refused ones, sent without waiting: answered in order."""
    body, kind = served.form([("image", picture)])
    good = head(content_type=kind, content_length=str(len(body))) + body
    missing = head("/nothing", content_length=str(len(body))) + body
    with server.line() as line:
        line.sendall(good + missing + good + missing + missing + good)
        line.settimeout(served.PATIENCE)
        found = b""
        while found.count(b"HTTP/1.1 ") < 6 or not served.whole(found):
            found += line.recv(1 << 16)
            if found.count(b"HTTP/1.1 ") == 6 and found.rstrip().endswith(b"}"):
                break
    statuses = [int(each[:3]) for each in found.split(b"HTTP/1.1 ")[1:]]
    assert statuses == [200, 404, 200, 404, 404, 200]
