"""One queue and one worker thread a model: whatever waits when the worker is free goes in together.

Nothing is delayed to fill a batch. Rows with equal options are asked in one call; where that call
raises, each row is asked alone, so that one bad row harms nobody. What nobody waits for any longer
is dropped before it costs anything.
"""

from __future__ import annotations

import asyncio
import contextlib
import queue
import threading
import time
from dataclasses import dataclass, field
from typing import Any

from tenfold.core import results
from tenfold.core.columns import Columns, Problem
from tenfold.core.results import Explanation
from tenfold.run import explain as run_explain
from tenfold.serving.log import fault
from tenfold.serving.models import Model, RequestOptions, RequestRow
from tenfold.serving.replies import encoded
from tenfold.task import Answer

__all__ = ["Batcher", "Job", "Outcome"]

COVERS = 64
"""Rows that an explanation counts for: it asks for at most so many covered copies."""


@dataclass(slots=True)
class Outcome:
    """The outcome of one row: JSON of its predictions, or the code of what is wrong with it."""

    text: str = ""
    code: str = ""
    status: int = 200


TOO_LATE = Outcome(code="timeout", status=504)
GONE = Outcome(code="gone", status=499)
BROKEN = Outcome(code="internal", status=500)


@dataclass(slots=True, eq=False)
class Job:
    """What one request asks of a model, and what became of it. Times are time.monotonic()."""

    rows: list[RequestRow]
    wanted: RequestOptions
    deadline: float
    transport: Any
    explain: bool = False
    told: list[Outcome] = field(default_factory=list)
    maps: str = "[]"
    arrived: float = field(default_factory=time.monotonic)
    waited: float = 0.0
    together: int = 0
    done: asyncio.Future[None] = field(init=False)

    @property
    def weight(self) -> int:
        """Rows that it counts for in the queue."""
        return COVERS if self.explain else len(self.rows)

    def dropped(self, now: float) -> Outcome | None:
        """Why there is nobody to answer, or None."""
        if self.transport.is_closing():
            return GONE
        return TOO_LATE if now > self.deadline or self.done.done() else None


