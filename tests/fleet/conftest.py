"""A small company for the tests of phones."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient

from compliance import evaluate
from core.runtime import runtime
from fleet import guards
from tests.fleet.company import Company


@pytest.fixture
def company(app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> Iterator[Company]:
    """Two units, an administrator, an employee each, and keys as the worker's first start makes them.

    What rooms above bind here is unbound, and nobody judges phones: these tests are of this room alone.
    """
    monkeypatch.setattr(evaluate, "run", lambda *_, **__: 0)
    runtime().ring.signing_keys()
    runtime().ring.publish()
    with guards.careful():
        yield Company.found(client)
