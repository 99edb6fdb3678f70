from __future__ import annotations

import subprocess
import sys
import threading
import time
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import select

from core import audit, clock, jobs, leases, live, outbox, roles, signing, wake, witness
from core.actor import system_actor
from core.audit import AuditEntry, AuditHead
from core.crypto.jwk import SigningKey
from core.db import db
from core.errors import BadInput, NotFound, Unavailable
from core.outbox import OutboxRow
from core.paging import decode_cursor, encode_cursor, keyset
from core.runtime import runtime, settings
from core.uow import unit_of_work

ACTOR = system_actor("test")


def test_pages_follow_each_other_without_gap_or_repeat(app: Flask) -> None:
    with unit_of_work():
        outbox.enqueue("x", [f"{number:03d}" for number in range(123)])
    seen: list[str] = []
    cursor = None
    with unit_of_work(write=False) as current:
        while True:
            page = keyset(current, select(OutboxRow), [OutboxRow.not_before, OutboxRow.id], cursor, 50)
            seen += [row.key for row in page.items]
            cursor = page.next_cursor
            if cursor is None:
                break
    assert seen == [f"{number:03d}" for number in range(123)]


@pytest.mark.parametrize("cursor", ["x", "e30", encode_cursor([1]), "W1tbW1tbW1tbW1tb", "%%%", encode_cursor([{}, 1])])
def test_a_cursor_that_is_not_ours_is_refused(cursor: str) -> None:
    with pytest.raises(BadInput):
        decode_cursor(cursor, 2)


def test_a_lease_has_one_holder_until_it_ends(app: Flask) -> None:
    with unit_of_work() as current:
        assert leases.acquire(current, "work", "one", timedelta(seconds=60))
        assert not leases.acquire(current, "work", "two", timedelta(seconds=60))
        assert leases.acquire(current, "work", "one", timedelta(seconds=-1))
        assert leases.acquire(current, "work", "two", timedelta(seconds=60))
        leases.release(current, "work", "one")
        assert not leases.acquire(current, "work", "three", timedelta(seconds=60))


def test_a_job_that_fails_is_rolled_back_and_told(app: Flask) -> None:
    @jobs.register("test-fails", every=timedelta(hours=1))
    def fails() -> None:
        outbox.enqueue("x", ["kept?"])
        raise RuntimeError("no")

    assert jobs.run("test-fails") == "failed"
    with unit_of_work(write=False) as current:
        assert outbox.depth(current) == 0
        run = jobs.last_runs(current)["test-fails"]
        assert (run.outcome, run.detail) == ("failed", "RuntimeError")
    with pytest.raises(NotFound):
        jobs.run("no-such-job")


def test_a_job_that_is_not_there_ends_its_command_with_a_sentence(app: Flask) -> None:
    result = app.test_cli_runner().invoke(args=["jobs", "run", "nothing"])
    assert (result.exit_code, "nothing" in result.output, type(result.exception)) == (1, True, SystemExit)


def test_a_job_does_not_run_twice_at_once(app: Flask) -> None:
    entered, leave = threading.Event(), threading.Event()
    outcomes: list[str] = []

    @jobs.register("test-slow", every=timedelta(hours=1))
    def slow() -> None:
        entered.set()
        db.session.rollback()
        leave.wait(10)

    def run() -> None:
        with app.app_context():
            outcomes.append(jobs.run("test-slow"))

    thread = threading.Thread(target=run)
    thread.start()
    assert entered.wait(10)
    assert jobs.run("test-slow") == "busy"
    leave.set()
    thread.join()
    assert outcomes == ["done"]


def test_a_waiter_hears_of_another_process_rows(app: Flask) -> None:
    stopped = threading.Event()
    waiter = wake.Waiter(db.engine, outbox.WAKE_CHANNEL, stopped.is_set)
    waiter.wait(1.0)
    code = (
        "from core.uow import unit_of_work; from core import outbox\n"
        "from app import create_app; from config.settings import Settings\n"
        f"app = create_app(Settings(data_dir={str(settings().data_dir)!r}, database_url={settings().database!r}))\n"
        "with app.app_context(), unit_of_work(): outbox.enqueue('x', ['k'])\n"
    )
    other = subprocess.Popen([sys.executable, "-c", code])
    found = 0
    for _ in range(400):
        waiter.wait(0.1)
        with unit_of_work(write=False) as current:
            found = outbox.depth(current)
        if found:
            break
    stopped.set()
    assert other.wait(10) == 0
    assert found == 1


def test_live_events_are_read_once_in_order_and_forgotten(app: Flask) -> None:
    with unit_of_work():
        live.announce("devices", ["a", "b"])
    with unit_of_work() as current:
        assert [event.key for event in live.since(current, 0)] == ["a", "b"]
        assert live.since(current, live.latest(current)) == []
        live.forget_old(current)
        assert live.latest(current) > 0


