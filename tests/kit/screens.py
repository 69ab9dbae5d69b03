"""What a terminal shows after a program has written lines, returns and erased lines to it."""

import contextlib
import fcntl
import os
import pty
import re
import struct
import termios
from collections.abc import Iterator
from typing import TextIO

from tenfold.core.text import width

ERASE = "\x1b[2K"


def screen(data: str, columns: int = 80) -> list[str]:
    """The lines of a terminal, where a line longer than `columns` continues on the next one."""
    lines, place = [""], 0
    for piece in re.split(r"(\x1b\[2K|\r|\n)", data):
        if piece == "\n":
            lines, place = [*lines, ""], 0
        elif piece == "\r":
            place = 0
        elif piece == ERASE:
            lines[-1] = " " * place
        else:
            for letter in piece:
                if width(lines[-1][:place] + letter) > columns:
                    lines, place = [*lines, ""], 0
                lines[-1] = lines[-1][:place] + letter + lines[-1][place + 1 :]
                place += 1
    return [line.rstrip() for line in lines]


@contextlib.contextmanager
def terminal(columns: int) -> Iterator[tuple[TextIO, list[bytes]]]:
    """A stream to a terminal of this width, and a list that gets what was written at the end."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    seen: list[bytes] = []
    with os.fdopen(theirs, "w", encoding="utf-8") as stream:
        yield stream, seen
        stream.flush()
        os.set_blocking(ours, False)
        with contextlib.suppress(BlockingIOError):
            while more := os.read(ours, 65536):
                seen.append(more)
    os.close(ours)
