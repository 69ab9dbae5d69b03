"""Runs `tenfold` as a person does: own process, own streams, own exit code, real signals.

Commands are forked from a process that has imported everything (`forking`); what the fork runs is
the entry point itself. `home` is where a person would run it.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import json
import os
import pty
import shutil
import signal
import socket
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from forking import forks, serve
from pictures_made import TASK, folder
from sharing import once

from tenfold.run.folder import remember_data

QUICK = ["--size", "tiny", "--epochs", "2", "--batch", "8", "--device", "cpu"]


class _Server:
    def __init__(self, rooms: str) -> None:
        self.link, theirs = socket.socketpair()
        self.process = forks().Process(target=serve, args=(theirs, rooms))
        self.process.start()
        theirs.close()
        self.answers = self.link.makefile("r")

    def ask(self, request: dict[str, Any], handles: tuple[int, ...] = ()) -> int:
        data = json.dumps(request).encode()
        socket.send_fds(self.link, [data], handles)
        return int(self.answers.readline())

    def close(self) -> None:
        self.link.close()
        self.answers.close()
        self.process.join(120)


@functools.cache
def _server(rooms: str) -> _Server:
    """The process that forks; rooms are searched as tenfold is imported, so each list has one."""
    server = _Server(rooms)
    atexit.register(server.close)
    return server


@dataclass
class Done:
    """A command that has ended."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """The one JSON document on standard output."""
        return json.loads(self.out)

    @property
    def lines(self) -> list[Any]:
        """JSON of each line."""
        return [json.loads(line) for line in self.out.splitlines()]

    @property
    def last(self) -> str:
        """What a person reads last: the error, where there is one."""
        return self.err[self.err.find("Error: ") :] if "Error: " in self.err else ""


class Running:
    """A command on its way, its standard error on a terminal where `terminal` is set.

    With `terminal="both"` its standard output is on the same terminal.
    """

    def __init__(self, words, cwd, env=None, stdin=b"", terminal=False, stdout=None) -> None:
        self.err = b""
        self.files = [tempfile.TemporaryFile() for _ in range(3)]  # noqa: SIM115
        self.files[0].write(stdin)
        self.files[0].seek(0)
        self.terminal, handles = None, [file.fileno() for file in self.files]
        if terminal:
            self.terminal, handles[2] = pty.openpty()
        if terminal == "both":
            handles[1] = handles[2]
        if stdout is not None:
            handles[1] = stdout
        words = [os.fsdecode(word) for word in words]
        full = {**os.environ, **(env or {})}
        self.server = _server(full.get("TENFOLD_ROOMS", ""))
        request = {"words": words, "cwd": str(cwd), "env": full}
        self.pid = self.server.ask(request, tuple(handles))
        if terminal:
            os.close(handles[2])

    def read_until(self, word: bytes, seconds: float = 120) -> bytes:
        """What the terminal shows up to `word`."""
        due = time.monotonic() + seconds
        while word not in self.err and time.monotonic() < due:
            self.err += self._more()
        assert word in self.err, self.err
        return self.err

    def _more(self) -> bytes:
        with contextlib.suppress(OSError):  # its other end is closed: nothing comes any more
            return os.read(self.terminal, 65536)
        return b""

    def said(self) -> bytes:
        """What standard error, where it is no terminal, holds by now."""
        return os.pread(self.files[2].fileno(), 1 << 20, 0)

    def signal(self, number: int = signal.SIGINT) -> None:
        os.kill(self.pid, number)

    def wait(self) -> Done:
        if self.terminal is not None:
            while more := self._more():
                self.err += more
        code = self.server.ask({"wait": self.pid})
        texts = []
        for file in self.files[1:]:
            file.seek(0)
            texts.append(file.read())
        if self.terminal is not None:
            os.close(self.terminal)
            texts[1] = self.err
        for file in self.files:
            file.close()
        return Done(code, *(text.decode("utf-8", "surrogateescape") for text in texts))


def tenfold(*words: Any, cwd: Path, **more: Any) -> Done:
    """Runs a command to its end."""
    return Running(words, cwd, **more).wait()


def refused(done: Done, code: int, *words: str) -> Done:
    """One sentence on standard error, nothing on standard output, no traceback."""
    assert done.code == code, (done.code, done.out, done.err)
    assert done.last and not done.out and "Traceback" not in done.err
    for word in words:
        assert word in done.last, done.last
    return done


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as a person has it: pictures, and a run trained on them by the command.

    It is made once; each file of tests has a copy.
    """
    made = once(tmp_path_factory, "home", _make_home)
    place = shutil.copytree(made, tmp_path_factory.mktemp("home"), dirs_exist_ok=True)
    remember_data(place / "run", place / "photos")
    return place


def _make_home(place: Path) -> None:
    folder(place / "photos", 16)
    done = tenfold("train", TASK, "photos", "--out", "run", "--json", *QUICK, cwd=place)
    assert done.code == 0, done.err
    (place / "trained.json").write_text(done.out)
    (place / "trained.err").write_text(done.err)
