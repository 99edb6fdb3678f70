"""What a backup and a restore refuse, before anything is changed."""

from __future__ import annotations

import shutil
import socket
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import Result
from flask import Flask
from sqlalchemy import select

from app import create_app
from bench.postgres import PostgresCluster
from config.settings import Settings
from core import migrate
from core.audit import AuditEntry
from core.db import db
from core.installation import BACKED_UP
from core.runtime import runtime
from core.uow import unit_of_work
from operations.database import is_empty
from tests.broker.parts import free_port
from tests.support.server import ROOT

PASSPHRASE = "correct horse battery"


@dataclass
class Machine:
    """An installation without its processes, and the operator's command line on it."""

    app: Flask

    @classmethod
    def make(cls, folder: Path, database_url: str) -> Machine:
        ports = {"http_port": free_port(), "mqtt_port": free_port()}
        return cls(create_app(Settings(data_dir=folder, database_url=database_url, **ports)))  # type: ignore[arg-type]

    def run(self, *words: str, typed: str = "") -> Result:
        return self.app.test_cli_runner().invoke(args=["backup", *words], input=typed)

    @property
    def settings(self) -> Settings:
        with self.app.app_context():
            return runtime().settings


@pytest.fixture
def machine(migrated_app: Flask) -> Machine:
    """One with a database and keys."""
    return Machine(migrated_app)


@pytest.fixture
def bare(machine: Machine, tmp_path: Path, request: pytest.FixtureRequest) -> Machine:
    """One with nothing, of the same kind of database."""
    if machine.settings.database.startswith("postgresql"):
        cluster: PostgresCluster = request.getfixturevalue("postgres")
        return Machine.make(tmp_path / "bare", cluster.create_database())
    return Machine.make(tmp_path / "bare", f"sqlite:///{tmp_path / 'bare.db'}")


@pytest.fixture
def taken(machine: Machine, tmp_path: Path) -> tuple[str, str]:
    """A backup and its keys."""
    made = machine.run("create", "--to", str(tmp_path / "out"), "--with-keys", typed=f"{PASSPHRASE}\n")
    assert made.exit_code == 0, made.output
    return str(next((tmp_path / "out").glob("*.backup"))), str(next((tmp_path / "out").glob("*.keys")))


def refused(result: Result, says: str) -> None:
    assert result.exit_code == 1, result.output
    assert says in result.output


def test_a_backup_stands_in_the_audit_log_with_its_digest(machine: Machine, taken: tuple[str, str]) -> None:
    with machine.app.app_context(), unit_of_work(write=False) as session:
        entry = session.scalars(
            select(AuditEntry).where(AuditEntry.action == BACKED_UP).order_by(AuditEntry.seq)
        ).all()[-1]
        assert entry.detail["file"] == Path(taken[0]).name
        assert entry.detail["keys"] is True and len(entry.detail["sha256"]) == 64


def test_the_word_the_keys_and_the_passphrase_are_asked_for(bare: Machine, taken: tuple[str, str]) -> None:
    backup, keys = taken
    refused(bare.run("restore", backup, "--confirm", "yes"), "Nothing was changed")
    refused(bare.run("restore", backup, "--confirm", "restore"), "There are no keys here")
    for file, typed in ((keys, "wrong horse battery"), (backup, PASSPHRASE)):
        answer = bare.run("restore", backup, "--confirm", "restore", "--keys", file, typed=f"{typed}\n")
        refused(answer, "The passphrase is wrong")
    assert not (bare.settings.data_dir / "witness.jsonl").exists()
    again = bare.run("restore", backup, "--confirm", "restore", "--keys", keys, typed=f"{PASSPHRASE}\n")
    assert again.exit_code == 0, again.output
    with bare.app.app_context():
        assert migrate.is_current(db.engine)


def test_a_server_that_answers_is_not_overwritten(machine: Machine, taken: tuple[str, str]) -> None:
    with socket.create_server(("127.0.0.1", machine.settings.http_port)):
        refused(machine.run("restore", taken[0], "--confirm", "restore"), "stop it first")


def test_a_database_is_replaced_only_when_asked_and_kept_aside(machine: Machine, taken: tuple[str, str]) -> None:
    refused(machine.run("restore", taken[0], "--confirm", "restore"), "There is a database here")
    if machine.settings.database.startswith("postgresql"):
        refused(machine.run("restore", taken[0], "--confirm", "restore", "--replace"), "Create an empty one")
        return
    answer = machine.run("restore", taken[0], "--confirm", "restore", "--replace")
    assert answer.exit_code == 0, answer.output
    file = Path(machine.settings.database.removeprefix("sqlite:///"))
    kept, *beside = sorted(path.name for path in file.parent.glob(f"{file.name}.before-restore-*"))
    assert set(beside) <= {f"{kept}-shm", f"{kept}-wal"}, "one file, with what SQLite keeps beside it"


def test_keys_of_another_installation_are_refused(bare: Machine, taken: tuple[str, str]) -> None:
    with bare.app.app_context():
        assert runtime().ca.fingerprint
    refused(bare.run("restore", taken[0], "--confirm", "restore"), "keys are of another installation")


def test_a_witness_of_another_installation_is_refused(machine: Machine, bare: Machine, tmp_path: Path) -> None:
    for one, said in ((machine, "here"), (bare, "there")):
        (one.settings.data_dir / "witness.jsonl").write_text(f'{{"at": "", "kind": "note", "data": "{said}"}}\n')
    assert machine.run("create", "--to", str(tmp_path / "out")).exit_code == 0
    shutil.copytree(machine.settings.keys_dir, bare.settings.keys_dir, dirs_exist_ok=True)
    backup = str(next((tmp_path / "out").glob("*.backup")))
    refused(bare.run("restore", backup, "--confirm", "restore"), "is of another installation")
    with bare.app.app_context():
        assert is_empty(db.engine.url)


def test_a_file_that_is_damaged_or_no_backup_is_told_apart(
    machine: Machine, taken: tuple[str, str], tmp_path: Path
) -> None:
    content = bytearray(Path(taken[0]).read_bytes())
    content[len(content) // 2] ^= 0xFF
    damaged, short, foreign = (tmp_path / name for name in ("damaged", "short", "foreign"))
    damaged.write_bytes(content)
    short.write_bytes(content[: len(content) // 3])
    shutil.make_archive(str(tmp_path / "tar"), "gztar", ROOT / "docs" / "img")
    (tmp_path / "tar.tar.gz").rename(foreign)
    assert machine.run("verify", taken[0]).exit_code == 0
    for file in (damaged, short, foreign):
        refused(machine.run("verify", str(file)), "no whole backup")
    assert list(tmp_path.glob("shouji-backup-*")) == [], "nothing is left behind"


def test_a_short_passphrase_writes_nothing(machine: Machine, tmp_path: Path) -> None:
    refused(machine.run("create", "--to", str(tmp_path / "out"), "--with-keys", typed="short\n"), "at least 12")
    assert list((tmp_path / "out").iterdir()) == []
