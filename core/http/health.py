"""Health for load balancers and collectors: /healthz, /readyz, /metrics."""

from __future__ import annotations

import hmac
import ipaddress
from collections.abc import Iterable
from typing import Any

from flask import Response, current_app, request
from sqlalchemy import text

from core import metrics, outbox, roles
from core.db import session
from core.errors import Forbidden
from core.http.access import Access
from core.http.answers import reply
from core.http.routes import JSON, Api
from core.metrics import Gauge
from core.runtime import settings
from core.text import Text

api = Api("health", __name__, prefix="")
EXPOSITION = "text/plain; version=0.0.4"
STATUS: dict[str, Any] = {"type": "object", "required": ["status"], "properties": {"status": {"type": "string"}}}
READY: dict[str, Any] = {
    "type": "object",
    "required": ["status", "checks"],
    "properties": {
        "status": {"enum": ["ready", "not_ready"]},
        "checks": {"type": "object", "additionalProperties": {"type": "boolean"}},
    },
}


@api.get("/healthz", Access.PUBLIC, {200: {JSON: STATUS}})
def healthz() -> Response:
    """The web process answers."""
    return reply({"status": "ok"})


@api.get("/readyz", Access.PUBLIC, {200: {JSON: READY}, 503: {JSON: READY}})
def readyz() -> Response:
    """Database, worker and broker are there; 503 names what is away."""
    session().execute(text("SELECT 1"))
    away = roles.away()
    # Only the worker can tell whether the broker is there.
    checks = {"database": True, "worker": "worker" not in away, "broker": not away}
    ready = all(checks.values())
    return reply({"status": "ready" if ready else "not_ready", "checks": checks}, 200 if ready else 503)


@api.get("/metrics", Access.METRICS, {200: {EXPOSITION: {"type": "string"}}})
def metrics_page() -> Response:
    """Figures for Prometheus."""
    _check_collector()
    return current_app.response_class(metrics.exposition(), mimetype=EXPOSITION)


def _check_collector() -> None:
    token = settings().metrics_token
    if token is not None:
        given = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if hmac.compare_digest(given.encode(), token.get_secret_value().encode()):
            return
    elif ipaddress.ip_address(request.remote_addr or "0.0.0.0").is_loopback and not settings().http_proxy:  # noqa: S104
        return
    raise Forbidden(
        "metrics_refused",
        Text("请使用 SHOUJI_METRICS_TOKEN 访问。", "Use the token set in SHOUJI_METRICS_TOKEN."),
    )


@metrics.collects
def kernel_gauges() -> Iterable[Gauge]:
    """Outbox depth, and what each process said last."""
    yield Gauge("outbox_rows", "Effects that wait in the outbox.", [({}, outbox.depth(session()))])
    reports = roles.reports()
    if reports:
        ages = [({"role": report.role}, float(roles.age_seconds(report))) for report in reports]
        yield Gauge("process_report_age_seconds", "Seconds since each process role reported.", ages)
    worker = next((report for report in reports if report.role == "worker"), None)
    if worker:
        figures = [({"figure": name}, float(value)) for name, value in worker.detail.items()]
        yield Gauge("worker_figure", "What the worker counts since its start; flags are 0 or 1.", figures)
