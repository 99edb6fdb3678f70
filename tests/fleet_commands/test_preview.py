from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from core.text import Text
from core.uow import unit_of_work
from fleet.commands import guards
from fleet.models import Device
from tests.conftest import Tune
from tests.fleet.phone import Phone
from tests.fleet_commands.desk import LOSSY, WIPE, Desk
from tests.fleet_commands.test_requests import phones
from tests.identity import world


def preview(desk: Desk, selector: dict[str, Any], kind: str, args: Any = None, who: str = "asker") -> Any:
    body = {"selector": selector, "type": kind, "args": args or {}}
    return desk.company.post("/commands/preview", body, desk.who[who])


def shown(desk: Desk, selector: dict[str, Any], kind: str, args: Any = None, **more: str) -> dict[str, Any]:
    answer = preview(desk, selector, kind, args, **more)
    assert answer.status_code == 200, answer.json
    found: dict[str, Any] = answer.json
    return found


def codes(found: dict[str, Any]) -> list[str]:
    return [refusal["code"] for refusal in found["refusals"]]


def test_a_preview_says_who_is_hit_and_where_and_changes_nothing(desk: Desk) -> None:
    near = phones(desk, 2, org_unit="/总部/电销")
    (far,) = phones(desk, 1, org_unit="/总部/客服")
    found = shown(desk, {"org_unit": "/总部"}, "lock")
    assert found["devices"] == 3 and found["units"] == {"/总部/电销": 2, "/总部/客服": 1}
    assert {one["id"] for one in found["sample"]} == {one.id for one in [*near, far]}
    assert (found["destructive"], found["needs_approval"], found["room"], codes(found)) == (False, False, None, [])
    assert desk.company.get(f"/devices/{far.id}/commands").json["items"] == []


def test_what_was_previewed_is_what_is_hit(desk: Desk) -> None:
    phones(desk, 2, org_unit="/总部/电销")
    seen = shown(desk, {"org_unit": "/总部/电销"}, "ping")["targets_sha256"]
    body = {"selector": {"org_unit": "/总部/电销"}, "type": "ping", "targets_sha256": seen}
    assert desk.company.post("/commands", body, desk.who["asker"]).status_code == 202
    (late,) = phones(desk, 1, org_unit="/总部/电销")
    refused = desk.company.post("/commands", body, desk.who["asker"])
    assert refused.status_code == 409 and refused.json["code"] == "targets_changed"
    assert desk.company.get(f"/devices/{late.id}/commands").json["items"] == []
    assert desk.audited("request.refused")[0]["detail"]["code"] == "targets_changed"


def test_a_phone_that_changed_holder_since_the_preview_is_not_what_was_previewed(desk: Desk, phone: Phone) -> None:
    desk.company.post(f"/devices/{phone.id}/confirm", {"person": desk.company.wang})
    seen = shown(desk, {"devices": [phone.id]}, "ping")["targets_sha256"]
    desk.company.post(f"/devices/{phone.id}/confirm", {"person": desk.company.li})
    body = {"selector": {"devices": [phone.id]}, "type": "ping", "targets_sha256": seen}
    assert desk.company.post("/commands", body, desk.who["asker"]).json["code"] == "targets_changed"


def test_phones_that_a_selector_passes_over_are_counted_by_why(desk: Desk) -> None:
    first, _second = phones(desk, 2)
    desk.company.post(f"/devices/{first.id}/revoke", {"reason": "报废"})
    found = shown(desk, {"all": True}, "ping")
    assert found["devices"] == 1 and found["dropped"] == {"state_retired": 1} and codes(found) == []


def test_what_would_refuse_the_request_is_said_before(desk: Desk, tune: Tune) -> None:
    closed, busy, held = phones(desk, 3)
    desk.company.post(f"/devices/{closed.id}/revoke", {"reason": "报废"})
    assert codes(shown(desk, {"devices": [closed.id]}, "ping")) == ["device_state", "no_devices"]
    desk.sent(busy, "wipe", WIPE)

    def hold(device_ids: Sequence[str], *, preserve_records: bool) -> dict[str, Text]:
        assert preserve_records
        return {held.id: Text("法律保全", "legal hold")} if held.id in device_ids else {}

    guards.bind(wipe_guard=hold)
    tune(wipe_cap_per_person=2)
    named = [closed.id, busy.id, held.id, "11111111-2222-4333-8444-555555555555"]
    found = shown(desk, {"devices": named}, "wipe", WIPE)
    assert codes(found) == ["no_such_device", "command_under_way", "wipe_refused", "cap"]
    assert found["refusals"][2]["devices"] == [held.id] and found["room"] == 1
    assert codes(shown(desk, {"group": "nobody"}, "ping")) == ["no_devices"]


