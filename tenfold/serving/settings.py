"""The settings of a server, checked before anything is loaded: address, token, limits."""

from __future__ import annotations

import ipaddress
import math
import os
import re
import socket
from dataclasses import dataclass
from typing import Any

from tenfold.core.errors import EnvironmentRefused, UsageError
from tenfold.core.message import Message

__all__ = ["Settings", "bound"]

MB = 1 << 20
LOCAL = ("localhost", "127.0.0.1", "[::1]")
"""Names that a request may always give in its Host header."""


@dataclass(frozen=True)
class Settings:
    """The settings of a server. Sizes are in bytes, times in seconds.

    `hosts` and `origins` are allowed in addition to the local names and the address itself. A JSON
    body has at most `json` bytes; a part of a form has at most `picture` bytes for a picture,
    `stream` bytes for sound or video, and `json` bytes for any other input. `known_people`, which
    needs a token, allows inputs that refer to data which a run stores about people.
    """

    host: str = "127.0.0.1"
    port: int = 8000
    token: str = ""
    batch: int = 64
    queue: int = 256
    timeout: float = 30.0
    hosts: tuple[str, ...] = ()
    origins: tuple[str, ...] = ()
    json: int = 10 * MB
    picture: int = 25 * MB
    stream: int = 100 * MB
    log: bool = True
    known_people: bool = False

    def __post_init__(self) -> None:
        """Raises UsageError, with the allowed values, where a value is out of range."""
        if not self.host.strip():
            raise _bad("host", Message("an address of this machine"), self.host)
        _whole("port", self.port, 0, 65_535)
        _whole("batch", self.batch, 1, 4096)
        _whole("queue", self.queue, 1, 1_000_000)
        if not _number(self.timeout) or not 0 < self.timeout <= 3600:
            raise _bad("timeout", Message("a number above 0 and up to 3600"), self.timeout)
        if self.token and not re.fullmatch(r"[!-~]+", self.token):
            fix = Message("Use ASCII letters, digits and signs without spaces.")
            raise UsageError(
                Message("The token has characters that an HTTP header cannot carry"),
                code="bad-setting",
                fix=fix,
            )
        if self.known_people and not self.token:
            raise UsageError(
                Message("--known-people lets requests read stored data, so a token is needed"),
                code="needs-token",
                where="known-people",
                fix=Message("Set TENFOLD_TOKEN or give --token; or leave out --known-people."),
            )
        for name in self.hosts:
            if not re.fullmatch(r"[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\]", name):
                raise _bad("allow-host", Message("host names without scheme and port"), name)
        for origin in self.origins:
            if not re.fullmatch(r"https?://[A-Za-z0-9._-]+(:\d+)?", origin):
                raise _bad("allow-origin", Message("origins such as https://example.org"), origin)

    @property
    def names(self) -> frozenset[str]:
        """Names, in lower case and without port, that a request may give in its Host header."""
        own = f"[{self.host}]" if ":" in self.host else self.host
        return frozenset(name.lower() for name in (*LOCAL, own, *self.hosts))

    @property
    def address(self) -> str:
        """The address to print, such as `http://127.0.0.1:8000`."""
        open_to_all = self.host in ("0.0.0.0", "::")
        name = "127.0.0.1" if open_to_all else self.host
        return f"http://{f'[{name}]' if ':' in name else name}:{self.port}"


def settings_of(
    host: str,
    port: int,
    token: str | None,
    batch: int,
    queue: int,
    timeout: float,
    max_mb: int | None,
    allow_host: str | None,
    allow_origin: str | None,
    log: bool,
    known_people: bool = False,
) -> Settings:
    """The settings from the arguments of `serve`; the token may come from TENFOLD_TOKEN.

    Raises UsageError for a wrong value, and where other machines can reach the address and no token
    is set.
    """
    told = os.environ.get("TENFOLD_TOKEN", "") if token is None else token
    sizes = {}
    if max_mb is not None:
        _whole("max-mb", max_mb, 1, 4096)
        sizes = dict.fromkeys(("json", "picture", "stream"), max_mb * MB)
    found = Settings(
        host=str(host),
        port=port,
        token=told,
        batch=batch,
        queue=queue,
        timeout=timeout,
        hosts=_listed(allow_host),
        origins=_listed(allow_origin),
        log=log,
        known_people=known_people,
        **sizes,
    )
    if not found.token and not _loopback(found.host):
        raise UsageError(
            Message(
                "{host} can be reached from other machines, so a token is needed", host=found.host
            ),
            code="needs-token",
            where=found.host,
            fix=Message(
                "Set TENFOLD_TOKEN or give --token; or leave out --host to serve this machine only."
            ),
        )
    return found


def _listed(text: str | None) -> tuple[str, ...]:
    return tuple(word.strip() for word in (text or "").split(",") if word.strip())


def _whole(name: str, value: Any, low: int, high: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise _bad(name, Message("a whole number from {low} to {high}", low=low, high=high), value)


def _number(value: Any) -> bool:
    fits = isinstance(value, (int, float)) and not isinstance(value, bool)
    return fits and math.isfinite(value)


def _bad(name: str, wanted: Message, value: Any) -> UsageError:
    return UsageError(
        Message("{name} must be {wanted}, got {value!r}", name=name, wanted=wanted, value=value),
        code="bad-setting",
        where=name,
    )


# --- the address ----------------------------------------------------------------------------------


def _loopback(host: str) -> bool:
    """True where only this machine can reach the address; a host name is resolved first."""
    return all(ipaddress.ip_address(place[4][0]).is_loopback for place in _places(host, 0))


def _places(host: str, port: int) -> list[Any]:
    try:
        found = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise UsageError(
            Message("The address {host!r} was not found", host=host),
            code="no-such-address",
            where=host,
            fix=Message("Give an address of this machine, such as 127.0.0.1 or 0.0.0.0."),
        ) from error
    return found


def bound(settings: Settings) -> socket.socket:
    """The listening socket; connections wait in it until the models are loaded.

    Raises UsageError where the address is unknown; EnvironmentRefused where the port is in use or
    forbidden, or the address belongs to another machine.
    """
    family, kind, protocol, _, place = _places(settings.host, settings.port)[0]
    found = socket.socket(family, kind, protocol)
    try:
        if os.name == "posix":  # on Windows it would let two servers share a port
            found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        found.bind(place)
        found.listen(1024)
    except OSError as error:
        found.close()
        raise EnvironmentRefused(
            Message(
                "The server cannot listen on {host} port {port}: {error}",
                host=settings.host,
                port=settings.port,
                error=error.strerror,
            ),
            code="port",
            where=f"{settings.host}:{settings.port}",
            fix=Message(
                "Choose another --port (0 takes a free one), or stop the program that uses it."
            ),
        ) from error
    found.setblocking(False)
    return found
