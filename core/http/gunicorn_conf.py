"""Gunicorn's configuration, from our settings; run by the web role."""

from __future__ import annotations

import signal
from itertools import count
from typing import Any

from config.logging import configure
from config.settings import load
from core.http import latency
from core.http.app import STOPPING
from core.process import die_with_parent, spare_the_collector

_settings = load()

bind = f"{_settings.http_host}:{_settings.http_port}"
worker_class = "gthread"
workers = _settings.web_workers
threads = _settings.web_threads
preload_app = True
timeout = 60
graceful_timeout = 5
keepalive = 5
certfile = str(_settings.http_tls_cert) if _settings.http_tls_cert else None
keyfile = str(_settings.http_tls_key) if _settings.http_tls_key else None
forwarded_allow_ips = "127.0.0.1,::1" if _settings.http_proxy else ""
limit_request_line = 8190
control_socket_disable = True


def pre_fork(server: Any, worker: Any) -> None:
    """Each worker process counts in a part of the shared memory that no living one has."""
    taken = {other.counts_in for other in server.WORKERS.values()}
    worker.counts_in = next(part for part in count() if part not in taken)


def post_fork(_server: Any, _worker: Any) -> None:
    """A worker process ends with its master, at once: left alone it would finish what it has in hand, which nobody
    bounds any more, and hold the port meanwhile. A master that is told to stop outlives its workers."""
    die_with_parent(signal.SIGKILL)
    configure(_settings, "web")


def post_worker_init(worker: Any) -> None:
    """Everything is loaded. Long answers (live pages) see that their process is to end, so that it need not wait."""
    worker.wsgi.extensions[STOPPING] = lambda: not worker.alive
    counts: latency.Latencies = worker.wsgi.extensions[latency.EXTENSION]
    counts.use(worker.counts_in % counts.parts)
    spare_the_collector()
