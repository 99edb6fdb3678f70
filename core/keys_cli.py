"""`flask keys …`: the key ring, looked at and rolled over."""

from __future__ import annotations

import click
from flask.cli import AppGroup

from core import audit
from core.actor import system_actor
from core.crypto.jwk import thumbprint
from core.runtime import runtime
from core.uow import unit_of_work

keys = AppGroup("keys", help="The keys of this installation.")


@keys.command("list")
def list_keys() -> None:
    """Public key ids: what phones trust, and what they encrypt to."""
    ring = runtime().ring
    for number, key in enumerate(ring.public_signing()):
        click.echo(f"sig  {'current' if number == 0 else 'trusted'}  {thumbprint(key)}")
    for number, pair in enumerate(ring.encryption_keys()):
        click.echo(f"enc  {'current' if number == 0 else 'opens  '}  {pair.kid}")
    click.echo(f"ca            {runtime().ca.fingerprint}")


@keys.command("roll-signing")
@click.option("--reason", required=True, help="Why; it stands in the audit log.")
def roll_signing(reason: str) -> None:
    """Sign with the standby key from now on and publish a new standby; phones trust it already."""
    with unit_of_work():
        kid = runtime().ring.roll_signing()
        audit.record(system_actor("cli"), "keys.signing_rolled", ("key", kid), {"reason": reason})
    click.echo(f"current signing key: {kid}")


@keys.command("roll-encryption")
@click.option("--reason", required=True, help="Why; it stands in the audit log.")
def roll_encryption(reason: str) -> None:
    """Add a newer encryption key; phones fetch it within a day, older ones still open what is under way."""
    with unit_of_work():
        kid = runtime().ring.roll_encryption()
        audit.record(system_actor("cli"), "keys.encryption_rolled", ("key", kid), {"reason": reason})
    click.echo(f"current encryption key: {kid}")
