from __future__ import annotations

import os
import re

from flask import Flask
from flask.testing import FlaskClient

from core.http.latency import EXTENSION, NO_ROUTE, Latencies

ROUTE = "/devices/<id>"


def _figure(client: FlaskClient, part: str, **labels: str) -> float:
    """A sample of the histogram at /metrics; 0 while there is none."""
    shown = client.get("/metrics").text
    for line in re.findall(rf"^shouji_http_request_seconds_{part}\{{(.*)\}} (\S+)$", shown, re.MULTILINE):
        if all(f'{name}="{value}"' in line[0] for name, value in labels.items()):
            return float(line[1])
    return 0.0


def test_requests_are_counted_by_template_method_and_class(client: FlaskClient) -> None:
    route = {"route": "/api/v1/devices/<id>", "method": "GET", "status": "4xx"}
    before, none = _figure(client, "count", **route), _figure(client, "count", route=NO_ROUTE, status="4xx")
    client.get("/api/v1/devices/one")
    client.get("/api/v1/devices/two")
    client.get("/no/such/page")
    assert _figure(client, "count", **route) == before + 2
    assert _figure(client, "bucket", le="+Inf", **route) == before + 2
    assert _figure(client, "sum", **route) > 0
    assert _figure(client, "count", route=NO_ROUTE, status="4xx") == none + 1


def test_buckets_are_added_up_and_their_bounds_belong_to_them(client: FlaskClient, app: Flask) -> None:
    counts: Latencies = app.extensions[EXTENSION]
    route = {"route": "/healthz", "method": "GET", "status": "5xx"}
    for seconds in (0.05, 0.06, 60.0):
        counts.note("/healthz", "GET", 500, seconds)
    shown = [_figure(client, "bucket", le=le, **route) for le in ("0.025", "0.05", "0.1", "10.0", "+Inf")]
    assert shown == [0, 1, 2, 2, 3]


def test_processes_count_for_themselves_and_are_shown_together() -> None:
    counts = Latencies([(ROUTE, "GET")], parts=3)
    counts.note(ROUTE, "GET", 200, 0.2)
    for part in (1, 2):
        child = os.fork()
        if child == 0:
            counts.use(part)
            counts.note(ROUTE, "HEAD", 200, 0.2)
            os._exit(0)
        os.waitpid(child, 0)
    ((labels, by_bucket, total),) = counts.totals()
    assert labels == {"route": ROUTE, "method": "GET", "status": "2xx"}
    assert sum(by_bucket) == 3 and round(total, 6) == 0.6


def test_what_no_route_has_counts_for_nothing() -> None:
    counts = Latencies([(ROUTE, "GET")], parts=1)
    counts.note(ROUTE, "BREW", 418, 0.1)
    counts.note("/invented", "GET", 200, 0.1)
    assert list(counts.totals()) == []
