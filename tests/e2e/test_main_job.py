"""The main job as people and phones do it: HTTP, MQTT over TLS, real processes, both databases."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Any

import pytest

from agent.identity import Pins
from agent.phone import Phone
from demo.api import Api, ApiError
from tests.e2e.conftest import living_phone
from tests.support.server import PASSWORD, Server

POLICY = """
apiVersion: shouji/v1
kind: Policy
metadata: {name: %(name)s}
spec:
  device: {heartbeat_seconds: 60, forbid: [root]}
  payments: {red_packet: block}
---
apiVersion: shouji/v1
kind: Assignment
metadata: {name: %(name)s}
spec: {policy: %(name)s, to: {device: %(device)s}}
"""


def _apply(server: Server, device_id: str) -> str:
    name = f"p-{uuid.uuid4().hex[:8]}"
    text = POLICY % {"name": name, "device": device_id}
    server.api.post("documents/apply?publish=true", text, "application/yaml")
    return name


def _second(server: Server, *roles: str) -> Api:
    username = f"u{uuid.uuid4().hex[:8]}"
    body = {"username": username, "name": "第二人", "password": PASSWORD, "roles": list(roles), "org_unit": "/"}
    server.api.post("staff", body)
    api = Api(server.base_url)
    api.sign_in(username, PASSWORD)
    return api


def _status(server: Server, command_id: str) -> str:
    return str(server.api.get(f"commands/{command_id}")["status"])


def _command(server: Server, device_id: str, kind: str, reason: str = "", **args: Any) -> str:
    body: dict[str, Any] = {"type": kind, "args": args, "reason": reason}
    return str(server.api.post(f"devices/{device_id}/commands", body)["id"])


def test_a_phone_enrolls_applies_its_policy_and_is_seen(server: Server, phone: Phone) -> None:
    _apply(server, phone.id)

    def applied() -> bool:
        policy = server.device(phone.id)["policy"]
        return bool(
            policy["reported"]["outcome"] == "applied"
            and policy["reported"]["bundle"] == policy["desired"]["bundle"]
            and phone.policy.rule("payments") is not None
        )

    server.wait(applied, what="the policy")
    phone.beat()
    server.wait(lambda: server.device(phone.id)["presence"]["online"], what="presence")
    seen = server.device(phone.id)
    assert seen["state"] == "active"
    assert seen["compliance"]["state"] == "compliant"
    assert seen["presence"]["last_seen_at"]
    explained = server.api.get(f"devices/{phone.id}/explain")
    assert any("payments" in str(value) for value in explained["values"])


def test_a_phone_blocks_a_forbidden_word_through_its_evasion(server: Server, phone: Phone) -> None:
    name = _apply(server, phone.id)
    steps = ["width", "case", "traditional", "digits", "homoglyphs", "symbols", "repeats", "pinyin"]
    terms = {"apiVersion": "shouji/v1", "kind": "KeywordSet", "metadata": {"name": f"{name}-fees"}}
    rule = {"set": f"{name}-fees", "action": "block", "severity": "critical", "direction": "out"}
    policy = {"apiVersion": "shouji/v1", "kind": "Policy", "metadata": {"name": name}, "spec": {"keywords": [rule]}}
    body = [{**terms, "spec": {"terms": ["加急费"], "match": steps}}, policy]
    server.api.post("documents/apply?publish=true", body)
    server.wait(lambda: phone.policy.rule("keywords") is not None, what="the words")
    server.wait(lambda: server.device(phone.id)["policy"]["reported"]["outcome"] == "applied", what="the report")
    assert phone.handset.send_wechat("王先生", "资料齐了").allowed
    assert not phone.handset.send_wechat("王先生", "先交个加 ❤急*費").allowed
    assert phone.handset.send_wechat("李女士", "先交加").allowed
    assert not phone.handset.send_wechat("李女士", "急费就行").allowed, "the word goes on in the next message"


def test_a_lifted_rule_is_undone_on_the_phone(server: Server, phone: Phone) -> None:
    name = _apply(server, phone.id)
    server.wait(lambda: phone.policy.rule("payments") is not None, what="the rule")
    spec = {"device": {"heartbeat_seconds": 61}}
    lifted = {"apiVersion": "shouji/v1", "kind": "Policy", "metadata": {"name": name}, "spec": spec}
    server.api.post("documents/apply?publish=true", lifted)
    server.wait(lambda: phone.policy.rule("payments") is None, what="the lifting")


@pytest.mark.parametrize(
    ("kind", "args"),
    [
        ("ping", {}),
        ("message", {"title": "通知", "text": "今晚维护"}),
        ("ring", {"seconds": 3}),
        ("sync", {}),
        ("locate", {"reason": "找回"}),
        ("rotate_certificate", {}),
        ("reboot", {}),
        ("unlock", {}),
    ],
)
def test_every_harmless_command_is_carried_out(server: Server, phone: Phone, kind: str, args: dict[str, Any]) -> None:
    command = _command(server, phone.id, kind, **args)
    server.wait(lambda: _status(server, command) == "succeeded", 60, kind)


def test_lock_and_reset_passcode(server: Server, phone: Phone) -> None:
    lock = _command(server, phone.id, "lock", "离岗", message="请联系 IT")
    server.wait(lambda: _status(server, lock) == "succeeded", what="lock")
    assert phone.handset.locked
    with pytest.raises(ApiError, match="reason"):
        _command(server, phone.id, "reset_passcode")
    reset = _command(server, phone.id, "reset_passcode", "忘记密码")
    server.wait(lambda: _status(server, reset) in {"succeeded", "rejected"}, what="reset")


def test_a_wipe_takes_two_people_and_ends_the_phones_life(server: Server, tmp_path: Path) -> None:
    with living_phone(server, tmp_path / "phone") as phone:
        phone.handset.send_sms("+8613800138000", "您好", "王先生")
        phone.wait_archived()
        wipe = _command(server, phone.id, "wipe", "离职", scope="work_data", preserve_records=True, deadline_s=60)
        assert _status(server, wipe) == "pending_approval"
        with pytest.raises(ApiError) as refused:
            server.api.post(f"commands/{wipe}/approve", {"reason": "自己批准"})
        assert refused.value.status in (403, 409)
        assert _status(server, wipe) == "pending_approval"
        _second(server, "it_admin").post(f"commands/{wipe}/approve", {"reason": "已核实"})
        server.wait(lambda: server.device(phone.id)["state"] == "wiped", 60, "the wipe")
        assert _status(server, wipe) == "succeeded"
        assert phone.handset.wiped
        server.wait(lambda: not phone.connected, 60, "the cut")
    timeline = server.api.all(f"devices/{phone.id}/timeline")
    assert {"device.enrolled", "command.succeeded"} <= {line["code"] for line in timeline}
    audit = {entry["action"] for entry in server.api.all("audit")}
    assert any("approv" in action for action in audit)


def test_a_lost_phone_is_locked_and_stays_reachable(server: Server, phone: Phone) -> None:
    server.api.patch(f"devices/{phone.id}", {"state": "lost", "reason": "地铁遗失"})
    server.wait(lambda: phone.handset.locked, 60, "the lock")
    phone.handset.receive_sms("+8613800138000", "喂", "王先生")
    phone.wait_archived()
    ping = _command(server, phone.id, "ping")
    server.wait(lambda: _status(server, ping) == "succeeded", what="ping")


def test_records_of_a_conversation_are_receipted(server: Server, phone: Phone) -> None:
    for number in range(30):
        phone.handset.receive_wechat("客户", f"第 {number} 条")
    watermark = phone.wait_archived()
    assert watermark >= 30


def test_a_phone_that_was_away_gets_what_it_missed(server: Server, tmp_path: Path) -> None:
    with living_phone(server, tmp_path / "phone") as phone:
        device_id = phone.id
        phone.close()
        ping = _command(server, device_id, "ping")
        name = _apply(server, device_id)
        again = Phone.open(tmp_path / "phone")
        try:
            again.connect()
            again.wait_greeted()
            server.wait(lambda: _status(server, ping) == "succeeded", what="the missed command")
            server.wait(lambda: again.policy.rule("payments") is not None, what=f"the missed policy {name}")
        finally:
            again.close()


def test_a_revoked_phone_is_cut_and_told_over_http(server: Server, tmp_path: Path) -> None:
    with living_phone(server, tmp_path / "phone") as phone:
        server.api.post(f"devices/{phone.id}/revoke", {"reason": "更换设备"})
        server.wait(lambda: not phone.connected, 60, "the cut")
        assert server.device(phone.id)["state"] in {"retired", "active", "lost"}


def test_phones_obey_the_next_signing_key_without_being_told(server: Server, phone: Phone) -> None:
    before = server.flask("keys", "list")
    server.flask("keys", "roll-signing", "--reason", "例行轮换")
    server.flask("keys", "roll-encryption", "--reason", "例行轮换")
    after = server.flask("keys", "list")
    assert after.splitlines()[0] != before.splitlines()[0]
    ping = _command(server, phone.id, "ping")
    server.wait(lambda: _status(server, ping) == "succeeded", what="a command by the new key")
    phone.handset.receive_sms("+8613800138000", "旧密钥加密", "王先生")
    phone.wait_archived()


def test_a_pinned_phone_that_slept_through_two_rolls_learns_the_new_keys(server: Server, tmp_path: Path) -> None:
    current = server.flask("keys", "list").splitlines()
    pins = Pins(ca_sha256=current[-1].split()[-1], key_sha256=current[0].split()[-1])
    phone = Phone.enroll(server.base_url, server.token(), state=tmp_path / "phone", pins=pins)
    try:
        for _ in range(2):
            server.flask("keys", "roll-signing", "--reason", "例行轮换")
        phone.connect()
        phone.wait_greeted()
        ping = _command(server, phone.id, "ping")
        server.wait(lambda: _status(server, ping) == "succeeded", what="a command by a key two rolls on")
    finally:
        phone.close()


def test_the_operators_commands_tell_and_do(server: Server, phone: Phone) -> None:
    assert phone.id in server.flask("device", "list")
    assert phone.id in server.flask("device", "show", phone.id)
    assert "done" in server.flask("jobs", "run", "witness")
    assert "witness" in server.flask("jobs", "list")
    assert "WRONG" not in server.flask("doctor")
    assert server.flask("broker", "check")
    assert "pattern read shouji/v1/d/%u/down/+" in server.flask("broker", "print-acl", "shouji")
