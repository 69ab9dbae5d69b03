"""Texts given for prediction: files, folders, lines, or the text itself."""

from __future__ import annotations

import glob
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tenfold.core.columns import Problem
from tenfold.core.errors import TenfoldError
from tenfold.core.message import Message
from tenfold.media.files import references
from tenfold.media.files.listing import neighbours
from tenfold.media.input import InputRow
from tenfold.media.reading import AS_FOUND, Reading
from tenfold.media.text.asked import texts_of

__all__ = ["named", "word_rows"]


_PATHLIKE = re.compile(r"\S*[/\\]\S*|\S+\.[A-Za-z0-9]{1,8}")


def named(name: str, reading: Reading = AS_FOUND) -> Iterator[InputRow]:
    """Yields the texts of files or folders, lines of standard input (`-`), or the name itself.

    Files are read as in training, which is what `reading` holds.
    """
    if name == "-":
        for number, line in enumerate(getattr(sys.stdin, "buffer", sys.stdin), 1):
            text = line if isinstance(line, str) else line.decode("utf-8", "replace")
            if text.strip():
                yield text.rstrip("\r\n"), f"line {number}"
    elif os.path.lexists(name):
        yield from _texts_inside(Path(name), reading)
    elif glob.has_magic(name) and (found := sorted(glob.glob(name, recursive=True))):
        for one in found:
            yield from _texts_inside(Path(one), reading)
    elif _PATHLIKE.fullmatch(name):
        reason, fix = Message("does not exist"), neighbours(Path(name))
        yield (
            Problem(
                "missing-file",
                reason,
                Message("{fix} An argument with a space is read as text.", fix=fix),
            ),
            name,
        )
    else:
        yield name, references.printable(name if len(name) <= 60 else f"{name[:57]}...")


def _texts_inside(path: Path, reading: Reading) -> Iterator[InputRow]:
    try:
        for table in texts_of(path, reading):
            for text, source, problem in zip(
                table["text"], table["source"], table["problem"], strict=True
            ):
                yield (text if problem is None else problem), source
    except TenfoldError as error:  # a damaged file does not stop the other inputs
        yield Problem(error.code, error.message, error.fix), str(path)


def word_rows(
    source: Any, numbers: Iterator[int], reading: Reading = AS_FOUND
) -> Iterator[InputRow]:
    """Yields the words of each given text; a list inside a list already holds words."""
    if isinstance(source, (str, Path)):
        for text, name in named(str(source), reading):
            yield (text.split() if isinstance(text, str) else text), name
        return
    for one in source:
        if isinstance(one, (list, tuple)):
            yield list(map(str, one)), f"input {next(numbers)}"
        else:
            yield from word_rows(one, numbers, reading)
