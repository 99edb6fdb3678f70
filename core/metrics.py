"""Figures for /metrics: rooms register collectors that read a few counts; nothing is kept in a process by itself."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import accumulate

from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import generate_latest
from prometheus_client.registry import Collector


@dataclass(frozen=True, slots=True)
class Gauge:
    """One figure: name without the `shouji_` prefix, what it says, and its values by label."""

    name: str
    help: str
    values: list[tuple[dict[str, str], float]] = field(default_factory=list)

    def family(self) -> Metric:
        """As Prometheus' client has it."""
        labels = list(self.values[0][0]) if self.values else []
        family = GaugeMetricFamily(f"shouji_{self.name}", self.help, labels=labels)
        for names, value in self.values:
            family.add_metric([names[label] for label in labels], value)
        return family


@dataclass(frozen=True, slots=True)
class Histogram:
    """A distribution: its labels, the upper bounds of its buckets, and of each series the counts (one more than bounds,
    not added up) and the sum of what was measured."""

    name: str
    help: str
    labels: Sequence[str]
    bounds: Sequence[float]
    values: Sequence[tuple[dict[str, str], Sequence[float], float]]

    def family(self) -> Metric:
        """As Prometheus' client has it."""
        family = HistogramMetricFamily(f"shouji_{self.name}", self.help, labels=self.labels)
        bounds = [*map(str, self.bounds), "+Inf"]
        for names, counts, total in self.values:
            buckets = list(zip(bounds, accumulate(counts), strict=True))
            family.add_metric([names[label] for label in self.labels], buckets, total)
        return family


Source = Callable[[], Iterable[Gauge | Histogram]]
_sources: list[Source] = []


def collects(source: Source) -> Source:
    """Register a source of figures; it runs in the request's reading unit of work."""
    _sources.append(source)
    return source


class _Collector(Collector):
    def collect(self) -> Iterator[Metric]:
        for source in _sources:
            for figure in source():
                yield figure.family()


def exposition() -> bytes:
    """All figures in Prometheus' text format."""
    registry = CollectorRegistry()
    registry.register(_Collector())
    return generate_latest(registry)
