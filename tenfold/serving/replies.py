"""HTTP responses: answers as JSON, refusals as a code and a request id, and their headers."""

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
"""Security headers of every response."""
SECURITY_LINES = b"".join(b"%b: %b\r\n" % header for header in SECURITY)

_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False)


class Refused(Exception):
    """A refused request; `code` is listed in docs/errors.md, `close` ends the connection.

    It has no message, so that nothing of the request or of this machine can leak with it.
    """

    def __init__(self, status: int, *, code: str, close: bool = False) -> None:
        super().__init__(code)
        self.status, self.code, self.close = status, code, close


class Gone(Exception):
    """The client has closed the connection, so that no answer is needed."""


def request_id() -> str:
    """A random request id: 16 hexadecimal digits."""
    return os.urandom(8).hex()


def encoded(value: Any) -> str:
    """The value as JSON without spaces.

    Raises ValueError where it contains NaN or an infinity.
    """
    return _ENCODER.encode(value)


def refusal(code: str, request: str) -> bytes:
    """The JSON body of an error response."""
    return b'{"error":{"code":"%b","request":"%b"}}' % (code.encode(), request.encode())


def extras(status: int) -> list[tuple[bytes, bytes]]:
    """The additional headers of a status: 401 and 503 have one each."""
    if status == 401:
        return [(b"www-authenticate", b"Bearer")]
    return [(b"retry-after", b"1")] if status == 503 else []


def shared(origin: bytes) -> list[tuple[bytes, bytes]]:
    """The CORS headers with which a browser lets a page of an allowed origin read the answer."""
    return [
        (b"access-control-allow-origin", origin),
        (b"access-control-allow-methods", b"GET, POST"),
        (b"access-control-allow-headers", b"authorization, content-type"),
        (b"access-control-expose-headers", b"x-request-id"),
        (b"access-control-max-age", b"600"),
        (b"vary", b"origin"),
    ]
