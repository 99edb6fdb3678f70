from __future__ import annotations

from flask import Flask

from core import audit, outbox
from core.actor import system_actor
from core.uow import unit_of_work


def test_a_unit_of_work_commits_state_audit_and_outbox_together(app: Flask) -> None:
    with unit_of_work():
        audit.record(system_actor("test"), "thing.done", ("thing", "1"), {"名": "值"})
        outbox.enqueue("nothing", ["a", "b"])
    with unit_of_work(write=False) as current:
        assert audit.verify_chain(current) is None
        assert [row.key for row in outbox.due(current, 10)] == ["a", "b"]
