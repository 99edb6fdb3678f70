"""The tables that the tests of one process share: emptied, and given back what many tests begin with."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TypeVar, cast

from sqlalchemy import Connection, Engine, Table

from core import clock
from core.db import WRITES, Base, db

T = TypeVar("T")

FRESH = timedelta(seconds=30)
"""How long a beginning is put back: whoever signed in then stays so for 15 minutes, and some tests go on for 14."""


def empty_tables() -> None:
    """Empty the tables that hold rows: to truncate them all costs PostgreSQL more than most tests."""
    # A reader that begins to write fails at once where somebody wrote meanwhile, a writer waits its turn.
    with db.engine.connect().execution_options(**{WRITES: True}) as connection, connection.begin():
        filled = _filled(connection)
        deletions = [f"DELETE FROM {table.name}" for table in filled]
        if connection.dialect.name == "postgresql":
            _at_once(connection, [*deletions, *_counters(filled, "1, false")])
        else:
            for statement in ("PRAGMA defer_foreign_keys=ON", *deletions):
                connection.exec_driver_sql(statement)


def beginning(name: str, make: Callable[[], T]) -> T:
    """What `make` makes of empty tables; it must ask nothing of what calls it.

    It is made twice a minute; in between the rows that it left are put back. Where the tables hold rows
    already, it is made as it stands.
    """
    engine = db.engine
    known = _beginnings.get((str(engine.url), name))
    if known and known.is_fresh():
        return cast(T, known.value) if known.put_back() else make()
    with engine.connect() as connection:
        empty = not _filled(connection)
    at, value = clock.now(), make()
    if empty:
        _beginnings[str(engine.url), name] = _Beginning.keep(engine, name, at, value)
    return value


@dataclass(frozen=True)
class _Beginning:
    """A value, and beside the database the rows that belong to it: in another schema, or in another file of SQLite."""

    engine: Engine
    name: str
    at: datetime
    value: object
    tables: Sequence[Table]

    @classmethod
    def keep(cls, engine: Engine, name: str, at: datetime, value: object) -> _Beginning:
        """Copy what the tables hold."""
        with engine.connect() as connection:
            made = cls(engine, name, at, value, _filled(connection)[::-1])
        copies = [f"CREATE TABLE kept_{name}.{one.name} AS SELECT * FROM {one.name}" for one in made.tables]
        if engine.dialect.name == "postgresql":
            copies = [f"DROP SCHEMA IF EXISTS kept_{name} CASCADE", f"CREATE SCHEMA kept_{name}", *copies]
        else:
            made._file.unlink(missing_ok=True)
        made._run(copies)
        return made

    def is_fresh(self) -> bool:
        """Whether the clock is where it was, or little later."""
        return timedelta() <= clock.now() - self.at < FRESH

    def put_back(self) -> bool:
        """Copy the rows into the tables, unless one of them holds any."""
        with self.engine.connect() as connection:
            any_row = " OR ".join(f"EXISTS (SELECT 1 FROM {table.name})" for table in self.tables)
            if connection.exec_driver_sql(f"SELECT {any_row}").scalar():
                return False
        rows = [f"INSERT INTO {one.name} SELECT * FROM kept_{self.name}.{one.name}" for one in self.tables]
        if self.engine.dialect.name == "postgresql":
            rows += _counters(self.tables, "(SELECT max({key}) FROM {table})")
        self._run(rows)
        return True

    @property
    def _file(self) -> Path:
        return Path(f"{self.engine.url.database}.{self.name}")

    def _run(self, statements: Sequence[str]) -> None:
        if self.engine.dialect.name == "postgresql":
            with self.engine.begin() as connection:
                _at_once(connection, statements)
            return
        with closing(sqlite3.connect(str(self.engine.url.database), isolation_level=None)) as connection:
            connection.execute("PRAGMA synchronous=OFF")
            connection.execute(f"ATTACH ? AS kept_{self.name}", (str(self._file),))
            connection.executescript(";".join(["BEGIN IMMEDIATE", *statements, "COMMIT"]))


_beginnings: dict[tuple[str, str], _Beginning] = {}


def _filled(connection: Connection) -> list[Table]:
    """Tables that hold rows, those first that others are referred to by."""
    tables = Base.metadata.sorted_tables[::-1]
    query = " UNION ALL ".join(f"SELECT '{one.name}' WHERE EXISTS (SELECT 1 FROM {one.name})" for one in tables)
    found = set(connection.exec_driver_sql(query).scalars())
    return [one for one in tables if one.name in found]


def _counters(tables: Sequence[Table], value: str) -> list[str]:
    """Statements that put the counters of keys to a value."""
    keys = [(one.name, one.autoincrement_column.name) for one in tables if one.autoincrement_column is not None]
    return [
        f"SELECT setval(pg_get_serial_sequence('{table}', '{key}'), {value.format(table=table, key=key)})"
        for table, key in keys
    ]


def _at_once(connection: Connection, statements: Sequence[str]) -> None:
    """Have PostgreSQL carry statements out in one go, without a look at foreign keys."""
    connection.exec_driver_sql(";".join(["SET LOCAL session_replication_role = replica", *statements]))
