from __future__ import annotations

from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from flask import Flask
from sqlalchemy import text

from app import create_app
from bench.postgres import PostgresCluster
from config.settings import Settings
from core import migrate
from core.db import Base, db


def _fresh(folder: Path, address: str | None) -> Flask:
    return create_app(Settings(data_dir=folder, database_url=address))  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_the_migrations_lead_to_what_the_models_say(kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    address = None
    if kind == "postgresql":
        cluster: PostgresCluster = request.getfixturevalue("postgres")
        address = cluster.create_database()
    app = _fresh(tmp_path, address)
    with app.app_context():
        assert not migrate.is_current(db.engine)
        migrate.upgrade(db.engine)
        migrate.upgrade(db.engine)
        assert migrate.is_current(db.engine)
        with db.engine.connect() as connection:
            context = MigrationContext.configure(connection, opts={"compare_type": True})
            assert compare_metadata(context, Base.metadata) == []
            assert connection.execute(text("SELECT count(*) FROM people")).scalar() == 0
        db.engine.dispose()