def test_a_preview_of_a_wipe_counts_who_could_approve_it(desk: Desk, phone: Phone) -> None:
    kept = shown(desk, {"devices": [phone.id]}, "wipe", WIPE)
    assert kept["needs_approval"] and kept["destructive"] and kept["loses_records"] == 0
    assert kept["approvers"] == 3  # second, admin, officer
    lossy = shown(desk, {"devices": [phone.id]}, "wipe", LOSSY)
    assert lossy["loses_records"] == 1 and lossy["approvers"] == 1


def test_a_lock_of_many_is_shown_as_destructive(desk: Desk, tune: Tune) -> None:
    tune(bulk_lock_threshold=1)
    phones(desk, 2)
    assert shown(desk, {"all": True}, "lock")["destructive"] is True


def test_a_preview_demands_what_the_request_demands(desk: Desk, phone: Phone) -> None:
    foreign = desk.company.enroll(token=desk.company.token(org_unit="/总部/客服"))
    assert shown(desk, {"all": True}, "ping", who="leader")["devices"] == 0
    assert codes(shown(desk, {"devices": [foreign.id]}, "ping", who="leader")) == ["no_such_device", "no_devices"]
    assert preview(desk, {"all": True}, "explode").json["code"] == "unknown_command"
    assert preview(desk, {"all": True}, "wipe", {"scope": "x"}).json["code"] == "bad_args"
    assert preview(desk, {"all": True}, "ping", who="officer").status_code == 403


