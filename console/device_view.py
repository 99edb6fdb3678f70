"""A phone as a row and a page show it: words and colours for what the fleet says."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

from console import labels, language
from core.text import Text
from fleet.views import DeviceView, FindingView

OK, WAIT, BAD, WARN, IDLE = "ok", "wait", "bad", "warn", "idle"
STATE_TONES = {"active": OK, "lost": BAD, "retired": IDLE, "wiped": IDLE}
COMPLIANCE_TONES = {"compliant": OK, "noncompliant": BAD, "unknown": IDLE}
_OUTCOMES = {
    "applied": (Text("已生效", "Applied"), OK),
    "rejected": (Text("已拒绝", "Rejected"), BAD),
    "failed": (Text("失败，将重试", "Failed, will retry"), WARN),
}
_NONE = (Text("无策略", "No policy"), IDLE)
_PENDING = (Text("待生效", "Pending"), WAIT)
_SHOWN_DIGITS = 6


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
    """What a row needs beside the phone itself; `version` changes when anything but an age does."""

    device: DeviceView
    state: Label
    compliance: Label
    policy: PolicyCell
    findings: list[str]
    version: str


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
        version=_version(device),
    )


def policy(device: DeviceView) -> PolicyCell:
    """Whether the phone has what it should have."""
    desired, reported = device.policy.desired, device.policy.reported
    text, tone = _standing(desired, reported)
    return PolicyCell(Label(text, tone), desired.get("generation"), reported.get("generation"), reported.get("at"))


def short(generation: int | None) -> str:
    """The end of a generation, which is enough to compare two; generations are milliseconds and long."""
    return "–" if generation is None else str(generation)[-_SHOWN_DIGITS:]


def finding_name(finding: FindingView) -> str:
    """A finding in the reader's language."""
    return language.say(labels.finding(finding.code))


def _standing(desired: dict[str, Any], reported: dict[str, Any]) -> tuple[Text, str]:
    wanted, outcome = desired.get("generation"), reported.get("outcome")
    if wanted is None:
        return _NONE
    # A phone that could not verify what it was given reports a refusal without a generation.
    about_this = reported.get("generation") == wanted or (reported.get("generation") is None and outcome == "rejected")
    return _OUTCOMES.get(outcome or "", _PENDING) if about_this else _PENDING


def _label(code: str, texts: dict[str, Text], tones: dict[str, str]) -> Label:
    return Label(texts.get(code, labels.plain(code)), tones.get(code, IDLE))


def _version(device: DeviceView) -> str:
    shown = device.model_dump(exclude={"presence": {"last_seen_at", "heartbeat_at", "battery", "queue_records"}})
    return hashlib.sha256(repr(shown).encode()).hexdigest()[:16]
