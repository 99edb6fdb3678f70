from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from compliance.ladder import NO_STEP, Reached, Standing, reached
from policies.engine.families.compliance import Rung
from tests.compliance.bureau import Bureau
from tests.conftest import Tune
from tests.fleet.phone import Phone

NOW = datetime(2026, 11, 25, 8, tzinfo=UTC)
HOUR = 3600
RUNGS = [
    Rung(when="any", after=0, do="notify_holder"),
    Rung(when="any", after=24 * HOUR, do="alert"),
    Rung(when=["root", "offline"], after=72 * HOUR, do="lock"),
]


def stands(code: str, hours: float, *, by_any: bool = True) -> Standing:
    return Standing(code, code, NOW - timedelta(hours=hours), by_any)


@pytest.mark.parametrize(
    ("findings", "step", "code", "next_hours"),
    [
        ([], NO_STEP, None, None),
        ([stands("passcode", 0)], "notify_holder", "passcode", 24),
        ([stands("passcode", 24)], "alert", "passcode", None),
        ([stands("passcode", 1000)], "alert", "passcode", None),
        ([stands("root", 71)], "alert", "root", 1),
        ([stands("root", 72)], "lock", "root", None),
        ([stands("passcode", 30), stands("root", 1)], "alert", "passcode", 71),
        ([stands("offline", 80), stands("root", 90)], "lock", "root", None),
        ([stands("holder", 90, by_any=False)], NO_STEP, None, None),
        ([stands("offline", 71.5, by_any=False)], NO_STEP, None, 0.5),
    ],
)
def test_the_most_severe_step_whose_time_has_come_wins(
    findings: list[Standing], step: str, code: str | None, next_hours: float | None
) -> None:
    next_at = None if next_hours is None else NOW + timedelta(hours=next_hours)
    assert reached(RUNGS, findings, NOW) == Reached(step, code, next_at)
    assert reached(RUNGS[::-1], findings[::-1], NOW) == Reached(step, code, next_at)


def rooted(bureau: Bureau) -> Phone:
    """A phone of Wang's that has just become rooted under the house's ladder."""
    bureau.rule()
    phone = bureau.phone(person="E1024")
    bureau.beat(phone, rooted=True)
    bureau.tick()
    return phone


def test_the_holder_is_told_at_once_in_both_languages_and_once(bureau: Bureau) -> None:
    phone = rooted(bureau)
    assert bureau.shown(phone)["step"] == "notify_holder"
    assert bureau.commands(phone) == [("message", "ladder")]
    (message,) = bureau.company.get(f"/devices/{phone.id}/commands").json["items"]
    assert "已 root" in message["args"]["text"] and "Rooted" in message["args"]["text"]
    assert message["requested_by_name"] == "compliance"
    bureau.beat(phone, rooted=True, passcode=True, developer_mode=False)
    bureau.tick()
    assert bureau.commands(phone) == [("message", "ladder")]


def test_whoever_handles_findings_is_alerted_a_day_later_and_nobody_else(bureau: Bureau) -> None:
    phone = rooted(bureau)
    with bureau.at(hours=23):
        bureau.tick()
        assert bureau.notices(bureau.company.officer) == []
    with bureau.at(hours=25):
        bureau.tick()
        assert bureau.shown(phone)["step"] == "alert"
        for who in (bureau.company.officer, bureau.company.leader, bureau.company.admin):
            (notice,) = bureau.notices(who)
            assert (notice["about_kind"], notice["about_id"]) == ("device", phone.id)
            assert "已 root" in notice["text"]
        bureau.tick()
        assert len(bureau.notices(bureau.company.officer)) == 1


def test_three_days_later_the_phone_is_locked_by_the_system_with_a_reason_and_once(bureau: Bureau) -> None:
    phone = rooted(bureau)
    with bureau.at(hours=73):
        bureau.tick()
        assert bureau.shown(phone)["step"] == "lock"
        assert bureau.commands(phone) == [("message", "ladder"), ("lock", "ladder")]
        lock = bureau.company.get(f"/devices/{phone.id}/commands").json["items"][0]
        assert (lock["type"], lock["requested_by"], lock["destructive"]) == ("lock", "compliance", False)
        assert "已 root" in lock["reason"] and "已锁定" in lock["args"]["message"]
        (entry, first) = bureau.audited("compliance.step")
        assert (entry["target"]["id"] if "target" in entry else entry["target_id"]) == phone.id
        assert (entry["detail"]["from"], entry["detail"]["to"]) == ("notify_holder", "lock")
        assert first["detail"]["to"] == "notify_holder"
        assert "compliance.lock" in bureau.company.timeline(phone, "compliance")
    with bureau.at(hours=80):
        bureau.tick()
        assert len(bureau.commands(phone)) == 2


