"""`flask device …`: phones from the server's own shell."""

from __future__ import annotations

import json

import click
from flask.cli import AppGroup

from core import terminal
from core.actor import system_actor
from fleet import devices
from fleet.devices import Filters

ACTOR = system_actor("cli")

cli = AppGroup("device", help="Phones in the fleet.")


@cli.command("list")
@click.option("--q", help="Part of a serial, model, holder's name or employee number.")
@click.option("--state", type=click.Choice(["active", "lost", "retired", "wiped"]))
@click.option("--online/--offline", default=None)
@click.option("--org-unit", help="Path of names, such as /总部/电销.")
@click.option("--compliance", type=click.Choice(["compliant", "noncompliant", "unknown"]))
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 200))
def list_command(
    q: str | None, state: str | None, online: bool | None, org_unit: str | None, compliance: str | None, limit: int
) -> None:
    """One line for each phone, the newest enrollment first."""
    with terminal.command(write=False):
        page = devices.find(ACTOR, Filters(q, state, online, None, org_unit, compliance), None, limit)
    for one in page.items:
        there = "online" if one.presence.online else "offline"
        holder = one.holder.employee_no or one.holder.name or "-"
        click.echo(
            f"{one.id}  {one.state:<7}  {there:<7}  {one.compliance.state:<12}  {one.serial:<16}  {one.model:<14}  "
            f"{holder:<12}  {one.org_unit}"
        )
    if page.next_cursor:
        click.echo(f"… and more; narrow the list or raise --limit (now {limit}).", err=True)


@cli.command("show")
@click.argument("device_id")
def show_command(device_id: str) -> None:
    """All that is known of one phone, as JSON."""
    with terminal.command(write=False):
        view = devices.get(ACTOR, device_id)
    click.echo(json.dumps(view.model_dump(mode="json"), ensure_ascii=False, indent=2))
