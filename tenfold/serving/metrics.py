"""Counts for Prometheus: plain numbers, changed only on the event loop.

They are turned into text when /metrics is requested. The counters of the Prometheus client take a
lock each time; these cost less than a microsecond.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)

from tenfold.serving.batching import Batcher
from tenfold.serving.requests import Call

__all__ = ["Metrics"]

SECONDS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
ROWS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096)


@dataclass
class Histogram:
    """Number of values in each bucket, and their sum; `edges` are inclusive upper bounds."""

    edges: tuple[float, ...]
    counts: list[int] = field(default_factory=list)
    total: float = 0.0

    def __post_init__(self) -> None:
        self.counts = [0] * (len(self.edges) + 1)

    def note(self, value: float) -> None:
        """Adds one value."""
        self.counts[bisect_left(self.edges, value)] += 1
        self.total += value

    def buckets(self) -> list[tuple[str, float]]:
        """(upper edge, cumulative count) pairs, as Prometheus expects them."""
        names, found, below = [*map(str, self.edges), "+Inf"], [], 0
        for name, count in zip(names, self.counts, strict=True):
            below += count
            found.append((name, float(below)))
        return found


@dataclass(slots=True)
class Tally:
    """Counts for one route of one model.

    The routes of a model share `waits`, the seconds in the queue, and `rows`, the batch sizes.
    """

    waits: Histogram
    rows: Histogram
    statuses: dict[tuple[str, int], int] = field(default_factory=dict)
    seconds: Histogram = field(default_factory=lambda: Histogram(SECONDS))


class Metrics:
    """All counts of a server; `text` is the answer of /metrics."""

    def __init__(self, batchers: Iterable[Batcher]) -> None:
        self._batchers = list(batchers)
        self._tallies: dict[tuple[str, str], Tally] = {}
        self._waits: dict[str, Histogram] = {}
        self._rows: dict[str, Histogram] = {}
        self.bytes_in = self.bytes_out = 0
        self.connections = 0
        self._registry = CollectorRegistry()
        self._registry.register(self)
        ProcessCollector(registry=self._registry)

    def note(self, call: Call) -> None:
        """Counts a request that was answered, refused or given up by its client."""
        place = (call.route, call.model)
        tally = self._tallies.get(place) or self._tally(place)
        key = (call.method, call.status)
        tally.statuses[key] = tally.statuses.get(key, 0) + 1
        self.bytes_in += call.received
        self.bytes_out += call.sent
        if call.together:
            tally.seconds.note(call.spent)
            tally.waits.note(call.waited)
            tally.rows.note(call.together)

    def _tally(self, place: tuple[str, str]) -> Tally:
        waits = self._waits.setdefault(place[1], Histogram(SECONDS))
        rows = self._rows.setdefault(place[1], Histogram(ROWS))
        self._tallies[place] = Tally(waits, rows)
        return self._tallies[place]

    def statuses(self) -> dict[int, int]:
        """Number of requests by HTTP status."""
        found: dict[int, int] = {}
        for tally in self._tallies.values():
            for (_, status), count in tally.statuses.items():
                found[status] = found.get(status, 0) + count
        return dict(sorted(found.items()))

    def text(self) -> bytes:
        """All metrics in the text format of Prometheus."""
        return generate_latest(self._registry)

    def describe(self) -> list[Metric]:
        """An empty list: the registry gets the names of the metrics from `collect`."""
        return []

    def collect(self) -> Iterator[Metric]:
        """All metrics with their current values."""
        labels = ("method", "route", "model", "status")
        requests = CounterMetricFamily("tenfold_requests", "Requests by outcome.", labels=labels)
        for (route, model), tally in self._tallies.items():
            for (method, status), count in tally.statuses.items():
                requests.add_metric((method, route, model, str(status)), count)
        yield requests
        seconds = {place: tally.seconds for place, tally in self._tallies.items() if place[1]}
        yield _family("request_seconds", "From head to answer.", ("route", "model"), seconds)
        waits = {(model,): one for model, one in self._waits.items() if model}
        yield _family("queue_seconds", "Time in the queue.", ("model",), waits)
        rows = {(model,): one for model, one in self._rows.items() if model}
        yield _family("batch_rows", "Rows asked together.", ("model",), rows)
        yield CounterMetricFamily("tenfold_body_bytes_in", "Bytes of bodies.", self.bytes_in)
        yield CounterMetricFamily("tenfold_body_bytes_out", "Bytes of answers.", self.bytes_out)
        yield GaugeMetricFamily("tenfold_connections", "Open connections.", self.connections)
        yield from self._models()

    def _models(self) -> Iterator[Metric]:
        held = GaugeMetricFamily(
            "tenfold_queue_rows", "Rows accepted and not answered.", labels=("model",)
        )
        rows = CounterMetricFamily("tenfold_rows", "Rows that were predicted.", labels=("model",))
        batches = CounterMetricFamily(
            "tenfold_batches", "Calls of the model they took.", labels=("model",)
        )
        busy = CounterMetricFamily(
            "tenfold_model_seconds", "Time the model was busy.", labels=("model",)
        )
        info = GaugeMetricFamily("tenfold_model", "1 once ready.", labels=("model", "task", "hash"))
        for one in self._batchers:
            name, run = one.model.id, one.model.run
            held.add_metric((name,), one.held)
            rows.add_metric((name,), one.rows)
            batches.add_metric((name,), one.batches)
            busy.add_metric((name,), one.seconds)
            info.add_metric((name, run.task_name, run.digest), one.ready)
        yield from (held, rows, batches, busy, info)


def _family(
    name: str,
    text: str,
    labels: tuple[str, ...],
    found: Mapping[Any, Histogram],
) -> Metric:
    family = HistogramMetricFamily(f"tenfold_{name}", text, labels=labels)
    for key, one in found.items():
        if one.total:
            family.add_metric(key, one.buckets(), one.total)
    return family
