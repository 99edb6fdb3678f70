"""What the phone's hardware attested when its signing key was made: that the key lies in it, and what had booted."""

from __future__ import annotations

from datetime import datetime

from compliance.facts import Facts
from compliance.registry import Basis, Check, Judgement, Severity, register
from core.runtime import settings
from core.text import Text
from fleet import attestation
from fleet.attestation import HARDWARE, OURS, REQUIRED, UNVERIFIED

_GONE = Judgement(False)


def _failed(facts: Facts, _now: datetime) -> Judgement | None:
    reasons = (facts.phone.attestation or {}).get("reasons") or []
    if facts.phone.attestation_level != UNVERIFIED or not reasons:
        return _GONE
    if set(reasons) <= set(OURS):
        return None
    return Judgement(True, {"reasons": reasons})


def _missing(facts: Facts, _now: datetime) -> Judgement | None:
    if settings().attestation != REQUIRED:
        return _GONE
    level = facts.phone.attestation_level
    return Judgement(level not in HARDWARE and level != UNVERIFIED, {"level": level})


def _boot(facts: Facts, _now: datetime) -> Judgement | None:
    if "root" not in (facts.policy.device.forbid or ()):
        return _GONE
    if facts.phone.attestation_level not in HARDWARE:
        return None
    said = (facts.phone.attestation or {}).get("said") or {}
    state, locked = said.get("boot_state"), said.get("bootloader_locked")
    if state is None:
        return None
    return Judgement(not attestation.is_sound(state, locked), {"boot_state": state})


register(
    Check(
        "attestation_failed",
        Text("密钥证明无效", "Key attestation does not hold"),
        Text(
            "手机交来的密钥证明不成立（原因：{reasons}），它可能不是自称的那台手机。",
            "The key attestation that the phone gave does not hold (why: {reasons}): it may not be what it says it is.",
        ),
        Text(
            "核对手机实物与代理程序来源；无误后请重新注册，否则停用并收回。",
            "Look at the phone and where its agent came from, then enroll it anew; else retire it and take it back.",
        ),
        Severity.CRITICAL,
        Basis.SERVER,
        "enrollment",
        "integrity",
        _failed,
    )
)
register(
    Check(
        "attestation_missing",
        Text("没有硬件密钥证明", "No attestation by hardware"),
        Text(
            "本机构要求硬件密钥证明，这台手机在此之前注册，没有证明（{level}）。",
            "This installation requires attestation by hardware; the phone was enrolled without it before ({level}).",
        ),
        Text("请用支持密钥证明的代理程序重新注册。", "Enroll it anew with an agent that attests its key."),
        Severity.WARNING,
        Basis.SERVER,
        "enrollment",
        "integrity",
        _missing,
    )
)
register(
    Check(
        "boot_unverified",
        Text("启动未经验证", "Boot is not verified"),
        Text(
            "注册时手机的引导加载程序未锁定或系统未通过验证（{boot_state}），策略禁止 root。",
            "When it was enrolled the bootloader was unlocked or the system not verified ({boot_state}); the policy "
            "forbids root.",
        ),
        Text(
            "锁定引导加载程序、恢复官方系统后重新注册。",
            "Lock the bootloader, restore the maker's system, then enroll.",
        ),
        Severity.CRITICAL,
        Basis.ATTESTED,
        "enrollment",
        "root",
        _boot,
    )
)
