"""Compliance on a small company, with every room bound as the running server has it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from argon2 import PasswordHasher
from flask import Flask
from flask.testing import FlaskClient

from core.runtime import EXTENSION, Runtime, runtime
from identity import passwords
from tests.compliance.bureau import Bureau
from tests.fleet.company import Company

Tune = Callable[..., None]


@pytest.fixture(scope="session", autouse=True)
def _light_passwords() -> Iterator[None]:
    """Passwords are not what these tests are about."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passwords, "_hasher", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
        yield


@pytest.fixture
def bureau(app: Flask, client: FlaskClient) -> Bureau:
    """People, units and keys."""
    runtime().ring.signing_keys()
    runtime().ring.publish()
    return Bureau.open(Company.found(client))


@pytest.fixture
def tune(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Tune:
    """Change settings for one test."""

    def change(**settings: Any) -> None:
        changed = runtime().settings.model_copy(update=settings)
        monkeypatch.setitem(app.extensions, EXTENSION, Runtime(changed))

    return change
