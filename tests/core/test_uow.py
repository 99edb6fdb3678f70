from __future__ import annotations

import threading

import pytest
from flask import Flask
from sqlalchemy import func, select, update

from core import audit, clock, outbox
from core.actor import system_actor
from core.audit import AuditEntry, AuditHead
from core.outbox import OutboxRow
from core.uow import after_commit, unit_of_work

ACTOR = system_actor("test")


def test_a_unit_of_work_commits_state_audit_and_outbox_together(app: Flask) -> None:
    with unit_of_work():
        audit.record(ACTOR, "thing.done", ("thing", "1"), {"名": "值"})
        outbox.enqueue("nothing", ["a", "b"])
    with unit_of_work(write=False) as current:
        assert audit.verify_chain(current) is None
        assert [row.key for row in outbox.due(current, 10)] == ["a", "b"]


def test_what_raises_leaves_nothing_and_runs_no_action(app: Flask) -> None:
    ran: list[str] = []
    with pytest.raises(RuntimeError), unit_of_work():
        audit.record(ACTOR, "thing.done", ("thing", "1"))
        outbox.enqueue("nothing", ["a"])
        after_commit(lambda: ran.append("ran"))
        raise RuntimeError
    with unit_of_work(write=False) as current:
        assert current.scalar(select(func.count()).select_from(AuditEntry)) == 0
        assert outbox.depth(current) == 0
    assert ran == []


def test_a_reading_unit_keeps_nothing(app: Flask) -> None:
    with unit_of_work(write=False) as current:
        current.add(OutboxRow(effect="x", key="k", detail={}, not_before=clock.now(), attempts=0))
    with unit_of_work(write=False) as current:
        assert outbox.depth(current) == 0


@pytest.mark.parametrize("column", ["actor_id", "action", "detail", "hash"])
def test_an_altered_audit_entry_breaks_the_chain_at_its_place(app: Flask, column: str) -> None:
    for number in range(5):
        with unit_of_work():
            audit.record(ACTOR, f"thing.{number}", ("thing", str(number)))
    with unit_of_work() as current:
        value = {"detail": {"changed": True}}.get(column, "changed")
        current.execute(update(AuditEntry).where(AuditEntry.seq == 3).values({column: value}))
    with unit_of_work(write=False) as current:
        assert audit.verify_chain(current) == 3


def test_a_cut_tail_of_the_audit_chain_is_noticed(app: Flask) -> None:
    for number in range(3):
        with unit_of_work():
            audit.record(ACTOR, f"thing.{number}", ("thing", str(number)))
    with unit_of_work() as current:
        current.execute(AuditEntry.__table__.delete().where(AuditEntry.seq == 3))
    with unit_of_work(write=False) as current:
        assert audit.verify_chain(current) == 3


def test_writers_at_once_make_one_unbroken_chain(app: Flask) -> None:
    failures: list[BaseException] = []

    def write() -> None:
        try:
            for _ in range(10):
                with app.app_context(), unit_of_work():
                    audit.record(ACTOR, "thing.done", ("thing", "x"))
        except BaseException as error:
            failures.append(error)

    with unit_of_work():
        audit.record(ACTOR, "first", ("thing", "x"))
    threads = [threading.Thread(target=write) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    with unit_of_work(write=False) as current:
        assert audit.verify_chain(current) is None
        assert current.scalar(select(AuditHead.seq)) == 41
