"""The rule engine: verdicts for each family, with their reasons, counters and times."""

from __future__ import annotations

from datetime import UTC, timedelta

import pytest

from policies.engine import (
    AppLaunch,
    Bundle,
    LocationRequest,
    Payment,
    ProtectedAct,
    counters_for,
    decide,
)
from tests.policies.situations import MONDAY, at, bundle, call, message, reasons


def test_nothing_is_forbidden_where_every_family_is_lifted() -> None:
    for situation in (call(), message("坏"), ProtectedAct(minute=MONDAY, act="screenshot")):
        verdict = decide(Bundle(), situation)
        assert (verdict.action, verdict.because, verdict.allowed) == ("allow", [], True)


def test_every_reason_speaks_both_languages() -> None:
    rules = bundle({"protection": {"deny": ["screenshot"]}})
    reason = decide(rules, ProtectedAct(minute=MONDAY, act="screenshot")).because[0]
    assert reason.text.zh != reason.text.en
    assert set(reason.model_dump(mode="json", by_alias=True)["text"]) == {"zh-CN", "en"}


def test_a_denied_act_is_blocked_and_another_is_not() -> None:
    rules = bundle({"protection": {"deny": ["delete_message"]}})
    assert reasons(decide(rules, ProtectedAct(minute=MONDAY, act="delete_message"))) == [
        ("protection/delete_message", "block")
    ]
    assert decide(rules, ProtectedAct(minute=MONDAY, act="screenshot")).allowed


@pytest.mark.parametrize(("reveal", "action"), [("never", "block"), ("approval", "approval"), (None, "allow")])
def test_seeing_a_number_follows_reveal(reveal: str | None, action: str) -> None:
    rules = bundle({"numbers": {"reveal": reveal} if reveal else {}})
    assert decide(rules, ProtectedAct(minute=MONDAY, act="reveal_number")).action == action


@pytest.mark.parametrize(
    ("minute", "open_"),
    [
        ("2026-11-23T09:00", True),
        ("2026-11-23T08:59:59", False),
        ("2026-11-23T12:00", False),
        ("2026-11-23T13:30", True),
        ("2026-11-28T10:30", True),
        ("2026-11-28T16:00", False),
        ("2026-11-29T10:30", False),
        ("2026-10-01T10:00", False),
        ("2026-10-10T10:00", True),
        ("2026-10-10T17:00", True),
        ("2026-10-17T17:00", False),
    ],
)
def test_working_hours_by_week_calendar_and_make_up_day(minute: str, open_: bool) -> None:
    hours = {
        "timezone": "Asia/Shanghai",
        "calendar": "cn",
        "weekly": {"mon-fri": ["09:00-12:00", "13:30-18:30"], "sat": ["10:00-16:00"]},
        "outside": {"call_out": "block", "call_in": "allow"},
    }
    days = [{"date": "2026-10-01", "kind": "holiday"}, {"date": "2026-10-10", "kind": "workday", "like": "mon"}]
    rules = bundle({"work_hours": hours}, calendars={"cn": {"calendar": "cn", "days": days}})
    assert decide(rules, call(at(minute))).allowed is open_
    assert decide(rules, call(at(minute), "in")).allowed


def test_a_shift_over_midnight_belongs_to_the_day_on_which_it_begins() -> None:
    rules = bundle({"work_hours": {"weekly": {"fri": ["22:00-06:00"]}, "outside": {"message_out": "block"}}})
    assert decide(rules, message("x", minute=at("2026-11-27T23:00"))).allowed
    assert decide(rules, message("x", minute=at("2026-11-28T05:59"))).allowed
    assert not decide(rules, message("x", minute=at("2026-11-28T06:00"))).allowed
    assert not decide(rules, message("x", minute=at("2026-11-28T23:00"))).allowed


def test_a_refusal_outside_hours_says_when_it_ends() -> None:
    rules = bundle({"work_hours": {"weekly": {"mon-fri": ["09:00-18:00"]}, "outside": {"call_out": "delay"}}})
    verdict = decide(rules, call(at("2026-11-27T19:00")))
    assert (verdict.action, verdict.until) == ("delay", at("2026-11-30T09:00"))


def test_two_constraints_must_both_be_open() -> None:
    rules = Bundle.read(
        {
            "work_hours": [
                {
                    "id": "a/work_hours",
                    "timezone": "Asia/Shanghai",
                    "weekly": {"mon": [[0, 43200]]},
                    "outside": {"call_out": "warn"},
                },
                {
                    "id": "b/work_hours",
                    "timezone": "UTC",
                    "weekly": {"mon": [[7200, 86400]]},
                    "outside": {"call_out": "block"},
                },
            ]
        }
    )
    assert decide(rules, call(at("2026-11-23T11:00"))).action == "allow"
    assert reasons(decide(rules, call(at("2026-11-23T09:00")))) == [("b/work_hours", "block")]
    assert decide(rules, call(at("2026-11-23T13:00"))).action == "warn"
    assert [rule for rule, _ in reasons(decide(rules, call(at("2026-11-24T13:00"))))] == [
        "b/work_hours",
        "a/work_hours",
    ]


