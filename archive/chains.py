"""Chains in the database: locked, loaded and saved for many phones at once."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime

from sqlalchemy import BigInteger, Connection, LargeBinary, String, Table, bindparam, column, select, text, update

from archive.models import Chain, Seam
from archive.state import ChainState, SeamState
from core import clock
from core.db import session, upsert
from mqtt.contract import chain as hashes

_CHAINS: Table = Chain.__table__
_SEAMS: Table = Seam.__table__
_HELD_COLUMNS = (
    column("device_id", String),
    column("seq", BigInteger),
    column("leaf", LargeBinary),
    column("chain", LargeBinary),
)
# One statement for any number of ranges: the ranges travel as one JSON text and drive the join.
_HELD_POSTGRESQL = text(
    "SELECT r.device_id, r.seq, r.leaf, r.chain FROM json_to_recordset(CAST(:ranges AS json))"
    " AS w(d varchar(36), lo bigint, hi bigint)"
    " JOIN archive_records r ON r.device_id = w.d AND r.seq BETWEEN w.lo AND w.hi AND r.branch = 0"
).columns(*_HELD_COLUMNS)
_HELD_SQLITE = text(
    "SELECT r.device_id, r.seq, r.leaf, r.chain FROM json_each(:ranges) AS w"
    " CROSS JOIN archive_records r ON r.device_id = json_extract(w.value, '$.d')"
    " AND r.seq BETWEEN json_extract(w.value, '$.lo') AND json_extract(w.value, '$.hi') AND r.branch = 0"
).columns(*_HELD_COLUMNS)


def lock(device_ids: Collection[str]) -> dict[str, ChainState]:
    """The chains of these phones with their seams, locked until the unit of work ends, in key order."""
    states = _locked(device_ids)
    missing = sorted(set(device_ids) - set(states))
    if missing:
        now = clock.now()
        upsert(session(), _CHAINS, [_empty_row(device_id, now) for device_id in missing], ["device_id"], update=[])
        states |= _locked(missing)
    for device_id, seam in _seams(device_ids):
        states[device_id].seams.append(seam)
    return states


def _locked(device_ids: Collection[str]) -> dict[str, ChainState]:
    query = select(Chain.device_id, Chain.through, Chain.head, Chain.highest_seen)
    query = query.where(Chain.device_id.in_(device_ids)).order_by(Chain.device_id).with_for_update()
    return {row.device_id: ChainState(*row) for row in session().execute(query)}


def _empty_row(device_id: str, now: datetime) -> dict[str, object]:
    return {
        "device_id": device_id,
        "through": 0,
        "head": hashes.origin(device_id),
        "highest_seen": 0,
        "refused_first": None,
        "refused_reason": None,
        "updated_at": now,
        "closed_at": None,
        "verified_at": None,
    }


def _seams(device_ids: Collection[str]) -> Iterable[tuple[str, SeamState]]:
    columns = (
        Seam.id,
        Seam.seq,
        Seam.prev,
        Seam.missing_from,
        Seam.cause,
        Seam.ref,
        Seam.opened_at,
        Seam.proven_at,
        Seam.healed_at,
    )
    query = select(Seam.device_id, *columns).where(Seam.device_id.in_(device_ids))
    for row in session().execute(query.order_by(Seam.opened_at, Seam.id)):
        yield row.device_id, SeamState(*row[1:])


def load_held(states: Mapping[str, ChainState], ranges: Iterable[tuple[str, int, int]]) -> None:
    """Load leaf and h(seq) of stored records, for ranges of (device, first, last); at most one query."""
    wanted = []
    for device_id, first, last in ranges:
        stored = min(last, states[device_id].through)
        # What begins right after the head needs nothing but the head.
        if first <= stored:
            wanted.append({"d": device_id, "lo": first - 1, "hi": stored})
    if not wanted:
        return
    on_postgresql = session().get_bind().dialect.name == "postgresql"
    query = _HELD_POSTGRESQL if on_postgresql else _HELD_SQLITE
    for row in session().execute(query, {"ranges": json.dumps(wanted)}):
        states[row.device_id].held[row.seq] = (row.leaf, row.chain)


def save(states: Iterable[ChainState]) -> None:
    """Write heads and seams that changed."""
    changed = [state for state in states if state.changed]
    connection = session().connection()
    _save_heads(connection, changed)
    _save_refusals(connection, [state for state in changed if state.refused])
    _save_seams([(state.device_id, seam) for state in changed for seam in state.seams if seam.changed])


def _save_heads(connection: Connection, states: Sequence[ChainState]) -> None:
    if not states:
        return
    now = clock.now()
    query = update(_CHAINS).where(_CHAINS.c.device_id == bindparam("device"))
    query = query.values(
        through=bindparam("to"), head=bindparam("hash"), highest_seen=bindparam("highest"), updated_at=bindparam("now")
    )
    rows = [
        {"device": state.device_id, "to": state.through, "hash": state.head, "highest": state.highest, "now": now}
        for state in states
    ]
    connection.execute(query, rows)


def _save_refusals(connection: Connection, states: Sequence[ChainState]) -> None:
    rows = [
        {"device": state.device_id, "first": state.refused[0], "reason": state.refused[1]}
        for state in states
        if state.refused
    ]
    if rows:
        query = update(_CHAINS).where(_CHAINS.c.device_id == bindparam("device"))
        connection.execute(query.values(refused_first=bindparam("first"), refused_reason=bindparam("reason")), rows)


def _save_seams(seams: Sequence[tuple[str, SeamState]]) -> None:
    rows = [
        {
            "id": seam.id,
            "device_id": device_id,
            "seq": seam.seq,
            "prev": seam.prev,
            "missing_from": seam.missing_from,
            "cause": seam.cause,
            "ref": seam.ref,
            "opened_at": seam.opened_at,
            "proven_at": seam.proven_at,
            "healed_at": seam.healed_at,
        }
        for device_id, seam in seams
    ]
    changing = ["seq", "prev", "missing_from", "proven_at", "healed_at"]
    upsert(session(), _SEAMS, rows, ["id"], update=changing)


def watermarks(device_ids: Collection[str]) -> dict[str, tuple[int, bytes, tuple[int, str] | None]]:
    """`through`, head and the newest refusal (first, reason) of phones, for receipts; in one query, nothing locked."""
    columns = (Chain.device_id, Chain.through, Chain.head, Chain.refused_first, Chain.refused_reason)
    found: dict[str, tuple[int, bytes, tuple[int, str] | None]] = {
        device_id: (0, hashes.origin(device_id), None) for device_id in device_ids
    }
    for row in session().execute(select(*columns).where(Chain.device_id.in_(device_ids))):
        refused = (row.refused_first, row.refused_reason) if row.refused_first else None
        found[row.device_id] = (row.through, row.head, refused)
    return found


def note_closed(device_ids: Sequence[str]) -> None:
    """Note that phones left the fleet now, whether they ever sent records or not."""
    now = clock.now()
    rows = [{**_empty_row(device_id, now), "closed_at": now} for device_id in device_ids]
    upsert(session(), _CHAINS, rows, ["device_id"], update=["closed_at"])
