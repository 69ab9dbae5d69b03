"""An HTTP load client: arrivals that do not wait for answers, and clients that do.

`open_loop` sends at times drawn beforehand (a Poisson process, or evenly), whatever the server
does; each latency counts from the time that was drawn, so a server that stalls cannot hide it
(coordinated omission). `closed_loop` is a number of clients that each ask again once answered.
A share of the requests may be bad ones, or may hang up in the middle of their body.

Connections and requests are those of wires.py: one core drives 20,000 a second. `late_ms` says
how far the client itself was behind its schedule: where that is not small, the client was the
bottleneck and the latencies are not the server's.

Needs uvloop and nothing of tenfold. Alone it asks one server and prints one JSON object:
    python benchmarks/load.py http://127.0.0.1:8000/v1/models/shapes/predict --body request.json
        --rate 200 --seconds 60 [--clients 64] [--bad 0.01] [--leave 0.05] [--core 0]
With --clients it is a closed loop, else an open one at --rate.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import itertools
import json
import os
import random
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import uvloop

sys.path.append(str(Path(__file__).parent))  # for `python -P` too, which leaves it out
from wires import PATIENCE, Asked, Lines, Request, bad_requests, mixed, post

__all__ = ["Asked", "Load", "Request", "closed_loop", "mixed", "open_loop", "pin", "post"]

NEAR = 0.0015  # seconds before an arrival from which the loop spins: its timers know milliseconds


@dataclass
class Load:
    """What was asked within `seconds`, in the order it was due."""

    seconds: float
    asked: list[Asked] = field(default_factory=list)

    @property
    def errors(self) -> Counter[str]:
        """Requests without an answer, by reason; those that left on purpose are not among them."""
        return Counter(one.error for one in self.asked if one.error and one.error != "left")

    @property
    def answered(self) -> Counter[int]:
        """Answers by status."""
        return Counter(one.status for one in self.asked if one.status)

    @property
    def left(self) -> int:
        """Requests that hung up on purpose."""
        return sum(one.error == "left" for one in self.asked)

    def latencies(self, since: float = 0.0) -> list[float]:
        """Milliseconds from due to answered, sorted, of answers of status 200 due after `since`."""
        good = (one for one in self.asked if one.status == 200 and one.due >= since)
        return sorted((one.done - one.due) * 1e3 for one in good)

    def quantile(self, share: float, since: float = 0.0) -> float:
        """Milliseconds within which that share of the good answers came; infinite without any."""
        found = self.latencies(since)
        return found[min(len(found) - 1, int(share * len(found)))] if found else float("inf")

    @property
    def goodput(self) -> float:
        """Answers of status 200 a second, of those that came within the seconds of sending."""
        return sum(o.status == 200 and o.done <= self.seconds for o in self.asked) / self.seconds

    @property
    def is_clean(self) -> bool:
        """Every request was answered 200."""
        return set(self.answered) == {200} and not self.errors and not self.left

    def to_json(self) -> dict[str, Any]:
        """Counts and quantiles, for a person or a test."""
        late = sorted((one.sent - one.due) * 1e3 for one in self.asked) or [0.0]
        whole = {"p50": 0.5, "p90": 0.9, "p99": 0.99, "max": 1.0}
        quantiles = {name: round(self.quantile(share), 3) for name, share in whole.items()}
        return {
            "seconds": round(self.seconds, 3),
            "sent": len(self.asked),
            "answered": {str(status): n for status, n in sorted(self.answered.items())},
            "errors": dict(self.errors),
            "left": self.left,
            "asked": dict(Counter(one.name for one in self.asked)),
            "goodput": round(self.goodput, 1),
            "milliseconds": quantiles if self.answered[200] else {},
            "late_ms": {
                "p99": round(late[int(0.99 * (len(late) - 1))], 3),
                "max": round(late[-1], 3),
            },
        }


# --- loops ----------------------------------------------------------------------------------------


def open_loop(
    address: str,
    requests: Iterator[Request],
    rate: float,
    seconds: float,
    *,
    evenly: bool = False,
    seed: int = 0,
    spin: bool = True,
    during: Callable[[float], None] | None = None,
    patience: float = PATIENCE,
) -> Load:
    """Asks at `rate` a second for `seconds`, whatever is answered; Poisson, or `evenly`.

    `spin` keeps the core busy for arrivals to the microsecond, else they are up to a millisecond
    late. `during` is called about every tenth of a second with the seconds since the start.
    """
    draw = random.Random(seed)
    steps = (1 / rate if evenly else draw.expovariate(rate) for _ in itertools.count())
    times = itertools.takewhile(lambda due: due < seconds, itertools.accumulate(steps))
    return _run(_open(address, requests, list(times), seconds, spin, during, patience))


async def _open(
    address: str,
    requests: Iterator[Request],
    times: list[float],
    seconds: float,
    spin: bool,
    during: Callable[[float], None] | None,
    patience: float,
) -> Load:
    begun = time.perf_counter()

    def clock() -> float:
        return time.perf_counter() - begun

    found, lines = Load(seconds), Lines(address, clock)
    told = asyncio.ensure_future(_tell(during, clock, seconds)) if during else None
    for due in times:
        while (ahead := due - clock()) > 0:
            near = NEAR if spin else 0.0
            await asyncio.sleep(ahead - near if ahead > near else 0)
        asked = Asked("", due)
        request = next(requests)
        asked.name = request.name
        found.asked.append(asked)
        lines.ask(request, asked)
        if clock() - due > NEAR:
            await asyncio.sleep(0)  # behind: answers are read all the same
    await asyncio.sleep(max(0.0, seconds - clock()))
    if told:
        await told
    await lines.decide(patience)
    return found


async def _tell(
    during: Callable[[float], None], clock: Callable[[], float], seconds: float
) -> None:
    while clock() < seconds:
        during(clock())
        await asyncio.sleep(0.1)


def closed_loop(
    address: str, requests: Iterator[Request], clients: int, seconds: float, most: int = 0
) -> Load:
    """`clients` that each ask again once answered, for `seconds` or `most` requests in all."""
    return _run(_closed(address, requests, clients, seconds, most))


async def _closed(
    address: str, requests: Iterator[Request], clients: int, seconds: float, most: int
) -> Load:
    begun = time.perf_counter()

    def clock() -> float:
        return time.perf_counter() - begun

    found, lines = Load(seconds), Lines(address, clock, clients)

    def more() -> None:
        full = most and len(found.asked) >= most
        if clock() < seconds and not full and lines.busy < clients:
            request = next(requests)
            found.asked.append(Asked(request.name, clock()))
            lines.ask(request, found.asked[-1])

    lines.freed = more
    for _ in range(clients):
        more()
    while lines.busy and clock() < seconds + PATIENCE:
        await asyncio.sleep(0.002)
    await lines.decide(0)
    found.seconds = min(seconds, max((one.done for one in found.asked), default=seconds))
    return found


def _run(work: Any) -> Load:
    """On uvloop, without the pauses of the garbage collector."""
    gc.collect()
    gc.disable()
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(work)
    finally:
        gc.enable()


def pin(core: int) -> None:
    """Keeps this process to one core, where the system can."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {core})


