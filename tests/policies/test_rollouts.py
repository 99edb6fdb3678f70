"""Rollouts by rings: who gets what when, what goes on by itself, what stops, and what people do."""

from __future__ import annotations

import pytest

from core.uow import unit_of_work
from fleet import states
from tests.policies.office import Office, assignment, document, policy
from tests.policies.staged import EVERYONE, NEW, OLD, Rollout, evaluate, later, phones, seconds
from tests.policies.test_desired import SYSTEM

PILOT = {"name": "pilot", "group": "pilot", "success": {"percent": 100, "within": "10m"}, "soak": "10m"}


def test_a_ring_gets_it_first_and_the_next_when_the_gate_is_met_and_it_has_soaked(office: Office) -> None:
    pilot, other = phones(office, 2)
    going = Rollout(office, {"rings": [PILOT, EVERYONE], "reason": "日常"})
    assert (going.state, going.rings()) == ("running", ["running", "waiting"])
    assert (seconds(office, pilot), seconds(office, other)) == (30, 60)
    evaluate()
    assert going.rings() == ["running", "waiting"], "nobody has applied it yet"
    office.report(pilot)
    evaluate()
    assert going.rings() == ["soaking", "waiting"]
    with later(minutes=11):
        evaluate()
        assert (going.state, going.rings()) == ("finished", ["finished", "finished"])
        assert seconds(office, other) == 30
        assert going.figures(0) == {"targeted": 1, "sent": 1, "applied": 1}
        assert going.figures(1) == {"targeted": 1, "waiting": 1}
    assert office.company.get("/documents/Policy/sales").json["version"] == 2


def test_percentages_are_cumulative_and_the_same_phones_in_every_rollout(office: Office) -> None:
    from policies.rings import share_of

    made = phones(office, 6)
    ordered = sorted(made, key=lambda phone: share_of(phone.id))
    half = (share_of(ordered[2].id) + share_of(ordered[3].id)) / 2
    going = Rollout(
        office,
        {"rings": [{"name": "half", "percentage": half, "soak": "1d"}, {"name": "rest", "percentage": 100}]},
    )
    assert [seconds(office, phone) for phone in ordered] == [30, 30, 30, 60, 60, 60]
    going.done("skip")
    assert [seconds(office, phone) for phone in ordered] == [30] * 6


def test_a_ring_by_query_holds_what_the_query_finds(office: Office) -> None:
    made = phones(office, 2)
    none = {"name": "none", "query": "os_version < 2", "soak": "1d"}
    some = {"name": "some", "query": "org_unit in /总部/电销 and os_version < 99", "soak": "1d"}
    going = Rollout(office, {"rings": [none, some, EVERYONE]})
    assert going.figures(0) == {}
    assert [seconds(office, phone) for phone in made] == [60, 60]
    going.done("skip")
    assert going.figures(1) == {"targeted": 2, "waiting": 2}


def test_a_phone_that_joins_late_gets_what_its_ring_has(office: Office) -> None:
    phones(office, 2)
    going = Rollout(office, {"rings": [PILOT, EVERYONE]})
    early, late = office.phone("/总部/电销", groups=["pilot"]), office.phone("/总部/电销")
    assert (seconds(office, early), seconds(office, late)) == (30, 60)
    assert going.figures(0)["targeted"] == 2
    elsewhere = office.phone("/总部/客服", groups=["pilot"])
    assert office.rules(elsewhere) == {}
    assert going.figures(0)["targeted"] == 2, "it does not reach a phone elsewhere"


def test_the_error_stop_waits_for_its_sample_then_stops_and_tells_why(office: Office) -> None:
    made = phones(office, 4, pilots=4)
    ring = {"name": "pilot", "group": "pilot", "stop": {"rejected": 50, "sample": 2}, "soak": "1d"}
    going = Rollout(office, {"rings": [ring, EVERYONE]})
    office.report(made[0], outcome="rejected", detail="unsupported")
    evaluate()
    assert going.state == "running", "one phone is no sample"
    office.report(made[1])
    evaluate()
    assert going.state == "stopped"
    assert going.now["why"] == {
        "code": "error_stop",
        "ring": "pilot",
        "class": "rejected",
        "share": 50.0,
        "limit": 50.0,
        "sample": 2,
    }
    (refused,) = going.devices(state="rejected")
    assert (refused["device_id"], refused["why"], refused["detail"]) == (made[0].id, "rejected", "unsupported")
    assert "rollout.stopped" in {entry["action"] for entry in office.company.get("/audit").json["items"]}
    late = office.phone("/总部/电销")
    assert seconds(office, late) == 60, "a stopped rollout goes no further"


