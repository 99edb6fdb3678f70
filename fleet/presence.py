"""Presence: whether a phone is there, and since when. A hint: whoever owns the broker can fake it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import and_, bindparam, or_, select, update

from core import clock, live
from core.bulk import texts
from core.db import session, upsert
from fleet.events import PresenceChange, presence_changed
from fleet.models import Presence
from mqtt.contract.codec import BadPayload
from mqtt.contract.limits import HEARTBEAT_DEFAULT_S, MISSED_HEARTBEATS
from mqtt.contract.presence import Presence as Said
from mqtt.routes import Inbound, Refusal

LIVING = ("active", "lost")
KICK_EFFECT = "kick"
OVERDUE_CHUNK = 5000


@dataclass(slots=True)
class _Here:
    """One phone's presence while a batch is folded into it."""

    online: bool
    connection: str | None
    since: datetime | None
    last_seen_at: datetime | None
    was_online: bool
    touched: bool = False

    def hear(self, said: Said, at: datetime) -> None:
        """Take one message: offline counts for its own connection only."""
        if said.online:
            self._turn(True, at)
            self.connection = said.connection
        elif said.connection == self.connection:
            self._turn(False, at)
        self.last_seen_at = max(at, self.last_seen_at or at)
        self.touched = True

    def _turn(self, online: bool, at: datetime) -> None:
        if self.online is not online:
            self.online, self.since = online, at


def record(batch: Sequence[Inbound]) -> list[Refusal]:
    """Store a batch of `up/presence` messages, in order for each phone; only real changes are told."""
    refusals: list[Refusal] = []
    said: list[tuple[Inbound, Said]] = []
    for message in batch:
        try:
            said.append((message, Said.read(message.payload)))
        except BadPayload as error:
            refusals.append(Refusal(message, error.reason, error.detail))
    here = _load({message.device_id for message, _ in said})
    for message, word in said:
        if message.device_id in here:
            here[message.device_id].hear(word, message.received_at)
    _store(here)
    announce({key: one.online for key, one in here.items() if one.online is not one.was_online})
    return refusals


def hold(device_ids: Collection[str]) -> None:
    """Lock the rows of phones in key order until the unit of work ends, before anything else about them is changed."""
    rows = select(Presence.device_id).where(Presence.device_id.in_(texts(session(), device_ids)))
    session().execute(rows.order_by(Presence.device_id).with_for_update())


def start(device_id: str) -> None:
    """Make the row of a phone that enrolls: heartbeats only ever update."""
    row = {"device_id": device_id, "living": True, "online": False, "expected_s": HEARTBEAT_DEFAULT_S, "signals": ""}
    upsert(session(), Presence.__table__, [row], ["device_id"], update=[])


def expect(seconds_by_device: Mapping[str, int]) -> None:
    """Say how often phones now send heartbeats (policy), in seconds; three missed ones make them offline."""
    phones: dict[int, list[str]] = defaultdict(list)
    for device_id, seconds in seconds_by_device.items():
        phones[seconds].append(device_id)
    for seconds, device_ids in phones.items():
        named = Presence.device_id.in_(texts(session(), device_ids))
        other = select(Presence.device_id).where(named, Presence.expected_s != seconds).order_by(Presence.device_id)
        query = update(Presence).where(Presence.device_id.in_(other.with_for_update())).values(expected_s=seconds)
        session().execute(query, execution_options={"synchronize_session": False})


def online(device_ids: Collection[str]) -> set[str]:
    """Those of the phones that are there, as far as is known."""
    here = select(Presence.device_id).where(Presence.device_id.in_(texts(session(), device_ids)), Presence.online)
    return set(session().scalars(here))


def living() -> list[str]:
    """Every phone that is in the fleet."""
    return list(session().scalars(select(Presence.device_id).where(Presence.living).order_by(Presence.device_id)))


def mark_offline(device_ids: Sequence[str]) -> list[str]:
    """The server's own word, after a kick or missed heartbeats; returns the phones that were online."""
    online = select(Presence.device_id).where(Presence.device_id.in_(device_ids), Presence.online)
    ids = list(session().scalars(online.order_by(Presence.device_id).with_for_update()))
    if ids:
        off = (
            update(Presence).where(Presence.device_id.in_(ids)).values(online=False, connection=None, since=clock.now())
        )
        session().execute(off, execution_options={"synchronize_session": False})
        announce(dict.fromkeys(ids, False))
    return ids


def cut_off(device_ids: Sequence[str]) -> None:
    """Phones left the fleet: offline, heard of no more, and their last position is forgotten."""
    mark_offline(device_ids)
    forget = update(Presence).where(Presence.device_id.in_(device_ids))
    forget = forget.values(living=False, location=None, location_at=None)
    session().execute(forget, execution_options={"synchronize_session": False})


def announce(online_by_device: Mapping[str, bool]) -> None:
    """Tell pages and higher rooms of real changes."""
    if not online_by_device:
        return
    now = clock.now()
    live.announce("devices", sorted(online_by_device))
    changes = [PresenceChange(device_id, online, now) for device_id, online in sorted(online_by_device.items())]
    presence_changed.send(None, changes=changes)


def mark_overdue() -> int:
    """Mark phones offline whose heartbeats stayed away three times; returns how many."""
    spans = list(session().scalars(select(Presence.expected_s).where(Presence.online).distinct()))
    if not spans:
        return 0
    now = clock.now()
    silent = or_(
        *(
            and_(
                Presence.expected_s == seconds,
                or_(
                    Presence.last_seen_at < now - timedelta(seconds=seconds * MISSED_HEARTBEATS),
                    Presence.last_seen_at.is_(None),
                ),
            )
            for seconds in spans
        )
    )
    # Rows that ingest holds at this moment are being heard of: skipping them also keeps two writers from a deadlock.
    query = select(Presence.device_id).where(Presence.online, silent).order_by(Presence.device_id).limit(OVERDUE_CHUNK)
    marked = 0
    while ids := list(session().scalars(query.with_for_update(skip_locked=True))):
        marked += len(mark_offline(ids))
    return marked


def _load(device_ids: set[str]) -> dict[str, _Here]:
    columns = (Presence.device_id, Presence.online, Presence.connection, Presence.since, Presence.last_seen_at)
    query = select(*columns).where(Presence.device_id.in_(device_ids), Presence.living).order_by(Presence.device_id)
    rows = session().execute(query.with_for_update())
    return {row.device_id: _Here(row.online, row.connection, row.since, row.last_seen_at, row.online) for row in rows}


def _store(here: Mapping[str, _Here]) -> None:
    rows = [
        {
            "phone": device_id,
            "now_online": one.online,
            "now_connection": one.connection,
            "now_since": one.since,
            "now_seen": one.last_seen_at,
        }
        for device_id, one in sorted(here.items())
        if one.touched
    ]
    if not rows:
        return
    query = update(Presence.__table__).where(Presence.device_id == bindparam("phone"))
    values: dict[str, Any] = {
        "online": bindparam("now_online"),
        "connection": bindparam("now_connection"),
        "since": bindparam("now_since"),
        "last_seen_at": bindparam("now_seen"),
    }
    session().connection().execute(query.values(values), rows)
