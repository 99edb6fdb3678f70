"""The engine over all that authors can write: a stricter policy never allows more; quiet hours hold every minute."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import Any, get_args
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policies.engine import (
    AppLaunch,
    Bundle,
    Call,
    LocationRequest,
    Message,
    Payment,
    ProtectedAct,
    Situation,
    counters_for,
    decide,
)
from policies.engine import vocabulary as words
from policies.engine.actions import rank
from policies.engine.windows import in_daily
from policies.rules import PolicySpec
from policies.rules.merging import compile_spec, merge, rules_of
from tests.policies.situations import at, bundle, call, reasons
from tests.policies.specs import SPECS

YEAR = 2026
SETS = {
    name: {"set": name, "steps": ["case"], "terms": [{"id": f"{name}/1", "term": term}]}
    for name, term in {"alpha": "加急", "beta": "微信", "gamma": "转账", "abuse": "坐牢", "fees": "费"}.items()
}
CALENDARS = {
    name: {"calendar": name, "days": [{"date": "2026-06-19", "kind": "holiday"}]}
    for name in ("alpha", "beta", "gamma", "abuse", "fees")
}
MINUTES = st.integers(0, 365 * 24 * 60 - 1).map(lambda n: datetime(YEAR, 1, 1, tzinfo=UTC) + timedelta(minutes=n))
CONTACT = {
    "direction": st.sampled_from(["in", "out"]),
    "relation": st.sampled_from([None, *get_args(words.Relation)]),
    "known": st.booleans(),
    "lost_contact": st.booleans(),
}


def of(kind: type[Any], /, **members: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.fixed_dictionaries({"minute": MINUTES, **members}).map(kind.model_validate)


SITUATIONS: st.SearchStrategy[Situation] = st.one_of(
    of(Call, recorder=st.booleans(), **CONTACT),
    of(Message, channel=st.just("wechat"), text=st.sampled_from(["你好", "加急费微信转账", "坐牢"]), **CONTACT),
    of(ProtectedAct, act=st.sampled_from([*get_args(words.ProtectedAction), "reveal_number"])),
    of(AppLaunch, package=st.sampled_from(["com.tencent.mm", "com.example.crm", "com.example.other"])),
    of(Payment, form=st.sampled_from(["red_packet", "transfer", "collection_code"])),
    of(LocationRequest),
)
FAMILIES = st.sampled_from(sorted(SPECS))


def read(*specs: dict[str, Any]) -> Bundle:
    """What a phone has of policies that all reach it, each under its own name."""
    compiled = [compile_spec(PolicySpec.model_validate(spec), f"p{number}") for number, spec in enumerate(specs)]
    return Bundle.read(rules_of(merge(compiled)), SETS, CALENDARS)


@settings(max_examples=150, deadline=None)
@given(st.data(), SITUATIONS)
def test_another_policy_never_allows_what_the_one_forbids(data: st.DataObject, situation: Situation) -> None:
    one, other = (
        data.draw(st.fixed_dictionaries({}, optional={name: SPECS[name] for name in SPECS})) for _ in range(2)
    )
    both = read(one, other)
    if isinstance(situation, Call | Message):
        counted = {counter.name: data.draw(st.integers(0, 25)) for counter in counters_for(both.rules)}
        situation = situation.model_copy(update={"counters": counted})
    alone, together = decide(read(one), situation), decide(both, situation)
    assert rank(together.action) >= rank(alone.action)
    assert alone.allowed or not together.allowed
    assert {use.name for use in alone.counters} <= {use.name for use in together.counters}


@settings(max_examples=100, deadline=None)
@given(FAMILIES.flatmap(lambda name: SPECS[name].map(lambda spec: {name: spec})), SITUATIONS)
def test_every_verdict_is_a_sentence_in_both_languages(spec: dict[str, Any], situation: Situation) -> None:
    verdict = decide(read(spec), situation)
    assert verdict.text.zh.startswith("允许" if verdict.allowed else "不允许") and verdict.text.zh.endswith("。")
    assert verdict.text.en.startswith("Allowed" if verdict.allowed else "Not allowed") and verdict.text.en.endswith(".")
    assert all(reason.text.zh and reason.text.en for reason in verdict.because)


@pytest.mark.parametrize("zone", ["Asia/Shanghai", "America/New_York"])
def test_quiet_hours_hold_at_every_minute_of_the_year(zone: str) -> None:
    there, windows = ZoneInfo(zone), [[22 * 3600, 8 * 3600], [12 * 3600 + 1800, 13 * 3600]]
    minute, end = datetime(YEAR, 1, 1, tzinfo=UTC), datetime(YEAR + 1, 1, 1, tzinfo=UTC)
    wrong = []
    while minute < end:
        clock = minute.astimezone(there).time()
        quiet = clock >= time(22) or clock < time(8) or time(12, 30) <= clock < time(13)
        if in_daily(minute, zone, windows) is not quiet:
            wrong.append(minute)
        minute += timedelta(minutes=1)
    assert wrong == []


@pytest.mark.parametrize("zone", ["Asia/Shanghai", "America/New_York", "Europe/London"])
def test_a_refusal_in_quiet_hours_ends_when_it_says_all_year(zone: str) -> None:
    quiet = bundle({"contact_limits": {"timezone": zone, "quiet_hours": ["22:00-08:00"]}})
    for day in range(365):
        minute = datetime(YEAR, 1, 1, 4, 7, tzinfo=ZoneInfo(zone)) + timedelta(days=day)
        verdict = decide(quiet, call(minute))
        assert verdict.until is not None and not verdict.allowed
        assert verdict.until.astimezone(ZoneInfo(zone)).strftime("%H:%M") == "08:00"
        assert decide(quiet, call(verdict.until)).allowed
        assert not decide(quiet, call(verdict.until - timedelta(minutes=1))).allowed


def test_a_verdict_reads_as_one_sentence_with_all_that_was_said() -> None:
    strict = bundle({"numbers": {"dial": "warn"}, "contact_limits": {"quiet_hours": ["22:00-08:00"]}})
    verdict = decide(strict, call(at("2026-11-23T23:00")))
    assert reasons(verdict) == [("p/quiet_hours", "block"), ("numbers/dial", "warn")]
    assert verdict.text.zh == "不允许：现在是免打扰时段；策略限制由工作手机拨号。"
    assert verdict.text.en == "Not allowed: These are quiet hours; The policy limits dialling from this phone."
