"""The composition root: builds the application and starts nothing.

`flask` finds `create_app` by itself. Rooms are named here and nowhere else.
"""

from __future__ import annotations

from pathlib import Path

import click
from flask import Flask
from sqlalchemy import make_url

import doctor
import serve
from archive import api as archive_api
from archive import cli as archive_cli
from archive import device as archive_device
from archive import device_api as archive_device_api
from archive import explain_api, shadow_api
from archive import figures as archive_figures
from archive import jobs as archive_jobs
from archive import queries as archive_queries
from archive import shadow as archive_shadow
from compliance import api as compliance_api
from compliance import cli as compliance_cli
from compliance import figures as compliance_figures
from compliance import jobs as compliance_jobs
from compliance import receivers as compliance_receivers
from compliance import states as compliance_states
from config.loading import SettingsError, load
from config.settings import Settings
from console import setup as console
from core import cli as core_cli
from core import db, housekeeping, keys_cli, runtime
from core.http import health, latency, openapi
from core.http import identity as http_identity
from core.http.app import ShoujiApp
from core.http.identity import Authenticators
from fleet import api as fleet_api
from fleet import cli as fleet_cli
from fleet import device as fleet_device
from fleet import device_api as fleet_device_api
from fleet import expected_api, notice_api, pki_api, units
from fleet import figures as fleet_figures
from fleet import guards as fleet_guards
from fleet import jobs as fleet_jobs
from fleet import restore as fleet_restore
from fleet.commands import api as commands_api
from fleet.commands import cli as commands_cli
from fleet.commands import device as commands_device
from fleet.commands import device_api as commands_device_api
from fleet.commands import guards as commands_guards
from fleet.commands import jobs as commands_jobs
from fleet.commands import kinds, offers
from fleet.commands import receivers as commands_receivers
from fleet.commands import restore as commands_restore
from fleet.device_auth import authenticate
from identity import api as identity_api
from identity import auth_api, org
from identity import cli as identity_cli
from identity import jobs as identity_jobs
from identity import queries as identity_queries
from identity.authentication import actor_from_request_credentials
from imports import api as imports_api
from imports import calendar_api, keyword_api
from imports import cli as imports_cli
from imports import jobs as imports_jobs
from imports import kinds as import_kinds
from mqtt import api as mqtt_api
from mqtt import broker_effects
from mqtt import cli as mqtt_cli
from mqtt.routes import Router
from notify import api as notify_api
from notify import cli as notify_cli
from notify import deliveries
from notify import guards as notify_guards
from notify import kinds as notify_kinds
from operations import cli as operations_cli
from operations import figures as operations_figures
from policies import api as policies_api
from policies import cli as policies_cli
from policies import device as policies_device
from policies import device_api as policies_device_api
from policies import effects as policies_effects
from policies import figures as policies_figures
from policies import held_api, keywords_cli, rollouts_api, rollouts_cli, schema_api, states
from policies import jobs as policies_jobs
from policies import receivers as policies_receivers

