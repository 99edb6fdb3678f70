"""Desired state: who gets what, one bundle for equal policies, one generation for each change, the right messages."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine

from core.actor import system_actor
from core.crypto.jose import verify
from core.runtime import runtime
from core.uow import unit_of_work
from fleet import holders, states
from identity import org
from policies import blobs, desired, housekeeping
from policies.models import Blob
from tests.fleet.company import hear as hear_fleet
from tests.fleet.phone import Phone
from tests.identity import world
from tests.policies.office import Office, assignment, document, policy

DENY = "{protection: {deny: [screenshot]}}"
HERE = "{org_unit: /总部/电销}"
SYSTEM = system_actor("test")


def hello(phone: Phone, **changes: Any) -> None:
    assert hear_fleet(phone.hello(datetime.now(UTC), **changes)) == []


def test_a_phone_without_a_policy_has_a_desired_state_without_rules(office: Office) -> None:
    phone = office.phone("/总部/电销")
    assert office.bundle(phone) == {"schema": 1, "rules": {}, "blobs": []}
    assert office.state(phone)["desired"]["generation"] > 1_700_000_000_000
    assert office.state(phone)["reported"] == {"generation": None, "bundle": None, "outcome": None, "at": None}


def test_phones_with_equal_policies_share_a_bundle_and_others_do_not(office: Office) -> None:
    one, two, other = office.phone("/总部/电销"), office.phone("/总部/电销"), office.phone("/总部/客服")
    office.forget_queue()
    office.apply(policy("sales", DENY) + assignment("everywhere", "sales", HERE))
    states_now = [office.state(phone)["desired"] for phone in (one, two, other)]
    assert states_now[0]["bundle"] == states_now[1]["bundle"] != states_now[2]["bundle"]
    assert sorted(office.queued(), key=lambda row: row[0] != "blob") == [
        ("blob", states_now[0]["bundle"]),
        *sorted([("desired", one.id), ("desired", two.id)]),
    ]


def test_a_change_gives_a_higher_generation_and_no_change_gives_none(office: Office) -> None:
    phone = office.phone("/总部/电销")
    first = office.state(phone)["desired"]["generation"]
    office.apply(policy("sales", DENY) + assignment("everywhere", "sales", HERE))
    second = office.state(phone)["desired"]["generation"]
    with unit_of_work():
        assert desired.refresh([phone.id]) == 0
    assert first < second == office.state(phone)["desired"]["generation"]


def test_an_assignment_to_a_unit_reaches_the_units_below_and_not_those_beside(office: Office) -> None:
    world.unit("/总部/电销/一组")
    world.unit("/总部/电销二部")
    below, beside = office.phone("/总部/电销/一组"), office.phone("/总部/电销二部")
    office.apply(policy("sales", DENY) + assignment("everywhere", "sales", HERE))
    assert office.rules(below) == {"protection": {"deny": ["screenshot"]}}
    assert office.rules(beside) == {}


def test_policies_of_unit_group_and_device_are_merged(office: Office) -> None:
    phone = office.phone("/总部/电销")
    office.apply(
        policy("a", "{device: {heartbeat_seconds: 60, require: [passcode]}}")
        + policy("b", "{device: {heartbeat_seconds: 30}}")
        + policy("c", "{device: {require: [encryption]}}")
        + document("Group", "pilot", f"{{devices: [{phone.id}]}}")
        + assignment("by-unit", "a", "{org_unit: /}")
        + assignment("by-group", "b", "{group: pilot}")
        + assignment("by-device", "c", f"{{device: {phone.id}}}")
    )
    assert office.rules(phone) == {"device": {"heartbeat_seconds": 30, "require": ["encryption", "passcode"]}}


def test_a_phone_that_enrolls_later_gets_what_reaches_it(office: Office) -> None:
    office.apply(
        policy("sales", DENY)
        + policy("pilot", "{location: {mode: off}}")
        + document("Group", "pilot", "{devices: []}")
        + assignment("everywhere", "sales", HERE)
        + assignment("pilots", "pilot", "{group: pilot}")
    )
    late = office.phone("/总部/电销", groups=["pilot"])
    assert office.rules(late) == {"protection": {"deny": ["screenshot"]}, "location": {"mode": "off"}}


def test_a_group_with_a_query_takes_in_phones_as_they_come(office: Office) -> None:
    early = office.phone("/总部/电销")
    office.apply(
        policy("old", DENY)
        + document("Group", "old-phones", "{query: 'os_version < 16 and org_unit in /总部/电销'}")
        + assignment("old", "old", "{group: old-phones}")
    )
    late, elsewhere = office.phone("/总部/电销"), office.phone("/总部/客服")
    assert office.rules(early) == office.rules(late) == {"protection": {"deny": ["screenshot"]}}
    assert office.rules(elsewhere) == {}
    office.apply(document("Group", "old-phones", "{query: 'os_version < 15'}"), publish=False)
    assert office.rules(early) == office.rules(late) == {}


def test_leaving_a_group_lifts_its_rules(office: Office) -> None:
    phone = office.phone("/总部/电销")
    office.apply(
        policy("sales", DENY)
        + document("Group", "pilot", f"{{devices: [{phone.id}]}}")
        + assignment("pilots", "sales", "{group: pilot}")
    )
    assert office.rules(phone) == {"protection": {"deny": ["screenshot"]}}
    outcome = office.apply(document("Group", "pilot", "{devices: []}"))
    assert (outcome["devices"], outcome["looser"]) == (1, [{"path": "protection", "devices": 1}])
    assert office.rules(phone) == {}


def test_a_holder_who_moves_takes_the_phone_to_other_policies(office: Office) -> None:
    phone = office.phone()
    office.apply(policy("sales", DENY) + assignment("everywhere", "sales", HERE))
    assert office.rules(phone) == {}
    with unit_of_work():
        holders.confirm(SYSTEM, phone.id, office.company.wang)
    assert office.rules(phone) == {"protection": {"deny": ["screenshot"]}}


def test_a_unit_that_moves_takes_its_phones_and_keeps_its_assignments(office: Office) -> None:
    phone = office.phone("/总部/电销")
    unit, elsewhere = world.unit("/总部/电销"), world.unit("/分部")
    office.apply(
        policy("sales", DENY)
        + policy("head", "{location: {mode: off}}")
        + assignment("everywhere", "sales", HERE)
        + assignment("head", "head", "{org_unit: /总部}")
    )
    assert set(office.rules(phone)) == {"protection", "location"}
    with unit_of_work():
        org.change(SYSTEM, unit, parent=elsewhere, name="新电销")
    assert set(office.rules(phone)) == {"protection"}
    exported = office.company.get("/documents/Assignment/everywhere").json["document"]["spec"]["to"]
    assert exported == {"org_unit": "/分部/新电销"}


def test_a_unit_that_moves_with_many_phones_goes_by_a_rollout(office: Office) -> None:
    from policies.models import Rollout

    phone = office.phone("/总部/电销")
    office.apply(policy("head", DENY) + assignment("head", "head", "{org_unit: /总部}"))
    unit, elsewhere = world.unit("/总部/电销"), world.unit("/分部")

    def rollouts_of_units() -> int:
        with unit_of_work(write=False) as current:
            return current.query(Rollout).filter_by(kind="org_unit").count()

    limited = runtime().settings.model_copy(update={"unstaged_limit": 0})
    with unit_of_work():
        org.change(SYSTEM, unit, name="电话销售")
    assert rollouts_of_units() == 0
    kept, runtime().__dict__["settings"] = runtime().settings, limited
    try:
        with unit_of_work():
            org.change(SYSTEM, unit, parent=elsewhere)
    finally:
        runtime().__dict__["settings"] = kept
    assert rollouts_of_units() == 1
    assert office.rules(phone) == {}


def test_a_unit_that_an_assignment_names_is_not_removed(office: Office) -> None:
    unit = world.unit("/临时")
    office.apply(policy("sales", DENY) + assignment("temporary", "sales", "{org_unit: /临时}"))
    refused = office.company.client.delete(f"/api/v1/org-units/{unit}", headers=office.company.admin)
    assert (refused.status_code, refused.json["code"]) == (409, "unit_in_use")


def test_sets_and_calendars_go_as_blobs_of_their_own_and_follow_their_version(office: Office) -> None:
    phone = office.phone("/总部/电销")
    rules = "{keywords: [{set: abuse, action: block}], work_hours: {calendar: cn, weekly: {mon: ['09:00-18:00']}}}"
    office.apply(
        document("KeywordSet", "abuse", "{terms: [坏], match: []}")
        + document("Calendar", "cn", "{days: [{date: 2026-10-01, kind: holiday}]}")
        + policy("sales", rules)
        + assignment("everywhere", "sales", HERE)
    )
    before = office.bundle(phone)
    assert [(part["kind"], part["name"]) for part in before["blobs"]] == [("calendar", "cn"), ("keyword_set", "abuse")]
    office.forget_queue()
    office.apply(document("KeywordSet", "abuse", "{terms: [坏, 更坏], match: []}"))
    after = office.bundle(phone)
    assert after["blobs"][0] == before["blobs"][0]
    assert after["blobs"][1]["digest"] != before["blobs"][1]["digest"]
    queued = office.queued()
    assert queued.index(("blob", after["blobs"][1]["digest"])) < queued.index(("desired", phone.id))
    with unit_of_work(write=False):
        words = json.loads(blobs.document(after["blobs"][1]["digest"]) or b"")
    assert {term["term"] for term in words["terms"]} == {"坏", "更坏"}


def test_what_the_relay_publishes_is_signed_retained_and_complete(office: Office) -> None:
    phone = office.phone("/总部/电销")
    message = office.render("desired", [phone.id])[0]
    assert (message.topic, message.retain) == (f"shouji/v1/d/{phone.id}/down/desired", True)
    key = runtime().ring.signing_keys()[0]
    claims = verify(message.payload, typ="shouji-desired+jws", keys={key.kid: key.public}, sub=phone.id)
    assert set(claims) == {"sub", "iat", "generation", "bundle", "notice"}
    assert set(claims["bundle"]) == {"digest", "size", "key"}
    blob = office.render("blob", [claims["bundle"]["digest"]])[0]
    assert (blob.topic, blob.retain) == (f"shouji/v1/blobs/{claims['bundle']['digest']}", True)
    assert hashlib.sha256(blob.payload).hexdigest() == claims["bundle"]["digest"]


def test_stored_bytes_are_used_again_and_never_packed_anew(office: Office) -> None:
    with unit_of_work() as current:
        first = blobs.store("bundle", "", {"schema": 1, "rules": {}, "blobs": []})
        current.query(Blob).filter_by(digest=first.digest).update({"body": b"as it was stored"})
        assert blobs.store("bundle", "", {"blobs": [], "rules": {}, "schema": 1}) == first
        assert blobs.bodies([first.digest]) == {first.digest: b"as it was stored"}


def test_a_blob_too_large_for_mqtt_is_not_published_but_fetched(office: Office) -> None:
    phone = office.phone("/总部/电销")
    terms = ", ".join(hashlib.sha256(str(number).encode()).hexdigest() for number in range(8000))
    office.apply(
        document("KeywordSet", "large", f"{{terms: [{terms}], match: []}}")
        + policy("sales", "{keywords: [{set: large, action: warn}]}")
        + assignment("everywhere", "sales", HERE)
    )
    part = office.bundle(phone)["blobs"][0]
    assert part["size"] > 200_000
    assert office.render("blob", [part["digest"]]) == []
    got = office.company.client.get(f"/api/v1/device/blobs/{part['digest']}", headers=phone.bearer())
    assert hashlib.sha256(got.data).hexdigest() == part["digest"]


def test_a_phone_fetches_only_what_its_own_desired_state_names(office: Office) -> None:
    one, other = office.phone("/总部/电销"), office.phone("/总部/客服")
    office.apply(policy("sales", DENY) + assignment("everywhere", "sales", HERE))
    digest = office.state(one)["desired"]["bundle"]
    path = f"/api/v1/device/blobs/{digest}"
    assert office.company.client.get(path, headers=one.bearer()).status_code == 200
    assert office.company.client.get(path, headers=other.bearer()).status_code == 404
    assert office.company.client.get(path).status_code == 401
    assert office.company.client.get(path, headers=office.company.admin).status_code == 401


def test_a_phone_that_is_closed_gets_nothing_more(office: Office) -> None:
    phone = office.phone("/总部/电销")
    with unit_of_work():
        states.revoke(SYSTEM, phone.id, "test")
    office.forget_queue()
    office.apply(policy("sales", DENY) + assignment("everywhere", "sales", HERE))
    assert office.queued() == []
    assert office.render("desired", [phone.id]) == []


def test_a_hello_that_tells_another_state_is_answered_with_the_desired_one(office: Office) -> None:
    phone = office.phone("/总部/电销")
    state = office.state(phone)["desired"]
    office.forget_queue()
    hello(phone)
    assert office.queued() == [("desired", phone.id)]
    office.forget_queue()
    in_force = {"generation": state["generation"], "highest_generation": state["generation"], "bundle": state["bundle"]}
    hello(phone, boot_id="another", **in_force)
    assert office.queued() == []


def test_the_newest_hello_of_a_quiet_span_decides_what_is_answered_at_its_end(office: Office) -> None:
    phone = office.phone("/总部/电销")
    state = office.state(phone)["desired"]
    in_force = {"generation": state["generation"], "highest_generation": state["generation"], "bundle": state["bundle"]}
    office.forget_queue()
    hello(phone, **in_force)
    hello(phone, **in_force)
    hello(phone, highest_generation=state["generation"])
    assert office.queued() == []
    span = timedelta(seconds=runtime().settings.hello_interval)
    with time_machine.travel(datetime.now(UTC) + span, tick=True):
        assert office.queued() == [("desired", phone.id)]


@pytest.mark.parametrize("ahead", [1, 10**9])
def test_a_phone_that_has_seen_more_than_a_restored_server_is_outrun(office: Office, ahead: int) -> None:
    phone = office.phone("/总部/电销")
    seen = office.state(phone)["desired"]["generation"] + ahead
    office.forget_queue()
    hello(phone, generation=seen, highest_generation=seen, bundle="f" * 64)
    assert office.state(phone)["desired"]["generation"] > seen
    assert office.queued() == [("desired", phone.id)]


def test_an_equal_generation_with_another_bundle_is_outrun_too(office: Office) -> None:
    phone = office.phone("/总部/电销")
    seen = office.state(phone)["desired"]["generation"]
    hello(phone, generation=seen, highest_generation=seen, bundle="f" * 64)
    assert office.state(phone)["desired"]["generation"] > seen


def test_what_one_phone_claims_to_have_seen_lifts_no_other_phone(office: Office) -> None:
    boaster, honest = office.phone("/总部/电销"), office.phone("/总部/电销")
    seen = office.state(boaster)["desired"]["generation"] + 10**14
    hello(boaster, highest_generation=seen)
    office.apply(policy("sales", DENY) + assignment("everywhere", "sales", HERE))
    assert office.state(boaster)["desired"]["generation"] == seen + 2
    assert office.state(honest)["desired"]["generation"] < seen
    assert office.bundle(honest) == office.bundle(boaster)


def test_a_generation_that_no_server_can_have_made_is_not_outrun(office: Office) -> None:
    phone = office.phone("/总部/电销")
    before = office.state(phone)["desired"]
    hello(phone, highest_generation=2**53 - 2)
    assert office.state(phone)["desired"] == before


def test_a_new_notice_is_told_with_the_same_generation(office: Office) -> None:
    phone = office.phone("/总部/电销")
    before = office.desired(phone)
    office.forget_queue()
    made = office.company.client.put(
        "/api/v1/notice", json={"texts": {"zh-CN": "新", "en": "new"}}, headers=office.company.admin
    )
    assert made.status_code == 200, made.json
    assert ("desired", phone.id) in office.queued()
    after = office.desired(phone)
    assert after["generation"] == before["generation"]
    assert after["notice"] != before["notice"]


def test_a_broker_without_its_memory_gets_blobs_and_waiting_states_again(office: Office) -> None:
    from mqtt.events import broker_forgot

    waiting, done = office.phone("/总部/电销"), office.phone("/总部/电销")
    office.report(done)
    office.forget_queue()
    with unit_of_work():
        broker_forgot.send(None)
    bundle = office.state(done)["desired"]["bundle"]
    assert office.queued() == [("blob", bundle), ("desired", waiting.id)]


def test_blobs_that_no_phone_was_told_of_for_a_week_are_cleared_from_the_broker(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    phone = office.phone("/总部/电销")
    empty = office.state(phone)["desired"]["bundle"]
    office.apply(policy("sales", DENY) + assignment("everywhere", "sales", HERE))
    present = office.state(phone)["desired"]["bundle"]
    with unit_of_work():
        assert housekeeping.clear_unused_blobs() == 0
    later = datetime.now(UTC) + timedelta(days=8)
    monkeypatch.setattr("core.clock.now", lambda: later)
    office.forget_queue()
    with unit_of_work():
        assert housekeeping.clear_unused_blobs() == 1
    monkeypatch.undo()
    cleared, kept = office.render("blob", [empty])[0], office.render("blob", [present])[0]
    assert (cleared.payload, cleared.retain) == (b"", True)
    assert kept.payload
