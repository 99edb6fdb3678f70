from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event, insert, select

from core import clock
from core.actor import system_actor
from core.db import db, session
from core.uow import unit_of_work
from fleet import devices, guards
from fleet.devices import Filters
from fleet.events import DeviceChange, devices_changed
from fleet.guards import PolicyState
from fleet.models import Device, Presence
from identity import org
from tests.fleet.company import Company, hear
from tests.fleet.phone import Phone
from tests.identity import world

SYSTEM = system_actor("test")


@contextmanager
def counted() -> Iterator[list[str]]:
    """The statements that were run."""
    statements: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        statements.append(statement)

    event.listen(db.engine, "before_cursor_execute", note)
    try:
        yield statements
    finally:
        event.remove(db.engine, "before_cursor_execute", note)


def ids(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.json
    return [one["id"] for one in answer.json["items"]]


def test_a_device_out_of_ones_org_unit_is_not_there(company: Company) -> None:
    own = company.enroll(token=company.token(org_unit="/总部/电销"))
    foreign = company.enroll(token=company.token(org_unit="/总部/客服"))
    assert ids(company.get("/devices", company.leader)) == [own.id]
    missing = company.get(f"/devices/{uuid.uuid4()}", company.leader).json
    for path in ("", "/timeline"):
        answer = company.get(f"/devices/{foreign.id}{path}", company.leader)
        assert (answer.status_code, answer.json) == (404, missing)
    for path, body in (("confirm", {}), ("revoke", {"reason": "x"})):
        assert company.post(f"/devices/{foreign.id}/{path}", body, company.leader).status_code == 404
    assert company.patch(f"/devices/{foreign.id}", {"state": "lost", "reason": "x"}, company.leader).status_code == 404
    assert company.device(foreign)["state"] == "active"
    assert company.get(f"/devices/{own.id}", company.leader).status_code == 200


@pytest.mark.parametrize("path", ["/devices", "/devices/x", "/groups", "/enrollment-tokens"])
def test_nobody_reads_without_signing_in(company: Company, path: str) -> None:
    assert company.get(path, {}).status_code == 401


def test_filters_narrow_alone_and_together(company: Company) -> None:
    sales = company.token(org_unit="/总部/电销", groups=["pilot"], person="E1024")
    one = company.enroll(Phone(serial="ALPHA-1"), sales)
    two = company.enroll(Phone(serial="BETA-2"), company.token(org_unit="/总部/客服"))
    company.patch(f"/devices/{two.id}", {"state": "lost", "reason": "x"})
    hear(one.heartbeat(clock.now()))
    cases: list[tuple[dict[str, Any], list[str]]] = [
        ({}, [two.id, one.id]),
        ({"q": "alpha"}, [one.id]),
        ({"q": "王小"}, [one.id]),
        ({"q": "e1024"}, [one.id]),
        ({"q": "xiaomi"}, [two.id, one.id]),
        ({"q": two.id}, [two.id]),
        ({"q": "%"}, []),
        ({"q": "   "}, [two.id, one.id]),
        ({"state": "lost"}, [two.id]),
        ({"online": "true"}, [one.id]),
        ({"online": "false"}, [two.id]),
        ({"group": "pilot"}, [one.id]),
        ({"group": "nobody"}, []),
        ({"org_unit": "/总部"}, [two.id, one.id]),
        ({"org_unit": "/总部/电销"}, [one.id]),
        ({"org_unit": "/总部/电销", "state": "lost"}, []),
        ({"q": "alpha", "online": "true", "group": "pilot", "state": "active"}, [one.id]),
    ]
    for query, expected in cases:
        assert ids(company.get("/devices", **query)) == expected, query


@pytest.mark.parametrize(
    "query", [{"state": "gone"}, {"org_unit": "/无"}, {"limit": 0}, {"limit": 1000}, {"online": "maybe"}]
)
def test_a_filter_that_means_nothing_is_422(company: Company, query: dict[str, Any]) -> None:
    assert company.get("/devices", **query).status_code == 422


def test_pages_follow_each_other_without_gap_or_repeat(company: Company) -> None:
    token = company.token()
    enrolled = [company.enroll(token=token).id for _ in range(7)]
    seen: list[str] = []
    cursor: str | None = None
    for _ in range(4):
        query: dict[str, Any] = {"cursor": cursor} if cursor else {}
        page = company.get("/devices", limit=2, **query).json
        seen += [one["id"] for one in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert seen == enrolled[::-1]
    assert cursor is None
    assert company.get("/devices", cursor="nonsense").status_code == 400


def test_a_list_costs_the_same_number_of_queries_for_one_phone_and_for_many(app: Flask, company: Company) -> None:
    company.enroll(token=company.token(person="E1024", groups=["pilot"]))
    with counted() as few, unit_of_work(write=False):
        devices.find(SYSTEM, limit=200)
    _fill(3_000)
    counts = []
    for filters in (
        Filters(),
        Filters(q="sn-0"),
        Filters(state="active"),
        Filters(online=True),
        Filters(org_unit="/总部"),
    ):
        with counted() as many, unit_of_work(write=False):
            assert len(devices.find(SYSTEM, filters, limit=200).items) == 200
        counts.append(len(many))
    assert max(counts) <= len(few) + 2
    assert len(few) <= 10
    with unit_of_work(write=False):
        assert devices.count(SYSTEM) == 3_001


def test_the_policy_of_a_phone_comes_from_the_room_above(company: Company) -> None:
    phone = company.enroll()
    state = PolicyState(
        {"generation": 5, "bundle": "a" * 64}, {"generation": 4, "bundle": None, "outcome": "failed", "at": None}
    )
    guards.bind(policy_states=lambda device_ids: dict.fromkeys(device_ids, state))
    shown = company.device(phone)["policy"]
    assert (shown["desired"]["generation"], shown["reported"]["outcome"]) == (5, "failed")


def test_holders_are_dated_and_never_overwritten(company: Company) -> None:
    phone = company.enroll(token=company.token(person="E1024"))
    changes: list[DeviceChange] = []

    def listen(_sender: Any, changes: list[DeviceChange], told: list[DeviceChange] = changes) -> None:
        told.extend(changes)

    with devices_changed.connected_to(listen):
        shown = company.post(f"/devices/{phone.id}/confirm", {"person": "E2048"}).json
    assert shown["holder"]["person"] == company.li
    assert [(one["person"], one["to"] is None) for one in shown["holdings"]] == [
        (company.li, True),
        (company.wang, False),
    ]
    assert (
        shown["holdings"][0]["from"] == shown["holdings"][1]["to"]
        or shown["holdings"][0]["from"] > shown["holdings"][1]["from"]
    )
    assert shown["org_unit"] == "/总部/客服"
    assert shown["notice"]["accepted"] is None
    assert {(change.what, change.new) for change in changes} >= {("holder", company.li)}
    again = company.post(f"/devices/{phone.id}/confirm", {"person": company.li}).json
    assert len(again["holdings"]) == 2


def test_confirming_needs_somebody_who_is_there(company: Company) -> None:
    phone = company.enroll()
    assert company.post(f"/devices/{phone.id}/confirm", {}).json["code"] == "person_needed"
    for nobody in ("E9999", str(uuid.uuid4())):
        assert company.post(f"/devices/{phone.id}/confirm", {"person": nobody}).json["code"] == "unknown_person"
    company.post(f"/devices/{phone.id}/revoke", {"reason": "x"})
    assert company.post(f"/devices/{phone.id}/confirm", {"person": "E1024"}).json["code"] == "device_closed"


def test_a_leader_confirms_nobody_from_another_unit(company: Company) -> None:
    phone = company.enroll(token=company.token(org_unit="/总部/电销"))
    foreign = company.post(f"/devices/{phone.id}/confirm", {"person": "E2048"}, company.leader)
    assert (foreign.status_code, foreign.json["code"]) == (422, "unknown_person")
    assert company.post(f"/devices/{phone.id}/confirm", {"person": "E1024"}, company.leader).status_code == 200


def test_what_happens_to_a_phone_is_audited_with_who_did_it(company: Company) -> None:
    phone = company.enroll()
    company.post(f"/devices/{phone.id}/confirm", {"person": "E1024"})
    company.patch(f"/devices/{phone.id}", {"state": "lost", "reason": "遗失"})
    entries = world.audit_items(company.client, company.admin, limit="200")
    done = {one["action"]: one["actor_name"] for one in entries if one["target_id"] == phone.id}
    assert {"device.enroll": phone.serial, "device.confirm": "admin", "device.lost": "admin"}.items() <= done.items()


def test_the_command_line_lists_and_shows(app: Flask, company: Company) -> None:
    phone = company.enroll(Phone(serial="ALPHA-1"), company.token(person="E1024"))
    runner = app.test_cli_runner()
    listed = runner.invoke(args=["device", "list", "--q", "alpha", "--offline"])
    assert listed.exit_code == 0, listed.output
    assert phone.id in listed.output
    assert "E1024" in listed.output
    shown = runner.invoke(args=["device", "show", phone.id])
    assert json.loads(shown.output)["serial"] == "ALPHA-1"
    missing = runner.invoke(args=["device", "show", str(uuid.uuid4())])
    assert missing.exit_code != 0
    assert "no such phone" in missing.output


def _fill(count: int) -> None:
    """Many phones like the one that is enrolled, written straight into the tables."""
    with unit_of_work():
        model = session().scalars(select(Device)).one()
        columns = {column.name: getattr(model, column.name) for column in Device.__table__.columns}
        unit = org.resolve(SYSTEM, "/总部/电销").id
        now = clock.now()
        rows = [
            {
                **columns,
                "id": str(uuid.uuid4()),
                "serial": f"SN-{number:06}",
                "search": f"sn-{number:06}",
                "org_unit_id": unit,
                "enrolled_at": now - timedelta(seconds=number),
            }
            for number in range(count)
        ]
        session().execute(insert(Device), rows)
        shown = [
            {"device_id": row["id"], "online": True, "expected_s": 60, "signals": "", "since": now} for row in rows
        ]
        session().execute(insert(Presence), shown)
