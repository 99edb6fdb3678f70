"""Deliveries: what goes out by which channel, or by mail to whom, written with the change that it tells of."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from sqlalchemy import delete, func, select

from core import audit, clock, jobs, metrics, outbox
from core.actor import Actor
from core.db import affected, insert_rows, session
from core.ids import new_id
from core.metrics import Gauge
from core.paging import DEFAULT_LIMIT, Page, keyset
from core.permissions import Permission
from core.runtime import settings
from core.text import Text
from notify import channels, guards, preferences
from notify.models import Channel, Delivery
from notify.notices import Notice, carrier
from notify.topics import Severity, register
from notify.views import DeliveryView

EFFECT = outbox.carried_apart("notification")
"""The outbox effect of one delivery; its key is the delivery's id, `lane` in the detail its channel or `mail`."""
WAITING, DELIVERED, DEAD, DROPPED = "waiting", "delivered", "dead", "dropped"
MAIL_LANE = "mail"
KEEP = timedelta(days=30)
TEST = register("test", Severity.INFO, Text("测试消息", "Test message"), chosen=False)


@carrier("outward")
def carry(notice: Notice) -> None:
    """Have the notice delivered by the channels that ask for such things, and by mail to the people who do."""
    _enqueue(notice, [row.id for row in _channels_for(notice)], _mail_readers(notice))


def send_test(actor: Actor, channel_id: str) -> str:
    """Send a test message by a channel, also by one that is off; returns the delivery's id. It is tried once."""
    actor.require(Permission.NOTIFICATION_WRITE)
    row = channels.visible(actor, channel_id)
    text = Text("这是一条测试消息，通道配置正确。", "This is a test message: the channel works.")
    (delivery_id,) = _enqueue(Notice((), TEST, text, ("channel", row.id)), [row.id], [], test=True)
    audit.record(actor, "channel.test", ("channel", row.id), {"delivery": delivery_id})
    return delivery_id


def of_channel(
    actor: Actor, channel_id: str, cursor: str | None = None, limit: int = DEFAULT_LIMIT
) -> Page[DeliveryView]:
    """A channel's delivery log, newest first. Raises NotFound."""
    actor.require(Permission.NOTIFICATION_READ)
    query = select(Delivery).where(Delivery.channel_id == channels.visible(actor, channel_id).id)
    return keyset(session(), query, [Delivery.at, Delivery.id], cursor, limit, descending=True).map(_view)


def _channels_for(notice: Notice) -> list[Channel]:
    query = select(Channel).where(Channel.enabled, Channel.min_severity <= int(notice.topic.severity))
    asked = [row for row in session().scalars(query) if not row.kinds or notice.kind in row.kinds]
    if not asked:
        return []
    place = guards.unit_path(notice.unit_id)
    units = guards.units({row.unit_id for row in asked})
    return [row for row in asked if row.unit_id in units and place.startswith(units[row.unit_id].path)]


def _mail_readers(notice: Notice) -> list[str]:
    if not settings().smtp_host or not notice.person_ids:
        return []
    choices = preferences.of(notice.person_ids)
    usual = preferences.Choice()
    wanting = [person for person in notice.person_ids if choices.get(person, usual).wants_mail(notice.topic)]
    return sorted(guards.mail_addresses(wanting))


def _enqueue(notice: Notice, channel_ids: list[str], person_ids: list[str], *, test: bool = False) -> list[str]:
    now = clock.now()
    common: dict[str, Any] = {
        "kind": notice.kind[:40],
        "text_zh": notice.text.zh[:500],
        "text_en": notice.text.en[:500],
        "about_kind": notice.about[0],
        "about_id": notice.about[1],
        "test": test,
        "at": now,
        "state": WAITING,
        "attempts": 0,
        "next_at": now,
        "finished_at": None,
        "last_error": None,
    }
    pairs = [*((one, None) for one in channel_ids), *((None, one) for one in person_ids)]
    rows = [{"id": new_id(), "channel_id": channel, "person_id": person, **common} for channel, person in pairs]
    insert_rows(session(), Delivery.__table__, rows)
    for row in rows:
        outbox.enqueue(EFFECT, [row["id"]], {"lane": row["channel_id"] or MAIL_LANE})
    return [row["id"] for row in rows]


@jobs.register("notify-forget-deliveries", cron="45 3 * * *")
def forget_old() -> str:
    """Drop the log of deliveries that ended more than 30 days ago."""
    old = delete(Delivery).where(Delivery.state != WAITING, Delivery.at < clock.now() - KEEP)
    return f"{affected(session(), old)} dropped"


@metrics.collects
def delivery_gauges() -> Iterable[Gauge]:
    """Deliveries by state, channels that fail."""
    query = select(Delivery.state, func.count()).group_by(Delivery.state).order_by(Delivery.state)
    counted = [({"state": state}, float(count)) for state, count in session().execute(query)]
    yield Gauge("notification_deliveries", "Notifications of the last 30 days by state.", counted)
    failing = select(func.count()).select_from(Channel).where(Channel.enabled, Channel.failing_since.is_not(None))
    yield Gauge("notification_channels_failing", "Channels that fail.", [({}, float(session().scalar(failing) or 0))])


def _view(row: Delivery) -> DeliveryView:
    return DeliveryView(
        id=row.id,
        kind=row.kind,
        text=Text(row.text_zh, row.text_en),
        about_kind=row.about_kind,
        about_id=row.about_id,
        test=row.test,
        at=row.at,
        state=row.state,  # type: ignore[arg-type]
        attempts=row.attempts,
        next_at=row.next_at,
        finished_at=row.finished_at,
        last_error=row.last_error,
    )
