"""`flask notify …`: channels from the server's own shell, when the console is what one wants to be told about."""

from __future__ import annotations

import click
from flask.cli import AppGroup

from core import clock, terminal
from core.actor import system_actor
from notify import channels, deliveries

ACTOR = system_actor("cli")

cli = AppGroup("notify", help="Notification channels.")


@cli.command("list")
def list_channels() -> None:
    """Every channel and how it does."""
    with terminal.command(write=False):
        for view in channels.find(ACTOR):
            error = f" {view.last_error}" if view.last_error else ""
            click.echo(f"{view.id} {view.kind:9} {view.state}{error} {view.name} {view.target}")


@cli.command("test")
@click.argument("channel_id")
def test(channel_id: str) -> None:
    """Send a test message; `flask notify log` says what became of it."""
    with terminal.command():
        delivery_id = deliveries.send_test(ACTOR, channel_id)
    click.echo(delivery_id)


@cli.command("log")
@click.argument("channel_id")
@click.option("--limit", type=click.IntRange(1, 200), default=20, show_default=True, help="How many lines.")
def log(channel_id: str, limit: int) -> None:
    """The newest deliveries of a channel."""
    with terminal.command(write=False):
        for view in deliveries.of_channel(ACTOR, channel_id, limit=limit).items:
            error = f" {view.last_error}" if view.last_error else ""
            click.echo(f"{view.id} {clock.to_wire(view.at)} {view.state} {view.attempts} {view.kind}{error}")
