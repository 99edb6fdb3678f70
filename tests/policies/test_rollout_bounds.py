"""Rings that cannot be, and documents that are held: each a clear error, and nothing changed."""

from __future__ import annotations

from typing import Any

import pytest

from tests.policies.office import Office, document, policy
from tests.policies.staged import EVERYONE, NEW, OLD, Rollout, phones

PILOT = {"name": "pilot", "group": "pilot", "soak": "1d"}


def untouched(office: Office) -> Any:
    listed = office.company.get("/documents").json["items"]
    return listed, office.company.get("/rollouts").json["items"], office.queued()


@pytest.mark.parametrize(
    ("rings", "path"),
    [
        ([{**PILOT, "name": f"ring-{number}"} for number in range(199)] + [EVERYONE], "rings"),
        ([{**PILOT, "success": {"percent": 0}}, EVERYONE], "rings.0.success.percent"),
        ([{**PILOT, "success": {"percent": 101}}, EVERYONE], "rings.0.success.percent"),
        ([{**PILOT, "stop": {"failed": 0}}, EVERYONE], "rings.0.stop.failed"),
        ([{**PILOT, "stop": {"failed": 5, "sample": 0}}, EVERYONE], "rings.0.stop.sample"),
        ([{**PILOT, "soak": "8d"}, EVERYONE], "rings.0.soak"),
        ([{**PILOT, "soak": "soon"}, EVERYONE], "rings.0.soak"),
        ([{**PILOT, "group": "nobody"}, EVERYONE], "rings.0.group"),
        ([{"name": "q", "query": "os_version <"}, EVERYONE], "rings.0.query"),
        ([{"name": "both", "percentage": 5, "group": "pilot"}, EVERYONE], "rings.0"),
        ([{"name": "none"}, EVERYONE], "rings.0"),
        ([{"name": "Ring 1", "percentage": 5}, EVERYONE], "rings.0.name"),
        ([PILOT, PILOT, EVERYONE], "rings.1.name"),
        ([{"name": "a", "percentage": 50}, {"name": "b", "percentage": 10}, EVERYONE], "rings.1.percentage"),
        ([EVERYONE, PILOT], "rings.0"),
        ([PILOT], "rings.0"),
        ([{"name": "a", "percentage": 50}], "rings.0"),
    ],
)
def test_rings_that_cannot_be_are_refused_and_nothing_changes(office: Office, rings: list[Any], path: str) -> None:
    phones(office, 1)
    before = untouched(office)
    refused = Rollout(office, {"rings": rings}, status=422).answer
    assert refused["code"] in ("bad_ring", "ring_count")
    assert refused["path"] == path
    assert untouched(office) == before


def test_an_unknown_member_of_a_ring_is_refused(office: Office) -> None:
    phones(office, 1)
    refused = Rollout(office, {"rings": [{**PILOT, "gate": 5}, EVERYONE]}, status=422).answer
    assert refused["code"] == "invalid_input"


def test_a_draft_or_an_emergency_that_makes_no_sense_is_refused(office: Office) -> None:
    phones(office, 1)
    assert Rollout(office, {"draft": True}, status=422).answer["code"] == "draft_without_rings"
    refused = Rollout(office, {"rings": [EVERYONE], "emergency": True, "reason": "x"}, status=422).answer
    assert refused["code"] == "emergency_with_rings"
    assert Rollout(office, {"emergency": True}, status=422).answer["code"] == "reason_required"


def test_a_document_that_a_rollout_holds_is_neither_published_nor_deleted(office: Office) -> None:
    phones(office, 2)
    going = Rollout(office, {"rings": [PILOT, EVERYONE]})
    office.apply(policy("sales", "{device: {heartbeat_seconds: 25}}"), publish=False)
    before = untouched(office)
    for body in ({"rings": [PILOT, EVERYONE]}, {}, {"version": 1}, {"emergency": True, "reason": "now"}):
        refused = Rollout(office, body, status=409).answer
        assert (refused["code"], refused["rollout"]) == ("held_by_rollout", going.id)
    assert office.try_apply(policy("sales", OLD.replace("60", "50"))).json["code"] == "held_by_rollout"
    assert untouched(office) == before
    same = office.apply(policy("sales", NEW))
    assert (same["published"], same["rollout"]) == ([], None), "what is on its way is not published once more"
    others = office.apply(policy("free", "{location: {mode: off}}") + document("KeywordSet", "w", "{terms: [坏]}"))
    assert len(others["published"]) == 2, "other documents are free"
    assert going.state == "running"


def test_a_newer_version_keeps_an_older_rollout_from_being_rolled_back(office: Office) -> None:
    phones(office, 2)
    going = Rollout(office, {"rings": [EVERYONE]})
    office.apply(policy("sales", "{device: {heartbeat_seconds: 25}}"))
    assert going.act("rollback").json["code"] == "superseded"
    assert going.act("pause").json["code"] == "rollout_state"
    assert office.company.get("/rollouts/nothing").status_code == 404
