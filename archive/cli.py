"""`flask archive …`."""

from __future__ import annotations

import click
from flask.cli import AppGroup

from archive import verify
from archive.verify import Report
from core import terminal

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


def _print(report: Report) -> None:
    figures = (
        f"through {report.through}, {report.records} records, {report.contested} contested, {report.opaque} opaque, "
        f"{report.erased} erased, {report.missing} missing"
    )
    click.echo(f"{report.device_id}: {'intact' if report.intact else 'BROKEN'}: {figures}")
    for problem in report.problems:
        click.echo(f"  seq {problem.seq}: {problem.code}")