def test_apps_are_locked_outside_hours_and_limited_to_the_register() -> None:
    spec = {
        "apps": {"mode": "allow", "packages": [{"name": "com.tencent.mm"}]},
        "work_hours": {"weekly": {"mon": ["09:00-18:00"]}, "outside": {"apps": "lock"}},
    }
    rules = bundle(spec)
    assert decide(rules, AppLaunch(minute=MONDAY, package="com.tencent.mm")).allowed
    assert decide(rules, AppLaunch(minute=MONDAY, package="com.game")).action == "block"
    assert decide(rules, AppLaunch(minute=at("2026-11-23T20:00"), package="com.tencent.mm")).action == "lock"
    denied = bundle({"apps": {"mode": "deny", "packages": [{"name": "com.game"}]}})
    assert decide(denied, AppLaunch(minute=MONDAY, package="com.game")).action == "block"
    assert decide(denied, AppLaunch(minute=MONDAY, package="com.other")).allowed


@pytest.mark.parametrize(
    ("minute", "quiet_until"),
    [
        ("2026-11-23T21:59:59", None),
        ("2026-11-23T22:00", "2026-11-24T08:00"),
        ("2026-11-24T07:59", "2026-11-24T08:00"),
        ("2026-11-24T08:00", None),
    ],
)
def test_quiet_hours_cross_midnight_in_their_own_zone(minute: str, quiet_until: str | None) -> None:
    rules = bundle({"contact_limits": {"quiet_hours": ["22:00-08:00"]}})
    for here in (at(minute), at(minute).astimezone(UTC)):
        for contact in (call(here), message("x", minute=here)):
            verdict = decide(rules, contact)
            assert verdict.until == (at(quiet_until) if quiet_until else None)
            assert verdict.action == ("block" if quiet_until else "allow")
    assert decide(rules, call(at(minute), "in")).allowed


LIMITS = {
    "rules": [
        {"id": "talks", "key": "customer", "count": "effective_talk", "max": 3, "window": "day", "action": "block"},
        {"id": "week", "key": "customer", "count": "effective_talk", "max": 7, "window": "7d", "action": "warn"},
        {"id": "gap", "key": "contact_point", "min_gap": "60s", "action": "delay"},
        {"id": "notes", "key": "customer", "count": "message", "max": 2, "window": "day", "action": "block"},
    ]
}
TODAY, WEEK = "customer/effective_talk/day@Asia/Shanghai", "customer/effective_talk/604800"
NOTES = "customer/message/day@Asia/Shanghai"


def test_a_policy_says_which_counters_it_needs() -> None:
    assert sorted(counter.name for counter in counters_for(bundle({"contact_limits": LIMITS}).rules)) == sorted(
        [TODAY, WEEK, NOTES]
    )


@pytest.mark.parametrize(
    ("today", "week", "action", "rules"),
    [
        (2, 2, "allow", []),
        (3, 3, "block", ["p/talks"]),
        (0, 7, "warn", ["p/week"]),
        (3, 9, "block", ["p/talks", "p/week"]),
    ],
)
def test_limits_count_and_show_their_counters(today: int, week: int, action: str, rules: list[str]) -> None:
    verdict = decide(bundle({"contact_limits": LIMITS}), call(counters={TODAY: today, WEEK: week}))
    assert (verdict.action, [rule for rule, _ in reasons(verdict)]) == (action, rules)
    assert {(use.name, use.value, use.limit) for use in verdict.counters} == {(TODAY, today, 3), (WEEK, week, 7)}


def test_a_counter_that_nobody_knows_refuses_nothing_and_is_named() -> None:
    verdict = decide(bundle({"contact_limits": LIMITS}), call(counters={WEEK: 1}))
    assert verdict.action == "allow"
    assert (TODAY, None) in {(use.name, use.value) for use in verdict.counters}


def test_messages_are_counted_apart_from_calls_and_what_comes_in_is_not_judged() -> None:
    rules = bundle({"contact_limits": LIMITS})
    counters = {TODAY: 9, WEEK: 9, NOTES: 2}
    assert reasons(decide(rules, message("x", counters=counters))) == [("p/notes", "block")]
    assert decide(rules, call(direction="in", counters=counters)).allowed


def test_a_gap_delays_until_it_is_over() -> None:
    rules = bundle({"contact_limits": LIMITS})
    soon = decide(rules, call(last_contact={"contact_point": MONDAY - timedelta(seconds=59)}))
    assert (soon.action, soon.until) == ("delay", MONDAY + timedelta(seconds=1))
    assert decide(rules, call(last_contact={"contact_point": MONDAY - timedelta(seconds=60)})).allowed


