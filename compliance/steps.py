"""What the ladder does: tells the holder, alerts people, locks. A wipe is never a step, and an unlock is a person's.

Posture and presence come from unsigned heartbeats: who owns the broker could feign that a phone is in order again. So
the end of a finding resets the step, and whoever may send commands is told that the phone can be unlocked.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import RowMapping

from compliance import registry
from compliance.ladder import NO_STEP, Reached, rank
from core import audit, clock
from core.actor import system_actor
from core.permissions import Permission
from core.runtime import settings
from core.text import Text
from fleet import timeline
from fleet.commands import freeze, request
from fleet.commands.request import Wish
from fleet.findings import OpenFinding
from fleet.phone_facts import PhoneFacts
from identity import queries as people
from notify import notices
from notify.topics import Severity, register

ACTOR = system_actor("compliance")
ORIGIN = "ladder"
NOTIFY, ALERT, LOCK = "notify_holder", "alert", "lock"
FROZEN, CAP = "freeze", "cap"
KIND = register(
    "compliance", Severity.WARNING, Text("有设备不合规，需要处理", "Phones do not comply and need somebody")
)
HOUR = timedelta(hours=1)

_TITLE = Text("合规提醒", "Compliance")
_HOLDER = Text("您的工作手机需要处理：{names}。", "Your work phone needs attention: {names}.")
_LOCKED = Text(
    "手机长时间不合规，已锁定。请联系管理员。", "Out of order for too long: locked. Contact your administrator."
)
_REASON = Text("合规阶梯：{names}", "Compliance ladder: {names}")
_ALERTS = {
    ALERT: Text("设备持续不合规：{names}。", "A phone stays out of order: {names}."),
    LOCK: Text("设备因长时间不合规被锁定：{names}。", "A phone was locked, out of order for too long: {names}."),
    FROZEN: Text("设备应被锁定，因冻结而暂缓：{names}。", "A phone is to be locked; the freeze holds that: {names}."),
    CAP: Text(
        "设备应被锁定，本小时名额已满：{names}。", "A phone is to be locked; this hour's cap is reached: {names}."
    ),
    NO_STEP: Text(
        "设备被合规阶梯锁定的原因已消失，请核实后解锁。",
        "What the ladder locked a phone for is over: check it, then unlock it.",
    ),
}
_MANY = Text("{count} 台设备：{text}", "{count} phones: {text}")


@dataclass(frozen=True, slots=True)
class Move:
    """One phone: where it stood, what its findings have reached."""

    phone: PhoneFacts
    stored: RowMapping | None
    reached: Reached
    open: Sequence[OpenFinding]

    @property
    def old(self) -> str:
        """The step that was carried out last."""
        return str(self.stored["step"]) if self.stored else NO_STEP

    @property
    def titles(self) -> list[Text]:
        """Titles of the findings that count."""
        found = [registry.check_of(one.code) for one in self.open if one.excepted_until is None]
        return [check.title for check in found if check.counts or check.code == self.reached.code]


def _names(moves: Sequence[Move]) -> Text:
    titles = list(dict.fromkeys(title for move in moves for title in move.titles))
    return Text("、".join(title.zh for title in titles), ", ".join(title.en for title in titles))


def carry_out(moves: Sequence[Move]) -> dict[str, str]:
    """Do what was newly reached and reset what ended; returns why locks wait, by phone."""
    higher = [move for move in moves if rank(move.reached.step) > rank(move.old)]
    lower = [move for move in moves if rank(move.reached.step) < rank(move.old)]
    held = _lock([move for move in higher if move.reached.step == LOCK])
    done = [move for move in higher if move.phone.id not in held]
    _tell_holders([move for move in done if move.reached.step == NOTIFY])
    for step in (ALERT, LOCK):
        _alert([move for move in done if move.reached.step == step], step)
    _alert([move for move in lower if move.old == LOCK], NO_STEP)
    _note(done, "step")
    _note(lower, "step_reset")
    return held


def _lock(moves: Sequence[Move]) -> dict[str, str]:
    if not moves:
        return {}
    frozen = freeze.is_frozen()
    room = 0 if frozen else settings().ladder_locks_per_hour - request.count_of(ORIGIN, LOCK, clock.now() - HOUR)
    free, waiting = moves[: max(0, room)], moves[max(0, room) :]
    why = FROZEN if frozen else CAP
    news = [move for move in waiting if not move.stored or move.stored["step_held"] != why]
    _alert(news, why)
    _send(free, LOCK, {move.phone.id: {"message": f"{_LOCKED.zh}\n{_LOCKED.en}"} for move in free})
    return {move.phone.id: why for move in waiting}


def _tell_holders(moves: Sequence[Move]) -> None:
    texts = {move.phone.id: _both(_HOLDER, _names([move])) for move in moves}
    title = f"{_TITLE.zh} {_TITLE.en}"
    _send(moves, "message", {device_id: {"title": title, "text": text} for device_id, text in texts.items()})


def _send(moves: Sequence[Move], kind: str, args: Mapping[str, Mapping[str, Any]]) -> None:
    wishes = {move.phone.id: Wish(kind, args[move.phone.id], _filled(_REASON, _names([move])).zh) for move in moves}
    request.by_rule(ACTOR, ORIGIN, wishes)


def _both(text: Text, names: Text) -> str:
    filled = _filled(text, names)
    return f"{filled.zh}\n{filled.en}"


def _filled(text: Text, names: Text) -> Text:
    return Text(text.zh.format(names=names.zh), text.en.format(names=names.en))


def _alert(moves: Sequence[Move], step: str) -> None:
    """Tell whoever handles findings of each org unit: of one phone by itself, of several at once in one notice."""
    units: dict[str, list[Move]] = defaultdict(list)
    for move in moves:
        units[move.phone.org_unit_id].append(move)
    for unit_id, several in units.items():
        text = _filled(_ALERTS[step], _names(several))
        if len(several) > 1:
            count = len(several)
            text = Text(_MANY.zh.format(count=count, text=text.zh), _MANY.en.format(count=count, text=text.en))
        about = ("device", several[0].phone.id) if len(several) == 1 else ("org_unit", unit_id)
        notices.send(people.holders_of([Permission.COMPLIANCE_HANDLE], unit_id), KIND, text, about, unit_id)


def _note(moves: Sequence[Move], what: str) -> None:
    lines = []
    for move in moves:
        detail = {"from": move.old, "to": move.reached.step, "code": move.reached.code}
        audit.record(ACTOR, f"compliance.{what}", ("device", move.phone.id), detail)
        lines.append(
            timeline.Line(move.phone.id, "compliance", f"compliance.{move.reached.step}", ACTOR, detail=detail)
        )
    timeline.add(lines)
