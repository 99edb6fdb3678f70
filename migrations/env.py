"""Alembic's environment: runs on the application's own engine."""

from __future__ import annotations

from typing import Any, Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext
from sqlalchemy import JSON, BigInteger, text
from sqlalchemy.engine import Engine

from core.db import WRITES, UtcDateTime


def _render_item(kind: str, thing: Any, autogen: AutogenContext) -> str | Literal[False]:
    name = _own_type(thing) if kind == "type" else None
    if name is None:
        return False
    autogen.imports.add(f"from core.db import {name}")
    return "UtcDateTime()" if name == "UtcDateTime" else name


def _own_type(thing: Any) -> str | None:
    if isinstance(thing, UtcDateTime):
        return "UtcDateTime"
    if isinstance(thing, JSON):
        return "Json"
    return "BigId" if isinstance(thing, BigInteger) and "sqlite" in thing._variant_mapping else None


def run() -> None:
    """Migrate in one transaction; on SQLite foreign keys rest meanwhile, since a table is rebuilt by copying it."""
    engine: Engine = context.config.attributes["engine"]
    with engine.connect().execution_options(**{WRITES: True}) as connection:
        on_sqlite = engine.dialect.name == "sqlite"
        if on_sqlite:
            connection.connection.cursor().execute("PRAGMA foreign_keys=OFF")
        context.configure(
            connection=connection,
            target_metadata=context.config.attributes["metadata"],
            render_as_batch=True,
            render_item=_render_item,
            compare_type=True,
        )
        with context.begin_transaction():
            context.run_migrations()
            if on_sqlite and connection.execute(text("PRAGMA foreign_key_check")).fetchall():
                raise RuntimeError("the migration broke a foreign key")
        if on_sqlite:
            # Inside a transaction the pragma would do nothing, so the next user gets a connection of its own.
            connection.invalidate()


run()
