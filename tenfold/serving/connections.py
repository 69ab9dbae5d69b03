"""Connections: uvicorn's, with limits on what it leaves open.

The head of a request must be there in time and stay small; a request that is not let in is answered
from its head alone, in one write and without a task of its own. The rest of a body that nobody
wants is read and dropped for a moment, so that the client reads the answer and not a reset.
"""

from __future__ import annotations

import weakref
from typing import Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from tenfold.serving import replies
from tenfold.serving.replies import Refused
from tenfold.serving.requests import Call

__all__ = ["Connection"]

HEAD_SECONDS = 10.0
HEAD_BYTES = 64 << 10
HEAD_LINES = 100
HttpHeader = tuple[bytes, bytes]
CLOSE = (b"connection", b"close")
MOST = 1000
"""Connections at one time."""
SKIPPED = 1 << 20
"""Bytes of a refused request's body that are passed over, so that the connection can be kept."""
DROPPED_SECONDS = 2.0
"""Seconds, and below bytes, that are read and dropped before a connection is closed."""
DROPPED_BYTES = 64 << 20


class _Outgoing:
    """The transport as uvicorn sees it: closing waits until the client has read the answer."""

    def __init__(self, transport: Any, connection: Connection) -> None:
        self.real, self.write = transport, transport.write
        # Weak, so that a connection is freed as it ends and not by the next search for cycles.
        self._connection = weakref.ref(connection)

    def close(self) -> None:
        """Closes once nothing more comes (see Connection.hang_up)."""
        if (connection := self._connection()) is not None:
            connection.hang_up()

    def is_closing(self) -> bool:
        """True once nothing more will be written."""
        connection = self._connection()
        return connection is None or connection.dropping or bool(self.real.is_closing())

    def reply(self, call: Call, response: Any) -> bool:
        """Writes a whole response (see Connection.reply)."""
        connection = self._connection()
        return connection is not None and connection.reply(call, response)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.real, name)


