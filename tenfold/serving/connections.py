"""HTTP connections: uvicorn's protocol with limits on time, size and number.

The head of a request must arrive in time and stay small. A refused request is answered from its
head alone, in one write and without an asyncio task. The rest of its body is read and dropped for a
short time, so that the client receives the answer and not a connection reset.
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
"""Maximum number of open connections."""
SKIPPED = 1 << 20
"""Maximum bytes of a refused request's body that are skipped to keep the connection open."""
DROPPED_SECONDS = 2.0
"""Maximum seconds for which data are read and dropped before a connection is closed."""
DROPPED_BYTES = 64 << 20
"""Maximum bytes that are read and dropped before a connection is closed."""


class _Outgoing:
    """The transport given to uvicorn; `close` first lets the client read the answer."""

    def __init__(self, transport: Any, connection: Connection) -> None:
        self.real, self.write = transport, transport.write
        # Weak, so that a connection is freed when it ends and not by the next garbage collection.
        self._connection = weakref.ref(connection)

    def close(self) -> None:
        """Closes the connection once no more data arrive (see Connection.hang_up)."""
        if (connection := self._connection()) is not None:
            connection.hang_up()

    def is_closing(self) -> bool:
        """True once no more data will be written."""
        connection = self._connection()
        return connection is None or connection.dropping or bool(self.real.is_closing())

    def reply(self, call: Call, response: Any) -> bool:
        """Writes a whole response (see Connection.reply)."""
        connection = self._connection()
        return connection is not None and connection.reply(call, response)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.real, name)


class Connection(HttpToolsProtocol):
    """One HTTP connection; the server calls `check` about twice a second."""

    def connection_made(self, transport: Any) -> None:
        """Starts the time limit of the first head; refuses the connection if too many are open."""
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
        """Updates the count of open connections."""
        super().connection_lost(exc)
        self.service.metrics.connections = len(self.connections)

    def check(self, now: float) -> None:
        """Closes the connection if its head is late or its time to skip or drop data is over."""
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
        """Closes the connection; the rest of an unread body is first dropped for a short time."""
        if self.unread and not self.dropping:
            self.dropping, self.dropped_since = True, self.loop.time()
            self.flow.resume_reading()
        elif not self.dropping:
            self.transport.real.close()  # type: ignore[attr-defined]

    def data_received(self, data: bytes) -> None:
        """Passes data on; counts and limits the bytes of a head and of dropped data."""
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
        """Answers status 400 to data that are not valid HTTP."""
        if not self.transport.is_closing():
            self._turn_away(400, "bad-request")

    # --- callbacks of the parser ---

    def on_message_begin(self) -> None:
        """Starts the time limit of a head at the first byte of a request."""
        super().on_message_begin()
        self.began = self.loop.time()

    def on_headers_complete(self) -> None:
        """Admits the request once its head is complete, or refuses it at once."""
        self.began, self.head, self.unread = 0.0, 0, True
        if self.transport.is_closing():  # a request that was sent before the last answer
            self.skipped = True
            return
        call: Call = self.service.admit(self.parser.get_method(), self.url, self.headers)
        call.transport = self.transport
        if len(self.headers) > HEAD_LINES:
            call.refused = Refused(431, code="head-too-large", close=True)
        idle = self.cycle is None or self.cycle.response_complete
        if call.refused is not None:
            # Do not wait for a large body, nor for one that may never come (100-continue).
            call.refused.close |= call.size > SKIPPED or call.chunked or self.expect_100_continue
            if idle:
                self._refuse(call, call.refused)
                return
        if idle:  # else an earlier request is still being answered
            call.come(True)
        super().on_headers_complete()
        self.scope["tenfold"] = call  # type: ignore[typeddict-unknown-key]

    def on_body(self, body: bytes) -> None:
        """Passes on the body of an admitted request; the body of a refused one is skipped."""
        if not self.skipped:
            super().on_body(body)

    def on_message_complete(self) -> None:
        """Ends the request once its body is complete."""
        self.unread = False
        if self.dropping:
            self.transport.real.close()  # type: ignore[attr-defined]
        elif self.skipped:
            self.skipped = False
            self.on_response_complete()  # starts the timer of idle connections
        else:
            super().on_message_complete()

    # --- answers ---

    def reply(self, call: Call, response: Any) -> bool:
        """Writes a whole response in one call.

        `cycle.send` would check each header, and write head and body apart. Returns False where
        uvicorn has to send the response: the client is slow to read or has left, or further
        requests are waiting on this connection.
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
        """Answers with an error before a request is complete, and closes the connection."""
        call = Call("-", refused=Refused(status, code=code, close=True), status=status, code=code)
        body = replies.refusal(code, call.id)
        call.sent = len(body)
        self.unread = True  # more data may arrive
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
    """The headers of a refusal: content type and length."""
    return [(b"content-type", replies.JSON), (b"content-length", b"%d" % len(body))]
