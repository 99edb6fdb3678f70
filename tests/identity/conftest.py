from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask

from core.http.limits import limiter


@pytest.fixture(autouse=True)
def fresh_limits(app: Flask) -> Iterator[None]:
    """Attempts of one test do not count in the next, which comes from the same address."""
    limiter.reset()
    yield
