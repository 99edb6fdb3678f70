"""Phones that should not get in, that flood, that repeat themselves, and whose clock is a day off."""

from __future__ import annotations

import json
import socket
import ssl
import time
import uuid
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from agent import crypto
from agent.phone import Phone
from core.crypto.keyring import KeyRing
from core.crypto.x509 import CertificateAuthority
from core.runtime import runtime
from mqtt.contract.names import Typ, Up
from tests.bad_input.attacker import Attacker
from tests.bad_input.conftest import QUIET, Quarantine, Yard, assert_lives, settled, snapshot, soon
from tests.bad_input.http_wire import Wire
from tests.fleet.phone import Phone as Applicant
from tests.fleet.phone import csr, p384_csr, rsa_csr, wrongly_signed_csr
from tests.support.server import Server

ENROLL = "/api/v1/enroll"
DAY = 86_400
FLOOD = 900


# Enrollment


def apply_for(server: Server, wire: Wire, token: str, **changes: Any) -> Any:
    """An enrollment that would do but for the changes."""
    notice = server.api.get("notice")["version"]
    return wire.post(ENROLL, Applicant().enrollment(token, notice, **changes))


def expired_token(server: Server) -> str:
    made = server.api.post("enrollment-tokens", {"max_uses": 5, "expires_in": 1})
    soon(lambda: server.api.get(f"enrollment-tokens/{made['id']}")["state"] == "expired", "the end of the token")
    return str(made["token"])


def revoked_token(server: Server) -> str:
    made = server.api.post("enrollment-tokens", {"max_uses": 5, "expires_in": 60})
    Wire(server.base_url, server.api._token).send("DELETE", f"/api/v1/enrollment-tokens/{made['id']}")
    return str(made["token"])


def used_token(server: Server) -> str:
    token = server.token(max_uses=1)
    assert apply_for(server, Wire(server.base_url), token).status == 201
    return token


@pytest.mark.parametrize(
    "make",
    [expired_token, revoked_token, used_token, lambda _s: "0" * 26, lambda _s: "' OR 1=1 --", lambda _s: "码" * 26],
    ids=["expired", "revoked", "used up", "unknown", "sql", "chinese"],
)
def test_a_token_that_is_no_good_is_401_and_tells_nothing_more(
    server: Server, wire: Wire, make: Callable[[Server], str]
) -> None:
    token = make(server)
    answers = [apply_for(server, wire, token, csr=request) for request in (csr(Applicant().signing), "garbage")]
    assert [answer.status for answer in answers] == [401, 401]
    assert answers[0].body == answers[1].body, "a bad token hides what else is wrong"


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"csr": wrongly_signed_csr()}, 422),
        ({"csr": rsa_csr()}, 422),
        ({"csr": p384_csr()}, 422),
        ({"csr": "-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----\n"}, 422),
        ({"csr": "x" * 60_000}, 422),
        ({"encryption_key": {"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA", "use": "enc"}}, 422),
        ({"encryption_key": {"kty": "RSA", "n": "AQAB", "e": "AQAB"}}, 422),
        ({"device": {"serial": 5, "os": "android"}}, 422),
        ({"device": {"os": "android"}}, 422),
        ({"device": {"serial": "S" * 257, "os": "android"}}, 422),
        ({"device": {"serial": "a\0b", "os": "android"}}, 400),
        ({"device": {"serial": "\ud800", "os": "android"}}, 400),
        ({"employee_no": "E-nobody"}, 404),
        ({"notice": None}, 428),
        ({"notice": {"version": "an older one", "accepted_at": "2026-01-01T00:00:00.000Z"}}, 428),
        ({"notice": {"version": "1", "accepted_at": "yesterday"}}, 422),
        ({"padding": [[[]]], "deep": json.loads("[" * 60 + "]" * 60)}, 400),
    ],
)  # fmt: skip
def test_a_bad_application_is_refused_and_costs_no_use_of_the_token(
    server: Server, wire: Wire, changes: dict[str, Any], status: int
) -> None:
    token = server.token(max_uses=1)
    assert apply_for(server, wire, token, **changes).status == status
    assert apply_for(server, wire, token, unknown_member={"is": "ignored"}).status == 201


