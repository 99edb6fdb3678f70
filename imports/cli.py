"""`flask import …`: files from the server's own shell, by the same steps as in the console."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import click
from flask.cli import AppGroup

from core import clock, jobs, terminal
from core.actor import system_actor
from core.text import LANGUAGES, negotiate
from imports import kinds, lines, templates, uploads
from imports.jobs import JOB
from imports.registry import kind_of
from imports.states import APPLYING, FAILED, PREVIEW, READING
from imports.views import Counts, ImportView

ACTOR = system_actor("cli")
WAIT_S = 600.0
SHOWN = 20

cli = AppGroup("import", help="People, phones and org units from files.")
_KINDS = click.Choice(kinds.NAMES)


@cli.command("file")
@click.argument("kind", type=_KINDS)
@click.argument("path", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--yes", is_flag=True, help="Apply what has no error without asking.")
def import_file(kind: str, path: Path, yes: bool) -> None:
    """Read a CSV or XLSX file, say what it would do, and do it once confirmed."""
    with terminal.command():
        made = uploads.create(ACTOR, kind, path.name, path.read_bytes())
    view = _work(made.id, lambda one: one.state != READING)
    if view.state == FAILED:
        raise click.ClickException(_failure(view))
    click.echo(f"{view.rows} lines: {_counts(view.planned)}")
    _show_errors(view.id)
    if not yes and not click.confirm("Apply it?"):
        with terminal.command():
            uploads.cancel(ACTOR, view.id)
        return
    with terminal.command():
        uploads.confirm(ACTOR, view.id)
    view = _work(view.id, lambda one: one.state not in (PREVIEW, APPLYING))
    if view.state == FAILED:
        raise click.ClickException(_failure(view))
    click.echo(f"Applied: {_counts(view.done)}")


@cli.command("template")
@click.argument("kind", type=_KINDS)
@click.argument("path", type=click.Path(dir_okay=False, writable=True, path_type=Path))
@click.option("--language", type=click.Choice(LANGUAGES), default=negotiate(None), show_default=True)
def template(kind: str, path: Path, language: str) -> None:
    """Write a file with the headers of a kind; its ending, .csv or .xlsx, says in which form."""
    form = path.suffix.lower().lstrip(".")
    if form not in templates.MEDIA_TYPES:
        raise click.ClickException("The file's name ends with .csv or .xlsx.")
    terminal.write_file(path, templates.render(kind_of(kind), form, language))


@cli.command("list")
def list_imports() -> None:
    """The newest imports and how they went."""
    with terminal.command(write=False):
        page = uploads.find(ACTOR)
    for view in page.items:
        figures = _counts(view.done if any(number for _, number in view.done) else view.planned)
        at = clock.to_wire(view.created_at)
        click.echo(f"{view.id}  {at}  {view.kind:<9}  {view.state:<9}  {figures:<48}  {view.file_name}")


def _work(import_id: str, done: Callable[[ImportView], bool]) -> ImportView:
    """Do the worker's part here, or wait while the worker does it."""
    ends = clock.monotonic() + WAIT_S
    while clock.monotonic() < ends:
        jobs.run(JOB)
        with terminal.command(write=False):
            view = uploads.get(ACTOR, import_id)
        if done(view):
            return view
    raise click.ClickException(f"Import {import_id} has not come to an end; see “flask import list”.")


def _show_errors(import_id: str) -> None:
    with terminal.command(write=False):
        page = lines.find(ACTOR, import_id, "error", limit=SHOWN)
    for entry in page.items:
        said = " ".join(f"[{one.column or '-'}] {one.text.zh} {one.text.en}" for one in entry.problems)
        click.echo(f"line {entry.line}: {said}", err=True)
    if page.next_cursor:
        click.echo("… and more lines with errors.", err=True)


def _counts(counts: Counts) -> str:
    return ", ".join(f"{number} {outcome}" for outcome, number in sorted(counts) if number) or "nothing"


def _failure(view: ImportView) -> str:
    return f"{view.failure.text.zh} {view.failure.text.en}" if view.failure else "failed"
