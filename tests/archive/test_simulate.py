"""Simulate: a draft replayed over the archive, against what is in force; by rule, unit and holder; nothing changes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask

from tests.archive.parts import Recorder, body, take
from tests.fleet.company import Company
from tests.fleet.phone import wire
from tests.policies.office import Office, assignment, document, policy

SET = document("KeywordSet", "fees", "{terms: [{term: 加急费, id: urgent}, {term: 服务费, id: service}]}")
DRAFT = document("KeywordSet", "fees", "{terms: [{term: 加急费, id: urgent}, {term: 包装费, id: wrapping}]}")
NOW = datetime.now(UTC)


@pytest.fixture
def office(company: Company) -> Office:
    """People who write policies."""
    return Office(company)


def simulated(office: Office, kind: str, name: str, who: Any = None, **asked: Any) -> Any:
    answer = office.company.post(f"/documents/{kind}/{name}/simulate", asked, who or office.company.officer)
    assert answer.status_code == 200, answer.json
    return body(answer)


def rules(found: Any) -> dict[str, tuple[int, int, int, int]]:
    return {one["rule"]: (one["hits"], one["before"], one["new"], one["gone"]) for one in found["rules"]}


def call(phone: Recorder, outcome: str, seconds: int, at: datetime) -> None:
    peer = {"address": "13800000001", "name": ""}
    phone.say("", channel="call", kind="call", outcome=outcome, duration_s=seconds, peer=peer, at=wire(at))


def test_a_draft_set_shows_what_is_new_and_gone_by_rule_unit_and_holder(office: Office) -> None:
    company = office.company
    one = Recorder(office.phone("/总部/电销", person="E1024"))
    other = Recorder(office.phone("/总部/客服"))
    office.apply(SET)
    office.apply(DRAFT, publish=False)
    for text in ("加急*费", "包装费", "服务费", "您好"):
        one.say(text)
    other.say("加急")
    other.say("费和包装费", direction="in")
    other.say("费")
    take(one.sends(), other.sends())
    found = simulated(office, "KeywordSet", "fees")
    assert (found["version"], found["records"], found["complete"]) == (1, 7, True)
    assert rules(found) == {"urgent": (2, 2, 0, 0), "wrapping": (2, 0, 2, 0), "service": (0, 1, 0, 1)}
    assert [(unit["name"], unit["hits"], unit["gone"]) for unit in found["by_unit"]] == [
        ("/总部/客服", 2, 0),
        ("/总部/电销", 2, 1),
    ]
    assert {person["name"]: person["hits"] for person in found["by_person"]} == {"王小明": 2, None: 2}
    assert ("service", "gone", one.id, 3) in {
        (sample["rule"], sample["change"], sample["device_id"], sample["seq"]) for sample in found["samples"]
    }
    part = simulated(office, "KeywordSet", "fees", org_unit="/总部/电销")
    assert (part["records"], [unit["name"] for unit in part["by_unit"]]) == (4, ["/总部/电销"])
    entries = company.get("/audit", company.officer, action="records.simulate").json["items"]
    assert {entry["detail"]["records"] for entry in entries} == {7, 4}
    assert body(company.get("/documents/KeywordSet/fees"))["draft"], "nothing was published"


def test_a_draft_policy_counts_limits_and_hours_as_a_phone_would(office: Office) -> None:
    phone = Recorder(office.phone("/总部/电销"))
    rule = "{id: talks, key: customer, count: effective_talk, max: %d, window: day, action: block}"
    limit = f"{{contact_limits: {{rules: [{rule}]}}}}"
    office.apply(policy("sales", limit % 3) + assignment("here", "sales", "{org_unit: /}"))
    office.apply(policy("sales", limit % 1), publish=False)
    noon = NOW.replace(hour=4, minute=0) - timedelta(days=1)
    for minutes in (0, 10, 20):
        call(phone, "connected", 30, noon + timedelta(minutes=minutes))
    for far in (datetime.min, datetime.max):
        call(phone, "connected", 30, far.replace(tzinfo=UTC))
    take(phone.sends())
    assert rules(simulated(office, "Policy", "sales")) == {"sales/talks": (2, 0, 2, 0)}


def test_the_command_line_tells_the_same(app: Flask, office: Office) -> None:
    phone = Recorder(office.phone("/总部/电销"))
    office.apply(SET)
    phone.say("加急费")
    take(phone.sends())
    told = app.test_cli_runner().invoke(args=["archive", "simulate", "KeywordSet/fees"])
    assert told.output.splitlines() == [
        "KeywordSet/fees: 1 records of 7 days, against v1 in force",
        "  urgent: alert: 1 (1 before, +0 -0)",
        "  /总部/电销: 1 (1 before, +0 -0)",
    ]


def test_rules_in_the_shadow_are_simulated_as_if_they_were_enforced(office: Office) -> None:
    phone = Recorder(office.phone("/总部/电销"))
    office.apply(SET)
    office.apply(policy("trial", "{keywords: [{set: fees, action: warn, mode: shadow}]}"), publish=False)
    phone.say("加急费")
    take(phone.sends())
    found = simulated(office, "Policy", "trial")
    assert (found["version"], [(one["rule"], one["action"]) for one in found["rules"]]) == (None, [("urgent", "warn")])


def test_it_takes_the_right_to_read_texts_and_a_document_that_is_there(office: Office) -> None:
    office.apply(SET)
    company = office.company
    assert company.post("/documents/KeywordSet/fees/simulate", {}, company.leader).status_code == 403
    assert company.post("/documents/KeywordSet/none/simulate", {}, company.officer).status_code == 404
    wrong = company.post("/documents/KeywordSet/fees/simulate", {"org_unit": "/nowhere"}, company.officer)
    assert wrong.status_code == 422
