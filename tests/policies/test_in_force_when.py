"""In force when: the bundle of any past minute, by the phone's clock and by the times of receipt."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine

from tests.fleet.phone import Phone, wire
from tests.policies.office import Office, assignment, hear, policy, report

HERE = "{org_unit: /总部/电销}"
STEP = timedelta(seconds=30)


class Story:
    """When the story of a test begins: a little after the test does, so that whoever signs in does so before."""

    start = datetime.now(UTC)


@pytest.fixture(autouse=True)
def story() -> None:
    Story.start = datetime.now(UTC).replace(microsecond=0) + 2 * STEP


def at(step: float) -> datetime:
    """A moment of the story."""
    return Story.start + step * STEP


def asked(office: Office, phone: Phone, step: float) -> Any:
    answer = office.company.client.get(
        f"/api/v1/devices/{phone.id}/in-force", headers=office.company.admin, query_string={"at": wire(at(step))}
    )
    assert answer.status_code == 200, answer.json
    return answer.json


def publish(office: Office, step: float, beat: int) -> None:
    with time_machine.travel(at(step), tick=False):
        office.apply(policy("sales", f"{{device: {{heartbeat_seconds: {beat}}}}}") + assignment("all", "sales", HERE))


def say(office: Office, phone: Phone, step: float, *, said: float | None = None, outcome: str = "applied") -> None:
    """The phone reports its newest desired state at a step; its clock may show another one."""
    state = office.state(phone)["desired"]
    with time_machine.travel(at(step), tick=False):
        spoken = wire(at(step if said is None else said))
        body = {"generation": state["generation"], "bundle": state["bundle"], "outcome": outcome, "at": spoken}
        assert hear(report(phone, **body)) == []


def beat(shown: Any) -> int | None:
    rule = shown["rules"].get("device")
    return rule["heartbeat_seconds"] if rule else None


def test_each_minute_has_the_bundle_that_was_in_force_and_the_versions_behind_it(office: Office) -> None:
    phone = office.phone("/总部/电销")
    publish(office, 0, 60)
    say(office, phone, 1)
    publish(office, 5, 30)
    say(office, phone, 7)
    before, first, second = asked(office, phone, 0.5), asked(office, phone, 6.5), asked(office, phone, 8)
    assert (before["in_force"], before["policies"], before["rules"]) == (None, [], {})
    assert (beat(first), beat(second)) == (60, 30)
    assert first["policies"] == [{"policy": "sales", "version": 1, "assignment": "all"}]
    assert second["policies"] == [{"policy": "sales", "version": 2, "assignment": "all"}]
    assert (first["until"], second["until"]) == (wire(at(7)), None)
    assert first["certain"]
    assert second["certain"]


def test_what_a_phone_rejects_leaves_in_force_what_it_had(office: Office) -> None:
    phone = office.phone("/总部/电销")
    publish(office, 0, 60)
    say(office, phone, 1)
    publish(office, 5, 30)
    say(office, phone, 6, outcome="rejected")
    assert beat(asked(office, phone, 8)) == 60


def test_between_the_phones_word_and_its_receipt_both_are_told(office: Office) -> None:
    phone = office.phone("/总部/电销")
    publish(office, 0, 60)
    say(office, phone, 1)
    publish(office, 5, 30)
    say(office, phone, 12, said=6)
    between = asked(office, phone, 8)
    assert (beat(between), between["certain"]) == (30, False)
    assert between["otherwise"]["bundle"] != between["in_force"]["bundle"]
    assert between["in_force"]["received_at"] == wire(at(12))
    assert asked(office, phone, 12)["certain"]


def test_a_wrong_clock_moves_it_no_further_than_question_and_answer(office: Office) -> None:
    phone = office.phone("/总部/电销")
    publish(office, 0, 60)
    say(office, phone, 1, said=-600)
    assert asked(office, phone, -1)["in_force"] is None, "nobody applies what was not asked for"
    assert asked(office, phone, 0)["in_force"]["since"] == wire(at(0))
    publish(office, 5, 30)
    say(office, phone, 7, said=900)
    late = asked(office, phone, 7)
    assert (beat(late), late["in_force"]["since"]) == (30, wire(at(7)))
    assert late["in_force"]["said_at"] == wire(at(900))


def test_a_phone_elsewhere_is_not_there(office: Office) -> None:
    phone = office.phone("/总部/客服")
    path = f"/devices/{phone.id}/in-force"
    assert office.company.get(path, who=office.company.leader, at=wire(at(0))).status_code == 404
    assert office.company.get(path).json["in_force"] is None
