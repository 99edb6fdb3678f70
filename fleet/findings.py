"""Findings: what about a phone is not as it should be. Opened when it is seen, closed when it is seen to be gone."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Insert, Select, bindparam, delete, select, update
from sqlalchemy.dialects import postgresql, sqlite

from core import clock, live
from core.bulk import texts
from core.db import affected, session
from fleet import timeline
from fleet.chunks import chunks
from fleet.events import FindingChange, findings_changed
from fleet.models import Device, Finding

HOLDER_INACTIVE = "holder_inactive"
OPEN_COLUMNS = (
    Finding.id,
    Finding.device_id,
    Finding.code,
    Finding.since,
    Finding.detail,
    Finding.seen_at,
    Finding.source,
    Finding.judged_at,
    Finding.excepted_until,
    Finding.counted_from,
)


@dataclass(frozen=True, slots=True)
class Observation:
    """Whether something is the matter with a phone right now; `detail` holds figures and names of rules only.

    `source` and `at`: kind and time of the message that shows it (None: the usual one of the code, and now).
    """

    device_id: str
    code: str
    present: bool
    detail: Mapping[str, Any] = field(default_factory=dict)
    source: str | None = None
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class OpenFinding:
    """A finding that is open; see the table for what its times mean."""

    id: int
    device_id: str
    code: str
    since: datetime
    detail: dict[str, Any]
    seen_at: datetime
    source: str | None
    judged_at: datetime
    excepted_until: datetime | None
    counted_from: datetime | None


def observe(observations: Sequence[Observation]) -> list[FindingChange]:
    """Open and close findings so that they tell what was observed; the last observation of a pair counts.

    Returns the real changes, which are also told to timeline, pages and `findings_changed`.
    """
    newest = {(seen.device_id, seen.code): seen for seen in observations}
    if not newest:
        return []
    opened = _open_rows(list(newest))
    to_open = [seen for key, seen in sorted(newest.items()) if seen.present and key not in opened]
    to_close = [key for key, seen in sorted(newest.items()) if not seen.present and key in opened]
    _refresh([(opened[key], seen) for key, seen in newest.items() if seen.present and key in opened])
    _insert(to_open)
    _close([opened[key].id for key in to_close])
    changes = [FindingChange(seen.device_id, seen.code, True) for seen in to_open]
    changes += [FindingChange(device_id, code, False) for device_id, code in to_close]
    _tell(changes, {(seen.device_id, seen.code): seen.detail for seen in to_open})
    return changes


def observe_known(observations: Sequence[Observation]) -> None:
    """The same for reports that name phones by what they claim: those that are not in the fleet are passed over."""
    ids = {seen.device_id for seen in observations}
    known = set(session().scalars(select(Device.id).where(Device.id.in_(ids), Device.state.in_(("active", "lost")))))
    observe([seen for seen in observations if seen.device_id in known])


def open_of(device_ids: Sequence[str]) -> dict[str, list[OpenFinding]]:
    """Open findings of many phones in one query, oldest first."""
    found: dict[str, list[OpenFinding]] = defaultdict(list)
    query = select(*OPEN_COLUMNS).where(
        Finding.device_id.in_(texts(session(), device_ids)), Finding.closed_at.is_(None)
    )
    for row in session().execute(query.order_by(Finding.since, Finding.id)):
        found[row.device_id].append(OpenFinding(*row))
    return found


def except_until(until: Mapping[int, datetime | None]) -> None:
    """Note until when findings (by id) are excepted; None: not any more, and they count from now."""
    rows = [{"row": row, "until": at, "from": None if at else clock.now()} for row, at in sorted(until.items())]
    if rows:
        table = Finding.__table__
        query = update(Finding).where(table.c.id == bindparam("row"))
        query = query.values(excepted_until=bindparam("until"), counted_from=bindparam("from"))
        session().connection().execute(query, rows)


def with_open(code: str) -> Select[tuple[str]]:
    """Ids of the phones that have the finding open, for `.in_()`."""
    return select(Finding.device_id).where(Finding.code == code, Finding.closed_at.is_(None))


def close_old(code: str, age: timedelta) -> None:
    """Close findings of a code that nothing has refreshed: for what is noted when it happens and never seen to end."""
    before = clock.now() - age
    query = select(Finding.device_id).where(Finding.code == code, Finding.closed_at.is_(None), Finding.seen_at < before)
    observe([Observation(device_id, code, False) for device_id in session().scalars(query)])


def forget_closed(keep: timedelta) -> int:
    """Drop findings that ended longer ago than that; the timelines keep that they were. Returns how many."""
    return affected(session(), delete(Finding).where(Finding.closed_at < clock.now() - keep))


def close_all(device_ids: Sequence[str]) -> None:
    """Close every finding of phones that left the fleet."""
    query = update(Finding).where(Finding.device_id.in_(device_ids), Finding.closed_at.is_(None))
    session().execute(query.values(closed_at=clock.now()), execution_options={"synchronize_session": False})


def _open_rows(keys: Sequence[tuple[str, str]]) -> dict[tuple[str, str], Any]:
    columns = (Finding.id, Finding.device_id, Finding.code, Finding.source)
    wanted, found = set(keys), {}
    for phones in chunks(sorted({device_id for device_id, _ in keys})):
        query = select(*columns).where(Finding.closed_at.is_(None), Finding.device_id.in_(phones))
        for row in session().execute(query):
            if (row.device_id, row.code) in wanted:
                found[(row.device_id, row.code)] = row
    return found


def _insert(observations: Sequence[Observation]) -> None:
    if not observations:
        return
    now = clock.now()
    rows = [
        {
            "device_id": seen.device_id,
            "code": seen.code,
            "since": now,
            "detail": dict(seen.detail),
            "seen_at": now,
            "source": seen.source,
            "judged_at": seen.at or now,
        }
        for seen in observations
    ]
    session().execute(_insert_once(), rows)


def _insert_once() -> Insert:
    # Another process may have opened the same finding a moment ago.
    if session().get_bind().dialect.name == "postgresql":
        return postgresql.insert(Finding).on_conflict_do_nothing()
    return sqlite.insert(Finding).on_conflict_do_nothing()


def _close(ids: Sequence[int]) -> None:
    for some in chunks(ids):
        query = update(Finding).where(Finding.id.in_(some)).values(closed_at=clock.now())
        session().execute(query, execution_options={"synchronize_session": False})


def _refresh(pairs: Sequence[tuple[Any, Observation]]) -> None:
    now = clock.now()
    rows = [
        {
            "row": row.id,
            "now": dict(seen.detail),
            "seen": now,
            "by": seen.source or row.source,
            "judged": seen.at or now,
        }
        for row, seen in sorted(pairs, key=lambda pair: pair[0].id)
    ]
    if rows:
        table = Finding.__table__
        query = update(Finding).where(table.c.id == bindparam("row"))
        query = query.values(
            detail=bindparam("now"), seen_at=bindparam("seen"), source=bindparam("by"), judged_at=bindparam("judged")
        )
        session().connection().execute(query, rows)


def _tell(changes: list[FindingChange], details: Mapping[tuple[str, str], Mapping[str, Any]]) -> None:
    if not changes:
        return
    lines = [
        timeline.Line(
            change.device_id,
            "finding",
            f"{change.code}.{'opened' if change.open else 'closed'}",
            detail=details.get((change.device_id, change.code), {}),
        )
        for change in changes
    ]
    timeline.add(lines)
    live.announce("devices", sorted({change.device_id for change in changes}))
    findings_changed.send(None, changes=changes)
