"""What /metrics tells, in Prometheus' text: counters whose labels are routes and models, never what a client wrote."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Histogram, disable_created_metrics, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

if TYPE_CHECKING:
    from prometheus_client.metrics_core import Metric

    from aaecli.web.engine import Engine

MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10)


class Metrics:
    """Counters of one server, in a registry of its own.

    Args:
        engine: Whose rows, runs and queue are told; None where only labels are asked for.
    """

    def __init__(self, engine: Engine | None) -> None:
        # When each series began is of no use, and doubles their number.
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "aaecli_requests", "Requests that were answered.", ("method", "route", "code"), registry=self._registry
        )
        self._seconds = Histogram(
            "aaecli_work_seconds",
            "Time queued and at work.",
            ("route",),
            registry=self._registry,
            buckets=_SECONDS,
        )
        if engine is not None:
            self._registry.register(_OfEngine(engine))

    def answered(self, method: str, route: str, code: int) -> None:
        """Count a request."""
        self._requests.labels(method, route, str(code)).inc()

    def worked(self, route: str, seconds: float) -> None:
        """Note how long a request took from its being admitted."""
        self._seconds.labels(route).observe(seconds)

    def text(self) -> bytes:
        """Give all of it."""
        return generate_latest(self._registry)


class _OfEngine(Collector):
    """Reads the engine's own counts when they are asked for."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def collect(self) -> Iterable[Metric]:
        rows = CounterMetricFamily("aaecli_rows", "Rows that a model answered for.", labels=["model"])
        runs = CounterMetricFamily("aaecli_runs", "Runs of a model; rows a run is the batch.", labels=["model"])
        for model, count in self._engine.counts.items():
            rows.add_metric([model], count.rows)
            runs.add_metric([model], count.runs)
        yield rows
        yield runs
        yield GaugeMetricFamily("aaecli_in_flight", "Requests at work or waiting.", self._engine.in_flight)
        yield GaugeMetricFamily("aaecli_capacity", "Requests that may be.", self._engine.capacity)
