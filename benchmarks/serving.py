"""Requests per second of `tenfold serve`, and what becomes of it under too much load.

Claims, on two cores, a tiny network, each server on one core and the client on the other:
at p99 <= 20 ms at least the rate of LitServe and twice that of a plain FastAPI handler; with
batching at least twice the throughput of one by one under 64 clients; p50 of an idle single request
within 3 ms of the prediction in process. With S = one prediction in process: at 50 % of capacity
p99 <= 5 S + 20 ms, at 70 % <= 8.5 S + 20 ms, no error in both; at 200 % for a minute goodput of at
least 85 % of capacity, back to normal within 5 s; a drain loses no accepted request.
Protocol: one network (MNIST, size tiny) is trained and exported; every server decodes the same PNG
from base64 in JSON and answers the same probabilities: tenfold and LitServe by onnxruntime on that
export, the FastAPI handler by torch as tutorials have it (`fastapi`) and by onnxruntime
(`fastapi_onnx`). LitServe with one worker, batches of at most 64 and its ZeroMQ queue, which was
the best of queue or none, waits of 0 to 5 ms, batches of 1, 16 and 64. Arrivals are a Poisson
process that waits for no answer (benchmarks/load.py). The rate is searched by halving between
bounds, in windows of `--window` seconds, to 4 % of what 64 clients reach; a window that fails is
tried once more, as others may work on the machine too. Servers in turn, `--times` rounds. Capacity
is what 64 clients reach.
    python benchmarks/serving.py [--times 3] [--window 2] [--quick]
--quick: one round, short windows, ten seconds of overload; to see that it works.
"""

from __future__ import annotations

import argparse
import base64
import io
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import load
import numpy as np
import pandas as pd
from common import data, show, spread
from PIL import Image
from servers import CLIENT, LIMIT, PATIENCE, SERVER, Server, ours, services

import tenfold
from tenfold.media.files import idx

STEP = 0.04  # of what 64 clients reach: how finely a rate is searched
MANY = 50  # different pictures
SELDOM = 20  # requests a second to an idle server


# --- rates ----------------------------------------------------------------------------------------


def highest(server: Server, window: float) -> dict[str, float]:
    """The highest rate with p99 <= 20 ms and every answer 200, beside what 64 clients reach."""
    reached = server.clients(window).goodput
    low, high, middle = 0.0, 1.1 * reached, 0.75 * reached
    while high - low > STEP * reached:
        if any(_holds(server, middle, window, seed) for seed in (0, 1)):
            low = middle
        else:
            high = middle
        middle = (low + high) / 2
    return {"rate": low, "clients": reached}


def _holds(server: Server, rate: float, window: float, seed: int) -> bool:
    server.decide()
    found = server.arrivals(rate, window, seed)
    return found.is_clean and found.quantile(0.99) <= LIMIT


def rates(run: Path, pictures: list[str], times: int, window: float) -> dict[str, Any]:
    """Requests per second of every server, in turn."""
    every = services()
    found: dict[str, list[dict[str, float]]] = {one.name: [] for one in every}
    for _ in range(times):
        for service in every:
            with Server(service, run, pictures) as server:
                found[service.name].append(highest(server, window))
            _say(f"{service.name}: {found[service.name][-1]}")
    said: dict[str, Any] = {
        name: {
            "at_p99_20_ms": spread(one["rate"] for one in many),
            "with_64_clients": spread(one["clients"] for one in many),
        }
        for name, many in found.items()
    }
    own = np.array([one["rate"] for one in found["tenfold"]])
    for name in list(found)[1:]:
        other = np.array([one["rate"] for one in found[name]])
        said[f"over_{name}"] = spread(own / np.maximum(other, 1e-9))
    return said


def batching(run: Path, pictures: list[str], times: int, window: float) -> dict[str, Any]:
    """Requests per second under 64 clients, with batches and one by one, in turn."""
    together: list[float] = []
    alone: list[float] = []
    for _ in range(times):
        for words, reached in ((), together), (("--batch", "1"), alone):
            with Server(ours(*words), run, pictures) as server:
                reached.append(server.clients(window).goodput)
    ratio = np.array(together) / np.array(alone)
    return {"together": spread(together), "one_by_one": spread(alone), "ratio": spread(ratio)}


