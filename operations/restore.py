"""Bringing an installation back from a file: on the same machine, or on another one with nothing but the keys."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy import URL, make_url

from core import migrate, witness
from core.crypto.keyring import KeyRing
from core.crypto.x509 import CertificateAuthority
from core.db import db
from core.runtime import settings
from operations import backup_file, database, keys_file
from operations.backup_file import DATABASE, WITNESS, Manifest
from operations.errors import not_a_backup, refused


@dataclass(frozen=True, slots=True)
class Restored:
    """What was brought in, and where the database before it lies now."""

    manifest: Manifest
    set_aside: str | None


@dataclass(frozen=True, slots=True)
class Keys:
    """The file of keys and what opens it."""

    file: Path
    passphrase: str


def check(source: Path) -> Manifest:
    """Read a backup to its end and check every digest, and the database in it where that is a file. Raises Invalid."""
    with _opened(source) as (manifest, _):
        return manifest


@contextmanager
def _opened(source: Path) -> Iterator[tuple[Manifest, Path]]:
    with backup_file.opened(source) as (manifest, folder):
        if manifest.dialect == "sqlite":
            facts = database.sqlite_facts(folder / DATABASE)
            if (facts.audit_seq, facts.audit_hash) != (manifest.audit_seq, manifest.audit_hash):
                raise not_a_backup("its audit log ends elsewhere than its manifest says")
        yield manifest, folder


def bring_back(source: Path, keys: Keys | None, *, replace: bool) -> Restored:
    """Fill this installation from a backup; it must stand. The next start recovers: frozen, revocations applied again.

    Needs an empty database unless `replace`, and the keys that the backup was made with, here or in their file.
    Raises Invalid or Conflict before anything is changed.
    """
    url = make_url(settings().database)
    with _opened(source) as (manifest, folder):
        _fits(manifest, url)
        empty = database.is_empty(url)
        if not empty and not replace:
            raise refused(
                "database_not_empty",
                "此处已有数据库。确认要替换时请加 --replace；原库会另存，不会删除。",
                "There is a database here. Say --replace to put the backup in its place; the old one is kept aside.",
            )
        seen = _joined(folder / WITNESS)
        _bring_keys(manifest, keys)
        db.engine.dispose()
        aside = None if empty else database.set_aside(url)
        database.bring_in(url, folder / DATABASE)
        witness.path().write_text(seen, "utf-8")
        witness.path().chmod(0o600)
        witness.mark_restored(witness.path(), {"made_at": manifest.made_at, "audit_seq": manifest.audit_seq})
    return Restored(manifest, aside)


def _fits(manifest: Manifest, url: URL) -> None:
    if manifest.dialect != url.get_backend_name():
        raise refused(
            "other_database",
            f"备份来自 {manifest.dialect}，而 SHOUJI_DATABASE_URL 指向 {url.get_backend_name()}。",
            f"The backup is of {manifest.dialect}, and SHOUJI_DATABASE_URL names {url.get_backend_name()}.",
        )
    if not migrate.knows(manifest.schema_revision):
        raise refused(
            "newer_backup",
            f"备份的数据库版本 {manifest.schema_revision} 比本程序新：请先升级程序。",
            f"The backup's database form {manifest.schema_revision} is newer than this program: update it first.",
        )


def _joined(backed_up: Path) -> str:
    """The witness file to have: the one here when it goes on from the backup's, else the backup's."""
    then = backed_up.read_text("utf-8")
    here = witness.path().read_text("utf-8") if witness.path().exists() else ""
    if here.startswith(then):
        return here
    if then.startswith(here):
        return then
    raise refused(
        "other_witness",
        f"{witness.path()} 属于另一套安装。请核对 SHOUJI_DATA_DIR；确认无误后先把该文件移走。",
        f"{witness.path()} is of another installation. Check SHOUJI_DATA_DIR, or move that file away first.",
    )


def _bring_keys(manifest: Manifest, keys: Keys | None) -> None:
    ring = settings().keys_dir
    if keys_file.is_unused(ring):
        if keys is None:
            raise refused(
                "keys_missing",
                "此处没有密钥：请用 --keys 指定备份时一同生成的 .keys 文件。",
                "There are no keys here: name the .keys file that was made with the backup with --keys.",
            )
        with TemporaryDirectory(prefix=".keys-", dir=ring.parent) as draft:
            keys_file.read(keys.file, keys.passphrase, Path(draft))
            _belongs(manifest, Path(draft))
            shutil.copytree(draft, ring, dirs_exist_ok=True)
    _belongs(manifest, ring)


def _belongs(manifest: Manifest, ring: Path) -> None:
    if CertificateAuthority(KeyRing.open(ring), "").fingerprint != manifest.ca_fingerprint:
        raise refused(
            "other_keys",
            "密钥与备份不属于同一套安装：封存内容将无法打开，手机也会拒绝连接。",
            "The keys are of another installation than the backup: nothing sealed would open, no phone would come.",
        )
