"""Being connected: hello and presence, coming back, takeovers, refusals and what the server then says."""

from __future__ import annotations

import socket
import time
from pathlib import Path

import pytest

from agent.core import CAPABILITIES
from agent.link import Link
from agent.phone import Phone
from mqtt.contract import topics
from mqtt.contract.hello import Hello
from mqtt.contract.limits import PAYLOAD_MAX
from mqtt.contract.names import Up
from mqtt.contract.presence import Presence
from tests.agent.conftest import QUICK, MakePhone
from tests.agent.fake_parts import new_key
from tests.agent.fake_server import FakeServer


def test_each_connect_says_hello_once_and_is_online_under_its_own_connection(
    server: FakeServer, make_phone: MakePhone
) -> None:
    phone = make_phone()
    device = server.devices[phone.id]
    phone.disconnect()
    server.wait(lambda: len(device.got["presence"]) == 2)
    phone.connect()
    phone.wait_connected()
    server.wait(lambda: len(device.got["hello"]) == 2 and len(device.got["presence"]) == 3)
    first, second = (Hello.take(item) for item in device.got["hello"])
    assert first.boot_id == second.boot_id
    assert first.connection != second.connection
    assert set(first.capabilities) == CAPABILITIES
    said = [Presence.take(item) for item in device.got["presence"]]
    assert [(item.online, item.connection) for item in said] == [
        (True, first.connection),
        (False, first.connection),
        (True, second.connection),
    ]


def test_a_new_start_of_the_phone_has_a_new_boot_id(server: FakeServer, make_phone: MakePhone, tmp_path: Path) -> None:
    phone = make_phone()
    device = server.devices[phone.id]
    phone.kill()
    again = Phone.open(tmp_path / "phone", options=QUICK)
    again.connect()
    again.wait_greeted()
    again.close()
    assert again.id == phone.id
    assert device.got["hello"][0]["boot_id"] != device.got["hello"][-1]["boot_id"]


def test_a_hello_that_was_lost_is_said_again_and_an_answered_one_is_not(
    server: FakeServer, make_phone: MakePhone
) -> None:
    server.answer_hello = False
    phone = make_phone(connect=False, hello_again=0.2)
    phone.connect()
    device = server.devices[phone.id]
    server.wait(lambda: len(device.got["hello"]) == 2)
    server.answer_hello = True
    phone.wait_greeted()
    said = len(device.got["hello"])
    assert len({hello["connection"] for hello in device.got["hello"]}) == 1
    phone.wait(lambda p: p.connection._hello_timer is None)
    time.sleep(0.8)
    assert len(device.got["hello"]) == said


def test_a_phone_that_stays_connected_says_hello_again_after_a_while(server: FakeServer, make_phone: MakePhone) -> None:
    phone = make_phone(hello_fresh=0.3)
    device = server.devices[phone.id]
    server.wait(lambda: len(device.got["hello"]) >= 3)
    assert len({hello["connection"] for hello in device.got["hello"]}) == 1


def test_a_broker_that_goes_and_comes_is_found_again(server: FakeServer, make_phone: MakePhone) -> None:
    phone = make_phone()
    server.stop_mosquitto()
    phone.wait(lambda p: not p.core.online)
    phone.handset.receive_sms("+8613900001111", "离线时收到")
    server.start_mosquitto()
    phone.wait_connected()
    phone.wait_archived()
    assert server.devices[phone.id].through == 1


def test_a_connection_that_breaks_while_a_message_is_answered_does_not_stop_the_phone(
    server: FakeServer, make_phone: MakePhone
) -> None:
    phone = make_phone()
    handle = phone.connection.link_message
    broken: list[Link] = []

    def break_and_answer(link: Link, topic: str, payload: bytes) -> None:
        if not broken:
            broken.append(link)
            link._sock.shutdown(socket.SHUT_RDWR)  # type: ignore[union-attr]
            link.publish(topics.up(phone.id, Up.PRESENCE), b"{}")
        handle(link, topic, payload)

    phone.loop.run_sync(lambda: setattr(phone.connection, "link_message", break_and_answer))
    server.send(server.devices[phone.id], "command", b"anything")
    server.wait(lambda: broken)
    phone.wait(lambda p: p.core.online and p.connection.connects >= 2)


def test_the_broker_refuses_what_is_not_the_phones_own(server: FakeServer, make_phone: MakePhone) -> None:
    phone, other = make_phone(), make_phone("other")
    assert phone.probe.publish_up(Up.PRESENCE, b"{}") < 0x80
    for topic in (topics.up(other.id, Up.HELLO), topics.down(phone.id, "command"), topics.blob("ab" * 32)):
        assert phone.probe.publish(topic, b"x") == 0x87


def test_foreign_messages_are_not_delivered_whatever_is_subscribed(server: FakeServer, make_phone: MakePhone) -> None:
    phone, other = make_phone(), make_phone("other")
    phone.probe.subscribe("#")
    phone.probe.subscribe(f"{topics.PREFIX}/d/{other.id}/#")
    server.send(server.devices[other.id], "command", b"for the other")
    server.send(server.devices[phone.id], "command", b"for us")
    phone.wait(lambda p: any(payload == b"for us" for _, payload in p.probe.received))
    other.wait(lambda p: any(payload == b"for the other" for _, payload in p.probe.received))
    assert all(other.id not in topic for topic, _ in phone.probe.received)


def test_too_large_a_payload_never_leaves_the_phone(make_phone: MakePhone) -> None:
    phone = make_phone()
    with pytest.raises(ValueError, match="payload"):
        phone.loop.run_sync(lambda: phone.core.publish(Up.EVENT, b"x" * (PAYLOAD_MAX + 1)))
    assert phone.connected


def test_repeated_refusals_make_the_phone_ask_and_leave_when_its_life_has_ended(
    server: FakeServer, make_phone: MakePhone
) -> None:
    phone = make_phone()
    device = server.devices[phone.id]
    device.status = {"state": "retired", "action": "unenroll"}
    server.archive_records = False
    phone.handset.receive_sms("+8613900001111", "尚未归档")
    server.wait(lambda: device.got["batches"])
    server.archive_records = True
    server.revoke(device)
    phone.wait(lambda p: p.connection.ended)
    server.wait(lambda: device.through == 1, what="late records over HTTP")
    assert ("POST", "/api/v1/device/records") in server.http_log
    phone.wait(lambda p: p.policy.in_force is None and p.archive.unsent == 0)


def test_a_status_that_says_reauthenticate_renews_the_certificate(server: FakeServer, make_phone: MakePhone) -> None:
    phone = make_phone()
    device = server.devices[phone.id]
    device.status = {"state": "active", "action": "reauthenticate"}
    before = phone.identity.certificate
    server.revoke(device)
    phone.wait(lambda p: p.core.online and p.identity.certificate != before)


def test_a_status_by_another_key_changes_nothing(server: FakeServer, make_phone: MakePhone) -> None:
    phone = make_phone()
    device = server.devices[phone.id]
    forged = _forged_status(server, device.id)
    server.override = lambda method, path, _body: (200, forged, {}) if path.endswith("device/status") else None
    server.revoke(device)
    server.wait(lambda: ("GET", "/api/v1/device/status") in server.http_log)
    phone.wait(lambda p: p.archive.last_seq == 1, what="an integrity event")
    assert not phone.connection.ended


def _forged_status(server: FakeServer, device_id: str) -> bytes:
    claims = {"sub": device_id, "iat": server.now(), "state": "wiped", "action": "unenroll"}
    return server.sign("shouji-status+jws", claims, key=new_key())
