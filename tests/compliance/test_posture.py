from __future__ import annotations

from typing import Any

import pytest

from tests.compliance.bureau import GOOD, STRICT, Bureau, later, say, statements
from tests.fleet.phone import Phone


@pytest.mark.parametrize(
    ("posture", "code", "severity"),
    [
        ({"encrypted": False}, "encryption", "critical"),
        ({"passcode": False}, "passcode", "warning"),
        ({"agent_admin": False}, "agent_admin", "critical"),
        ({"permissions": {"sms": False, "overlay": True}}, "permissions", "warning"),
        ({"rooted": True}, "root", "critical"),
        ({"developer_mode": True}, "developer_mode", "warning"),
    ],
)
def test_what_the_policy_requires_is_a_finding_until_it_is_so(
    bureau: Bureau, posture: dict[str, Any], code: str, severity: str
) -> None:
    bureau.rule()
    phone = bureau.phone()
    assert bureau.shown(phone) == {"state": "compliant", "step": "none", "findings": []}
    bureau.beat(phone, **posture)
    found = bureau.findings(phone)[code]
    assert (found["severity"], found["basis"], found["judged_on"]) == (severity, "self_reported", "heartbeat")
    assert found["title"]["zh-CN"] and found["reason"]["en"] and found["advice"]["zh-CN"]
    shown = bureau.shown(phone)
    assert (shown["state"], [one["code"] for one in shown["findings"]]) == ("noncompliant", [code])
    bureau.beat(phone)
    assert bureau.shown(phone)["state"] == "compliant"
    assert bureau.company.timeline(phone, "finding")[:2] == [f"{code}.closed", f"{code}.opened"]


def test_what_no_policy_asks_for_is_no_finding(bureau: Bureau) -> None:
    phone = bureau.phone()
    bureau.beat(phone, rooted=True, passcode=False)
    assert bureau.counted(phone) == set()
    bureau.rule(STRICT)
    assert bureau.counted(phone) == {"root", "passcode"}
    bureau.rule("{device: {forbid: [developer_mode]}}")
    assert bureau.counted(phone) == set()


def test_a_missing_value_is_unknown_and_changes_nothing(bureau: Bureau) -> None:
    bureau.rule()
    phone = bureau.phone()
    bureau.beat(phone, rooted=True)
    since = bureau.findings(phone)["root"]["since"]
    bureau.beat(phone, rooted=None, passcode=None, permissions={})
    found = bureau.findings(phone)
    assert ("passcode" in found, found["root"]["since"]) == (False, since)


def test_the_taken_permissions_are_named(bureau: Bureau) -> None:
    bureau.rule()
    phone = bureau.phone()
    bureau.beat(phone, permissions={"sms": False, "overlay": False, "call_log": True})
    found = bureau.findings(phone)["permissions"]
    assert found["detail"] == {"denied": ["overlay", "sms"]}
    assert "悬浮窗、短信" in found["reason"]["zh-CN"] and "overlay, SMS" in found["reason"]["en"]


def test_an_old_system_is_a_finding_and_a_name_without_a_number_is_not(bureau: Bureau) -> None:
    bureau.rule('{device: {minimum_os: {android: "16"}}}')
    old = bureau.phone()
    assert bureau.findings(old)["os_version"]["detail"] == {"version": "15", "least": "16"}
    odd = Phone()
    body = odd.enrollment(bureau.company.token(), "default-1")
    body["device"]["os_version"] = "Baklava"
    odd.id = bureau.company.post("/enroll", body, {}).json["device_id"]
    bureau.beat(odd)
    assert "os_version" not in bureau.findings(odd)


def test_a_patch_grows_old_without_any_message(bureau: Bureau) -> None:
    bureau.rule("{device: {maximum_patch_age_days: 30}}")
    phone = bureau.phone()
    bureau.beat(phone, security_patch=str(later(days=-29).date()))
    assert "patch_age" not in bureau.findings(phone)
    with bureau.at(days=2):
        bureau.tick()
        assert bureau.findings(phone)["patch_age"]["detail"] == {"days": 31, "limit": 30}


def test_many_phones_in_one_batch_cost_the_statements_of_one(bureau: Bureau) -> None:
    bureau.rule()
    token = bureau.company.token(org_unit="/总部/电销", max_uses=100)
    phones = [bureau.company.enroll(token=token) for _ in range(62)]

    def cost(crowd: list[Phone]) -> int:
        at = later()
        with statements() as run:
            say(*(phone.heartbeat(at, posture={**GOOD, "rooted": True, "passcode": False}) for phone in crowd))
        return len(run)

    cost(phones[:1])
    assert cost(phones[1:22]) == cost(phones[22:])
    assert all(bureau.counted(phone) == {"root", "passcode"} for phone in phones[::10])
