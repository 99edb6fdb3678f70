"""`flask staff …`: administrators from the server's own shell. A password is typed or piped in, never an argument."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

import click
from flask.cli import AppGroup

from core.actor import system_actor
from core.errors import ShoujiError
from core.uow import unit_of_work
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
    password = _read_password()
    with _reported():
        people.create(ACTOR, name=name, username=username, password=password, roles=[Role.PLATFORM_ADMIN])
    click.echo(f"Created {username}.")


@cli.command("reset-password")
@click.argument("username")
@click.option("--remove-totp", is_flag=True, help="Remove the second factor too.")
def reset_password(username: str, remove_totp: bool) -> None:
    """Set a new password and end all sessions."""
    password = _read_password()
    with _reported():
        person_id = people.id_of(ACTOR, username)
        people.change(ACTOR, person_id, PersonChanges(frozenset({"password"}), password=password))
        if remove_totp:
            totp.reset(ACTOR, person_id)
    click.echo(f"The password of {username} is set; all sessions are ended.")


@contextmanager
def _reported() -> Iterator[None]:
    """One unit of work; an expected error is said in both languages and ends the command."""
    try:
        with unit_of_work():
            yield
    except ShoujiError as error:
        raise click.ClickException(f"{error.text.zh} {error.text.en}") from error


def _read_password() -> str:
    if sys.stdin.isatty():
        return str(click.prompt("Password", hide_input=True, confirmation_prompt=True))
    return sys.stdin.readline().rstrip("\r\n")
