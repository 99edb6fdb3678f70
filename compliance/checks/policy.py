"""Desired against reported: the policy is behind, refused, failed, or more than the phone can do."""

from __future__ import annotations

from datetime import datetime, timedelta

from compliance.facts import Facts
from compliance.registry import Basis, Check, Judgement, Severity, register
from core.runtime import settings
from core.text import Text

STALE = "policy_stale"


def _behind(facts: Facts, now: datetime) -> Judgement | None:
    policy = facts.policy
    if policy.since is None or policy.in_force:
        return Judgement(False)
    due = policy.since + timedelta(seconds=settings().policy_overdue_after)
    if now < due:
        return Judgement(False, again_at=due)
    return Judgement(True, {"generation": policy.generation})


def _failed(facts: Facts, _now: datetime) -> Judgement | None:
    return Judgement(facts.policy.failed, {"generation": facts.policy.generation} if facts.policy.failed else {})


register(
    Check(
        "policy_behind",
        Text("策略未按时生效", "Policy not applied in time"),
        Text("策略 {generation} 下发后未在规定时间内生效。", "The policy {generation} was not applied in time."),
        Text(
            "确认手机在线；可下发“同步”命令，仍未生效请查看设备的策略报告。",
            "See that the phone is online; send “Sync”. If it stays behind, look at the phone's policy report.",
        ),
        Severity.WARNING,
        Basis.SERVER,
        "reported",
        STALE,
        _behind,
    )
)
register(
    Check(
        "policy_failed",
        Text("策略应用失败", "Policy failed"),
        Text(
            "手机应用策略 {generation} 时失败，会重试。",
            "The phone failed to apply policy {generation}; it tries again.",
        ),
        Text(
            "查看报告中的原因；存储不足或代理程序过旧最常见，处理后下发“同步”。",
            "Read why in the report: a full storage or an old agent is common. Then send “Sync”.",
        ),
        Severity.WARNING,
        Basis.SIGNED,
        "reported",
        STALE,
        _failed,
    )
)
register(
    Check(
        "policy_rejected",
        Text("拒绝策略", "Policy rejected"),
        Text(
            "手机拒绝了策略 {generation}，旧策略仍然有效。",
            "The phone rejected policy {generation}; the old one holds.",
        ),
        Text(
            "更新手机上的代理程序，或修改它不能读取的规则后重新发布。",
            "Update the agent on the phone, or change the rule that it cannot read and publish again.",
        ),
        Severity.CRITICAL,
        Basis.SIGNED,
        "reported",
        STALE,
    )
)
register(
    Check(
        "unsupported",
        Text("不支持策略中的规则", "Cannot carry out a rule"),
        Text("手机不能执行：{lacking}。", "The phone cannot carry out: {lacking}."),
        Text(
            "更换支持这些功能的机型，或为这类手机另立策略；确有需要时登记例外。",
            "Use a model that can, or give such phones a policy of their own; where it must be, grant an exception.",
        ),
        Severity.WARNING,
        Basis.SIGNED,
        "hello",
        "unsupported",
    )
)
