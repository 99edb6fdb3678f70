"""What a phone can and cannot do on our broker."""

from __future__ import annotations

import socket
import ssl
from pathlib import Path

import pytest

from core.ids import new_id
from mqtt.broker.endpoint import service_endpoint
from mqtt.broker.probe_client import ProbeClient, Refused
from mqtt.contract import topics
from mqtt.contract.names import Down, Up
from tests.broker.parts import Installation

NOT_AUTHORIZED = 0x87
TAKEN = (0x00, 0x10)


def service(broker: Installation, user: str) -> ProbeClient:
    return ProbeClient.service(service_endpoint(broker.settings, user), f"test-{new_id()}")  # type: ignore[arg-type]


def test_a_phone_publishes_to_its_seven_topics_and_ingest_receives_them(broker: Installation) -> None:
    phone = broker.phone()
    with service(broker, "ingest") as ingest, broker.client(phone) as client:
        ingest.connect()
        ingest.subscribe(topics.ALL_UP)
        client.connect()
        for kind in Up:
            assert client.publish(topics.up(phone.device_id, kind), b"x") in TAKEN
        assert ingest.wait_for(topics.up(phone.device_id, Up.EVENT))
        assert len(ingest.received) == len(Up)


@pytest.mark.parametrize(
    "topic",
    [
        "shouji/v1/d/{other}/up/hello",
        "shouji/v1/d/{own}/up/unknown",
        "shouji/v1/d/{own}/down/command",
        "shouji/v1/blobs/{own}",
        "$SYS/broker/uptime",
        "anything",
    ],
)
def test_a_phone_is_refused_every_other_topic(broker: Installation, topic: str) -> None:
    phone = broker.phone()
    with broker.client(phone) as client:
        client.connect()
        assert client.publish(topic.format(own=phone.device_id, other=new_id())) == NOT_AUTHORIZED


def test_a_phone_that_subscribes_to_everything_receives_only_its_own(broker: Installation) -> None:
    phone, other = broker.phone(), broker.phone()
    with service(broker, "relay") as relay, broker.client(phone) as client:
        client.connect()
        client.subscribe("#", "shouji/v1/d/+/down/+", "shouji/v1/d/+/up/+", f"$share/x/{topics.ALL_UP}")
        relay.connect()
        assert relay.publish(topics.down(other.device_id, Down.COMMAND), b"theirs") in TAKEN
        with broker.client(other) as second:
            second.connect()
            second.publish(topics.up(other.device_id, Up.HEARTBEAT), b"theirs")
        relay.publish(topics.down(phone.device_id, Down.COMMAND), b"mine")
        assert client.wait_for(topics.down(phone.device_id, Down.COMMAND))
        assert {payload for _, payload in client.received} == {b"mine"}


def test_a_blob_reaches_every_phone(broker: Installation) -> None:
    phone, digest = broker.phone(), "ab" * 32
    with service(broker, "relay") as relay, broker.client(phone) as client:
        client.connect()
        client.subscribe(topics.blob(digest))
        relay.connect()
        relay.publish(topics.blob(digest), b"blob")
        assert client.wait_for(topics.blob(digest))


def test_a_phone_cannot_take_another_ones_session_by_its_client_id(broker: Installation) -> None:
    victim, thief = broker.phone(), broker.phone()
    with broker.client(victim) as client:
        client.connect()
        forged = ProbeClient.phone(
            "127.0.0.1", broker.settings.mqtt_port, broker.files.ca, thief.identity, victim.device_id
        )
        with forged:
            forged.connect()
            assert forged.publish(topics.up(victim.device_id, Up.HELLO)) == NOT_AUTHORIZED
        assert not client.wait_for_end(0.2)


def test_a_certificate_of_a_foreign_ca_is_refused(broker: Installation, tmp_path: Path) -> None:
    foreign = Installation.make(tmp_path / "foreign")
    stranger = foreign.phone()
    client = ProbeClient.phone("127.0.0.1", broker.settings.mqtt_port, broker.files.ca, stranger.identity)
    with client, pytest.raises(Refused):
        client.connect()


def test_the_broker_offers_qos_1_at_most(broker: Installation) -> None:
    with broker.client(broker.phone()) as client:
        client.connect()
        assert client.maximum_qos == 1


def test_a_payload_at_the_protocol_limit_passes_and_one_over_the_brokers_is_cut_off(broker: Installation) -> None:
    phone = broker.phone()
    with broker.client(phone) as client:
        client.connect()
        assert client.publish(topics.up(phone.device_id, Up.RECORDS), bytes(200_000)) in TAKEN
    with broker.client(phone) as client:
        client.connect()
        client.send(topics.up(phone.device_id, Up.RECORDS), bytes(262_145))
        assert client.wait_for_end(2)


def test_the_brokers_certificate_names_the_host_that_phones_are_told(tmp_path: Path) -> None:
    made = Installation.make(tmp_path, mqtt_public_host="broker.example.org")
    with made.role():
        context = ssl.create_default_context(cafile=made.files.ca)
        context.load_cert_chain(made.phone().identity)
        plain = socket.create_connection(("127.0.0.1", made.settings.mqtt_port))
        with context.wrap_socket(plain, server_hostname="broker.example.org") as connection:
            assert connection.version() in ("TLSv1.2", "TLSv1.3")


@pytest.mark.parametrize(("user", "topic"), [("ingest", "shouji/v1/blobs/x"), ("admin", "shouji/v1/blobs/x")])
def test_a_service_user_may_only_do_its_own_job(broker: Installation, user: str, topic: str) -> None:
    with service(broker, user) as client:
        client.connect()
        assert client.publish(topic) == NOT_AUTHORIZED


def test_what_canaries_say_never_reaches_ingest(broker: Installation) -> None:
    phone = broker.phone()
    with service(broker, "ingest") as ingest, broker.client(phone) as client:
        ingest.connect()
        ingest.subscribe(topics.ALL_UP)
        broker.admin.probe()
        client.connect()
        client.publish(topics.up(phone.device_id, Up.HELLO), b"hello")
        assert ingest.wait_for(topics.up(phone.device_id, Up.HELLO))
        assert [topic for topic, _ in ingest.received] == [topics.up(phone.device_id, Up.HELLO)]
