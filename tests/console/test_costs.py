"""What lists cost: the same number of queries however long they are."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from core import clock
from core.uow import unit_of_work
from fleet import expected, notices
from imports import uploads
from mqtt import dead_letters
from mqtt.routes import Inbound, Refusal
from tests.console.site import Site
from tests.fleet_commands.desk import WIPE
from tests.identity import world

Fill = Callable[[Site, int], None]


def _people(site: Site, number: int) -> None:
    with site.app.app_context():
        world.person(f"person{number}", "auditor", "supervisor", org_unit="/总部/电销", employee_no=f"P{number}")
        world.unit(f"/总部/电销/组{number}")


def _tokens(site: Site, number: int) -> None:
    with site.app.app_context():
        site.company.token(person="E1024", org_unit="/总部/客服" if number % 2 else "/总部", groups=[f"g{number}"])


def _phones(site: Site, number: int) -> None:
    site.enroll(person=site.company.wang if number % 2 else site.company.li)


def _expected(site: Site, number: int) -> None:
    with site.app.app_context(), unit_of_work():
        expected.announce(world.SYSTEM, serial=f"SERIAL{number:04}", imei=(), person="E1024")


def _letters(site: Site, number: int) -> None:
    phone = site.enroll()
    with site.app.app_context(), unit_of_work():
        dead_letters.keep([Refusal(Inbound(phone.id, "heartbeat", b"{}", clock.now()), "form")])


def _documents(site: Site, number: int) -> None:
    documents = (
        f"apiVersion: shouji/v1\nkind: Policy\nmetadata: {{name: p{number}}}\n"
        "spec: {location: {mode: 'off'}}\n---\n"
        f"apiVersion: shouji/v1\nkind: Assignment\nmetadata: {{name: a{number}}}\n"
        f"spec: {{policy: p{number}, to: {{org_unit: /总部}}}}\n---\n"
        f"apiVersion: shouji/v1\nkind: Group\nmetadata: {{name: d{number}}}\nspec: {{query: os_version < 9}}\n"
    )
    answer = site.company.client.post(
        "/api/v1/documents/apply?publish=true",
        data=documents.encode(),
        content_type="application/yaml",
        headers=site.company.admin,
    )
    assert answer.status_code == 200, answer.json


def _notices(site: Site, number: int) -> None:
    with site.app.app_context(), unit_of_work():
        notices.publish(world.SYSTEM, {"zh-CN": f"第{number}版", "en": f"version {number}"})


def _exceptions(site: Site, number: int) -> None:
    until = clock.to_wire(clock.now() + timedelta(days=3))
    body = {"code": "root", "reason": "known", "until": until, "device": site.enroll().id}
    assert site.company.post("/compliance/exceptions", body, site.company.officer).status_code == 201


def _wipes(site: Site, number: int) -> None:
    path = f"/devices/{site.enroll().id}/commands"
    asked = site.company.post(path, {"type": "wipe", "args": WIPE, "reason": f"lost {number}"})
    assert asked.status_code == 202, asked.json


def _imports(site: Site, number: int) -> None:
    with site.app.app_context(), unit_of_work():
        uploads.create(world.SYSTEM, "people", f"{number}.csv", b"name\nLi")


def _channels(site: Site, number: int) -> None:
    body = {"kind": "webhook", "name": f"hook {number}", "config": {"url": "https://hooks.example.com/x"}}
    assert site.company.post("/notification-channels", body).status_code == 201


@pytest.mark.parametrize(
    ("address", "fill"),
    [
        ("/devices", _phones),
        ("/commands", _wipes),
        ("/approvals", _wipes),
        ("/imports", _imports),
        ("/notifications", _channels),
        ("/notice", _notices),
        ("/notice/acceptances", _phones),
        ("/compliance", _phones),
        ("/compliance/exceptions", _exceptions),
        ("/people", _people),
        ("/org", _people),
        ("/audit", _people),
        ("/enrollment", _tokens),
        ("/enrollment/unconfirmed", _phones),
        ("/enrollment/expected", _expected),
        ("/quarantine", _letters),
        ("/policies", _documents),
        ("/policies/Policy/p0", _documents),
        ("/groups", _documents),
        ("/groups/d0", _documents),
        ("/assignments", _documents),
        ("/apps", _documents),
        ("/calendars", _documents),
        ("/rollouts", _documents),
    ],
)
def test_a_list_costs_the_same_number_of_queries_however_long_it_is(site: Site, address: str, fill: Fill) -> None:
    browser = site.person()
    for number in range(2):
        fill(site, number)
    few = site.queries(browser, address)
    for number in range(2, 6):
        fill(site, number)
    assert site.queries(browser, address) == few
    assert few < 25
