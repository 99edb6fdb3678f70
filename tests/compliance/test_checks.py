"""Every check that is not about posture: opened by its cause, ended by its end."""

from __future__ import annotations

import uuid
from typing import Any

from archive import alerts
from archive.event_store import Sighting
from archive.event_store import note as note_events
from compliance import registry
from core import clock
from core.uow import unit_of_work
from fleet import findings
from fleet.findings import Observation
from mqtt.contract.event import EventBody
from tests.compliance.bureau import Bureau, later, say
from tests.conftest import Tune
from tests.fleet.phone import Phone


def settle(bureau: Bureau, phone: Phone, code: str, reason: str = "已当面核实", who: Any = None) -> Any:
    return bureau.company.post(f"/devices/{phone.id}/findings/{code}/settle", {"reason": reason}, who)


def tell(phone: Phone, kind: str) -> None:
    """An event of the phone, as the archive takes it."""
    told = {"id": str(uuid.uuid4()), "at": clock.to_wire(clock.now()), "type": kind, "severity": "warning"}
    body = EventBody.take({**told, "rule": None, "peer": None, "excerpt": None, "blocked": False, "detail": {}})
    with unit_of_work():
        note_events([Sighting(phone.id, body, clock.now())])


def test_missed_heartbeats_are_a_hint_that_the_next_one_ends(bureau: Bureau) -> None:
    phone = bureau.phone()
    with bureau.at(minutes=59):
        bureau.tick()
        assert "silent" not in bureau.findings(phone)
    with bureau.at(minutes=61):
        bureau.tick()
        found = bureau.findings(phone)["silent"]
        assert (found["severity"], found["counts"], found["basis"]) == ("info", False, "server")
        assert bureau.shown(phone)["state"] == "compliant"
        bureau.mark_overdue()
        bureau.beat(phone)
        assert "silent" not in bureau.findings(phone)


def test_a_day_without_a_signed_hello_is_a_finding_however_many_heartbeats_come(bureau: Bureau) -> None:
    phone = bureau.phone()
    with bureau.at(hours=25):
        bureau.beat(phone)
        bureau.tick()
        assert bureau.counted(phone) == {"hello_overdue"}
        bureau.hello(phone)
        assert bureau.counted(phone) == set()


def test_longer_offline_than_the_policy_allows(bureau: Bureau) -> None:
    bureau.rule("{device: {maximum_offline_hours: 12}}")
    phone = bureau.phone()
    with bureau.at(hours=13):
        bureau.tick()
        assert {"offline", "silent"} <= set(bureau.findings(phone))
        assert bureau.findings(phone)["offline"]["severity"] == "critical"
        bureau.mark_overdue()
        bureau.beat(phone)
        assert bureau.counted(phone) == set()


def test_a_policy_that_is_not_applied_in_time_until_it_is(bureau: Bureau, tune: Tune) -> None:
    tune(policy_overdue_after=600)
    phone = bureau.phone()
    bureau.rule("{payments: {red_packet: block}}")
    assert bureau.counted(phone) == set()
    with bureau.at(minutes=11):
        bureau.tick()
        found = bureau.findings(phone)["policy_behind"]
        assert found["detail"]["generation"] == bureau.office.state(phone)["desired"]["generation"]
        assert bureau.office.report(phone) == []
        assert "policy_behind" not in bureau.findings(phone)


def test_a_policy_that_failed_or_was_rejected_until_it_is_applied(bureau: Bureau) -> None:
    bureau.rule("{payments: {red_packet: block}}")
    phone = bureau.phone()
    for number, (outcome, code) in enumerate([("failed", "policy_failed"), ("rejected", "policy_rejected")]):
        with bureau.at(seconds=2 + 2 * number):
            bureau.office.report(phone, outcome=outcome)
            found = bureau.findings(phone)[code]
            assert (found["basis"], found["judged_on"], found["word"]) == ("signed", "reported", "policy_stale")
    with bureau.at(seconds=8):
        bureau.office.report(phone)
        assert bureau.counted(phone) == set()


