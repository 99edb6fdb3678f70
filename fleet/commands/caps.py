"""Caps: how many wipes one person, and all together, may ask for and have signed in an hour."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import ColumnElement, func, select

from core import audit, clock
from core.actor import Actor
from core.db import session
from core.errors import TooMany
from core.runtime import settings
from core.text import Text
from core.uow import after_rollback
from fleet.commands import freeze
from fleet.commands.models import Command
from fleet.commands.registry import Kind, all_kinds

WINDOW = timedelta(hours=1)


def require_room(actor: Actor, kind: Kind, phones: int) -> None:
    """Raise TooMany when these would be more than an hour allows; nothing of the request happens then."""
    if not kind.capped:
        return
    freeze.gate()
    since = Command.requested_at > clock.now() - WINDOW
    own = _count(since, Command.requested_by == actor.id)
    if own + phones > settings().wipe_cap_per_person:
        raise _too_many(actor, kind, phones, settings().wipe_cap_per_person, "person")
    if _count(since) + phones > settings().wipe_cap_total:
        raise _too_many(actor, kind, phones, settings().wipe_cap_total, "total")


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


def _capped_types() -> list[str]:
    return [str(kind.type) for kind in all_kinds() if kind.capped]


def _count(*which: ColumnElement[bool]) -> int:
    query = select(func.count()).select_from(Command).where(Command.type.in_(_capped_types()), *which)
    return session().scalar(query) or 0


def _too_many(actor: Actor, kind: Kind, phones: int, cap: int, whose: str) -> TooMany:
    detail = {"code": "wipe_cap", "type": str(kind.type), "phones": phones, "cap": cap, "whose": whose}
    after_rollback(lambda: audit.record(actor, "command.request", ("command", "refused"), detail, refused=True))
    scope = Text("每人", "per person") if whose == "person" else Text("全体", "for everyone together")
    return TooMany(
        "wipe_cap",
        Text(
            f"超过每小时擦除上限（{scope.zh} {cap} 台），本次请求整体未执行。",
            f"More wipes than an hour allows ({cap} {scope.en}). Nothing of this request was done.",
        ),
        cap=cap,
        whose=whose,
        headers={"Retry-After": "3600"},
    )
