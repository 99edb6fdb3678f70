"""`flask documents …`: plan, apply and export from files or folders, for policies kept under version control."""

from __future__ import annotations

from pathlib import Path

import click
from flask.cli import AppGroup

from core import terminal
from core.actor import system_actor
from policies import apply, documents, sources
from policies.apply import Outcome
from policies.language.parse import Parsed

ACTOR = system_actor("cli")
SIGNS = {"create": "+", "change": "~", "delete": "-", "none": "="}

cli = AppGroup("documents", help="Policies, keyword sets, calendars, groups and assignments as files.")

_files = click.option(
    "-f",
    "--file",
    "source",
    required=True,
    type=click.Path(exists=True, path_type=Path),
    help="A file, or a folder of YAML and JSON files.",
)
_prune = click.option("--prune", is_flag=True, help="Also delete what was kept in files and is not among these.")


@cli.command("plan")
@_files
@_prune
def plan_command(source: Path, prune: bool) -> None:
    """Print what would change, how many phones it touches and what becomes looser."""
    parsed = _read(source)
    with terminal.command(write=False):
        _show(apply.plan_parsed(ACTOR, parsed, prune=prune, managed_by="files"))


@cli.command("apply")
@_files
@_prune
@click.option("--publish", is_flag=True, help="Publish the drafts too.")
@click.option("--reason", default="", help="Why, for the audit log.")
def apply_command(source: Path, prune: bool, publish: bool, reason: str) -> None:
    """Store the documents in one transaction."""
    # Long files take seconds to read: nobody waits for the write lock meanwhile.
    parsed = _read(source)
    with terminal.command():
        _show(apply.apply_parsed(ACTOR, parsed, publishing=publish, prune=prune, reason=reason, managed_by="files"))


@cli.command("export")
@click.option(
    "-f", "--file", "target", type=click.Path(dir_okay=False, path_type=Path), help="Write here instead of printing."
)
def export_command(target: Path | None) -> None:
    """All documents as one YAML text, or as JSON where the file's name ends in .json."""
    with terminal.command(write=False):
        as_json = target is not None and sources.form_of(target) == "json"
        text = documents.export_json(ACTOR) if as_json else documents.export(ACTOR)
    if target is None:
        click.echo(text, nl=False)
    else:
        terminal.write_file(target, text.encode())


policy = AppGroup("policy", help="The same as `documents`.", commands=cli.commands)


def _read(source: Path) -> list[Parsed]:
    """All documents of a file or folder; whatever is wrong with them ends the command."""
    try:
        return sources.read(source)
    except sources.FilesRefused as refused:
        raise click.ClickException("\n".join(refused.lines)) from refused


def _show(outcome: Outcome) -> None:
    for change in outcome.changes:
        click.echo(f"{SIGNS[change.action]} {change.kind}/{change.name}")
        for field in change.fields:
            click.echo(f"    {field.path}: {field.old!r} -> {field.new!r}")
    click.echo(f"devices: {outcome.review.devices}")
    for place in outcome.review.looser:
        click.echo(f"looser: {place.path} ({place.devices} devices)")
    for place in outcome.review.tighter:
        click.echo(f"tighter: {place.path} ({place.devices} devices)")
    for version in outcome.published:
        click.echo(f"published: {version.kind}/{version.name} v{version.version}")
    if outcome.rollout:
        click.echo(f"rollout: {outcome.rollout}")
