"""The phone's certificate: it renews by itself a month ahead, so one that comes near its end shows that it cannot."""

from __future__ import annotations

from datetime import datetime, timedelta

from compliance.facts import Facts
from compliance.registry import Basis, Check, Judgement, Severity, register
from core import clock
from core.runtime import settings
from core.text import Text

WORD = "certificate"
WARNING_SHARE = 6
"""The warning begins when this part of a certificate's life is left: phones renew when a third is."""


def _expiring(facts: Facts, now: datetime) -> Judgement | None:
    ends = facts.phone.certificate_expires_at
    begins = ends - timedelta(days=settings().device_certificate_days) / WARNING_SHARE
    if now < begins:
        return Judgement(False, again_at=begins)
    return Judgement(now < ends, {"ends": clock.to_wire(ends)} if now < ends else {}, ends if now < ends else None)


def _expired(facts: Facts, now: datetime) -> Judgement | None:
    ends = facts.phone.certificate_expires_at
    return Judgement(True, {"ended": clock.to_wire(ends)}) if now >= ends else Judgement(False, again_at=ends)


register(
    Check(
        "certificate_expiring",
        Text("证书即将到期", "Certificate ends soon"),
        Text(
            "设备证书于 {ends} 到期，手机没有自动续期。",
            "The certificate ends at {ends}; the phone has not renewed it.",
        ),
        Text(
            "让手机联网；在线时可下发“更新证书”命令。",
            "Bring the phone online; while it is, send the command “Renew certificate”.",
        ),
        Severity.WARNING,
        Basis.SERVER,
        "server",
        WORD,
        _expiring,
    )
)
register(
    Check(
        "certificate_expired",
        Text("证书已过期", "Certificate expired"),
        Text(
            "设备证书已于 {ended} 过期，手机无法连接。", "The certificate ended at {ended}; the phone cannot connect."
        ),
        Text(
            "过期 30 天内手机联网即自动续期；更久请重新注册。",
            "Within 30 days the phone renews it by itself once online; later, enroll it anew.",
        ),
        Severity.CRITICAL,
        Basis.SERVER,
        "server",
        WORD,
        _expired,
    )
)
