"""Groups with queries: previewed, asking about each other, kept current, and what is wrong with them."""

from __future__ import annotations

from typing import Any

import pytest

from core.actor import system_actor
from core.uow import unit_of_work
from fleet import edit, groups
from tests.fleet.company import API
from tests.policies.office import Office, assignment, document, policy

RULES = "{protection: {deny: [screenshot]}}"


def group(name: str, query: str) -> str:
    return document("Group", name, f"{{query: '{query}'}}")


def members(name: str) -> set[str]:
    with unit_of_work(write=False):
        return set(groups.members(name))


def faults(answer: Any) -> list[tuple[str, str]]:
    assert answer.status_code == 422, answer.json
    return [(fault["path"], fault["code"]) for fault in answer.json["problems"]]


def test_a_preview_counts_and_names_phones_of_ones_own_part_and_saves_nothing(office: Office) -> None:
    sales, service = office.phone("/总部/电销"), office.phone("/总部/客服")
    found = office.company.post("/groups/preview", {"query": "os = android"}).json
    assert found["count"] == 2
    assert {phone["id"] for phone in found["sample"]} == {sales.id, service.id}
    narrowed = office.company.post("/groups/preview", {"query": "org_unit in /总部/电销"}).json
    assert [phone["org_unit"] for phone in narrowed["sample"]] == ["/总部/电销"]
    assert office.company.get("/documents").json["items"] == []


@pytest.mark.parametrize(
    ("query", "code"), [("colour = red", "group_query"), ("os <", "group_query"), ("group = nobody", "unknown_group")]
)
def test_a_preview_of_what_cannot_be_asked_says_why(office: Office, query: str, code: str) -> None:
    answer = office.company.post("/groups/preview", {"query": query})
    assert (answer.status_code, answer.json["code"]) == (422, code)


def test_a_label_that_there_is_not_is_named_together_with_those_there_are(office: Office) -> None:
    said = office.company.post("/groups/preview", {"query": "colour = red"}).json["detail"]
    assert "colour" in said and "os_version" in said


def test_groups_that_ask_about_each_other_in_a_circle_are_refused_and_nothing_is_written(office: Office) -> None:
    office.apply(group("a", "os = android") + group("b", "group = a"))
    answer = office.try_apply(group("a", "group = c") + group("c", "not group = b"))
    assert faults(answer) == [("spec.query", "group_circle"), ("spec.query", "group_circle")]
    assert "a → c → b → a" in answer.json["problems"][0]["text"] or "a → c → b → a" in str(answer.json)
    assert faults(office.try_apply(group("own", "group = own"))) == [("spec.query", "group_circle")]
    assert office.company.get("/documents/Group/a").json["revision"] == 1


def test_a_group_that_another_one_asks_about_must_be_there_and_stays(office: Office) -> None:
    assert faults(office.try_apply(group("b", "group = a"))) == [("spec.query", "unknown_group")]
    office.apply(group("b", "group = a") + group("a", "os = android"))
    gone = office.company.client.delete(
        f"{API}/documents/Group/a", headers=office.company.admin, query_string={"reason": "unused"}
    )
    assert (gone.status_code, gone.json["code"]) == (422, "still_used")


def test_groups_of_groups_follow_who_is_in_them(office: Office) -> None:
    phone, other = office.phone("/总部/电销"), office.phone("/总部/客服")
    office.apply(
        document("Group", "picked", f"{{devices: [{phone.id}]}}")
        + group("rest", "not group = picked and os = android")
        + group("all", "group = rest or group = picked")
        + policy("strict", RULES)
        + assignment("rest", "strict", "{group: rest}")
    )
    assert (members("rest"), members("all")) == ({other.id}, {phone.id, other.id})
    assert (office.rules(phone), "protection" in office.rules(other)) == ({}, True)
    planned = office.plan(document("Group", "picked", f"{{devices: [{other.id}]}}"))
    assert planned["devices"] == 2
    office.apply(document("Group", "picked", f"{{devices: [{other.id}]}}"))
    assert members("rest") == {phone.id}
    assert (office.rules(other), "protection" in office.rules(phone)) == ({}, True)


def test_a_phone_that_moves_joins_and_leaves_groups_of_groups(office: Office) -> None:
    phone = office.phone("/总部/客服")
    office.apply(group("sales", "org_unit in /总部/电销") + group("others", "not group = sales"))
    assert members("others") == {phone.id}
    with unit_of_work():
        edit.place(system_actor("test"), phone.id, org_unit="/总部/电销")
    assert (members("sales"), members("others")) == ({phone.id}, set())


@pytest.mark.parametrize(
    ("spec", "path"),
    [
        ('{work_hours: {weekly: {mon: ["09:00-12:00", "11:00-13:00"]}}}', "spec.work_hours.weekly.mon[1]"),
        ('{work_hours: {weekly: {mon: ["22:00-02:00"], tue: ["01:00-03:00"]}}}', "spec.work_hours.weekly.tue[0]"),
        ('{work_hours: {weekly: {sun: ["22:00-02:00"], mon: ["01:00-03:00"]}}}', "spec.work_hours.weekly.mon[0]"),
        ('{work_hours: {weekly: {mon-fri: ["09:00-12:00"], wed: ["09:00-12:00"]}}}', "spec.work_hours.weekly.wed[0]"),
        ('{contact_limits: {quiet_hours: ["22:00-08:00", "07:00-09:00"]}}', "spec.contact_limits.quiet_hours[1]"),
    ],
)
def test_windows_that_overlap_are_refused_with_their_place(office: Office, spec: str, path: str) -> None:
    assert faults(office.try_apply(policy("p", spec))) == [(path, "windows_overlap")]


def test_windows_that_touch_do_not_overlap(office: Office) -> None:
    office.apply(policy("p", '{work_hours: {weekly: {mon-sun: ["22:00-02:00", "02:00-04:00", "09:00-12:00"]}}}'))
