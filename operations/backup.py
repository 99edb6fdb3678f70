"""Taking an installation away in a file, while it runs."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy import make_url

from core import audit, clock, witness
from core.actor import Actor
from core.errors import Conflict
from core.installation import BACKED_UP
from core.runtime import runtime, settings
from core.text import Text
from operations import backup_file, database, keys_file
from operations.backup_file import DATABASE, FORMAT, WITNESS, Manifest


@dataclass(frozen=True, slots=True)
class Taken:
    """A backup that was made: where it is, and its keys if they were taken too."""

    backup: Path
    keys: Path | None
    manifest: Manifest


def take(folder: Path, passphrase: str | None = None) -> Taken:
    """Write `shouji-<time>.backup` into the folder, and `shouji-<time>.keys` when there is a passphrase.

    Needs no unit of work: to hold one while much is copied would hold up whoever writes.

    Raises Conflict when a file of that name is there, Invalid for a weak passphrase, Unavailable when PostgreSQL's
    programs are missing or fail.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    name = f"shouji-{clock.now():%Y%m%dT%H%M%SZ}"
    target, keys = folder / f"{name}.backup", folder / f"{name}.keys"
    if target.exists():
        raise Conflict("backup_exists", Text(f"{target} 已存在。", f"{target} is there already."))
    if passphrase is not None:
        keys_file.require_strength(passphrase)
    manifest = _write(target)
    if passphrase is not None:
        keys_file.write(keys, settings().keys_dir, passphrase)
    return Taken(target, keys if passphrase is not None else None, manifest)


def note(actor: Actor, taken: Taken) -> None:
    """Take down in the audit log what left the house."""
    detail = {"file": taken.backup.name, "sha256": backup_file.digest(taken.backup), "keys": taken.keys is not None}
    audit.record(actor, BACKED_UP, ("installation", "database"), detail)


def _write(target: Path) -> Manifest:
    url = make_url(settings().database)
    with TemporaryDirectory(prefix=".shouji-backup-", dir=target.parent) as folder:
        parts = {DATABASE: Path(folder) / DATABASE, WITNESS: Path(folder) / WITNESS}
        facts = database.copy_out(url, parts[DATABASE])
        # After the database: a witness that knows more than the copy loses nothing.
        if witness.path().exists():
            shutil.copyfile(witness.path(), parts[WITNESS])
        else:
            parts[WITNESS].touch()
        manifest = Manifest(
            format=FORMAT,
            made_at=clock.to_wire(clock.now()),
            dialect=url.get_backend_name(),
            schema_revision=facts.schema,
            audit_seq=facts.audit_seq,
            audit_hash=facts.audit_hash,
            ca_fingerprint=runtime().ca.fingerprint,
            digests={name: backup_file.digest(path) for name, path in parts.items()},
        )
        backup_file.write(target, manifest, parts)
    return manifest
