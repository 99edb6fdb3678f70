"""Accounts of one part of the tree against everything outside of it."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from tests.fleet_commands.desk import REASON, WIPE, Desk, result, say
from tests.identity import world
from tests.policies.office import Office, assignment, document, policy

TELESALES, SERVICE = "/总部/电销", "/总部/客服"
STRICT, LOOSE = "{device: {heartbeat_seconds: 30}}", "{device: {heartbeat_seconds: 3600}}"


@pytest.fixture
def local(desk: Desk) -> dict[str, str]:
    """An author of policies, an administrator and a compliance officer of telesales in one account."""
    world.person("local", "policy_author", "it_admin", "compliance_officer", org_unit=TELESALES)
    return world.headers("local")


def refused(answer: Any, code: str) -> None:
    assert answer.status_code == 403, answer.json
    assert answer.json["code"] == code


def test_a_local_author_cannot_touch_what_the_whole_fleet_shares(office: Office, local: dict[str, str]) -> None:
    office.apply(policy("base", STRICT) + assignment("everyone", "base", "{org_unit: /总部}"))
    before = office.company.get("/documents/Policy/base").json
    for text in (
        policy("base", LOOSE),
        policy("mine", LOOSE),
        document("Group", "catch-all", "{query: 'model != \"\"'}"),
        assignment("everyone", "base", f"{{org_unit: {TELESALES}}}"),
        assignment("foreign", "base", "{group: catch-all}") + document("Group", "catch-all", "{devices: []}"),
    ):
        refused(office.try_apply(text, publish=False, who=local), "beyond_scope")
        refused(office.try_apply(text, publish=True, who=local), "whole_tree_only")
    refused(office.company.post("/documents/Policy/base/publish", {"version": 1}, local), "whole_tree_only")
    refused(office.try_apply(policy("base", STRICT), publish=False, prune="true", who=local), "beyond_scope")
    assert office.company.get("/documents/Policy/base").json == before


def test_a_local_author_assigns_within_the_own_part_only(office: Office, local: dict[str, str]) -> None:
    office.apply(policy("base", STRICT))
    own = assignment("telesales", "base", f"{{org_unit: {TELESALES}}}")
    assert office.try_apply(own, publish=False, who=local).status_code == 200
    foreign = assignment("telesales", "base", f"{{org_unit: {SERVICE}}}")
    assert office.try_apply(foreign, publish=False, who=local).status_code == 422
    office.apply(foreign, publish=False)
    # Moved away by the author of all: the local one cannot take it back from the others.
    refused(office.try_apply(own, publish=False, who=local), "beyond_scope")


def test_foreign_phones_look_as_if_they_were_not_there(desk: Desk, local: dict[str, str]) -> None:
    foreign = desk.company.enroll(token=desk.company.token(org_unit=SERVICE))
    command_id = desk.sent(foreign, "ping")
    wipe_id = desk.sent(foreign, "wipe", WIPE)
    company, reason = desk.company, {"reason": REASON}
    for path in ("", "/commands", "/timeline", "/explain", "/chain", "/records", "/records/opened"):
        assert company.get(f"/devices/{foreign.id}{path}", local).status_code == 404, path
    for answer in (
        company.post(f"/devices/{foreign.id}/commands", {"type": "ping", "args": {}}, local),
        company.post("/commands", {"selector": {"devices": [foreign.id]}, "type": "ping", "args": {}}, local),
        company.post(f"/devices/{foreign.id}/confirm", {"person": "E1024"}, local),
        company.post(f"/devices/{foreign.id}/revoke", reason, local),
        company.patch(f"/devices/{foreign.id}", {"state": "lost", **reason}, local),
        company.get(f"/commands/{command_id}", local),
        company.post(f"/commands/{command_id}/cancel", reason, local),
        company.post(f"/commands/{wipe_id}/approve", reason, local),
        company.post(f"/commands/{wipe_id}/deny", reason, local),
    ):
        assert answer.status_code == 404, answer.json
    assert company.get("/commands", local).json["items"] == []
    assert company.get("/approvals", local).json["items"] == []
    everyone = company.post("/commands", {"selector": {"all": True}, "type": "ping", "args": {}}, local)
    assert everyone.status_code == 422 and everyone.json["code"] == "no_devices"


def test_a_part_of_the_tree_decides_nothing_for_the_whole_fleet(desk: Desk, local: dict[str, str]) -> None:
    company = desk.company
    texts = {"zh-CN": "新", "en": "new"}
    refused(company.client.put("/api/v1/notice", json={"texts": texts}, headers=local), "whole_tree_only")
    refused(company.get("/quarantine", local), "whole_tree_only")
    world.person("chief", "platform_admin", org_unit=TELESALES)
    desk.freeze(True)
    lifted = company.post("/freeze", {"frozen": False, "reason": REASON}, world.headers("chief"))
    refused(lifted, "whole_tree_only")
    assert company.get("/freeze").json["frozen"] is True


def test_people_and_tokens_stay_in_the_own_part(desk: Desk, local: dict[str, str]) -> None:
    company = desk.company
    assert company.patch(f"/staff/{company.li}", {"name": "x"}, local).status_code == 404
    assert company.patch(f"/staff/{company.wang}", {"org_unit": SERVICE}, local).status_code == 422
    refused(company.patch(f"/staff/{company.wang}", {"roles": ["platform_admin"]}, local), "beyond_own_rights")
    me = company.get("/auth/me", local).json["id"]
    refused(company.patch(f"/staff/{me}", {"roles": ["it_admin"]}, local), "own_roles")
    for wish in ({"org_unit": SERVICE}, {"org_unit": "/"}, {"person": "E2048"}, {"person": company.li}):
        made = company.post("/enrollment-tokens", {"max_uses": 1, "expires_in": 60, **wish}, local)
        assert made.status_code == 422, wish


def test_a_position_is_not_for_everybody_who_sees_commands(desk: Desk) -> None:
    phone = desk.company.enroll(token=desk.company.token(person="E1024"))
    command_id = desk.sent(phone, "locate")
    where = {"location": {"lat": 31.2, "lon": 121.4, "accuracy_m": 5.0, "at": "2026-11-23T06:50:00.000Z"}}
    assert say(result(phone, command_id, "succeeded", output=where)) == []
    world.person("author", "policy_author")
    shown = desk.company.get(f"/commands/{command_id}", world.headers("author")).json
    assert shown["status"] == "succeeded" and "output" not in shown["result"]
    assert desk.company.get(f"/commands/{command_id}", desk.who["asker"]).json["result"]["output"] == where


FORGED: tuple[list[Any], ...] = (
    [],
    ["x"],
    [None, None],
    [1],
    [10**30],
    ["x", "y"],
    [[1], "x"],
    [{"t": "2026-11-23T06:50:00Z"}, 5],
    [True],
)


@pytest.mark.parametrize("values", FORGED)
def test_a_forged_cursor_is_a_bad_request(desk: Desk, values: list[Any]) -> None:
    forged = base64.urlsafe_b64encode(json.dumps(values).encode()).decode()
    for path in ("/devices", "/audit", "/staff", "/approvals"):
        answer = desk.company.get(path, cursor=forged)
        assert answer.status_code in (200, 400), (path, answer.json)


def test_documents_show_phones_of_the_own_part_only(office: Office, local: dict[str, str]) -> None:
    own, foreign = office.phone(TELESALES), office.phone(SERVICE)
    group = document("Group", "mixed", f"{{devices: [{own.id}, {foreign.id}]}}")
    office.apply(policy("base", STRICT) + group + assignment("one", "base", f"{{device: {foreign.id}}}"))
    read = office.company.get

    def read_by(who: dict[str, str] | None) -> tuple[Any, Any]:
        mixed, one = read("/documents/Group/mixed", who).json, read("/documents/Assignment/one", who).json
        return mixed["document"]["spec"]["devices"], one["document"]["spec"]["to"]

    assert read_by(None) == ([own.id, foreign.id], {"device": foreign.id})
    assert read_by(local) == ([own.id], {"device": None})
    for path in ("/documents", "/documents/export", "/groups", "/audit"):
        assert foreign.id not in read(path, local).text, path
    assert foreign.id in read("/documents/export").text
    assert "Group/mixed" in read("/documents/export", local).text.splitlines()[0]
    names = {one["name"] for one in read("/documents", local).json["items"]}
    assert names == {"base", "mixed", "one"}


def test_a_plan_does_not_tell_which_foreign_phones_a_group_holds(office: Office, local: dict[str, str]) -> None:
    own, foreign = office.phone(TELESALES), office.phone(SERVICE)
    office.apply(document("Group", "mixed", f"{{devices: [{own.id}, {foreign.id}]}}"))
    emptied = document("Group", "mixed", "{devices: []}")
    for who, told in ((None, {own.id, foreign.id}), (local, {own.id})):
        answer = office.send("/documents/plan", emptied, who=who)
        assert answer.status_code == 200, answer.json
        assert {field["old"] for field in answer.json["changes"][0]["fields"]} == told
