"""`flask archive …`."""

from __future__ import annotations

import click
from flask.cli import AppGroup

from archive import shadow_read, simulate, verify
from archive.verify import Report
from core import terminal
from core.actor import system_actor

cli = AppGroup("archive", help="Records of phones.")


@cli.command("verify")
@click.argument("device", required=False)
def verify_command(device: str | None) -> None:
    """Verify the stored chain of DEVICE, or of all; ends with an error when one does not hold."""
    broken = 0
    with terminal.command(write=False):
        for report in [verify.device(device)] if device else verify.every_device():
            _print(report)
            broken += not report.intact
    if broken:
        raise click.ClickException(f"{broken} chains do not verify")


@cli.command("shadow")
@click.argument("document")
@click.option("--days", default=shadow_read.WEEK, type=click.IntRange(1, shadow_read.MAX_DAYS), help="Today included.")
def shadow_command(document: str, days: int) -> None:
    """What rules in the shadow would have done; DOCUMENT is Policy/NAME or KeywordSet/NAME."""
    kind, name = _named(document)
    with terminal.command(write=False):
        found = shadow_read.counts(system_actor("cli"), kind, name, days)
    click.echo(f"{document}: {found.messages} messages of {found.phones} phones in {found.days} days")
    for rule in found.rules:
        named = f"{rule.policy} v{rule.policy_version}, {rule.keyword_set} v{rule.set_version}"
        click.echo(f"  {named}: {rule.action}: {rule.messages} messages of {rule.phones} phones")
    for term in found.terms:
        click.echo(f"  {term.keyword_set}: {term.term or '–'} ({term.id}): {term.messages}")


@cli.command("simulate")
@click.argument("document")
@click.option("--days", default=simulate.WEEK, type=click.IntRange(1, simulate.MAX_DAYS), help="Today included.")
@click.option("--org-unit", help="Its phones and those below alone.")
def simulate_command(document: str, days: int, org_unit: str | None) -> None:
    """What the draft of DOCUMENT (Policy/NAME or KeywordSet/NAME) would have done with the archive."""
    kind, name = _named(document)
    with terminal.command(reading=True):
        found = simulate.simulate(system_actor("cli"), kind, name, days=days, org_unit=org_unit)
    against = f"v{found.version}" if found.version else "nothing"
    click.echo(f"{document}: {found.records} records of {found.days} days, against {against} in force")
    for rule in found.rules:
        click.echo(f"  {rule.rule}: {rule.action}: {rule.hits} ({rule.before} before, +{rule.new} -{rule.gone})")
    for unit in found.by_unit:
        click.echo(f"  {unit.name}: {unit.hits} ({unit.before} before, +{unit.new} -{unit.gone})")


def _named(document: str) -> tuple[str, str]:
    kind, _, name = document.partition("/")
    if kind not in shadow_read.KINDS:
        raise click.ClickException("name it as Policy/NAME or KeywordSet/NAME")
    return kind, name


def _print(report: Report) -> None:
    figures = (
        f"through {report.through}, {report.records} records, {report.contested} contested, {report.opaque} opaque, "
        f"{report.erased} erased, {report.missing} missing"
    )
    click.echo(f"{report.device_id}: {'intact' if report.intact else 'BROKEN'}: {figures}")
    for problem in report.problems:
        click.echo(f"  seq {problem.seq}: {problem.code}")
