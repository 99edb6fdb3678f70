"""Reaction: from a revocation to the cut of the phone's session, from an approved wipe to the phone's `received`."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from agent.core import Options
from agent.loop import Loop
from agent.phone import Phone
from bench.installation import Installation
from bench.registry import Context, Figure, measures, say
from demo.api import Api

TIMES = 20
POLL_SECONDS = 0.0005
PATIENCE_SECONDS = 30.0
APPROVER = "bench-approver"
WIPE = {"scope": "work_data", "preserve_records": False, "deadline_s": 0}
RECEIVED = ("received", "succeeded")
BASELINE = "one read over HTTP"


@measures("cutoff", "revoke to cut-off, approved wipe to received")
def run(context: Context) -> Iterator[Figure]:
    """On each database: real reference phones on a whole server, one after the other."""
    times = context.size(TIMES, 3)
    for database in context.databases:
        with context.database(database) as (folder, url):
            caps = {"wipe_cap_per_person": 10 * TIMES, "wipe_cap_total": 10 * TIMES}
            here = Installation.make(folder, url, **caps)
            try:
                here.start()
                yield from _measure(database, here, times)
            finally:
                here.close()


def _measure(database: str, here: Installation, times: int) -> Iterator[Figure]:
    api = here.api()
    second = _second_person(here, api)
    with _phones(here, api, 2 * times) as phones:
        say(f"{database}: {times} revocations, {times} wipes")
        read = [_read(api, phone) for phone in phones[:times]]
        cut = [_revoke(api, phone) for phone in phones[:times]]
        wiped = [_wipe(api, second, phone) for phone in phones[times:]]
    yield _figure("revoke to cut-off", database, cut, read)
    yield _figure("approved wipe to received", database, wiped, read)


def _figure(what: str, database: str, values: list[float], read: list[float]) -> Figure:
    milliseconds = [1000 * value for value in values]
    detail = {"worst": max(milliseconds), "times": len(values), "database": database}
    name = f"{what}, {database} (worst {max(milliseconds):.0f})"
    return Figure("cutoff", name, "ms", milliseconds, BASELINE, [1000 * value for value in read], detail=detail)


def _second_person(here: Installation, api: Api) -> Api:
    """Someone who may approve what the administrator asks for."""
    roles = ["platform_admin", "it_admin", "compliance_officer"]
    body = {"username": APPROVER, "name": "Bench", "password": here.password, "roles": roles, "org_unit": "/"}
    api.post("staff", body)
    second = Api(here.settings.base_url)
    second.sign_in(APPROVER, here.password)
    return second


@contextmanager
def _phones(here: Installation, api: Api, count: int) -> Iterator[list[Phone]]:
    """Enrolled, connected and greeted reference phones on one loop."""
    code = api.post("enrollment-tokens", {"max_uses": count, "expires_in": 3600})["token"]
    say(f"enrolling {count} reference phones")
    with ExitStack() as stack:
        loop = Loop(8).start()
        stack.callback(loop.stop)
        phones = []
        for number in range(count):
            state = here.folder / f"phone-{number}"
            phone = Phone.enroll(here.settings.base_url, code, state=state, options=Options(seed=number), loop=loop)
            stack.callback(phone.close)
            phone.connect()
            phones.append(phone)
        for phone in phones:
            phone.wait_greeted(60.0)
        yield phones


def _read(api: Api, phone: Phone) -> float:
    began = time.perf_counter()
    api.get(f"devices/{phone.id}")
    return time.perf_counter() - began


def _revoke(api: Api, phone: Phone) -> float:
    """Seconds from the request until the phone finds its session ended."""
    link = phone.core.link
    began = time.perf_counter()
    api.post(f"devices/{phone.id}/revoke", {"reason": "bench"})
    return _until(lambda: link is None or not link.alive, "the cut") - began


def _wipe(api: Api, second: Api, phone: Phone) -> float:
    """Seconds from the second person's approval until the server knows that the phone has the command."""
    wish: dict[str, Any] = {"type": "wipe", "args": WIPE, "reason": "bench"}
    command = api.post(f"devices/{phone.id}/commands", wish)["id"]
    began = time.perf_counter()
    second.post(f"commands/{command}/approve", {"reason": "bench"})
    return _until(lambda: api.get(f"commands/{command}")["status"] in RECEIVED, "the wipe's receipt") - began


def _until(done: Callable[[], bool], what: str) -> float:
    """The moment at which it was true. Raises TimeoutError."""
    end = time.perf_counter() + PATIENCE_SECONDS
    while not done():
        if time.perf_counter() > end:
            raise TimeoutError(f"{what} did not come")
        time.sleep(POLL_SECONDS)
    return time.perf_counter()
