"""The phone itself: a posture that falls short is a finding."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Literal

from policies.engine.forms import Wire, Words, words
from policies.engine.registry import Known, register
from policies.engine.situation import Posture, Situation
from policies.engine.verdict import Because
from policies.engine.versions import version_key
from policies.engine.vocabulary import Forbidden, Required, Restriction

_HOUR = 3600


class Device(Wire):
    """What is required, forbidden and restricted, and how long the phone may be silent."""

    heartbeat_seconds: int | None = None
    minimum_os: dict[Literal["android", "harmonyos"], str] | None = None
    maximum_patch_age_days: int | None = None
    require: list[Required] | None = None
    forbid: list[Forbidden] | None = None
    restrictions: list[Restriction] | None = None
    maximum_offline_hours: int | None = None


def judge(rule: Device, situation: Situation, _known: Known) -> Iterator[Because]:
    """One alert for each finding; what follows from it is said by the ladder (`compliance`)."""
    if not isinstance(situation, Posture):
        return
    for code, text in _findings(rule, situation):
        yield Because(rule=f"device/{code}", action="alert", text=text, finding=code)


def _findings(rule: Device, posture: Posture) -> Iterator[tuple[str, Words]]:
    yield from _required(rule, posture)
    if "root" in (rule.forbid or ()) and posture.rooted:
        yield "root", words("手机已被 root。", "The phone is rooted.")
    if "developer_mode" in (rule.forbid or ()) and posture.developer_mode:
        yield "developer_mode", words("开发者模式已打开。", "Developer mode is on.")
    least = (rule.minimum_os or {}).get(posture.os or "")  # type: ignore[call-overload]
    if least and posture.os_version and version_key(posture.os_version) < version_key(least):
        yield "os_version", words(f"系统版本低于 {least}。", f"The system is older than version {least}.")
    if rule.maximum_patch_age_days is not None and _patch_age(posture) > rule.maximum_patch_age_days:
        yield "patch_age", words("安全补丁过旧。", "The security patch is too old.")
    if rule.maximum_offline_hours is not None and (posture.offline_seconds or 0) > rule.maximum_offline_hours * _HOUR:
        yield "offline", words("离线时间过长。", "The phone has been offline for too long.")


def _required(rule: Device, posture: Posture) -> Iterator[tuple[str, Words]]:
    permissions = None if posture.permissions is None else all(posture.permissions.values())
    facts = {
        "encryption": (posture.encrypted, words("存储未加密。", "The storage is not encrypted.")),
        "passcode": (posture.passcode, words("未设置锁屏密码。", "No passcode is set.")),
        "agent_admin": (
            posture.agent_admin,
            words("守机的管理权限已被取消。", "The agent is no longer administrator."),
        ),
        "permissions": (permissions, words("守机缺少权限。", "The agent lacks a permission.")),
    }
    for name in rule.require or ():
        fact, text = facts[name]
        if fact is False:
            yield name, text


def _patch_age(posture: Posture) -> int:
    try:
        patched = date.fromisoformat(posture.security_patch or "")
    except ValueError:
        return 0
    return (posture.minute.date() - patched).days


register("device", Device, judge)
