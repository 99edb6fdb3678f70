"""Figures for /metrics: rooms register collectors that read a few counts; nothing is kept in a process."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import generate_latest
from prometheus_client.registry import Collector


@dataclass(frozen=True, slots=True)
class Gauge:
    """One figure: name without the `shouji_` prefix, what it says, and its values by label."""

    name: str
    help: str
    values: list[tuple[dict[str, str], float]] = field(default_factory=list)


Source = Callable[[], Iterable[Gauge]]
_sources: list[Source] = []


def collects(source: Source) -> Source:
    """Register a source of gauges; it runs in the request's reading unit of work."""
    _sources.append(source)
    return source


class _Collector(Collector):
    def collect(self) -> Iterator[Metric]:
        for source in _sources:
            for gauge in source():
                labels = list(gauge.values[0][0]) if gauge.values else []
                family = GaugeMetricFamily(f"shouji_{gauge.name}", gauge.help, labels=labels)
                for names, value in gauge.values:
                    family.add_metric([names[label] for label in labels], value)
                yield family


def exposition() -> bytes:
    """All figures in Prometheus' text format."""
    registry = CollectorRegistry()
    registry.register(_Collector())
    return generate_latest(registry)
