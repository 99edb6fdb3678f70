"""The console driven as a browser drives it: over HTTP, with cookies and forms."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import Browser, sync_playwright

from tests.console.browsing import visit as visit
from tests.console.site import Site
from tests.console.web_server import WebServer
from tests.support.tables import empty_tables


@pytest.fixture
def site(migrated_app: Flask) -> Site:
    """The application with a small company in it. No app context stays open: each request has its own, as in life."""
    with migrated_app.app_context():
        empty_tables()
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
