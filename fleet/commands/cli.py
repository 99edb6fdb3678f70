"""`flask device wipe …`: asked for by a person who signs in, approved by another as everywhere else."""

from __future__ import annotations

import click

from core import terminal
from core.actor import Actor
from core.errors import ShoujiError
from core.uow import unit_of_work
from fleet import queries
from fleet.cli import cli
from fleet.commands import request
from fleet.commands.request import Wish
from identity import authentication, sessions, sign_in


@cli.command("wipe")
@click.argument("device_id")
@click.option("--reason", required=True, help="Why; the second person reads it.")
@click.option("--user", required=True, help="User name of whoever asks; the password is typed or piped in.")
@click.option("--scope", type=click.Choice(["device", "work_data"]), default="device", show_default=True)
@click.option("--discard-records", is_flag=True, help="Do not let the phone send its queue first.")
@click.option(
    "--deadline", type=click.IntRange(0, 604_800), default=900, show_default=True, help="Seconds for the queue."
)
@click.option("--confirm", help="The phone's serial, typed out; asked for when it is missing.")
def wipe_command(
    device_id: str, reason: str, user: str, scope: str, discard_records: bool, deadline: int, confirm: str | None
) -> None:
    """Ask for a wipe. It waits until a second person approves it."""
    actor = _sign_in(user, terminal.read_password())
    with terminal.command(write=False):
        serial = queries.ref(actor, device_id).serial
    typed = confirm if confirm is not None else click.prompt(f"Type the serial {serial} to confirm", type=str)
    if typed.strip() != serial:
        raise click.ClickException("序列号不符，未执行。 The serial does not match; nothing was done.")
    args = {"scope": scope, "preserve_records": not discard_records, "deadline_s": deadline}
    with terminal.command():
        requested = request.send(actor, device_id, Wish("wipe", args, reason))
        sessions.sign_out(actor)
    click.echo(f"{requested.id} {requested.status}")


def _sign_in(user: str, password: str) -> Actor:
    """The person, with a session that ends with the command; asks for a second factor where there is one."""
    try:
        with unit_of_work(reading=True):
            return _actor(user, password, None)
    except ShoujiError as error:
        if error.code != "otp_required":
            raise terminal.failure(error) from error
    code = str(click.prompt("6-digit code", type=str))
    with terminal.command():
        return _actor(user, password, code)


def _actor(user: str, password: str, code: str | None) -> Actor:
    token = sign_in.api(user, password, code).token
    actor = authentication.actor_from_request_credentials(token, None)
    if actor is None:
        raise click.ClickException("无法登录。 Could not sign in.")
    return actor
