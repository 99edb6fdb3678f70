"""`flask staff …`: administrators from the server's own shell. A password is typed or piped in, never an argument."""

from __future__ import annotations

import click
from flask.cli import AppGroup

from core import terminal
from core.actor import system_actor
from identity import people, totp
from identity.people import PersonChanges
from identity.roles import Role

ACTOR = system_actor("cli")

cli = AppGroup("staff", help="Administrators and their passwords.")


@cli.command("create-admin")
@click.argument("username")
@click.option("--name", default="管理员", show_default=True, help="Name as colleagues see it.")
def create_admin(username: str, name: str) -> None:
    """Create a platform administrator."""
    password = terminal.read_password(new=True)
    with terminal.command(reading=True):
        people.create(ACTOR, name=name, username=username, password=password, roles=[Role.PLATFORM_ADMIN])
    click.echo(f"Created {username}.")


@cli.command("reset-password")
@click.argument("username")
@click.option("--remove-totp", is_flag=True, help="Remove the second factor too.")
def reset_password(username: str, remove_totp: bool) -> None:
    """Set a new password and end all sessions."""
    password = terminal.read_password(new=True)
    with terminal.command(reading=True):
        person_id = people.id_of(ACTOR, username)
        people.change(ACTOR, person_id, PersonChanges(frozenset({"password"}), password=password))
        if remove_totp:
            totp.reset(ACTOR, person_id)
    click.echo(f"The password of {username} is set; all sessions are ended.")
