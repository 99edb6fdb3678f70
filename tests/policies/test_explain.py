"""Explain: each effective value with its policy, version and assignment; now, and at a past minute."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Any

from core.uow import unit_of_work
from policies.models import DesiredHistory, ReportedHistory
from tests.fleet.phone import wire
from tests.policies.office import Office, assignment, policy

HERE = "{org_unit: /总部/电销}"


def explained(office: Office, phone: Any, **query: Any) -> Any:
    answer = office.company.get(f"/devices/{phone.id}/explain", **query)
    assert answer.status_code == 200, answer.json
    return answer.json


def test_each_value_names_policy_version_and_assignment(office: Office) -> None:
    phone = office.phone("/总部/电销")
    office.apply(
        policy("base", "{device: {heartbeat_seconds: 60, require: [passcode]}}")
        + policy("strict", "{device: {heartbeat_seconds: 30, require: [passcode, encryption]}}")
        + assignment("all", "base", "{org_unit: /}")
        + assignment("here", "strict", HERE)
    )
    office.apply(policy("strict", "{device: {heartbeat_seconds: 20, require: [passcode, encryption]}}"))
    shown = explained(office, phone)
    base = {"policy": "base", "version": 1, "assignment": "all"}
    strict = {"policy": "strict", "version": 2, "assignment": "here"}
    assert shown["policies"] == [base, strict]
    assert {value["path"]: (value["value"], value["sources"]) for value in shown["values"]} == {
        "device.heartbeat_seconds": (20, [strict]),
        "device.require.encryption": (True, [strict]),
        "device.require.passcode": (True, [base, strict]),
    }
    state = office.state(phone)["desired"]
    assert {key: shown[key] for key in state} == state


def test_a_policy_that_arrives_by_two_assignments_names_both(office: Office) -> None:
    phone = office.phone("/总部/电销")
    office.apply(
        policy("base", "{location: {mode: off}}")
        + assignment("all", "base", "{org_unit: /}")
        + assignment("one", "base", f"{{device: {phone.id}}}")
    )
    sources = explained(office, phone)["values"][0]["sources"]
    assert [source["assignment"] for source in sources] == ["all", "one"]


def test_a_phone_without_a_policy_has_nothing_to_explain(office: Office) -> None:
    shown = explained(office, office.phone("/总部/电销"))
    assert (shown["policies"], shown["values"], shown["in_force"]) == ([], [], None)


def test_for_a_past_minute_it_tells_what_was_wanted_and_what_was_in_force(office: Office) -> None:
    phone = office.phone("/总部/电销")
    office.apply(policy("sales", "{location: {mode: off}}") + assignment("here", "sales", HERE))
    old = office.state(phone)["desired"]
    office.report(phone, iat=int(time.time()) - 5)
    an_hour_ago = datetime.now(UTC) - timedelta(hours=1)
    with unit_of_work() as current:
        for history, column in ((DesiredHistory, "at"), (ReportedHistory, "at")):
            current.query(history).update({column: an_hour_ago})
    office.apply(policy("sales", "{location: {mode: hours}}"))
    office.report(phone)
    then = explained(office, phone, at=wire(datetime.now(UTC) - timedelta(minutes=10)))
    assert (then["generation"], then["bundle"]) == (old["generation"], old["bundle"])
    assert (then["in_force"]["generation"], then["in_force"]["bundle"]) == (old["generation"], old["bundle"])
    assert then["policies"] == [{"policy": "sales", "version": 1, "assignment": "here"}]
    assert [(v["path"], v["value"]) for v in then["values"]] == [("location.mode", "off")]
    now = explained(office, phone)
    assert now["in_force"]["bundle"] == office.state(phone)["desired"]["bundle"] != old["bundle"]
    before = explained(office, phone, at=wire(datetime.now(UTC) - timedelta(days=1)))
    assert (before["bundle"], before["in_force"], before["values"]) == (None, None, [])


def test_a_minute_beyond_the_calendar_is_refused(office: Office) -> None:
    phone = office.phone("/总部/电销")
    for at in ("9999-12-31T23:59:59-08:00", "0001-01-01T00:00:00+08:00", "2026-02-29T00:00:00Z", "2026-11-25T00:00:00"):
        assert office.company.get(f"/devices/{phone.id}/explain", at=at).status_code == 422
    assert explained(office, phone, at="2028-02-29T23:59:59+08:00")["at"] == "2028-02-29T15:59:59.000Z"


def test_a_phone_of_a_foreign_unit_is_not_there(office: Office) -> None:
    foreign = office.phone("/总部/客服")
    answer = office.company.get(f"/devices/{foreign.id}/explain", who=office.company.leader)
    assert answer.status_code in (403, 404)
    assert office.company.get(f"/devices/{'0' * 8}-0000-4000-8000-{'0' * 12}/explain").status_code == 404
