"""The console driven as a browser drives it: over HTTP, with cookies and forms."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from argon2 import PasswordHasher
from flask import Flask

from core.db import Base, db
from core.http.limits import limiter
from identity import passwords
from tests.conftest import _empty_tables
from tests.console.site import Site


@pytest.fixture(scope="session", autouse=True)
def _tables(migrated_app: Flask) -> None:
    with migrated_app.app_context():
        Base.metadata.create_all(db.engine)


@pytest.fixture(scope="session", autouse=True)
def _cheap_passwords() -> Iterator[None]:
    """Signing in happens in every test, and the real cost of a hash would be most of the time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passwords, "_hasher", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
        yield


@pytest.fixture
def site(migrated_app: Flask) -> Site:
    """The application with a small company in it. No app context stays open: each request has its own, as in life."""
    with migrated_app.app_context():
        _empty_tables()
        limiter.reset()
    return Site.found(migrated_app)
