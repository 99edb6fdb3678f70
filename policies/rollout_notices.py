"""Telling whoever publishes that a rollout paused or stopped by itself, or that a ring waits for a second person."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.permissions import Permission
from core.text import Text
from identity import queries
from notify import notices
from notify.topics import Severity, register

_KINDS = {
    "paused": register("rollout_paused", Severity.WARNING, Text("一次策略发布已暂停", "A rollout has paused")),
    "stopped": register("rollout_stopped", Severity.CRITICAL, Text("一次策略发布已停止", "A rollout has stopped")),
}
_TEXTS = {
    "error_stop": Text(
        "发布环“{ring}”的{zh}设备达到 {share}%（上限 {limit}%，样本 {sample} 台），发布已停止。",
        "In ring “{ring}” {share} % of {sample} phones {en} (limit {limit} %). The rollout has stopped.",
    ),
    "gate_missed": Text(
        "发布环“{ring}”在规定时间内只有 {share}% 的设备应用成功（要求 {limit}%），发布已暂停。",
        "In ring “{ring}” {share} % of the phones have applied it in time ({limit} % are asked for). It has paused.",
    ),
}
_CLASSES = {
    "failed": Text("应用失败", "failed"),
    "rejected": Text("拒绝策略", "rejected it"),
    "silent": Text("无应答", "are silent"),
}
_OTHER = Text("发布已停下，请查看原因。", "The rollout does not go on. See why.")


def said(why: Mapping[str, Any]) -> Text:
    """Why a rollout paused or stopped, in words."""
    text = _TEXTS.get(str(why.get("code")))
    if text is None:
        return _OTHER
    named = _CLASSES.get(str(why.get("class")), Text("", ""))
    values = {**why, "zh": named.zh, "en": named.en}
    return Text(text.zh.format(**values), text.en.format(**values))


def halted(rollout_id: str, state: str, why: Mapping[str, Any]) -> None:
    """Tell everybody who may publish."""
    people = queries.holders_of([Permission.DOCUMENT_PUBLISH], queries.ROOT_ID)
    notices.send(people, _KINDS[state], said(why), ("rollout", rollout_id))