def test_what_the_phone_cannot_carry_out_is_named(bureau: Bureau) -> None:
    bureau.rule("{payments: {red_packet: block}}")
    phone = bureau.phone()
    with bureau.at(minutes=2):
        bureau.hello(phone, capabilities=["lock"])
        found = bureau.findings(phone)["unsupported"]
        assert (found["detail"], "收付款" in found["reason"]["zh-CN"]) == ({"lacking": ["payments"]}, True)
        assert bureau.shown(phone)["state"] == "noncompliant"


def test_a_clock_that_is_off_rests_on_the_phones_signature(bureau: Bureau) -> None:
    phone = bureau.phone()
    with bureau.at(minutes=2):
        bureau.hello(phone, clock=clock.to_wire(later(seconds=500)))
        found = bureau.findings(phone)["clock_skew"]
        assert (found["basis"], found["judged_on"], found["word"]) == ("signed", "hello", "clock")
        assert found["reason"]["en"].startswith("The phone's clock is ")


def test_a_certificate_near_its_end_then_over(bureau: Bureau) -> None:
    phone = bureau.phone()
    with bureau.at(days=74):
        bureau.tick()
        assert "certificate_expiring" not in bureau.findings(phone)
    with bureau.at(days=76):
        bureau.tick()
        assert "certificate_expiring" in bureau.findings(phone)
    with bureau.at(days=91):
        bureau.tick()
        found = bureau.findings(phone)
        assert ("certificate_expiring" in found, found["certificate_expired"]["severity"]) == (False, "critical")


def test_an_unconfirmed_holder_is_a_hint_until_somebody_confirms(bureau: Bureau) -> None:
    phone = bureau.phone()
    assert bureau.findings(phone)["holder_unconfirmed"]["counts"] is False
    bureau.company.post(f"/devices/{phone.id}/confirm", {"person": "E1024"})
    assert "holder_unconfirmed" not in bureau.findings(phone)


def test_another_notice_is_open_until_it_is_accepted_on_the_phone(bureau: Bureau) -> None:
    phone = bureau.phone()
    texts = {"zh-CN": "告知", "en": "Notice"}
    put = bureau.company.client.put(
        "/api/v1/notice", json={"version": "2", "texts": texts}, headers=bureau.company.admin
    )
    assert put.status_code == 200, put.json
    bureau.tick()
    assert bureau.findings(phone)["notice_not_accepted"]["detail"] == {"version": "2"}
    accepted = {"version": "2", "accepted_at": clock.to_wire(clock.now())}
    assert bureau.company.post("/device/notice", accepted, phone.bearer()).status_code == 204
    assert bureau.counted(phone) == set()


def test_a_gap_stands_until_its_alert_is_acknowledged(bureau: Bureau) -> None:
    phone = bureau.phone()
    with unit_of_work():
        alerts.raise_all([alerts.Cause(phone.id, alerts.GAP, None, {"missing": 3})])
    found = bureau.findings(phone)["records_gap"]
    assert (found["severity"], found["word"], found["basis"]) == ("critical", "integrity", "signed")
    (alert,) = bureau.company.get("/integrity-alerts", bureau.company.officer, unseen=True).json["items"]
    bureau.company.post(f"/integrity-alerts/{alert['id']}/acknowledge", {}, bureau.company.officer)
    assert "records_gap" not in bureau.findings(phone)


def test_another_sim_is_a_finding_until_the_old_one_is_back(bureau: Bureau) -> None:
    phone = bureau.phone()
    bureau.beat(phone, sim=["a" * 64])
    assert "sim_changed" not in bureau.findings(phone)
    bureau.beat(phone, sim=["b" * 64])
    found = bureau.findings(phone)["sim_changed"]
    assert (found["basis"], found["judged_on"], found["ends"]) == ("self_reported", "heartbeat", "settled")
    bureau.beat(phone, sim=[])
    assert "sim_changed" in bureau.findings(phone)
    bureau.beat(phone, sim=["a" * 64])
    assert "sim_changed" not in bureau.findings(phone)


