"""A database put back from an hour ago: what was closed since stays closed, and the server says so before it acts."""

from __future__ import annotations

import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import psycopg
import pytest
from cryptography import x509

from agent.phone import Phone
from operations.postgres import program
from tests.bad_input.conftest import QUIET, People, assert_lives, soon
from tests.bad_input.http_wire import Wire
from tests.conftest import DATABASES
from tests.support.server import Server

WIPE = {"scope": "device", "preserve_records": True, "deadline_s": 60}


@pytest.fixture(params=DATABASES)
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Server]:
    """A running installation on an empty database of its own."""
    address = request.getfixturevalue("postgres").create_database() if request.param == "postgresql" else None
    running = Server.make(tmp_path / "server", address or f"sqlite:///{tmp_path / 'shouji.db'}")
    try:
        yield running.start()
    finally:
        running.stop()


class Backup:
    """A copy made while the server runs, as an operator's nightly job makes it, and put back while it stands."""

    def __init__(self, server: Server, folder: Path) -> None:
        self._address = server.environment["SHOUJI_DATABASE_URL"]
        self._file = folder / "backup"

    def take(self) -> None:
        """Copy the living database."""
        if self._address.startswith("sqlite"):
            _copy(self._address.removeprefix("sqlite:///"), str(self._file))
        else:
            self._run("pg_dump", "--format=custom", "--file", str(self._file))

    def put_back(self) -> None:
        """Replace the database by the copy."""
        if self._address.startswith("sqlite"):
            _copy(str(self._file), self._address.removeprefix("sqlite:///"))
            return
        user, host, name = self._parts()
        with psycopg.connect(host=host, user=user, dbname="postgres", autocommit=True) as connection:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
            connection.execute(f"CREATE DATABASE {name}")
        self._run("pg_restore", "--exit-on-error", str(self._file))

    def _parts(self) -> tuple[str, str, str]:
        url = urlsplit(self._address)
        return str(url.username), parse_qs(url.query)["host"][0], url.path.lstrip("/")

    def _run(self, tool: str, *arguments: str) -> None:
        user, host, name = self._parts()
        command = [program(tool), "--host", host, "--username", user, "--dbname", name, *arguments]
        subprocess.run(command, check=True, capture_output=True)


def _copy(source: str, target: str) -> None:
    with sqlite3.connect(source) as old, sqlite3.connect(target) as new:
        old.backup(new)


@pytest.fixture
def enroll(server: Server, tmp_path: Path) -> Iterator[Callable[[], Phone]]:
    """Brings phones in, and closes them at the end."""
    made: list[Phone] = []

    def one() -> Phone:
        state = tmp_path / f"phone{len(made)}"
        made.append(Phone.enroll(server.base_url, server.token(), state=state, options=QUIET))
        made[-1].connect()
        made[-1].wait_greeted()
        return made[-1]

    yield one
    for phone in made:
        phone.close()


def revoked_serials(server: Server) -> set[int]:
    """What the published list names."""
    listed = x509.load_der_x509_crl(Wire(server.base_url).get("/pki/crl.der").body)
    return {entry.serial_number for entry in listed}


def serial_of(phone: Phone) -> int:
    return x509.load_pem_x509_certificate(phone.identity.certificate.encode()).serial_number


def publish(server: Server, **spec: Any) -> None:
    policy = {"apiVersion": "shouji/v1", "kind": "Policy", "metadata": {"name": "all"}, "spec": spec}
    to = {"policy": "all", "to": {"org_unit": "/"}}
    assignment = {"apiVersion": "shouji/v1", "kind": "Assignment", "metadata": {"name": "all"}, "spec": to}
    server.api.post("documents/apply?publish=true", [policy, assignment])


def handed_to_absent(server: Server, second: Wire, phone: Phone, body: dict[str, Any]) -> str:
    """Id of an approved command that lies in the broker for a phone that is away."""
    phone.disconnect()
    soon(lambda: server.device(phone.id)["presence"]["online"] is False, "the phone to be away")
    command: str = server.api.post(f"devices/{phone.id}/commands", body)["id"]
    assert second.post(f"/api/v1/commands/{command}/approve", {"reason": "已核实"}).status == 200
    soon(lambda: server.api.get(f"commands/{command}")["status"] == "sent", "the broker to have it")
    return command


@pytest.mark.timeout(300)
def test_nothing_that_was_decided_after_the_backup_is_undone_by_it(
    server: Server, enroll: Callable[[], Phone], tmp_path: Path
) -> None:
    kept, doomed, spared, gone = enroll(), enroll(), enroll(), enroll()
    publish(server, payments={"transfer": "block"})
    soon(lambda: kept.policy.rule("payments") is not None, "the policy")
    body = {"type": "wipe", "args": WIPE, "reason": "离职"}
    waiting = server.api.post(f"devices/{kept.id}/commands", body)["id"]
    second = People(server).hire("it_admin")
    handed, undone = (handed_to_absent(server, second, phone, body) for phone in (doomed, spared))

    backup = Backup(server, tmp_path)
    backup.take()

    late = enroll()
    publish(server, device={"heartbeat_seconds": 61})
    soon(lambda: kept.policy.rule("payments") is None, "the later policy")
    seen = kept.policy.highest
    kept.handset.receive_sms("+8613800138000", "恢复前最后一条", "王先生")
    held = kept.wait_archived()
    for command in (waiting, undone):
        server.api.post(f"commands/{command}/cancel", {"reason": "员工回岗"})
    for phone in (gone, late):
        server.api.post(f"devices/{phone.id}/revoke", {"reason": "遗失"})
    closed = {serial_of(gone), serial_of(late)}
    soon(lambda: closed <= revoked_serials(server), "both on the list")

    # What was undone is no longer in the broker; what was not, lies there while the database goes back.
    soon(lambda: server.outbox_rows() == 0, "the broker to forget it")
    spared.connect()
    assert_lives(server, spared)
    assert spared.handset.wiped is None

    # No minute passes: what the file has to know, it knows at once.
    server.stop()
    backup.put_back()
    server.start()
    doomed.connect()
    assert_lives(server, doomed)
    assert doomed.handset.wiped is None, "what lay in the broker went with the restore"

    assert server.api.get("freeze")["frozen"] is True
    restored = [entry for entry in server.api.all("audit") if entry["action"] == "installation.restored"]
    assert [entry["detail"]["devices_closed_again"] for entry in restored] == [1]
    assert [server.api.get(f"commands/{command}")["status"] for command in (waiting, handed, undone)] == ["expired"] * 3
    assert second.post(f"/api/v1/commands/{waiting}/approve", {"reason": "再试"}).status in (401, 409)

    assert server.device(gone.id)["state"] == "retired"
    assert closed <= revoked_serials(server)
    for phone in (gone, late):
        with pytest.raises(TimeoutError):
            phone.wait_connected(3)

    soon(lambda: kept.policy.rule("payments") is not None, "what the restored server wants", 60)
    assert kept.policy.generation > seen
    kept.hello()
    soon(lambda: server.api.get(f"devices/{kept.id}/chain")["through"] >= held, "the records, sent again", 60)
    assert_lives(server, kept)
    assert_lives(server, doomed)
    assert kept.handset.wiped is None

    server.stop()
    server.start()
    again = [entry for entry in server.api.all("audit") if entry["action"] == "installation.restored"]
    assert len(again) == 1, "a restore is told once"
