"""A phone in JavaScript that was written from docs/protocol.md alone lives its whole life on a real server."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from typing import Any

import pytest

from demo.api import Api
from scripts import protocol_vectors
from tests.interop.node_phone import NodePhone, run
from tests.support.server import PASSWORD, Server

pytestmark = pytest.mark.timeout(240)
TERMS = 2500


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    installation = Server.make(tmp_path_factory.mktemp("interop"))
    try:
        yield installation.start()
    finally:
        installation.stop()


@pytest.fixture(scope="module")
def second_person(server: Server) -> Api:
    body = {"username": "compliance", "name": "郑合规", "password": PASSWORD, "roles": ["compliance_officer"]}
    server.api.post("staff", {**body, "org_unit": "/"})
    api = Api(server.base_url)
    api.sign_in("compliance", PASSWORD)
    return api


def qr(server: Server) -> dict[str, Any]:
    made = server.api.post("enrollment-tokens", {"max_uses": 10, "expires_in": 3600})
    return dict(made["qr"]["android.app.extra.PROVISIONING_ADMIN_EXTRAS_BUNDLE"])


def documents() -> list[dict[str, Any]]:
    """A policy whose keyword set is too large for a topic."""
    rng = random.Random(7)
    terms = ["".join(chr(rng.randrange(0x4E00, 0x9FA5)) for _ in range(64)) for _ in range(TERMS)]

    def document(kind: str, name: str, spec: dict[str, Any]) -> dict[str, Any]:
        return {"apiVersion": "shouji/v1", "kind": kind, "metadata": {"name": name}, "spec": spec}

    rules = {
        "device": {"heartbeat_seconds": 10, "require": ["encryption"]},
        "keywords": [{"set": "large", "action": "alert"}, {"set": "small", "action": "block"}],
        "payments": {"transfer": "block"},
    }
    return [
        document("KeywordSet", "large", {"terms": terms, "match": []}),
        document("KeywordSet", "small", {"terms": ["加急费"], "match": []}),
        document("Policy", "interop", rules),
        document("Assignment", "interop", {"policy": "interop", "to": {"org_unit": "/"}}),
    ]


def command(server: Server, device_id: str, kind: str, **args: Any) -> str:
    body = {"type": kind, "args": args, "reason": "interop"}
    return str(server.api.post(f"devices/{device_id}/commands", body)["id"])


def test_the_worked_examples_hold_in_another_language() -> None:
    done = run("vectors.mjs", str(protocol_vectors.FILE))
    assert (done.returncode, done.stdout.strip()) == (0, "all examples hold"), done.stderr


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"code": "0123456789ABCDEFGHJKMNPQRS"}, "token_refused"),
        ({"ca_sha256": "ab" * 32}, "ca_pin"),
        ({"key_sha256": "A" * 43}, "key_pin"),
    ],
)
def test_a_wrong_code_or_pin_ends_the_enrollment(server: Server, wrong: dict[str, str], code: str) -> None:
    done = run("phone.mjs", json.dumps({**qr(server), **wrong}), f"WRONG-{code}")
    assert done.returncode == 1
    assert json.loads(done.stdout.splitlines()[-1])["code"] == code


def test_the_whole_life_of_a_phone(server: Server, second_person: Api) -> None:
    phone = NodePhone(qr(server), "INTEROP-LIFE")
    try:
        assert phone.wait("notice")["languages"] == ["en", "zh-CN"]
        device_id = phone.wait("enrolled")["id"]
        phone.wait("archived", greeting=True, through=0)
        _obeys_policy(server, phone, device_id)
        _delivers_records(server, phone, device_id)
        _is_kept_to_its_own(phone)
        _obeys_commands(server, phone, device_id)
        _is_wiped(server, second_person, phone, device_id)
    finally:
        phone.close()
    assert not [told for told in phone.seen if told["event"] == "integrity"]


def test_a_phone_that_was_revoked_delivers_its_records_over_http(server: Server) -> None:
    phone = NodePhone(qr(server), "INTEROP-LATE")
    try:
        device_id = phone.wait("enrolled")["id"]
        phone.wait("archived", greeting=True)
        for number in range(3):
            phone.order("record", text=f"未发送 {number}")
        phone.order("leave")
        phone.wait("disconnected")
        server.api.post(f"devices/{device_id}/revoke", {"reason": "离职"})
        phone.order("start")
        assert phone.wait("status") == {"event": "status", "state": "retired", "action": "unenroll"}
        assert phone.wait("ended")["unsent"] == 0
    finally:
        phone.close()
    stored = server.api.get(f"devices/{device_id}/records")["items"]
    assert [record["seq"] for record in sorted(stored, key=lambda record: record["seq"])] == [1, 2, 3]


def test_a_phone_that_changes_hands_asks_its_new_holder_and_collects_nothing_before(server: Server) -> None:
    people = [
        server.api.post("staff", {"name": name, "employee_no": number, "org_unit": "/"})["id"]
        for name, number in (("赵一", "N1"), ("钱二", "N2"))
    ]
    phone = NodePhone(qr(server), "INTEROP-HANDS")
    try:
        first = phone.wait("notice")["version"]
        device_id = phone.wait("enrolled")["id"]
        phone.wait("archived", greeting=True)
        server.api.post(f"devices/{device_id}/confirm", {"person": people[0]})
        phone.order("record", text="前一位")
        phone.order("send")
        phone.wait("archived", through=1)
        server.api.post(f"devices/{device_id}/confirm", {"person": people[1]})
        asked = next(told for told in iter(lambda: phone.wait("notice"), None) if told["version"] != first)
        phone.order("record", text="未告知时不收集")
        phone.order("accept")
        assert phone.wait("accepted")["version"] == asked["version"]
        phone.order("record", text="后一位")
        phone.order("send")
        phone.wait("archived", through=2, refused=None)
    finally:
        phone.close()
    evidence = server.api.get(f"notice/acceptances?device={device_id}")["items"]
    assert asked["version"] in {one["version"] for one in evidence}


def test_a_retired_phone_gets_its_wipe_by_the_status_and_answers_over_http(server: Server, second_person: Api) -> None:
    phone = NodePhone(qr(server), "INTEROP-RETIRED")
    try:
        device_id = phone.wait("enrolled")["id"]
        phone.wait("archived", greeting=True)
        phone.order("record", text="未发送")
        phone.order("leave")
        phone.wait("disconnected")
        wipe = command(server, device_id, "wipe", scope="device", preserve_records=True, deadline_s=30)
        second_person.post(f"commands/{wipe}/approve", {"reason": "已核对"})
        server.wait(lambda: _status(server, wipe) == "sent", what="the wipe on its way")
        server.api.post(f"devices/{device_id}/revoke", {"reason": "离职"})
        phone.order("start")
        phone.wait("status", state="retired", action="unenroll")
        phone.wait("ended")
    finally:
        phone.close()
    words = [told for told in phone.seen if told["event"] == "command"]
    assert [(word["id"], word["status"], word["detail"]) for word in words] == [
        (wipe, "received", None),
        (wipe, "succeeded", None),
    ]
    assert _status(server, wipe) == "succeeded"
    assert server.device(device_id)["state"] == "retired"
    assert len(server.api.get(f"devices/{device_id}/records")["items"]) == 1


def _obeys_policy(server: Server, phone: NodePhone, device_id: str) -> None:
    server.wait(lambda: server.device(device_id)["presence"]["online"], what="presence")
    server.api.post("documents/apply?publish=true", documents())
    applied = phone.wait("applied", rules={"device": "enforced", "keywords": "enforced", "payments": "unsupported"})
    assert sorted(applied["documents"]) == ["keyword_set/large", "keyword_set/small"]
    ways = {(one["kind"], one["by"]) for one in applied["fetched"]}
    assert ways == {("bundle", "mqtt"), ("keyword_set", "mqtt"), ("keyword_set", "http")}

    def reported() -> bool:
        policy = server.device(device_id)["policy"]
        return bool(policy["reported"]["outcome"] == "applied" and _same(policy["desired"], policy["reported"]))

    server.wait(reported, what="the report")
    findings = {one["code"]: one for one in server.device(device_id)["compliance"]["findings"]}
    assert list(findings["unsupported"]["detail"].values()) == [["payments"]]


def _same(desired: dict[str, Any], reported: dict[str, Any]) -> bool:
    return all(desired[member] == reported[member] for member in ("generation", "bundle"))


def _delivers_records(server: Server, phone: NodePhone, device_id: str) -> None:
    for number in range(250):
        phone.order(
            "record", text=f"第{number}条 \ud800\x00 好", channel="wechat", peer={"address": None, "name": "王先生"}
        )
    phone.order("send")
    phone.wait("archived", through=250, refused=None)
    phone.order("event", type="keyword", severity="critical", blocked=True, excerpt="先付加急费")
    phone.wait("archived", through=251, refused=None)

    def told() -> bool:
        lines = server.api.get(f"devices/{device_id}/timeline?limit=50")["items"]
        return any(line["kind"] == "event" and line["code"] == "keyword" for line in lines)

    server.wait(told, what="the event in the timeline")


def _is_kept_to_its_own(phone: NodePhone) -> None:
    phone.order("foreign")
    assert phone.wait("foreign")["taken"] is False
    phone.order("replay")
    assert phone.wait("replay")["code"] == "replayed"


def _obeys_commands(server: Server, phone: NodePhone, device_id: str) -> None:
    for kind, args in (("ping", {}), ("lock", {"message": "请联系主管"}), ("unlock", {}), ("ring", {"seconds": 3})):
        _succeeds(server, phone, command(server, device_id, kind, **args))
    refused = command(server, device_id, "locate")
    phone.wait("command", id=refused, status="rejected", detail="unsupported")
    server.wait(lambda: _status(server, refused) == "rejected", what="the refusal")
    renewal = command(server, device_id, "rotate_certificate")
    phone.wait("renewed")
    phone.wait("connected")
    server.wait(lambda: _status(server, renewal) == "succeeded", what="the renewal")


def _succeeds(server: Server, phone: NodePhone, command_id: str) -> None:
    phone.wait("command", id=command_id, status="succeeded")
    server.wait(lambda: _status(server, command_id) == "succeeded", what="success on the server")


def _status(server: Server, command_id: str) -> str:
    return str(server.api.get(f"commands/{command_id}")["status"])


def _is_wiped(server: Server, second_person: Api, phone: NodePhone, device_id: str) -> None:
    phone.order("record", text="最后一条")
    wipe = command(server, device_id, "wipe", scope="work_data", preserve_records=True, deadline_s=30)
    assert _status(server, wipe) == "pending_approval"
    second_person.post(f"commands/{wipe}/approve", {"reason": "已核对"})
    phone.wait("command", id=wipe, status="received")
    # The record may leave by itself before the wipe has it flushed.
    phone.ensure("archived", through=252, refused=None)
    assert phone.wait("command", id=wipe, status="succeeded")["detail"] is None
    assert phone.wait("status")["action"] == "unenroll"
    assert phone.seen[-1]["state"] == "wiped"
    assert phone.wait("ended")["unsent"] == 0
    assert phone.process.wait(10) == 0
    server.wait(lambda: _status(server, wipe) == "succeeded", what="the wipe")
    assert server.device(device_id)["state"] == "wiped"
