"""Many rows that differ in one text alone, written or looked up in one statement with one parameter.

The driver's work for each parameter of each row, not the database, is what makes a hundred thousand rows slow.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import BigInteger, Select, Table, Text, bindparam, cast, func, literal, select, true
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Session

from core.conflicts import guarded, insert_into


def texts(current: Session, values: Iterable[str]) -> Select[tuple[str]]:
    """A one-column query of the texts, for `.in_()` or `select_from`."""
    listed = list(values)
    if len(listed) == 1:
        # Most lists are of one phone, and a function that makes a table of it costs more than the rest of the query.
        return select(literal(listed[0], Text()).label("value"))
    packed: Any = bindparam(None, json.dumps(listed), unique=True)
    if current.get_bind().dialect.name == "postgresql":
        rows = func.jsonb_array_elements_text(cast(packed, JSONB)).table_valued("value")
    else:
        rows = func.json_each(packed).table_valued("value")
    return select(rows.c.value)


def numbers(current: Session, values: Iterable[int]) -> Select[tuple[int]]:
    """A one-column query of the numbers, for `.in_()`."""
    return select(cast(texts(current, map(str, values)).subquery().c.value, BigInteger))


def insert_each(
    current: Session,
    table: Table,
    column: str,
    values: Sequence[str],
    constants: Mapping[str, Any],
    *,
    keys: Sequence[str] = (),
    update: Sequence[str] = (),
) -> None:
    """Insert one row for each value of a column, all other columns the same.

    With `keys` a row that exists gets the columns of `update` instead, or stays when there are none.
    """
    if not values:
        return
    if len(values) == 1:
        current.execute(guarded(insert_into(current, table), keys, update), {column: values[0], **constants})
        return
    listed = texts(current, values).subquery()
    same = [literal(value, table.c[name].type).label(name) for name, value in constants.items()]
    # SQLite reads ON after a SELECT as a join unless the SELECT has a WHERE.
    rows = select(listed.c.value, *same).where(true())
    statement = insert_into(current, table).from_select([column, *constants], rows)
    current.execute(guarded(statement, keys, update))
