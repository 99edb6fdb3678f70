"""One attempt at one delivery: read what is to be sent, send it with no transaction open, note what came of it."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar

from core import again, clock, outbox
from core.db import session
from core.outbox import Due
from core.runtime import settings
from core.text import DEFAULT_LANGUAGE, Text
from core.uow import unit_of_work
from notify import channels, guards, in_app, preferences
from notify.channel_kinds import DeliveryFailed, Message, kind_of
from notify.deliveries import DEAD, DELIVERED, DROPPED, WAITING
from notify.kinds import mail
from notify.models import Channel, Delivery
from notify.notices import Notice
from notify.topics import Severity, register, topic_of

GIVE_UP_AFTER = timedelta(days=1)
FIRST_PAUSE_S, LONGEST_PAUSE_S = 5.0, 3600.0
FAILED = register(
    "notification_failed", Severity.WARNING, Text("通知未能送达", "A notification was not delivered"), chosen=False
)
T = TypeVar("T")
_random = secrets.SystemRandom()


@dataclass(frozen=True, slots=True)
class Parcel:
    """What is sent, read out of the database: nothing of it touches the session any more."""

    send: Callable[[Any, Message], None]
    fields: Any
    message: Message


def carry_out(row: Due) -> float | None:
    """Try one delivery; needs an app context. Returns the seconds until the next attempt, None when it has ended."""
    try:
        with unit_of_work(write=False):
            parcel = _parcel(row.key)
        if parcel is not None:
            parcel.send(parcel.fields, parcel.message)
    except DeliveryFailed as failure:
        failed = failure
        return _noted(lambda: _failed(row, failed))
    _noted(lambda: _dropped(row) if parcel is None else _delivered(row))
    return None


def _noted(note: Callable[[], T]) -> T:
    """Note what came of an attempt; were that lost to a deadlock, the message would be sent once more."""

    def work() -> T:
        with unit_of_work():
            return note()

    return again.run(work, "delivery:note")


def pause_after(attempts: int, asked: int | None = None) -> float:
    """Seconds until the next attempt: doubled each time, at most an hour, spread; no sooner than the server asked."""
    longest = min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2 ** min(attempts, 20))
    return max(_random.uniform(longest / 2, longest), min(float(asked or 0), LONGEST_PAUSE_S))


def _parcel(delivery_id: str) -> Parcel | None:
    delivery = session().get(Delivery, delivery_id)
    if delivery is None or delivery.state != WAITING:
        return None
    if delivery.channel_id is None:
        return _personal(delivery)
    channel = session().get_one(Channel, delivery.channel_id)
    if not channel.enabled and not delivery.test:
        return None
    message = _message(delivery, channel.language, personal=False)
    return Parcel(kind_of(channel.kind).deliver, channels.open_fields(channel), message)


def _personal(delivery: Delivery) -> Parcel | None:
    """A mail to whoever it is for, at the address that they have now."""
    person = delivery.person_id or ""
    address = guards.mail_addresses([person]).get(person)
    if address is None:
        return None
    choice = preferences.of([person]).get(person, preferences.Choice())
    message = _message(delivery, choice.language, personal=True)
    return Parcel(mail.KIND.deliver, mail.MailFields(to=[address]), message)


def _message(delivery: Delivery, language: str, *, personal: bool) -> Message:
    topic = topic_of(delivery.kind)
    said = Text(delivery.text_zh, delivery.text_en) if personal or delivery.test else topic.title
    return Message(
        id=delivery.id,
        topic=topic,
        text=said,
        about=(delivery.about_kind, delivery.about_id),
        at=delivery.at,
        url=f"{settings().base_url}/go/{delivery.about_kind}/{delivery.about_id}",
        language=language or DEFAULT_LANGUAGE,
        test=delivery.test,
    )


def _dropped(row: Due) -> None:
    """The channel is off or gone, or the person has no address any more."""
    outbox.settle(session(), [row.id])
    delivery = session().get(Delivery, row.key)
    if delivery is not None and delivery.state == WAITING:
        delivery.state, delivery.finished_at, delivery.next_at = DROPPED, clock.now(), None


def _delivered(row: Due) -> None:
    now = clock.now()
    delivery = session().get(Delivery, row.key)
    outbox.settle(session(), [row.id])
    if delivery is None:
        return
    delivery.state, delivery.attempts, delivery.last_error = DELIVERED, delivery.attempts + 1, None
    delivery.finished_at, delivery.next_at = now, None
    channel = _channel_of(delivery)
    if channel is not None:
        channel.delivered_at, channel.failing_since, channel.last_error, channel.told_at = now, None, None, None


def _failed(row: Due, failure: DeliveryFailed) -> float | None:
    now = clock.now()
    delivery = session().get(Delivery, row.key)
    if delivery is None:
        outbox.settle(session(), [row.id])
        return None
    delivery.attempts += 1
    delivery.last_error = failure.code
    channel = _channel_of(delivery)
    if channel is not None:
        channel.failing_since, channel.last_error = channel.failing_since or now, failure.code
    pause = pause_after(delivery.attempts - 1, failure.retry_after)
    until = now + timedelta(seconds=pause)
    if failure.final or delivery.test or until - delivery.at > GIVE_UP_AFTER:
        delivery.state, delivery.finished_at, delivery.next_at = DEAD, now, None
        outbox.settle(session(), [row.id])
        _tell(delivery, channel)
        return None
    delivery.next_at = until
    outbox.postpone(session(), [row.id], until)
    return pause


def _channel_of(delivery: Delivery) -> Channel | None:
    return session().get(Channel, delivery.channel_id, with_for_update=True) if delivery.channel_id else None


def _tell(delivery: Delivery, channel: Channel | None) -> None:
    """Whoever set the channel up hears once that it loses messages, in the console alone: not by what fails."""
    if channel is None or channel.told_at is not None or delivery.test:
        return
    channel.told_at = clock.now()
    text = Text("一个通知通道持续失败，消息未能送达。", "A notification channel keeps failing; a message was lost.")
    in_app.carry(Notice([channel.created_by], FAILED, text, ("channel", channel.id)))
