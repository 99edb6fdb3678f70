"""The state of each phone: its row, and the look-ups that other rooms are given."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import RowMapping, Select, delete, select, update

from compliance import registry
from compliance.models import ComplianceState as Row
from core import clock
from core.bulk import texts
from core.db import affected, session, upsert

COMPLIANT, NONCOMPLIANT, UNKNOWN = "compliant", "noncompliant", "unknown"
STATES = (COMPLIANT, NONCOMPLIANT, UNKNOWN)


class Guard:
    """What the fleet asks of this room."""

    def steps(self, device_ids: Sequence[str]) -> Mapping[str, str]:
        """What the ladder last did about phones, in one query; one never judged is missing."""
        query = select(Row.device_id, Row.step).where(Row.device_id.in_(device_ids))
        return {row.device_id: row.step for row in session().execute(query)}

    def severity(self, code: str) -> str:
        """How bad a finding of that code is."""
        return str(registry.check_of(code).severity)

    def hints(self) -> Collection[str]:
        """Codes of findings that do not put a phone out of order."""
        return registry.hints()


def lock(device_ids: Collection[str]) -> dict[str, RowMapping]:
    """The rows of phones, locked in key order; those that somebody else holds are left out."""
    table = Row.__table__
    query = select(table).where(table.c.device_id.in_(texts(session(), device_ids))).order_by(table.c.device_id)
    rows = session().execute(query.with_for_update(skip_locked=True)).mappings()
    return {row["device_id"]: row for row in rows}


def known(device_ids: Collection[str]) -> set[str]:
    """Those of the phones that have a row."""
    return set(session().scalars(select(Row.device_id).where(Row.device_id.in_(texts(session(), device_ids)))))


def write(rows: Sequence[Mapping[str, Any]]) -> None:
    """Write whole rows, new ones too."""
    upsert(session(), Row.__table__, rows, ["device_id"])


def due(limit: int) -> list[str]:
    """Ids of the phones that are to be judged again by now, the longest due first."""
    query = select(Row.device_id).where(Row.due_at <= clock.now()).order_by(Row.due_at).limit(limit)
    return list(session().scalars(query))


def mark_due(device_ids: Collection[str] | Select[tuple[str]]) -> int:
    """Have phones judged again soon, by the job: for changes that touch more of them than a moment allows."""
    which = device_ids if isinstance(device_ids, Select) else texts(session(), device_ids)
    return _mark(select(Row.device_id).where(Row.device_id.in_(which)))


def mark_all_due() -> int:
    """Have every phone judged again soon."""
    return _mark(select(Row.device_id))


def _mark(query: Select[tuple[str]]) -> int:
    now = clock.now()
    # In key order, as everybody locks these rows.
    later = query.where(Row.due_at > now).order_by(Row.device_id).with_for_update()
    change = update(Row).where(Row.device_id.in_(later)).values(due_at=now)
    return affected(session(), change.execution_options(synchronize_session=False))


def forget(device_ids: Collection[str]) -> None:
    """Drop the rows of phones that left the fleet."""
    gone = delete(Row).where(Row.device_id.in_(texts(session(), device_ids)))
    session().execute(gone, execution_options={"synchronize_session": False})
