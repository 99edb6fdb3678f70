"""One history for each phone: enrollment, states, hellos, commands, findings, events. Every room may add lines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, func, select

from core import clock
from core.actor import Actor
from core.db import affected, insert_rows, session
from core.paging import DEFAULT_LIMIT, Page, keyset
from core.permissions import Permission
from core.views import Inner, Moment, View
from fleet.models import Device, TimelineEntry
from fleet.visibility import in_scope

LOOK_BACK = 2000

FORGET_AT_ONCE = 20_000
"""Lines looked at in one transaction: a longer one keeps ingest waiting."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line to add. `kind` groups lines (`state`, `command`, `event`), `code` says what happened, `ref` names the
    thing behind it; `detail` holds no message text and no number."""

    device_id: str
    kind: str
    code: str
    actor: Actor | None = None
    ref: str | None = None
    detail: Mapping[str, Any] = field(default_factory=dict)
    at: datetime | None = None


class ActorView(View):
    """Who did it."""

    id: str
    name: str


class TimelineEntryView(View):
    """One line of a phone's history."""

    id: int
    device_id: Inner[str]
    at: Moment
    kind: str
    code: str
    actor: ActorView | None
    ref: str | None
    detail: dict[str, Any]


def add(rows: Sequence[Line]) -> None:
    """Append lines to the histories of their phones, in one statement."""
    now = clock.now()
    insert_rows(session(), TimelineEntry.__table__, [_row(line, now) for line in rows])


def of_device(device_id: str, cursor: str | None = None, limit: int = DEFAULT_LIMIT) -> Page[TimelineEntryView]:
    """A page of a phone's history, newest first; the caller has checked that the phone is in scope."""
    query = select(TimelineEntry).where(TimelineEntry.device_id == device_id)
    page = keyset(session(), query, [TimelineEntry.at, TimelineEntry.id], cursor, limit, descending=True)
    return page.map(_view)


def recent(actor: Actor, limit: int) -> list[TimelineEntryView]:
    """The newest lines of all phones that the actor sees; looks at the last few thousand alone."""
    actor.require(Permission.DEVICE_READ)
    newest = select(func.max(TimelineEntry.id)).scalar_subquery()
    query = select(TimelineEntry).join(Device, Device.id == TimelineEntry.device_id)
    query = query.where(TimelineEntry.id > newest - LOOK_BACK, in_scope(actor))
    rows = session().scalars(query.order_by(TimelineEntry.id.desc()).limit(limit))
    return [_view(row) for row in rows]


def forget_old(keep: timedelta) -> int:
    """Drop lines that are older; the audit log, which outlives them, is not touched. Returns how many.

    A bounded number at each call, in the order in which lines came: the job comes again.
    """
    front = select(TimelineEntry.id, TimelineEntry.at).order_by(TimelineEntry.id).limit(FORGET_AT_ONCE).subquery()
    old = select(front.c.id).where(front.c.at < clock.now() - keep)
    return affected(session(), delete(TimelineEntry).where(TimelineEntry.id.in_(old)))


def _row(line: Line, now: datetime) -> dict[str, Any]:
    actor = line.actor
    return {
        "device_id": line.device_id,
        # Cursors carry milliseconds, so that is what rows are ordered by.
        "at": cut(line.at or now),
        "kind": line.kind,
        "code": line.code,
        "actor_id": actor.id if actor else None,
        "actor_name": actor.name if actor else None,
        "ref": line.ref,
        "detail": dict(line.detail),
    }


def cut(moment: datetime) -> datetime:
    """The time in whole milliseconds."""
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def _view(entry: TimelineEntry) -> TimelineEntryView:
    return TimelineEntryView(
        id=entry.id,
        device_id=entry.device_id,
        at=entry.at,
        kind=entry.kind,
        code=entry.code,
        actor=ActorView(id=entry.actor_id, name=entry.actor_name or "") if entry.actor_id else None,
        ref=entry.ref,
        detail=entry.detail,
    )
