"""Shared fixtures: every test that touches the database runs on SQLite and on PostgreSQL."""

from __future__ import annotations

import gc
from collections.abc import Callable, Generator, Iterator
from typing import Any

import pytest
from argon2 import PasswordHasher
from flask import Flask
from flask.testing import FlaskClient

from bench.postgres import PostgresCluster
from core.runtime import EXTENSION, Runtime, runtime
from identity import passwords
from tests.support.databases import Databases
from tests.support.server import Server
from tests.support.tables import empty_tables

DATABASES = ("sqlite", "postgresql")
Tune = Callable[..., None]
LONG = (
    "e2e/test_main_job.py",
    "restore/test_restored.py",
    "faults/test_kills.py",
    "console/test_browser.py",
    "operations/test_another_machine.py",
    "e2e/test_simulation.py",
    "e2e/test_compliance.py",
    "interop/test_node_client.py",
    "bad_input/test_hostile_phones.py",
    "bad_input/test_documents.py",
    "bad_input/test_device_messages.py",
    "bad_input/test_routes.py",
    "bad_input/test_people.py",
    "bad_input/test_server_messages.py",
    "console/test_every_page.py",
)
"""Files that run whole servers or a browser, the longest first.

The first runs on both databases. The others take turns, one on SQLite, the next on PostgreSQL, unless
`--every-database` is given (`make test-all`)."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """How hard the fault tests try; `make soak` asks for more."""
    parser.addoption("--phones", type=int, default=200, help="phones that talk while parts are killed")
    parser.addoption("--every-database", action="store_true", help="each file with whole servers on both databases")
    parser.addoption("--every-variant", action="store_true", help="each page in every language, theme and width")
    parser.addoption("--broker-away", type=float, default=10.0, help="seconds that the broker is away")


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Collect; what was imported and collected stays, so the garbage collector never looks through it again."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Longest files first, so that at the end no process works on while the others have nothing left."""
    items.sort(key=_rank)
    if not config.getoption("--every-database"):
        left_out = [item for item in items if _waits_its_turn(item)]
        items[:] = [item for item in items if not _waits_its_turn(item)]
        config.hook.pytest_deselected(items=left_out)


def _rank(item: pytest.Item) -> int:
    name = f"{item.path.parent.name}/{item.path.name}"
    return LONG.index(name) if name in LONG else len(LONG)


def _waits_its_turn(item: pytest.Item) -> bool:
    """Whether the test is of a long file, on the database whose turn it is not. One that names its own has none."""
    if any("database_kind" in mark.args[0] for mark in item.iter_markers("parametrize")):
        return False
    rank, call = _rank(item), getattr(item, "callspec", None)
    kind = next((value for value in call.params.values() if value in DATABASES), None) if call else None
    return 0 < rank < len(LONG) and kind == DATABASES[rank % 2]


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresCluster]:
    """One throw-away PostgreSQL cluster for each test process."""
    cluster = PostgresCluster.start()
    try:
        yield cluster
    finally:
        cluster.stop()


@pytest.fixture(scope="session")
def databases(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Databases:
    """What makes databases in this test process."""
    return Databases(lambda: request.getfixturevalue("postgres"), tmp_path_factory.mktemp)


@pytest.fixture(scope="session", params=DATABASES)
def database_kind(request: pytest.FixtureRequest) -> str:
    """The kind of database of a test that touches one."""
    return str(request.param)


@pytest.fixture(scope="session")
def migrated_app(database_kind: str, databases: Databases) -> Flask:
    """The application on a migrated database, shared by all tests of one process and kind of database."""
    return databases.app(database_kind)


@pytest.fixture(scope="session")
def database_url(migrated_app: Flask) -> str:
    """Address of that database."""
    address: str = migrated_app.extensions[EXTENSION].settings.database
    return address


@pytest.fixture(scope="session", autouse=True)
def _cheap_passwords() -> Iterator[None]:
    """Most tests sign somebody in, and the real cost of a hash would be most of their time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passwords, "_hasher", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
        yield


@pytest.fixture
def app(migrated_app: Flask) -> Iterator[Flask]:
    """The application with empty tables, inside an app context."""
    with migrated_app.app_context():
        empty_tables()
        yield migrated_app


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """An HTTP client of the application."""
    return app.test_client()


@pytest.fixture
def tune(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Tune:
    """Change settings for one test."""

    def change(**settings: Any) -> None:
        changed = runtime().settings.model_copy(update=settings)
        monkeypatch.setitem(app.extensions, EXTENSION, Runtime(changed))

    return change


@pytest.fixture(scope="module")
def server(database_kind: str, databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A whole running installation on a database of its own, shared by the tests of one file."""
    running = Server.make(tmp_path_factory.mktemp("server"), databases.migrated(database_kind))
    try:
        yield running.start()
    finally:
        running.stop()
    assert running.pids() == {}, "a process outlived the server"
