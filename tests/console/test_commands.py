"""Commands, approvals, the freeze and the notices, as pages."""

from __future__ import annotations

import re
from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from core.uow import unit_of_work
from fleet.commands import moves
from fleet.commands.models import Command
from fleet.commands.moves import Move
from fleet.commands.states import Trigger
from tests.console.site import CHINESE, ENGLISH, Site, submit, token_of
from tests.fleet.phone import Phone
from tests.identity import world

NASTY = "<script>alert(1)</script>\u202e=HYPERLINK"


def _wipe(site: Site, phone: Phone, reason: str = "left") -> dict[str, Any]:
    args = {"scope": "work_data", "preserve_records": True, "deadline_s": 60}
    answer = site.company.post(f"/devices/{phone.id}/commands", {"type": "wipe", "args": args, "reason": reason})
    assert answer.status_code == 202, answer.json
    found: dict[str, Any] = answer.json
    return found


def _decide(browser: FlaskClient, approval_id: str, decision: str, reason: str = "checked") -> TestResponse:
    token = token_of(browser.get("/devices").text)
    form = {"csrf_token": token, "decision": decision, "reason": reason}
    return browser.post(f"/approvals/{approval_id}", data=form, headers=ENGLISH)


def test_the_list_of_commands_is_narrowed_and_scoped(site: Site) -> None:
    own, away = site.enroll(org_unit="/总部/电销"), site.enroll(org_unit="/总部/客服")
    for phone in (own, away):
        site.company.post(f"/devices/{phone.id}/commands", {"type": "ping", "args": {}, "reason": NASTY[:40]})
    _wipe(site, own)
    browser, leader = site.person(), site.person("leader")
    assert "3 commands" in browser.get("/commands", headers=ENGLISH).text
    page = leader.get("/commands", headers=ENGLISH).text
    assert "2 commands" in page and away.serial not in page and "<script>alert" not in page
    for query, found in (("status=pending_approval", 1), ("type=ping", 2), ("status=open", 3), ("by=me", 3)):
        plural = "command" if found == 1 else "commands"
        assert f"{found} {plural}<" in browser.get(f"/commands?{query}", headers=ENGLISH).text
    assert "No command matches" in leader.get("/commands?by=me", headers=ENGLISH).text
    assert browser.get("/commands?status=nothing").status_code == 422


def test_the_list_of_commands_costs_the_same_number_of_queries_however_long_it_is(site: Site) -> None:
    browser = site.person()
    costs = []
    for _ in range(2):
        for _ in range(3):
            phone = site.enroll(person=site.company.wang, groups=["pilot"])
            site.company.post(f"/devices/{phone.id}/commands", {"type": "ping", "args": {}, "reason": ""})
        costs.append((site.queries(browser, "/commands"), site.queries(browser, "/approvals")))
    assert costs[0] == costs[1]


def test_a_command_tells_to_whom_what_why_and_how_far_and_can_be_cancelled(site: Site) -> None:
    phone = site.enroll(person=site.company.wang)
    body = {"type": "message", "args": {"title": NASTY, "text": "bring it back"}, "reason": "lost and found"}
    command = site.company.post(f"/devices/{phone.id}/commands", body).json["id"]
    browser = site.person()
    page = browser.get(f"/commands/{command}", headers=ENGLISH).text
    for part in (phone.serial, "王小明", "bring it back", "lost and found", "asked for", "Queued"):
        assert part in page
    assert "<script>alert" not in page
    assert submit(browser, f"/commands/{command}/cancel", ENGLISH, reason=" ").status_code == 422
    assert submit(browser, f"/commands/{command}/cancel", reason="found").status_code == 303
    after = browser.get(f"/commands/{command}", headers=ENGLISH).text
    assert "Cancelled" in after and f"/commands/{command}/cancel" not in after
    again = browser.post(f"/commands/{command}/cancel", data={"csrf_token": token_of(after), "reason": "x"})
    assert again.status_code == 409


def test_a_position_is_shown_to_those_who_may_and_each_look_is_audited(site: Site) -> None:
    phone = site.enroll(person=site.company.wang)
    asked = site.company.post(f"/devices/{phone.id}/commands", {"type": "locate", "args": {}, "reason": "lost"}).json
    output = {"lat": 31.23, "lon": 121.47, "accuracy_m": 12, "at": "2026-11-23T06:50:00.123Z"}
    result = {"status": "succeeded", "detail": NASTY, "output": output}
    with site.app.app_context(), unit_of_work():
        (command,) = moves.locked(Command.id == asked["id"])
        moves.carry_out([Move(command, Trigger.SUCCEEDED, result=result)])
    page = site.person().get(f"/commands/{asked['id']}", headers=ENGLISH).text
    assert "Latitude" in page and "31.23" in page and "<script>alert" not in page and "Done after" in page
    assert "31.23" not in site.person("leader").get("/commands").text
    looks = site.company.get("/audit", action="command.read_output").json["items"]
    assert [one["target_id"] for one in looks] == [asked["id"]]


