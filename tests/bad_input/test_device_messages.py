"""Messages that no honest phone sends: quarantined sealed with their reason, and nothing else changes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from agent.phone import Phone
from mqtt.contract import topics
from mqtt.contract.names import Down, Typ, Up
from tests.bad_input.attacker import Attacker
from tests.bad_input.conftest import QUIET, Quarantine, Yard, assert_lives, snapshot, soon
from tests.bad_input.device_cases import CASES
from tests.bad_input.tokens import b64u
from tests.support.server import Server

FAILURE = 0x80
NOT_AUTHORIZED = 0x87
BROKER_LIMIT = 262_144


@pytest.fixture(scope="module")
def attacker(yard: Yard, good: Phone) -> Attacker:
    return Attacker(yard, good, good)


@pytest.mark.parametrize("name", CASES)
def test_a_malformed_message_is_acknowledged_and_quarantined(
    quarantine: Quarantine, attacker: Attacker, name: str
) -> None:
    phone = attacker.next_phone()
    kind, make, reason = CASES[name]
    payload, known = make(attacker), len(quarantine.of(phone.id))
    assert phone.probe.publish_up(kind, payload) < FAILURE
    letter = quarantine.next(phone, known, payload)
    assert (letter.kind, letter.reason) == (kind, reason)


def test_none_of_it_changed_anything_and_all_phones_live(server: Server, attacker: Attacker) -> None:
    assert attacker.before
    for device_id, before in attacker.before.items():
        assert snapshot(server, device_id) == before
    assert_lives(server, attacker.phone)
    assert_lives(server, attacker.other)
    attacker.phone.handset.receive_sms("+8613800138000", "还在", "王先生")
    attacker.phone.wait_archived()


@pytest.mark.parametrize(
    ("changes", "reason"), [({"records": ["{}"]}, "head"), ({"sig": b64u(bytes(64))}, "signature")]
)
def test_a_batch_that_does_not_hold_is_refused_and_told_once(
    server: Server, quarantine: Quarantine, yard: Yard, good: Phone, changes: dict[str, Any], reason: str
) -> None:
    liar = Attacker(yard, yard.phone(), good)
    payload = liar.seal(liar.batch(**changes))
    for known in range(2):
        liar.phone.probe.publish_up(Up.RECORDS, payload)
        assert quarantine.next(liar.phone, known, payload).reason == reason
    chain = server.api.get(f"devices/{liar.phone.id}/chain")
    assert (chain["through"], chain["refused"]) == (0, 1)


def test_unknown_members_are_ignored(server: Server, quarantine: Quarantine, attacker: Attacker) -> None:
    phone = attacker.phone
    known = len(quarantine.of(phone.id))
    phone.probe.publish_up(Up.HEARTBEAT, attacker.heartbeat(battery=0.42, mood="fine", posture_2={"a": [1]}))
    soon(lambda: server.device(phone.id)["presence"]["battery"] == 0.42, "the heartbeat")
    hello = attacker.good(Typ.HELLO, agent_version="1.0.7", mood={"very": ["fine"]})
    phone.probe.publish_up(Up.HELLO, attacker.token(Typ.HELLO, hello))
    soon(lambda: server.device(phone.id)["agent_version"] == "1.0.7", "the hello")
    report = attacker.good(Typ.REPORTED, detail="unknown members", mood=1)
    phone.probe.publish_up(Up.REPORTED, attacker.token(Typ.REPORTED, report))
    soon(lambda: server.device(phone.id)["policy"]["reported"]["outcome"] == "failed", "the report")
    assert len(quarantine.of(phone.id)) == known


def test_a_retained_message_changes_nothing(server: Server, quarantine: Quarantine, attacker: Attacker) -> None:
    phone = attacker.phone
    known = len(quarantine.of(phone.id))
    phone.probe.publish_up(Up.HEARTBEAT, attacker.heartbeat(battery=0.11), retain=True)
    phone.probe.publish_up(Up.HELLO, attacker.token(Typ.HELLO, attacker.good(Typ.HELLO)), retain=True)
    phone.probe.publish_up(Up.HEARTBEAT, attacker.heartbeat(battery=0.12))
    soon(lambda: server.device(phone.id)["presence"]["battery"] != 0.42, "the next heartbeat")
    assert server.device(phone.id)["presence"]["battery"] == 0.12
    assert len(quarantine.of(phone.id)) == known


def test_topics_that_are_not_the_phones_own_are_closed(
    server: Server, quarantine: Quarantine, attacker: Attacker
) -> None:
    phone, other = attacker.phone, attacker.other
    before, letters = snapshot(server, other.id), len(quarantine.of(other.id))
    heartbeat = attacker.heartbeat(battery=0.01)
    closed = [
        *(topics.up(other.id, kind) for kind in Up),
        *(topics.down(device, kind) for device in (phone.id, other.id) for kind in Down),
        topics.blob("0" * 64),
        f"shouji/v1/d/{phone.id}/up/voice",
        f"shouji/v1/d/{phone.id}/up/heartbeat/more",
        "shouji/v1/d/+/up",
        "$SYS/broker/uptime",
        "elsewhere",
    ]
    answers = {topic: phone.probe.publish(topic, heartbeat) for topic in closed if "+" not in topic}
    assert set(answers.values()) == {NOT_AUTHORIZED}, answers
    assert phone.probe.publish(topics.down(phone.id, Down.DESIRED), b"", retain=True) == NOT_AUTHORIZED
    assert snapshot(server, other.id) == before
    assert len(quarantine.of(other.id)) == letters


def test_whatever_a_phone_subscribes_to_it_hears_its_own_alone(server: Server, yard: Yard, good: Phone) -> None:
    spy = yard.phone(replace(QUIET, trace=True))
    for wide in (
        "#",
        "shouji/#",
        "shouji/v1/d/+/up/+",
        "shouji/v1/d/+/down/+",
        topics.all_down(good.id),
        "$share/thief/shouji/v1/d/+/up/+",
        "$SYS/#",
    ):
        spy.probe.subscribe(wide)
    assert_lives(server, good)
    assert_lives(server, good)
    heard = {topic for topic, _ in spy.probe.received}
    assert heard, "it hears what is meant for it"
    assert {
        topic for topic in heard if not topic.startswith((f"shouji/v1/d/{spy.id}/down/", "shouji/v1/blobs/"))
    } == set()


def test_a_message_over_the_brokers_limit_ends_the_connection_and_nothing_else(
    server: Server, yard: Yard, good: Phone
) -> None:
    phone = yard.phone()
    connects = phone.connection.connects
    code = phone.probe.publish_up(Up.HEARTBEAT, b"x" * (BROKER_LIMIT + 4096))
    assert code >= FAILURE
    soon(lambda: phone.connection.connects > connects, "the next connection")
    assert_lives(server, good)
    assert_lives(server, phone)
