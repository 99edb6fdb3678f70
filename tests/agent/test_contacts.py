"""The contact book: sealed to the phone, versioned, erased in time; addresses stay with the dialler."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from agent import crypto
from agent.phone import Phone
from mqtt.contract.jwks import Jwk
from mqtt.contract.names import Typ
from mqtt.contract.records import PointPeer, read_record
from tests.agent.conftest import QUICK, MakePhone
from tests.agent.fake_parts import Device, new_key
from tests.agent.fake_server import FakeServer

NUMBER = "+8613800138000"


def _book(
    server: FakeServer, version: int, *, life: int = 600, address: str | None = None, **contact: Any
) -> dict[str, Any]:
    point = {"id": "p1", "channel": "phone", "masked": "138****8000", **({"address": address} if address else {})}
    members = {"id": "c1", "name": "王先生", "relation": "customer", "cases": [], "may_call": True,
               "alias": "客户-7F3AQ", "points": [point], "lease": None, **contact}  # fmt: skip
    return {"version": version, "exp": server.now() + life, "contacts": [members]}


def _give(server: FakeServer, device: Device, book: dict[str, Any], **more: Any) -> None:
    server.send(device, "contacts", server.contacts_jwe(device, {**book, **more}), retain=True)


def test_a_book_is_opened_and_survives_a_start(server: FakeServer, make_phone: MakePhone, tmp_path: Path) -> None:
    phone = make_phone()
    _give(server, server.devices[phone.id], _book(server, 7))
    phone.wait(lambda p: p.book.version == 7)
    assert phone.probe.hello_members()["contacts_version"] == 7
    phone.kill()
    again = Phone.open(tmp_path / "phone", options=QUICK)
    assert again.book.contacts[0].alias == "客户-7F3AQ"
    again.close()


def test_a_lower_version_is_ignored_and_an_equal_later_one_renews(server: FakeServer, make_phone: MakePhone) -> None:
    phone = make_phone()
    device = server.devices[phone.id]
    _give(server, device, _book(server, 7))
    phone.wait(lambda p: p.book.version == 7)
    _give(server, device, _book(server, 6))
    _give(server, device, _book(server, 7, life=900), iat=server.now() + 1)
    phone.wait(lambda p: p.book._book is not None and p.book._book.exp > server.now() + 700)
    assert phone.book.version == 7


def test_an_expired_book_is_erased(server: FakeServer, make_phone: MakePhone) -> None:
    phone = make_phone()
    _give(server, server.devices[phone.id], _book(server, 7, life=2))
    phone.wait(lambda p: p.book.version == 7)

    def expired(p: Phone) -> bool:
        p.book.watch()
        return p.book.version == 0

    phone.wait(expired)
    assert phone.loop.run_sync(lambda: phone.core.store.get("contacts")) is None


def test_a_book_that_is_expired_already_is_not_taken(server: FakeServer, make_phone: MakePhone) -> None:
    phone = make_phone()
    device = server.devices[phone.id]
    _give(server, device, _book(server, 7, life=-5))
    _give(server, device, {"version": "x", "exp": 1, "contacts": []})
    server.wait(lambda: device.got["event"])
    assert phone.book.version == 0


@pytest.mark.parametrize("what", ["key", "typ", "recipient", "noise"])
def test_a_book_that_does_not_verify_is_an_integrity_event(
    server: FakeServer, make_phone: MakePhone, what: str
) -> None:
    phone = make_phone()
    device = server.devices[phone.id]
    claims = {"sub": device.id, "iat": server.now(), **_book(server, 7)}
    key = new_key() if what == "key" else None
    token = server.sign(Typ.COMMAND if what == "typ" else Typ.CONTACTS, claims, key=key)
    to = crypto.to_jwk(new_key().public_key()) if what == "recipient" else Jwk.take(device.encryption_jwk)
    payload = b"noise" if what == "noise" else crypto.encrypt_to(to, token).encode()
    server.send(device, "contacts", payload)
    server.wait(lambda: device.got["event"])
    assert device.got["event"][0]["detail"]["what"] == "contacts"
    assert phone.book.version == 0


@pytest.mark.parametrize("good", [True, False])
def test_a_pointer_brings_the_book_by_http_if_its_digest_fits(
    server: FakeServer, make_phone: MakePhone, good: bool
) -> None:
    phone = make_phone()
    device = server.devices[phone.id]
    sealed = server.contacts_jwe(device, _book(server, 9))
    server.override = lambda _m, path, _b: (200, sealed, {}) if path.endswith("device/contacts") else None
    digest = crypto.sha256_hex(sealed if good else b"other")
    claims = {"sub": device.id, "version": 9, "digest": digest, "size": len(sealed), "iat": server.now()}
    server.send(device, "contacts", server.sign(Typ.CONTACTS_POINTER, claims))
    if good:
        phone.wait(lambda p: p.book.version == 9)
    else:
        server.wait(lambda: device.got["event"])
        assert phone.book.version == 0


def _tickets(server: FakeServer, device: Device, verdict: str) -> list[dict[str, Any]]:
    asked: list[dict[str, Any]] = []

    def answer(_m: str, path: str, body: bytes) -> tuple[int, bytes, dict[str, str]] | None:
        if not path.endswith("dial-tickets"):
            return None
        asked.append(json.loads(body))
        address = crypto.encrypt_to(Jwk.take(device.encryption_jwk), NUMBER.encode())
        ticket: dict[str, Any] = {"ticket": "t1", "verdict": verdict, "because": [], "address": None}
        ticket |= {"expires_at": "2026-11-23T06:50:00.000Z"}
        if verdict in ("allow", "warn"):
            ticket["address"] = address
        return 200, json.dumps(ticket).encode(), {}

    server.override = answer
    return asked


def test_a_dial_takes_a_ticket_and_its_record_names_it_and_not_the_number(
    server: FakeServer, make_phone: MakePhone
) -> None:
    phone = make_phone()
    device = server.devices[phone.id]
    _give(server, device, _book(server, 7))
    phone.wait(lambda p: p.book.version == 7)
    asked = _tickets(server, device, "allow")
    result = phone.handset.dial("p1", seconds=42)
    assert (result.verdict, result.ticket) == ("allow", "t1")
    assert asked == [{"point": "p1", "channel": "phone"}]
    phone.wait_archived(result.seq)
    record = read_record(device.records[result.seq - 1])
    assert (record.ticket, record.duration_s, record.peer) == ("t1", 42, PointPeer(point="p1"))
    assert NUMBER not in "".join(device.records)


@pytest.mark.parametrize("verdict", ["block", "approval", "delay"])
def test_a_dial_that_the_server_does_not_allow_is_not_made(
    server: FakeServer, make_phone: MakePhone, verdict: str
) -> None:
    phone = make_phone()
    device = server.devices[phone.id]
    _give(server, device, _book(server, 7))
    phone.wait(lambda p: p.book.version == 7)
    _tickets(server, device, verdict)
    assert phone.handset.dial("p1").verdict == verdict
    assert phone.archive.last_seq == 0


def test_who_may_not_be_called_is_not_even_asked_for(server: FakeServer, make_phone: MakePhone) -> None:
    phone = make_phone()
    device = server.devices[phone.id]
    _give(server, device, _book(server, 7, may_call=False))
    phone.wait(lambda p: p.book.version == 7)
    asked = _tickets(server, device, "allow")
    assert phone.handset.dial("p1").verdict == "block"
    assert phone.handset.dial("nobody").verdict == "block"
    assert asked == []


def test_a_known_number_is_recorded_by_its_point(server: FakeServer, make_phone: MakePhone) -> None:
    phone = make_phone()
    device = server.devices[phone.id]
    _give(server, device, _book(server, 7, address=NUMBER))
    phone.wait(lambda p: p.book.version == 7)
    phone.handset.incoming_call(NUMBER)
    phone.wait_archived(1)
    assert NUMBER not in device.records[0]
    assert read_record(device.records[0]).peer == PointPeer(point="p1")
