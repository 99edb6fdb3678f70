"""`flask doctor`: looks at an installation from outside and says what is wrong and what to do."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

import click
from flask.cli import with_appcontext
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from core import audit, clock, jobs, migrate, outbox, roles, witness
from core.actor import system_actor
from core.crypto.attestation import read_trust
from core.crypto.crl import read_crl
from core.crypto.x509 import certificate_end
from core.db import db
from core.installation import BACKED_UP
from core.runtime import runtime
from core.uow import unit_of_work
from mqtt.broker.errors import BrokerError
from mqtt.broker.files import BrokerFiles
from mqtt.broker.process import find_mosquitto
from policies import calendar_years

FREE_BYTES = 1_000_000_000
OUTBOX_ROWS = 10_000
CERTIFICATE_WARNING = timedelta(days=14)
CRL_AGE = timedelta(days=2)
BACKUP_AGE = timedelta(days=2)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at: fine, or what is wrong and what to do."""

    what: str
    wrong: str = ""


Check = Callable[[], Iterator[Finding]]


def _database() -> Iterator[Finding]:
    try:
        with unit_of_work(write=False) as session:
            session.execute(text("SELECT 1"))
    except SQLAlchemyError as error:
        yield Finding("database", f"not reached ({type(error).__name__}): check SHOUJI_DATABASE_URL")
        return
    current = migrate.is_current(db.engine)
    yield Finding("database", "" if current else "of another version: run `flask db upgrade`")
    if current:
        yield from _stored()
        yield from _calendars()


def _stored() -> Iterator[Finding]:
    with unit_of_work(write=False) as session:
        broken = audit.verify_chain(session)
        yield Finding("audit chain", "" if broken is None else f"does not verify at entry {broken}: keep a copy")
        restored = witness.is_restored(session)
        yield Finding("witness", "the database is older than the witness file: restart the worker" if restored else "")
        waiting = outbox.depth(session)
        yield Finding("outbox", f"{waiting} effects wait: is the worker up?" if waiting > OUTBOX_ROWS else "")
        away = roles.away()
        yield Finding("processes", f"away: {', '.join(away)}: is `flask serve` running?" if away else "")
        failed = [name for name, run in sorted(jobs.last_runs(session).items()) if run.outcome != "done"]
        yield Finding("jobs", f"failed last time: {', '.join(failed)}: see the log" if failed else "")
        yield Finding("backup", _backup_is_wrong(audit.newest(session, BACKED_UP), audit.began(session)))


def _backup_is_wrong(newest: datetime | None, began: datetime | None) -> str:
    """A new installation has a while until its first backup is missed."""
    age = clock.now() - (newest or began or clock.now())
    if age <= BACKUP_AGE:
        return ""
    if newest is None:
        return "none was ever made: `flask backup create --to FOLDER`, then daily (docs/operations.md)"
    return f"the newest is {age.days} days old: does the timer run?"


def _keys() -> Iterator[Finding]:
    open_files = [path for path in runtime().ring.folder.rglob("*") if path.is_file() and path.stat().st_mode & 0o077]
    wrong = f"{open_files[0]} is readable by others: chmod 600" if open_files else ""
    yield Finding("key ring", wrong)


def _disk() -> Iterator[Finding]:
    free = shutil.disk_usage(runtime().settings.data_dir).free
    yield Finding("disk", "" if free > FREE_BYTES else f"{free // 1_000_000} MB left in the data folder")


def _broker() -> Iterator[Finding]:
    settings = runtime().settings
    if settings.broker_url:
        yield Finding("broker (outside)", "")
        return
    try:
        find_mosquitto(settings)
        yield Finding("mosquitto", "")
    except BrokerError as error:
        yield Finding("mosquitto", error.text.en)
    files = BrokerFiles.in_data_dir(settings.data_dir)
    if files.certificate.exists():
        left = certificate_end(files.certificate) - clock.now()
        yield Finding("broker certificate", "" if left > CERTIFICATE_WARNING else f"ends in {left.days} days: restart")
    if files.crl.exists():
        yield Finding("revocation list", _list_is_wrong(files.crl.read_bytes()))


def _list_is_wrong(pem: bytes) -> str:
    try:
        age = clock.now() - read_crl(pem, runtime().ca).issued_at
    except ValueError as error:
        return f"{error}: run `flask broker check`"
    return f"is {age.days} days old and should be renewed daily: is the broker role up?" if age > CRL_AGE else ""


def _calendars() -> Iterator[Finding]:
    with unit_of_work(write=False):
        lacking = calendar_years.missing(system_actor("doctor"))
    shown = ", ".join(f"{one.calendar} {one.year}{' (provisional)' if one.provisional else ''}" for one in lacking)
    yield Finding("calendars", f"no announced days of {shown}: import them and publish" if lacking else "")


def _attestation() -> Iterator[Finding]:
    here = runtime().settings
    wrong = ""
    try:
        read_trust(here.attestation_roots, here.attestation_revoked)
    except (OSError, ValueError) as error:
        wrong = f"{error}: no chain is believed until it is readable"
    yield Finding("attestation", wrong)


CHECKS: tuple[Check, ...] = (_database, _keys, _attestation, _disk, _broker)


@click.command("doctor")
@with_appcontext
def command() -> None:
    """Check the installation; ends with status 1 when something is wrong."""
    findings = [finding for check in CHECKS for finding in check()]
    for finding in findings:
        click.echo(f"WRONG {finding.what}: {finding.wrong}" if finding.wrong else f"ok    {finding.what}")
    if any(finding.wrong for finding in findings):
        raise SystemExit(1)