def test_the_end_of_the_finding_resets_the_step_and_unlocking_stays_a_persons_decision(bureau: Bureau) -> None:
    phone = rooted(bureau)
    with bureau.at(hours=73):
        bureau.tick()
        bureau.hello(phone)
        bureau.beat(phone)
        bureau.tick()
        assert bureau.shown(phone) == {"state": "compliant", "step": "none", "findings": []}
        assert [kind for kind, _ in bureau.commands(phone)] == ["message", "lock"]
        (entry,) = bureau.audited("compliance.step_reset")
        assert entry["detail"] == {"from": "lock", "to": "none", "code": None}
        assert "解锁" in bureau.notices(bureau.company.leader)[0]["text"]
        bureau.beat(phone, rooted=True)
        bureau.tick()
        assert bureau.shown(phone)["step"] == "notify_holder"


def test_a_step_falls_to_what_the_other_findings_have_reached(bureau: Bureau) -> None:
    phone = rooted(bureau)
    bureau.beat(phone, rooted=True, passcode=False)
    with bureau.at(hours=73):
        bureau.tick()
        bureau.hello(phone)
        bureau.beat(phone, passcode=False)
        bureau.tick()
        assert bureau.shown(phone)["step"] == "alert"
        assert bureau.audited("compliance.step_reset")[0]["detail"]["to"] == "alert"


def test_a_freeze_holds_the_lock_and_its_end_lets_it_go(bureau: Bureau) -> None:
    phone = rooted(bureau)
    with bureau.at(hours=73):
        bureau.company.post("/freeze", {"frozen": True, "reason": "核查"})
        bureau.tick()
        bureau.tick()
        assert [kind for kind, _ in bureau.commands(phone)] == ["message"]
        assert bureau.shown(phone)["step"] == "notify_holder"
        assert bureau.company.get("/compliance/summary").json["totals"]["held"] == 1
        assert len(bureau.notices(bureau.company.leader)) == 1
        bureau.company.post("/freeze", {"frozen": False, "reason": "核查完毕"})
    with bureau.at(hours=73, minutes=2):
        bureau.tick()
        assert [kind for kind, _ in bureau.commands(phone)] == ["message", "lock"]
        assert bureau.company.get("/compliance/summary").json["totals"]["held"] == 0


def test_no_more_phones_are_locked_in_an_hour_than_the_cap_allows(bureau: Bureau, tune: Tune) -> None:
    tune(ladder_locks_per_hour=2)
    bureau.rule("{device: {forbid: [root]}, compliance: [{when: [root], after: 1h, do: lock}]}")
    phones = [bureau.phone() for _ in range(3)]
    for phone in phones:
        bureau.beat(phone, rooted=True)
    with bureau.at(hours=2):
        bureau.tick()
        locked = [phone for phone in phones if bureau.commands(phone)]
        assert len(locked) == 2
        (waiting,) = (phone for phone in phones if phone not in locked)
        assert bureau.shown(waiting)["step"] == "none"
        assert any("名额" in notice["text"] for notice in bureau.notices(bureau.company.leader))
    with bureau.at(hours=3, minutes=1):
        bureau.tick()
        assert bureau.commands(waiting) == [("lock", "ladder")]


def test_locks_of_many_phones_at_once_are_one_notice_for_a_unit_and_cost_no_more_statements(bureau: Bureau) -> None:
    bureau.rule("{device: {forbid: [root]}, compliance: [{when: [root], after: 1h, do: lock}]}")
    phones = [bureau.phone() for _ in range(12)]
    for phone in phones:
        bureau.beat(phone, rooted=True)
    with bureau.at(hours=2):
        bureau.tick()
        assert all(bureau.commands(phone) == [("lock", "ladder")] for phone in phones)
        (notice,) = bureau.notices(bureau.company.leader)
        assert (notice["about_kind"], "12 台设备" in notice["text"]) == ("org_unit", True)
        # So many locks at once are destructive, as if a person had asked for them: a freeze holds them.
        assert bureau.company.get(f"/devices/{phones[0].id}/commands").json["items"][0]["destructive"]


def test_a_phone_that_left_the_fleet_climbs_no_more(bureau: Bureau) -> None:
    phone = rooted(bureau)
    bureau.company.post(f"/devices/{phone.id}/revoke", {"reason": "报废"})
    with bureau.at(hours=73):
        bureau.tick()
        assert [kind for kind, _ in bureau.commands(phone)] == ["message"]
        assert bureau.company.get("/compliance/summary").json["totals"]["devices"] == 0


def test_hints_climb_only_where_a_policy_names_them(bureau: Bureau) -> None:
    bureau.rule("{compliance: [{when: any, after: 0h, do: alert}, {when: [holder], after: 1h, do: lock}]}")
    phone = bureau.phone()
    assert (bureau.shown(phone)["state"], bureau.shown(phone)["step"]) == ("compliant", "none")
    with bureau.at(hours=2):
        bureau.tick()
        assert bureau.commands(phone) == [("lock", "ladder")]