class Batcher:
    """The queue of one model.

    `held` counts rows that are accepted and not yet answered, `coming` requests whose head was let
    in a moment ago: without them, all that arrives at one time would find room.
    """

    def __init__(self, model: Model, limit: int) -> None:
        self.model, self.limit = model, limit
        self.held = self.coming = 0
        self.ready = False
        self.rows = self.batches = 0
        self.seconds = 0.0
        self._queue: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._waiting: list[Job] = []
        self._ended = False
        self._thread = threading.Thread(target=self._work, name=f"model {model.id}", daemon=True)
        self._loop: Any = None

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Begins with a prediction that warms the model; then it is ready."""
        self._loop = loop
        self._thread.start()

    def stop(self, patience: float = 5.0) -> None:
        """Ends the thread once its queue is empty."""
        self._queue.put(None)
        self._thread.join(patience)

    def has_room(self, rows: int = 1) -> bool:
        """True where so many rows may be added. An empty queue takes any request."""
        held = self.held + self.coming
        return not held or held + rows <= self.limit

    async def ask(self, job: Job) -> None:
        """Waits until the job is answered; to be called on the loop, with room for it."""
        job.done = self._loop.create_future()
        self.held += job.weight
        self._queue.put(job)
        await job.done

    def _deliver(self, jobs: list[Job]) -> None:
        """On the loop: the jobs are answered."""
        for job in jobs:
            self.held -= job.weight
            if not job.done.done():  # a request that waited too long has gone its own way
                job.done.set_result(None)

    # --- on the worker's thread ---

    def _work(self) -> None:
        self._warm()
        while jobs := self._next():
            self._answer(jobs)
            with contextlib.suppress(RuntimeError):  # the loop has ended, and nobody waits
                self._loop.call_soon_threadsafe(self._deliver, jobs)

    def _warm(self) -> None:
        """A first prediction: whatever is loaded or compiled on first use is so afterwards."""
        try:
            self._ask([self.model.sample()], {})
        except Exception as error:
            fault(error, self.model.id)  # never ready: /ready says so
        else:
            self.ready = True

    def _next(self) -> list[Job]:
        """What to answer together: the first that waits and all that fit to it; [] = the end."""
        waiting = self._waiting
        if not waiting and not self._ended:
            self._take(self._queue.get())
        with contextlib.suppress(queue.Empty):
            while True:
                self._take(self._queue.get_nowait())
        if not waiting:
            return []
        first = waiting[0]
        chosen, rest, rows = [first], [], len(first.rows)
        for job in waiting[1:]:
            fits = rows + len(job.rows) <= self.model.batch and not (first.explain or job.explain)
            if fits and job.wanted.key == first.wanted.key:
                chosen.append(job)
                rows += len(job.rows)
            else:
                rest.append(job)
        self._waiting = rest
        return chosen

    def _take(self, job: Job | None) -> None:
        if job is None:
            self._ended = True
        else:
            self._waiting.append(job)

    def _answer(self, jobs: list[Job]) -> None:
        """Fills in what was told to each job that somebody still waits for."""
        now, alive = time.monotonic(), []
        for job in jobs:
            why = job.dropped(now)
            job.told = [why] * len(job.rows) if why else []
            job.waited = now - job.arrived
            if not why:
                alive.append(job)
        if not alive:
            return
        rows = [row for job in alive for row in job.rows]
        told = iter(self._told(rows, alive[0].wanted.values))
        for job in alive:
            job.told, job.together = [next(told) for _ in job.rows], len(rows)
        if alive[0].explain and not alive[0].told[0].code:
            self._explain(alive[0])
        self.rows, self.batches = self.rows + len(rows), self.batches + 1
        self.seconds += time.monotonic() - now

    def _told(self, rows: list[RequestRow], options: dict[str, Any]) -> list[Outcome]:
        try:
            return self._ask(rows, options)
        except Exception as error:
            if len(rows) > 1:
                return [one for row in rows for one in self._told([row], options)]
            fault(error, self.model.id)
            return [BROKEN]

    def _ask(self, rows: list[RequestRow], options: dict[str, Any]) -> list[Outcome]:
        found: list[list[tuple[str, Answer]]] = [[] for _ in rows]
        for source, answer in self.model.run.predict(iter([self.model.table(rows)]), **options):
            number, mark, part = str(source).partition("#")
            found[int(number)].append((mark + part, answer))
        return [_told_of(each) for each in found]

    def _explain(self, job: Job) -> None:
        """What the answer rests on: covered copies of the row are asked about."""
        run = self.model.run
        try:
            table = self.model.table(job.rows)
            coded = run.encode(table)
            columns = Columns(coded.columns)
            maps = [] if coded.problems else run_explain.covered(run, table, columns)
            job.maps = encoded([_map(one) for one in maps])
        except Exception as error:
            fault(error, self.model.id)
            job.told = [BROKEN]


def _told_of(answers: list[tuple[str, Answer]]) -> Outcome:
    """The outcome of one row, of which a pipeline may say several things."""
    problems = [answer for _, answer in answers if isinstance(answer, Problem)]
    if problems and len(problems) == len(answers):
        return Outcome(code=problems[0].code, status=422)
    return Outcome(text=encoded([_said(part, answer) for part, answer in answers]))


def _map(one: Explanation) -> dict[str, Any]:
    """An explanation of a reply, which need not say that it is one."""
    return {name: value for name, value in results.to_json(one).items() if name != "answer"}


def _said(part: str, answer: Answer) -> dict[str, Any]:
    said: dict[str, Any]
    if isinstance(answer, Problem):
        said = {"error": {"code": answer.code}}
    else:
        said = results.to_json(answer)
    return {**said, "source": part} if part else said
