"""`flask backup …`: take the installation away, look at what was taken, bring it back."""

from __future__ import annotations

from pathlib import Path

import click
from flask.cli import AppGroup

from core.actor import system_actor
from core.errors import ShoujiError
from core.runtime import settings
from core.terminal import command, failure, read_password
from mqtt.broker.ports import port_taken
from operations import backup, restore
from operations.errors import refused

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
CONFIRMATION = "restore"

cli = AppGroup("backup", help="Backups of the whole installation.")


@cli.command("create")
@click.option(
    "--to", "folder", type=click.Path(file_okay=False, path_type=Path), required=True, help="Folder to write into."
)
@click.option(
    "--with-keys", is_flag=True, help="Write the keys too, sealed with a passphrase (asked for, or piped in)."
)
def create(folder: Path, with_keys: bool) -> None:
    """Write a backup while the server runs."""
    passphrase = read_password(new=True) if with_keys else None
    try:
        taken = backup.take(folder, passphrase)
    except ShoujiError as error:
        raise failure(error) from error
    with command():
        backup.note(system_actor("cli"), taken)
    click.echo(f"{taken.backup}  audit entry {taken.manifest.audit_seq}, form {taken.manifest.schema_revision}")
    click.echo(f"{taken.keys}  keep it apart from the backup" if taken.keys else "The keys are not in it: --with-keys")


@cli.command("verify")
@click.argument("file", type=FILE)
def verify(file: Path) -> None:
    """Read a backup to its end and check it."""
    try:
        manifest = restore.check(file)
    except ShoujiError as error:
        raise failure(error) from error
    click.echo(f"whole: {manifest.dialect} of {manifest.made_at}, audit entry {manifest.audit_seq}")


@cli.command("restore")
@click.argument("file", type=FILE)
@click.option("--keys", "keys_path", type=FILE, help="The .keys file, where this machine has no keys yet.")
@click.option("--replace", is_flag=True, help="Put it in the place of the database that is here, which is kept aside.")
@click.option("--confirm", prompt=f"Type “{CONFIRMATION}” to go on", help=f"The word “{CONFIRMATION}”.")
def bring_back(file: Path, keys_path: Path | None, replace: bool, confirm: str) -> None:
    """Bring a backup into this installation; the server must stand."""
    if confirm != CONFIRMATION:
        raise click.ClickException(f"Nothing was changed: type “{CONFIRMATION}”. 未作任何更改。")
    try:
        if port_taken(settings().http_host, settings().http_port):
            raise refused("server_runs", "服务器仍在运行，请先停止。", "The server is running: stop it first.")
        keys = restore.Keys(keys_path, read_password()) if keys_path else None
        restored = restore.bring_back(file, keys, replace=replace)
    except ShoujiError as error:
        raise failure(error) from error
    if restored.set_aside:
        click.echo(f"The database before lies at {restored.set_aside}")
    click.echo("Restored. Start the server: it is frozen until you have looked at it and lift the freeze.")
