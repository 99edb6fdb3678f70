"""The statements that carry heartbeats into the hot table, written for each database: this is the busiest path of all.

SQLite: one prepared UPDATE, run for each row inside the driver. PostgreSQL: one UPDATE over arrays. The look-up before
locks the rows in key order, so two writers never wait for each other in a circle.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from sqlalchemy.engine import Connection

from core.db import session
from mqtt.contract.heartbeat import Heartbeat

# Columns with their PostgreSQL types, in the order in which they are bound; the key comes last.
FRESH = (
    ("last_seen_at", "timestamptz"),
    ("heartbeat_at", "timestamptz"),
    ("battery", "double precision"),
    ("charging", "boolean"),
    ("network", "text"),
    ("storage_free", "bigint"),
    ("uptime_s", "bigint"),
    ("queue_records", "bigint"),
    ("queue_oldest", "timestamptz"),
    ("generation", "bigint"),
    ("bundle", "text"),
    ("posture", "text"),
    ("signals", "text"),
    ("sampled_at", "timestamptz"),
)
# Apart from the others: `online` stands in an index, and hardly ever changes.
ONLINE = (("online", "boolean"), ("since", "timestamptz"))
SEEN = (("last_seen_at", "timestamptz"),)
POSITION = (("location", "bytea"), ("location_at", "timestamptz"))
_KEY = ("device_id", "text")
_COMPARED = "device_id, online, last_seen_at, heartbeat_at, signals, sampled_at"
_READ = f"SELECT {_COMPARED} FROM presence WHERE living"  # noqa: S608
_READ_POSTGRESQL = f"{_READ} AND device_id = ANY(%s::text[]) ORDER BY device_id FOR UPDATE"
_READ_SQLITE = f"{_READ} AND device_id IN (SELECT value FROM json_each(?))"  # noqa: S608


class Stored(NamedTuple):
    """What a heartbeat is compared with."""

    device_id: str
    online: bool
    last_seen_at: datetime | None
    heartbeat_at: datetime | None
    signals: str
    sampled_at: datetime | None


def read(device_ids: Collection[str]) -> dict[str, Stored]:
    """The rows of phones that are in the fleet, locked in key order until the unit of work ends."""
    connection = _connection()
    if connection.dialect.name == "postgresql":
        rows = connection.exec_driver_sql(_READ_POSTGRESQL, (_array("text", list(device_ids)),))
        return {row[0]: Stored(*row) for row in rows}
    rows = connection.exec_driver_sql(_READ_SQLITE, (json.dumps(list(device_ids)),))
    return {
        key: Stored(key, bool(online), _aware(seen), _aware(at), signals, _aware(sampled))
        for key, online, seen, at, signals, sampled in rows
    }


def fresh_row(
    device_id: str, seen_at: datetime, at: datetime, heartbeat: Heartbeat, signals: str, sampled_at: datetime | None
) -> tuple[Any, ...]:
    """A newer heartbeat as a row for `write_fresh`."""
    return (
        seen_at,
        at,
        heartbeat.battery,
        heartbeat.charging,
        heartbeat.network,
        heartbeat.storage_free,
        heartbeat.uptime_s,
        heartbeat.queue.records,
        heartbeat.queue.oldest,
        heartbeat.generation,
        heartbeat.bundle,
        heartbeat.posture.model_dump_json(),
        signals,
        sampled_at,
        device_id,
    )


def write_fresh(rows: Sequence[tuple[Any, ...]]) -> None:
    """Write newer heartbeats."""
    _write(FRESH, rows)


def write_online(since: Mapping[str, datetime]) -> None:
    """Write phones that are online again, with the time of that."""
    _write(ONLINE, [(True, at, device_id) for device_id, at in sorted(since.items())])


def write_seen(seen: Mapping[str, datetime]) -> None:
    """Write when phones were heard of last, where nothing else is new."""
    _write(SEEN, [(at, device_id) for device_id, at in sorted(seen.items())])


def write_positions(positions: Mapping[str, tuple[bytes, datetime]]) -> None:
    """Write sealed positions with their times."""
    _write(POSITION, [(sealed, at, device_id) for device_id, (sealed, at) in sorted(positions.items())])


def _write(columns: Sequence[tuple[str, str]], rows: Sequence[tuple[Any, ...]]) -> None:
    if not rows:
        return
    connection = _connection()
    if connection.dialect.name == "postgresql":
        kinds = [kind for _, kind in (*columns, _KEY)]
        arrays = tuple(_array(kind, values) for kind, values in zip(kinds, zip(*rows, strict=True), strict=True))
        connection.exec_driver_sql(_postgresql(columns), arrays)
    else:
        connection.exec_driver_sql(_sqlite(columns), [_plain(row) for row in rows])


def _connection() -> Connection:
    current = session()
    current.flush()
    return current.connection()


def _sqlite(columns: Sequence[tuple[str, str]]) -> str:
    changes = ", ".join(f"{name} = ?" for name, _ in columns)
    return f"UPDATE presence SET {changes} WHERE device_id = ?"  # noqa: S608


def _plain(row: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple([_naive(value) if type(value) is datetime else value for value in row])


def _naive(moment: datetime) -> str:
    """A time as the column type of `core.db` stores it: UTC without a zone."""
    utc = moment if moment.tzinfo is UTC else moment.astimezone(UTC)
    return utc.isoformat(" ", "microseconds")[:26]


def _aware(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text).replace(tzinfo=UTC) if text else None


def _postgresql(columns: Sequence[tuple[str, str]]) -> str:
    changes = ", ".join(f"{name} = {_cast(name)}" for name, _ in columns)
    arrays = ", ".join(f"%s::{kind}[]" for _, kind in (*columns, _KEY))
    names = ", ".join(name for name, _ in (*columns, _KEY))
    return (
        f"UPDATE presence SET {changes} FROM unnest({arrays}) AS news({names}) "  # noqa: S608
        "WHERE presence.device_id = news.device_id"
    )


def _array(kind: str, values: Sequence[Any]) -> str:
    """An array literal: the driver's own conversion of lists takes longer than all the rest of an update."""
    show = _SHOWN.get(kind, str)
    return "{" + ",".join(["NULL" if value is None else show(value) for value in values]) + "}"


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


_SHOWN: dict[str, Callable[[Any], str]] = {
    "text": _quoted,
    "timestamptz": lambda moment: f'"{moment.isoformat(" ")}"',
    "bytea": lambda sealed: _quoted(f"\\x{sealed.hex()}"),
}


def _cast(name: str) -> str:
    return "news.posture::jsonb" if name == "posture" else f"news.{name}"