# --- under load -----------------------------------------------------------------------------------


def in_process(run: Path, picture: str) -> dict[str, float]:
    """Median ms of one prediction by the Python interface, on the core of the servers.

    `steady` one after the other, `seldom` 20 a second: caches and the core have cooled down.
    """
    command = [sys.executable, __file__, "--alone", str(run / "export")]
    done = subprocess.run(
        command,
        input=picture.encode(),
        check=True,
        stdout=subprocess.PIPE,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        preexec_fn=lambda: load.pin(SERVER),
    )
    found: dict[str, float] = json.loads(done.stdout)
    return found


def alone(folder: str) -> dict[str, float]:
    """What `in_process` says, of the picture that is given on standard input."""
    run, content = tenfold.open_run(folder), base64.b64decode(sys.stdin.read())

    def once() -> float:
        start = time.perf_counter()
        table = pd.DataFrame({"image": [content], "source": ["0"]}, dtype=object)
        list(run.predict(iter([table])))
        return (time.perf_counter() - start) * 1e3

    steady, seldom = [once() for _ in range(600)][100:], []
    for _ in range(200):
        time.sleep(1 / SELDOM)
        seldom.append(once())
    return {"steady": spread(steady)["median"], "seldom": spread(seldom)["median"]}


def idle(server: Server, single: dict[str, float], seconds: float) -> dict[str, float]:
    """p50 of requests that come to a server with nothing to do, beside predictions in process.

    Those that follow one another, and those that are asked for as seldom: a core that rests is slow
    to wake, whoever asks.
    """
    p50 = server.arrivals(SELDOM, seconds, evenly=True).quantile(0.5)
    said = {"p50_ms": p50}
    for way, value in single.items():
        said |= {f"in_process_{way}_ms": value, f"difference_to_{way}_ms": p50 - value}
    return {name: round(value, 3) for name, value in said.items()}


def under_load(server: Server, single: float, capacity: float, quick: bool) -> dict[str, Any]:
    """Half, most and twice of the capacity, and the time after it."""
    seconds, minute = (4.0, 10.0) if quick else (10.0, 60.0)
    allowed = 5 * single + 20
    half, most = (server.arrivals(share * capacity, seconds) for share in (0.5, 0.7))
    sizes: list[tuple[float, float]] = []
    over = server.arrivals(
        2 * capacity, minute, during=lambda now: sizes.append((now, server.memory())), patience=0
    )
    after = server.arrivals(0.5 * capacity, seconds)
    return {
        "capacity": round(capacity),
        "in_process_ms": round(single, 3),
        "half": _row(half, allowed),
        "seventy": _row(most, 8.5 * single + 20),
        "twice": {
            "seconds": minute,
            "offered": round(len(over.asked) / minute),
            "goodput": round(over.goodput),
            "share_of_capacity": round(over.goodput / capacity, 3),
            "answered": over.to_json()["answered"],
            "errors": {name: n for name, n in over.errors.items() if name != "timeout"},
            "client_late_ms_p99": over.to_json()["late_ms"]["p99"],
            "megabytes_a_minute": slope(sizes, minute / 4),
        },
        "afterwards": {
            "seconds_until_normal": until_normal(after, allowed),
            "p99_ms_from_second_5": round(after.quantile(0.99, min(5.0, seconds / 2)), 2),
            "errors": dict(after.errors),
        },
    }


def _row(found: load.Load, allowed: float) -> dict[str, Any]:
    return {
        "p99_ms": round(found.quantile(0.99), 2),
        "allowed_ms": round(allowed, 2),
        "p50_ms": round(found.quantile(0.5), 2),
        "clean": found.is_clean,
    }


def until_normal(found: load.Load, allowed: float) -> float | None:
    """Seconds after which p99 of every half second was allowed and every answer good."""
    back = 0.0
    for start in np.arange(0, found.seconds, 0.5):
        part = [one for one in found.asked if start <= one.due < start + 0.5]
        window = load.Load(0.5, part)
        if part and not (window.is_clean and window.quantile(0.99) <= allowed):
            back = float(start) + 0.5
    return back if back < found.seconds else None


