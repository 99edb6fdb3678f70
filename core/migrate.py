"""Database migrations, run by `flask db upgrade` and at every start of the server."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.engine import Engine

from core.db import Base

MIGRATIONS = Path(__file__).resolve().parent.parent / "migrations"


def _config(engine: Engine) -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["engine"] = engine
    config.attributes["metadata"] = Base.metadata
    return config


def upgrade(engine: Engine, revision: str = "head") -> None:
    """Bring the database to the newest form, or to that of a revision."""
    command.upgrade(_config(engine), revision)


def is_current(engine: Engine) -> bool:
    """Whether the database has the form that this code expects."""
    heads = set(ScriptDirectory.from_config(_config(engine)).get_heads())
    with engine.connect() as connection:
        return set(MigrationContext.configure(connection).get_current_heads()) == heads


def knows(revision: str) -> bool:
    """Whether this code can bring a database of that form to the newest one."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    return revision in {one.revision for one in ScriptDirectory.from_config(config).walk_revisions()}


def revise(engine: Engine, message: str) -> None:
    """Write a new migration from the difference between models and database."""
    command.revision(_config(engine), message, autogenerate=True)
