"""A company whose phones keep chains of records."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient

from compliance import evaluate
from core.runtime import runtime, settings
from core.signing import SigningDesk
from core.uow import unit_of_work
from identity import org
from tests.archive.parts import Recorder, new_recorder
from tests.fleet.company import Company


@pytest.fixture
def server(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Flask:
    """An installation with the root of its tree, and keys as the worker's first start makes them.

    Nobody judges phones: these tests are of this room alone.
    """
    monkeypatch.setattr(evaluate, "run", lambda *_, **__: 0)
    runtime().ring.signing_keys()
    runtime().ring.publish()
    with unit_of_work():
        org.ensure_root()
    return app


@pytest.fixture
def company(server: Flask, client: FlaskClient) -> Company:
    """Two units, an administrator, an officer: for tests that look at the server as people do."""
    return Company.found(client)


@pytest.fixture
def recorder(server: Flask) -> Recorder:
    """An enrolled phone with an empty chain."""
    return new_recorder()


@pytest.fixture
def desk(server: Flask) -> Iterator[None]:
    """The worker's signing desk, on its socket."""
    served = SigningDesk(server, settings())
    served.start()
    yield
    served.stop()
