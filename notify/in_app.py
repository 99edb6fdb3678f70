"""The in-app carrier: a list of notices for each person, moved by the live feed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import delete, func, select, update

from core import clock, jobs, live
from core.actor import Actor
from core.db import affected, insert_rows, session
from core.ids import new_id
from core.paging import DEFAULT_LIMIT, Page, keyset
from core.text import Text
from notify.models import InAppNotice
from notify.notices import Notice, carrier
from notify.topics import topic_of
from notify.views import NoticeView

KEEP = timedelta(days=90)
LIVE_TOPIC = "notices"


@carrier("in_app")
def carry(notice: Notice) -> None:
    """Put the notice into each person's list and tell their open pages."""
    if not notice.person_ids:
        return
    at = clock.now()
    common = {
        "kind": notice.kind,
        "text_zh": notice.text.zh,
        "text_en": notice.text.en,
        "about_kind": notice.about[0],
        "about_id": notice.about[1],
        "at": at,
        "read_at": None,
    }
    rows = [{"id": new_id(), "person_id": person, **common} for person in notice.person_ids]
    insert_rows(session(), InAppNotice.__table__, rows)
    live.announce(LIVE_TOPIC, notice.person_ids)


def find(
    actor: Actor, *, unread: bool = False, cursor: str | None = None, limit: int = DEFAULT_LIMIT
) -> Page[NoticeView]:
    """The actor's own notices, newest first."""
    query = select(InAppNotice).where(InAppNotice.person_id == actor.id)
    if unread:
        query = query.where(InAppNotice.read_at.is_(None))
    return keyset(session(), query, [InAppNotice.at, InAppNotice.id], cursor, limit, descending=True).map(_view)


def count_unread(actor: Actor) -> int:
    """How many of the actor's own notices are unread."""
    query = select(func.count(InAppNotice.id))
    return session().scalar(query.where(InAppNotice.person_id == actor.id, InAppNotice.read_at.is_(None))) or 0


def mark_all_read(actor: Actor) -> int:
    """Mark all of the actor's own notices as read. Returns how many changed."""
    mine = update(InAppNotice).where(InAppNotice.person_id == actor.id, InAppNotice.read_at.is_(None))
    return affected(session(), mine.values(read_at=clock.now()))


def mark_read(actor: Actor, ids: Sequence[str]) -> int:
    """Mark some of the actor's own notices as read; ids of others change nothing. Returns how many changed."""
    changed = (
        update(InAppNotice)
        .where(InAppNotice.person_id == actor.id, InAppNotice.id.in_(ids), InAppNotice.read_at.is_(None))
        .values(read_at=clock.now())
    )
    return affected(session(), changed)


@jobs.register("notify-forget-old", cron="40 3 * * *")
def forget_old() -> str:
    """Drop notices older than 90 days."""
    dropped = affected(session(), delete(InAppNotice).where(InAppNotice.at < clock.now() - KEEP))
    return f"{dropped} dropped"


def _view(row: InAppNotice) -> NoticeView:
    return NoticeView(
        id=row.id,
        kind=row.kind,
        severity=topic_of(row.kind).severity.code,
        text=Text(row.text_zh, row.text_en),
        about_kind=row.about_kind,
        about_id=row.about_id,
        at=row.at,
        read=row.read_at is not None,
    )
