from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event, text
from sqlalchemy.engine import Connection

from core import clock
from core.db import db
from core.uow import unit_of_work
from fleet import presence
from fleet.device import routes
from mqtt.routes import Router
from tests.fleet.company import Company
from tests.fleet.phone import Phone

REASON = {"reason": "更换设备"}
HOLD_PRESENCE = text("SELECT 1 FROM presence WHERE device_id = :id FOR UPDATE")
TOUCH = text("UPDATE devices SET agent_version = '9' WHERE id = :id")
WAITERS = text("SELECT count(*) FROM pg_locks WHERE NOT granted AND pid = :pid")


@pytest.fixture(autouse=True)
def _postgresql_alone(app: Flask) -> None:
    if db.engine.dialect.name == "sqlite":
        pytest.skip("SQLite has one writer at a time")


@contextmanager
def watchful() -> Iterator[None]:
    """PostgreSQL looks for a deadlock soon, in transactions that begin meanwhile."""

    def begin(connection: Connection) -> None:
        connection.exec_driver_sql("SET LOCAL deadlock_timeout = '20ms'")

    event.listen(db.engine, "begin", begin)
    try:
        yield
    finally:
        event.remove(db.engine, "begin", begin)


class Rival:
    """Somebody who takes the locks of a phone in the other order, and is patient."""

    def __init__(self, phone: Phone) -> None:
        self._phone = {"id": phone.id}
        self._connection = db.engine.connect()
        self._connection.execute(text("SET deadlock_timeout = '30s'"))
        self._pid = self._connection.execute(text("SELECT pg_backend_pid()")).scalar()
        self._thread = Thread(target=self._finish)

    def hold(self) -> None:
        self._connection.execute(HOLD_PRESENCE, self._phone)

    def want_the_device(self) -> None:
        """Return once it waits for the phone's row."""
        self._thread.start()
        with db.engine.connect() as watch:
            end = time.monotonic() + 10
            while not watch.execute(WAITERS, {"pid": self._pid}).scalar():
                assert time.monotonic() < end, "nobody holds the phone"
                time.sleep(0.005)

    def _finish(self) -> None:
        self._connection.execute(TOUCH, self._phone)
        self._connection.commit()

    def join(self) -> None:
        self._thread.join(10)
        assert not self._thread.is_alive()
        self._connection.invalidate()
        self._connection.close()


def test_a_request_that_a_deadlock_ended_is_run_again_and_nobody_sees_it(
    company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    phone = company.enroll()
    rival = Rival(phone)
    rival.hold()
    real = presence.hold
    tries: list[Any] = []

    def hold(device_ids: Any) -> None:
        if not tries:
            rival.want_the_device()
        tries.append(device_ids)
        real(device_ids)

    monkeypatch.setattr(presence, "hold", hold)
    with watchful():
        answer = company.post(f"/devices/{phone.id}/revoke", REASON)
    rival.join()
    assert answer.status_code == 200 and answer.json["state"] == "retired"
    assert len(tries) == 2
    assert company.timeline(phone, "state") == ["state.retired"]
    audited = company.get("/audit", action="device.retired").json["items"]
    assert [entry["target_id"] for entry in audited] == [phone.id]


def test_ingest_waits_for_the_phone_before_it_holds_anything_that_a_revocation_wants(
    app: Flask, company: Company
) -> None:
    phone = company.enroll()
    now = clock.now()
    batch = [phone.presence(True, now), phone.heartbeat(now), phone.hello(now), phone.heartbeat(now)]
    done = Event()

    def ingest() -> None:
        with app.app_context(), unit_of_work():
            Router([routes]).handle(batch)
        done.set()

    with db.engine.connect() as revoking, watchful():
        revoking.execute(text("SELECT 1 FROM devices WHERE id = :id FOR UPDATE"), {"id": phone.id})
        told = Thread(target=ingest)
        told.start()
        assert not done.wait(0.2)
        revoking.execute(text("SELECT 1 FROM presence WHERE device_id = :id FOR UPDATE NOWAIT"), {"id": phone.id})
        revoking.rollback()
        assert done.wait(10)
        told.join()
    assert company.device(phone)["presence"]["online"]
