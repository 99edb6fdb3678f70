"""Posture from heartbeats, judged by the `device` family of the effective policy. Unsigned, so self-reported."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta

from compliance.facts import Facts
from compliance.registry import Basis, Check, Judge, Judgement, Severity, register
from core.text import Text
from fleet import posture
from policies.engine.versions import version_key

SHOWN_PERMISSIONS = 20
_GONE = Judgement(False)


def _required(name: str, member: str) -> Judge:
    def judge(facts: Facts, _now: datetime) -> Judgement | None:
        if facts.phone.posture is None:
            return None
        if name not in (facts.policy.device.require or ()):
            return _GONE
        value = facts.phone.posture.get(member)
        return None if value is None else Judgement(value is False)

    return judge


def _forbidden(name: str, member: str) -> Judge:
    def judge(facts: Facts, _now: datetime) -> Judgement | None:
        if facts.phone.posture is None:
            return None
        if name not in (facts.policy.device.forbid or ()):
            return _GONE
        value = facts.phone.posture.get(member)
        return None if value is None else Judgement(value is True)

    return judge


def _permissions(facts: Facts, _now: datetime) -> Judgement | None:
    if "permissions" not in (facts.policy.device.require or ()):
        return _GONE
    granted = (facts.phone.posture or {}).get("permissions")
    if not granted:
        return None
    denied = posture.denied(granted)
    return Judgement(bool(denied), {"denied": denied[:SHOWN_PERMISSIONS]} if denied else {})


def _os_version(facts: Facts, _now: datetime) -> Judgement | None:
    wanted: dict[str, str] = {str(name): least for name, least in (facts.policy.device.minimum_os or {}).items()}
    least = wanted.get(facts.phone.os)
    if least is None:
        return _GONE
    version = version_key(facts.phone.os_version)
    if not version:
        return None
    old = version < version_key(least)
    return Judgement(old, {"version": facts.phone.os_version, "least": least} if old else {})


def _patch_age(facts: Facts, now: datetime) -> Judgement | None:
    limit = facts.policy.device.maximum_patch_age_days
    if limit is None:
        return _GONE
    try:
        patched = date.fromisoformat((facts.phone.posture or {}).get("security_patch") or "")
    except ValueError:
        return None
    age = (now.date() - patched).days
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    again = midnight + timedelta(days=limit + 1 - age)
    return Judgement(age > limit, {"days": age, "limit": limit} if age > limit else {}, None if age > limit else again)


def _add(code: str, severity: Severity, judge: Callable[..., Judgement | None], *texts: Text) -> None:
    title, reason, advice = texts
    register(Check(code, title, reason, advice, severity, Basis.SELF_REPORTED, "heartbeat", code, judge))


_add(
    "encryption",
    Severity.CRITICAL,
    _required("encryption", "encrypted"),
    Text("存储未加密", "Storage not encrypted"),
    Text("手机存储没有加密，策略要求加密。", "The storage is not encrypted; the policy requires it."),
    Text(
        "请使用人在系统设置中打开存储加密（设置锁屏密码后多数手机自动加密）。",
        "Have the holder turn storage encryption on in the system settings; a passcode is mostly enough.",
    ),
)
_add(
    "passcode",
    Severity.WARNING,
    _required("passcode", "passcode"),
    Text("未设锁屏密码", "No passcode"),
    Text("手机没有锁屏密码，策略要求设置。", "No passcode is set; the policy requires one."),
    Text(
        "请使用人设置锁屏密码，或下发“重设锁屏密码”命令。",
        "Have the holder set a passcode, or send the command “Reset passcode”.",
    ),
)
_add(
    "agent_admin",
    Severity.CRITICAL,
    _required("agent_admin", "agent_admin"),
    Text("管理权限被取消", "Agent lost its admin right"),
    Text("守机不再是设备管理员，规则可能无法执行。", "The agent is no longer administrator; rules may not hold."),
    Text(
        "请当面检查手机并重新授予管理权限；若为故意取消，请按制度处理。",
        "Look at the phone in person and grant the right again; if it was taken on purpose, follow your procedure.",
    ),
)
_add(
    "permissions",
    Severity.WARNING,
    _permissions,
    Text("应用权限被收回", "Permissions taken away"),
    Text("守机缺少权限：{denied}。", "The agent lacks permissions: {denied}."),
    Text("请使用人在系统设置中重新授予这些权限。", "Have the holder grant these permissions in the system settings."),
)
_add(
    "root",
    Severity.CRITICAL,
    _forbidden("root", "rooted"),
    Text("已 root", "Rooted"),
    Text("手机已被 root，规则和数据都可能被绕过。", "The phone is rooted; rules and data may be bypassed."),
    Text(
        "收回手机，保全记录后恢复出厂并重新注册；恢复前不要解锁。",
        "Take the phone back, keep its records, reset and enroll it anew; do not unlock it before.",
    ),
)
_add(
    "developer_mode",
    Severity.WARNING,
    _forbidden("developer_mode", "developer_mode"),
    Text("开发者模式已打开", "Developer mode is on"),
    Text("开发者模式已打开，策略禁止。", "Developer mode is on; the policy forbids it."),
    Text("请使用人在系统设置中关闭开发者选项。", "Have the holder turn developer options off in the system settings."),
)
_add(
    "os_version",
    Severity.WARNING,
    _os_version,
    Text("系统版本过低", "System too old"),
    Text("系统版本 {version} 低于要求的 {least}。", "The system's version {version} is below {least}."),
    Text(
        "请更新手机系统；无法更新的机型请更换。", "Update the phone's system; replace a model that cannot be updated."
    ),
)
_add(
    "patch_age",
    Severity.WARNING,
    _patch_age,
    Text("安全补丁过旧", "Security patch too old"),
    Text("安全补丁已 {days} 天，超过 {limit} 天。", "The security patch is {days} days old, more than {limit}."),
    Text("请更新手机系统。", "Update the phone's system."),
)
