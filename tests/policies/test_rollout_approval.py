"""A ring that waits for a second person: asked, approved, denied, lapsed; nobody approves what is one's own."""

from __future__ import annotations

from typing import Any

import pytest

from core.runtime import runtime
from core.uow import unit_of_work
from identity import approvals
from tests.identity import world
from tests.policies.office import Office
from tests.policies.staged import EVERYONE, Rollout, evaluate, later, phones, seconds

RINGS = [{"name": "pilot", "group": "pilot"}, {**EVERYONE, "approval": True}]


@pytest.fixture
def second(office: Office, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Somebody else who may publish."""
    young = runtime().settings.model_copy(update={"approver_min_age": 0})
    monkeypatch.setitem(runtime().__dict__, "settings", young)
    world.person("author", "policy_author")
    return world.headers("author")


def asked(office: Office) -> tuple[Rollout, Any]:
    pilot, other = phones(office, 2)
    going = Rollout(office, {"rings": RINGS, "reason": "new limits"})
    evaluate()
    assert (going.state, going.rings()) == ("pending_approval", ["finished", "waiting"])
    assert (seconds(office, pilot), seconds(office, other)) == (30, 60)
    return going, other


def test_a_second_person_lets_the_ring_begin(office: Office, second: dict[str, str]) -> None:
    going, other = asked(office)
    refused = going.act("approve")
    assert (refused.status_code, refused.json["code"]) == (403, "own_request")
    assert going.act("approve", who=office.company.officer).status_code == 403
    approval = office.company.get(f"/approvals/{going.now['approval']}").json
    assert (approval["kind"], approval["summary"]) == ("rollout.ring", {"rollout": going.id, "ring": "all"})
    assert going.done("approve", who=second)["state"] in ("running", "finished")
    evaluate()
    assert going.state == "finished"
    assert seconds(office, other) == 30


def test_a_second_person_who_denies_stops_it(office: Office, second: dict[str, str]) -> None:
    going, other = asked(office)
    going.done("deny", who=second)
    evaluate()
    assert (going.state, going.now["why"]) == ("stopped", {"code": "approval_denied"})
    assert seconds(office, other) == 60
    assert going.act("approve", who=second).json["code"] == "no_approval_asked"


def test_when_nobody_decides_it_pauses_and_asks_again(office: Office, second: dict[str, str]) -> None:
    going, _ = asked(office)
    first = going.now["approval"]
    with later(seconds=runtime().settings.approval_lifetime + 60), unit_of_work():
        assert approvals.lapse_overdue() == 1
    assert (going.state, going.now["why"]) == ("paused", {"code": "approval_lapsed"})
    going.done("resume")
    assert going.state == "pending_approval"
    assert going.now["approval"] != first


def test_stopping_takes_the_request_back(office: Office, second: dict[str, str]) -> None:
    going, _ = asked(office)
    approval = going.now["approval"]
    going.done("stop")
    assert office.company.get(f"/approvals/{approval}").json["state"] == "withdrawn"
