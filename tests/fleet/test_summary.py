"""The fleet in figures, the filters that go with them, and the newest lines of all phones."""

from __future__ import annotations

from core import clock
from core.uow import unit_of_work
from fleet import devices, findings, summary, timeline
from fleet.devices import Filters
from fleet.findings import Observation
from tests.fleet.company import Company, hear
from tests.fleet.test_devices import counted
from tests.identity import world


def test_the_figures_count_what_the_actor_sees_and_agree_with_the_filters(company: Company) -> None:
    own = company.token(org_unit="/总部/电销")
    foreign = company.token(org_unit="/总部/客服")
    heard, wrong, silent = (company.enroll(token=own) for _ in range(3))
    lost = company.enroll(token=foreign)
    company.patch(f"/devices/{lost.id}", {"state": "lost", "reason": "left in a taxi"})
    hear(heard.presence(True, clock.now()), heard.heartbeat(clock.now()), wrong.heartbeat(clock.now()))
    with unit_of_work():
        findings.observe([Observation(wrong.id, "root", True), Observation(wrong.id, "clock_skew", True)])
    admin, leader = world.actor("admin"), world.actor("leader")
    whole, part = summary.summarise(admin), summary.summarise(leader)
    assert whole.states == {"active": 3, "lost": 1, "retired": 0, "wiped": 0}
    assert (whole.total, whole.living, whole.online, part.living) == (4, 4, 2, 3)
    assert whole.compliance == {"compliant": 1, "noncompliant": 1, "unknown": 2}
    assert part.compliance == {"compliant": 1, "noncompliant": 1, "unknown": 1}
    assert whole.findings == {"clock_skew": 1, "root": 1}
    expected = {"compliant": {heard.id}, "noncompliant": {wrong.id}, "unknown": {silent.id}}
    for standing, ids in expected.items():
        assert {view.id for view in devices.find(leader, Filters(compliance=standing)).items} == ids


def test_the_figures_cost_the_same_number_of_queries_however_many_phones(company: Company) -> None:
    admin = world.actor("admin")
    costs = []
    for _ in range(2):
        company.enroll(token=company.token())
        with unit_of_work(write=False), counted() as statements:
            summary.summarise(admin)
            timeline.recent(admin, 10)
        costs.append(len(statements))
    assert costs[0] == costs[1] <= 8


def test_model_and_system_narrow_the_list_and_are_offered(company: Company) -> None:
    phone = company.enroll()
    admin = world.actor("admin")
    assert devices.models_and_systems(admin) == (["23127PN0CC"], ["android 15"])
    for filters, found in (
        (Filters(model="23127PN0CC", os="android 15"), 1),
        (Filters(os="android"), 1),
        (Filters(os="android 14"), 0),
        (Filters(model="23127"), 0),
    ):
        assert devices.count(admin, filters) == found
    assert devices.ids(admin, Filters(), ["active"], 10) == [phone.id]
    assert devices.ids(admin, Filters(), ["retired"], 10) == []


def test_the_newest_lines_are_those_of_phones_in_scope(company: Company) -> None:
    own = company.enroll(token=company.token(org_unit="/总部/电销"))
    company.enroll(token=company.token(org_unit="/总部/客服"))
    leader, admin = world.actor("leader"), world.actor("admin")
    with unit_of_work(write=False):
        assert {line.device_id for line in timeline.recent(leader, 10)} == {own.id}
        assert len({line.device_id for line in timeline.recent(admin, 10)}) == 2


def test_an_export_has_every_phone_and_is_audited(company: Company) -> None:
    token = company.token()
    phones = {company.enroll(token=token).id for _ in range(3)}
    admin = world.actor("admin")
    with unit_of_work():
        devices.note_export(admin, Filters(), {"q": ""})
    found = {view.id for view in devices.every(admin, Filters())}
    assert found == phones
    (entry,) = world.audit_items(company.client, company.admin, action="device.export")
    assert entry["detail"]["count"] == 3
