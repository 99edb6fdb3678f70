"""Kernel commands: database and jobs."""

from __future__ import annotations

import click
from flask.cli import AppGroup

from core import clock, jobs, migrate, terminal
from core.db import db
from core.errors import NotFound
from core.uow import unit_of_work

database = AppGroup("db", help="The database.")
jobs_group = AppGroup("jobs", help="Jobs that the clock starts.")


@database.command("upgrade")
def upgrade() -> None:
    """Bring the database to the newest form."""
    migrate.upgrade(db.engine)
    click.echo("The database is up to date.")


@database.command("revision")
@click.argument("message")
def revision(message: str) -> None:
    """Write a migration from the difference between models and database (for developers)."""
    migrate.revise(db.engine, message)


@jobs_group.command("list")
def list_jobs() -> None:
    """Every job, when it is due and how its newest run went."""
    with unit_of_work(write=False) as session:
        runs = jobs.last_runs(session)
        for job in jobs.all_jobs():
            due = job.cron or f"every {job.every}"
            run = runs.get(job.name)
            last = f"{clock.to_wire(run.finished_at)} {run.outcome} {run.detail}" if run else "never"
            click.echo(f"{job.name:24} {due:18} {last}")


@jobs_group.command("run")
@click.argument("name")
def run_job(name: str) -> None:
    """Run one job now."""
    try:
        outcome = jobs.run(name)
    except NotFound as error:
        raise terminal.failure(error) from error
    click.echo(outcome)
    if outcome not in ("done", "idle"):
        raise SystemExit(1)
