"""Words for rollouts: states, figures, why one stands still, why a phone has not answered, and what can be done."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from console import labels, language, times
from console.device_view import BAD, IDLE, OK, WAIT, WARN, Label
from core.text import Text
from policies import rollout_notices
from policies.rollouts import DRAFT, FINISHED, OPEN, PAUSED, PENDING, ROLLED_BACK, RUNNING, SOAKING, STOPPED
from policies.views import RingView, RolloutView

STATES = {
    DRAFT: Label(Text("草稿", "Draft"), IDLE),
    PENDING: Label(Text("等待审批", "Waits for approval"), WARN),
    RUNNING: Label(Text("进行中", "Running"), WAIT),
    PAUSED: Label(Text("已暂停", "Paused"), WARN),
    STOPPED: Label(Text("已停止", "Stopped"), BAD),
    FINISHED: Label(Text("已完成", "Finished"), OK),
    ROLLED_BACK: Label(Text("已回退", "Rolled back"), IDLE),
}
RINGS = {
    "waiting": Label(Text("未开始", "Not begun"), IDLE),
    "filling": Label(Text("正在下发", "Being sent"), WAIT),
    "running": Label(Text("等待达标", "At its gate"), WAIT),
    "soaking": Label(Text("观察中", "Soaking"), WAIT),
    "finished": Label(Text("完成", "Done"), OK),
}
HALTED = {
    PAUSED: Label(Text("暂停在此", "Paused here"), WARN),
    STOPPED: Label(Text("停止在此", "Stopped here"), BAD),
    ROLLED_BACK: Label(Text("已回退", "Rolled back"), IDLE),
}
KINDS = {
    "publish": Text("发布", "Publication"),
    "assignment": Text("策略分配", "Assignment"),
    "org_unit": Text("组织调整", "Org change"),
    "rollback": Text("回退", "Rollback"),
}
UNDER_WAY = ("filling", "running", "soaking")
WAITS = {
    "running": Text("还有 {span} 须达标", "{span} left to reach its gate"),
    "soaking": Text("还需观察 {span}", "soaks for another {span}"),
}
CLASSES = {
    "targeted": Label(Text("目标", "Targeted"), IDLE),
    "sent": Label(Text("已送出", "Sent"), IDLE),
    "applied": Label(Text("已生效", "Applied"), OK),
    "rejected": Label(Text("已拒绝", "Rejected"), BAD),
    "failed": Label(Text("失败", "Failed"), BAD),
    "silent": Label(Text("无应答", "Silent"), WARN),
    "waiting": Label(Text("等待应答", "Waiting"), WAIT),
    "gone": Label(Text("已离开", "Left the fleet"), IDLE),
    "withdrawn": Label(Text("已被替代", "Replaced"), IDLE),
    "unchanged": Label(Text("无变化", "No difference"), IDLE),
}
ALWAYS = ("targeted", "sent", "applied", "rejected", "failed", "silent")
"""Figures that are shown also where they are nought."""
WHY = {
    "rejected": Text("手机拒绝了策略", "the phone rejected it"),
    "failed": Text("手机应用失败", "applying it failed on the phone"),
    "left_fleet": Text("设备已停用或擦除", "the phone left the fleet"),
    "never_seen": Text("注册后从未上线", "never seen since it was enrolled"),
    "offline": Text("离线", "offline"),
    "not_sent": Text("在线，尚未送出", "online, not sent yet"),
    "no_answer": Text("已送出，手机没有回报", "sent, but the phone says nothing"),
    "replaced": Text("先收到了别的策略", "it got something else first"),
}
_HALTS = {
    "paused_by": Text("{by} 暂停：{reason}", "Paused by {by}: {reason}"),
    "stopped_by": Text("{by} 停止：{reason}", "Stopped by {by}: {reason}"),
    "approval_denied": Text("第二人拒绝了下一环。", "The second person denied the next ring."),
    "approval_lapsed": Text("审批无人处理已过期；继续后会再次申请。", "Nobody decided in time. Resume to ask again."),
}
_TOLD = ("error_stop", "gate_missed")


@dataclass(frozen=True, slots=True)
class Act:
    """Something that can be done: in which states, what it means, whether it is confirmed by typing."""

    name: str
    title: Text
    hint: Text
    done: Text
    states: tuple[str, ...]
    danger: bool = False


ACTS: Mapping[str, Act] = {
    act.name: act
    for act in (
        Act(
            "start",
            Text("开始", "Start"),
            Text("第一环立即开始下发。", "The first ring begins at once."),
            Text("已开始。", "Started."),
            (DRAFT,),
        ),
        Act(
            "approve",
            Text("批准下一环", "Approve the next ring"),
            Text(
                "需由申请人以外的人批准；批准后下一环开始。",
                "By somebody else than who asked; then it begins.",
            ),
            Text("已批准。", "Approved."),
            (PENDING,),
        ),
        Act(
            "deny",
            Text("拒绝下一环", "Deny the next ring"),
            Text("发布停止：已生效的设备保留。", "The rollout stops; phones that have it keep it."),
            Text("已拒绝，发布已停止。", "Denied; the rollout has stopped."),
            (PENDING,),
        ),
        Act(
            "pause",
            Text("暂停", "Pause"),
            Text("停在当前环：已生效的保留，不再进入下一环。", "It stays in this ring; phones that have it keep it."),
            Text("已暂停。", "Paused."),
            (RUNNING,),
        ),
        Act(
            "resume",
            Text("继续", "Resume"),
            Text("从停下处继续；未达标的环重新计时。", "It goes on; a ring that missed its gate gets its time anew."),
            Text("已继续。", "Resumed."),
            (PAUSED,),
        ),
        Act(
            "skip",
            Text("跳过等待", "Skip the wait"),
            Text("不再等待当前环达标与观察，直接进入下一环。", "The gate and the soak of this ring end now."),
            Text("已跳过等待。", "The wait is skipped."),
            (RUNNING, PAUSED),
        ),
        Act(
            "emergency",
            Text("紧急全量", "To everyone now"),
            Text(
                "立即下发到全部设备，不再有达标要求、观察与审批。",
                "To every phone at once: no gate, no soak, no second person.",
            ),
            Text("正在下发到全部设备。", "On its way to everyone."),
            OPEN,
            True,
        ),
        Act(
            "stop",
            Text("停止", "Stop"),
            Text(
                "不可恢复。已生效的设备保留新规则，其余不再下发。",
                "For good: phones that have it keep it, others never get it.",
            ),
            Text("已停止。", "Stopped."),
            OPEN,
            True,
        ),
        Act(
            "rollback",
            Text("回退", "Roll back"),
            Text(
                "以此前版本的内容发布新版本，下发给所有已收到的设备。",
                "The content from before becomes a new version, for everyone who got this one.",
            ),
            Text("正在回退。", "It is being rolled back."),
            (RUNNING, PAUSED, PENDING, STOPPED, FINISHED),
            True,
        ),
    )
}


def acts(rollout: RolloutView) -> list[Act]:
    """What can be done with a rollout now. One that went to everyone at once can only be rolled back."""
    undoable = bool(rollout.documents) and all(item["previous"] is not None for item in rollout.documents)
    waits = any(ring.state in (RUNNING, SOAKING) for ring in rollout.rings)
    return [
        act
        for act in ACTS.values()
        if rollout.state in act.states
        and (undoable if act.name == "rollback" else rollout.staged)
        and (waits or act.name != "skip")
    ]


def why(rollout: RolloutView) -> Text | None:
    """Why it paused or stopped."""
    if not rollout.why:
        return None
    code = str(rollout.why.get("code"))
    if code in _TOLD:
        return rollout_notices.said(rollout.why)
    text = _HALTS.get(code) or labels.plain(code)
    values = {name: str(rollout.why.get(name) or "–") for name in ("by", "reason")}
    return Text(text.zh.format(**values), text.en.format(**values))


def title(documents: Sequence[Mapping[str, Any]]) -> str:
    """What a rollout carries, in a line."""
    return language.t("、", ", ").join(f"{one['title'] or one['name']} v{one['version']}" for one in documents[:3])


def name_of(rollout: RolloutView) -> str:
    """What is typed to confirm: the name of what it carries, or the beginning of its id."""
    return str(rollout.documents[0]["name"]) if rollout.documents else rollout.id[:8]


def ring_state(rollout: RolloutView, ring: RingView) -> Label:
    """Where a ring stands; one under way stands still where its rollout does."""
    known = RINGS.get(ring.state) or Label(labels.plain(ring.state), IDLE)
    return HALTED.get(rollout.state, known) if ring.state in UNDER_WAY else known


def left(rollout: RolloutView, ring: RingView) -> Text | None:
    """How long a ring goes on waiting: for its gate, or for the end of its soak."""
    if rollout.state in HALTED or ring.state not in WAITS:
        return None
    gate = ring.gates.get("success") is not None and ring.gates.get("within")
    asked = ring.gates.get("soak") if ring.state == "soaking" else gate
    if not asked or asked <= ring.waited:
        return None
    return WAITS[ring.state].format(span=times.span(_roughly(asked - ring.waited)))


def _roughly(seconds: int) -> timedelta:
    """A wait in the unit in which somebody thinks of it, rounded up."""
    unit = next((size for size in (3600, 60) if seconds >= 2 * size), 1)
    return timedelta(seconds=-(-seconds // unit) * unit)


def selector(ring: RingView) -> Text:
    """Whom a ring holds."""
    chosen = ring.selector
    if "percentage" in chosen:
        share = f"{chosen['percentage']:g}%"
        return Text(f"累计 {share} 的设备", f"up to {share} of the phones")
    if "group" in chosen:
        return Text(f"分组 {chosen['group']}", f"group {chosen['group']}")
    if "query" in chosen:
        return Text(f"查询 {chosen['query']}", f"query {chosen['query']}")
    return Text("全部设备", "everyone")


def gates(ring: RingView) -> list[Text]:
    """What a ring asks before the next begins, in words."""
    asked, found = ring.gates, []
    if asked.get("success") is not None:
        share, within = f"{asked['success']:g}%", times.span(timedelta(seconds=asked["within"]))
        found.append(Text(f"{within}内 {share} 生效", f"{share} applied within {within}"))
    for name, limit in sorted(asked.get("stop", {}).items()):
        text = CLASSES[name].text
        found.append(Text(f"{text.zh}达 {limit:g}% 即停止", f"stops at {limit:g}% {text.en.lower()}"))
    if asked.get("soak"):
        soak = times.span(timedelta(seconds=asked["soak"]))
        found.append(Text(f"观察 {soak}", f"soaks {soak}"))
    if asked.get("approval"):
        found.append(Text("需第二人批准", "a second person approves"))
    return found
