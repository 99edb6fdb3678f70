"""Events by id: the fast copy and the durable record of one event meet here, whichever comes first."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Table, select, tuple_

from archive.models import StoredEvent
from archive.signals import SeenEvent, events_seen
from core import clock, live
from core.db import session, upsert
from core.runtime import runtime
from fleet import timeline
from mqtt.contract.event import EventBody

LIVE_TOPIC = "events"
KEYS_AT_ONCE = 4000  # databases bound the parameters of one statement
_EVENTS: Table = StoredEvent.__table__
_Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Sighting:
    """An event as it came: told by `up/event`, or as the record `record_seq`."""

    device_id: str
    event: EventBody
    received_at: datetime
    record_seq: int | None = None

    @property
    def key(self) -> _Key:
        """What joins the two copies."""
        return self.device_id, self.event.id


def place(device_id: str, event_id: str) -> str:
    """Where an event's body is sealed for."""
    return f"event:{device_id}:{event_id}"


def note(sightings: Sequence[Sighting]) -> None:
    """Store events that are new, join the others; new ones go to the phone's timeline, open pages and higher rooms."""
    if not sightings:
        return
    known = _known({sighting.key for sighting in sightings})
    told = _first(sighting for sighting in sightings if sighting.record_seq is None)
    kept = _first(sighting for sighting in sightings if sighting.record_seq is not None)
    # An event that was joined before stays as it is: a repetition changes nothing.
    fresh_told = [one for key, one in told.items() if key not in known or not known[key][0]]
    fresh_kept = [one for key, one in kept.items() if key not in known or known[key][1] is None]
    upsert(session(), _EVENTS, [_row(one) for one in fresh_told], ["device_id", "event_id"], update=["told_at"])
    upsert(session(), _EVENTS, [_row(one) for one in fresh_kept], ["device_id", "event_id"], update=["record_seq"])
    _tell(list(_first(one for one in sightings if one.key not in known).values()))


def _known(keys: set[_Key]) -> dict[_Key, tuple[bool, int | None]]:
    columns = (StoredEvent.device_id, StoredEvent.event_id, StoredEvent.told_at, StoredEvent.record_seq)
    found: dict[_Key, tuple[bool, int | None]] = {}
    ordered = sorted(keys)
    for start in range(0, len(ordered), KEYS_AT_ONCE):
        part = ordered[start : start + KEYS_AT_ONCE]
        query = select(*columns).where(tuple_(StoredEvent.device_id, StoredEvent.event_id).in_(part))
        for row in session().execute(query):
            found[row.device_id, row.event_id] = (row.told_at is not None, row.record_seq)
    return found


def _first(sightings: Iterable[Sighting]) -> dict[_Key, Sighting]:
    found: dict[_Key, Sighting] = {}
    for sighting in sightings:
        found.setdefault(sighting.key, sighting)
    return found


def _row(one: Sighting) -> dict[str, Any]:
    event = one.event
    body = event.model_dump_json(include=set(EventBody.model_fields)).encode()
    return {
        "device_id": one.device_id,
        "event_id": event.id,
        "seen_at": one.received_at,
        "told_at": one.received_at if one.record_seq is None else None,
        "record_seq": one.record_seq,
        "at": event.at,
        "type": event.type.value,
        "severity": event.severity.value,
        "rule": event.rule,
        "blocked": event.blocked,
        "sealed": runtime().envelope.seal(body, place(one.device_id, event.id)),
    }


def _tell(fresh: Sequence[Sighting]) -> None:
    if not fresh:
        return
    timeline.add([_line(one) for one in fresh])
    live.announce(LIVE_TOPIC, [f"{one.device_id}/{one.event.id}" for one in fresh])
    seen = [SeenEvent(one.device_id, one.event, one.received_at, one.record_seq is None) for one in fresh]
    events_seen.send(None, events=seen)


def _line(one: Sighting) -> timeline.Line:
    event = one.event
    detail = {
        "severity": event.severity.value,
        "rule": event.rule,
        "blocked": event.blocked,
        "at": clock.to_wire(event.at),
    }
    return timeline.Line(one.device_id, "event", event.type.value, ref=event.id, detail=detail, at=one.received_at)
