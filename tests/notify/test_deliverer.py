from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask
from psycopg.errors import DeadlockDetected
from sqlalchemy.exc import OperationalError

from core import clock, outbox
from core.uow import unit_of_work
from notify import attempts, deliverer
from notify.deliverer import Deliverer
from notify.deliveries import EFFECT
from tests.notify.conftest import Office, open_rows, tell
from tests.notify.servers import Reply, Request, http_server


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deliverer, "POLL_SECONDS", 0.02)
    monkeypatch.setattr(attempts, "FIRST_PAUSE_S", 0.05)


@pytest.fixture
def running(app: Flask) -> Iterator[Callable[[], Deliverer]]:
    """Starts deliverers, and ends them."""
    started: list[Deliverer] = []

    def start() -> Deliverer:
        started.append(Deliverer(app))
        started[-1].start()
        return started[-1]

    yield start
    for one in started:
        one.stop()


def wait_for(done: Callable[[], bool], seconds: float = 10.0) -> None:
    end = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.02)


def failing(times: int) -> Reply:
    answers = iter([503] * times)
    return lambda _request: (next(answers, 200), {}, b"")


def test_what_is_told_arrives_and_a_failure_is_made_good(office: Office, running: Any) -> None:
    running()
    with http_server(failing(2)) as server:
        office.made("webhook", {"url": server.url})
        tell()
        tell()
        wait_for(lambda: open_rows() == 0)
    ids = [request.headers["webhook-id"] for request in server.seen]
    assert len(set(ids)) == 2 and len(ids) == 4


def test_an_endpoint_that_hangs_keeps_no_other_channel_waiting(office: Office, running: Any) -> None:
    with http_server() as slow, http_server() as quick:

        def hang(_request: Request) -> tuple[int, dict[str, str], bytes]:
            slow.release.wait(10)
            return 200, {}, b""

        slow.reply = hang
        office.made("webhook", {"url": slow.url})
        office.made("webhook", {"url": quick.url})
        for _ in range(5):
            tell()
        running()
        # The server sees a message before the deliverer has noted that it arrived.
        wait_for(lambda: open_rows() == 5)
        assert len(quick.seen) == 5 and len(slow.seen) == 1
        slow.release.set()
        wait_for(lambda: open_rows() == 0)
    assert len(slow.seen) == 5


def test_a_message_that_was_under_way_when_the_server_was_killed_is_sent_again(office: Office, running: Any) -> None:
    with http_server() as server:
        office.made("webhook", {"url": server.url})
        tell()
        with unit_of_work() as current:
            (row,) = outbox.due(current, 10, EFFECT)
            outbox.postpone(current, [row.id], clock.now() + deliverer.CLAIM)
        running()
        time.sleep(0.1)
        assert server.seen == []
        with unit_of_work() as current:
            outbox.postpone(current, [row.id], clock.now())
        wait_for(lambda: open_rows() == 0)
    assert [request.headers["webhook-id"] for request in server.seen] == [row.key]


def test_what_waits_when_the_deliverer_ends_is_due_again_at_once(office: Office, running: Any) -> None:
    with http_server() as server:

        def hold(_request: Request) -> tuple[int, dict[str, str], bytes]:
            server.release.wait(10)
            return 200, {}, b""

        server.reply = hold
        office.made("webhook", {"url": server.url})
        for _ in range(3):
            tell()
        first = running()
        wait_for(lambda: len(server.seen) == 1)
        first._stop.set()
        server.release.set()
        first.stop()
        with unit_of_work(write=False) as current:
            assert len(outbox.due(current, 10, EFFECT)) == 2
        running()
        wait_for(lambda: open_rows() == 0)
    assert len(server.seen) == 3


def test_a_crash_in_one_attempt_ends_no_lane(office: Office, running: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    real, crashes = attempts.carry_out, iter([True])

    def carry_out(row: Any) -> float | None:
        if next(crashes, False):
            raise RuntimeError("a lock, say")
        return real(row)

    monkeypatch.setattr(attempts, "carry_out", carry_out)
    with http_server() as server:
        office.made("webhook", {"url": server.url})
        tell()
        tell()
        running()
        wait_for(lambda: len(server.seen) == 1)
        tell()
        wait_for(lambda: open_rows() == 1)
        assert len(server.seen) == 2


def test_a_message_whose_note_was_lost_to_a_deadlock_is_not_sent_again(
    office: Office, running: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, lost = attempts._delivered, iter([True])

    def delivered(row: Any) -> None:
        real(row)
        if next(lost, False):
            raise OperationalError("UPDATE", {}, DeadlockDetected("somebody else goes on"))

    monkeypatch.setattr(attempts, "_delivered", delivered)
    with http_server() as server:
        office.made("webhook", {"url": server.url})
        tell()
        running()
        wait_for(lambda: open_rows() == 0)
    assert len(server.seen) == 1
