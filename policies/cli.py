"""`flask documents …`: plan, apply and export from files or folders, for policies kept under version control."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
from flask.cli import AppGroup

from core import terminal
from core.actor import system_actor
from policies import apply, documents
from policies.apply import Outcome
from policies.language.problems import Refused

ACTOR = system_actor("cli")
SIGNS = {"create": "+", "change": "~", "delete": "-", "none": "="}
SUFFIXES = (".yaml", ".yml")

cli = AppGroup("documents", help="Policies, keyword sets, calendars, groups and assignments as files.")

_files = click.option(
    "-f",
    "--file",
    "source",
    required=True,
    type=click.Path(exists=True, path_type=Path),
    help="A file, or a folder of YAML files.",
)
_prune = click.option("--prune", is_flag=True, help="Also delete what was kept in files and is not among these.")


@cli.command("plan")
@_files
@_prune
def plan_command(source: Path, prune: bool) -> None:
    """Print what would change, how many phones it touches and what becomes looser."""
    with _reported(write=False):
        _show(apply.plan(ACTOR, _read(source), prune=prune, managed_by="files"))


@cli.command("apply")
@_files
@_prune
@click.option("--publish", is_flag=True, help="Publish the drafts too.")
@click.option("--reason", default="", help="Why, for the audit log.")
def apply_command(source: Path, prune: bool, publish: bool, reason: str) -> None:
    """Store the documents in one transaction."""
    with _reported():
        _show(apply.apply(ACTOR, _read(source), publishing=publish, prune=prune, reason=reason, managed_by="files"))


@cli.command("export")
@click.option(
    "-f", "--file", "target", type=click.Path(dir_okay=False, path_type=Path), help="Write here instead of printing."
)
def export_command(target: Path | None) -> None:
    """All documents as one YAML text."""
    with _reported(write=False):
        text = documents.export(ACTOR)
    if target is None:
        click.echo(text, nl=False)
    else:
        target.write_text(text, encoding="utf-8")


def _read(source: Path) -> bytes:
    """One YAML text of a file, or of all files of a folder in the order of their names."""
    files = [source] if source.is_file() else sorted(p for p in source.rglob("*") if p.suffix in SUFFIXES)
    if not files:
        raise click.ClickException(f"{source}: 没有 YAML 文件。 There is no YAML file.")
    return b"\n---\n".join(path.read_bytes() for path in files)


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


@contextmanager
def _reported(*, write: bool = True) -> Iterator[None]:
    """One unit of work; problems are listed with line and column and end the command."""
    with terminal.command(write=write):
        try:
            yield
        except Refused as error:
            lines = [f"{p.line}:{p.column} {p.path}: {p.text.zh} {p.text.en}" for p in error.problems]
            raise click.ClickException("\n".join(lines)) from error
