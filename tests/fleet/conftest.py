"""A small company for the tests of phones."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from argon2 import PasswordHasher
from flask import Flask
from flask.testing import FlaskClient

from compliance import evaluate
from core.runtime import runtime
from fleet import guards
from identity import passwords
from tests.fleet.company import Company


@pytest.fixture(scope="session", autouse=True)
def _cheap_passwords() -> Iterator[None]:
    """Signing in is not what is tested here, and the real cost of a hash would be most of the time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passwords, "_hasher", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
        yield


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
