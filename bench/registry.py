"""Measurements by name. One file is one measurement: it registers a function that returns figures."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bench.postgres import PostgresCluster

DATABASES = ("sqlite", "postgresql")


@dataclass(frozen=True)
class Figure:
    """One result: ours, the baseline's in the same run, and their ratio with the least or most it may be.

    `values` and `baselines` belong together in pairs, one for each repetition; the ratio is the median of theirs.
    """

    measurement: str
    name: str
    unit: str
    values: Sequence[float]
    baseline: str = ""
    baselines: Sequence[float] = ()
    least: float | None = None
    most: float | None = None
    detail: dict[str, Any] = field(default_factory=dict)

    @property
    def value(self) -> float:
        """The median of ours."""
        return statistics.median(self.values)

    @property
    def baseline_value(self) -> float | None:
        """The median of the baseline's."""
        return statistics.median(self.baselines) if self.baselines else None

    @property
    def ratios(self) -> list[float]:
        """Ours by the baseline's, pair by pair."""
        return [ours / theirs for ours, theirs in zip(self.values, self.baselines, strict=True)]

    @property
    def ratio(self) -> float | None:
        """The median ratio."""
        return statistics.median(self.ratios) if self.baselines else None

    @property
    def met(self) -> bool | None:
        """Whether the bar is met; None without a bar."""
        if self.least is None and self.most is None:
            return None
        judged = self.value if self.ratio is None else self.ratio
        return (self.least is None or judged >= self.least) and (self.most is None or judged <= self.most)


@dataclass(frozen=True)
class Context:
    """What a measurement is given: how large, how often, on which databases, and a folder of its own."""

    quick: bool
    rounds: int
    databases: Sequence[str]
    folder: Path
    data: Path | None = None

    def size(self, full: int, quick: int) -> int:
        """A figure that is smaller in a quick run."""
        return quick if self.quick else full

    @contextmanager
    def database(self, name: str) -> Iterator[tuple[Path, str | None]]:
        """An empty folder for an installation, and the address of an empty database (None: SQLite in the folder)."""
        with TemporaryDirectory(prefix=f"{name}-", dir=self.folder) as folder:
            if name == "sqlite":
                yield Path(folder), None
                return
            cluster = PostgresCluster.start(durable=True)
            try:
                yield Path(folder), cluster.create_database()
            finally:
                cluster.stop()


Measure = Callable[[Context], Iterator[Figure]]


@dataclass(frozen=True)
class Measurement:
    """A registered measurement."""

    name: str
    title: str
    run: Measure


_registered: dict[str, Measurement] = {}


def measures(name: str, title: str) -> Callable[[Measure], Measure]:
    """Register a measurement under a short name."""

    def add(run: Measure) -> Measure:
        _registered[name] = Measurement(name, title, run)
        return run

    return add


def measurements() -> list[Measurement]:
    """All measurements, in the order in which they registered."""
    return list(_registered.values())


def say(text: str) -> None:
    """Tell the person at the terminal how far it is."""
    print(f"  {text}", flush=True)
