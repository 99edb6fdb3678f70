"""All measurements, in the order in which they run: a new one is a file, named here."""

from __future__ import annotations

from bench import fanout, ingest
from bench.registry import measurements

FILES = (ingest, fanout)
MEASUREMENTS = tuple(measurement.name for measurement in measurements())
