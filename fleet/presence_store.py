"""The statements that carry heartbeats into the hot table, written for each database: this is the busiest path of all.

SQLite: one prepared UPDATE, run for each row inside the driver. PostgreSQL: one UPDATE over arrays. The rows were
locked in key order by the look-up before, so two writers never wait for each other in a circle.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from core.db import session

# Columns with their PostgreSQL types, in the order in which they are bound; the key comes last.
COLUMNS = (
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
KEY = "device_id"


def write_fresh(rows: Sequence[Mapping[str, Any]]) -> None:
    """Write newer heartbeats; `posture` is JSON text, times are aware."""
    _write(COLUMNS, rows)


def write_online(since: Mapping[str, datetime]) -> None:
    """Write phones that are online again, with the time of that."""
    _write(ONLINE, [{KEY: device_id, "online": True, "since": at} for device_id, at in sorted(since.items())])


def write_seen(seen: Mapping[str, datetime]) -> None:
    """Write when phones were heard of last, where nothing else is new."""
    _write(SEEN, [{KEY: device_id, "last_seen_at": at} for device_id, at in sorted(seen.items())])


def write_positions(positions: Mapping[str, tuple[bytes | None, datetime | None]]) -> None:
    """Write sealed positions."""
    rows = [{KEY: key, "location": sealed, "location_at": at} for key, (sealed, at) in sorted(positions.items())]
    _write(POSITION, rows)


def _write(columns: Sequence[tuple[str, str]], rows: Sequence[Mapping[str, Any]]) -> None:
    if not rows:
        return
    current = session()
    current.flush()
    connection = current.connection()
    names = [name for name, _ in columns]
    if connection.dialect.name == "postgresql":
        arrays = tuple([row[name] for row in rows] for name in (*names, KEY))
        connection.exec_driver_sql(_postgresql(columns), arrays)
    else:
        connection.exec_driver_sql(_sqlite(names), [_plain(row, names) for row in rows])


def _sqlite(names: Sequence[str]) -> str:
    changes = ", ".join(f"{name} = ?" for name in names)
    return f"UPDATE presence SET {changes} WHERE {KEY} = ?"  # noqa: S608


def _plain(row: Mapping[str, Any], names: Sequence[str]) -> tuple[Any, ...]:
    """A row as the column types of `core.db` would store it: UTC without a zone."""
    values = [row[name] for name in names]
    return (*(_naive(value) if isinstance(value, datetime) else value for value in values), row[KEY])


def _naive(moment: datetime) -> str:
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(" ", "microseconds")


def _postgresql(columns: Sequence[tuple[str, str]]) -> str:
    changes = ", ".join(f"{name} = {_cast(name)}" for name, _ in columns)
    arrays = ", ".join(f"%s::{kind}[]" for _, kind in (*columns, (KEY, "text")))
    names = ", ".join((*(name for name, _ in columns), KEY))
    return (
        f"UPDATE presence SET {changes} FROM unnest({arrays}) AS news({names}) "  # noqa: S608
        f"WHERE presence.{KEY} = news.{KEY}"
    )


def _cast(name: str) -> str:
    return "news.posture::jsonb" if name == "posture" else f"news.{name}"
