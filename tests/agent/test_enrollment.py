"""Enrollment: what the phone checks before it believes a server, and what it keeps."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from agent import crypto
from agent.errors import AgentError, EnrollmentRefused, RequestFailed, Untrusted
from agent.identity import Pins
from agent.phone import Phone
from mqtt.contract.records import read_record
from tests.agent.conftest import QUICK, MakePhone
from tests.agent.fake_parts import Authority, new_key, pem
from tests.agent.fake_server import FakeServer


def _enroll(server: FakeServer, state: Path, code: str = "T" * 26, pins: Pins | None = None) -> Phone:
    return Phone.enroll(server.url, code, state=state, pins=pins, options=QUICK)


def test_a_phone_enrolls_with_pins_and_fetches_the_other_keys(server: FakeServer, tmp_path: Path) -> None:
    phone = _enroll(server, tmp_path / "p", pins=Pins(server.ca.pin, server.key_pin))
    try:
        assert list(phone.core.trust.signing) == [server.key_pin]
        assert phone.core.trust.encryption is None
        phone.connect()
        phone.wait(lambda p: p.core.trust.encryption is not None)
        assert len(phone.core.trust.signing) == 2
    finally:
        phone.close()


def test_a_refusal_carries_the_problem(server: FakeServer, tmp_path: Path) -> None:
    with pytest.raises(EnrollmentRefused) as caught:
        _enroll(server, tmp_path / "p", code="X" * 26)
    assert (caught.value.status, caught.value.code) == (401, "token_invalid")


def test_a_notice_that_is_not_accepted_is_asked_for(server: FakeServer, tmp_path: Path) -> None:
    with pytest.raises(EnrollmentRefused) as caught:
        Phone.enroll(server.url, "T" * 26, state=tmp_path / "p", options=QUICK, accept_notice=False)
    assert caught.value.status == 428
    assert caught.value.problem["version"] == server.notice


def test_a_wrong_ca_pin_is_refused_and_nothing_is_kept(server: FakeServer, tmp_path: Path) -> None:
    with pytest.raises(Untrusted, match="ca_pin"):
        _enroll(server, tmp_path / "p", pins=Pins("ab" * 32, server.key_pin))
    with pytest.raises(AgentError, match="not_enrolled"):
        Phone.open(tmp_path / "p")


def test_a_wrong_key_pin_is_refused(server: FakeServer, tmp_path: Path) -> None:
    with pytest.raises(Untrusted, match="key_pin"):
        _enroll(server, tmp_path / "p", pins=Pins(server.ca.pin, "A" * 43))


def test_with_a_pin_only_the_pinned_ca_is_kept(server: FakeServer, tmp_path: Path) -> None:
    stranger = Authority("stranger")
    server.enroll_ca = [stranger, server.ca]
    phone = _enroll(server, tmp_path / "p", pins=Pins(server.ca.pin))
    phone.close()
    assert phone.identity.ca == [pem(server.ca.certificate)]


@pytest.mark.parametrize("what", ["key", "subject", "issuer"])
def test_a_certificate_that_is_not_ours_is_refused(server: FakeServer, tmp_path: Path, what: str) -> None:
    def spoil(method: str, path: str, body: bytes) -> tuple[int, bytes, dict[str, str]] | None:
        if not path.endswith("/enroll"):
            return None
        status, content, headers = server._enroll(json.loads(body))
        answer = json.loads(content)
        device = server.devices[answer["device_id"]]
        key = new_key().public_key() if what == "key" else device.key
        name = "someone-else" if what == "subject" else device.id
        issuer = Authority("stranger") if what == "issuer" else server.ca
        answer["certificate"] = pem(issuer.issue(name, key))  # type: ignore[arg-type]
        return status, json.dumps(answer).encode(), headers

    server.override = spoil
    with pytest.raises(Untrusted, match=f"certificate_{what}"):
        _enroll(server, tmp_path / "p")


def test_plain_http_is_for_loopback_alone(tmp_path: Path) -> None:
    with pytest.raises(RequestFailed, match="insecure"):
        Phone.enroll("http://192.0.2.1:8080", "T" * 26, state=tmp_path / "p")


def test_no_secret_lies_open_on_the_disk(make_phone: MakePhone, tmp_path: Path) -> None:
    phone = make_phone()
    phone.handset.receive_sms("+8613900001111", "机密内容 secret-text")
    phone.wait_archived()
    keys = phone.identity.keys
    phone.close()
    written = b"".join(path.read_bytes() for path in (tmp_path / "phone").iterdir() if path.name != "key")
    for secret in (keys["signing"].encode(), b"secret-text", "机密内容".encode(), b"13900001111"):
        assert secret not in written
    assert (tmp_path / "phone" / "key").stat().st_mode & 0o777 == 0o600


def test_a_changed_or_moved_value_on_disk_is_not_believed() -> None:
    sealer = crypto.Sealer(crypto.new_sealing_key())
    sealed = sealer.seal(b"value", "a/facts/x")
    assert sealer.open(sealed, "a/facts/x") == b"value"
    with pytest.raises(Untrusted):
        sealer.open(sealed, "b/facts/x")
    with pytest.raises(Untrusted):
        sealer.open(sealed[:-1] + bytes([sealed[-1] ^ 1]), "a/facts/x")


def test_a_new_enrollment_is_a_new_life(server: FakeServer, tmp_path: Path) -> None:
    first = _enroll(server, tmp_path / "p")
    first.handset.receive_sms("+8613900001111", "旧")
    first.close()
    second = _enroll(server, tmp_path / "p")
    try:
        assert second.id != first.id
        assert second.identity.keys != first.identity.keys
        assert second.core.store.command("x") is None
        second.connect()
        second.wait_archived(1)
        record = read_record(server.devices[second.id].records[0])
        named = {"device_id": first.id, "seq": 1, "head": first.archive._last_head.hex()}
        assert (record.kind, json.loads(record.text)) == ("system", named)
    finally:
        second.close()


def test_a_clock_a_day_off_still_gets_its_answers(server: FakeServer, tmp_path: Path) -> None:
    phone = Phone.enroll(server.url, "T" * 26, state=tmp_path / "p", options=replace(QUICK, clock_offset=86_400.0))
    try:
        answer = phone.probe.request("GET", "device/status")
        assert answer.status == 200
        assert server.http_log.count(("GET", "/api/v1/device/status")) == 2
    finally:
        phone.close()