def test_silence_is_a_class_of_its_own_and_no_failure(office: Office) -> None:
    made = phones(office, 2, pilots=2)
    stop = {"failed": 1, "silent": 60, "sample": 1}
    ring = {"name": "pilot", "group": "pilot", "silent_after": "10m", "soak": "1d", "stop": stop}
    going = Rollout(office, {"rings": [ring, EVERYONE]})
    office.report(made[0])
    with later(minutes=11):
        evaluate()
        assert (going.state, going.figures(0)["silent"]) == ("running", 1), "one of two is less than 60 %"
        (silent,) = going.devices(ring=0, state="silent")
        assert (silent["device_id"], silent["state"]) == (made[1].id, "silent")
        assert silent["why"] in ("never_seen", "offline")
    stricter = {**ring, "name": "again", "stop": {"silent": 50, "sample": 2}}
    going.done("rollback")
    office.apply(policy("sales", "{device: {heartbeat_seconds: 20}}"), publish=False)
    again = Rollout(office, {"rings": [stricter, EVERYONE]})
    office.report(made[0])
    with later(minutes=11):
        evaluate()
        assert (again.state, again.now["why"]["class"]) == ("stopped", "silent")


def test_a_phone_that_left_the_fleet_holds_no_gate(office: Office) -> None:
    made = phones(office, 2, pilots=2)
    going = Rollout(office, {"rings": [{**PILOT, "soak": "0s"}, EVERYONE]})
    office.report(made[0])
    with unit_of_work():
        states.revoke(SYSTEM, made[1].id, "test")
    evaluate()
    assert (going.state, going.figures(0)["gone"]) == ("finished", 1)
    assert going.devices(state="gone")[0]["why"] == "left_fleet"


def test_a_gate_that_is_missed_pauses_and_a_person_goes_on(office: Office) -> None:
    phones(office, 2)
    going = Rollout(office, {"rings": [PILOT, EVERYONE]})
    with later(minutes=11):
        evaluate()
        assert (going.state, going.now["why"]["code"]) == ("paused", "gate_missed")
        assert evaluate() == 0
        going.done("resume", reason="the network was away")
        evaluate()
        assert going.state == "running", "it has its time once more"
        going.done("skip", reason="good enough")
        assert going.rings()[0] == "finished"
    assert going.rings()[1] == "finished"


def test_a_paused_rollout_stays_and_the_time_does_not_count(office: Office) -> None:
    pilot, other = phones(office, 2)
    going = Rollout(office, {"rings": [PILOT, EVERYONE]})
    office.report(pilot)
    evaluate()
    going.done("pause")
    with later(minutes=14):
        evaluate()
        assert going.rings() == ["soaking", "waiting"]
        going.done("resume")
        assert going.rings() == ["soaking", "waiting"]
        assert seconds(office, other) == 60
    assert going.act("resume").json["code"] == "rollout_state"


def test_stopping_leaves_phones_what_they_have_and_the_next_rollout_starts_from_there(office: Office) -> None:
    pilot, other = phones(office, 2)
    Rollout(office, {"rings": [PILOT, EVERYONE]}).done("stop")
    assert (seconds(office, pilot), seconds(office, other)) == (30, 60)
    office.apply(policy("sales", OLD))
    assert (seconds(office, pilot), seconds(office, other)) == (60, 60), "the old content is a new version for the ring"


def test_rolling_back_brings_older_content_as_a_new_version_to_whoever_got_it(office: Office) -> None:
    pilot, other = phones(office, 2)
    going = Rollout(office, {"rings": [PILOT, EVERYONE]})
    office.report(pilot)
    before = office.state(other)["desired"]
    back = Rollout.__new__(Rollout)
    back.office, back.id = office, going.done("rollback", reason="calls were cut")["rollout"]
    assert going.state == "rolled_back"
    assert (seconds(office, pilot), seconds(office, other)) == (60, 60)
    assert office.state(other)["desired"] == before, "who never got it gets nothing"
    assert back.figures(0) == {"targeted": 1, "waiting": 1, "unchanged": 1}
    evaluate()
    assert (back.state, back.now["rolls_back"]) == ("finished", going.id)
    versions = office.company.get("/documents/Policy/sales/versions").json["items"]
    assert [(one["version"], one["restores"]) for one in versions] == [(3, 1), (2, None), (1, None)]
    draft = office.company.get("/documents/Policy/sales").json
    assert draft["document"]["spec"] == {"device": {"heartbeat_seconds": 30}}, "the draft is the author's"


def test_a_first_version_has_nothing_to_go_back_to(office: Office) -> None:
    office.apply(policy("sales", NEW), publish=False)
    going = Rollout(office, {"rings": [{"name": "some", "percentage": 10, "soak": "1d"}, EVERYONE]})
    assert going.act("rollback").json["code"] == "no_older_version"
    assert going.state == "running"


def test_an_emergency_goes_to_everyone_at_once_and_says_so(office: Office) -> None:
    made = phones(office, 3)
    going = Rollout(office, {"rings": [PILOT, {**EVERYONE, "approval": True}]})
    going.done("emergency", reason="a leak")
    evaluate()
    assert [seconds(office, phone) for phone in made] == [30, 30, 30]
    assert (going.state, going.now["emergency"]) == ("finished", True)
    office.apply(policy("sales", OLD), publish=False)
    at_once = Rollout(office, {"emergency": True, "reason": "another leak"})
    assert at_once.now["emergency"]
    entries = office.company.get("/audit").json["items"]
    assert any(e["action"] == "document.publish" and e["detail"].get("emergency") for e in entries)
    assert any(e["action"] == "rollout.emergency" and e["detail"]["reason"] == "a leak" for e in entries)


