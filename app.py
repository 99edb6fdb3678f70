"""The composition root: builds the application and starts nothing.

`flask` finds `create_app` by itself. Rooms are named here and nowhere else.
"""

from __future__ import annotations

from flask import Flask

from config.settings import Settings

VERSION = "0.1.0"


def create_app(settings: Settings | None = None) -> Flask:
    """Build the application: database, rooms, routes, command line. Raises SettingsError."""
    from config.settings import load
    from core import db as database
    from core import runtime
    from core.http import identity as http_identity
    from core.http.app import ShoujiApp

    current = settings or load()
    current.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    app = ShoujiApp(__name__, VERSION, static_folder=None)
    app.config.update(
        SQLALCHEMY_DATABASE_URI=current.database,
        SQLALCHEMY_ENGINE_OPTIONS=_engine_options(current.database),
        SECRET_KEY="",
    )
    runtime.bind(app, current)
    database.db.init_app(app)
    with app.app_context():
        database.install_hooks(database.db.engine)
    _register_rooms(app)
    http_identity.bind(app, _authenticators())
    return app


def _engine_options(address: str) -> dict[str, object]:
    if address.startswith("sqlite"):
        return {"connect_args": {"timeout": 15, "check_same_thread": False}}
    return {
        "pool_size": 10,
        "max_overflow": 80,
        "pool_pre_ping": True,
        "connect_args": {"prepare_threshold": 5},
    }


def _authenticators():  # type: ignore[no-untyped-def]
    return None


def _register_rooms(app: Flask) -> None:
    pass
