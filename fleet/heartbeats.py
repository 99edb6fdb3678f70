"""Heartbeats in batches: one look-up, one update in key order, and rows elsewhere only for what really changed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from pydantic import ValidationError
from sqlalchemy import delete, select

from core import clock
from core.db import insert_rows, session
from core.runtime import runtime
from fleet import guards, posture, presence, presence_store
from fleet.events import posture_changed
from fleet.models import HeartbeatSample
from fleet.presence_store import Stored
from mqtt.contract import codec
from mqtt.contract.codec import BadPayload
from mqtt.contract.heartbeat import Heartbeat, Location
from mqtt.contract.limits import CLOCK_SKEW_S, HEARTBEAT_MAX
from mqtt.routes import Inbound, Refusal

AHEAD = timedelta(seconds=CLOCK_SKEW_S)


@dataclass(slots=True)
class _News:
    """What a batch brings for one phone: the newest heartbeat, if it is newer than what is stored."""

    stored: Stored
    seen_at: datetime
    at: datetime | None
    heartbeat: Heartbeat | None = None

    def hear(self, heartbeat: Heartbeat, received_at: datetime) -> None:
        """Take one heartbeat: it is seen in any case, and counts only when its `at` is newer than the last."""
        if received_at > self.seen_at:
            self.seen_at = received_at
        # A phone whose clock runs ahead would otherwise lock itself out until the real time catches up.
        at = received_at if heartbeat.at > received_at + AHEAD else heartbeat.at
        if self.at is None or at > self.at:
            self.at, self.heartbeat = at, heartbeat


@dataclass(frozen=True, slots=True)
class _Fresh:
    """A newer heartbeat of one phone, with all that is worked out from it."""

    stored: Stored
    seen_at: datetime
    at: datetime
    heartbeat: Heartbeat
    signals: str


def record(batch: Sequence[Inbound]) -> list[Refusal]:
    """Store a batch of `up/heartbeat` messages; those of unknown or closed phones change nothing."""
    refusals: list[Refusal] = []
    read = [(message, _read(message, refusals)) for message in batch]
    stored = presence_store.read({message.device_id for message, heartbeat in read if heartbeat})
    news: dict[str, _News] = {}
    for message, heartbeat in read:
        row = stored.get(message.device_id)
        if row is None or heartbeat is None:
            continue
        one = news.get(message.device_id)
        if one is None:
            one = news[message.device_id] = _News(row, row.last_seen_at or message.received_at, row.heartbeat_at)
        one.hear(heartbeat, message.received_at)
    _keep([news[device_id] for device_id in sorted(news)])
    return refusals


def history(device_id: str, limit: int = 500) -> list[dict[str, Any]]:
    """The sampled heartbeats of a phone, newest first; the caller has checked that the phone is in scope."""
    query = select(HeartbeatSample).where(HeartbeatSample.device_id == device_id)
    rows = session().scalars(query.order_by(HeartbeatSample.at.desc()).limit(limit))
    return [
        {
            "at": clock.to_wire(row.at),
            "battery": row.battery,
            "charging": row.charging,
            "network": row.network,
            "storage_free": row.storage_free,
            "queue_records": row.queue_records,
            "generation": row.generation,
        }
        for row in rows
    ]


def forget_old(keep: timedelta) -> None:
    """Drop history older than that."""
    session().execute(delete(HeartbeatSample).where(HeartbeatSample.at < clock.now() - keep))


def _read(message: Inbound, refusals: list[Refusal]) -> Heartbeat | None:
    """The heartbeat, by the quick reader first; only what that refuses is read again, for the exact reason.

    The quick one takes the last of two members of a name, which does no harm in a hint.
    """
    payload = message.payload
    if len(payload) <= HEARTBEAT_MAX:
        try:
            return Heartbeat.model_validate_json(payload)
        except ValidationError:
            pass
    try:
        return Heartbeat.read(payload, limit=HEARTBEAT_MAX)
    except BadPayload as error:
        refusals.append(Refusal(message, error.reason, error.detail))
        return None


def _keep(news: Sequence[_News]) -> None:
    """Write what a batch brought, phones in key order."""
    fresh = [
        _Fresh(one.stored, one.seen_at, one.at, one.heartbeat, posture.signals(one.heartbeat.posture))
        for one in news
        if one.heartbeat is not None and one.at is not None
    ]
    sampled = _sample(fresh)
    rows = [
        presence_store.fresh_row(
            one.stored.device_id,
            one.seen_at,
            one.at,
            one.heartbeat,
            one.signals,
            one.seen_at if one.stored.device_id in sampled else one.stored.sampled_at,
        )
        for one in fresh
    ]
    presence_store.write_fresh(rows)
    presence_store.write_seen(
        {
            one.stored.device_id: one.seen_at
            for one in news
            if not one.heartbeat and one.seen_at != one.stored.last_seen_at
        }
    )
    _place(fresh)
    back = {one.stored.device_id: one.seen_at for one in fresh if not one.stored.online}
    presence_store.write_online(back)
    presence.announce(dict.fromkeys(back, True))
    changed = [one for one in fresh if one.signals != one.stored.signals]
    if changed:
        posture_changed.send(None, device_ids=[one.stored.device_id for one in changed])


def _place(fresh: Sequence[_Fresh]) -> None:
    """Keep the positions that the phones' policies allow, sealed; the others are discarded here."""
    given = [(one.stored.device_id, one.heartbeat.location) for one in fresh if one.heartbeat.location]
    real = [(device_id, location) for device_id, location in given if math.isfinite(location.accuracy_m)]
    allowed = guards.positions_to_keep([(device_id, location.at) for device_id, location in real])
    kept = [real[index] for index in sorted(allowed)]
    presence_store.write_positions(
        {device_id: (_sealed(device_id, location), location.at) for device_id, location in kept}
    )


def _sealed(device_id: str, location: Location) -> bytes:
    return runtime().envelope.seal(codec.encode(location.wire()), f"presence:{device_id}")


def _sample(fresh: Sequence[_Fresh]) -> set[str]:
    """Keep one heartbeat in a while as history; returns the phones that were sampled."""
    span = timedelta(minutes=runtime().settings.heartbeat_history_minutes)
    due = [one for one in fresh if one.stored.sampled_at is None or one.seen_at >= one.stored.sampled_at + span]
    insert_rows(session(), HeartbeatSample.__table__, [_sample_row(one) for one in due])
    return {one.stored.device_id for one in due}


def _sample_row(one: _Fresh) -> dict[str, Any]:
    heartbeat = one.heartbeat
    return {
        "device_id": one.stored.device_id,
        "at": one.seen_at,
        "battery": heartbeat.battery,
        "charging": heartbeat.charging,
        "network": heartbeat.network,
        "storage_free": heartbeat.storage_free,
        "queue_records": heartbeat.queue.records,
        "generation": heartbeat.generation,
        "signals": one.signals,
    }
