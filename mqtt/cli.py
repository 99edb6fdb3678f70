"""Broker commands: try its doors, and set up an outside one."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import click
from flask.cli import AppGroup

from core.runtime import runtime
from mqtt.broker.acl import for_outside_broker
from mqtt.broker.errors import BrokerError
from mqtt.broker.external import issue_certificate
from mqtt.broker.opening import open_admin

broker = AppGroup("broker", help="The MQTT broker.")


@broker.command("check")
def check() -> None:
    """Try every door of the broker with canaries; ends with 1 when one is not as it must be."""
    current = runtime()
    try:
        report = open_admin(current.settings, current.ca, _no_list).probe()
    except BrokerError as error:
        click.echo(f"{error.text.zh}\n{error.text.en}\n{error.members.get('detail', '')}".rstrip(), err=True)
        raise SystemExit(1) from None
    for item in report.checks:
        click.echo(f"{'ok  ' if item.passed else 'FAIL'}  {item.name:32} {item.seen}")
    if report.dropped_messages:
        click.echo(f"The broker dropped {report.dropped_messages} messages since its start.")
    click.echo(f"{'Safe' if report.safe else 'UNSAFE'}, {report.duration_ms:.0f} ms.")
    if not report.safe:
        raise SystemExit(1)


@broker.command("print-acl")
@click.argument("username", default="shouji")
def print_acl(username: str) -> None:
    """Print the ACL that an outside Mosquitto needs on both listeners; USERNAME is the server's user there."""
    click.echo(for_outside_broker(username), nl=False)


@broker.command("certificate")
@click.argument("hosts", nargs=-1, required=True)
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), required=True, help="Folder to write to.")
def certificate(hosts: tuple[str, ...], out: Path) -> None:
    """Issue the certificate of an outside broker for its HOSTS (names or addresses that phones use)."""
    issue_certificate(runtime().ca, hosts, out)
    click.echo(f"Wrote broker.pem, broker.key and ca.pem to {out}.")


def _no_list(_extra: Sequence[tuple[str, datetime]]) -> bytes:
    raise RuntimeError("a check writes no revocation list")
