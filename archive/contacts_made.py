"""Contacts that a phone made, counted from its archived records as the phone counts them itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select

from archive import ledger, texts
from archive.models import MAIN, StoredRecord
from core import audit
from core.actor import Actor
from core.db import session
from mqtt.contract.records import PointPeer, Record
from policies.engine import Counter, counts_of_call

MOST = 5000
"""Records that are opened for one question, the newest first."""
SILENT_KINDS = frozenset({"event", "system", "recall"})
"""Kinds of records in which nobody says anything to anybody."""


@dataclass(frozen=True, slots=True)
class Contacts:
    """Figures by the names of counters, and when each key was last tried."""

    counters: dict[str, int]
    last: dict[str, datetime]


def count(
    actor: Actor,
    device_id: str,
    contact: str | None,
    counters: Sequence[Counter],
    at: datetime,
    talk_seconds: int | None,
) -> Contacts:
    """Count what a phone did before a moment to one contact (its point or address); the reading is audited.

    Only what the records of this phone tell: keys that they do not carry (team, relation) stay unknown.
    """
    since = min((one.since(at) for one in counters), default=at)
    made = [one for one in _records(device_id, min(since, at - timedelta(days=1)), at) if not one.blocked]
    audit.record(actor, "records.read", ("device", device_id), {"records": len(made), "for": "explain"})
    figures: dict[str, int] = {}
    for counter in counters:
        if not is_told(counter, contact):
            continue
        began, everybody = counter.since(at), counter.key == "employee"
        mine = [one for one in made if one.at >= began and (everybody or who(one) == contact)]
        figures[counter.name] = sum(counter.count in counts_of(one, talk_seconds) for one in mine)
    calls = [one.at for one in made if one.channel == "call" and contact is not None and who(one) == contact]
    return Contacts(figures, {"contact_point": max(calls), "customer": max(calls)} if calls else {})


def _records(device_id: str, since: datetime, at: datetime) -> list[Record]:
    row = StoredRecord
    query = select(row.branch, row.seq, row.sealed).where(
        row.device_id == device_id,
        row.branch == MAIN,
        row.direction == "out",
        row.at >= since,
        row.at < at,
        row.sealed.is_not(None),
        row.kind.not_in(SILENT_KINDS),
    )
    opened = []
    for branch, seq, sealed in session().execute(query.order_by(row.seq.desc()).limit(MOST)):
        record, _ = texts.read(seq, ledger.opened(device_id, branch, seq, sealed))
        opened += [record] if record else []
    return opened


def who(record: Record) -> str | None:
    """The other side: its contact point or address."""
    return record.peer.point if isinstance(record.peer, PointPeer) else record.peer.address


def is_told(counter: Counter, contact: str | None) -> bool:
    """Whether records tell what a counter counts: of the holder always, of a contact when it is known."""
    return counter.key == "employee" or (contact is not None and counter.key in ("contact_point", "customer"))


def counts_of(record: Record, talk_seconds: int | None) -> list[str]:
    """What an outgoing record counts as."""
    if record.channel != "call":
        return ["message"]
    return list(counts_of_call(record.outcome, record.duration_s, talk_seconds))
