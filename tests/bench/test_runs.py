"""Every measurement runs to its end on small numbers and says what it measured. No figure of it is judged here."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.registry import Context, measurements
from bench.suite import MEASUREMENTS


@pytest.mark.parametrize("name", MEASUREMENTS)
def test_a_measurement_runs(name: str, tmp_path: Path) -> None:
    measurement = next(one for one in measurements() if one.name == name)
    figures = list(measurement.run(Context(quick=True, rounds=1, databases=("sqlite",), folder=tmp_path)))
    assert figures
    assert all(figure.measurement == name and figure.value > 0 for figure in figures)
    assert all((figure.ratio or 1) > 0 for figure in figures)