class Connection(HttpToolsProtocol):
    """One connection; `check` is called a few times a second."""

    def connection_made(self, transport: Any) -> None:
        """Times the first head from here."""
        self.began, self.head = self.loop.time(), 0
        self.unread = self.skipped = self.dropping = False
        self.dropped_since = self.skipped_since = 0.0
        self.dropped = 0
        super().connection_made(_Outgoing(transport, self))  # type: ignore[arg-type]
        self.service: Any = self.app
        self.patience = min(HEAD_SECONDS, self.service.settings.timeout)
        self.service.metrics.connections = len(self.connections)
        if len(self.connections) > MOST:
            self._turn_away(503, "busy")

    def connection_lost(self, exc: Exception | None) -> None:
        """Nobody is there."""
        super().connection_lost(exc)
        self.service.metrics.connections = len(self.connections)

    def check(self, now: float) -> None:
        """Ends a connection whose head is overdue, or which was only kept to be read."""
        if self.dropping and now - self.dropped_since > DROPPED_SECONDS:
            self.transport.real.close()  # type: ignore[attr-defined]
        elif self.skipped and now - self.skipped_since > self.patience:
            self.transport.close()
        elif self.began and now - self.began > self.patience and not self.dropping:
            if self.head:
                self._turn_away(408, "slow-request")
            else:
                self.transport.close()

    def hang_up(self) -> None:
        """Closes; where more of a body is on its way, what comes is dropped for a moment first."""
        if self.unread and not self.dropping:
            self.dropping, self.dropped_since = True, self.loop.time()
            self.flow.resume_reading()
        elif not self.dropping:
            self.transport.real.close()  # type: ignore[attr-defined]

    def data_received(self, data: bytes) -> None:
        """Counts what belongs to a head, and what is dropped."""
        if self.dropping:
            self.dropped += len(data)
            if self.dropped > DROPPED_BYTES:
                self.transport.abort()
            return
        if self.began:
            self.head += len(data)
        super().data_received(data)
        if self.began and self.head > HEAD_BYTES and not self.dropping:
            self._turn_away(431, "head-too-large")

    def send_400_response(self, msg: str) -> None:
        """What is no HTTP."""
        if not self.transport.is_closing():
            self._turn_away(400, "bad-request")

    # --- the parser tells ---

    def on_message_begin(self) -> None:
        """The first byte of a request."""
        super().on_message_begin()
        self.began = self.loop.time()

    def on_headers_complete(self) -> None:
        """The head is whole: the request is let in, or answered at once."""
        self.began, self.head, self.unread = 0.0, 0, True
        if self.transport.is_closing():  # what was sent ahead of an answer that ended it all
            self.skipped = True
            return
        call: Call = self.service.admit(self.parser.get_method(), self.url, self.headers)
        call.transport = self.transport
        if len(self.headers) > HEAD_LINES:
            call.refused = Refused(431, code="head-too-large", close=True)
        idle = self.cycle is None or self.cycle.response_complete
        if call.refused is not None:
            # A large rest is not waited for, and one that waits for leave may never come.
            call.refused.close |= call.size > SKIPPED or call.chunked or self.expect_100_continue
            if idle:
                self._refuse(call, call.refused)
                return
        if idle:  # else its turn comes later, if ever
            call.come(True)
        super().on_headers_complete()
        self.scope["tenfold"] = call  # type: ignore[typeddict-unknown-key]

    def on_body(self, body: bytes) -> None:
        """Content of a request that was let in; of any other it is passed over."""
        if not self.skipped:
            super().on_body(body)

    def on_message_complete(self) -> None:
        """The body is whole."""
        self.unread = False
        if self.dropping:
            self.transport.real.close()  # type: ignore[attr-defined]
        elif self.skipped:
            self.skipped = False
            self.on_response_complete()  # arms the timer of idle connections
        else:
            super().on_message_complete()

    # --- answers ---

    def reply(self, call: Call, response: Any) -> bool:
        """Writes a whole response at once, as `cycle.send` does header by header.

        False where that is left to the usual way: the client is slow to read, or further requests
        are waiting on this connection.
        """
        cycle = self.cycle
        if cycle.scope.get("tenfold") is not call or cycle.disconnected or self.flow.write_paused:
            return False
        cycle.response_started = cycle.response_complete = True
        cycle.keep_alive &= not self.service.draining
        cycle.keep_alive &= call.refused is None or not call.refused.close
        body = b"" if call.method == "HEAD" else response.body
        self._write(call, response.raw_headers, body, cycle.keep_alive)
        cycle.message_event.set()
        if not cycle.keep_alive:
            self.transport.close()
        cycle.on_response()
        return True

    def _refuse(self, call: Call, error: Refused) -> None:
        keep = self.parser.should_keep_alive() and not error.close
        call.status, call.code, self.skipped = error.status, error.code, True
        body = b"" if error.status == 204 else replies.refusal(error.code, call.id)
        call.sent = len(body)
        self._write(call, _plain(body), body if call.method != "HEAD" else b"", keep)
        self.service.finished(call)
        self.skipped_since = self.loop.time()
        if not keep:
            self.transport.close()

    def _turn_away(self, status: int, code: str) -> None:
        """Answers what came to no request of its own, and closes."""
        call = Call("-", refused=Refused(status, code=code, close=True), status=status, code=code)
        body = replies.refusal(code, call.id)
        call.sent = len(body)
        self.unread = True  # more may be on its way
        if self.cycle is None or self.cycle.response_complete:
            self._write(call, _plain(body), body, keep=False)
        self.service.finished(call)
        self.transport.close()

    def _write(self, call: Call, headers: list[HttpHeader], body: bytes, keep: bool) -> None:
        own = self.service.headers(call)
        if not keep and CLOSE not in own:
            own.append(CLOSE)
        every = [*self.server_state.default_headers, *headers, *own]
        lines = b"".join([b"%b: %b\r\n" % header for header in every])
        self.transport.write(
            b"%bx-request-id: %b\r\n%b%b\r\n%b"
            % (STATUS_LINE[call.status], call.id.encode(), replies.SECURITY_LINES, lines, body)
        )


def _plain(body: bytes) -> list[HttpHeader]:
    """Headers of a refusal."""
    return [(b"content-type", replies.JSON), (b"content-length", b"%d" % len(body))]
