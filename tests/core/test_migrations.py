from __future__ import annotations

import json
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


def test_keyword_sets_of_before_keep_undoing_nothing(tmp_path: Path) -> None:
    app = _fresh(tmp_path, None)
    with app.app_context():
        migrate.upgrade(db.engine, "0017")
        bare, chosen = '{"terms":["a"]}', '{"terms":["a"],"match":["case"]}'
        with db.engine.begin() as connection:
            for name, kind, spec in (("a", "KeywordSet", bare), ("b", "KeywordSet", chosen), ("c", "Policy", "{}")):
                values = {"name": name, "kind": kind, "spec": spec}
                connection.execute(
                    text(
                        "INSERT INTO policy_documents (id, kind, name, spec, revision, version, updated_at, updated_by,"
                        " managed_by) VALUES (:name, :kind, :name, :spec, 1, 1, '2026-01-01', 'x', 'api')"
                    ),
                    values,
                )
                connection.execute(
                    text(
                        "INSERT INTO policy_document_versions (document_id, version, spec, published_at, published_by,"
                        " reason) VALUES (:name, 1, :spec, '2026-01-01', 'x', '')"
                    ),
                    values,
                )
        migrate.upgrade(db.engine)
        with db.engine.connect() as connection:
            for table in ("policy_documents", "policy_document_versions"):
                kept = [json.loads(row[0]) for row in connection.execute(text(f"SELECT spec FROM {table} ORDER BY 1"))]
                assert kept == [{"terms": ["a"], "match": []}, {"terms": ["a"], "match": ["case"]}, {}]
        db.engine.dispose()