def test_another_sim_that_a_person_accepts_is_the_phones_own_from_then_on(bureau: Bureau) -> None:
    phone = bureau.phone()
    bureau.beat(phone, sim=["a" * 64])
    bureau.beat(phone, sim=["b" * 64])
    assert settle(bureau, phone, "sim_changed").status_code == 204
    assert "sim_changed" not in bureau.findings(phone)
    bureau.beat(phone, sim=["b" * 64], passcode=False)
    assert "sim_changed" not in bureau.findings(phone)
    bureau.beat(phone, sim=["a" * 64])
    assert "sim_changed" in bureau.findings(phone)


def test_the_phones_own_events_are_signed_findings_until_settled(bureau: Bureau) -> None:
    phone = bureau.phone()
    for kind, code in (("sim_changed", "sim_changed"), ("integrity", "integrity_event")):
        tell(phone, kind)
        found = bureau.findings(phone)[code]
        assert (found["basis"], found["judged_on"]) == ("signed", "event")
        assert settle(bureau, phone, code).status_code == 204
        assert code not in bureau.findings(phone)
    assert "finding.settled" in bureau.company.timeline(phone, "compliance")
    assert len(bureau.audited("finding.settle")) == 2


def test_only_what_does_not_end_by_itself_is_settled_by_whoever_may_with_a_reason(bureau: Bureau) -> None:
    bureau.rule()
    phone = bureau.phone()
    bureau.beat(phone, rooted=True)
    assert settle(bureau, phone, "root").json["code"] == "ends_by_itself"
    assert settle(bureau, phone, "sim_changed").status_code == 404
    tell(phone, "sim_changed")
    assert settle(bureau, phone, "sim_changed", "  ").status_code == 422
    elsewhere = bureau.officer_of("/总部/客服")
    assert settle(bureau, phone, "sim_changed", who=elsewhere).status_code == 404
    assert "sim_changed" in bureau.findings(phone)


def test_a_cloned_identity_stands_until_somebody_looked(bureau: Bureau) -> None:
    phone = bureau.phone()
    first, second = phone.boot_id, str(uuid.uuid4())
    for number, boot in enumerate([second, first]):
        with bureau.at(minutes=2 * (number + 1)):
            say(phone.hello(clock.now(), boot_id=boot))
    found = bureau.findings(phone)["cloned_identity"]
    assert (found["severity"], found["word"], found["detail"]) == ("critical", "cloned", {"by": "boot_id"})
    assert settle(bureau, phone, "cloned_identity").status_code == 204
    assert "cloned_identity" not in bureau.findings(phone)


def test_while_two_phones_may_speak_a_heartbeat_opens_findings_and_ends_none(bureau: Bureau) -> None:
    bureau.rule()
    phone = bureau.phone()
    bureau.beat(phone, sim=["a" * 64])
    with unit_of_work():
        findings.observe([Observation(phone.id, "cloned_identity", True, {"by": "takeover"})])
    for sim, rooted in (("b", True), ("a", False), ("b", True), ("a", False)):
        bureau.beat(phone, sim=[sim * 64], rooted=rooted)
    lines = bureau.company.timeline(phone, "finding")
    assert lines.count("sim_changed.opened") == lines.count("root.opened") == 1
    assert "sim_changed.closed" not in lines and "root.closed" not in lines
    assert settle(bureau, phone, "cloned_identity").status_code == 204
    assert {"sim_changed", "root"}.isdisjoint(bureau.findings(phone))


def test_what_a_finding_rests_on_is_told_in_words_and_in_the_organisations_time(bureau: Bureau) -> None:
    phone = bureau.phone()
    bureau.beat(phone, sim=["a" * 64])
    bureau.beat(phone, sim=["b" * 64])
    reason = bureau.findings(phone)["sim_changed"]["reason"]
    assert "（依据：心跳）" in reason["zh-CN"] and "a heartbeat" in reason["en"]
    certificate = registry.check_of("certificate_expired").say({"ended": "2026-11-25T16:30:00.000Z"})
    assert "2026-11-26 00:30" in certificate.zh and "2026-11-26 00:30" in certificate.en
    assert registry.check_of("permissions").say({"denied": ["sms", "new_one"]}).zh.count("短信、new_one") == 1
