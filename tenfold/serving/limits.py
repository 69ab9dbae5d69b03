"""Admission of requests by host, origin, token, route, type and size, from the head alone.

The body is not read before this decision. A decision takes a few microseconds, so that an
overloaded server spends its time on answers.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable

from tenfold.serving.replies import Refused
from tenfold.serving.requests import Call, Route
from tenfold.serving.settings import MB, Settings

__all__ = ["Gate"]

SEEN = 256
"""Maximum number of Host header values whose check is cached."""
_ONCE = frozenset(
    (b"host", b"origin", b"content-length", b"content-type", b"authorization", b"transfer-encoding")
)
FORM, PLAIN, TABLE = b"multipart/form-data", b"application/json", b"text/csv"


class Gate:
    """Admits or refuses requests from their heads; `held` counts bytes of bodies in memory."""

    def __init__(self, settings: Settings, routes: dict[str, Route], largest: int) -> None:
        self._settings, self._routes = settings, routes
        self._token = settings.token.encode()
        self._origins = frozenset(origin.encode() for origin in settings.origins)
        self._hosts: dict[bytes, bool] = {}
        self.held, self.memory = 0, max(256 * MB, 2 * largest)

    def admit(self, method: bytes, target: bytes, headers: Iterable[tuple[bytes, bytes]]) -> Call:
        """The call of a request; if it is refused, `refused` holds the reason.

        Nothing is raised: an error kept with its frames would be a reference cycle for each
        request.
        """
        call = Call(method.decode("latin-1"))
        heads: dict[bytes, bytes] = {}
        for name, value in headers:
            if name in _ONCE:
                if name in heads:
                    call.refused = Refused(400, code="bad-request", close=True)
                    return call
                heads[name] = value
        length = heads.get(b"content-length", b"0")
        call.size = int(length) if length.isdigit() and len(length) < 20 else 0
        call.chunked = b"transfer-encoding" in heads
        call.refused = self._who(call, heads) or self._what(call, target, heads)
        call.refused = call.refused or self._body(call, heads)
        return call

    # --- host and origin ---

    def _who(self, call: Call, heads: dict[bytes, bytes]) -> Refused | None:
        """The refusal for a wrong host or origin, or None; keeps an allowed origin in the call."""
        host = heads.get(b"host", b"")
        if not self._known(host):
            return Refused(421, code="foreign-host", close=True)
        origin = heads.get(b"origin")
        if origin is None:
            return None
        if origin in self._origins:
            call.origin = origin
            return None
        scheme, _, place = origin.partition(b"://")
        if scheme in (b"http", b"https") and place.lower() == host.lower():
            return None
        return Refused(403, code="foreign-origin", close=True)

    def _known(self, host: bytes) -> bool:
        """True if the host is a name of this server, on any port."""
        verdict = self._hosts.get(host)
        if verdict is None:
            verdict = _without_port(host).lower() in self._settings.names
            if len(self._hosts) < SEEN:
                self._hosts[host] = verdict
        return verdict

    # --- route, token, method and body ---

    def _what(self, call: Call, target: bytes, heads: dict[bytes, bytes]) -> Refused | None:
        """The refusal for a wrong route, token or method, or None."""
        path = target.partition(b"?")[0].decode("latin-1")
        route = self._routes.get(path)
        asking_leave = call.method == "OPTIONS" and call.origin
        if not (route and route.open) and not asking_leave and self._token:
            scheme, _, given = heads.get(b"authorization", b"").partition(b" ")
            if scheme.lower() != b"bearer" or not hmac.compare_digest(given, self._token):
                return Refused(401, code="no-token")
        if route is None:
            return Refused(404, code="not-found")
        call.found = route
        if asking_leave:  # the CORS preflight request of a browser
            return Refused(204, code="")
        if call.method != route.method and (call.method, route.method) != ("HEAD", "GET"):
            return Refused(405, code="wrong-method")
        return None

    def _body(self, call: Call, heads: dict[bytes, bytes]) -> Refused | None:
        """The refusal for the type or size of the body, or for a lack of room; or None."""
        route = call.found
        if route is None or not route.most:
            none = not call.size and not call.chunked
            return None if none else Refused(413, code="body-too-large", close=True)
        call.content_type = heads.get(b"content-type", b"")
        form = call.content_type.partition(b";")[0].strip().lower()
        if form not in route.most:
            return Refused(415, code="wrong-type")
        call.most = route.most[form]
        if call.size > call.most:
            return Refused(413, code="body-too-large", close=True)
        full = route.line is not None and not route.line.has_room()
        if full or self.held + call.size > self.memory:
            return Refused(503, code="busy")
        return None


def _without_port(host: bytes) -> str:
    text = host.decode("latin-1")
    if text.startswith("["):
        return text.partition("]")[0] + "]"
    name, colon, port = text.partition(":")
    return name if not colon or port.isdigit() else ""
