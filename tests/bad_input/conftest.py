"""A whole server on each database, shared by the tests of one file, and phones that may misbehave."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from agent.core import Options
from agent.phone import Phone
from app import create_app
from config.loading import load
from core.db import session
from core.runtime import runtime
from core.uow import unit_of_work
from mqtt.dead_letters import KEPT_BYTES, DeadLetter
from tests.bad_input.http_wire import Wire
from tests.support.databases import Databases
from tests.support.server import PASSWORD, Server

QUIET = Options(heartbeat_s=3600.0, integrity_quiet=0.0, batch_delay=0.0, backoff_longest=2.0)
WAIT_SECONDS = 30.0
CRASHES = ("request_failed", "poison_message", "role_crashed", "callback_failed", "process_ended")
"""What the log says when something happened that nobody expected."""


@pytest.fixture(scope="module")
def server(database_kind: str, databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A running installation on a database of its own."""
    address = databases.migrated(database_kind)
    running = Server.make(tmp_path_factory.mktemp("server"), address, sign_in_limit="1000 per minute")
    try:
        yield running.start()
    finally:
        running.stop()
    assert running.pids() == {}, "a process outlived the server"
    crashes = [line for line in running.log().splitlines() if any(word in line for word in CRASHES)]
    assert crashes == [], running.log()[-6000:]


@pytest.fixture(scope="module")
def inside(server: Server) -> Flask:
    """The same installation seen from inside: its key ring and its database."""
    return create_app(load({**server.environment}))


@pytest.fixture
def wire(server: Server) -> Wire:
    """Requests without any token."""
    return Wire(server.base_url)


@pytest.fixture(scope="module")
def people(server: Server) -> People:
    """Makes people and signs them in."""
    return People(server)


@dataclass
class People:
    """Staff of the installation."""

    server: Server

    def hire(self, *roles: str, org_unit: str = "/") -> Wire:
        """Somebody with these roles, signed in."""
        username = f"u{uuid.uuid4().hex[:10]}"
        body = {"username": username, "name": "某人", "password": PASSWORD, "roles": list(roles), "org_unit": org_unit}
        self.server.api.post("staff", body)
        return self.sign_in(username)

    def sign_in(self, username: str) -> Wire:
        """Requests of somebody who exists, with a fresh token."""
        wire = Wire(self.server.base_url)
        answer = wire.post("/api/v1/auth/token", {"username": username, "password": PASSWORD})
        assert answer.status == 200, answer.body
        wire.token = answer.json["access_token"]
        return wire


@dataclass
class Yard:
    """Phones of one file, closed at its end."""

    server: Server
    folder: Path
    phones: list[Phone] = field(default_factory=list)

    def phone(self, options: Options = QUIET, *, connect: bool = True, **token: Any) -> Phone:
        """A phone that is enrolled, and connected and greeted unless told otherwise."""
        state = self.folder / f"phone{len(self.phones)}"
        phone = Phone.enroll(self.server.base_url, self.server.token(**token), state=state, options=options)
        self.phones.append(phone)
        if connect:
            phone.connect()
            phone.wait_greeted()
        return phone


@pytest.fixture(scope="module")
def yard(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Yard]:
    """Where phones come from."""
    made = Yard(server, tmp_path_factory.mktemp("phones"))
    try:
        yield made
    finally:
        for phone in made.phones:
            phone.close()


@pytest.fixture(scope="module")
def good(yard: Yard) -> Phone:
    """A phone that behaves, while others do not."""
    return yard.phone()


@dataclass(frozen=True, slots=True)
class Letter:
    """What the quarantine holds of one message."""

    kind: str
    reason: str
    size: int
    truncated: bool
    opened: bytes


@dataclass
class Quarantine:
    """The quarantine, its sealed bytes opened with the installation's key."""

    app: Flask

    def of(self, device_id: str) -> list[Letter]:
        """The letters of one phone, oldest first."""
        with self.app.app_context(), unit_of_work(write=False):
            query = select(DeadLetter).where(DeadLetter.device_id == device_id)
            rows = session().scalars(query.order_by(DeadLetter.received_at, DeadLetter.id)).all()
            opened = [runtime().envelope.open(row.sealed, f"dead_letter:{row.id}") for row in rows]
            return [
                Letter(row.kind, row.reason, row.size, row.truncated, plain)
                for row, plain in zip(rows, opened, strict=True)
            ]

    def next(self, phone: Phone, known: int, payload: bytes) -> Letter:
        """The letter after those known; it holds the payload as it was sent."""
        soon(lambda: len(self.of(phone.id)) > known, "the message in quarantine")
        letter = self.of(phone.id)[known]
        assert letter.size == len(payload)
        assert letter.opened == payload[:KEPT_BYTES]
        assert letter.truncated is (len(payload) > KEPT_BYTES)
        return letter


@pytest.fixture(scope="module")
def quarantine(inside: Flask) -> Quarantine:
    """What was refused."""
    return Quarantine(inside)


def soon(done: Callable[[], Any], what: str = "it", seconds: float = WAIT_SECONDS, pause: float = 0.03) -> Any:
    """Poll until the value is true and give it. Raises AssertionError that names what was awaited."""
    end = time.monotonic() + seconds
    while not (found := done()):
        assert time.monotonic() < end, f"{what} did not happen within {seconds:.0f} s"
        time.sleep(pause)
    return found


def snapshot(server: Server, device_id: str) -> dict[str, Any]:
    """All that the server shows of a phone."""
    parts = {part: server.api.get(f"devices/{device_id}/{part}") for part in ("timeline", "commands", "chain")}
    return {"device": server.device(device_id), **parts}


def settled(server: Server, phone: Phone) -> dict[str, Any]:
    """What the server shows of a phone once all that follows from its connect has arrived."""
    soon(lambda: server.device(phone.id)["presence"]["heartbeat_at"], "the first heartbeat")
    seen = [snapshot(server, phone.id)]

    def unmoved() -> bool:
        time.sleep(0.5)
        seen.append(snapshot(server, phone.id))
        return seen[-1] == seen[-2]

    soon(unmoved, "quiet")
    return seen[-1]


def assert_lives(server: Server, phone: Phone) -> None:
    """A command and a heartbeat make their way: nothing is the matter with this phone."""
    before = server.device(phone.id)["presence"]["heartbeat_at"]
    ping = server.api.post(f"devices/{phone.id}/commands", {"type": "ping", "args": {}})["id"]
    soon(lambda: server.api.get(f"commands/{ping}")["status"] == "succeeded", "the ping")

    def heard() -> bool:
        # A phone learns the server's time in whole seconds: its first heartbeat may be ahead of the next by one.
        phone.beat()
        return bool(server.device(phone.id)["presence"]["heartbeat_at"] != before)

    soon(heard, "the heartbeat", pause=0.2)
