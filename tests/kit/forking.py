"""One process that has imported everything, from which every process of a test is forked.

A start of Python with torch and what a training loads after it takes five seconds, a fork of a
process that has them takes hundredths of one.
"""

from __future__ import annotations

import functools
import json
import multiprocessing
import os
import signal
import socket
import sys
import threading
import traceback
from multiprocessing import forkserver
from multiprocessing.context import ForkServerContext
from pathlib import Path
from typing import Any

import pytest


@functools.cache
def forks() -> ForkServerContext:
    """The context of multiprocessing whose server has imported the module `preloaded`."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["preloaded"])
    path = os.pathsep.join([str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")])
    with pytest.MonkeyPatch.context() as patch:  # Python 3.11 preloads from the path of its start
        patch.setenv("PYTHONPATH", path.rstrip(os.pathsep))
        patch.setenv("OPENBLAS_NUM_THREADS", "1")
        forkserver.ensure_running()
    return context


def serve(link: socket.socket, rooms: str) -> None:
    """Forks for each command that comes over the link, with its streams; `rooms` as TENFOLD_ROOMS.

    A request is the words, folder and environment of a command, answered by the number of its
    process, or a number to wait for, answered by the exit code.
    """
    import preloaded

    if rooms != os.environ.get("TENFOLD_ROOMS", ""):  # these are read when tenfold is imported
        os.environ["TENFOLD_ROOMS"] = rooms
        for name in [name for name in sys.modules if name.partition(".")[0] == "tenfold"]:
            del sys.modules[name]
        preloaded.load()
    while True:
        data, handles, _, _ = socket.recv_fds(link, 1 << 20, 3)
        if not data:
            os._exit(0)
        request = json.loads(data)
        if "wait" in request:
            code = os.waitstatus_to_exitcode(os.waitpid(request["wait"], 0)[1])
            link.sendall(b"%d\n" % code)
            continue
        if "export" in request["words"][:1]:
            preloaded.load_for_exports()
        child = os.fork()
        if not child:
            link.close()
            _command(request, handles)
        for handle in handles:
            os.close(handle)
        link.sendall(b"%d\n" % child)


def _command(request: dict[str, Any], handles: list[int]) -> None:
    """The entry point of tenfold in this process, which ends with it."""
    for number, handle in enumerate(handles):
        os.dup2(handle, number)
        os.close(handle)
    os.setsid()
    # Shells start background jobs with Ctrl-C ignored; the command is tested as in the foreground.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.chdir(request["cwd"])
    os.environ.clear()
    os.environ.update(request["env"])
    sys.stdin = open(0)  # noqa: SIM115
    sys.stdout = open(1, "w")  # noqa: SIM115
    sys.stderr = open(2, "w", buffering=1, errors="backslashreplace")  # noqa: SIM115
    sys.argv = ["tenfold", *request["words"]]
    try:
        sys.modules["tenfold.cli"].main()
        code: Any = 0
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
