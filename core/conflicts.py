"""INSERT that can be told what becomes of rows that exist, for both databases."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Table
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

Insert = postgresql.Insert | sqlite.Insert


def insert_into(current: Session, table: Table) -> Insert:
    """The dialect's own INSERT."""
    if current.get_bind().dialect.name == "postgresql":
        return postgresql.insert(table)
    return sqlite.insert(table)


def guarded(statement: Insert, keys: Sequence[str], update: Sequence[str]) -> Insert:
    """With `keys` a row that exists gets the columns of `update`, or stays when there are none."""
    if not keys:
        return statement
    if not update:
        return statement.on_conflict_do_nothing(index_elements=list(keys))
    changes = {name: statement.excluded[name] for name in update}
    return statement.on_conflict_do_update(index_elements=list(keys), set_=changes)
