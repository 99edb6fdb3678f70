from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from core.actor import Actor, system_actor
from core.errors import Forbidden, Invalid
from core.uow import unit_of_work
from fleet import groups, queries
from fleet.events import DeviceChange, devices_changed
from tests.fleet.company import Company

SYSTEM = system_actor("test")


@pytest.fixture
def told() -> Iterator[list[tuple[str, str | None]]]:
    """Phones whose groups changed."""
    heard: list[tuple[str, str | None]] = []

    def listen(_sender: Any, changes: list[DeviceChange]) -> None:
        heard.extend((change.device_id, change.new) for change in changes if change.what == "groups")

    with devices_changed.connected_to(listen):
        yield heard


def replace(name: str, ids: list[str], **more: Any) -> list[str]:
    with unit_of_work():
        return groups.replace(SYSTEM, name, ids, **more)


def members(name: str) -> set[str]:
    with unit_of_work(write=False):
        return set(groups.members(name))


def test_a_document_names_who_is_in_a_group(company: Company, told: list[Any]) -> None:
    token = company.token()
    one, two = company.enroll(token=token).id, company.enroll(token=token).id
    assert replace("pilot", [one, two], title="试点") == sorted([one, two])
    assert replace("pilot", [two, one]) == []
    assert replace("pilot", [two]) == [one]
    assert members("pilot") == {two}
    assert sorted(told) == sorted([(one, "pilot"), (two, "pilot"), (one, "pilot")])


def test_phones_that_a_token_put_there_stay(company: Company) -> None:
    enrolled = company.enroll(token=company.token(groups=["pilot"])).id
    other = company.enroll().id
    replace("pilot", [other])
    replace("pilot", [])
    assert members("pilot") == {enrolled}


def test_unknown_phones_and_names_are_refused_whole(company: Company) -> None:
    one = company.enroll().id
    for name, ids in (("pilot", [one, str(uuid.uuid4())]), ("Bad Name", [one]), ("x" * 64, []), ("", [])):
        with pytest.raises(Invalid):
            replace(name, ids)
    assert company.get("/groups").json["items"] == []


def test_who_may_not_write_documents_changes_no_group(company: Company) -> None:
    with pytest.raises(Forbidden), unit_of_work():
        groups.replace(Actor("staff", "x", "x", frozenset(), "/"), "pilot", [])


def test_a_list_counts_the_phones_that_one_sees(company: Company) -> None:
    company.enroll(token=company.token(groups=["pilot"], org_unit="/总部/电销"))
    company.enroll(token=company.token(groups=["pilot"], org_unit="/总部/客服"))
    assert [(one["name"], one["devices"]) for one in company.get("/groups").json["items"]] == [("pilot", 2)]
    assert [one["devices"] for one in company.get("/groups", company.leader).json["items"]] == [1]


def test_closed_phones_are_no_members_and_a_removed_group_has_none(company: Company, told: list[Any]) -> None:
    token = company.token(groups=["pilot"])
    one, two = company.enroll(token=token), company.enroll(token=token)
    company.post(f"/devices/{one.id}/revoke", {"reason": "x"})
    assert members("pilot") == {two.id}
    with unit_of_work():
        assert set(groups.remove(SYSTEM, "pilot")) == {one.id, two.id}
    assert members("pilot") == set()
    with unit_of_work(write=False):
        assert queries.refs([one.id, two.id])[two.id].living
        assert not queries.refs([one.id])[one.id].living
