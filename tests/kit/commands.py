"""Runs `tenfold` as a person does: own process, own streams, own exit code, real signals.

A start of Python with torch takes seconds, so one process imports everything once and forks for
each command; what the fork runs is the entry point itself. `home` is where a person would run it.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import json
import os
import pty
import signal
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from pictures_made import TASK, folder

QUICK = ["--size", "tiny", "--epochs", "2", "--batch", "8", "--device", "cpu"]
SERVER = """
import functools, importlib, json, os, pkgutil, signal, socket, sys, threading, traceback
import tenfold.cli

link = socket.socket(fileno=int(sys.argv[1]))
for name in ("tenfold.verbs", "tenfold.tasks", "tenfold.networks", "tenfold.cli"):
    package = importlib.import_module(name)
    if not hasattr(package, "__path__"):
        continue
    for found in pkgutil.iter_modules(package.__path__, package.__name__ + "."):
        importlib.import_module(found.name)
for name in ("torch", "sklearn.datasets", "safetensors.torch", "jinja2", "pyarrow"):
    importlib.import_module(name)
# What the first training and the first report of a process import, which takes three seconds.
for name in ("torch._dynamo", "torch.utils.flop_counter", "tenfold.workflows.train",
             "tenfold.reporting"):
    importlib.import_module(name)

@functools.cache
def prepare_to_export():
    # What every export imports, and the table of operators that torch builds anew for each.
    for name in ("onnx", "onnxscript", "onnxruntime.quantization", "torch._dynamo"):
        importlib.import_module(name)
    from torch.onnx._internal.exporter import _registration
    table = functools.cache(_registration.ONNXRegistry.from_torchlib)
    _registration.ONNXRegistry.from_torchlib = staticmethod(table)

def command(request, handles):
    link.close()
    for number, handle in enumerate(handles):
        os.dup2(handle, number)
        os.close(handle)
    os.setsid()
    # Shells start background jobs with Ctrl-C ignored; the command is tested as in the foreground.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.chdir(request["cwd"])
    os.environ.clear()
    os.environ.update(request["env"])
    sys.stdin = open(0)
    sys.stdout = open(1, "w")
    sys.stderr = open(2, "w", buffering=1, errors="backslashreplace")
    sys.argv = ["tenfold", *request["words"]]
    try:
        tenfold.cli.main()
        code = 0
    except SystemExit as end:
        code = end.code or 0
    except BaseException:
        traceback.print_exc()
        code = 1
    # What the end of Python does, without taking a process of this size apart, which takes seconds.
    threading._shutdown()
    try:
        sys.stdout.flush()
    except OSError:
        code = 120
    os._exit(code)

while True:
    data, handles, _, _ = socket.recv_fds(link, 1 << 20, 3)
    if not data:
        os._exit(0)
    request = json.loads(data)
    if "wait" in request:
        link.sendall(b"%d\\n" % os.waitstatus_to_exitcode(os.waitpid(request["wait"], 0)[1]))
        continue
    if "export" in request["words"][:1]:
        prepare_to_export()
    child = os.fork()
    if not child:
        break
    for handle in handles:
        os.close(handle)
    link.sendall(b"%d\\n" % child)
command(request, handles)
"""


class _Server:
    def __init__(self, rooms: str) -> None:
        self.link, theirs = socket.socketpair()
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-c", SERVER, str(theirs.fileno())],
            pass_fds=[theirs.fileno()],
            env=os.environ | {"OPENBLAS_NUM_THREADS": "1", "TENFOLD_ROOMS": rooms},
        )
        theirs.close()
        self.answers = self.link.makefile("r")

    def ask(self, request: dict[str, Any], handles: tuple[int, ...] = ()) -> int:
        data = json.dumps(request).encode()
        socket.send_fds(self.link, [data], handles)
        return int(self.answers.readline())

    def close(self) -> None:
        self.link.close()
        self.answers.close()
        self.process.wait(120)


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
def home(tmp_path_factory) -> Path:
    """A folder as a person has it: pictures, and a run trained on them by the command."""
    place = tmp_path_factory.mktemp("home")
    folder(place / "photos", 16)
    done = tenfold("train", TASK, "photos", "--out", "run", "--json", *QUICK, cwd=place)
    assert done.code == 0, done.err
    (place / "trained.json").write_text(done.out)
    (place / "trained.err").write_text(done.err)
    return place
