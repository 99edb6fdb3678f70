"""Heartbeats in batches: one look-up, one update in key order, and rows elsewhere only for what really changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, delete, select

from core import clock
from core.db import insert_rows, session
from core.runtime import runtime
from fleet import findings, guards, posture, presence, presence_store
from fleet.models import Device, HeartbeatSample, Presence
from mqtt.contract import codec
from mqtt.contract.codec import BadPayload
from mqtt.contract.heartbeat import Heartbeat
from mqtt.contract.limits import CLOCK_SKEW_S, HEARTBEAT_MAX
from mqtt.routes import Inbound, Refusal

AHEAD = timedelta(seconds=CLOCK_SKEW_S)


@dataclass(slots=True)
class _News:
    """What a batch brings for one phone: the newest heartbeat, if it is newer than what is stored."""

    stored: Row[Any]
    seen_at: datetime
    at: datetime | None
    heartbeat: Heartbeat | None = None
    signals: str = ""
    location: bytes | None = None
    location_at: datetime | None = None

    def hear(self, heartbeat: Heartbeat, received_at: datetime) -> None:
        """Take one heartbeat: it is seen in any case, and counts only when its `at` is newer than the last."""
        self.seen_at = max(self.seen_at, received_at)
        # A phone whose clock runs ahead would otherwise lock itself out until the real time catches up.
        at = received_at if heartbeat.at > received_at + AHEAD else heartbeat.at
        if self.at is None or at > self.at:
            self.at, self.heartbeat = at, heartbeat


@dataclass(slots=True)
class _Batch:
    news: dict[str, _News] = field(default_factory=dict)
    refusals: list[Refusal] = field(default_factory=list)

    @property
    def fresh(self) -> list[_News]:
        """Phones with a newer heartbeat, in key order."""
        return [one for _, one in sorted(self.news.items()) if one.heartbeat is not None]


def record(batch: Sequence[Inbound]) -> list[Refusal]:
    """Store a batch of `up/heartbeat` messages; those of unknown or closed phones change nothing."""
    read = _Batch()
    heartbeats = [(message, _read(message, read.refusals)) for message in batch]
    stored = _load({message.device_id for message, heartbeat in heartbeats if heartbeat})
    for message, heartbeat in heartbeats:
        row = stored.get(message.device_id)
        if row is None or heartbeat is None:
            continue
        news = read.news.get(message.device_id)
        if news is None:
            seen = max(row.last_seen_at or message.received_at, message.received_at)
            news = read.news[message.device_id] = _News(row, seen, row.heartbeat_at, signals=row.signals)
        news.hear(heartbeat, message.received_at)
    _keep(read)
    return read.refusals


def _read(message: Inbound, refusals: list[Refusal]) -> Heartbeat | None:
    try:
        return Heartbeat.read(message.payload, limit=HEARTBEAT_MAX)
    except BadPayload as error:
        refusals.append(Refusal(message, error.reason, error.detail))
        return None


def _load(device_ids: set[str]) -> Mapping[str, Row[Any]]:
    if not device_ids:
        return {}
    columns = (
        Presence.device_id,
        Presence.online,
        Presence.last_seen_at,
        Presence.heartbeat_at,
        Presence.signals,
        Presence.sampled_at,
    )
    query = select(*columns).join(Device, Device.id == Presence.device_id)
    query = query.where(Presence.device_id.in_(device_ids), Device.state.in_(presence.LIVING)).order_by(
        Presence.device_id
    )
    return {row.device_id: row for row in session().execute(query.with_for_update(of=Presence))}


def _keep(read: _Batch) -> None:
    fresh = read.fresh
    _place(fresh)
    sampled = _sample(fresh)
    changed = _changed_posture(fresh)
    presence_store.write_fresh([_row(one, one.stored.device_id in sampled) for one in fresh])
    seen = [one for one in read.news.values() if one.heartbeat is None and one.seen_at != one.stored.last_seen_at]
    presence_store.write_seen({one.stored.device_id: one.seen_at for one in seen})
    presence_store.write_positions(
        {one.stored.device_id: (one.location, one.location_at) for one in fresh if one.location and one.location_at}
    )
    back = {one.stored.device_id: one.seen_at for one in fresh if not one.stored.online}
    presence_store.write_online(back)
    presence.announce(dict.fromkeys(back, True))
    findings.observe([seen for one in changed for seen in posture.observations(one.stored.device_id, _posture(one))])


def _posture(one: _News) -> Any:
    return one.heartbeat.posture if one.heartbeat else None


def _place(fresh: Sequence[_News]) -> None:
    """Keep the positions that the phones' policies allow, sealed; the others are discarded here."""
    given = [(one, one.heartbeat.location) for one in fresh if one.heartbeat and one.heartbeat.location]
    allowed = guards.positions_to_keep([(one.stored.device_id, location.at) for one, location in given])
    for index in allowed:
        one, location = given[index]
        plain = codec.encode(location.wire())
        one.location = runtime().envelope.seal(plain, f"presence:{one.stored.device_id}")
        one.location_at = location.at


def _sample(fresh: Sequence[_News]) -> set[str]:
    """Keep one heartbeat in a while as history; returns the phones that were sampled."""
    span = timedelta(minutes=runtime().settings.heartbeat_history_minutes)
    due = [one for one in fresh if one.stored.sampled_at is None or one.seen_at >= one.stored.sampled_at + span]
    insert_rows(session(), HeartbeatSample.__table__, [_sample_row(one) for one in due])  # type: ignore[arg-type]
    return {one.stored.device_id for one in due}


def _changed_posture(fresh: Sequence[_News]) -> list[_News]:
    changed = []
    for one in fresh:
        now = posture.signals(_posture(one))
        if now != one.stored.signals:
            one.signals = now
            changed.append(one)
    return changed


def _sample_row(one: _News) -> dict[str, Any]:
    heartbeat = one.heartbeat
    if heartbeat is None:
        return {}
    return {
        "device_id": one.stored.device_id,
        "at": one.seen_at,
        "battery": heartbeat.battery,
        "charging": heartbeat.charging,
        "network": heartbeat.network,
        "storage_free": heartbeat.storage_free,
        "queue_records": heartbeat.queue.records,
        "generation": heartbeat.generation,
        "signals": posture.signals(heartbeat.posture),
    }


def _row(one: _News, sampled: bool) -> dict[str, Any]:
    heartbeat = one.heartbeat
    if heartbeat is None:
        return {}
    return {
        "device_id": one.stored.device_id,
        "last_seen_at": one.seen_at,
        "heartbeat_at": one.at,
        "battery": heartbeat.battery,
        "charging": heartbeat.charging,
        "network": heartbeat.network,
        "storage_free": heartbeat.storage_free,
        "uptime_s": heartbeat.uptime_s,
        "queue_records": heartbeat.queue.records,
        "queue_oldest": heartbeat.queue.oldest,
        "generation": heartbeat.generation,
        "bundle": heartbeat.bundle,
        "posture": heartbeat.posture.model_dump_json(),
        "signals": one.signals,
        "sampled_at": one.seen_at if sampled else one.stored.sampled_at,
    }


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
