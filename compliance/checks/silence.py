"""Silence: heartbeats that stay away, no signed hello for a day, and longer offline than the policy allows."""

from __future__ import annotations

from datetime import datetime, timedelta

from compliance.facts import Facts
from compliance.registry import Basis, Check, Judgement, Severity, register
from core import clock
from core.runtime import settings
from core.text import Text
from mqtt.contract.limits import MISSED_HEARTBEATS

OFFLINE = "offline"
HELLO_OVERDUE = "hello_overdue"
_LOOK = Text(
    "联系使用人：开机、联网，并允许守机后台运行（关闭厂商省电限制）。",
    "Ask the holder to turn the phone on, connect it, and let the agent run in the background (no battery limits).",
)


def _since(moment: datetime, span: timedelta, now: datetime) -> Judgement:
    """Present once the span since the moment has passed."""
    if now < moment + span:
        return Judgement(False, again_at=moment + span)
    return Judgement(True, {"since": clock.to_wire(moment)})


def _silent(facts: Facts, now: datetime) -> Judgement | None:
    phone = facts.phone
    span = timedelta(seconds=max(phone.expected_s * MISSED_HEARTBEATS, settings().silent_after))
    return _since(phone.last_seen_at or phone.enrolled_at, span, now)


def _no_hello(facts: Facts, now: datetime) -> Judgement | None:
    phone = facts.phone
    return _since(phone.hello_at or phone.enrolled_at, timedelta(seconds=settings().hello_overdue_after), now)


def _offline(facts: Facts, now: datetime) -> Judgement | None:
    hours = facts.policy.device.maximum_offline_hours
    if hours is None:
        return Judgement(False)
    return _since(facts.phone.last_seen_at or facts.phone.enrolled_at, timedelta(hours=hours), now)


register(
    Check(
        "silent",
        Text("心跳中断", "Heartbeats missed"),
        Text("{since} 之后没有心跳。", "No heartbeat since {since}."),
        _LOOK,
        Severity.INFO,
        Basis.SERVER,
        "heartbeat",
        "silent",
        _silent,
    )
)
register(
    Check(
        HELLO_OVERDUE,
        Text("一天没有签名问候", "No signed hello for a day"),
        Text(
            "{since} 之后没有手机签名的问候；心跳未签名，不能证明手机在线。",
            "No hello signed by the phone since {since}; heartbeats are not signed and prove nothing.",
        ),
        Text(
            "下发“同步”命令；没有回应时请当面查看手机，可能被冒充或拦截。",
            "Send “Sync”. If nothing comes, look at the phone in person: it may be impersonated or cut off.",
        ),
        Severity.WARNING,
        Basis.SERVER,
        "hello",
        OFFLINE,
        _no_hello,
    )
)
register(
    Check(
        OFFLINE,
        Text("离线超过策略时限", "Offline longer than allowed"),
        Text("{since} 之后没有消息，超过策略允许的离线时间。", "Nothing since {since}, longer than the policy allows."),
        _LOOK,
        Severity.CRITICAL,
        Basis.SERVER,
        "heartbeat",
        OFFLINE,
        _offline,
    )
)
