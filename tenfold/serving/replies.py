"""What is sent back: answers as JSON, refusals as a code and a request id, the headers of both."""

from __future__ import annotations

import json
import os
from typing import Any

__all__ = ["Gone", "Refused", "encoded", "refusal", "request_id"]

JSON = b"application/json"
_PAGE = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
    "media-src 'self' blob:; connect-src 'self'; form-action 'none'; frame-ancestors 'none'; "
    "base-uri 'none'"
)
SECURITY: list[tuple[bytes, bytes]] = [
    (b"content-security-policy", _PAGE.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"permissions-policy", b"camera=(self), microphone=(self)"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cache-control", b"no-store"),
]
"""On every answer, whoever asked for whatever."""
SECURITY_LINES = b"".join(b"%b: %b\r\n" % header for header in SECURITY)

_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False)


class Refused(Exception):
    """A request that is not answered; `code` stands in docs/errors.md. `close` ends the connection.

    It carries no words: nothing of the request or of this machine can leak with it.
    """

    def __init__(self, status: int, *, code: str, close: bool = False) -> None:
        super().__init__(code)
        self.status, self.code, self.close = status, code, close


class Gone(Exception):
    """The client went away: there is nobody to answer."""


def request_id() -> str:
    """16 random hexadecimal digits."""
    return os.urandom(8).hex()


def encoded(value: Any) -> str:
    """JSON without spaces.

    Raises ValueError where a model answers with NaN or an infinity.
    """
    return _ENCODER.encode(value)


def refusal(code: str, request: str) -> bytes:
    """The body of every error."""
    return b'{"error":{"code":"%b","request":"%b"}}' % (code.encode(), request.encode())


def extras(status: int) -> list[tuple[bytes, bytes]]:
    """Headers that a status asks for."""
    if status == 401:
        return [(b"www-authenticate", b"Bearer")]
    return [(b"retry-after", b"1")] if status == 503 else []


def shared(origin: bytes) -> list[tuple[bytes, bytes]]:
    """Headers with which a browser lets a page of an allowed origin read the answer."""
    return [
        (b"access-control-allow-origin", origin),
        (b"access-control-allow-methods", b"GET, POST"),
        (b"access-control-allow-headers", b"authorization, content-type"),
        (b"access-control-expose-headers", b"x-request-id"),
        (b"access-control-max-age", b"600"),
        (b"vary", b"origin"),
    ]
