"""Words for the codes of other rooms; a code that is not here is shown as it is."""

from __future__ import annotations

from core.text import Text

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
    "offline": Text("长期离线", "Offline too long"),
    "holder_unconfirmed": Text("使用人待确认", "Holder not confirmed"),
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
    "records": Text("记录", "Records"),
}
OPENED, CLOSED = Text("出现", "found"), Text("消失", "gone")


def plain(code: str) -> Text:
    """A code as its own text in both languages."""
    return Text(code, code)


def finding(code: str) -> Text:
    """What a finding is called."""
    return FINDINGS.get(code) or plain(code)


def timeline(code: str) -> Text:
    """What a line of a phone's history is called; findings are composed of their name and what became of them."""
    known = TIMELINE.get(code)
    name, _, end = code.rpartition(".")
    if known or end not in ("opened", "closed"):
        return known or plain(code)
    what, became = finding(name), OPENED if end == "opened" else CLOSED
    return Text(f"{what.zh}：{became.zh}", f"{what.en}: {became.en}")
