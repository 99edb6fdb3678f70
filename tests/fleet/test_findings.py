from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import time_machine

from core import live
from core.actor import system_actor
from core.uow import unit_of_work
from fleet import findings, jobs, timeline
from fleet.events import FindingChange, findings_changed
from fleet.findings import Observation
from fleet.timeline import Line
from tests.fleet.company import Company
from tests.fleet.phone import Phone


def observe(*observations: Observation) -> list[FindingChange]:
    with unit_of_work():
        return findings.observe(observations)


def shown(company: Company, phone: Phone) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = company.device(phone)["compliance"]["findings"]
    return found


def test_a_finding_opens_once_keeps_its_since_and_closes_once(company: Company) -> None:
    phone = company.enroll()
    seen = Observation(phone.id, "unsupported", True, {"rules": ["apps"]})
    assert observe(seen) == [FindingChange(phone.id, "unsupported", True)]
    since = shown(company, phone)[0]["since"]
    assert observe(seen) == []
    assert observe(Observation(phone.id, "unsupported", True, {"rules": ["apps", "payments"]})) == []
    (finding,) = shown(company, phone)
    assert (finding["code"], finding["since"]) == ("unsupported", since)
    assert finding["detail"] == {"rules": ["apps", "payments"]}
    assert observe(Observation(phone.id, "unsupported", False)) == [FindingChange(phone.id, "unsupported", False)]
    assert observe(Observation(phone.id, "unsupported", False)) == []
    assert shown(company, phone) == []


def test_the_last_observation_of_a_batch_counts_and_only_changes_are_told(company: Company) -> None:
    token = company.token()
    one, other = company.enroll(token=token), company.enroll(token=token)
    told: list[FindingChange] = []

    def listen(_sender: Any, changes: list[FindingChange]) -> None:
        told.extend(changes)

    with unit_of_work(write=False) as current:
        before = live.latest(current)
    with findings_changed.connected_to(listen):
        observe(
            Observation(one.id, "a", True), Observation(one.id, "a", False), Observation(other.id, "a", True, {"n": 1})
        )
    assert told == [FindingChange(other.id, "a", True)]
    assert (shown(company, one), [finding["detail"] for finding in shown(company, other)]) == ([], [{"n": 1}])
    with unit_of_work(write=False) as current:
        assert [event.key for event in live.since(current, before)] == [other.id]


def test_a_finding_that_came_back_is_a_new_one(company: Company) -> None:
    phone = company.enroll()
    for present in (True, False, True):
        observe(Observation(phone.id, "root", present))
    assert len(shown(company, phone)) == 1
    assert company.timeline(phone, "finding") == ["root.opened", "root.closed", "root.opened"]


def test_a_flood_settles_after_an_hour(company: Company) -> None:
    phone = company.enroll()
    observe(Observation(phone.id, "flood", True), Observation(phone.id, "root", True))
    with unit_of_work():
        jobs.forget()
    assert len(shown(company, phone)) == 2
    with time_machine.travel(datetime.now(UTC) + timedelta(hours=2)), unit_of_work():
        jobs.forget()
    assert [one["code"] for one in shown(company, phone)] == ["root"]


def test_a_timeline_is_read_newest_first_in_pages(company: Company) -> None:
    phone = company.enroll()
    at = datetime.now(UTC) + timedelta(minutes=1)
    with unit_of_work():
        timeline.add(
            [
                Line(
                    phone.id, "event", f"e{n}", system_actor("x"), f"ref-{n}", {"n": n}, at + timedelta(seconds=n // 2)
                )
                for n in range(5)
            ]
        )
    seen: list[str] = []
    cursor: str | None = None
    for _ in range(3):
        query: dict[str, Any] = {"cursor": cursor} if cursor else {}
        page = company.get(f"/devices/{phone.id}/timeline", limit=2, **query).json
        seen += [line["code"] for line in page["items"]]
        cursor = page["next_cursor"]
    assert seen[:5] == ["e4", "e3", "e2", "e1", "e0"]
    line = company.get(f"/devices/{phone.id}/timeline", limit=1).json["items"][0]
    assert (line["kind"], line["ref"], line["detail"], line["actor"]) == (
        "event",
        "ref-4",
        {"n": 4},
        {"id": "x", "name": "x"},
    )
