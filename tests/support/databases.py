"""Databases of one test process: each kind is migrated once, further ones are copies of it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from flask import Flask

from app import create_app
from bench.postgres import PostgresCluster
from config.settings import Settings
from core import migrate, witness
from core.db import db


class Databases:
    """Makes databases; `cluster` is asked for once PostgreSQL is wanted, `folder` makes an empty one of that name."""

    def __init__(self, cluster: Callable[[], PostgresCluster], folder: Callable[[str], Path]) -> None:
        self._cluster = cluster
        self._folder = folder
        self._apps: dict[str, Flask] = {}
        self._copies: dict[str, str] = {}

    def app(self, kind: str) -> Flask:
        """The application on the process's own database of that kind, with a data folder that tells of no past."""
        if kind not in self._apps:
            self._make(kind)
        app = self._apps[kind]
        with app.app_context():
            witness.path().unlink(missing_ok=True)
        return app

    def empty(self, kind: str) -> str:
        """Address of a database without a table."""
        if kind == "postgresql":
            return self._cluster().create_database()
        return f"sqlite:///{self._folder('database') / 'shouji.db'}"

    def migrated(self, kind: str) -> str:
        """Address of a database of its own that has the newest form and no row."""
        if kind not in self._copies:
            self._make(kind)
        return self._copy(self._copies[kind])

    def _make(self, kind: str) -> None:
        address = self.empty(kind)
        # Most tests publish what they need in passing; those of the second person turn it on again.
        made = Settings(data_dir=self._folder("data"), database_url=address, approval_to_loosen=False)  # type: ignore[arg-type]
        app = create_app(made)
        with app.app_context():
            migrate.upgrade(db.engine)
            # PostgreSQL copies only what nobody is connected to, SQLite is whole in its file once closed.
            db.engine.dispose()
        self._copies[kind] = self._copy(address)
        self._apps[kind] = app

    def _copy(self, address: str) -> str:
        if address.startswith("postgresql"):
            return self._cluster().create_database(like=address)
        made = self.empty("sqlite")
        shutil.copyfile(address.removeprefix("sqlite:///"), made.removeprefix("sqlite:///"))
        return made