class TestRevocation:
    """Phones cut off together."""

    def preview(self, desk: Desk, selector: dict[str, Any], who: str = "asker") -> dict[str, Any]:
        answer = desk.company.post("/devices/revoke/preview", {"selector": selector}, desk.who[who])
        assert answer.status_code == 200, answer.json
        found: dict[str, Any] = answer.json
        return found

    def revoke(self, desk: Desk, selector: dict[str, Any], seen: str, who: str = "asker", reason: str = "离职") -> Any:
        body = {"selector": selector, "reason": reason, "targets_sha256": seen}
        return desk.company.post("/devices/revoke", body, desk.who[who])

    def asked(self, desk: Desk, selector: dict[str, Any]) -> Any:
        return self.revoke(desk, selector, self.preview(desk, selector)["targets_sha256"])

    def decide(self, desk: Desk, asked: Any, how: str = "approve", who: str = "second") -> Any:
        address = f"/devices/revoke/{asked.json['approval_id']}/{how}"
        return desk.company.post(address, {"reason": "核对过"}, desk.who[who])

    def single(self, desk: Desk, phone: Phone, who: str = "asker") -> Any:
        return desk.company.post(f"/devices/{phone.id}/revoke", {"reason": "离职"}, desk.who[who])

    def test_those_that_were_previewed_are_cut_off_with_a_reason(self, desk: Desk) -> None:
        crowd = phones(desk, 3)
        selector = {"devices": [one.id for one in crowd[:2]]}
        seen = self.preview(desk, selector)
        assert seen["devices"] == 2 and seen["room"] == 20
        assert self.revoke(desk, selector, seen["targets_sha256"], reason=" ").status_code == 422
        assert (seen["needs_approval"], seen["approvers"]) == (True, 3)
        asked = self.revoke(desk, selector, seen["targets_sha256"])
        assert (asked.status_code, asked.json["devices"]) == (202, 2)
        assert {desk.company.device(one)["state"] for one in crowd} == {"active"}
        assert self.decide(desk, asked, who="asker").json["code"] == "own_request"
        assert self.decide(desk, asked).json["state"] == "used"
        assert self.decide(desk, asked).json["code"] == "approval_decided"
        assert [desk.company.device(one)["state"] for one in crowd] == ["retired", "retired", "active"]
        entry = desk.audited("device.revoke_many")[0]
        assert entry["detail"]["count"] == 2 and entry["detail"]["reason"] == "离职"
        assert entry["detail"]["approval"] == asked.json["approval_id"]
        again = self.revoke(desk, selector, seen["targets_sha256"])
        assert again.status_code == 409 and again.json["code"] == "device_state"

    def test_one_phone_is_cut_off_at_once(self, desk: Desk) -> None:
        (one,) = phones(desk, 1)
        assert self.asked(desk, {"devices": [one.id]}).json == {"devices": 1, "approval_id": None}
        assert desk.company.device(one)["state"] == "retired"

    def test_what_is_denied_is_not_done(self, desk: Desk) -> None:
        crowd = phones(desk, 2)
        asked = self.asked(desk, {"all": True})
        assert self.decide(desk, asked, "deny").json["state"] == "denied"
        assert {desk.company.device(one)["state"] for one in crowd} == {"active"}

    def test_whoever_asked_and_lost_the_right_meanwhile_cuts_nothing_off(self, desk: Desk) -> None:
        crowd = phones(desk, 2)
        asked = self.asked(desk, {"all": True})
        person = desk.company.get("/staff", q="asker").json["items"][0]
        assert desk.company.patch(f"/staff/{person['id']}", {"roles": ["employee"]}).status_code == 200
        refused = self.decide(desk, asked)
        assert (refused.json["code"], refused.json["why"]) == ("approval_unusable", "requester_permissions")
        assert {desk.company.device(one)["state"] for one in crowd} == {"active"}
        codes = [entry["detail"]["code"] for entry in desk.audited("request.refused")]
        assert "approval_unusable" in codes

    def test_a_phone_that_changed_hands_or_left_meanwhile_drops_out(self, desk: Desk) -> None:
        gone, moved, stays = phones(desk, 3)
        asked = self.asked(desk, {"all": True})
        assert self.single(desk, gone, "second").status_code == 200
        with unit_of_work() as current:
            current.get_one(Device, moved.id).person_id = desk.company.wang
        assert self.decide(desk, asked).status_code == 200
        assert [desk.company.device(one)["state"] for one in (moved, stays)] == ["active", "retired"]
        entry = desk.audited("device.revoke_many")[0]["detail"]
        assert (entry["count"], entry["dropped"]) == (1, sorted([gone.id, moved.id]))

    def test_the_cap_and_the_freeze_hold_when_it_is_carried_out_too(self, desk: Desk, tune: Tune) -> None:
        crowd = phones(desk, 3)
        asked = self.asked(desk, {"devices": [one.id for one in crowd[:2]]})
        desk.freeze(True)
        assert self.decide(desk, asked).json["code"] == "frozen"
        desk.freeze(False)
        tune(wipe_cap_per_person=2)
        assert self.single(desk, crowd[2]).status_code == 200
        assert self.decide(desk, asked).json["code"] == "revoke_cap"
        assert desk.company.device(crowd[0])["state"] == "active"
        tune(wipe_cap_per_person=3)
        assert self.decide(desk, asked).json["state"] == "used"

    def test_others_than_those_previewed_are_never_hit(self, desk: Desk) -> None:
        phones(desk, 1)
        seen = self.preview(desk, {"all": True})["targets_sha256"]
        (late,) = phones(desk, 1)
        assert self.revoke(desk, {"all": True}, seen).json["code"] == "targets_changed"
        assert desk.company.device(late)["state"] == "active"

    def test_wipes_and_revocations_share_one_cap_and_go_over_it_whole_or_not_at_all(
        self, desk: Desk, tune: Tune
    ) -> None:
        tune(wipe_cap_per_person=3)
        first, second, *rest = phones(desk, 5)
        desk.sent(first, "wipe", WIPE)
        assert self.single(desk, second).status_code == 200
        selector = {"devices": [one.id for one in rest[:2]]}
        seen = self.preview(desk, selector)
        assert seen["room"] == 1 and codes(seen) == ["cap"]
        refused = self.revoke(desk, selector, seen["targets_sha256"])
        assert refused.status_code == 429 and refused.json["code"] == "revoke_cap"
        assert {desk.company.device(one)["state"] for one in rest} == {"active"}
        entries = world.audit_items(desk.company.client, desk.who["admin"], action="device.revoke", outcome="refused")
        assert entries[0]["detail"]["phones"] == 2
        assert self.single(desk, rest[0]).status_code == 200
        assert self.single(desk, rest[1]).status_code == 429
        assert desk.ask(rest[1], "wipe", WIPE).status_code == 429

    def test_retiring_counts_as_the_revocation_that_it_is(self, desk: Desk, tune: Tune) -> None:
        tune(wipe_cap_per_person=1)
        first, second = phones(desk, 2)
        retire = {"state": "retired", "reason": "离职"}
        assert desk.company.patch(f"/devices/{first.id}", retire, desk.who["asker"]).status_code == 200
        assert desk.company.patch(f"/devices/{second.id}", retire, desk.who["asker"]).status_code == 429

    def test_a_lost_phone_is_cut_though_others_used_up_the_cap_of_all(self, desk: Desk, tune: Tune) -> None:
        tune(wipe_cap_per_person=2, wipe_cap_total=2)
        *burnt, stolen = phones(desk, 3)
        assert [self.single(desk, one).status_code for one in burnt] == [200, 200]
        assert self.single(desk, stolen, "second").json["whose"] == "total"
        desk.company.patch(f"/devices/{stolen.id}", {"state": "lost", "reason": "被盗"}, desk.who["second"])
        assert self.single(desk, stolen, "asker").json["whose"] == "person"
        assert self.single(desk, stolen, "second").status_code == 200

    def test_a_freeze_holds_many_back_and_never_a_single_one(self, desk: Desk) -> None:
        first, second = phones(desk, 2)
        desk.freeze(True)
        seen = self.preview(desk, {"all": True})["targets_sha256"]
        assert self.revoke(desk, {"all": True}, seen).json["code"] == "frozen"
        assert self.single(desk, first).status_code == 200 and desk.company.device(second)["state"] == "active"

    @pytest.mark.parametrize("who", ["officer"])
    def test_it_takes_the_permission(self, desk: Desk, who: str) -> None:
        assert self.revoke(desk, {"all": True}, "0" * 64, who).status_code == 403
