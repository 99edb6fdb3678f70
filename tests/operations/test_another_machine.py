"""A backup of a running installation, brought back on another machine."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.phone import Phone
from bench.postgres import PostgresCluster
from tests.bad_input.conftest import QUIET
from tests.support.server import ROOT, Server

PASSPHRASE = "correct horse battery"


def run(server: Server, *words: str, typed: str = "") -> subprocess.CompletedProcess[str]:
    """One of the operator's commands, with what is typed into it."""
    command = [sys.executable, "-m", "flask", "--app", "app", "backup", *words]
    environment = {"PATH": "/usr/bin:/bin", **server.environment}
    return subprocess.run(command, cwd=ROOT, env=environment, input=typed, capture_output=True, text=True, check=False)


def taken(server: Server, folder: Path) -> tuple[Path, Path]:
    """A backup and its keys."""
    made = run(server, "create", "--to", str(folder), "--with-keys", typed=f"{PASSPHRASE}\n")
    assert made.returncode == 0, made.stderr
    return next(folder.glob("*.backup")), next(folder.glob("*.keys"))


@pytest.fixture
def elsewhere(server: Server, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Server]:
    """Another machine: no data, no keys, an empty database; phones and people reach it where they reached the first."""
    environment = {**server.environment, "SHOUJI_DATA_DIR": str(tmp_path / "elsewhere")}
    if "SHOUJI_DATABASE_URL" in environment and environment["SHOUJI_DATABASE_URL"].startswith("postgresql"):
        cluster: PostgresCluster = request.getfixturevalue("postgres")
        environment["SHOUJI_DATABASE_URL"] = cluster.create_database()
    else:
        environment["SHOUJI_DATABASE_URL"] = f"sqlite:///{tmp_path / 'elsewhere.db'}"
    other = Server(tmp_path, environment)
    yield other
    other.stop()


@pytest.mark.timeout(240)
def test_an_installation_goes_on_on_another_machine(server: Server, elsewhere: Server, tmp_path: Path) -> None:
    phone = Phone.enroll(server.base_url, server.token(), state=tmp_path / "phone", options=QUIET)
    try:
        phone.connect()
        phone.wait_greeted()
        backup, keys = taken(server, tmp_path / "out")
        assert [path.stat().st_mode & 0o777 for path in (backup, keys)] == [0o600, 0o600]
        assert "whole" in run(server, "verify", str(backup)).stdout
        assert "installation.backed_up" in {entry["action"] for entry in server.api.all("audit")}
        assert "shouji_backup_age_seconds" in server.metrics()
        server.stop()

        back = run(elsewhere, "restore", str(backup), "--keys", str(keys), "--confirm", "restore", typed=PASSPHRASE)
        assert back.returncode == 0, back.stderr
        elsewhere.start()

        assert elsewhere.api.get("freeze")["frozen"] is True
        assert "installation.restored" in {entry["action"] for entry in elsewhere.api.all("audit")}
        phone.wait_connected(90)
        ping = elsewhere.api.post(f"devices/{phone.id}/commands", {"type": "ping", "args": {}})["id"]
        elsewhere.wait(lambda: elsewhere.api.get(f"commands/{ping}")["status"] == "succeeded", 60, "the phone's answer")
        elsewhere.stop()
        elsewhere.start()
        told = [entry for entry in elsewhere.api.all("audit") if entry["action"] == "installation.restored"]
        assert len(told) == 1, "a restore is told once"
    finally:
        phone.close()
        elsewhere.stop()
        server.start()