VERSION = "0.1.0"
APIS = (
    health.api,
    openapi.api,
    mqtt_api.api,
    notify_api.api,
    auth_api.api,
    identity_api.api,
    fleet_api.api,
    expected_api.api,
    notice_api.api,
    fleet_device_api.api,
    pki_api.api,
    commands_api.api,
    commands_device_api.api,
    policies_api.api,
    rollouts_api.api,
    held_api.api,
    policies_device_api.api,
    schema_api.api,
    schema_api.asyncapi,
    archive_api.api,
    archive_device_api.api,
    shadow_api.api,
    explain_api.api,
    compliance_api.api,
    imports_api.api,
    keyword_api.api,
    calendar_api.api,
)
DEVICE_ROUTES = (fleet_device.routes, commands_device.routes, policies_device.routes, archive_device.routes)
COMMANDS: tuple[click.Command, ...] = (
    core_cli.database,
    core_cli.jobs_group,
    keys_cli.keys,
    mqtt_cli.broker,
    notify_cli.cli,
    identity_cli.cli,
    fleet_cli.cli,
    policies_cli.cli,
    policies_cli.policy,
    keywords_cli.cli,
    rollouts_cli.cli,
    archive_cli.cli,
    compliance_cli.cli,
    imports_cli.cli,
    operations_cli.cli,
    doctor.command,
)
BY_IMPORT = (
    housekeeping,
    broker_effects,
    notify_kinds,
    deliveries,
    identity_jobs,
    fleet_figures,
    fleet_jobs,
    fleet_restore,
    units,
    kinds,
    commands_cli,
    commands_jobs,
    commands_receivers,
    commands_restore,
    policies_effects,
    policies_figures,
    policies_jobs,
    policies_receivers,
    archive_figures,
    archive_jobs,
    archive_shadow,
    compliance_figures,
    compliance_jobs,
    compliance_receivers,
    import_kinds,
    imports_jobs,
    operations_figures,
)
"""Modules whose jobs, effects, figures, receivers and further commands register themselves when they are imported."""

notify_guards.bind(
    units=identity_queries.unit_refs,
    resolve_unit=org.resolve,
    mail_addresses=identity_queries.mail_addresses,
)
fleet_guards.bind(
    policy_states=states.policy_states,
    location_rule=states.positions_to_keep,
    open_wipe=offers.open_wipe,
    status_asked=offers.note_status_offer,
    compliance=compliance_states.Guard(),
)
commands_guards.bind(archived_through=archive_queries.archived_through)


def create_app(settings: Settings | None = None) -> Flask:
    """Build the application: database, rooms, routes, command line. A wrong setting ends the process and is named."""
    current = settings or _load()
    _make_folder(current.data_dir)
    app = ShoujiApp(__name__, VERSION, static_folder=None)
    app.config.update(
        SQLALCHEMY_DATABASE_URI=current.database, SQLALCHEMY_ENGINE_OPTIONS=_engine_options(current.database)
    )
    bound = runtime.bind(app, current)
    _keep_private(current.database)
    app.config["SECRET_KEY"] = _web_secret(bound)
    db.db.init_app(app)
    with app.app_context():
        db.install_hooks(db.db.engine)
    for api in APIS:
        app.register_api(api.blueprint)
    app.extensions[mqtt_api.ROUTER_EXTENSION] = Router(DEVICE_ROUTES)
    for command in (*COMMANDS, serve.command(app, current)):
        app.cli.add_command(command)
    console.register(app)
    latency.bind(app, current.web_workers)
    http_identity.bind(app, Authenticators(staff=actor_from_request_credentials, device=authenticate))
    return app


def _web_secret(bound: runtime.Runtime) -> bytes:
    """The first key that is opened: where it cannot be, none can."""
    try:
        return bound.ring.web_secret()
    except OSError as error:
        raise SystemExit(f"SHOUJI_KEY_RING: {bound.settings.keys_dir} cannot be used: {error.strerror}") from None


def _make_folder(path: Path) -> None:
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise SystemExit(f"SHOUJI_DATA_DIR: {path} cannot be made: {error.strerror}") from None


def _keep_private(address: str) -> None:
    """Make the database's file for ourselves alone, also where the data folder was made open to others."""
    file = make_url(address).database if address.startswith("sqlite") else None
    if file and Path(file).parent.is_dir():
        Path(file).touch(mode=0o600)


def _load() -> Settings:
    try:
        return load()
    except SettingsError as error:
        raise SystemExit(str(error)) from None


def _engine_options(address: str) -> dict[str, object]:
    # An error of the database names no values: it ends up in the log.
    shared = {"hide_parameters": True}
    if address.startswith("sqlite"):
        return {**shared, "connect_args": {"timeout": 15, "check_same_thread": False}}
    return {**shared, "pool_size": 10, "max_overflow": 80, "pool_pre_ping": True}
