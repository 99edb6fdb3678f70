"""Caps: how many phones one person, and all together, may take out in an hour, by wipes asked for and revocations."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import ColumnElement, func, select

from core import audit, clock
from core.actor import Actor
from core.db import insert_rows, session
from core.errors import Conflict, TooMany
from core.runtime import settings
from core.text import Text
from core.uow import after_rollback
from fleet.commands import freeze
from fleet.commands.models import Command
from fleet.commands.registry import Kind, all_kinds
from fleet.models import Revocation

WINDOW = timedelta(hours=1)
_WIPE, _REVOKE = "wipe_cap", "revoke_cap"


def require_room(actor: Actor, kind: Kind, phones: int) -> None:
    """Raise TooMany when these would be more than an hour allows; nothing of the request happens then."""
    if kind.capped:
        freeze.gate()
        _require(actor, _WIPE, phones, str(kind.type))


def room(actor: Actor) -> int:
    """How many phones more the actor may take out within this hour."""
    own = settings().wipe_cap_per_person - _used(actor.id)
    return max(0, min(own, settings().wipe_cap_total - _used()))


def note_revocation(actor: Actor, device_id: str, *, lost: bool) -> None:
    """Count one phone that is cut off by itself. Raises TooMany over a cap.

    The cap of all together holds no lost phone back: whoever used it up keeps nobody else from cutting a stolen one.
    """
    freeze.gate()
    _require(actor, _REVOKE, 1, "revoke", total=not lost)
    _note(actor, [device_id])


def note_revocations(actor: Actor, device_ids: Sequence[str]) -> None:
    """Count many phones that are cut off together. Raises as `require_revocable`."""
    require_revocable(actor, len(device_ids))
    _note(actor, device_ids)


def require_revocable(actor: Actor, phones: int) -> None:
    """Raise TooMany when so many phones are more than an hour allows, Conflict while destruction is frozen."""
    if freeze.gate().frozen:
        raise Conflict(
            "frozen",
            Text(
                "破坏性操作已被紧急冻结，不能批量吊销；单台设备仍可吊销。",
                "What destroys is frozen, so phones are not cut off together. One by itself still is.",
            ),
            audit=True,
        )
    _require(actor, _REVOKE, phones, "revoke")


def over_cap(first_offers: Sequence[Command]) -> set[str]:
    """Ids of those commands, never signed before, that would go beyond the caps if they were signed now."""
    capped = [command for command in first_offers if command.type in _capped_types()]
    if not capped:
        return set()
    freeze.gate()
    since = Command.first_offer_at > clock.now() - WINDOW
    total = _count(since)
    query = select(Command.requested_by, func.count()).where(Command.type.in_(_capped_types()), since)
    people = Counter({row[0]: row[1] for row in session().execute(query.group_by(Command.requested_by))})
    over: set[str] = set()
    for command in sorted(capped, key=lambda command: (command.requested_at, command.id)):
        if total >= settings().wipe_cap_total or people[command.requested_by] >= settings().wipe_cap_per_person:
            over.add(command.id)
            continue
        total += 1
        people[command.requested_by] += 1
    return over


def _note(actor: Actor, device_ids: Sequence[str]) -> None:
    now = clock.now()
    rows = [{"device_id": device_id, "by_id": actor.id, "at": now} for device_id in device_ids]
    insert_rows(session(), Revocation.__table__, rows)


def _require(actor: Actor, code: str, phones: int, what: str, *, total: bool = True) -> None:
    if _used(actor.id) + phones > settings().wipe_cap_per_person:
        raise _too_many(actor, code, what, phones, settings().wipe_cap_per_person, "person")
    if total and _used() + phones > settings().wipe_cap_total:
        raise _too_many(actor, code, what, phones, settings().wipe_cap_total, "total")


def _used(person_id: str | None = None) -> int:
    """Phones of this hour, one person's or all."""
    since = clock.now() - WINDOW
    wipes = [Command.requested_at > since, *([Command.requested_by == person_id] if person_id else [])]
    cut = select(func.count()).select_from(Revocation).where(Revocation.at > since)
    cut = cut.where(Revocation.by_id == person_id) if person_id else cut
    return _count(*wipes) + (session().scalar(cut) or 0)


def _capped_types() -> list[str]:
    return [str(kind.type) for kind in all_kinds() if kind.capped]


def _count(*which: ColumnElement[bool]) -> int:
    query = select(func.count()).select_from(Command).where(Command.type.in_(_capped_types()), *which)
    return session().scalar(query) or 0


def _too_many(actor: Actor, code: str, what: str, phones: int, cap: int, whose: str) -> TooMany:
    detail = {"code": code, "type": what, "phones": phones, "cap": cap, "whose": whose}
    action, target = ("command.request", "command") if code == _WIPE else ("device.revoke", "device")
    after_rollback(lambda: audit.record(actor, action, (target, "refused"), detail, refused=True))
    scope = Text("每人", "per person") if whose == "person" else Text("全体", "for everyone together")
    return TooMany(
        code,
        Text(
            f"超过每小时擦除与吊销上限（{scope.zh} {cap} 台），本次请求整体未执行。"
            "可先将设备标记为丢失（自动锁定），或请同事处理。",
            f"More wipes and revocations than an hour allows ({cap} {scope.en}). Nothing of this request was done. "
            "Report the phone lost, which locks it, or ask a colleague.",
        ),
        cap=cap,
        whose=whose,
        headers={"Retry-After": "3600"},
    )
