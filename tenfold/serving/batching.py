"""One queue and one worker thread per model; waiting jobs with equal options form one batch.

The worker never waits to fill a batch, and takes no more jobs than fit. An explanation is alone in
its batch. The rows of a batch are predicted in one call; if that call raises, each row is predicted
alone, so that one bad row does not fail the others. A job whose client has left or whose deadline
has passed is dropped before it is predicted.
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
from tenfold.run.run import NOT_FINITE
from tenfold.serving.log import fault
from tenfold.serving.models import Model, RequestOptions, RequestRow
from tenfold.serving.replies import encoded
from tenfold.task import Answer

__all__ = ["Batcher", "Job", "Outcome"]

COVERS = 64
"""Number of rows as which an explanation counts in the queue.

It predicts up to 64 copies of each input, with different parts covered.
"""


@dataclass(slots=True)
class Outcome:
    """The result for one row: its predictions as JSON, or an error code with an HTTP status."""

    text: str = ""
    code: str = ""
    status: int = 200


TOO_LATE = Outcome(code="timeout", status=504)
GONE = Outcome(code="gone", status=499)
BROKEN = Outcome(code="internal", status=500)


@dataclass(slots=True, eq=False)
class Job:
    """One request to a model, with its results.

    `deadline` and `arrived` are values of time.monotonic(). `told` holds the outcome of each row,
    `maps` the explanations as JSON. `waited` is the time in the queue in seconds, `together` the
    number of rows in the same batch.
    """

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
        """Number of rows as which the job counts in the queue."""
        return COVERS if self.explain else len(self.rows)

    def dropped(self, now: float) -> Outcome | None:
        """The reason to drop the job (client gone, or deadline passed), or None."""
        if self.transport.is_closing():
            return GONE
        return TOO_LATE if now > self.deadline or self.done.done() else None


class Batcher:
    """The queue of one model.

    `held` counts queued rows that are not answered yet (an explanation as COVERS rows). `coming`
    counts requests whose head was accepted and whose handling has not started; without it, requests
    that arrive at the same time would all find room.
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
        """Starts the worker thread; `ready` becomes True after a first prediction."""
        self._loop = loop
        self._thread.start()

    def stop(self, patience: float = 5.0) -> None:
        """Stops the worker thread once its queue is empty; waits at most `patience` seconds."""
        self._queue.put(None)
        self._thread.join(patience)

    def has_room(self, rows: int = 1) -> bool:
        """True if `rows` more rows may be queued; an empty queue accepts any request."""
        held = self.held + self.coming
        return not held or held + rows <= self.limit

    async def ask(self, job: Job) -> None:
        """Queues the job and waits for its answer; call it on the event loop, after `has_room`."""
        job.done = self._loop.create_future()
        self.held += job.weight
        self._queue.put(job)
        await job.done

    def _deliver(self, jobs: list[Job]) -> None:
        """Marks the jobs as answered; runs on the event loop."""
        for job in jobs:
            self.held -= job.weight
            if not job.done.done():  # the request may have timed out
                job.done.set_result(None)

    # --- on the worker's thread ---

    def _work(self) -> None:
        self._warm()
        while jobs := self._next():
            self._answer(jobs)
            with contextlib.suppress(RuntimeError):  # the event loop has ended
                self._loop.call_soon_threadsafe(self._deliver, jobs)

    def _warm(self) -> None:
        """Makes a first prediction, so that everything loaded or compiled on first use is ready."""
        try:
            (first,) = self._ask([self.model.sample()], {})
        except Exception as error:
            fault(error, self.model.id)  # the model is never ready: /ready answers 503
        else:
            self.ready = first.code != NOT_FINITE.code

    def _next(self) -> list[Job]:
        """Returns the next jobs to predict in one batch; [] when the queue has ended.

        These are the first job and those with equal options for which the batch has room. An
        explanation is alone in its batch.
        """
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
        """Fills in the outcomes of all jobs; a dropped job gets the reason for each row."""
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
        """Explains the prediction of one row by occlusion: predicts copies with parts covered."""
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
    """The outcome of one row; a pipeline may give several answers to it."""
    problems = [answer for _, answer in answers if isinstance(answer, Problem)]
    if problems and len(problems) == len(answers):
        return Outcome(code=problems[0].code, status=500 if NOT_FINITE in problems else 422)
    return Outcome(text=encoded([_said(part, answer) for part, answer in answers]))


def _map(one: Explanation) -> dict[str, Any]:
    """An explanation as JSON, without the key `answer`, which a reply does not need."""
    return {name: value for name, value in results.to_json(one).items() if name != "answer"}


def _said(part: str, answer: Answer) -> dict[str, Any]:
    said: dict[str, Any]
    if isinstance(answer, Problem):
        said = {"error": {"code": answer.code}}
    else:
        said = results.to_json(answer)
    return {**said, "source": part} if part else said
