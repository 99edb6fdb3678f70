"""Who holds the phone: not confirmed by anybody, or left."""

from __future__ import annotations

from datetime import datetime

from compliance.facts import Facts
from compliance.registry import Basis, Check, Judgement, Severity, register
from core.text import Text
from fleet.findings import HOLDER_INACTIVE

WORD = "holder"


def _unconfirmed(facts: Facts, _now: datetime) -> Judgement | None:
    return Judgement(not facts.phone.holder_confirmed)


register(
    Check(
        "holder_unconfirmed",
        Text("使用人待确认", "Holder not confirmed"),
        Text(
            "还没有人确认谁持有这台手机：不下发通讯录、拨号与位置。",
            "Nobody has confirmed who holds the phone: it gets no contacts, no dialling, no location.",
        ),
        Text(
            "核对使用人与序列号后，在设备页确认。", "Check the holder and the serial, then confirm on the phone's page."
        ),
        Severity.INFO,
        Basis.SERVER,
        "server",
        WORD,
        _unconfirmed,
    )
)
register(
    Check(
        HOLDER_INACTIVE,
        Text("使用人已停用", "Holder has left"),
        Text("使用人的账号已停用，手机仍在其名下。", "The holder is no longer active, and the phone is still theirs."),
        Text("收回手机并交接给他人，或停用设备。", "Take the phone back and hand it to somebody else, or retire it."),
        Severity.WARNING,
        Basis.SERVER,
        "server",
        WORD,
    )
)