def slope(sizes: list[tuple[float, float]], since: float) -> float:
    """MB a minute by least squares."""
    late = np.array([(now / 60, size) for now, size in sizes if now >= since])
    return round(float(np.polyfit(late[:, 0], late[:, 1], 1)[0]), 3)


def drain(run: Path, pictures: list[str], capacity: float) -> dict[str, Any]:
    """A termination signal under half of the capacity: what was sent before it is answered."""
    with Server(ours(), run, pictures) as server:
        told: list[float] = []

        def end(now: float) -> None:
            if now > 2 and not told:
                told.append(now)
                server.process.send_signal(signal.SIGTERM)

        found = server.arrivals(capacity / 2, 4.0, during=end, patience=5.0)
        code = server.process.wait(PATIENCE)
    before = [one for one in found.asked if one.sent < told[0]]
    return {
        "sent_before": len(before),
        "lost": sum(one.status != 200 for one in before),
        "answered_after": sum(one.status == 200 for one in found.asked) - len(before),
        "exit_code": code,
    }


# --- the run --------------------------------------------------------------------------------------


def trained(home: Path) -> Path:
    """A run on MNIST with its export, called digits."""
    run, words = home / "digits", ("--size", "tiny", "--limit", "6000", "--epochs", "2")
    mnist = str(data("mnist"))
    for command in (
        ("train", "image-classification", mnist, *words, "--out", str(run)),
        ("export", str(run), "--to", "onnx"),
    ):
        subprocess.run(
            [sys.executable, "-m", "tenfold", *command, "--quiet"],
            check=True,
            stdout=subprocess.DEVNULL,
            env=os.environ | {"TENFOLD_CACHE": str(home / "cache")},
        )
    return run


def drawn(count: int = MANY) -> list[str]:
    """Test pictures as PNG in base64."""
    found, file = [], next(data("mnist").glob("t10k-images*"))
    for digit in idx.parse(file.read_bytes(), file.name)[:count]:
        picture = io.BytesIO()
        Image.fromarray(digit).save(picture, "PNG")
        found.append(base64.b64encode(picture.getvalue()).decode())
    return found


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def table(found: dict[str, Any]) -> Iterator[str]:
    """The rates, for a person."""
    yield f"{'server':16}{'p99 <= 20 ms':>14}{'64 clients':>14}   requests a second"
    for name, one in found.items():
        if "at_p99_20_ms" in one:
            rate, most = one["at_p99_20_ms"]["median"], one["with_64_clients"]["median"]
            yield f"{name:16}{rate:14.0f}{most:14.0f}"


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--times", type=int, default=3)
    parser.add_argument("--window", type=float, default=2.0)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--alone", metavar="RUN", help=argparse.SUPPRESS)
    told = parser.parse_args()
    if told.alone:
        print(json.dumps(alone(told.alone)))
        return
    cores: set[int] = getattr(os, "sched_getaffinity", lambda _: set())(0)
    if not {CLIENT, SERVER} <= cores:
        sys.exit("skipped: the client and the server need a core each, and a system that pins them")
    times, window = (1, 1.0) if told.quick else (told.times, told.window)
    load.pin(CLIENT)
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as home:
        run, pictures = trained(Path(home)), drawn()
        single = in_process(run, pictures[0])
        found = rates(run, pictures, times, window)
        both = batching(run, pictures, times, window)
        with Server(ours(), run, pictures) as server:
            quiet = idle(server, single, 2.0 if told.quick else 10.0)
            capacity = spread(server.clients(window).goodput for _ in range(3))["median"]
            loaded = under_load(server, single["steady"], capacity, told.quick)
        drained = drain(run, pictures, capacity)
    os.sched_setaffinity(0, cores)
    for line in table(found):
        _say(line)
    show(
        "requests per second on one core, tiny network",
        **found,
        batching=both,
        idle=quiet,
        load=loaded,
        drain=drained,
        minutes=round((time.perf_counter() - began) / 60, 1),
    )


if __name__ == "__main__":
    main()
