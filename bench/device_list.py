"""The device list with 100,000 phones: how many queries a page costs, and how long the server takes for it."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator
from typing import Any

from flask import Flask, jsonify
from flask.testing import FlaskClient
from sqlalchemy import event

from bench import fleet_rows
from bench.installation import Installation
from bench.registry import Context, Figure, measures, say
from core.db import db

FEW = 1_000
REQUESTS = 60
LIMITS = (10, 200)
P95 = 95
MOST_P95_MS = 200.0
PAGES = {
    "newest": "",
    "by state": "&state=active",
    "online": "&online=true",
    "by unit": "&org_unit=/",
    "search": "&q=BENCH0000777",
}


@measures("list", "device list with 100,000 phones")
def run(context: Context) -> Iterator[Figure]:
    """On each database: pages of few and of many phones, against a bare Flask endpoint in the same process."""
    count = context.size(100_000, 2_000)
    for database in context.databases:
        with context.database(database) as (folder, url):
            yield from _measure(database, Installation.make(folder, url), count, context.size(REQUESTS, 5))


def _measure(database: str, here: Installation, count: int, requests: int) -> Iterator[Figure]:
    ids = fleet_rows.make_ids(count, seed=3)
    fleet_rows.insert_fleet(here.app, ids[:FEW])
    lists = _Lists(here)
    with_few = lists.queries()
    say(f"{database}: {count} phones into the table")
    fleet_rows.insert_fleet(here.app, ids[FEW:])
    with_many = lists.queries()
    yield _constant(database, with_few, with_many)
    bare = _bare_client()
    for page, narrowed in PAGES.items():
        times, base = [], []
        for _ in range(requests):
            times.append(lists.milliseconds(narrowed))
            base.append(_milliseconds(bare, "/", {}))
        worst = statistics.quantiles(times, n=100)[P95 - 1]
        detail = {"phones": count, "p95_ms": worst, "database": database}
        yield Figure("list", f"list {page}, {database}: p50", "ms", times, "bare Flask", base, detail=detail)
        yield Figure("list", f"list {page}, {database}: p95", "ms", [worst], most=MOST_P95_MS, detail=detail)


def _constant(database: str, with_few: dict[str, int], with_many: dict[str, int]) -> Figure:
    """The most queries that any page costs, by the fewest: 1 where neither page size nor phones matter."""
    counts = [*with_few.values(), *with_many.values()]
    name = f"list, {database}: most queries by fewest"
    detail = {"few": with_few, "many": with_many, "database": database}
    return Figure("list", name, "queries", [max(counts)], "fewest", [min(counts)], most=1.0, detail=detail)


class _Lists:
    """Asks for pages over HTTP inside this process, and counts what reaches the database."""

    def __init__(self, here: Installation) -> None:
        self._client = here.app.test_client()
        answer = self._client.post("/api/v1/auth/token", json={"username": "admin", "password": here.password})
        self._headers = {"Authorization": f"Bearer {answer.get_json()['access_token']}"}
        self._count = 0
        with here.app.app_context():
            event.listen(db.engine, "before_cursor_execute", self._note)

    def _note(self, *_: Any) -> None:
        self._count += 1

    def queries(self) -> dict[str, int]:
        """Queries of the newest page by its size."""
        found = {}
        for limit in LIMITS:
            self.milliseconds("", limit)
            self._count = 0
            self.milliseconds("", limit)
            found[f"limit {limit}"] = self._count
        return found

    def milliseconds(self, narrowed: str, limit: int = 50) -> float:
        """How long one page takes."""
        return _milliseconds(self._client, f"/api/v1/devices?limit={limit}{narrowed}", self._headers)


def _bare_client() -> FlaskClient:
    bare = Flask("bare")
    bare.add_url_rule("/", view_func=lambda: jsonify(ok=True))
    return bare.test_client()


def _milliseconds(client: FlaskClient, path: str, headers: dict[str, str]) -> float:
    began = time.perf_counter()
    answer = client.get(path, headers=headers)
    took = 1000 * (time.perf_counter() - began)
    if answer.status_code != 200:
        raise RuntimeError(f"{path}: {answer.status_code} {answer.get_data(as_text=True)[:300]}")
    return took
