"""Copying the database out of a running installation and into a new one, on both kinds."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import URL, Connection, create_engine, inspect, text

from core import clock
from operations import postgres
from operations.errors import not_a_backup, refused

SCHEMA = text("SELECT version_num FROM alembic_version")
HEAD = text("SELECT seq, hash FROM audit_head")


@dataclass(frozen=True, slots=True)
class Facts:
    """What a copy is: form of the database, and the newest entry of its audit log."""

    schema: str
    audit_seq: int
    audit_hash: str


def copy_out(url: URL, target: Path) -> Facts:
    """Write a consistent copy while the server runs, and say what it is."""
    if _is_sqlite(url):
        return _copy_sqlite(Path(str(url.database)), target)
    engine = create_engine(url, isolation_level="REPEATABLE READ")
    try:
        with engine.connect() as connection:
            facts = _facts(connection)
            snapshot = str(connection.scalar(text("SELECT pg_export_snapshot()")))
            postgres.dump(url, snapshot, target)
        return facts
    finally:
        engine.dispose()


def _copy_sqlite(source: Path, target: Path) -> Facts:
    with (
        closing(sqlite3.connect(f"{source.as_uri()}?mode=ro", uri=True)) as old,
        closing(sqlite3.connect(target)) as new,
    ):
        old.backup(new)
        new.execute("PRAGMA journal_mode=DELETE")
    return sqlite_facts(target)


def sqlite_facts(file: Path) -> Facts:
    """What a copied SQLite file is. Raises Invalid when it is damaged."""
    engine = create_engine(f"sqlite:///{file}")
    try:
        with engine.connect() as connection:
            if connection.scalar(text("PRAGMA quick_check")) != "ok":
                raise not_a_backup("the database in it is damaged")
            return _facts(connection)
    finally:
        engine.dispose()


def _facts(connection: Connection) -> Facts:
    schema = str(connection.scalar(SCHEMA))
    head = connection.execute(HEAD).first()
    return Facts(schema, head.seq if head else 0, head.hash if head else "")


def is_empty(url: URL) -> bool:
    """Whether nothing lies where the settings point."""
    if _is_sqlite(url):
        return not Path(str(url.database)).exists() or not _tables(url)
    return not _tables(url)


def _tables(url: URL) -> list[str]:
    engine = create_engine(url)
    try:
        return inspect(engine).get_table_names()
    finally:
        engine.dispose()


def set_aside(url: URL) -> str:
    """Move what lies there out of the way; says where to. PostgreSQL's administrator empties a database himself."""
    if not _is_sqlite(url):
        raise refused(
            "database_not_empty",
            "目标数据库不为空。请新建一个空库，并让 SHOUJI_DATABASE_URL 指向它。",
            "The database is not empty. Create an empty one and let SHOUJI_DATABASE_URL point to it.",
        )
    file = Path(str(url.database))
    mark = clock.to_wire(clock.now()).replace(":", "").replace("-", "")[:15]
    kept = file.with_name(f"{file.name}.before-restore-{mark}")
    for ending in ("-wal", "-shm", ""):
        part = file.with_name(file.name + ending)
        if part.exists():
            part.rename(kept.with_name(kept.name + ending))
    return str(kept)


def bring_in(url: URL, source: Path) -> None:
    """Fill an empty place with a copy."""
    if not _is_sqlite(url):
        postgres.load(url, source)
        return
    target = Path(str(url.database))
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = target.with_name(f".{target.name}.restoring")
    shutil.copyfile(source, draft)
    draft.chmod(0o600)
    draft.replace(target)


def _is_sqlite(url: URL) -> bool:
    return url.get_backend_name() == "sqlite"
