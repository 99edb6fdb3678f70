"""Shared fixtures: every test that touches the database runs on SQLite and on PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app import create_app
from bench.postgres import PostgresCluster
from config.settings import Settings
from core import migrate
from core.db import WRITES, Base, db
from tests.support.server import Server

DATABASES = ("sqlite", "postgresql")
NO_FOREIGN_KEYS = "PRAGMA defer_foreign_keys=ON"


def pytest_addoption(parser: pytest.Parser) -> None:
    """How hard the fault tests try; `make soak` asks for more."""
    parser.addoption("--phones", type=int, default=200, help="phones that talk while parts are killed")
    parser.addoption("--broker-away", type=float, default=10.0, help="seconds that the broker is away")


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresCluster]:
    """One throw-away PostgreSQL cluster for each test process."""
    cluster = PostgresCluster.start()
    try:
        yield cluster
    finally:
        cluster.stop()


@pytest.fixture(scope="session", params=DATABASES)
def database_url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Address of an empty database of each kind."""
    if request.param == "postgresql":
        cluster: PostgresCluster = request.getfixturevalue("postgres")
        return cluster.create_database()
    return f"sqlite:///{tmp_path_factory.mktemp('database') / 'shouji.db'}"


@pytest.fixture(scope="session")
def migrated_app(database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Flask:
    """The application on a migrated database, shared by all tests of one process and database."""
    app = create_app(Settings(data_dir=tmp_path_factory.mktemp("data"), database_url=database_url))  # type: ignore[arg-type]
    with app.app_context():
        migrate.upgrade(db.engine)
    return app


@pytest.fixture
def app(migrated_app: Flask) -> Iterator[Flask]:
    """The application with empty tables, inside an app context."""
    with migrated_app.app_context():
        _empty_tables()
        yield migrated_app


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """An HTTP client of the application."""
    return app.test_client()


def _empty_tables() -> None:
    """Empty the tables that hold rows: to truncate them all costs PostgreSQL more than most tests."""
    tables = {table.name: table for table in reversed(Base.metadata.sorted_tables)}
    filled = " UNION ALL ".join(f"SELECT '{name}' WHERE EXISTS (SELECT 1 FROM {name})" for name in tables)
    # A reader that begins to write fails at once where somebody wrote meanwhile, a writer waits its turn.
    with db.engine.connect().execution_options(**{WRITES: True}) as connection, connection.begin():
        postgresql = db.engine.dialect.name == "postgresql"
        connection.exec_driver_sql("SET LOCAL session_replication_role = replica" if postgresql else NO_FOREIGN_KEYS)
        found = set(connection.exec_driver_sql(filled).scalars())
        for name in (name for name in tables if name in found):
            connection.execute(tables[name].delete())
            key = tables[name].autoincrement_column
            if postgresql and key is not None:
                connection.exec_driver_sql(f"SELECT setval(pg_get_serial_sequence('{name}', '{key.name}'), 1, false)")


@pytest.fixture(scope="module")
def server(database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A whole running installation on the database of the day, shared by the tests of one file."""
    running = Server.make(tmp_path_factory.mktemp("server"), database_url)
    try:
        yield running.start()
    finally:
        running.stop()
    assert running.pids() == {}, "a process outlived the server"
