"""The console's part of the composition: pages, frame, form checks, headers and the live hub. Starts nothing."""

from __future__ import annotations

from flask import Flask

from console import (
    device_page,
    devices,
    docs,
    errors,
    first_admin,
    forms,
    frame,
    go,
    headers,
    home,
    live,
    preferences,
    sign_in,
    stream,
)
from core.runtime import EXTENSION, Runtime

PAGES = (preferences, sign_in, first_admin, home, go, devices, device_page, stream, docs)


def register(app: Flask) -> None:
    """Add the console to an application."""
    bound: Runtime = app.extensions[EXTENSION]
    tls = bound.settings.base_url.startswith("https")
    headers.register(app, tls=tls)
    forms.register(app, tls=tls)
    errors.register(app)
    live.register(app, bound.settings.web_threads)
    frame.register(app)
    for module in PAGES:
        app.register_blueprint(module.pages.blueprint)
