"""What /metrics tells, in Prometheus' text: counters whose labels are routes and models, never what a client wrote."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from prometheus_client.metrics_core import Metric

    from aaecli.web.engine import Engine

MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10)
"""Upper ends of the buckets, in seconds; the last has none."""

# It is imported when somebody asks for the metrics: 20 ms that most servers never need. Whether it is there is told at
# the start, as of all that a server needs.
if find_spec("prometheus_client") is None:
    raise ModuleNotFoundError("No module named 'prometheus_client'", name="prometheus_client")


@dataclass
class _Durations:
    """How long requests of one route took: how many in each bucket, and all together."""

    counts: list[int] = field(default_factory=lambda: [0] * (len(_BOUNDS) + 1))
    total: float = 0.0

    def buckets(self) -> list[tuple[str, float]]:
        """Give how many took as long as each bound or less."""
        number, found = 0, []
        for bound, count in zip((*map(float, _BOUNDS), "+Inf"), self.counts, strict=True):
            number += count
            found.append((str(bound), float(number)))
        return found


class Metrics:
    """What one server has counted.

    Args:
        engine: Whose rows, runs and queue are told; None where only labels are asked for.
    """

    def __init__(self, engine: Engine | None) -> None:
        self._engine = engine
        self._requests: Counter[tuple[str, str, str]] = Counter()
        self._durations: defaultdict[str, _Durations] = defaultdict(_Durations)

    def answered(self, method: str, route: str, code: int) -> None:
        """Count a request."""
        self._requests[method, route, str(code)] += 1

    def worked(self, route: str, seconds: float) -> None:
        """Note how long a request took from its being admitted."""
        entry = self._durations[route]
        entry.counts[bisect_left(_BOUNDS, seconds)] += 1
        entry.total += seconds

    def text(self) -> bytes:
        """Give all of it."""
        from prometheus_client import CollectorRegistry, generate_latest

        registry = CollectorRegistry()
        registry.register(self)
        return generate_latest(registry)

    def collect(self) -> Iterable[Metric]:
        """Give it in the types of prometheus_client, which calls this."""
        from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily

        labels = ["method", "route", "code"]
        requests = CounterMetricFamily("aaecli_requests", "Requests that were answered.", labels=labels)
        for values, count in self._requests.items():
            requests.add_metric(values, count)
        yield requests
        seconds = HistogramMetricFamily("aaecli_work_seconds", "Time queued and at work.", labels=["route"])
        for route, entry in self._durations.items():
            seconds.add_metric([route], entry.buckets(), entry.total)
        yield seconds
        if self._engine is None:
            return
        rows = CounterMetricFamily("aaecli_rows", "Rows that a model answered for.", labels=["model"])
        runs = CounterMetricFamily("aaecli_runs", "Runs of a model; rows a run is the batch.", labels=["model"])
        for model, found in self._engine.counts.items():
            rows.add_metric([model], found.rows)
            runs.add_metric([model], found.runs)
        yield rows
        yield runs
        yield GaugeMetricFamily("aaecli_in_flight", "Requests at work or waiting.", self._engine.in_flight)
        yield GaugeMetricFamily("aaecli_capacity", "Requests that may be.", self._engine.capacity)