def test_a_draft_waits_until_it_is_started(office: Office) -> None:
    pilot, _ = phones(office, 2)
    going = Rollout(office, {"rings": [PILOT, EVERYONE], "draft": True})
    evaluate()
    assert (going.state, seconds(office, pilot)) == ("draft", 60)
    going.done("start")
    assert (going.state, seconds(office, pilot)) == ("running", 30)


def test_a_nudge_sends_it_again_to_who_did_not_answer_alone(office: Office) -> None:
    made = phones(office, 3, pilots=3)
    going = Rollout(office, {"rings": [{**PILOT, "soak": "1d"}, EVERYONE]})
    office.report(made[0])
    office.forget_queue()
    answer = office.company.post(f"/rollouts/{going.id}/nudge", {})
    assert answer.json == {"devices": 2}
    assert office.queued() == sorted([("desired", made[1].id), ("desired", made[2].id)])


def test_a_newer_state_that_is_applied_counts_for_the_older_rollout_too(office: Office) -> None:
    pilot, _ = phones(office, 2)
    going = Rollout(office, {"rings": [{**PILOT, "soak": "1d"}, EVERYONE]})
    office.apply(policy("more", "{location: {mode: off}}") + office_wide("more"))
    office.report(pilot)
    assert going.figures(0) == {"targeted": 1, "sent": 1, "applied": 1}
    assert set(going.now["rings"][0]["seconds"]) == {"p50", "p90", "p99"}


def test_a_title_alone_makes_no_difference_to_phones(office: Office) -> None:
    pilot, _ = phones(office, 2)
    office.apply(policy("sales", OLD).replace("{name: sales}", "{name: sales, title: 新名}"), publish=False)
    before = office.state(pilot)["desired"]
    going = Rollout(office, {"rings": [{**PILOT, "soak": "0s"}, EVERYONE]})
    evaluate()
    assert (going.state, going.figures(0)) == ("finished", {"unchanged": 1})
    assert office.state(pilot)["desired"] == before


def test_a_keyword_set_goes_by_rings_to_the_phones_whose_policies_name_it(office: Office) -> None:
    pilot, other = phones(office, 2)
    elsewhere = office.phone("/总部/客服")
    office.apply(
        document("KeywordSet", "abuse", "{terms: [坏]}")
        + policy("words", "{keywords: [{set: abuse, action: block}]}")
        + assignment("words", "words", "{org_unit: /总部/电销}")
    )
    office.apply(document("KeywordSet", "abuse", "{terms: [坏, 更坏]}"), publish=False)
    before, untouched = office.bundle(other), office.state(elsewhere)["desired"]
    done = office.company.post("/documents/KeywordSet/abuse/publish", {"rings": [PILOT, EVERYONE]})
    assert (done.status_code, done.json["devices"]) == (200, 2)
    assert office.bundle(pilot)["blobs"] != before["blobs"]
    assert office.bundle(other) == before
    assert office.state(elsewhere)["desired"] == untouched
    office.report(pilot)
    evaluate()
    with later(minutes=11):
        evaluate()
        assert office.bundle(other) == office.bundle(pilot)


@pytest.mark.parametrize("act", ["pause", "stop", "rollback", "nudge", "emergency"])
def test_who_may_not_publish_does_nothing_to_a_rollout(office: Office, act: str) -> None:
    phones(office, 1)
    going = Rollout(office, {"rings": [PILOT, EVERYONE]})
    body = {} if act == "nudge" else {"reason": "because"}
    refused = office.company.post(f"/rollouts/{going.id}/{act}", body, who=office.company.officer)
    assert (refused.status_code, refused.json["code"]) == (403, "permission_missing")
    assert going.state == "running"


def test_a_leader_sees_figures_and_the_phones_of_the_own_part_alone(office: Office) -> None:
    made = phones(office, 1)
    elsewhere = office.phone("/总部/客服")
    office.apply(office_wide("sales"))
    going = Rollout(office, {"rings": [{"name": "some", "percentage": 100, "soak": "1d"}]})
    path = f"/rollouts/{going.id}"
    assert {one["device_id"] for one in going.devices()} == {made[0].id, elsewhere.id}
    seen = office.company.get(f"{path}/devices", who=office.company.leader).json["items"]
    assert [one["device_id"] for one in seen] == [made[0].id]
    assert office.company.get(path, who=office.company.leader).json["rings"][0]["devices"]["targeted"] == 2
    listed = office.company.get("/rollouts", state="running").json["items"]
    assert listed[0]["id"] == going.id
    assert listed[0]["documents"][0]["name"] == "sales"
    assert office.company.get(f"{path}/devices", state="unheard").json["code"] == "unknown_state"


def office_wide(name: str) -> str:
    return assignment(f"{name}-wide", name, "{org_unit: /总部}")