def test_commands_of_others_are_not_there(site: Site) -> None:
    phone = site.enroll(org_unit="/总部/客服")
    asked = _wipe(site, phone)
    leader = site.person("leader")
    for address in (f"/commands/{asked['id']}", f"/approvals/{asked['approval_id']}"):
        assert leader.get(address).status_code == 404
    assert _decide(leader, asked["approval_id"], "approve").status_code == 404


def test_a_request_shows_exactly_what_and_whom_and_is_decided_by_somebody_else(site: Site) -> None:
    phone = site.enroll(org_unit="/总部/电销", person=site.company.wang)
    asked = _wipe(site, phone, NASTY)
    own = site.person()
    page = own.get(f"/approvals/{asked['approval_id']}", headers=ENGLISH).text
    assert "This is your own request" in page and 'value="approve"' not in page
    assert "<script>alert" not in page
    refused = _decide(own, asked["approval_id"], "approve")
    assert refused.status_code == 403 and "Nobody decides their own request" in refused.text
    leader = site.person("leader")
    assert "Wipe: 1 phone" in leader.get("/approvals", headers=ENGLISH).text
    page = leader.get(f"/approvals/{asked['approval_id']}", headers=ENGLISH).text
    for part in ("Wipe: 1 phone", phone.serial, "王小明", "work data only", 'value="approve"'):
        assert part in page
    assert _decide(leader, asked["approval_id"], "approve", " ").status_code == 422
    assert _decide(leader, asked["approval_id"], "perhaps").status_code == 422
    assert _decide(leader, asked["approval_id"], "deny", "not yet").status_code == 303
    after = leader.get(f"/approvals/{asked['approval_id']}", headers=ENGLISH).text
    assert "Denied" in after and "not yet" in after and 'value="approve"' not in after
    assert _decide(leader, asked["approval_id"], "approve").status_code == 409
    assert "Wipe: 1 phone" not in leader.get("/approvals", headers=ENGLISH).text
    assert "Wipe: 1 phone" in leader.get("/approvals?tab=decided", headers=ENGLISH).text
    assert "Wipe: 1 phone" in own.get("/approvals?tab=mine", headers=ENGLISH).text


def test_a_request_is_approved_by_the_second_person(site: Site) -> None:
    asked = _wipe(site, site.enroll(org_unit="/总部/电销"))
    assert _decide(site.person("leader"), asked["approval_id"], "approve").status_code == 303
    assert site.company.get(f"/commands/{asked['id']}").json["status"] == "queued"


def test_freezing_and_lifting(site: Site) -> None:
    browser, officer = site.person(), site.person("officer")
    assert "Not frozen" in browser.get("/freeze", headers=ENGLISH).text
    assert submit(officer, "/freeze", frozen="yes", reason=" ").status_code == 422
    assert submit(officer, "/freeze", frozen="yes", reason=NASTY).status_code == 303
    page = officer.get("/freeze", headers=ENGLISH).text
    assert "Only a platform administrator lifts the freeze" in page and "<script>alert" not in page
    form = {"csrf_token": token_of(page), "frozen": "no", "reason": "over", "typed": "unfreeze"}
    assert officer.post("/freeze", data=form).status_code == 403
    assert submit(browser, "/freeze", ENGLISH, frozen="no", reason="over", typed="x").status_code == 422
    assert submit(browser, "/freeze", ENGLISH, frozen="no", reason="over", typed="unfreeze").status_code == 303
    assert "Not frozen" in browser.get("/freeze", headers=ENGLISH).text
    with site.app.app_context():
        world.person("watcher", "policy_author")
    author = site.person("watcher")
    assert author.get("/freeze").status_code == 403 and 'href="/freeze"' not in author.get("/commands").text


def test_notices_are_ones_own_counted_and_marked(site: Site) -> None:
    asked = _wipe(site, site.enroll(org_unit="/总部/电销"))
    leader = site.person("leader")
    assert ">1<" in leader.get("/inbox/unread").text
    page = leader.get("/inbox", headers=CHINESE).text
    assert f'href="/approvals/{asked["approval_id"]}"' in page and "等待您审批" in page
    notice = re.search(r'name="id"\s+value="([^"]+)"', page)
    assert notice
    wrong = site.person()
    token = token_of(wrong.get("/inbox").text)
    assert wrong.post("/inbox/read", data={"csrf_token": token, "id": notice.group(1)}).status_code == 303
    assert ">1<" in leader.get("/inbox/unread").text, "only one's own are marked"
    read = leader.post("/inbox/read", data={"csrf_token": token_of(page), "id": notice.group(1)})
    assert read.status_code == 303 and leader.get("/inbox/unread").text.strip() == ""
    assert "Nothing unread" in leader.get("/inbox?unread=yes", headers=ENGLISH).text
    assert leader.post("/inbox/read", data={"id": notice.group(1)}).status_code == 400
