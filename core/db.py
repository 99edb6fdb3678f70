"""The database: typed base of all models, column types, and what differs between SQLite and PostgreSQL."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, ClassVar, cast

from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import (
    JSON,
    BigInteger,
    DateTime,
    Delete,
    Dialect,
    Integer,
    MetaData,
    String,
    Table,
    Update,
    event,
    insert,
)
from sqlalchemy.dialects import postgresql
from sqlalchemy.engine import Connection, CursorResult, Engine
from sqlalchemy.orm import DeclarativeBase, Session, mapped_column, registry
from sqlalchemy.types import TypeDecorator

from core import bulk_rows
from core.conflicts import guarded, insert_into

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}
WRITES = "shouji_writes"


class UtcDateTime(TypeDecorator[datetime]):
    """Aware UTC in Python; a naive value is a programming error, so it is refused."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """To the database: SQLite keeps no zone, so UTC is stored without one."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without a zone")
        utc = value.astimezone(UTC)
        return utc.replace(tzinfo=None) if dialect.name == "sqlite" else utc

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """From the database: always aware."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


Json = JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql")
BigId = BigInteger().with_variant(Integer, "sqlite")

IdColumn = Annotated[str, mapped_column(String(36))]
IdKey = Annotated[str, mapped_column(String(36), primary_key=True)]
SerialKey = Annotated[int, mapped_column(BigId, primary_key=True, autoincrement=True)]


class Base(DeclarativeBase):
    """Base of every model."""

    __table__: ClassVar[Table]

    registry = registry(
        metadata=MetaData(naming_convention=NAMING),
        type_annotation_map={
            datetime: UtcDateTime(),
            dict[str, Any]: Json,
            list[Any]: Json,
            list[str]: Json,
            int: BigInteger(),
        },
    )


db = SQLAlchemy(model_class=Base)


def session() -> Session:
    """The session of the current unit of work."""
    return db.session()


def install_hooks(engine: Engine) -> None:
    """Make SQLite behave: our own BEGIN, foreign keys, WAL. PostgreSQL needs nothing."""
    if engine.dialect.name != "sqlite":
        return
    event.listen(engine, "connect", _sqlite_connect)
    event.listen(engine, "begin", _sqlite_begin)


def _sqlite_connect(connection: Any, _record: Any) -> None:
    # The driver's own transaction control begins late and only for some statements.
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in (
        "journal_mode=WAL",
        "synchronous=NORMAL",
        "foreign_keys=ON",
        "busy_timeout=15000",
        "cache_size=-32000",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _sqlite_begin(connection: Connection) -> None:
    # A read that later writes fails at once, whatever the busy timeout says: writers say so first.
    writes = connection.get_execution_options().get(WRITES, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def upsert(
    current: Session,
    table: Table,
    rows: Sequence[Mapping[str, Any]],
    keys: Sequence[str],
    update: Sequence[str] | None = None,
) -> None:
    """Insert rows, or update the named columns where the keys exist; an empty `update` leaves existing rows alone.

    Rows are written in key order, so that two batches never wait for each other in a circle.
    """
    if not rows:
        return
    ordered = sorted(rows, key=lambda row: tuple(row[key] for key in keys))
    columns = [name for name in (rows[0] if update is None else update) if name not in keys]
    if bulk_rows.fits(table, ordered):
        bulk_rows.write(current, table, ordered, keys, columns)
    else:
        current.execute(guarded(insert_into(current, table), keys, columns), ordered)


def add_up(current: Session, table: Table, rows: Sequence[Mapping[str, Any]], keys: Sequence[str], column: str) -> None:
    """Insert rows, or add their `column` to that of the row where the keys exist; in key order."""
    if rows:
        statement = insert_into(current, table)
        more = {column: table.c[column] + statement.excluded[column]}
        ordered = sorted(rows, key=lambda row: tuple(row[key] for key in keys))
        current.execute(statement.on_conflict_do_update(index_elements=list(keys), set_=more), ordered)


def insert_rows(current: Session, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert many rows in one statement."""
    if bulk_rows.fits(table, rows):
        bulk_rows.write(current, table, rows)
    elif rows:
        current.execute(insert(table), list(rows))


def affected(current: Session, statement: Update | Delete) -> int:
    """Carry the statement out and count the rows it touched: 1 tells who came first."""
    return cast(CursorResult[Any], current.execute(statement)).rowcount


def json_text(value: Any) -> str:
    """JSON as the database stores it, readable."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
