"""A phone as a row and a page show it: words and colours for what the fleet says."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from console import labels, language
from core.text import Text
from fleet.commands.views import CommandView
from fleet.views import DeviceView

OK, WAIT, BAD, WARN, IDLE, PLAIN = "ok", "wait", "bad", "warn", "idle", "plain"
STATE_TONES = {"active": PLAIN, "lost": BAD, "retired": IDLE, "wiped": IDLE}
COMPLIANCE_TONES = {"compliant": OK, "noncompliant": BAD, "unknown": IDLE}
COMMAND_TONES = {
    "succeeded": OK,
    "failed": BAD,
    "rejected": BAD,
    "unconfirmed": WARN,
    "pending_approval": WARN,
    "denied": IDLE,
    "expired": IDLE,
    "cancelled": IDLE,
}
HELD = Text("暂缓下发", "Held back")
_OUTCOMES = {
    "applied": (Text("已生效", "Applied"), OK),
    "rejected": (Text("已拒绝", "Rejected"), BAD),
    "failed": (Text("失败，将重试", "Failed, will retry"), WARN),
}
_NONE = (Text("无策略", "No policy"), IDLE)
_PENDING = (Text("待生效", "Pending"), WAIT)
_SHOWN_DIGITS = 6
TENTHS_BELOW, MINUTES_FROM = 10, 600


@dataclass(frozen=True, slots=True)
class Label:
    """A word in a colour."""

    text: Text
    tone: str


@dataclass(frozen=True, slots=True)
class PolicyCell:
    """Desired against reported: the outcome, both generations, and when the phone last reported."""

    label: Label
    desired: int | None
    reported: int | None
    reported_at: str | None


@dataclass(frozen=True, slots=True)
class Row:
    """What a row needs beside the phone itself."""

    device: DeviceView
    state: Label
    compliance: Label
    policy: PolicyCell
    findings: list[str]


def rows(devices: list[DeviceView]) -> list[Row]:
    """Rows of a list."""
    return [row(device) for device in devices]


def row(device: DeviceView) -> Row:
    """One row."""
    return Row(
        device=device,
        state=_label(device.state, labels.DEVICE_STATES, STATE_TONES),
        compliance=_label(device.compliance.state, labels.COMPLIANCE, COMPLIANCE_TONES),
        policy=policy(device),
        findings=[language.say(labels.finding(one.code)) for one in device.compliance.findings],
    )


def policy(device: DeviceView) -> PolicyCell:
    """Whether the phone has what it should have."""
    desired, reported = device.policy.desired, device.policy.reported
    text, tone = _standing(desired, reported)
    return PolicyCell(Label(text, tone), desired.get("generation"), reported.get("generation"), reported.get("at"))


def command_label(command: CommandView) -> Label:
    """How far a command is; what a held one waits for is said instead of its state."""
    if command.held and command.status == "queued":
        return Label(HELD, WARN)
    text = labels.command_state(command.status)
    if command.after_cancel:
        text = Text(f"{text.zh}（取消之后）", f"{text.en} (after cancel)")
    return Label(text, COMMAND_TONES.get(command.status, WAIT))


def took(start: datetime | None, end: datetime | None) -> str | None:
    """Seconds from one time to another, in words; None while one of them is missing."""
    if start is None or end is None:
        return None
    seconds = max(0.0, (end - start).total_seconds())
    if seconds < TENTHS_BELOW:
        return language.t(f"{seconds:.1f} 秒", f"{seconds:.1f} s")
    if seconds < MINUTES_FROM:
        return language.t(f"{seconds:.0f} 秒", f"{seconds:.0f} s")
    return language.t(f"{seconds / 60:.0f} 分钟", f"{seconds / 60:.0f} min")


def short(generation: int | None) -> str:
    """The end of a generation, which is enough to compare two; generations are milliseconds and long."""
    return "–" if generation is None else str(generation)[-_SHOWN_DIGITS:]


def _standing(desired: dict[str, Any], reported: dict[str, Any]) -> tuple[Text, str]:
    wanted, outcome = desired.get("generation"), reported.get("outcome")
    if wanted is None:
        return _NONE
    # A phone that could not verify what it was given reports a refusal without a generation.
    about_this = reported.get("generation") == wanted or (reported.get("generation") is None and outcome == "rejected")
    return _OUTCOMES.get(outcome or "", _PENDING) if about_this else _PENDING


def _label(code: str, texts: dict[str, Text], tones: dict[str, str]) -> Label:
    return Label(texts.get(code, labels.plain(code)), tones.get(code, IDLE))
