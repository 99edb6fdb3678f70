"""The communications archive: gaps in a chain, batches that do not fit it, and what phones say of their integrity."""

from __future__ import annotations

from datetime import datetime

from archive import alerts
from archive.refused import FINDING as REFUSED
from compliance.facts import Facts
from compliance.registry import Basis, Check, Ends, Judge, Judgement, Severity, register
from core import clock
from core.text import Text

WORD = "integrity"
EVENT = "integrity_event"


def _unseen(code: str) -> Judge:
    def judge(facts: Facts, _now: datetime) -> Judgement | None:
        at = facts.alerts.get(code)
        return Judgement(at is not None, {"since": clock.to_wire(at)} if at else {})

    return judge


_SETTLE = Text(
    "由合规专员核查并在完整性告警中确认。",
    "A compliance officer looks into it and acknowledges the integrity alert.",
)

register(
    Check(
        "records_gap",
        Text("通信记录有缺口", "Gap in the records"),
        Text("部分通信记录手机与服务器均未保存。", "Some records are held neither by the phone nor by the server."),
        _SETTLE,
        Severity.CRITICAL,
        Basis.SIGNED,
        "records",
        WORD,
        _unseen(alerts.GAP),
    )
)
register(
    Check(
        "chain_broken",
        Text("存储的记录校验失败", "Stored records do not verify"),
        Text("服务器存储的记录与校验链不符。", "What the server stores no longer fits the chain."),
        Text(
            "立即保全数据库与备份，核查谁改动了存储。",
            "Keep the database and its backups at once, and find out who changed the store.",
        ),
        Severity.CRITICAL,
        Basis.SERVER,
        "records",
        WORD,
        _unseen(alerts.BROKEN),
    )
)
register(
    Check(
        REFUSED,
        Text("通信记录未通过校验", "Records refused"),
        Text(
            "手机上报的记录与其校验链不符（{reason}）。", "Records that the phone sent do not fit its chain ({reason})."
        ),
        Text(
            "由合规专员核查：作为存疑记录接收，或不予采纳。",
            "A compliance officer decides: accept them as contested, or leave them out.",
        ),
        Severity.CRITICAL,
        Basis.SIGNED,
        "records",
        WORD,
    )
)
register(
    Check(
        EVENT,
        Text("手机收到无法验证的消息", "The phone got what it cannot verify"),
        Text(
            "手机报告收到未通过签名校验的消息，可能有人伪造。",
            "The phone says that it received messages whose signature does not verify: somebody may forge them.",
        ),
        Text(
            "检查消息代理的访问权限与日志，处理后结束此项。",
            "Check access to the broker and its log, then settle this.",
        ),
        Severity.CRITICAL,
        Basis.SIGNED,
        "event",
        WORD,
        ends=Ends.SETTLED,
    )
)
