"""Every page of the console with 20,000 phones: how long the server takes for it, and how many queries it costs."""

from __future__ import annotations

import re
import statistics
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from flask.testing import FlaskClient
from sqlalchemy import event
from werkzeug.routing import BuildError, Rule

from bench import company, fleet_rows
from bench.installation import Installation
from bench.registry import Context, Figure, measures, say
from core.db import db

FEW, MANY = 1_000, 20_000
REQUESTS = 30
MOST_P95_MS = 200.0
P95 = 95
SERVER_ERROR = 500
NO_PAGES = frozenset({"page_live.follow", "page_frame.static", "page_audit.export", "page_device_export.download"})
"""What has an address of the console and is no page: the live feed, files of the frame, downloads of whole lists."""
NARROWED = (
    "/devices?state=active&online=true&compliance=noncompliant",
    "/devices?finding=root",
    "/devices?q=BENCH0000777",
    "/devices/bulk?type=message&all=yes&q=BENCH00000",
    "/compliance?severity=critical",
    "/people?q=B1",
    "/audit?action=staff.create",
)
"""Lists as people narrow them, and a deed for a hundred phones."""
_TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"')


class _Page(NamedTuple):
    """One page: its route and an address of it."""

    route: str
    address: str


@measures("pages", "every page of the console with 20,000 phones")
def run(context: Context) -> Iterator[Figure]:
    """On each database: each page alone, in this process, without a network."""
    few, many = context.size(FEW, 60), context.size(MANY, 300)
    requests, people = context.size(REQUESTS, 2), context.size(company.PEOPLE, 10)
    for database in context.databases:
        with context.database(database) as (folder, url):
            here = Installation.make(folder, url)
            ids = fleet_rows.make_ids(many, seed=11)
            say(f"{database}: {few} phones")
            samples = company.found(here, ids[:few], people)
            yield from _measure(database, here, samples, ids[few:], requests)


def _measure(
    database: str, here: Installation, samples: company.Samples, others: Sequence[str], requests: int
) -> Iterator[Figure]:
    """What pages cost with the company's first phones, and with the others too."""
    browser = _Browser(here)
    pages = [*_pages(here, samples, browser)]
    with_few = {page.route: browser.queries(page.address) for page in pages}
    say(f"{database}: {len(others)} phones more")
    company.enroll(here, others)
    with_many = {page.route: browser.queries(page.address) for page in pages}
    yield from _queries(database, with_few, with_many)
    say(f"{database}: {len(pages)} pages, {requests} times each")
    for page in pages:
        times = [browser.milliseconds(page.address) for _ in range(requests)]
        p95 = statistics.quantiles(times, n=100, method="inclusive")[P95 - 1]
        detail = {"database": database, "more_phones": len(others), "address": page.address, "times": times}
        name = f"{page.route}, {database}: p95"
        yield Figure("pages", name, "ms", [p95], most=MOST_P95_MS, detail={**detail, "queries": with_many[page.route]})


def _queries(database: str, few: Mapping[str, int], many: Mapping[str, int]) -> Iterator[Figure]:
    """The page whose queries grew most; 1 where no page costs more with twenty times as many phones."""
    worst = max(few, key=lambda route: many[route] / few[route])
    name = f"queries of {worst}, which grew most, {database}"
    detail = {"database": database, "few": dict(few), "many": dict(many)}
    yield Figure("pages", name, "queries", [many[worst]], "with few", [few[worst]], most=1.0, detail=detail)


def _pages(here: Installation, samples: company.Samples, browser: _Browser) -> Iterator[_Page]:
    """Every page that this company can show; what needs something that it does not have is told."""
    left: list[str] = []
    for rule in sorted(here.app.url_map.iter_rules(), key=lambda rule: rule.rule):
        if not rule.endpoint.startswith("page_") or "GET" not in (rule.methods or ()) or rule.endpoint in NO_PAGES:
            continue
        address = _address(here, rule, samples)
        if address is not None and browser.shows(address):
            yield _Page(rule.rule, address)
        else:
            left.append(rule.rule)
    yield from (_Page(address, address) for address in NARROWED)
    say(f"not measured, since there is nothing to show: {', '.join(left)}")


def _address(here: Installation, rule: Rule, samples: company.Samples) -> str | None:
    known = samples.of(rule.endpoint)
    if not rule.arguments <= set(known):
        return None
    values = {name: known[name] for name in rule.arguments}
    try:
        return here.app.url_map.bind("127.0.0.1").build(rule.endpoint, values, method="GET")
    except BuildError:
        return None


class _Browser:
    """A browser of the administrator inside this process, which counts what reaches the database."""

    def __init__(self, here: Installation) -> None:
        self._client: FlaskClient = here.app.test_client()
        self._count = 0
        with here.app.app_context():
            event.listen(db.engine, "before_cursor_execute", self._note)
        token = _TOKEN.search(self._client.get("/sign-in").text)
        form = {"csrf_token": token[1] if token else "", "username": "admin", "password": here.password}
        self._client.post("/sign-in", data=form)
        if not self.shows("/devices"):
            raise RuntimeError("nobody could sign in")

    def _note(self, *_: Any) -> None:
        self._count += 1

    def shows(self, address: str) -> bool:
        """Whether a page is there. Raises RuntimeError when the server failed."""
        answer = self._client.get(address)
        if answer.status_code >= SERVER_ERROR:
            raise RuntimeError(f"{address}: {answer.status_code}")
        return answer.status_code == 200 and answer.mimetype == "text/html"

    def queries(self, address: str) -> int:
        """Statements of a page that was opened before."""
        self.milliseconds(address)
        self._count = 0
        self.milliseconds(address)
        return self._count

    def milliseconds(self, address: str) -> float:
        """How long the server takes for a page. Raises RuntimeError when it is not shown."""
        began = time.perf_counter()
        answer = self._client.get(address)
        took = 1000 * (time.perf_counter() - began)
        if answer.status_code != 200:
            raise RuntimeError(f"{address}: {answer.status_code} {answer.text[:300]}")
        return took