@pytest.mark.parametrize(
    ("body", "status"),
    [(b"", 400), (b"{", 400), (b"\xff\xfe", 400), (b"[" * 50_000, 400), (b"null", 400), (b'{"token": NaN}', 400),
     (b'{"token": "a", "token": "b"}', 400), (b'{"x": "' + b"y" * 200_000 + b'"}', 413)],
)  # fmt: skip
def test_bytes_that_are_no_application_are_refused(wire: Wire, body: bytes, status: int) -> None:
    answer = wire.send("POST", ENROLL, body, {"Content-Type": "application/json"})
    assert answer.status == status
    assert answer.code


# The broker's door


def knock(server: Server, phone: Phone, certificate: str | None, key: Any, client_id: str) -> bytes:
    """Connect with a certificate and say CONNECT; the broker's first bytes. Raises OSError where TLS refuses."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(cadata="\n".join(phone.identity.ca))
    if certificate:
        context = crypto.tls_context(phone.identity.ca, certificate, key)
    body = b"\x00\x04MQTT\x05\x02\x00\x3c\x00" + len(client_id).to_bytes(2, "big") + client_id.encode()
    address = ("127.0.0.1", int(server.environment["SHOUJI_MQTT_PORT"]))
    with (
        socket.create_connection(address, 10) as plain,
        context.wrap_socket(plain, server_hostname="127.0.0.1") as secure,
    ):
        secure.sendall(b"\x10" + bytes([len(body)]) + body)
        return secure.recv(64)


def is_let_in(*visit: Any) -> bool:
    try:
        answer = knock(*visit)
    except OSError:
        return False
    # CONNACK, reason code success.
    return answer[:1] == b"\x20" and answer[3:4] == b"\x00"


def test_only_a_certificate_of_our_ca_that_is_in_force_opens_the_broker(
    server: Server, inside: Flask, yard: Yard, good: Phone, tmp_path: Path
) -> None:
    phone = yard.phone(connect=False)
    key = phone.core.keys.signing
    assert is_let_in(server, phone, phone.identity.certificate, key, phone.id), "the right one does"
    foreign = CertificateAuthority(KeyRing.open(tmp_path / "keys"), "http://127.0.0.1/pki/crl.der")
    forged = foreign.issue_device(key.public_key(), phone.id, 90).pem
    with inside.app_context():
        expired = runtime().ca.issue_device(key.public_key(), phone.id, -0.0001).pem
    for certificate in (None, forged, expired):
        assert not is_let_in(server, phone, certificate, key, phone.id)
    server.api.post(f"devices/{phone.id}/revoke", {"reason": "遗失"})
    soon(lambda: not is_let_in(server, phone, phone.identity.certificate, key, phone.id), "the revocation")
    assert_lives(server, good)


def test_the_client_id_of_another_phone_takes_nothing_over(server: Server, yard: Yard, good: Phone) -> None:
    thief, connects = yard.phone(connect=False), good.connection.connects
    assert is_let_in(server, thief, thief.identity.certificate, thief.core.keys.signing, good.id)
    assert_lives(server, good)
    assert good.connection.connects == connects


# Repetition


@pytest.fixture(scope="module")
def parrot(yard: Yard, good: Phone) -> Attacker:
    return Attacker(yard, yard.phone(), good)


def publish(attacker: Attacker, kind: Up, *payloads: bytes) -> None:
    for payload in payloads:
        assert attacker.phone.probe.publish_up(kind, payload) < 0x80


def marked(server: Server, attacker: Attacker, battery: float) -> None:
    """Wait until everything sent before is stored: a heartbeat comes behind it."""

    def heard() -> bool:
        publish(attacker, Up.HEARTBEAT, attacker.heartbeat(battery=battery))
        return bool(server.device(attacker.phone.id)["presence"]["battery"] == battery)

    soon(heard, "the heartbeat behind it", pause=0.2)


def test_an_older_heartbeat_and_a_repeated_one_change_nothing(server: Server, parrot: Attacker) -> None:
    old = parrot.heartbeat(battery=0.31)
    marked(server, parrot, 0.32)
    shown = server.device(parrot.phone.id)["presence"]
    publish(parrot, Up.HEARTBEAT, old, old)
    soon(lambda: server.device(parrot.phone.id)["presence"]["last_seen_at"] != shown["last_seen_at"], "the old ones")
    again = server.device(parrot.phone.id)["presence"]
    assert (again["battery"], again["heartbeat_at"]) == (0.32, shown["heartbeat_at"])


def test_an_older_hello_and_a_repeated_one_change_nothing(server: Server, parrot: Attacker) -> None:
    iat = parrot.iat()
    old = parrot.token(
        Typ.HELLO, parrot.good(Typ.HELLO, agent_version="0.1", iat=iat - 5, connection=str(uuid.uuid4()))
    )
    new = parrot.token(Typ.HELLO, parrot.good(Typ.HELLO, agent_version="9.9", iat=iat))
    publish(parrot, Up.HELLO, new)
    soon(lambda: server.device(parrot.phone.id)["agent_version"] == "9.9", "the hello")
    before = server.device(parrot.phone.id)["inventory"]
    publish(parrot, Up.HELLO, old, new, old)
    marked(server, parrot, 0.33)
    after = server.device(parrot.phone.id)
    assert (after["agent_version"], after["inventory"]) == ("9.9", before)


def test_an_older_report_and_a_repeated_one_change_nothing(
    server: Server, parrot: Attacker, quarantine: Quarantine
) -> None:
    iat = parrot.iat()
    old = parrot.token(Typ.REPORTED, parrot.good(Typ.REPORTED, outcome="rejected", iat=iat - 5))
    new = parrot.token(Typ.REPORTED, parrot.good(Typ.REPORTED, outcome="failed", iat=iat))
    publish(parrot, Up.REPORTED, new)
    soon(lambda: server.device(parrot.phone.id)["policy"]["reported"]["outcome"] == "failed", "the report")
    before = settled(server, parrot.phone)
    publish(parrot, Up.REPORTED, old, new, old)
    marked(server, parrot, 0.34)
    after = snapshot(server, parrot.phone.id)
    assert after["device"]["policy"] == before["device"]["policy"]
    assert after["timeline"] == before["timeline"]
    assert quarantine.of(parrot.phone.id) == []


def test_duplicate_results_count_once_and_late_words_undo_nothing(
    server: Server, parrot: Attacker, quarantine: Quarantine
) -> None:
    device = parrot.phone.id
    ping = server.api.post(f"devices/{device}/commands", {"type": "ping", "args": {}})["id"]
    soon(lambda: server.api.get(f"commands/{ping}")["status"] == "succeeded", "the ping")
    before = server.api.get(f"commands/{ping}")
    iat = parrot.iat()
    words = [("succeeded", iat), ("received", iat + 1), ("failed", iat + 2), ("rejected", iat - 9), ("received", 0)]
    for status, said in words:
        claims = parrot.good(Typ.RESULT, command=ping, status=status, iat=said)
        sealed = parrot.seal(parrot.token(Typ.RESULT, claims))
        publish(parrot, Up.RESULT, sealed, sealed)
    marked(server, parrot, 0.35)
    assert server.api.get(f"commands/{ping}") == before
    assert quarantine.of(device) == []


def test_a_result_for_another_phones_command_is_refused(
    server: Server, parrot: Attacker, good: Phone, quarantine: Quarantine
) -> None:
    good.disconnect()
    ping = server.api.post(f"devices/{good.id}/commands", {"type": "ping", "args": {}})["id"]
    claims = parrot.good(Typ.RESULT, command=ping, status="succeeded")
    payload = parrot.seal(parrot.token(Typ.RESULT, claims))
    publish(parrot, Up.RESULT, payload)
    assert quarantine.next(parrot.phone, 0, payload).reason == "unknown_command"
    assert server.api.get(f"commands/{ping}")["status"] in ("queued", "sent")
    good.connect()
    soon(lambda: server.api.get(f"commands/{ping}")["status"] == "succeeded", "its own answer")


def test_repeated_and_reordered_batches_and_events_are_kept_once(server: Server, yard: Yard) -> None:
    phone = yard.phone(replace(QUIET, batch_delay=3600.0))
    for number in range(4):
        phone.handset.receive_sms("+8613800138000", f"第 {number} 条", "王先生")
    both = [phone.loop.run_sync(phone.archive.pack, first) for first in (1, 3)]
    for packed in (both[1], both[0], both[1], both[0]):
        assert packed is not None
        phone.probe.publish_up(Up.RECORDS, packed.payload)
    phone.wait_archived()
    chain = server.api.get(f"devices/{phone.id}/chain")
    assert (chain["through"], chain["waiting"], chain["refused"], chain["seams"]) == (phone.archive.last_seq, 0, 0, [])
    told = Attacker(yard, phone, phone)
    event = told.seal(told.token(Typ.EVENT, told.good(Typ.EVENT)))
    publish(told, Up.EVENT, event, event)
    marked(server, told, 0.36)
    lines = server.api.all(f"devices/{phone.id}/timeline")
    assert [line["code"] for line in lines if line["kind"] == "event"] == ["integrity"]


# Clocks


@pytest.mark.parametrize("offset", [DAY, -DAY])
def test_a_phone_whose_clock_is_a_day_off_works_and_is_a_finding(server: Server, yard: Yard, offset: int) -> None:
    phone = yard.phone(replace(QUIET, clock_offset=float(offset)), connect=False)
    assert phone.probe.request("GET", "device/status").status == 200, "by the Date of the first answer"
    phone.connect()
    phone.wait_greeted()

    def finding() -> Any:
        found = server.device(phone.id)["compliance"]["findings"]
        return next((one for one in found if one["code"] == "clock_skew"), None)

    seconds = soon(finding, "the finding")["detail"]["seconds"]
    assert abs(seconds - offset) < 120
    assert_lives(server, phone)
    phone.handset.receive_sms("+8613800138000", "时间", "王先生")
    phone.wait_archived()


def test_a_heartbeat_from_tomorrow_does_not_silence_those_of_today(server: Server, parrot: Attacker) -> None:
    publish(parrot, Up.HEARTBEAT, parrot.heartbeat(at="2099-01-01T00:00:00.000Z", battery=0.41))
    soon(lambda: server.device(parrot.phone.id)["presence"]["battery"] == 0.41, "the heartbeat from tomorrow")
    marked(server, parrot, 0.42)


# Flood


def test_a_phone_that_floods_is_cut_and_found_while_the_others_work(server: Server, yard: Yard, good: Phone) -> None:
    loud = Attacker(yard, yard.phone(), good)
    phone, connects = loud.phone, loud.phone.connection.connects
    payload = loud.heartbeat(battery=0.5)

    def shout() -> None:
        if phone.core.link is not None:
            for _ in range(FLOOD):
                phone.core.link.publish_unchecked(f"shouji/v1/d/{phone.id}/up/heartbeat", payload, retain=False)

    phone.loop.run_sync(shout)
    assert_lives(server, good)

    def flooding() -> bool:
        return "flood" in [one["code"] for one in server.device(phone.id)["compliance"]["findings"]]

    soon(flooding, "the finding")
    soon(lambda: phone.connection.connects > connects or not phone.connected, "the cut")
    for _ in range(15):
        phone.probe.publish_up(Up.HEARTBEAT, loud.heartbeat(battery=0.51))
        time.sleep(0.1)
    assert_lives(server, good)
    shown = server.device(phone.id)
    assert shown["presence"]["battery"] != 0.51, "what it says while it is cut is not heard"
    assert shown["state"] == "active"
