"""Ingest and relay on a real broker and both databases."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.exc import OperationalError

from core import outbox
from core.crypto.jwk import SigningKey
from core.db import session
from core.ids import new_id
from core.outbox import Due
from core.uow import unit_of_work
from mqtt import effects
from mqtt.broker.endpoint import service_endpoint
from mqtt.buckets import Buckets
from mqtt.contract import topics
from mqtt.dead_letters import DeadLetter, DeadLetterCount
from mqtt.effects import Publish
from mqtt.events import flooded
from mqtt.ingest import Ingest
from mqtt.relay import Relay
from mqtt.routes import DeviceRoutes, Inbound, Refusal, Router
from tests.broker.parts import Installation, Phone, until


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """One running broker for the module."""
    with Installation.make(tmp_path_factory.mktemp("broker")).role() as running:
        yield running


class Room:
    """A room that keeps what it is handed, and can be told to misbehave."""

    def __init__(self) -> None:
        self.routes = DeviceRoutes()
        self.seen: list[str] = []
        self.fail_with: list[BaseException] = []
        self.routes.on("heartbeat")(self.take)

    def take(self, messages: Sequence[Inbound]) -> list[Refusal]:
        if self.fail_with:
            raise self.fail_with.pop()
        texts = [message.payload.decode() for message in messages]
        if "poison" in texts:
            raise ValueError("poison")
        self.seen += [text for text in texts if text != "refuse me"]
        return [Refusal(message, "test") for message in messages if message.payload == b"refuse me"]


def _ingest(app: Flask, broker: Installation, room: Room, buckets: Buckets | None = None) -> Ingest:
    endpoint = service_endpoint(broker.settings, "ingest")
    return Ingest(app, Router([room.routes]), endpoint, buckets or Buckets(10_000, 10_000_000))


def _say(broker: Installation, phone: Phone, *payloads: bytes, retain: bool = False) -> None:
    with broker.client(phone) as client:
        client.connect()
        for payload in payloads:
            client.publish(topics.up(phone.device_id, "heartbeat"), payload, retain=retain)


def test_messages_are_stored_and_bad_ones_quarantined_alone(app: Flask, broker: Installation) -> None:
    room, phone = Room(), broker.phone()
    ingest = _ingest(app, broker, room)
    ingest.start()
    try:
        assert until(lambda: ingest.connected)
        _say(broker, phone, b"one", b"refuse me", b"poison", b"two")
        assert until(lambda: ingest.stored + ingest.refused >= 4)
    finally:
        ingest.stop()
    assert sorted(set(room.seen)) == ["one", "two"]
    letters = session().scalars(select(DeadLetter)).all()
    assert sorted(letter.reason for letter in letters) == ["crash", "test"]
    assert all(b"poison" not in letter.sealed for letter in letters)


def test_nothing_is_acknowledged_while_the_database_is_away(app: Flask, broker: Installation) -> None:
    room, phone = Room(), broker.phone()
    room.fail_with = [OperationalError("x", {}, Exception()) for _ in range(3)]
    ingest = _ingest(app, broker, room)
    ingest.start()
    try:
        assert until(lambda: ingest.connected)
        _say(broker, phone, b"kept")
        assert until(lambda: "kept" in room.seen)
    finally:
        ingest.stop()
    assert session().scalar(select(func.count()).select_from(DeadLetter)) == 0


def test_what_arrives_while_ingest_is_away_is_stored_after(app: Flask, broker: Installation) -> None:
    room, phone = Room(), broker.phone()
    ingest = _ingest(app, broker, room)
    ingest.start()
    assert until(lambda: ingest.connected)
    ingest.stop()
    _say(broker, phone, *(f"late {number}".encode() for number in range(50)))
    again = _ingest(app, broker, room)
    again.start()
    try:
        assert until(lambda: len(room.seen) >= 50)
    finally:
        again.stop()
    assert room.seen == [f"late {number}" for number in range(50)]


def test_a_retained_message_changes_nothing(app: Flask, broker: Installation) -> None:
    room, phone = Room(), broker.phone()
    ingest = _ingest(app, broker, room)
    ingest.start()
    try:
        assert until(lambda: ingest.connected)
        _say(broker, phone, b"held", retain=True)
        _say(broker, phone, b"live")
        assert until(lambda: "live" in room.seen)
    finally:
        ingest.stop()
    assert room.seen == ["live"]
    assert ingest.dropped == 1


def test_a_flooding_phone_is_reported_and_its_surplus_dropped(app: Flask, broker: Installation) -> None:
    room, phone = Room(), broker.phone()
    reported: list[str] = []

    def note(_sender: object, devices: list[str]) -> None:
        reported.extend(devices)

    flooded.connect(note)
    ingest = _ingest(app, broker, room, Buckets(5, 10_000_000))
    ingest.start()
    try:
        assert until(lambda: ingest.connected)
        _say(broker, phone, *(b"x" for _ in range(200)))
        assert until(lambda: bool(reported))
    finally:
        ingest.stop()
        flooded.disconnect(note)
    assert reported[0] == phone.device_id
    assert len(room.seen) <= 60
    assert ingest.dropped >= 100


def test_quarantine_is_bounded_and_counts_all(app: Flask, broker: Installation) -> None:
    room, phone = Room(), broker.phone()
    ingest = _ingest(app, broker, room)
    ingest.start()
    try:
        assert until(lambda: ingest.connected)
        _say(broker, phone, *(b"refuse me" for _ in range(150)))
        assert until(lambda: ingest.refused >= 150)
    finally:
        ingest.stop()
    assert session().scalar(select(func.count()).select_from(DeadLetter)) == 100
    assert session().scalar(select(DeadLetterCount.refused)) == 150


@pytest.fixture
def relayed(app: Flask, broker: Installation) -> Iterator[Relay]:
    """A running relay with one test effect."""
    relay = Relay(app, service_endpoint(broker.settings, "relay"))
    relay.start()
    assert until(lambda: relay.connected)
    yield relay
    relay.stop()


SETTLED: list[tuple[str, bool]] = []


@effects.renders("test-lock")
def _render(rows: Sequence[Due], _key: SigningKey) -> list[Publish]:
    return [Publish(row.id, topics.down(row.key, "command"), b"lock") for row in rows]


@effects.settles("test-lock")
def _settle(reached: Sequence[Due], missed: Sequence[Due]) -> None:
    SETTLED.extend((row.key, True) for row in reached)
    SETTLED.extend((row.key, False) for row in missed)


def _depth(app: Flask) -> int:
    with app.app_context(), unit_of_work(write=False) as current:
        return outbox.depth(current)


@pytest.mark.usefixtures("relayed")
def test_an_effect_leaves_after_the_commit_and_is_forgotten_at_its_puback(app: Flask, broker: Installation) -> None:
    SETTLED.clear()
    phone, absent = broker.phone(), new_id()
    with broker.client(phone) as client:
        client.connect()
        client.subscribe(topics.all_down(phone.device_id))
        with unit_of_work():
            outbox.enqueue("test-lock", [phone.device_id, absent])
        assert until(lambda: len(SETTLED) == 2)
        assert client.wait_for(topics.down(phone.device_id, "command"))
        assert [payload for _, payload in client.received] == [b"lock"]
    assert sorted(SETTLED) == sorted([(phone.device_id, True), (absent, False)])
    assert until(lambda: _depth(app) == 0)


@pytest.mark.usefixtures("relayed")
def test_a_rolled_back_effect_never_leaves() -> None:
    SETTLED.clear()
    with pytest.raises(RuntimeError), unit_of_work():
        outbox.enqueue("test-lock", [new_id()])
        raise RuntimeError
    with unit_of_work():
        outbox.enqueue("test-lock", [marker := new_id()])
    assert until(lambda: bool(SETTLED))
    assert [(marker, False)] == SETTLED


def test_equal_effects_are_published_once(app: Flask, broker: Installation) -> None:
    phone = broker.phone()
    with unit_of_work():
        for _ in range(20):
            outbox.enqueue("test-lock", [phone.device_id])
    relay = Relay(app, service_endpoint(broker.settings, "relay"))
    relay.start()
    try:
        assert until(lambda: _depth(app) == 0)
    finally:
        relay.stop()
    assert relay.published == 1


@pytest.mark.usefixtures("relayed")
def test_an_effect_that_fails_is_tried_again_and_holds_up_nothing(app: Flask) -> None:
    tries: list[int] = []

    @effects.performs("test-fails")
    def fails(rows: Sequence[Due]) -> None:
        tries.append(len(rows))
        if len(tries) < 2:
            raise RuntimeError("not yet")

    SETTLED.clear()
    with unit_of_work():
        outbox.enqueue("test-fails", ["x"])
        outbox.enqueue("test-lock", [new_id()])
    assert until(lambda: bool(SETTLED))
    assert until(lambda: len(tries) == 2)
    assert until(lambda: _depth(app) == 0)


def test_rows_written_while_the_broker_is_away_leave_when_it_is_back(app: Flask, tmp_path: Path) -> None:
    installation = Installation.make(tmp_path)
    SETTLED.clear()
    service_endpoint(installation.settings, "relay")
    relay = Relay(app, service_endpoint(installation.settings, "relay"))
    relay.start()
    try:
        with unit_of_work():
            outbox.enqueue("test-lock", [new_id() for _ in range(10)])
        threading.Event().wait(1.0)
        assert _depth(app) == 10
        with installation.role():
            assert until(lambda: _depth(app) == 0)
    finally:
        relay.stop()
    assert len(SETTLED) == 10


def test_what_phones_say_after_a_broker_restart_and_before_ingest_is_back_is_stored(app: Flask, tmp_path: Path) -> None:
    installation = Installation.make(tmp_path)
    room, phone = Room(), installation.phone()
    with installation.role():
        ingest = _ingest(app, installation, room)
        ingest.start()
        assert until(lambda: ingest.connected)
        ingest.stop()
    with installation.role():
        _say(installation, phone, *(f"early {number}".encode() for number in range(50)))
        again = _ingest(app, installation, room)
        again.start()
        try:
            assert until(lambda: len(room.seen) >= 50)
        finally:
            again.stop()
