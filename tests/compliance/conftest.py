"""Compliance on a small company, with every room bound as the running server has it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from core.runtime import EXTENSION, Runtime, runtime
from tests.compliance.bureau import Bureau
from tests.fleet.company import Company

Tune = Callable[..., None]


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
