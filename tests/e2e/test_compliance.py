"""A real phone that is rooted, on a running server: finding, message to the holder, lock by the ladder."""

from __future__ import annotations

from typing import Any

from agent.phone import Phone
from demo.api import Api
from tests.support.server import Server

POLICY = """
apiVersion: shouji/v1
kind: Policy
metadata: {name: ladder}
spec:
  device: {heartbeat_seconds: 10, forbid: [root]}
  compliance:
    - {when: any, after: 0s, do: notify_holder}
    - {when: [root], after: 15s, do: lock} # the job that climbs runs every 10 s
---
apiVersion: shouji/v1
kind: Assignment
metadata: {name: ladder}
spec: {policy: ladder, to: {device: %s}}
"""


def _commands(api: Api, device_id: str) -> dict[str, dict[str, Any]]:
    return {one["type"]: one for one in api.all(f"devices/{device_id}/commands") if one["origin"] == "ladder"}


def test_a_rooted_phone_is_told_then_locked_and_in_order_again_it_stays_locked(server: Server, phone: Phone) -> None:
    api = server.api
    api.post("documents/apply?publish=true", POLICY % phone.id, "application/yaml")
    server.wait(lambda: phone.policy.rule("compliance") is not None, what="the policy")
    phone.beat()
    server.wait(lambda: server.device(phone.id)["compliance"]["state"] == "compliant", what="the judgement")

    phone.handset.set_posture(rooted=True)
    phone.beat()
    server.wait(lambda: server.device(phone.id)["compliance"]["state"] == "noncompliant", 60, "the finding")
    (root,) = (one for one in api.get(f"devices/{phone.id}/findings")["items"] if one["code"] == "root")
    assert (root["basis"], root["judged_on"], root["severity"]) == ("self_reported", "heartbeat", "critical")
    server.wait(lambda: "lock" in _commands(api, phone.id), 60, "the ladder")
    server.wait(lambda: _commands(api, phone.id)["lock"]["status"] == "succeeded", 60, "the lock")
    server.wait(lambda: phone.handset.locked, what="the phone")
    server.wait(lambda: _commands(api, phone.id)["message"]["status"] == "succeeded", 60, "the message")
    assert server.device(phone.id)["compliance"]["step"] == "lock"
    assert any(one["kind"] == "compliance" and one["about_id"] == phone.id for one in api.all("notices"))

    phone.handset.set_posture(rooted=False)
    phone.beat()
    server.wait(lambda: server.device(phone.id)["compliance"]["state"] == "compliant", what="the end")
    server.wait(lambda: server.device(phone.id)["compliance"]["step"] == "none", what="the reset")
    assert set(_commands(api, phone.id)) == {"message", "lock"}
    assert phone.handset.locked
    audited = {entry["action"]: entry for entry in api.all("audit") if entry["action"].startswith("compliance.")}
    assert set(audited) == {"compliance.step", "compliance.step_reset"}
    assert 'shouji_compliance_states{state="compliant"}' in server.metrics()
