"""The web role's server: gunicorn around an application that is loaded already."""

from __future__ import annotations

import signal
from collections.abc import Callable
from itertools import count
from typing import Any

from flask import Flask
from gunicorn.app.base import BaseApplication

from config.logging import configure
from config.settings import Settings
from core.http import latency
from core.http.app import STOPPING
from core.process import die_with_parent, spare_the_collector

STALLED_SECONDS = 60
"""A web process that does nothing for this long is ended and replaced."""
GRACE_SECONDS = 5
"""What open requests have to finish in when the server stops."""
REQUEST_LINE_BYTES = 8190


class WebServer(BaseApplication):  # type: ignore[misc]
    """Gunicorn with our settings; `run` ends with the process, and is called in the main thread."""

    def __init__(self, app: Flask, settings: Settings) -> None:
        self._app = app
        self._settings = settings
        super().__init__()

    def load_config(self) -> None:
        """Called by gunicorn: our settings in its words."""
        for name, value in options(self._settings).items():
            self.cfg.set(name, value)

    def load(self) -> Flask:
        """Called by gunicorn: the application."""
        return self._app


def options(settings: Settings) -> dict[str, Any]:
    """What gunicorn is told."""
    return {
        "bind": f"{settings.http_host}:{settings.http_port}",
        "worker_class": "gthread",
        "workers": settings.web_workers,
        "threads": settings.web_threads,
        "preload_app": True,
        "timeout": STALLED_SECONDS,
        "graceful_timeout": GRACE_SECONDS,
        "keepalive": 5,
        "certfile": str(settings.http_tls_cert) if settings.http_tls_cert else None,
        "keyfile": str(settings.http_tls_key) if settings.http_tls_key else None,
        "forwarded_allow_ips": "127.0.0.1,::1" if settings.http_proxy else "",
        "limit_request_line": REQUEST_LINE_BYTES,
        "control_socket_disable": True,
        "pre_fork": _number,
        "post_fork": _after_fork(settings),
        "post_worker_init": _loaded,
    }


def _number(server: Any, worker: Any) -> None:
    # Each worker process counts in a part of the shared memory that no living one has.
    taken = {other.counts_in for other in server.WORKERS.values()}
    worker.counts_in = next(part for part in count() if part not in taken)


def _after_fork(settings: Settings) -> Callable[[Any, Any], None]:
    def post_fork(_server: Any, _worker: Any) -> None:
        # Left alone without its master it would finish what it has in hand, which nobody bounds any more, and hold
        # the port meanwhile. A master that is told to stop outlives its workers.
        die_with_parent(signal.SIGKILL)
        configure(settings, "web")

    return post_fork


def _loaded(worker: Any) -> None:
    # Long answers (live pages) see that their process is to end, so that it need not wait for them.
    worker.wsgi.extensions[STOPPING] = lambda: not worker.alive
    counts: latency.Latencies = worker.wsgi.extensions[latency.EXTENSION]
    counts.use(worker.counts_in % counts.parts)
    spare_the_collector()
