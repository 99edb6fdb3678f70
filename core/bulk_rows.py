"""Many different rows, inserted or brought up to date in one statement with one parameter: a JSON text.

The driver's work for each parameter of each row costs several times what the database does with it. Bytes have no place
in JSON; whoever asks first (`fits`) goes the usual way with those.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    DateTime,
    Float,
    Integer,
    Select,
    String,
    Table,
    bindparam,
    cast,
    column,
    func,
    select,
    true,
)
from sqlalchemy.orm import Session

from core.conflicts import guarded, insert_into

LEAST = 20
"""From so many rows on it pays."""
_ENCODER = json.JSONEncoder(ensure_ascii=False)
_PLAIN = (String, Integer, Float, Boolean, DateTime, JSON)


def fits(table: Table, rows: Sequence[Mapping[str, Any]]) -> bool:
    """Whether these rows are many, alike, complete, and can be written as JSON."""
    if len(rows) < LEAST:
        return False
    names = rows[0].keys()
    if not all(isinstance(getattr(table.c[name].type, "impl", table.c[name].type), _PLAIN) for name in names):
        return False
    if any(made.default is not None and made.name not in names for made in table.columns if not made.primary_key):
        return False
    return all(row.keys() == names for row in rows)


def write(
    current: Session,
    table: Table,
    rows: Sequence[Mapping[str, Any]],
    keys: Sequence[str] = (),
    update: Sequence[str] = (),
) -> None:
    """Insert rows that fit. With `keys` a row that exists gets the columns of `update`, or stays if there are none."""
    columns = [table.c[name] for name in rows[0]]
    on_postgresql = current.get_bind().dialect.name == "postgresql"
    source = (_from_postgresql if on_postgresql else _from_sqlite)(columns, rows)
    statement = insert_into(current, table).from_select([made.name for made in columns], source)
    current.execute(guarded(statement, keys, update))


def _from_postgresql(columns: Sequence[Column[Any]], rows: Sequence[Mapping[str, Any]]) -> Select[Any]:
    packed: Any = bindparam(None, json.dumps(list(rows), default=_moment), unique=True)
    shape = [column(made.name, made.type) for made in columns]
    listed = func.json_to_recordset(cast(packed, JSON)).table_valued(*shape).render_derived(with_types=True)
    return select(*(listed.c[made.name] for made in columns)).where(true())


def _from_sqlite(columns: Sequence[Column[Any]], rows: Sequence[Mapping[str, Any]]) -> Select[Any]:
    shown = [(made.name, isinstance(made.type, JSON)) for made in columns]
    lines = [[_text(row[name]) if is_json else row[name] for name, is_json in shown] for row in rows]
    packed: Any = bindparam(None, json.dumps(lines, default=_naive, ensure_ascii=False), unique=True)
    listed = func.json_each(packed).table_valued("value")
    values = [func.json_extract(listed.c.value, f"$[{place}]") for place in range(len(columns))]
    # SQLite reads ON after a SELECT as a join unless the SELECT has a WHERE.
    return select(*values).where(true())


def _text(value: Any) -> str | None:
    """A column of JSON is text in SQLite."""
    return None if value is None else _ENCODER.encode(value)


def _moment(value: Any) -> str:
    if isinstance(value, datetime) and value.tzinfo is not None:
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} has no place in JSON")


@lru_cache(maxsize=4096)
def _naive(value: Any) -> str:
    """A time as the column type of `core.db` stores it: UTC without a zone. Rows of a batch share most of theirs."""
    if isinstance(value, datetime) and value.tzinfo is not None:
        return value.astimezone(UTC).replace(tzinfo=None).isoformat(" ", "microseconds")
    raise TypeError(f"{type(value).__name__} has no place in JSON")
