"""All measurements, in the order in which they run: a new one is a file, named here."""

from __future__ import annotations

from bench import crowd, cutoff, device_list, effective, fanout, ingest, keywords, memory, pages, rollout
from bench.registry import measurements

FILES = (ingest, fanout, cutoff, device_list, pages, memory, keywords, rollout, effective, crowd)
MEASUREMENTS = tuple(measurement.name for measurement in measurements())
