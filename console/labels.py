"""Words for the codes of other rooms; a code that is not here is shown as it is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.text import Text
from fleet.commands.registry import all_kinds
from fleet.commands.states import TITLES as STATES
from fleet.commands.states import State

DEVICE_STATES = {
    "active": Text("在用", "Active"),
    "lost": Text("丢失", "Lost"),
    "retired": Text("停用", "Retired"),
    "wiped": Text("已擦除", "Wiped"),
}
COMPLIANCE = {
    "compliant": Text("合规", "Compliant"),
    "noncompliant": Text("不合规", "Not compliant"),
    "unknown": Text("未知", "Unknown"),
}
FINDINGS = {
    "encryption": Text("存储未加密", "Storage not encrypted"),
    "passcode": Text("未设锁屏密码", "No passcode"),
    "agent_admin": Text("管理权限被取消", "Agent lost its admin right"),
    "root": Text("已 root", "Rooted"),
    "developer_mode": Text("开发者模式已打开", "Developer mode is on"),
    "permissions": Text("应用权限被收回", "Permissions taken away"),
    "clock_skew": Text("时钟不准", "Clock is off"),
    "cloned": Text("身份疑似被复制", "Identity may be cloned"),
    "cloned_identity": Text("身份疑似被复制", "Identity may be cloned"),
    "flood": Text("消息过多", "Too many messages"),
    "unsupported": Text("不支持策略中的规则", "Cannot carry out a rule"),
    "policy_rejected": Text("拒绝策略", "Policy rejected"),
    "records_refused": Text("通信记录未通过校验", "Records refused"),
    "offline": Text("长期离线", "Offline too long"),
    "holder_unconfirmed": Text("使用人待确认", "Holder not confirmed"),
}
FAMILIES = {
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
NETWORKS = {"wifi": Text("Wi-Fi", "Wi-Fi"), "cellular": Text("移动网络", "Cellular"), "none": Text("无网络", "None")}
TIMELINE = {
    "device.enrolled": Text("设备已注册", "Enrolled"),
    "agent.updated": Text("代理程序已更新", "Agent updated"),
    "certificate.renewed": Text("证书已更新", "Certificate renewed"),
    "notice.accepted": Text("已同意告知书", "Notice accepted"),
    "holder.confirmed": Text("使用人已确认", "Holder confirmed"),
    "state.active": Text("恢复在用", "Active again"),
    "state.lost": Text("报告丢失", "Reported lost"),
    "state.retired": Text("已停用", "Retired"),
    "state.wiped": Text("已擦除", "Wiped"),
}
EVENTS = {
    "keyword": Text("命中关键词", "Keyword found"),
    "delete_blocked": Text("已阻止删除", "Deletion refused"),
    "contact_block_blocked": Text("已阻止拉黑联系人", "Blocking a contact refused"),
    "red_packet": Text("红包", "Red packet"),
    "transfer": Text("转账", "Transfer"),
    "private_contact_shared": Text("发送私人联系方式", "Private contact shared"),
    "off_hours": Text("非工作时间使用", "Used outside hours"),
    "frequency": Text("联系频次超限", "Contacted too often"),
    "third_party": Text("联系第三人", "Third person contacted"),
    "number_reveal_blocked": Text("已阻止查看号码", "Revealing a number refused"),
    "export_blocked": Text("已阻止导出", "Export refused"),
    "app_blocked": Text("已阻止应用", "App refused"),
    "sim_changed": Text("SIM 卡已更换", "SIM changed"),
    "permission_revoked": Text("应用权限被收回", "Permission taken away"),
    "admin_removed": Text("管理权限被取消", "Admin right removed"),
    "root_detected": Text("检测到 root", "Root detected"),
    "clock_changed": Text("手机时间被修改", "Clock changed"),
    "integrity": Text("完整性异常", "Integrity"),
}
TIMELINE_KINDS = {
    "enrollment": Text("注册", "Enrollment"),
    "hello": Text("上线", "Hello"),
    "certificate": Text("证书", "Certificate"),
    "notice": Text("告知书", "Notice"),
    "holder": Text("使用人", "Holder"),
    "state": Text("状态", "State"),
    "finding": Text("发现", "Finding"),
    "command": Text("命令", "Command"),
    "event": Text("事件", "Event"),
    "policy": Text("策略", "Policy"),
    "integrity": Text("完整性", "Integrity"),
}
OPENED, CLOSED = Text("出现", "found"), Text("消失", "gone")


def plain(code: str) -> Text:
    """A code as its own text in both languages."""
    return Text(code, code)


def finding(code: str) -> Text:
    """What a finding is called."""
    return FINDINGS.get(code) or plain(code)


def event(code: str) -> Text:
    """What an event of a phone is called."""
    return EVENTS.get(code) or plain(code)


def command(type: str) -> Text:
    """What a kind of command is called."""
    return next((kind.title for kind in all_kinds() if kind.type == type), plain(type))


def command_state(state: str) -> Text:
    """What a command's state is called."""
    return STATES[State(state)] if state in {str(known) for known in State} else plain(state)


def timeline(line: Mapping[str, Any]) -> Text:
    """What a line of a phone's history says; findings and commands are composed: what, and what became of it."""
    kind, code, detail = line["kind"], line["code"], line.get("detail") or {}
    if kind == "event":
        return event(code)
    if kind == "command":
        return _pair(command(detail.get("type", "")), command_state(code.removeprefix("command.")))
    name, _, end = code.rpartition(".")
    if kind == "finding":
        return _pair(finding(name), OPENED if end == "opened" else CLOSED)
    return TIMELINE.get(code) or plain(code)


def _pair(what: Text, became: Text) -> Text:
    return Text(f"{what.zh}：{became.zh}", f"{what.en}: {became.en}")
