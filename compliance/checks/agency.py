"""The phone belongs to an outsourced agency whose contract has ended."""

from __future__ import annotations

from datetime import datetime

from compliance.facts import Facts
from compliance.registry import Basis, Check, Judgement, Severity, register
from core.text import Text


def judge(facts: Facts, now: datetime) -> Judgement:
    """Whether the unit of a phone, or one above it, has ended."""
    end = facts.unit_ends_at
    if end is None or now < end:
        return Judgement(False, again_at=end)
    return Judgement(True, {"since": end.date().isoformat()})


register(
    Check(
        "agency_ended",
        Text("外包单位已终止", "Agency has ended"),
        Text(
            "手机所属组织自 {since} 起终止，手机仍在使用。",
            "The unit that the phone belongs to has ended ({since}), and the phone is still in use.",
        ),
        Text(
            "收回手机并清除或转给其他组织；若合同续签，请修改组织的终止日期。",
            "Take the phone back, then wipe it or give it to another unit; if the contract goes on, move the last day.",
        ),
        Severity.CRITICAL,
        Basis.SERVER,
        "server",
        "holder",
        judge,
    )
)