@pytest.mark.parametrize(
    ("relation", "lost", "action"),
    [
        ("customer", False, "allow"),
        ("emergency", False, "lost_contact_only"),
        ("emergency", True, "allow"),
        ("guarantor", False, "block"),
    ],
)
def test_third_persons_are_contacted_only_when_the_customer_is_lost(relation: str, lost: bool, action: str) -> None:
    relations = {"customer": "allow", "emergency": "lost_contact_only", "guarantor": "block"}
    verdict = decide(bundle({"contact_limits": {"relations": relations}}), call(relation=relation, lost_contact=lost))
    assert verdict.action == action
    assert verdict.allowed is (action == "allow")


def test_an_unknown_number_warns() -> None:
    rules = bundle({"contact_limits": {"unknown_number": "warn"}})
    assert decide(rules, call(known=False)).action == "warn"
    assert decide(rules, call(known=True)).action == "allow"


WORDS = {
    "set": "fees",
    "terms": [
        {"id": "fees/1", "term": "服务费", "except": ["合同约定的服务费"]},
        {"id": "card", "term": "打我卡上", "except": []},
        {"id": "fees/p", "pattern": "加.{0,2}微信", "except": []},
    ],
    "steps": ["width", "case"],
}
FEES = {"keywords": [{"set": "fees", "action": "block", "severity": "critical", "direction": "out"}]}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("请付服务费", ["fees/1"]),
        ("合同约定的服务费见附件", []),
        ("合同约定的服务费以外的服务费打我卡上", ["fees/1", "card"]),
        ("ＶＸ", []),
    ],
)
def test_literal_terms_are_found_but_not_inside_what_excuses_them(text: str, found: list[str]) -> None:
    rules = bundle(FEES, sets={"fees": WORDS})
    verdict = decide(rules, message(text))
    assert [rule for rule, _ in reasons(verdict)] == found
    assert verdict.action == ("block" if found else "allow")


def test_patterns_are_found_too() -> None:
    verdict = decide(bundle(FEES, sets={"fees": WORDS}), message("加我微信"))
    assert [rule for rule, _ in reasons(verdict)] == ["fees/p"]


def test_a_word_that_began_in_the_messages_before_counts() -> None:
    rules = bundle(FEES, sets={"fees": WORDS})
    assert decide(rules, message("卡上", before=["打我"])).action == "block"
    assert decide(rules, message("卡上")).allowed


def test_hits_that_the_phone_found_count_by_their_set() -> None:
    rules = bundle(FEES, sets={"fees": WORDS})
    verdict = decide(rules, message("?", hits=["card", "fees/p", "abuse/9"]))
    assert [rule for rule, _ in reasons(verdict)] == ["card", "fees/p"]
    assert verdict.because[0].severity == "critical"


def test_what_comes_in_is_never_blocked_but_alerts() -> None:
    both = {"keywords": [{**FEES["keywords"][0], "direction": "both"}]}
    assert decide(bundle(both, sets={"fees": WORDS}), message("打我卡上", "in")).action == "alert"
    assert decide(bundle(FEES, sets={"fees": WORDS}), message("打我卡上", "in")).action == "allow"


def test_payments_follow_their_form() -> None:
    rules = bundle({"payments": {"red_packet": "block", "transfer": "warn"}})
    found = {
        form: decide(rules, Payment(minute=MONDAY, form=form)).action
        for form in ("red_packet", "transfer", "collection_code")
    }
    assert found == {"red_packet": "block", "transfer": "warn", "collection_code": "allow"}


def test_no_recorder_no_dial() -> None:
    rules = bundle({"archive": {"recording": "required"}})
    assert decide(rules, call(recorder=False)).action == "block"
    assert decide(rules, call(recorder=True)).allowed
    assert decide(rules, call(direction="in", recorder=False)).allowed
    assert decide(bundle({"archive": {"recording": "optional"}}), call(recorder=False)).allowed


@pytest.mark.parametrize(
    ("mode", "outside", "hour", "allowed"),
    [
        ("hours", None, 10, True),
        ("hours", None, 20, False),
        ("hours", "off", 20, False),
        ("hours", "allow", 20, True),
        ("off", "allow", 10, False),
    ],
)
def test_positions_are_taken_only_within_hours(mode: str, outside: str | None, hour: int, allowed: bool) -> None:
    hours = {"weekly": {"mon": ["09:00-18:00"]}, "outside": {"location": outside} if outside else {}}
    rules = bundle({"location": {"mode": mode}, "work_hours": hours})
    assert decide(rules, LocationRequest(minute=MONDAY.replace(hour=hour))).allowed is allowed
