"""The composition root: builds the application and starts nothing.

`flask` finds `create_app` by itself. Rooms are named here and nowhere else.
"""

from __future__ import annotations

import importlib
import importlib.util
from typing import Any

from flask import Flask

from config.settings import Settings

VERSION = "0.1.0"
APIS = (
    "core.http.health",
    "core.http.openapi",
    "mqtt.api",
    "notify.api",
    "identity.auth_api",
    "identity.api",
    "fleet.api",
    "fleet.device_api",
    "fleet.pki_api",
    "fleet.commands.api",
    "fleet.commands.device_api",
    "policies.api",
    "policies.device_api",
    "archive.api",
    "archive.device_api",
)
DEVICE_ROUTES = ("fleet.device", "fleet.commands.device", "policies.device", "archive.device")
COMMANDS = ("mqtt.cli", "identity.cli", "fleet.cli", "fleet.commands.cli", "policies.cli", "archive.cli", "core.cli")
JOBS = ("core.housekeeping", "identity.jobs", "fleet.jobs", "fleet.commands.jobs", "policies.jobs", "archive.jobs")


def _modules(names: tuple[str, ...]) -> list[Any]:
    found: list[Any] = []
    for name in names:
        parts = name.split(".")
        if all(importlib.util.find_spec(".".join(parts[: i + 1])) for i in range(len(parts))):
            found.append(importlib.import_module(name))
    return found


def create_app(settings: Settings | None = None) -> Flask:
    """Build the application: database, rooms, routes, command line. Raises SettingsError."""
    from config.settings import load
    from core import db as database
    from core import runtime
    from core.http import identity as http_identity
    from core.http import limits
    from core.http.app import ShoujiApp
    from mqtt.api import ROUTER_EXTENSION
    from mqtt.routes import Router

    current = settings or load()
    current.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    app = ShoujiApp(__name__, VERSION, static_folder=None)
    app.config.update(
        SQLALCHEMY_DATABASE_URI=current.database,
        SQLALCHEMY_ENGINE_OPTIONS=_engine_options(current.database),
    )
    bound = runtime.bind(app, current)
    app.config["SECRET_KEY"] = bound.ring.web_secret()
    database.db.init_app(app)
    with app.app_context():
        database.install_hooks(database.db.engine)
    for module in _modules(APIS):
        app.register_api(module.api.blueprint)
    app.extensions[ROUTER_EXTENSION] = Router(module.routes for module in _modules(DEVICE_ROUTES))
    for module in _modules(COMMANDS):
        for group in _groups(module):
            app.cli.add_command(group)
    _modules(JOBS)
    _modules(("mqtt.broker_effects",))
    for module in _modules(("console.setup",)):
        module.register(app)
    http_identity.bind(app, _authenticators())
    limits.register(app)
    _add_serve(app, current)
    return app


def _groups(module: Any) -> list[Any]:
    """Every command group that a room's cli module defines."""
    import click

    own = [value for value in vars(module).values() if isinstance(value, click.Group)]
    return own or [value for value in vars(module).values() if isinstance(value, click.Command)]


def _engine_options(address: str) -> dict[str, object]:
    if address.startswith("sqlite"):
        return {"connect_args": {"timeout": 15, "check_same_thread": False}}
    return {"pool_size": 10, "max_overflow": 80, "pool_pre_ping": True, "connect_args": {"prepare_threshold": 5}}


def _authenticators() -> Any:
    from core.http.identity import Authenticators

    staff = _modules(("identity.authentication",))
    device = _modules(("fleet.device_auth",))
    return Authenticators(
        staff=staff[0].actor_from_request_credentials if staff else lambda *_: None,
        device=device[0].authenticate if device else None,
    )


def _add_serve(app: Flask, settings: Settings) -> None:
    import click

    @app.cli.command("serve")
    @click.option("--role", type=click.Choice(["all", "broker", "web", "worker"]), default="all", show_default=True)
    def serve_command(role: str) -> None:
        """Run the server, or one of its processes."""
        import serve

        serve.serve(app, settings, role)
