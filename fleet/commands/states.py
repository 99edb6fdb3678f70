"""States of a command and every legal step between them, as data. What is not in the table changes nothing."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from core.text import Text


class State(StrEnum):
    """Where a command stands."""

    PENDING_APPROVAL = "pending_approval"
    DENIED = "denied"
    QUEUED = "queued"
    SENT = "sent"
    RECEIVED = "received"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    REJECTED = "rejected"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    UNCONFIRMED = "unconfirmed"


class Trigger(StrEnum):
    """What moves a command on."""

    APPROVED = "approved"
    DENIED = "denied"
    LAPSED = "lapsed"
    SENT = "sent"
    RECEIVED = "received"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    REJECTED = "rejected"
    TIMED_OUT = "timed_out"
    OVERDUE = "overdue"
    CANCELLED = "cancelled"
    CLOSED = "device_closed"
    RESTORED = "restored"


S, T = State, Trigger

TITLES: Final[Mapping[State, Text]] = MappingProxyType(
    {
        S.PENDING_APPROVAL: Text("待审批", "Waiting for approval"),
        S.DENIED: Text("已拒绝", "Denied"),
        S.QUEUED: Text("排队中", "Queued"),
        S.SENT: Text("已下发", "Sent"),
        S.RECEIVED: Text("设备已收到", "Received by the phone"),
        S.SUCCEEDED: Text("成功", "Succeeded"),
        S.FAILED: Text("失败", "Failed"),
        S.REJECTED: Text("设备拒绝执行", "Rejected by the phone"),
        S.EXPIRED: Text("已过期", "Expired"),
        S.CANCELLED: Text("已取消", "Cancelled"),
        S.UNCONFIRMED: Text("未确认", "Unconfirmed"),
    }
)
SAYS: Final[Mapping[Trigger, Text]] = MappingProxyType(
    {
        T.APPROVED: Text("第二人批准", "a second person approves"),
        T.DENIED: Text("第二人拒绝", "a second person denies"),
        T.LAPSED: Text("审批过期或失效", "the approval lapses or no longer fits"),
        T.SENT: Text("代理服务器已确认，且设备有会话", "the broker took it for a session of the phone"),
        T.RECEIVED: Text("设备回报 received", "the phone says `received`"),
        T.SUCCEEDED: Text("设备回报 succeeded", "the phone says `succeeded`"),
        T.FAILED: Text("设备回报 failed", "the phone says `failed`"),
        T.REJECTED: Text("设备回报 rejected", "the phone says `rejected`"),
        T.TIMED_OUT: Text("命令有效期已过", "the command's lifetime is over"),
        T.OVERDUE: Text("擦除到期仍无最终回报", "a wipe's last word has not come when it is due"),
        T.CANCELLED: Text("有人取消", "a person cancels"),
        T.CLOSED: Text("设备已停用", "the phone left the fleet"),
        T.RESTORED: Text("服务器从备份恢复", "the server was restored from a backup"),
    }
)

_UNFINISHED: Final = (S.QUEUED, S.SENT, S.RECEIVED, S.UNCONFIRMED)
_RESULTS: Final = (
    (T.RECEIVED, S.RECEIVED),
    (T.SUCCEEDED, S.SUCCEEDED),
    (T.FAILED, S.FAILED),
    (T.REJECTED, S.REJECTED),
)


def _table() -> dict[tuple[State, Trigger], State]:
    table = {
        (S.PENDING_APPROVAL, T.APPROVED): S.QUEUED,
        (S.PENDING_APPROVAL, T.DENIED): S.DENIED,
        (S.PENDING_APPROVAL, T.LAPSED): S.EXPIRED,
        (S.QUEUED, T.LAPSED): S.EXPIRED,
        (S.QUEUED, T.SENT): S.SENT,
        (S.SENT, T.OVERDUE): S.UNCONFIRMED,
        (S.RECEIVED, T.OVERDUE): S.UNCONFIRMED,
    }
    table |= {(old, trigger): new for old in (*_UNFINISHED, S.EXPIRED) for trigger, new in _RESULTS if old is not new}
    # What was cancelled may have been on its way: the phone's word counts, and says `after_cancel`.
    table |= {(S.CANCELLED, trigger): new for trigger, new in _RESULTS if new is not S.REJECTED}
    table |= {(old, T.TIMED_OUT): S.EXPIRED for old in (S.QUEUED, S.SENT, S.RECEIVED)}
    table |= {(old, T.CANCELLED): S.CANCELLED for old in (S.PENDING_APPROVAL, S.QUEUED, S.SENT, S.UNCONFIRMED)}
    table |= {(old, T.CLOSED): S.CANCELLED for old in (S.PENDING_APPROVAL, *_UNFINISHED)}
    table |= {(old, T.RESTORED): S.EXPIRED for old in (S.PENDING_APPROVAL, *_UNFINISHED)}
    return table


TRANSITIONS: Final[Mapping[tuple[State, Trigger], State]] = MappingProxyType(_table())
UNFINISHED: Final = frozenset(_UNFINISHED)
"""What may be offered to a phone."""
OPEN: Final = UNFINISHED | {S.PENDING_APPROVAL}
FINAL: Final = frozenset({S.DENIED, S.SUCCEEDED, S.FAILED, S.REJECTED, S.EXPIRED, S.CANCELLED})
WITHDRAWING: Final = frozenset({S.DENIED, S.EXPIRED, S.CANCELLED})
"""Once here, a command is never signed again, whatever its phone still says of it."""


def following(state: str, trigger: Trigger) -> State | None:
    """The state that the trigger leads to, None when the step is not legal."""
    return TRANSITIONS.get((State(state), trigger))


def transition_table_markdown(language: str = "en") -> str:
    """The whole table as Markdown, for `docs/protocol.md`."""
    heads = Text("| 从 | 事件 | 到 |", "| from | when | to |").pick(language)
    order = {state: number for number, state in enumerate(State)}
    steps = {trigger: number for number, trigger in enumerate(Trigger)}
    rows = sorted(TRANSITIONS.items(), key=lambda item: (order[item[0][0]], steps[item[0][1]]))
    lines = [f"| `{old}` | {SAYS[trigger].pick(language)} | `{new}` |" for (old, trigger), new in rows]
    return "\n".join([heads, "| --- | --- | --- |", *lines]) + "\n"
