"""Explain an act: allowed or not, by which rule of which policy, with the counters that the archive gives."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.archive.parts import Recorder, body, take
from tests.fleet.company import Company
from tests.fleet.phone import wire
from tests.policies.office import Office, assignment, document, policy

LIMITS = (
    "{contact_limits: {rules: ["
    "{id: talks, key: customer, count: effective_talk, max: 2, window: 7d, action: block},"
    "{id: dials, key: contact_point, count: unanswered_dial, max: 2, window: 7d, action: warn},"
    "{id: gap, key: contact_point, min_gap: 60s, action: block},"
    "{id: team, key: team, count: attempt, max: 9, window: 7d, action: block}]},"
    " keywords: [{set: fees, action: block, direction: out}], protection: {deny: [screenshot]}}"
)
HERS = "13800000001"
NOW = datetime.now(UTC)


@pytest.fixture
def office(company: Company) -> Office:
    """People who write policies."""
    return Office(company)


def caller(office: Office, *calls: tuple[str, str, int]) -> Recorder:
    """A phone with the policy and an archive of calls: to whom, with what outcome, seconds."""
    made = Recorder(office.phone("/总部/电销"))
    office.apply(
        document("KeywordSet", "fees", "{terms: [加急费]}")
        + policy("sales", LIMITS)
        + assignment("here", "sales", "{org_unit: /总部/电销}")
    )
    for number, outcome, seconds in calls:
        peer = {"address": number, "name": ""}
        at = wire(NOW - timedelta(hours=2))
        made.say("", channel="call", kind="call", outcome=outcome, duration_s=seconds, peer=peer, at=at)
    if calls:
        assert take(made.sends()) == []
    return made


def ask(office: Office, phone: Recorder, who: Any = None, **act: Any) -> Any:
    answer = office.company.post(f"/devices/{phone.id}/explain", {"contact": HERS, **act}, who)
    assert answer.status_code == 200, answer.json
    return body(answer)


def test_a_call_is_refused_by_the_limit_that_the_archive_shows_reached(office: Office) -> None:
    talks = [(HERS, "connected", 30), (HERS, "connected", 30), (HERS, "connected", 3), ("13900000000", "connected", 60)]
    phone = caller(office, *talks)
    found = ask(office, phone, office.company.officer, kind="call")
    assert (found["allowed"], found["action"], found["in_force"]) == (False, "block", False)
    assert [(one["rule"], one["counter"]) for one in found["because"]] == [
        ("sales/talks", "customer/effective_talk/604800")
    ]
    assert found["because"][0]["sources"] == [{"policy": "sales", "version": 1, "assignment": "here"}]
    assert {one["name"]: (one["value"], one["limit"]) for one in found["counters"]} == {
        "customer/effective_talk/604800": (2, 2),
        "contact_point/unanswered_dial/604800": (0, 2),
        "team/attempt/604800": (None, 9),
    }
    assert "不允许" in found["text"]["zh-CN"] and "Not allowed" in found["text"]["en"]
    other = ask(office, phone, office.company.officer, kind="call", contact="13900000000")
    assert other["allowed"] and other["counters"][1]["value"] == 1


def test_what_the_phone_reported_is_judged_and_a_window_counts_what_lies_in_it(office: Office) -> None:
    phone = caller(office, (HERS, "no_answer", 0), (HERS, "busy", 0))
    office.report(phone.phone)
    assert ask(office, phone, office.company.officer, kind="call")["action"] == "warn"
    assert ask(office, phone, office.company.officer, kind="call")["in_force"]
    later = ask(office, phone, office.company.officer, kind="call", at=wire(NOW + timedelta(days=8)))
    assert (later["action"], later["because"]) == ("allow", []), "the calls have left the window"


def test_a_message_names_the_set_and_figures_may_be_handed_in(office: Office) -> None:
    phone = caller(office)
    found = ask(office, phone, kind="message", channel="wechat", text="先交加*急费")
    assert [one["action"] for one in found["because"]] == ["block"]
    assert found["because"][0]["rule"].startswith("fees/")
    assert found["because"][0]["sources"] == [{"policy": "sales", "version": 1, "assignment": "here"}]
    assert ask(office, phone, kind="message", direction="in", text="加急费")["action"] == "allow"
    given = ask(office, phone, kind="call", counters={"team/attempt/604800": 9})
    assert [one["rule"] for one in given["because"]] == ["sales/team"]


def test_counters_are_of_the_archive_for_those_who_may_read_it_and_audited(office: Office) -> None:
    phone = caller(office, (HERS, "connected", 30), (HERS, "connected", 30))
    blind = ask(office, phone, office.company.leader, kind="call")
    assert blind["allowed"] and {one["value"] for one in blind["counters"]} == {None}
    ask(office, phone, office.company.officer, kind="call")
    entries = office.company.get("/audit", office.company.officer, action="records.read").json["items"]
    assert [entry["detail"] for entry in entries] == [{"records": 2, "for": "explain"}]


def test_without_a_policy_and_outside_of_the_own_tree_there_is_nothing_to_judge(office: Office) -> None:
    bare = Recorder(office.phone("/总部/客服"))
    before = office.company.post(f"/devices/{bare.id}/explain", {"kind": "call", "at": "2020-01-01T00:00:00Z"})
    assert (before.status_code, before.json["code"]) == (409, "nothing_in_force")
    for at, status in (("0001-01-01T00:00:00Z", 409), ("9999-12-31T23:59:59Z", 422)):
        assert office.company.post(f"/devices/{bare.id}/explain", {"kind": "call", "at": at}).status_code == status
    assert (
        office.company.post(f"/devices/{bare.id}/explain", {"kind": "call"}, office.company.leader).status_code == 404
    )
