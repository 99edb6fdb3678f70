"""The notice to the holder: until the current one is accepted, the phone collects nothing."""

from __future__ import annotations

from datetime import datetime

from compliance.facts import Facts
from compliance.registry import Basis, Check, Judgement, Severity, register
from core.text import Text


def _open(facts: Facts, _now: datetime) -> Judgement | None:
    behind = facts.phone.notice_version != facts.notice
    return Judgement(behind, {"version": facts.notice} if behind else {})


register(
    Check(
        "notice_not_accepted",
        Text("未同意告知书", "Notice not accepted"),
        Text(
            "使用人尚未同意告知书 {version}，手机不采集任何内容。",
            "Notice {version} is not accepted; nothing is collected.",
        ),
        Text("请使用人在手机上阅读并同意告知书。", "Ask the holder to read and accept the notice on the phone."),
        Severity.WARNING,
        Basis.SERVER,
        "server",
        "notice",
        _open,
    )
)
