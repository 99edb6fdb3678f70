"""Reported state: stored in batches, never overwritten by older news, counted into rollouts, judged into findings."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any

import pytest

from core.uow import unit_of_work
from fleet import queries as fleet
from fleet.models import Presence
from policies import rollouts, states
from tests.fleet.company import hear as hear_fleet
from tests.fleet.phone import Phone, new_key
from tests.policies.office import Office, assignment, hear, policy, report

HERE = "{org_unit: /总部/电销}"


def findings(office: Office, phone: Phone) -> dict[str, Any]:
    shown = office.company.device(phone)["compliance"]["findings"]
    return {finding["code"]: finding["detail"] for finding in shown}


def test_a_report_is_stored_and_shown(office: Office) -> None:
    phone = office.phone("/总部/电销")
    assert office.report(phone) == []
    state = office.state(phone)
    assert state["reported"]["outcome"] == "applied"
    assert {k: state["reported"][k] for k in ("generation", "bundle")} == state["desired"]


def test_older_news_and_repeats_never_overwrite_newer(office: Office) -> None:
    phone = office.phone("/总部/电销")
    now = int(time.time())
    newest = report(phone, iat=now, outcome="failed", generation=7, bundle=None)
    hear(newest)
    hear(report(phone, iat=now - 10, outcome="applied", generation=9, bundle="a" * 64), newest)
    assert office.state(phone)["reported"]["outcome"] == "failed"


def test_of_several_reports_in_one_batch_the_newest_counts(office: Office) -> None:
    phone = office.phone("/总部/电销")
    now = int(time.time())
    hear(*(report(phone, iat=now + step, outcome=said) for step, said in enumerate(["failed", "applied"])))
    assert office.state(phone)["reported"]["outcome"] == "applied"


def test_a_clock_far_ahead_does_not_lock_a_phone_out(office: Office) -> None:
    phone = office.phone("/总部/电销")
    hear(report(phone, iat=int(time.time()) + 86_400, outcome="failed"))
    hear(report(phone, iat=int(time.time()) + 1, outcome="applied"))
    assert office.state(phone)["reported"]["outcome"] == "applied"


def test_what_is_not_the_phones_own_report_is_refused_and_changes_nothing(office: Office) -> None:
    phone, other = office.phone("/总部/电销"), office.phone("/总部/电销")
    foreign = report(phone, key=new_key())
    of_another = report(other)
    wrong = [
        foreign,
        report(phone, typ="shouji-hello+jws"),
        report(phone, sub=other.id),
        report(phone, outcome="splendid"),
        report(phone, rules={"numbers": "perhaps"}),
        report(phone, at="yesterday"),
        type(foreign)(phone.id, "reported", b"no jws", foreign.received_at),
        type(foreign)(phone.id, "reported", of_another.payload, foreign.received_at),
    ]
    assert [refusal.message for refusal in hear(*wrong)] == wrong
    assert office.state(phone)["reported"]["outcome"] is None


def test_unknown_members_of_a_report_are_ignored(office: Office) -> None:
    phone = office.phone("/总部/电销")
    assert hear(report(phone, generation=None, bundle=None, outcome="failed", mood="good")) == []
    assert office.state(phone)["reported"]["outcome"] == "failed"


def test_a_family_that_a_phone_lacks_is_a_finding_until_it_can(office: Office) -> None:
    phone = office.phone("/总部/电销")
    office.report(phone, rules={"numbers": "unsupported", "device": "enforced"}, iat=int(time.time()) - 2)
    assert findings(office, phone)["unsupported"] == {"lacking": ["numbers"]}
    office.report(phone, rules={"numbers": "enforced", "device": "enforced"})
    assert "unsupported" not in findings(office, phone)


def test_what_a_phone_says_it_cannot_do_is_a_finding_where_its_policy_needs_it(office: Office) -> None:
    from datetime import UTC, datetime

    phone = office.phone("/总部/电销")
    rules = "{archive: {recording: required}, numbers: {reveal: never}}"
    office.apply(policy("sales", rules) + assignment("everywhere", "sales", HERE))
    hear_fleet(phone.hello(datetime.now(UTC), capabilities=["numbers", "archive"]))
    assert findings(office, phone)["unsupported"] == {"lacking": ["record_calls"]}
    hear_fleet(phone.hello(datetime.now(UTC), capabilities=["numbers", "archive", "record_calls"], boot_id="next"))
    assert "unsupported" not in findings(office, phone)


def test_a_rejected_bundle_is_a_finding_and_the_old_one_stays_in_force(office: Office) -> None:
    phone = office.phone("/总部/电销")
    office.report(phone, iat=int(time.time()) - 3)
    before = office.state(phone)["desired"]["bundle"]
    hear(report(phone, iat=int(time.time()) - 1, outcome="rejected", generation=5, bundle=None, detail="schema"))
    assert findings(office, phone)["policy_rejected"] == {"generation": 5}
    with unit_of_work(write=False):
        from policies import reported

        assert reported.bundles_in_force([phone.id]) == {phone.id: before}
    office.report(phone)
    assert "policy_rejected" not in findings(office, phone)


def test_a_rollout_counts_who_was_targeted_reached_and_applied(office: Office) -> None:
    phones = [office.phone("/总部/电销") for _ in range(3)]
    done = office.apply(policy("sales", "{location: {mode: off}}") + assignment("everywhere", "sales", HERE))

    def counts() -> Any:
        rollout = office.company.get(f"/rollouts/{done['rollout']}").json
        devices = rollout["rings"][0]["devices"]
        return rollout["state"], rollout["rings"][0]["name"], {name: n for name, n in devices.items() if n}

    assert counts() == ("running", "everyone", {"targeted": 3, "waiting": 3})
    with unit_of_work():
        rollouts.sent([phones[0].id, phones[1].id])
    assert counts()[2] == {"targeted": 3, "sent": 2, "waiting": 3}
    office.report(phones[0], iat=int(time.time()) - 1)
    office.report(phones[1], outcome="failed", iat=int(time.time()) - 1)
    assert counts()[2] == {"targeted": 3, "sent": 2, "applied": 1, "failed": 1, "waiting": 1}
    for phone in phones:
        office.report(phone)
    with unit_of_work():
        assert rollouts.finish_complete() == 1
    assert counts()[::2] == ("finished", {"targeted": 3, "sent": 3, "applied": 3})


def test_a_family_that_a_report_passes_over_in_silence_is_not_taken_for_enforced(office: Office) -> None:
    phone = office.phone("/总部/电销")
    spec = "{device: {heartbeat_seconds: 15}, protection: {deny: [screenshot]}}"
    office.apply(policy("sales", spec) + assignment("everywhere", "sales", HERE))
    office.report(phone, rules={"device": "enforced"}, iat=int(time.time()) - 2)
    assert findings(office, phone)["unsupported"] == {"lacking": ["protection"]}
    office.report(phone, rules={"device": "enforced", "protection": "enforced"})
    assert "unsupported" not in findings(office, phone)


def test_a_report_that_was_lost_is_taken_from_the_next_hello(office: Office) -> None:
    from datetime import UTC, datetime

    from tests.fleet.phone import wire

    phone = office.phone("/总部/电销")
    state = office.state(phone)["desired"]
    now = datetime.now(UTC)
    said = {**state, "outcome": "applied", "detail": None, "at": wire(now), "rules": {}}
    hear_fleet(phone.hello(now, reported=said, **state, highest_generation=state["generation"]))
    assert office.state(phone)["reported"]["outcome"] == "applied"


def test_a_phone_is_expected_to_beat_as_its_policy_in_force_says(office: Office) -> None:
    phone = office.phone("/总部/电销")
    office.apply(policy("sales", "{device: {heartbeat_seconds: 15}}") + assignment("everywhere", "sales", HERE))

    def expected() -> int:
        with unit_of_work(write=False) as current:
            return current.get_one(Presence, phone.id).expected_s

    assert expected() == 60
    office.report(phone)
    assert expected() == 15


@pytest.mark.parametrize(
    ("confirmed", "applied", "hour", "kept"),
    [(True, True, 3, True), (True, True, 12, False), (True, False, 3, False), (False, True, 3, False)],
)
def test_a_position_is_kept_only_inside_the_hours_of_the_policy_in_force(
    office: Office, confirmed: bool, applied: bool, hour: int, kept: bool
) -> None:
    token = office.company.token(person="E1024") if confirmed else office.company.token(org_unit="/总部/电销")
    phone = office.company.enroll(token=token)
    hours = "{location: {mode: hours}, work_hours: {weekly: {mon-sun: ['09:00-18:00']}}}"
    office.apply(policy("sales", hours) + assignment("everywhere", "sales", HERE))
    if applied:
        office.report(phone)
    at = datetime(2026, 11, 23, hour, 0, tzinfo=UTC)
    with unit_of_work(write=False):
        assert fleet.refs([phone.id])[phone.id].holder_confirmed is confirmed
        assert states.positions_to_keep([(phone.id, at)]) == ({0} if kept else set())


@pytest.mark.parametrize("at", [datetime(1, 1, 1, 2, tzinfo=UTC), datetime(9999, 12, 31, 20, tzinfo=UTC)])
def test_a_position_from_the_end_of_the_calendar_is_discarded(office: Office, at: datetime) -> None:
    phone = office.company.enroll(token=office.company.token(person="E1024"))
    hours = "{location: {mode: hours}, work_hours: {weekly: {mon-sun: ['00:00-24:00']}}}"
    office.apply(policy("sales", hours) + assignment("everywhere", "sales", HERE))
    office.report(phone)
    with unit_of_work(write=False):
        assert states.positions_to_keep([(phone.id, at), (phone.id, datetime(2026, 11, 23, 3, tzinfo=UTC))]) == {1}
