"""How long requests take: a histogram by route template, method and class of status, added up over all web processes.

The counts lie in memory that the web processes share, since the application is made before they fork. Each
process writes into a part of its own, so nobody waits for anybody, and one that is killed leaves its counts behind.
"""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from mmap import mmap

from flask import Flask, current_app

from core import metrics
from core.metrics import Histogram

EXTENSION = "shouji_latencies"
NO_ROUTE = "(none)"
BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Upper bounds in seconds; what takes longer is counted in one more bucket."""
CLASSES = ("2xx", "3xx", "4xx", "5xx")
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
_CELLS = len(BOUNDS) + 2
_BYTES = 8


class Latencies:
    """Counts of a fixed set of routes in shared memory, one part for each of so many processes."""

    def __init__(self, routes: Iterable[tuple[str, str]], parts: int) -> None:
        unmatched = [(NO_ROUTE, method) for method in METHODS]
        self._series = [(*route, kind) for route in sorted({*routes, *unmatched}) for kind in CLASSES]
        self._places = {labels: number * _CELLS for number, labels in enumerate(self._series)}
        self._size = len(self._series) * _CELLS
        self._parts = parts
        self._cells = memoryview(mmap(-1, parts * self._size * _BYTES)).cast("d")
        self._start = 0
        self._lock = threading.Lock()

    @property
    def parts(self) -> int:
        """How many processes may count at once."""
        return self._parts

    def use(self, part: int) -> None:
        """Count in that part from now on: each process, once it was forked, has one that no other living one has."""
        self._start = part * self._size

    def note(self, template: str, method: str, status: int, seconds: float) -> None:
        """Count one request; one of another method than routes have counts for nothing."""
        place = self._places.get((template, "GET" if method == "HEAD" else method, f"{status // 100}xx"))
        if place is None:
            return
        start = self._start + place
        with self._lock:
            self._cells[start + bisect_left(BOUNDS, seconds)] += 1
            self._cells[start + _CELLS - 1] += seconds

    def totals(self) -> Iterator[tuple[dict[str, str], Sequence[float], float]]:
        """Labels, counts by bucket and the sum of seconds of every series that has any, over all processes."""
        for labels, place in self._places.items():
            starts = range(place, self._parts * self._size, self._size)
            cells = [sum(self._cells[start + cell] for start in starts) for cell in range(_CELLS)]
            if any(cells):
                yield dict(zip(("route", "method", "status"), labels, strict=True)), cells[:-1], cells[-1]


def bind(app: Flask, workers: int) -> None:
    """Make room for all routes of the finished application, for the web processes and those that replace them."""
    routes = (
        (rule.rule, method) for rule in app.url_map.iter_rules() for method in rule.methods or () if method in METHODS
    )
    app.extensions[EXTENSION] = Latencies(routes, 2 * workers + 1)


def note(template: str | None, method: str, status: int, seconds: float) -> None:
    """Count a request that the current application answered; `template` is None where no route fits."""
    bound: Latencies | None = current_app.extensions.get(EXTENSION)
    if bound is not None:
        bound.note(template or NO_ROUTE, method, status, seconds)


@metrics.collects
def request_seconds() -> Iterable[Histogram]:
    """The histogram of all requests."""
    bound: Latencies = current_app.extensions[EXTENSION]
    text = "Seconds until the answer of a request began, by route, method and class of status."
    yield Histogram("http_request_seconds", text, ("route", "method", "status"), BOUNDS, list(bound.totals()))
