"""The console driven as a browser drives it: over HTTP, with cookies and forms."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from argon2 import PasswordHasher
from flask import Flask
from playwright.sync_api import Browser, sync_playwright

from core.db import Base, db
from identity import passwords
from tests.conftest import _empty_tables
from tests.console.browsing import visit as visit
from tests.console.site import Site
from tests.console.web_server import WebServer


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
        Base.metadata.create_all(db.engine)
        _empty_tables()
    return Site.found(migrated_app)


@pytest.fixture(scope="module")
def web(migrated_app: Flask) -> Iterator[WebServer]:
    """A running web server."""
    server = WebServer(migrated_app)
    server.start()
    yield server
    if server.process and server.process.poll() is None:
        server.stop()


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """A browser without a screen."""
    with sync_playwright() as playwright:
        options: dict[str, Any] = {"executable_path": "/usr/bin/chromium", "args": ["--no-sandbox"]}
        browser = playwright.chromium.launch(**options)
        yield browser
        browser.close()
