"""The processes of an installation: `flask serve` runs them all, `--role` one of them."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial

import click
from flask import Flask
from sqlalchemy.exc import OperationalError, SQLAlchemyError

from config.logging import configure
from config.settings import Settings
from core import migrate, roles, witness
from core.crypto.attestation import read_trust
from core.db import db
from core.errors import Invalid
from core.http.web_server import WebServer
from core.log import get_logger
from core.process import Supervisor, die_with_parent, fork, show_as, spare_the_collector, stop_on_signals
from core.runtime import runtime
from core.text import Text
from core.uow import unit_of_work
from fleet import certificates
from identity import setup
from mqtt import broker_effects
from mqtt.api import ROUTER_EXTENSION
from mqtt.broker.endpoint import outside_endpoint
from mqtt.broker.errors import BrokerError
from mqtt.broker.files import BrokerFiles
from mqtt.broker.opening import open_admin
from mqtt.broker.ports import port_taken
from mqtt.broker.process import find_mosquitto
from mqtt.broker.role import run_broker_role
from mqtt.events import taken_over
from mqtt.worker import Worker
from notify.deliverer import Deliverer

log = get_logger(__name__)


def serve(app: Flask, settings: Settings, role: str) -> None:
    """Run a role until SIGTERM or SIGINT. `all` prepares the installation first and watches over the others."""
    configure(settings, role)
    if role != "all":
        show_as(role)
    ROLES[role](app, settings)


def prepare(app: Flask, settings: Settings) -> None:
    """Bring the database to the newest form and see to a first administrator; says what a person must know."""
    with app.app_context():
        try:
            migrate.upgrade(db.engine)
        except OperationalError as error:
            sys.exit(f"SHOUJI_DATABASE_URL: the database is not reached: {error.orig}")
        try:
            with unit_of_work(reading=True):
                first = setup.prepare()
        except Invalid as error:
            sys.exit(f"SHOUJI_ADMIN_PASSWORD: {_both(error.text)}")
        # Before any page answers: nobody approves on a restored server what it has not looked at.
        with unit_of_work():
            # What lies in the broker was sent before the restore: a phone may come for it before it can be cleared.
            if witness.recover() and not settings.broker_url:
                BrokerFiles.in_data_dir(settings.data_dir).forget_store()
    click.echo(f"Shouji: {settings.base_url}")
    if first.setup_url:
        click.echo(f"No administrator yet. Open this one-time link within 24 hours:\n  {first.setup_url}")
    if first.admin_created:
        click.echo("Administrator “admin” was created with the password from SHOUJI_ADMIN_PASSWORD.")


def _all(app: Flask, settings: Settings) -> None:
    refuse_unusable(settings)
    _in_a_child("prepare", lambda: prepare(app, settings))
    spare_the_collector()
    Supervisor({name: partial(serve, app, settings, name) for name in ("broker", "web", "worker")}).run()


def _in_a_child(name: str, work: Callable[[], None]) -> None:
    # The supervisor never opens a key or a connection: all of its children would have them too.
    child = fork(name, work)
    child.join()
    if child.exitcode:
        sys.exit(child.exitcode)


def refuse_unusable(settings: Settings) -> None:
    """End the process where ports, broker or files of trust that the settings name cannot be used, and say which."""
    _refuse_taken(settings.http_host, settings.http_port, "SHOUJI_HTTP_PORT")
    if not settings.broker_url:
        _refuse_taken(settings.mqtt_host, settings.mqtt_port, "SHOUJI_MQTT_PORT")
    try:
        if settings.broker_url:
            outside_endpoint(settings)
        else:
            find_mosquitto(settings)
    except BrokerError as error:
        sys.exit(_both(error.text))
    try:
        read_trust(settings.attestation_roots, settings.attestation_revoked)
    except (OSError, ValueError) as error:
        sys.exit(f"SHOUJI_ATTESTATION_ROOTS, SHOUJI_ATTESTATION_REVOKED: {error}")


def _refuse_taken(host: str, port: int, setting: str) -> None:
    if port_taken(host, port):
        sys.exit(f"Port {port} on {host} is taken. Set {setting} to a free port.")


def _both(text: Text) -> str:
    return f"{text.zh}\n{text.en}"


def _web(app: Flask, settings: Settings) -> None:
    WebServer(app, settings).run()


def _worker(app: Flask, settings: Settings) -> None:
    stop = threading.Event()
    with app.app_context():
        broker_effects.bind(open_admin(settings, runtime().ca, crl_source(app)))
        with unit_of_work():
            witness.recover()
    worker = Worker(app, settings, app.extensions[ROUTER_EXTENSION], [Deliverer(app)])
    spare_the_collector()
    _run_beside(lambda: worker.run(stop), stop)


def _broker(app: Flask, settings: Settings) -> None:
    stop = threading.Event()
    with app.app_context():
        ca = runtime().ca
    reporter = threading.Thread(target=_report_alive, args=(app, stop), name="report", daemon=True)
    reporter.start()
    stop_on_signals(stop)
    try:
        forget_what_a_restore_outlived(app, settings)
        run_broker_role(settings, ca, crl_source(app), stop, _note_takeover(app))
    except BrokerError as error:
        sys.exit(_both(error.text))


def forget_what_a_restore_outlived(app: Flask, settings: Settings) -> None:
    """Before the broker starts: what it stored before the database was put back is not what the server wants now.

    Where roles run apart, the worker may have seen to the restore before the broker starts, or be about to. A database
    that cannot be asked does not keep the broker from starting.
    """
    if settings.broker_url:
        return
    try:
        with app.app_context(), unit_of_work(write=False) as current:
            at = witness.restored_at(current)
    except SQLAlchemyError as error:
        log.warning("restore_not_asked", error=type(error).__name__)
        return
    if at is not None and BrokerFiles.in_data_dir(settings.data_dir).forget_store_of_before(at):
        log.warning("broker_store_forgotten")


def _run_beside(work: Callable[[], None], stop: threading.Event) -> None:
    """Run work in a thread while the main thread waits for a signal; a crash of the work ends the process."""
    failed: list[BaseException] = []

    def guarded() -> None:
        try:
            work()
        except BaseException as error:
            failed.append(error)
            log.exception("role_crashed")
        finally:
            stop.set()

    thread = threading.Thread(target=guarded, name="role")
    thread.start()
    stop_on_signals(stop)
    while not stop.wait(1.0):
        pass
    thread.join()
    if failed:
        sys.exit(1)


def crl_source(app: Flask) -> Callable[[Sequence[tuple[str, datetime]]], bytes]:
    """What the broker's list is made from: revoked phones in the database, and the pairs given."""

    def source(extra: Sequence[tuple[str, datetime]]) -> bytes:
        with app.app_context(), unit_of_work(write=False):
            return runtime().ca.crl([*certificates.revoked(), *extra])

    return source


def _note_takeover(app: Flask) -> Callable[[str, int], None]:
    def note(device_id: str, _count: int) -> None:
        with app.app_context(), unit_of_work():
            taken_over.send(None, devices=[device_id])

    return note


def _report_alive(app: Flask, stop: threading.Event) -> None:
    while True:
        try:
            with app.app_context(), unit_of_work() as current:
                roles.report(current, "broker", os.getpid(), {})
        except Exception:
            log.exception("broker_report_failed")
        if stop.wait(roles.REPORT_EVERY.total_seconds()):
            return


ROLES: dict[str, Callable[[Flask, Settings], None]] = {"all": _all, "web": _web, "worker": _worker, "broker": _broker}


def command(app: Flask, settings: Settings) -> click.Command:
    """The `flask serve` command of an application."""

    @click.command("serve")
    @click.option("--role", type=click.Choice(sorted(ROLES)), default="all", show_default=True)
    def serve_command(role: str) -> None:
        """Run the server, or one of its processes."""
        if role != "all":
            die_with_parent()
        serve(app, settings, role)

    return serve_command