def main() -> None:
    parser = argparse.ArgumentParser(description="Ask one server often, and count the answers.")
    parser.add_argument("address")
    parser.add_argument("--body", type=Path, required=True, help="file with the JSON to send")
    parser.add_argument("--rate", type=float, default=100.0, help="requests a second")
    parser.add_argument("--clients", type=int, default=0, help="a closed loop of so many clients")
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--bad", type=float, default=0.0, help="share of bad requests")
    parser.add_argument("--leave", type=float, default=0.0, help="share that hangs up half-way")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--core", type=int, default=-1, help="the core to stay on")
    parser.add_argument("--spin", action="store_true", help="busy between arrivals: exact times")
    told = parser.parse_args()
    if told.core >= 0:
        pin(told.core)
    body, token = told.body.read_bytes(), os.environ.get("TENFOLD_TOKEN", "")
    good = [post(told.address, body, token=token)]
    bad = bad_requests(told.address, body, token) if told.bad else good
    requests = mixed(good, bad, told.bad, told.leave, told.seed)
    if told.clients:
        found = closed_loop(told.address, requests, told.clients, told.seconds)
    else:
        found = open_loop(
            told.address, requests, told.rate, told.seconds, seed=told.seed, spin=told.spin
        )
    print(json.dumps(found.to_json()))


if __name__ == "__main__":
    main()
