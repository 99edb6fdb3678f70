"""Bundles and situations for the rule engine."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from policies.engine import (
    Bundle,
    Call,
    Message,
    Verdict,
)
from policies.rules import PolicySpec
from policies.rules.merging import compile_spec, rules_of

SHANGHAI = ZoneInfo("Asia/Shanghai")
MONDAY = datetime(2026, 11, 23, 10, 0, tzinfo=SHANGHAI)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI)


def bundle(spec: dict[str, Any], sets: dict[str, Any] | None = None, calendars: dict[str, Any] | None = None) -> Bundle:
    """What a phone has of a policy, from what its author wrote."""
    rules = rules_of(compile_spec(PolicySpec.model_validate(spec), "p"))
    return Bundle.read(rules, sets, calendars)


def reasons(verdict: Verdict) -> list[tuple[str, str]]:
    return [(reason.rule, reason.action) for reason in verdict.because]


def call(minute: datetime = MONDAY, direction: str = "out", **more: Any) -> Call:
    return Call.model_validate({"minute": minute, "direction": direction, **more})


def message(text: str, direction: str = "out", minute: datetime = MONDAY, **more: Any) -> Message:
    return Message.model_validate({"minute": minute, "direction": direction, "channel": "wechat", "text": text, **more})