def test_a_silent_role_is_not_alive(app: Flask) -> None:
    with unit_of_work() as current:
        assert roles.alive(current, "worker") is None
        roles.report(current, "worker", 1, {"stored": 3})
        found = roles.alive(current, "worker")
        assert found is not None and found.detail == {"stored": 3}


def test_the_signing_desk_signs_known_kinds_and_nothing_else(app: Flask) -> None:
    @signing.makes("test-kind")
    def make(device_id: str, detail: object, key: SigningKey) -> str:
        return f"{device_id}:{key.kid}"

    desk = signing.SigningDesk(app, settings())
    desk.start()
    try:
        assert signing.request("test-kind", "d1") == f"d1:{runtime().ring.signing_keys()[0].kid}"
        with pytest.raises(Unavailable):
            signing.request("other-kind", "d1")
    finally:
        desk.stop()
    with pytest.raises(Unavailable):
        signing.request("test-kind", "d1")


def test_a_restored_database_is_recognised_and_recovered_once(app: Flask) -> None:
    witness.path().unlink(missing_ok=True)
    recovered: list[str] = []

    @witness.after_restore
    def recovery(_actor: object) -> dict[str, int]:
        recovered.append("yes")
        return {"things": 1}

    try:
        with unit_of_work():
            assert not witness.recover()
            audit.record(ACTOR, "one", ("thing", "1"))
        assert jobs.run("witness") == "done"
        with unit_of_work():
            audit.record(ACTOR, "two", ("thing", "1"))
        assert jobs.run("witness") == "done"
        with unit_of_work() as current:
            assert not witness.recover()
            current.execute(AuditEntry.__table__.delete().where(AuditEntry.seq == 2))
            first = current.scalar(select(AuditEntry.hash).where(AuditEntry.seq == 1))
            current.execute(AuditHead.__table__.update().values(seq=1, hash=first))
        with unit_of_work():
            assert witness.recover()
        assert recovered == ["yes"]
        with unit_of_work():
            assert not witness.recover()
    finally:
        witness._recoveries.remove(recovery)


def test_the_witness_file_survives_a_torn_line(app: Flask) -> None:
    witness.path().write_text('{"kind": "x", "data": {"n": 1}}\n{"kind": "x", "da')
    assert witness.lines("x") == [{"n": 1}]
    witness.path().unlink()


def test_times_on_the_wire_are_utc_milliseconds() -> None:
    moment = clock.from_wire("2026-11-23T14:50:00.123456+08:00")
    assert clock.to_wire(moment) == "2026-11-23T06:50:00.123Z"
    with pytest.raises(ValueError, match="zone"):
        clock.from_wire("2026-11-23T14:50:00")
    with pytest.raises(ValueError, match="calendar"):
        clock.from_wire("9999-12-31T23:59:59-08:00")
    assert clock.to_wire(clock.from_wire("0001-01-01T00:00:00Z")) == "0001-01-01T00:00:00.000Z"


def test_a_supervisor_restarts_a_child_and_its_death_takes_the_children_along(tmp_path: Path) -> None:
    program = f"""
import os, time
from core.process import Supervisor
def work():
    with open({str(tmp_path / "pids")!r}, "a") as told:
        told.write(f"{{os.getpid()}}\\n")
    time.sleep(600)
Supervisor({{"part": work}}).run()
"""
    parent = subprocess.Popen([sys.executable, "-c", program])

    def pids() -> list[int]:
        path = tmp_path / "pids"
        return [int(line) for line in path.read_text().split()] if path.exists() else []

    def wait_for(check: object) -> None:
        for _ in range(200):
            if check():  # type: ignore[operator]
                return
            time.sleep(0.05)
        raise AssertionError("did not happen")

    try:
        wait_for(lambda: len(pids()) == 1)
        subprocess.run(["kill", "-9", str(pids()[0])], check=True)
        wait_for(lambda: len(pids()) == 2)
    finally:
        parent.kill()
        parent.wait()
    wait_for(lambda: not Path(f"/proc/{pids()[1]}").exists())


def test_the_newest_head_is_found_from_the_end_wherever_blocks_end(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    def line(kind: str, seq: int) -> str:
        return f'{{"kind": "{kind}", "data": {{"seq": {seq}, "text": "离职"}}}}\n'

    old = "".join(line(witness.HEAD, seq) for seq in range(50))
    witness.path().write_text(old + line("x", 50) + line("x", 51) + '{"kind": "audit_he', "utf-8")
    for size in (1, 7, 64, 1024, 1024 * 1024):
        monkeypatch.setattr(witness, "BLOCK_BYTES", size)
        newest = witness._newest(witness.HEAD)
        assert newest is not None and newest["data"]["seq"] == 49
        assert witness._newest("nothing") is None
    witness.path().unlink()
    assert witness._newest(witness.HEAD) is None
