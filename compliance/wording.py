"""Words for what findings hold as codes: evidence, reasons, permissions, rule families; and times in the org's zone."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

from core import clock
from core.runtime import settings
from core.text import Text

_WIRE_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
FAMILIES: Mapping[str, Text] = {
    "numbers": Text("隐藏号码", "Hidden numbers"),
    "protection": Text("防删除与外泄", "No deleting, no leaking"),
    "keywords": Text("关键词", "Keywords"),
    "work_hours": Text("工作时间", "Work hours"),
    "contact_limits": Text("联系频次", "Contact limits"),
    "payments": Text("收付款", "Payments"),
    "apps": Text("应用", "Apps"),
    "device": Text("设备要求", "Device"),
    "archive": Text("通信存档", "Archive"),
    "location": Text("位置", "Location"),
    "compliance": Text("违规处置", "Compliance ladder"),
}
_WORDS: Mapping[str, Mapping[str, Text]] = {
    "by": {
        "heartbeat": Text("心跳", "a heartbeat"),
        "event": Text("手机签名的事件", "an event that the phone signed"),
        "boot_id": Text("两次开机交替上线", "hellos of two starts in turn"),
        "takeover": Text("连接被反复顶替", "sessions that push each other out"),
    },
    "reason": {
        "head": Text("末尾校验值不符", "its end does not follow from its records"),
        "signature": Text("签名无效", "its signature does not verify"),
        "chain": Text("与已存记录不相接", "it does not follow on what is stored"),
        "contradiction": Text("与已存记录矛盾", "it contradicts what is stored"),
    },
    "denied": {
        "accessibility": Text("无障碍", "accessibility"),
        "call_log": Text("通话记录", "call log"),
        "sms": Text("短信", "SMS"),
        "notification": Text("通知", "notifications"),
        "overlay": Text("悬浮窗", "overlay"),
    },
    "level": {
        "none": Text("未提供", "None given"),
        "unverified": Text("未验证", "Not verified"),
        "software": Text("软件密钥", "Key in software"),
        "tee": Text("可信执行环境", "Trusted environment (TEE)"),
        "strongbox": Text("安全芯片", "Security chip (StrongBox)"),
    },
    "reasons": {
        "no_roots": Text("服务器未设置可信根证书", "no roots are set on the server"),
        "trust_unreadable": Text("服务器的根证书或吊销列表无法读取", "the server cannot read its files of trust"),
        "malformed": Text("证书链无法读取", "the chain cannot be read"),
        "signature": Text("签名不成立", "its signatures do not verify"),
        "validity": Text("不在有效期内", "it is not within its validity"),
        "root": Text("根证书不受信任", "it ends at a root that is not trusted"),
        "revoked": Text("证书已被吊销", "one of its certificates is revoked"),
        "key": Text("证明的是另一把密钥", "it is about another key"),
        "extended": Text("由已证明的密钥再签发", "an attested key was used to sign it"),
        "no_statement": Text("没有证明内容", "it says nothing about the key"),
        "challenge": Text("不是为本次注册生成", "it was made for another enrollment"),
        "origin": Text("密钥是导入的", "the key was imported"),
        "agent": Text("由其他应用生成", "another app asked for the key"),
    },
    "boot_state": {
        "verified": Text("系统已验证", "system verified"),
        "self_signed": Text("自签名系统", "self-signed system"),
        "unverified": Text("系统未验证", "system not verified"),
        "failed": Text("系统验证失败", "verification failed"),
    },
    "lacking": {**FAMILIES, "record_calls": Text("通话录音", "Call recording")},
}


def shown(member: str, value: Any) -> Text:
    """A member of a finding's detail as people read it; what has no word is shown as it is."""
    if isinstance(value, list):
        words = [shown(member, one) for one in value]
        return Text("、".join(word.zh for word in words), ", ".join(word.en for word in words))
    plain = str(value)
    if _WIRE_TIME.fullmatch(plain):
        plain = clock.from_wire(plain).astimezone(ZoneInfo(settings().timezone)).strftime("%Y-%m-%d %H:%M")
    return _WORDS.get(member, {}).get(plain) or Text(plain, plain)
