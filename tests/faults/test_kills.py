"""kill -9 of every part while phones send their chains, and parts that are away for a while."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from agent.fleet.fleet import Fleet
from tests.faults.conftest import quiet, settle, talking
from tests.support.server import Server

LOCKED_SECONDS = 10.0


@pytest.fixture(scope="module")
def fleet(server: Server, tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config) -> Iterator[Fleet]:
    """Two hundred talking phones (or `--phones`), shared by the tests of this file."""
    with talking(server, tmp_path_factory.mktemp("phones"), pytestconfig.getoption("phones")) as living:
        yield living


def verify(server: Server) -> dict[str, int]:
    """Verify every stored chain with the operator's command; records held by device id."""
    held = {}
    for line in server.flask("archive", "verify").splitlines():
        if ": intact: " in line:
            device_id, _, figures = line.partition(": intact: ")
            held[device_id] = int(figures.split("through ")[1].split(",")[0])
            assert " 0 missing" in figures
    return held


def assert_nothing_is_lost(server: Server, fleet: Fleet) -> None:
    """Every record with a receipt is there once, chains verify, queues are empty."""
    settle(fleet)
    held = verify(server)
    for phone in fleet.phones:
        assert held.get(phone.id, 0) == phone.archive.last_seq
    server.wait(lambda: server.outbox_rows() == 0, 60, "an empty outbox")
    assert server.api.all("quarantine") == []


def _kill(server: Server, part: str) -> None:
    """kill -9 of a part; returns when another has taken its place and everything is ready."""
    before = server.pids_of(part)
    server.kill_part(part)
    server.wait(lambda: server.pids_of(part) and not server.pids_of(part) & before, 60, f"another {part}")
    server.wait(server.api.ready, 60, "readiness")


@pytest.mark.timeout(900)
def test_killed_parts_come_back_and_nothing_is_lost_or_done_twice(server: Server, fleet: Fleet) -> None:
    ids = [phone.id for phone in fleet.phones]
    shown = {phone.id: _messages(phone) for phone in fleet.phones}
    body = {
        "type": "message",
        "args": {"title": "一次", "text": "只出现一次"},
        "reason": "",
        "selector": {"devices": ids},
    }
    server.api.post("commands", body)
    for part in ("worker", "web", "mosquitto", "broker"):
        _kill(server, part)
    server.wait(lambda: all(_messages(p) > shown[p.id] for p in fleet.phones), 120, "the message on every phone")
    assert_nothing_is_lost(server, fleet)
    server.wait(lambda: _unfinished(server, ids[:20]) == 0, 120, "every result")
    assert [_messages(phone) - shown[phone.id] for phone in fleet.phones] == [1] * len(ids)


def _messages(phone: object) -> int:
    return sum(line.kind == "message" for line in phone.handset.screen)  # type: ignore[attr-defined]


def _unfinished(server: Server, ids: list[str]) -> int:
    newest = [server.api.get(f"devices/{device_id}/commands?limit=1")["items"][0] for device_id in ids]
    return sum(command["status"] != "succeeded" for command in newest)


@pytest.mark.timeout(900)
def test_a_locked_database_and_then_a_broker_that_is_away_hold_up_and_lose_nothing(
    server: Server, fleet: Fleet, pytestconfig: pytest.Config
) -> None:
    quiet.clear()
    _lock_the_database(server.environment["SHOUJI_DATABASE_URL"])
    stopped = [server.pid_of("broker"), server.pid_of("mosquitto")]
    for pid in stopped:
        os.kill(pid, signal.SIGSTOP)
    time.sleep(pytestconfig.getoption("broker_away"))
    for pid in stopped:
        os.kill(pid, signal.SIGCONT)
    assert_nothing_is_lost(server, fleet)


def _lock_the_database(address: str) -> None:
    if address.startswith("sqlite"):
        connection = sqlite3.connect(address.removeprefix("sqlite:///"), isolation_level=None, timeout=30)
        connection.execute("BEGIN IMMEDIATE")
        time.sleep(LOCKED_SECONDS)
        connection.execute("ROLLBACK")
        connection.close()
        return
    with psycopg.connect(address.replace("postgresql+psycopg", "postgresql")) as locker:
        locker.execute("LOCK TABLE archive_chains, presence, outbox IN ACCESS EXCLUSIVE MODE")
        time.sleep(LOCKED_SECONDS)


@pytest.mark.timeout(900)
def test_a_lost_broker_folder_is_made_anew_and_phones_heal(server: Server, fleet: Fleet) -> None:
    quiet.clear()
    broker_role = server.pid_of("broker")
    os.kill(broker_role, signal.SIGSTOP)
    os.kill(server.pid_of("mosquitto"), signal.SIGKILL)
    shutil.rmtree(server.data / "broker")
    os.kill(broker_role, signal.SIGCONT)
    server.kill_part("broker")
    server.kill_part("worker")
    server.wait(server.api.ready, 90, "readiness")
    policy = {
        "apiVersion": "shouji/v1",
        "kind": "Policy",
        "metadata": {"name": "after"},
        "spec": {"payments": {"transfer": "block"}},
    }
    assignment = {
        "apiVersion": "shouji/v1", "kind": "Assignment", "metadata": {"name": "after"},
        "spec": {"policy": "after", "to": {"org_unit": "/"}},
    }  # fmt: skip
    for document in (policy, assignment):
        server.api.post("documents/apply?publish=true", document)
    assert_nothing_is_lost(server, fleet)
    server.wait(lambda: all(p.policy.rule("payments") is not None for p in fleet.phones), 120, "the policy everywhere")


@pytest.mark.timeout(900)
def test_kill_9_of_the_supervisor_leaves_no_orphan(tmp_path: Path) -> None:
    server = Server.make(tmp_path).start()
    assert len(server.pids()) >= 5
    server.kill()
    server.wait(lambda: server.pids() == {}, 30, "the end of every process")
    server.start()
    server.stop()
    assert server.pids() == {}
