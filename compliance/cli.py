"""`flask compliance …`: how the fleet stands, from the server's own shell."""

from __future__ import annotations

import click
from flask.cli import AppGroup

from compliance import evaluate, exceptions, finding_views, registry, states, summary
from compliance.finding_views import Filters
from core import clock, terminal
from core.actor import system_actor

ACTOR = system_actor("cli")
UNIT = click.option("--org-unit", help="Path of names, such as /总部/电销.")
LIMIT = click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 200))

cli = AppGroup("compliance", help="What is not in order, and what follows.")


@cli.command("summary")
@UNIT
def summary_command(org_unit: str | None) -> None:
    """Phones by state and step of the ladder, findings by code."""
    with terminal.command(write=False):
        found = summary.totals(ACTOR, org_unit)
    for name, count in found.states.items():
        click.echo(f"{name:<22} {count}")
    for name, count in found.steps.items():
        click.echo(f"step {name:<17} {count}")
    if found.held:
        click.echo(f"{'locks that wait':<22} {found.held}")
    for code in found.codes:
        excepted = f"  ({code.excepted} excepted)" if code.excepted else ""
        click.echo(f"{code.code:<22} {code.devices}  {code.severity}{excepted}")


@cli.command("findings")
@click.option("--code", help="One of `flask compliance checks`.")
@click.option("--severity", type=click.Choice([str(one) for one in registry.Severity]))
@UNIT
@LIMIT
def findings_command(code: str | None, severity: str | None, org_unit: str | None, limit: int) -> None:
    """Open findings, the worst first."""
    with terminal.command(write=False):
        page = finding_views.find(ACTOR, Filters(code, severity, org_unit), None, limit)
    for one in page.items:
        excepted = f"  excepted until {clock.to_wire(one.excepted_until)}" if one.excepted_until else ""
        click.echo(
            f"{clock.to_wire(one.since)}  {one.device.id}  {one.device.serial:<16}  {one.severity:<8}  {one.code:<20}  "
            f"{one.reason.zh}{excepted}"
        )
    if page.next_cursor:
        click.echo(f"… and more; narrow the list or raise --limit (now {limit}).", err=True)


@cli.command("checks")
def checks_command() -> None:
    """Every check: code, severity, what it rests on, the ladder's word for it."""
    for check in registry.all_checks():
        click.echo(f"{check.code:<22} {check.severity:<8} {check.basis:<13} {check.ladder or '-':<14} {check.title.zh}")


@cli.command("exceptions")
@click.option("--all", "everything", is_flag=True, help="Those that ended too.")
@LIMIT
def exceptions_command(everything: bool, limit: int) -> None:
    """Exceptions, the newest first."""
    with terminal.command(write=False):
        page = exceptions.find(ACTOR, running=not everything, limit=limit)
    for one in page.items:
        click.echo(
            f"{one.id}  {one.state:<7}  until {clock.to_wire(one.until)}  {one.code:<20}  "
            f"{one.scope} {one.target_name}  {one.created_by_name}: {one.reason}"
        )


@cli.command("judge")
@click.argument("devices", nargs=-1)
def judge_command(devices: tuple[str, ...]) -> None:
    """Judge DEVICES now; without any, have the job judge the whole fleet."""
    with terminal.command():
        done = evaluate.run(devices, climb=True) if devices else states.mark_all_due()
    if devices and done < len(set(devices)):
        raise click.ClickException(f"{done} judged; the others are not in the fleet, or are being judged now")
    click.echo(f"{done} {'judged' if devices else 'marked'}")
