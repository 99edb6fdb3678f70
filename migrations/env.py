"""Alembic's environment: runs on the application's own engine."""

from __future__ import annotations

from typing import Any, Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext
from sqlalchemy import text
from sqlalchemy.engine import Engine

from core.db import WRITES, Base, UtcDateTime


def _render_item(kind: str, thing: Any, autogen: AutogenContext) -> str | Literal[False]:
    if kind == "type" and isinstance(thing, UtcDateTime):
        autogen.imports.add("from core.db import UtcDateTime")
        return "UtcDateTime()"
    return False


def run() -> None:
    """Migrate in one transaction; on SQLite foreign keys rest meanwhile, since a table is rebuilt by copying it."""
    engine: Engine = context.config.attributes["engine"]
    with engine.connect().execution_options(**{WRITES: True}) as connection:
        on_sqlite = engine.dialect.name == "sqlite"
        if on_sqlite:
            connection.connection.cursor().execute("PRAGMA foreign_keys=OFF")
        context.configure(
            connection=connection,
            target_metadata=Base.metadata,
            render_as_batch=True,
            render_item=_render_item,
            compare_type=True,
        )
        with context.begin_transaction():
            context.run_migrations()
            if on_sqlite and connection.execute(text("PRAGMA foreign_key_check")).fetchall():
                raise RuntimeError("the migration broke a foreign key")
        if on_sqlite:
            connection.connection.cursor().execute("PRAGMA foreign_keys=ON")


run()
