from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine

from core import audit, clock, jobs
from core.db import session
from core.runtime import settings
from core.uow import unit_of_work
from fleet import timeline
from tests.fleet.company import Company


def test_old_lines_go_and_the_audit_log_stays_whole(company: Company) -> None:
    phone = company.enroll()
    company.patch(f"/devices/{phone.id}", {"state": "lost", "reason": "遗失"})
    with unit_of_work():
        old = clock.now() - timedelta(days=settings().timeline_days + 1)
        timeline.add([timeline.Line(phone.id, "event", "event.old", at=old)])
    before = company.timeline(phone)
    assert "event.old" in before and "state.lost" in before
    assert jobs.run("fleet-forget-timeline") == "done"
    assert company.timeline(phone) == [code for code in before if code != "event.old"]
    with time_machine.travel(clock.now() + timedelta(days=settings().timeline_days + 1)):
        assert jobs.run("fleet-forget-timeline") == "done"
    assert company.timeline(phone) == []
    with unit_of_work(write=False):
        assert audit.verify_chain(session()) is None
    assert company.get("/audit", action="device.lost").json["items"][0]["target_id"] == phone.id


def test_a_bounded_number_goes_at_once(company: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    phone = company.enroll()
    with unit_of_work():
        timeline.add([timeline.Line(phone.id, "event", f"event.{number}") for number in range(4)])
    lines = len(company.timeline(phone))
    monkeypatch.setattr(timeline, "FORGET_AT_ONCE", 3)
    dropped = []
    with time_machine.travel(clock.now() + timedelta(days=2)):
        for _ in range(3):
            with unit_of_work():
                dropped.append(timeline.forget_old(timedelta(days=1)))
    assert dropped == [3, lines - 3, 0] and company.timeline(phone) == []
