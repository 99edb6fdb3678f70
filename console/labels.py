"""Words for the codes of other rooms; a code that is not here is shown as it is."""

from __future__ import annotations

from typing import Any

from compliance import wording
from compliance.registry import check_of
from compliance.wording import FAMILIES as FAMILIES
from core.db import json_text
from core.text import Text
from fleet.commands.registry import all_kinds
from fleet.commands.states import SAYS, State
from fleet.commands.states import TITLES as STATES
from fleet.timeline import TimelineEntryView

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
SEVERITIES = {
    "critical": Text("严重", "Critical"),
    "warning": Text("警告", "Warning"),
    "info": Text("提示", "Hint"),
}
BASES = {
    "self_reported": Text("手机自报", "self-reported"),
    "signed": Text("手机签名", "signed by the phone"),
    "attested": Text("硬件证明", "attested by hardware"),
    "server": Text("服务器观察", "seen by the server"),
}
NETWORKS = {"wifi": Text("Wi-Fi", "Wi-Fi"), "cellular": Text("移动网络", "Cellular"), "none": Text("无网络", "None")}
TIMELINE = {
    "device.enrolled": Text("设备已注册", "Enrolled"),
    "agent.updated": Text("代理程序已更新", "Agent updated"),
    "certificate.renewed": Text("证书已更新", "Certificate renewed"),
    "attestation.judged": Text("密钥证明重新判定", "Key attestation judged again"),
    "notice.accepted": Text("已同意告知书", "Notice accepted"),
    "holder.confirmed": Text("使用人已确认", "Holder confirmed"),
    "unit.changed": Text("组织已调整", "Moved to another org unit"),
    "unit.followed": Text("随使用人调整组织", "Moved with its holder"),
    "groups.changed": Text("分组已调整", "Groups changed"),
    "finding.settled": Text("发现已核实", "A finding was looked into"),
    "compliance.notify_holder": Text("违规处置：已通知使用人", "Ladder: holder told"),
    "compliance.alert": Text("违规处置：已告警", "Ladder: alert"),
    "compliance.lock": Text("违规处置：已锁定", "Ladder: locked"),
    "compliance.none": Text("违规处置：已恢复", "Ladder: in order again"),
    "records_gap": Text("通信记录缺失", "Records are missing"),
    "batch_refused": Text("通信记录未通过校验", "Records were refused"),
    "chain_broken": Text("通信记录链断裂", "The chain of records is broken"),
    "batch_contested": Text("争议记录已接收", "Contested records were taken"),
    "batch_dismissed": Text("争议记录已拒收", "Contested records were turned down"),
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
    "compliance": Text("合规", "Compliance"),
    "integrity": Text("完整性", "Integrity"),
}
YES, NO = Text("是", "yes"), Text("否", "no")
OPENED, CLOSED = Text("出现", "found"), Text("消失", "gone")


def approval(kind: str) -> Text:
    """What is asked for, where it is no command."""
    return APPROVAL_KINDS.get(kind) or plain(kind)


def plain(code: str) -> Text:
    """A code as its own text in both languages."""
    return Text(code, code)


def word(member: str, code: str) -> Text:
    """What a code among a phone's evidence is called."""
    return wording.shown(member, code)


def finding(code: str) -> Text:
    """What a finding is called."""
    return check_of(code).title


def event(code: str) -> Text:
    """What an event of a phone is called."""
    return EVENTS.get(code) or plain(code)


def command(type: str) -> Text:
    """What a kind of command is called."""
    return next((kind.title for kind in all_kinds() if kind.type == type), plain(type))


def command_state(state: str) -> Text:
    """What a command's state is called."""
    return STATES[State(state)] if state in {str(known) for known in State} else plain(state)


def timeline(line: TimelineEntryView) -> Text:
    """What a line of a phone's history says; findings and commands are composed: what, and what became of it."""
    kind, code, detail = line.kind, line.code, line.detail
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


