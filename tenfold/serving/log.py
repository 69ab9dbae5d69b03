"""The access log: one JSON line per request, without content, query strings or header values.

Lines are collected and written together several times a second: one write per request would cost
more than the request itself. The loggers are `tenfold.access` and `tenfold.faults`; both write to
standard error unless configured otherwise.
"""

from __future__ import annotations

import json
import logging
import sys
import time
import traceback
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tenfold.serving.requests import Call

__all__ = ["Access", "fault", "to_standard_error"]

ACCESS, FAULTS = logging.getLogger("tenfold.access"), logging.getLogger("tenfold.faults")
MOST = 512
"""Maximum number of lines that are collected before they are written."""


class Access:
    """Collects the log lines of requests; `flush` writes them."""

    def __init__(self, on: bool) -> None:
        self._on, self._lines = on, list[str]()

    def note(self, call: Call) -> None:
        """Adds the line of a request that was answered, refused or given up by its client."""
        if not self._on:
            return
        self._lines.append(_line(call))
        if len(self._lines) >= MOST:
            self.flush()

    def flush(self) -> None:
        """Writes all collected lines as one record of the logger."""
        if self._lines:
            lines, self._lines = self._lines, []
            ACCESS.info("\n".join(lines))


def _line(call: Call) -> str:
    """The JSON line of a request; its values are numbers or our own words and need no escaping."""
    code = f',"code":"{call.code}"' if call.code else ""
    return (
        f'{{"time":"{_time(call.began)}","request":"{call.id}","method":"{call.method}",'
        f'"route":"{call.route}","model":"{call.model}","status":{call.status}{code},'
        f'"bytes_in":{call.received},"bytes_out":{call.sent},"milliseconds":{call.spent * 1e3:.3f},'
        f'"queue_milliseconds":{call.waited * 1e3:.3f},"batch":{call.together}}}'
    )


def _time(seconds: float) -> str:
    """The time as RFC 3339 text, in UTC, with milliseconds."""
    return f"{_second(int(seconds))}.{int(seconds % 1 * 1000):03}Z"


@lru_cache(4)
def _second(whole: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(whole))


def fault(error: BaseException, where: str) -> None:
    """Logs an internal error: its type and source line, but not its message."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f"{frames[-1].filename.rpartition('/')[2]}:{frames[-1].lineno}" if frames else ""
    told = {"time": _time(time.time()), "fault": type(error).__name__, "at": place, "in": where}
    FAULTS.error(json.dumps(told))


def to_standard_error(on: bool) -> None:
    """Sends the lines unchanged to standard error, or nowhere if `on` is False."""
    for logger in (ACCESS, FAULTS):
        logger.handlers = [_Handler()] if on else [logging.NullHandler()]
        logger.setLevel(logging.INFO)
        logger.propagate = False


class _Handler(logging.StreamHandler):
    """Writes to the current sys.stderr, not to the one at the start."""

    def __init__(self) -> None:
        super().__init__(sys.stderr)

    def emit(self, record: logging.LogRecord) -> None:
        self.stream = sys.stderr
        super().emit(record)
