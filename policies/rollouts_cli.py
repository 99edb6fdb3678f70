"""`flask rollouts …`: rollouts from the server's own shell."""

from __future__ import annotations

import json
from collections.abc import Callable

import click
from flask.cli import AppGroup

from core import clock, terminal
from core.actor import Actor, system_actor
from policies import in_force_when, rollout_actions, rollout_reading
from policies.rollout_figures import CLASSES

ACTOR = system_actor("cli")
SECOND_PERSON = ("approve", "deny")
ACTS: dict[str, Callable[[Actor, str, str], object]] = {
    **{name: act for name, act in rollout_actions.ACTS.items() if name not in SECOND_PERSON},
    "rollback": rollout_actions.rollback,
}

cli = AppGroup("rollouts", help="Changes of policies on their way to phones.")


@cli.command("list")
@click.option("--limit", default=20, show_default=True, type=click.IntRange(1, 200))
def list_command(limit: int) -> None:
    """One line for each rollout, the newest first."""
    with terminal.command(write=False):
        page = rollout_reading.find(ACTOR, limit=limit)
    for one in page.items:
        carried = ", ".join(f"{doc['kind']}/{doc['name']} v{doc['version']}" for doc in one.documents) or one.kind
        click.echo(f"{one.id}  {one.state:<16}  {clock.to_wire(one.created_at)}  {carried}")


@cli.command("show")
@click.argument("rollout_id")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def show_command(rollout_id: str, as_json: bool) -> None:
    """The rings of a rollout and their figures."""
    with terminal.command(write=False):
        view = rollout_reading.get(ACTOR, rollout_id)
    if as_json:
        click.echo(json.dumps(view.model_dump(mode="json"), ensure_ascii=False, indent=2))
        return
    click.echo(f"{view.state}{' emergency' if view.emergency else ''}  {json.dumps(view.why, ensure_ascii=False)}")
    for ring in view.rings:
        counted = "  ".join(f"{name} {ring.devices[name]}" for name in CLASSES if ring.devices[name])
        times = "  ".join(f"{name} {seconds:g} s" for name, seconds in ring.seconds.items())
        click.echo(f"{ring.position + 1}. {ring.name:<16} {ring.state:<10} {counted}  {times}".rstrip())


@cli.command("act")
@click.argument("act", type=click.Choice(list(ACTS)))
@click.argument("rollout_id")
@click.option("--reason", required=True, help="Why, for the audit log.")
def act_command(act: str, rollout_id: str, reason: str) -> None:
    """Start, pause, resume, skip the wait, stop, bring to everyone at once, or roll back."""
    with terminal.command():
        made = ACTS[act](ACTOR, rollout_id, reason)
    click.echo(made or "done")


@cli.command("nudge")
@click.argument("rollout_id")
def nudge_command(rollout_id: str) -> None:
    """Send the desired state again to every phone that has not answered."""
    with terminal.command():
        count = rollout_actions.nudge(ACTOR, rollout_id)
    click.echo(f"{count} phones")


@cli.command("in-force")
@click.argument("device_id")
@click.argument("at")
def in_force_command(device_id: str, at: str) -> None:
    """What a phone had in force at a past minute (RFC 3339 with a zone), as JSON."""
    try:
        moment = clock.from_wire(at)
    except ValueError as error:
        raise click.BadParameter("2026-11-01T09:30:00+08:00", param_hint="AT") from error
    with terminal.command(write=False):
        view = in_force_when.evidence(ACTOR, device_id, moment)
    click.echo(json.dumps(view.model_dump(mode="json"), ensure_ascii=False, indent=2))
