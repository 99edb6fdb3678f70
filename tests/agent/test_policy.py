"""Desired states: verified, fetched, applied whole or not at all, reported; the newest only."""

from __future__ import annotations

import base64
import json
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from agent.phone import Phone
from agent.policy import Compiled
from mqtt.contract import topics
from mqtt.contract.names import Typ
from mqtt.contract.notice import texts_digest
from tests.agent.conftest import QUICK, MakePhone
from tests.agent.fake_parts import Blob, Device, new_key
from tests.agent.fake_server import FakeServer

RULES = {"protection": {"deny": ["screenshot"]}, "device": {"heartbeat_seconds": 30}}
TERMS = {"set": "abuse", "terms": [{"id": "abuse/x", "term": "混蛋"}], "steps": []}
KEYWORDS = [{"set": "abuse", "action": "block", "severity": "critical", "direction": "out"}]


def _reports(server: FakeServer, device: Device, outcome: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = server.wait(
        lambda: [item for item in device.got["reported"] if item["outcome"] == outcome], what=outcome
    )
    return found


def test_a_policy_comes_by_mqtt_and_is_reported_family_by_family(server: FakeServer, make_phone: MakePhone) -> None:
    phone = make_phone()
    device = server.devices[phone.id]
    bundle = server.bundle({**RULES, "keywords": KEYWORDS}, {"abuse": TERMS})
    generation = server.desire(device, bundle)
    phone.wait_applied(generation)
    report = _reports(server, device, "applied")[0]
    assert (report["generation"], report["bundle"]) == (generation, bundle.digest)
    assert report["rules"] == {"protection": "enforced", "device": "enforced", "keywords": "enforced"}
    assert not any("blobs" in path for _, path in server.http_log)
    assert not phone.handset.screenshot().allowed
    assert phone.handset.send_wechat("王", "你这混蛋").hits == ("abuse/x",)


def test_a_policy_too_large_for_mqtt_comes_by_http(server: FakeServer, make_phone: MakePhone) -> None:
    phone = make_phone()
    bundle = server.blob({"schema": 1, "rules": RULES, "blobs": []}, pad=300_000)
    assert len(bundle.bytes) > 200_000
    phone.wait_applied(server.desire(server.devices[phone.id], bundle))
    assert ("GET", f"/api/v1/device/blobs/{bundle.digest}") in server.http_log


def test_a_blob_that_does_not_come_by_mqtt_comes_by_http(server: FakeServer, make_phone: MakePhone) -> None:
    phone = make_phone()
    bundle = Blob({"schema": 1, "rules": RULES, "blobs": []})
    server.blobs[bundle.digest] = bundle.bytes
    phone.wait_applied(server.desire(server.devices[phone.id], bundle))


def test_a_blob_changed_on_the_broker_is_not_believed(server: FakeServer, make_phone: MakePhone) -> None:
    phone = make_phone()
    bundle = Blob({"schema": 1, "rules": RULES, "blobs": []})
    server.blobs[bundle.digest] = bundle.bytes
    server.publish(topics.blob(bundle.digest), b"\0" * len(bundle.bytes), retain=True)
    phone.wait_applied(server.desire(server.devices[phone.id], bundle))
    assert ("GET", f"/api/v1/device/blobs/{bundle.digest}") in server.http_log


def test_a_blob_that_is_nowhere_is_failed_and_the_old_policy_stays(server: FakeServer, make_phone: MakePhone) -> None:
    phone = make_phone()
    device = server.devices[phone.id]
    first = server.desire(device, server.bundle(RULES))
    phone.wait_applied(first)
    missing = Blob({"schema": 1, "rules": {}, "blobs": []})
    generation = server.desire(device, missing, first + 1)
    report = _reports(server, device, "failed")[0]
    assert (report["generation"], report["bundle"]) == (generation, missing.digest)
    assert phone.policy.generation == first
    assert not phone.handset.screenshot().allowed
    assert phone.probe.hello_members()["highest_generation"] == generation


@pytest.mark.parametrize("what", ["key", "form", "json", "schema"])
def test_bytes_that_can_never_work_are_rejected_and_the_old_policy_stays(
    server: FakeServer, make_phone: MakePhone, what: str
) -> None:
    phone = make_phone()
    device = server.devices[phone.id]
    first = server.desire(device, server.bundle(RULES))
    phone.wait_applied(first)
    documents: dict[str, Any] = {
        "form": {"schema": 1, "blobs": []},
        "json": b"{]",
        "schema": {"schema": 2, "rules": {}},
    }
    blob = server.blob(documents.get(what, {"schema": 1, "rules": {}, "blobs": []}))
    if what == "key":
        blob.key_bytes = bytes(32)
    server.desire(device, blob, first + 1)
    _reports(server, device, "rejected")
    assert phone.policy.generation == first


def test_a_family_with_an_unknown_member_is_unsupported_and_the_rest_holds(
    server: FakeServer, make_phone: MakePhone
) -> None:
    phone = make_phone()
    device = server.devices[phone.id]
    rules = {**RULES, "payments": {"red_packet": "block", "teleport": "block"}, "mind_reading": {}}
    phone.wait_applied(server.desire(device, server.bundle(rules)))
    report = _reports(server, device, "applied")[0]
    assert report["rules"]["payments"] == report["rules"]["mind_reading"] == "unsupported"
    assert report["rules"]["protection"] == "enforced"
    assert phone.handset.send_red_packet("王", 100).allowed


def test_a_family_beyond_the_phones_capabilities_is_unsupported(server: FakeServer, make_phone: MakePhone) -> None:
    phone = make_phone(capabilities=frozenset({"device", "ping"}))
    device = server.devices[phone.id]
    phone.wait_applied(server.desire(device, server.bundle(RULES)))
    assert _reports(server, device, "applied")[0]["rules"] == {"protection": "unsupported", "device": "enforced"}
    assert phone.handset.screenshot().allowed


def test_an_older_generation_is_ignored(server: FakeServer, make_phone: MakePhone) -> None:
    phone = make_phone()
    device = server.devices[phone.id]
    generation = server.desire(device, server.bundle(RULES))
    phone.wait_applied(generation)
    server.desire(device, server.bundle({}), generation - 1)
    server.desire(device, server.bundle(RULES), generation)
    server.wait(lambda: len(device.got["reported"]) >= 2)
    assert phone.policy.generation == generation
    assert {item["generation"] for item in device.got["reported"]} == {generation}


def test_an_equal_generation_with_another_digest_is_rejected(server: FakeServer, make_phone: MakePhone) -> None:
    phone = make_phone()
    device = server.devices[phone.id]
    generation = server.desire(device, server.bundle(RULES))
    phone.wait_applied(generation)
    other = server.bundle({})
    server.desire(device, other, generation)
    report = _reports(server, device, "rejected")[0]
    assert report["bundle"] == other.digest
    assert phone.policy.digest != other.digest


def test_a_family_left_out_is_lifted(server: FakeServer, make_phone: MakePhone) -> None:
    phone = make_phone()
    device = server.devices[phone.id]
    generation = server.desire(device, server.bundle(RULES))
    phone.wait_applied(generation)
    phone.wait_applied(server.desire(device, server.bundle({}), generation + 1))
    assert phone.handset.screenshot().allowed


def test_a_newer_generation_of_the_same_bundle_fetches_nothing(server: FakeServer, make_phone: MakePhone) -> None:
    phone = make_phone()
    device = server.devices[phone.id]
    bundle = server.blob({"schema": 1, "rules": RULES, "blobs": []}, pad=300_000)
    generation = server.desire(device, bundle)
    phone.wait_applied(generation)
    phone.wait_applied(server.desire(device, bundle, generation + 5))
    assert server.http_log.count(("GET", f"/api/v1/device/blobs/{bundle.digest}")) == 1


@pytest.mark.parametrize("what", ["key", "typ", "sub", "changed"])
def test_a_desired_state_that_does_not_verify_is_an_integrity_event_and_nothing_else(
    server: FakeServer, make_phone: MakePhone, what: str
) -> None:
    phone = make_phone()
    device = server.devices[phone.id]
    bundle = server.bundle(RULES)
    claims = {"sub": device.id, "generation": int(time.time() * 1000), "bundle": bundle.ref, "notice": "1",
              "iat": server.now()}  # fmt: skip
    token = {
        "key": lambda: server.sign(Typ.DESIRED, claims, key=new_key()),
        "typ": lambda: server.sign(Typ.COMMAND, claims),
        "sub": lambda: server.sign(Typ.DESIRED, {**claims, "sub": "3f2b8c1e-0000-4000-8000-00000000abcd"}),
        "changed": lambda: server.sign(Typ.DESIRED, claims)[:-8] + b"AAAAAAAA",
    }[what]()
    server.send(device, "desired", token)
    server.wait(lambda: device.got["event"])
    event = device.got["event"][0]
    assert (event["type"], event["severity"], event["detail"]["what"]) == ("integrity", "critical", "desired")
    assert phone.policy.in_force is None
    assert not device.got["reported"]


def test_the_policy_is_in_force_again_after_a_start_without_network(
    server: FakeServer, make_phone: MakePhone, tmp_path: Path
) -> None:
    phone = make_phone()
    bundle = server.bundle({**RULES, "keywords": KEYWORDS}, {"abuse": TERMS})
    generation = server.desire(server.devices[phone.id], bundle)
    phone.wait_applied(generation)
    phone.kill()
    again = Phone.open(tmp_path / "phone", options=QUICK)
    try:
        assert again.policy.generation == generation
        assert not again.handset.send_wechat("王", "混蛋").allowed
    finally:
        again.close()


def signed_claims(token: str) -> dict[str, Any]:
    """The claims of a token, whoever signed it."""
    part = token.split(".")[1]
    claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return claims


def test_nothing_is_collected_until_the_notice_in_force_is_accepted(server: FakeServer, make_phone: MakePhone) -> None:
    phone = make_phone(accept_notices=False)
    device = server.devices[phone.id]
    server.notice = "2"
    phone.wait_applied(server.desire(device, server.bundle(RULES)))
    assert phone.handset.receive_sms("+8613900001111", "不收集").seq == 0
    assert not phone.handset.screenshot().allowed
    assert phone.archive.last_seq == 0
    phone.wait(lambda p: p.notice.shown is not None)
    phone.accept_notice()
    server.wait(lambda: device.got["notice"])
    assert device.got["notice"][0]["version"] == "2"
    said, texts = device.got["notice"][0], {"zh-CN": "告知书", "en": "Notice"}
    claims = signed_claims(said["proof"])
    assert claims["texts"] == texts_digest(texts)
    assert (claims["version"], claims["accepted_at"]) == ("2", said["accepted_at"])
    assert phone.notice.texts is not None
    assert phone.notice.texts["texts"] == texts
    assert phone.handset.receive_sms("+8613900001111", "收集").seq == 1
    assert phone.probe.hello_members()["notice_version"] == "2"


def test_the_heartbeat_follows_the_policy(server: FakeServer, make_phone: MakePhone) -> None:
    phone = make_phone(heartbeat_s=None)
    assert phone.heart.interval == 60
    phone.wait_applied(server.desire(server.devices[phone.id], server.bundle(RULES)))
    assert phone.heart.interval == 30


def test_a_phone_that_refuses_some_rules_keeps_what_it_has_and_takes_the_rest(
    server: FakeServer, make_phone: MakePhone
) -> None:
    phone = make_phone()
    device = server.devices[phone.id]
    phone.policy.refuse_some(lambda rules: "no_device_rules" if "device" in rules else None)
    first = server.desire(device, server.bundle({"protection": {"deny": ["screenshot"]}}))
    phone.wait_applied(first)
    refused = server.desire(device, server.bundle(RULES))
    report = _reports(server, device, "rejected")[0]
    assert (report["generation"], report["detail"]) == (refused, "no_device_rules")
    assert phone.policy.in_force is not None
    assert phone.policy.in_force.generation == first
    later = server.desire(device, server.bundle({"location": {"mode": "off"}}))
    phone.wait_applied(later)


def test_messages_go_on_under_the_old_terms_while_many_new_ones_are_compiled(
    server: FakeServer, make_phone: MakePhone, monkeypatch: pytest.MonkeyPatch
) -> None:
    phone = make_phone()
    device = server.devices[phone.id]
    phone.wait_applied(server.desire(device, server.bundle({"keywords": KEYWORDS}, {"abuse": TERMS})))
    compiling, go_on = threading.Event(), threading.Event()
    compiled = Compiled.get

    def slowly(self: Compiled, *given: Any) -> Any:
        compiling.set()
        assert go_on.wait(10)
        return compiled(self, *given)

    monkeypatch.setattr(Compiled, "get", slowly)
    many = [{"id": f"abuse/{number}", "term": f"词条第{number}号"} for number in range(50_000)]
    generation = server.desire(device, server.bundle({"keywords": KEYWORDS}, {"abuse": {**TERMS, "terms": many}}))
    assert compiling.wait(10)
    assert phone.handset.send_wechat("王", "你这混蛋").hits == ("abuse/x",)
    assert phone.handset.send_wechat("王", "词条第49999号").hits == ()
    go_on.set()
    phone.wait_applied(generation)
    assert phone.handset.send_wechat("王", "词条第49999号").hits == ("abuse/49999",)
