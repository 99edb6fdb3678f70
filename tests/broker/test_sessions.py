"""What waits in the broker for the server's own clients outlives a restart of the broker."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from typing import Any

import pytest
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from core.crypto.keyring import KeyRing
from core.outbox import Due
from mqtt import broker_effects
from mqtt.broker.endpoint import service_endpoint
from mqtt.broker.probe_client import ProbeClient
from mqtt.broker.rendering import mosquitto_conf
from mqtt.contract import topics
from mqtt.contract.limits import SESSION_EXPIRY_S
from mqtt.contract.names import RETAINED_DOWN, Up
from tests.broker.parts import Installation, until

AUTOSAVE_SECONDS = 5


def ingest(broker: Installation, on_message: Callable[[bytes], None]) -> Client:
    """A client with a session that lasts (Clean Start 0), as ingest has it."""
    endpoint = service_endpoint(broker.settings, "ingest")
    client = Client(CallbackAPIVersion.VERSION2, "test-ingest", protocol=MQTTProtocolVersion.MQTTv5, transport="unix")
    client.username_pw_set(endpoint.username, endpoint.password)
    client.on_message = lambda _c, _u, message: on_message(bytes(message.payload))
    properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
    properties.SessionExpiryInterval = 3600
    properties.ReceiveMaximum = 500
    client.connect(endpoint.host, 1, clean_start=False, properties=properties)
    return client


def spin(client: Client, done: Callable[[], Any], seconds: float = 5) -> bool:
    end = time.monotonic() + seconds
    while not done() and time.monotonic() < end:
        client.loop(0.05)
    return bool(done())


def subscribe(broker: Installation) -> None:
    granted: list[int] = []
    client = ingest(broker, lambda _: None)
    client.on_subscribe = lambda *_: granted.append(1)
    assert spin(client, client.is_connected)
    client.subscribe(topics.ALL_UP, 1)
    assert spin(client, lambda: granted)
    client.disconnect()


def send(broker: Installation, count: int) -> None:
    phone = broker.phone()
    with broker.client(phone) as client:
        client.connect()
        for number in range(count):
            assert client.publish(topics.up(phone.device_id, Up.HEARTBEAT), str(number).encode()) == 0


def received(broker: Installation, count: int) -> list[int]:
    got: list[int] = []
    client = ingest(broker, lambda payload: got.append(int(payload)))
    spin(client, lambda: len(got) >= count)
    client.disconnect()
    return got


def test_messages_waiting_for_ingest_survive_a_restart(installation: Installation) -> None:
    with installation.role():
        subscribe(installation)
        send(installation, 50)
    with installation.role():
        assert received(installation, 50) == list(range(50))


@pytest.mark.usefixtures("watchful")
def test_messages_saved_in_time_survive_kill_9(broker: Installation) -> None:
    subscribe(broker)
    send(broker, 50)
    store = broker.files.store / "mosquitto.db"
    before = store.stat().st_mtime_ns if store.exists() else 0
    assert until(lambda: store.exists() and store.stat().st_mtime_ns > before, AUTOSAVE_SECONDS * 3)
    process = broker.process()
    assert process is not None
    os.kill(process.pid, signal.SIGKILL)
    assert until(lambda: broker.process() not in (None, process))
    assert until(broker.ready)
    assert received(broker, 50) == list(range(50))


def test_more_than_the_default_queue_waits_without_loss(broker: Installation) -> None:
    subscribe(broker)
    send(broker, 1500)  # mosquitto's default keeps 1000 and drops the rest without a word
    assert received(broker, 1500) == list(range(1500))
    assert broker.admin.probe().dropped_messages == 0


def test_a_phones_session_is_one_that_never_ends_by_itself(installation: Installation) -> None:
    # 2.0.11 uses freed memory after a reload while a session that can end is away (seen with valgrind).
    assert SESSION_EXPIRY_S == 0xFFFF_FFFF
    directives = {
        line.split()[0] for line in mosquitto_conf(installation.settings, installation.files).splitlines() if line
    }
    assert "persistence" in directives and "persistent_client_expiration" not in directives


def test_nothing_of_a_phone_that_left_stays_in_the_broker(broker: Installation) -> None:
    phone, other = broker.phone(), broker.phone()
    for one in (phone, other):
        with broker.client(one) as client:
            client.connect()
            for kind in Up:
                assert client.publish(topics.up(one.device_id, kind), b"left", retain=True) in (0, 0x10)
    with ProbeClient.service(service_endpoint(broker.settings, "relay"), "test-relay") as relay:
        relay.connect()
        for kept in RETAINED_DOWN:
            relay.publish(topics.down(phone.device_id, kept), b"kept", retain=True)
        key = KeyRing.open(broker.settings.data_dir.absolute() / "keys").signing_keys()[0]
        rows = [Due(1, broker_effects.CLEAR_RETAINED, phone.device_id, {})]
        for message in broker_effects.clear_retained(rows, key):
            assert relay.publish(message.topic, message.payload, retain=message.retain) in (0, 0x10)
    with ProbeClient.service(service_endpoint(broker.settings, "ingest"), "test-reader") as reader:
        reader.connect()
        reader.subscribe(topics.ALL_UP)
        assert reader.wait_for(topics.up(other.device_id, list(Up)[-1]))
        assert {topic.split("/")[3] for topic, _ in reader.received} == {other.device_id}
    with broker.client(phone) as client:
        client.connect()
        client.subscribe(topics.all_down(phone.device_id))
        client.publish(topics.up(phone.device_id, Up.HELLO))
        assert client.received == []
