"""What rules in the shadow would have done: counted when messages are archived, shown to authors alone."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from flask import Flask

from archive import shadow
from archive.models import ShadowCount, ShadowHit, ShadowTerm
from core import clock
from core.uow import unit_of_work
from tests.archive.parts import Recorder, all_of, body, event, take, take_all
from tests.fleet.company import Company
from tests.policies.office import Office, assignment, document, policy

SET = document("KeywordSet", "fees", "{terms: [{term: 加急费, id: urgent}, {term: 包装费, id: wrapping}]}")
TRIAL = "{keywords: [{set: fees, action: block, direction: out, mode: shadow}]}"
IN_SHADOW = SET + policy("trial", TRIAL) + assignment("sales", "trial", "{org_unit: /总部/电销}")


@pytest.fixture
def office(company: Company) -> Office:
    """People who write policies."""
    return Office(company)


def sales(office: Office) -> Recorder:
    return Recorder(office.phone("/总部/电销"))


def figures(office: Office, kind: str = "Policy", name: str = "trial", who: Any = None, **query: Any) -> Any:
    answer = office.company.get(f"/documents/{kind}/{name}/shadow", who, **query)
    assert answer.status_code == 200, answer.json
    return body(answer)


def test_messages_are_counted_by_day_rule_and_term_and_no_text_is_kept(office: Office) -> None:
    one, other, elsewhere = sales(office), sales(office), Recorder(office.phone("/总部/客服"))
    office.apply(IN_SHADOW)
    one.say("先交加急费和包装费")
    one.say("您好")
    one.say("加急费", direction="in")
    other.say("加急费")
    elsewhere.say("加急费")
    assert take(one.sends(), other.sends(), elsewhere.sends()) == []
    assert take(one.sends()) == [], "sent again it is not counted again"
    shown = figures(office)
    assert (shown["messages"], shown["phones"], shown["in_shadow"]) == (2, 2, True)
    assert [day["messages"] for day in shown["by_day"]] == [0] * 6 + [2]
    assert shown["rules"] == [
        {
            "policy": "trial",
            "policy_version": 1,
            "keyword_set": "fees",
            "set_version": 1,
            "action": "block",
            "messages": 2,
            "phones": 2,
        }
    ]
    assert [(term["id"], term["term"], term["messages"]) for term in shown["terms"]] == [
        ("urgent", "加急费", 2),
        ("wrapping", "包装费", 1),
    ]
    assert figures(office, "KeywordSet", "fees")["messages"] == 2
    kept = [str(vars(row)) for table in (ShadowCount, ShadowTerm, ShadowHit) for row in all_of(table)]
    assert kept and not any("加急费" in row for row in kept)


def test_a_word_split_over_two_messages_is_found_also_when_they_come_apart(office: Office) -> None:
    one = sales(office)
    office.apply(IN_SHADOW)
    one.say("加急")
    take(one.sends())
    one.say("费，谢谢", conversation="c-2")
    one.say("费，谢谢")
    take(one.sends(2))
    assert figures(office)["messages"] == 1


def test_versions_are_told_apart_and_what_is_out_of_the_shadow_is_counted_no_more(office: Office) -> None:
    one = sales(office)
    office.apply(IN_SHADOW)
    one.say("加急费")
    take(one.sends())
    office.apply(policy("trial", TRIAL.replace("block", "warn")))
    one.say("加急费")
    take(one.sends(2))
    assert {(rule["policy_version"], rule["action"]) for rule in figures(office)["rules"]} == {
        (1, "block"),
        (2, "warn"),
    }
    office.apply(policy("trial", TRIAL.replace("mode: shadow", "mode: enforced")))
    one.say("加急费")
    take(one.sends(3))
    shown = figures(office)
    assert (shown["messages"], shown["in_shadow"]) == (2, False)


def test_each_sees_the_own_part_of_the_tree_and_messages_take_the_right_to_read_texts(office: Office) -> None:
    one, elsewhere = sales(office), Recorder(office.phone("/总部/客服"))
    office.apply(IN_SHADOW.replace("/总部/电销", "/"))
    one.say("加急费")
    elsewhere.say("加急费")
    take(one.sends(), elsewhere.sends())
    company = office.company
    assert figures(office)["messages"] == 2
    assert figures(office, who=company.leader)["messages"] == 1
    address = "/documents/Policy/trial/shadow/messages"
    assert company.get(address, company.leader).status_code == 403
    found = body(company.get(address, company.officer))["items"]
    assert [(row["device_id"], row["seq"], row["terms"]) for row in found] == [
        (elsewhere.id, 1, ["urgent"]),
        (one.id, 1, ["urgent"]),
    ]
    assert company.get("/documents/Policy/nobody/shadow").status_code == 404
    assert company.get("/documents/Group/pilot/shadow").status_code == 422


def test_the_command_line_tells_the_same(office: Office, app: Flask) -> None:
    one = sales(office)
    office.apply(IN_SHADOW)
    one.say("加急费")
    take(one.sends())
    told = app.test_cli_runner().invoke(args=["archive", "shadow", "Policy/trial", "--days", "3"])
    assert told.exit_code == 0, told.output
    assert told.output.splitlines() == [
        "Policy/trial: 1 messages of 1 phones in 3 days",
        "  trial v1, fees v1: block: 1 messages of 1 phones",
        "  fees: 加急费 (urgent): 1",
    ]
    assert app.test_cli_runner().invoke(args=["archive", "shadow", "Policy/nobody"]).exit_code == 1


def test_events_calls_and_contested_texts_are_not_judged(office: Office) -> None:
    one = sales(office)
    office.apply(IN_SHADOW)
    one.keeps(event(excerpt="加急费"))
    one.say("加急费", kind="call", channel="call")
    one.add("加急费, but no record")
    take(one.sends())
    assert figures(office)["messages"] == 0


def test_newest_messages_are_bounded_and_old_figures_are_dropped(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shadow, "KEPT_HITS", 5)
    monkeypatch.setattr(shadow, "KEPT_TERMS", 1)
    one = sales(office)
    office.apply(IN_SHADOW)
    for _ in range(8):
        one.say("加急费")
    one.say("包装费")
    take_all([one.sends(1, 4), one.sends(5)])
    assert sorted(row.seq for row in all_of(ShadowHit)) == [5, 6, 7, 8, 9]
    later = clock.now() + timedelta(days=1)
    monkeypatch.setattr(clock, "now", lambda: later)
    with unit_of_work():
        shadow.forget_old()
    assert [(row.term, row.messages) for row in all_of(ShadowTerm)] == [("urgent", 8)], "the most frequent stay"
    assert sum(row.messages for row in all_of(ShadowCount)) == 9
    monkeypatch.setattr(clock, "now", lambda: later + shadow.KEPT)
    with unit_of_work():
        shadow.forget_old()
    assert all_of(ShadowCount) == all_of(ShadowTerm) == all_of(ShadowHit) == []