HELD = {
    "freeze": Text("紧急冻结中，解除后自动下发。", "Held by the freeze; it goes on once that is lifted."),
    "cap": Text("已达每小时擦除上限，一小时内自动继续。", "The cap of an hour is reached; it goes on within the hour."),
    "unsent_records": Text(
        "手机上有未上传的记录，需由合规专员批准。",
        "Its records are unsent: a compliance officer has to approve.",
    ),
    "guard": Text("有其他部门的保留要求，暂不能执行。", "Something else demands that this phone stays as it is."),
    "device_state": Text("设备当前状态不能接收此命令。", "The phone's state takes no such command."),
    "approval": Text("审批已失效，请取消后重新申请。", "Its approval no longer fits. Cancel it and ask again."),
}
STEPS = {
    "requested": Text("有人发起", "asked for"),
    "lost": Text("报告丢失后自动锁定", "locked because it was reported lost"),
}
ARGUMENTS = {
    "message": Text("锁屏文字", "On the locked screen"),
    "title": Text("标题", "Title"),
    "text": Text("内容", "Text"),
    "seconds": Text("秒数", "Seconds"),
    "reason": Text("显示的原因", "Shown reason"),
    "scope": Text("范围", "What to erase"),
    "preserve_records": Text("先上传未发送的记录", "Send unsent records first"),
    "deadline_s": Text("最多等待（秒）", "Wait at most (seconds)"),
    "status": Text("结果", "Status"),
    "detail": Text("说明", "Detail"),
    "lat": Text("纬度", "Latitude"),
    "lon": Text("经度", "Longitude"),
    "accuracy_m": Text("精度（米）", "Accuracy (m)"),
    "at": Text("手机时间", "At"),
    "command": Text("命令", "Command"),
}
VALUES = {
    "work_data": Text("只擦除工作数据", "work data only"),
    "device": Text("整部手机", "the whole phone"),
    "received": Text("已收到", "received"),
    "succeeded": Text("成功", "succeeded"),
    "failed": Text("失败", "failed"),
    "rejected": Text("拒绝执行", "rejected"),
}
APPROVAL_KINDS = {
    "device.revoke": Text("吊销设备", "Revoke phones"),
    "document.publish": Text("发布会放宽策略的版本", "Publish a version that loosens"),
    "documents.apply": Text("应用会放宽策略的文档", "Apply documents that loosen"),
    "document.delete": Text("删除文档并放宽策略", "Delete a document, which loosens"),
    "rollout.start": Text("开始会放宽策略的发布", "Start a rollout that loosens"),
    "rollout.rollback": Text("回退发布并放宽策略", "Roll back, which loosens"),
    "org_unit.change": Text("移动组织并放宽策略", "Move a unit, which loosens"),
    "device.place": Text("移动设备并放宽策略", "Move a phone, which loosens"),
    "device.confirm": Text("确认使用人并放宽策略", "Confirm a holder, which loosens"),
    "device.follow": Text("设备随使用人调动并放宽策略", "Phones follow their holder, which loosens"),
    "rollout.ring": Text("发布进入下一环", "Next ring of a rollout"),
}
APPROVAL_STATES = {
    "pending": Text("等待审批", "Waiting"),
    "approved": Text("已批准", "Approved"),
    "denied": Text("已拒绝", "Denied"),
    "withdrawn": Text("已撤回", "Withdrawn"),
    "lapsed": Text("已过期", "Lapsed"),
    "used": Text("已批准并执行", "Approved and carried out"),
    "void": Text("已作废", "Void"),
}


def held(code: str) -> Text:
    """Why a command waits."""
    return HELD.get(code) or plain(code)


def step(code: str) -> Text:
    """What moved a command on."""
    known = {str(trigger): text for trigger, text in SAYS.items()}
    return STEPS.get(code) or known.get(code) or plain(code)


def argument(name: str) -> Text:
    """What an argument or a part of an answer is called."""
    return ARGUMENTS.get(name) or plain(name)


def value(found: Any) -> Text:
    """An argument's value, readable."""
    if isinstance(found, bool):
        return YES if found else NO
    if isinstance(found, str):
        return VALUES.get(found) or plain(found)
    return plain(json_text(found))
