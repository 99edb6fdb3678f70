"""Whatever loosens waits for a second person: each way to loosen, and exactly what was approved is carried out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from core.uow import unit_of_work
from identity import org, people
from identity.people import PersonChanges
from tests.identity import world
from tests.identity.world import SYSTEM
from tests.policies.office import Office, assignment, document, policy
from tests.policies.waiting import LAX, STRICT, TELESALES, Waiting, asking

BOTH, ONE = ["screenshot", "share_contact_card"], ["screenshot"]
Way = Callable[[Waiting], Any]


@pytest.fixture
def waiting(office: Office, monkeypatch: pytest.MonkeyPatch) -> Iterator[Waiting]:
    """The setting is on."""
    with asking(office, monkeypatch) as made:
        yield made


def _publish(waiting: Waiting) -> Any:
    waiting.draft()
    return waiting.publish()


def _publish_by_rings(waiting: Waiting) -> Any:
    waiting.draft()
    return waiting.publish(rings=[{"name": "all", "everyone": True}])


def _apply(waiting: Waiting) -> Any:
    return waiting.office.try_apply(policy("sales", LAX), who=waiting.author, reason="放宽")


def _reassign(waiting: Waiting) -> Any:
    text = assignment("everywhere", "sales", "{org_unit: /总部/客服}")
    return waiting.office.try_apply(text, publish=False, who=waiting.author, reason="换组织")


def _delete(waiting: Waiting) -> Any:
    client = waiting.office.company.client
    return client.delete(
        "/api/v1/documents/Assignment/everywhere", query_string={"reason": "不再需要"}, headers=waiting.author
    )


def _older(waiting: Waiting) -> Any:
    waiting.office.apply(policy("sales", STRICT.replace("]", ", export_contacts]")), who=waiting.author)
    return waiting.publish(version=1)


def _shrink_group(waiting: Waiting) -> Any:
    phone = waiting.office.company.get("/devices").json["items"][0]["id"]
    group = document("Group", "guarded", f"{{devices: [{phone}]}}")
    text = group + assignment("everywhere", "sales", "{group: guarded}")
    waiting.office.apply(text, publish=False, who=waiting.author)
    emptied = document("Group", "guarded", "{query: os_version < 1}")
    return waiting.office.try_apply(emptied, publish=False, who=waiting.author, reason="清空分组")


@pytest.mark.parametrize(
    ("loosen", "after"),
    [
        (_publish, ONE),
        (_publish_by_rings, ONE),
        (_apply, ONE),
        (_reassign, []),
        (_delete, []),
        (_older, BOTH),
        (_shrink_group, []),
    ],
)
def test_each_change_of_documents_that_loosens_waits_and_is_then_done(
    waiting: Waiting, loosen: Way, after: list[str]
) -> None:
    phone = waiting.strict()
    asked = waiting.held(loosen(waiting))
    assert set(BOTH) <= set(waiting.denied(phone))
    waiting.approve(asked)
    assert waiting.denied(phone) == after


def test_what_is_asked_says_what_will_happen_and_to_how_many_phones(waiting: Waiting) -> None:
    waiting.strict()
    answer = _publish(waiting)
    summary = answer.json["summary"]
    assert (summary["devices"], summary["loosens"]) == (1, 1)
    assert [place["devices"] for place in summary["looser"]] == [1]
    (shown,) = summary["documents"]
    assert (shown["kind"], shown["name"], shown["action"]) == ("Policy", "sales", "publish")
    assert shown["fields"]
    assert answer.json["permissions"] == ["document.publish"]


def test_the_published_version_and_its_rollout_are_the_requesters(waiting: Waiting) -> None:
    waiting.strict()
    waiting.approve(waiting.held(_publish(waiting)))
    versions = waiting.office.company.get("/documents/Policy/sales/versions").json["items"]
    assert (versions[0]["version"], versions[0]["published_by"], versions[0]["reason"]) == (2, "author", "放宽截屏")


def test_a_first_publication_and_whatever_tightens_waits_for_nobody(waiting: Waiting) -> None:
    phone = waiting.strict()
    waiting.draft(STRICT.replace("]", ", export_contacts]"))
    assert waiting.publish().status_code == 200
    assert "export_contacts" in waiting.denied(phone)


def test_asking_twice_is_asking_once(waiting: Waiting) -> None:
    waiting.strict()
    assert waiting.held(_publish(waiting)) == waiting.held(waiting.publish())


def test_what_waits_needs_a_reason(waiting: Waiting) -> None:
    waiting.strict()
    waiting.draft()
    refused = waiting.publish(reason="")
    assert (refused.status_code, refused.json["code"]) == (422, "reason_required")


def test_nobody_approves_their_own_and_that_is_audited(waiting: Waiting) -> None:
    phone = waiting.strict()
    asked = waiting.held(_publish(waiting))
    refused = waiting.decide(asked, who=waiting.author)
    assert (refused.status_code, refused.json["code"]) == (403, "own_request")
    assert waiting.decide(asked, who=waiting.office.company.officer).status_code == 403
    assert waiting.denied(phone) == BOTH
    entries = world.audit_items(waiting.office.company.client, waiting.office.company.admin, action="request.refused")
    assert "own_request" in [entry["detail"]["code"] for entry in entries]


def test_what_is_denied_changes_nothing(waiting: Waiting) -> None:
    phone = waiting.strict()
    asked = waiting.held(_publish(waiting))
    assert waiting.decide(asked, "deny").json["state"] == "denied"
    assert waiting.denied(phone) == BOTH
    assert waiting.decide(asked).json["code"] == "approval_decided"


def test_whoever_asked_takes_it_back_and_nobody_else(waiting: Waiting) -> None:
    waiting.strict()
    asked = waiting.held(_publish(waiting))
    path = f"/documents/held/{asked}/withdraw"
    assert waiting.office.company.post(path, {}, waiting.second).json["code"] == "not_own_request"
    assert waiting.office.company.post(path, {}, waiting.author).json["state"] == "withdrawn"
    assert waiting.decide(asked).json["code"] == "approval_decided"
    assert waiting.office.company.post(path, {}, waiting.author).status_code == 409


def test_a_draft_that_was_edited_since_makes_it_void(waiting: Waiting) -> None:
    phone = waiting.strict()
    asked = waiting.held(_publish(waiting))
    waiting.draft("{protection: {deny: []}}")
    waiting.void(asked, "base_changed")
    assert waiting.denied(phone) == BOTH
    assert "approval_void" in waiting.told("author")


def test_a_document_that_was_changed_since_makes_an_apply_void(waiting: Waiting) -> None:
    phone = waiting.strict()
    asked = waiting.held(_reassign(waiting))
    waiting.office.apply(
        document("Assignment", "everywhere", f"{{policy: sales, to: {TELESALES}}}").replace(
            "name: everywhere", "name: everywhere, title: 全体"
        ),
        publish=False,
        who=waiting.author,
    )
    waiting.void(asked, "base_changed")
    assert waiting.denied(phone) == BOTH


def test_more_phones_than_were_approved_make_it_void(waiting: Waiting) -> None:
    phone = waiting.strict()
    asked = waiting.held(_publish(waiting))
    late = waiting.office.phone("/总部/电销")
    waiting.void(asked, "more_than_approved")
    assert (waiting.denied(phone), waiting.denied(late)) == (BOTH, BOTH)


def test_fewer_phones_than_were_approved_are_fine(waiting: Waiting) -> None:
    kept, gone = waiting.strict(), waiting.office.phone("/总部/电销")
    asked = waiting.held(_publish(waiting))
    retired = waiting.office.company.patch(f"/devices/{gone.id}", {"state": "retired", "reason": "报废"})
    assert retired.status_code == 200, retired.json
    waiting.approve(asked)
    assert waiting.denied(kept) == ONE


def test_whoever_lost_the_right_since_gets_nothing_done_and_that_is_audited(waiting: Waiting) -> None:
    phone = waiting.strict()
    asked = waiting.held(_publish(waiting))
    with unit_of_work():
        lost = PersonChanges(frozenset({"roles"}), roles=frozenset({"auditor"}))
        people.change(SYSTEM, people.id_of(SYSTEM, "author"), lost)
    waiting.void(asked, "requester_permissions")
    assert waiting.denied(phone) == BOTH
    client, admin = waiting.office.company.client, waiting.office.company.admin
    (entry,) = world.audit_items(client, admin, action="approval.void")
    assert (entry["outcome"], entry["detail"]["why"]) == ("refused", "requester_permissions")


def test_with_the_setting_off_nothing_waits(office: Office) -> None:
    phone = office.phone("/总部/电销")
    office.apply(policy("sales", STRICT) + assignment("everywhere", "sales", TELESALES))
    office.apply(policy("sales", LAX))
    assert office.rules(phone)["protection"]["deny"] == ONE


def test_a_plan_says_that_it_would_wait(waiting: Waiting) -> None:
    waiting.strict()
    assert waiting.office.plan(policy("sales", LAX))["waits"] is True
    assert waiting.office.plan(policy("sales", STRICT))["waits"] is False


def test_a_draft_rollout_waits_when_it_starts(waiting: Waiting) -> None:
    phone = waiting.strict()
    waiting.draft()
    made = waiting.publish(rings=[{"name": "all", "everyone": True}], draft=True)
    assert made.status_code == 200, made.json
    act = f"/rollouts/{made.json['rollout']}/start"
    asked = waiting.held(waiting.office.company.post(act, {"reason": "开始"}, waiting.author))
    assert waiting.denied(phone) == BOTH
    waiting.approve(asked)
    assert waiting.denied(phone) == ONE


def test_rolling_back_what_tightened_waits(waiting: Waiting) -> None:
    phone = waiting.strict()
    waiting.draft(STRICT.replace("]", ", export_contacts]"))
    rollout = waiting.publish().json["rollout"]
    undo = f"/rollouts/{rollout}/rollback"
    asked = waiting.held(waiting.office.company.post(undo, {"reason": "太严"}, waiting.author))
    assert "export_contacts" in waiting.denied(phone)
    waiting.approve(asked)
    assert waiting.denied(phone) == BOTH
    assert waiting.office.company.get(f"/rollouts/{rollout}").json["state"] == "rolled_back"


def test_a_draft_rollout_that_becomes_an_emergency_tells_whoever_may_publish(waiting: Waiting) -> None:
    phone = waiting.strict()
    waiting.draft()
    rollout = waiting.publish(rings=[{"name": "all", "everyone": True}], draft=True).json["rollout"]
    done = waiting.office.company.post(f"/rollouts/{rollout}/emergency", {"reason": "紧急"}, waiting.author)
    assert done.status_code == 200, done.json
    assert waiting.denied(phone) == ONE
    assert "policy_loosened_at_once" in waiting.told("second")


def test_an_emergency_waits_for_nobody_and_tells_whoever_may_publish(waiting: Waiting) -> None:
    phone = waiting.strict()
    waiting.draft()
    assert waiting.publish(emergency=True).status_code == 200
    assert waiting.denied(phone) == ONE
    assert "policy_loosened_at_once" in waiting.told("second")


def test_a_unit_that_moves_to_laxer_rules_waits(waiting: Waiting) -> None:
    world.unit("/总部/电销/一组")
    phone = waiting.strict("/总部/电销/一组")
    unit = world.unit("/总部/电销/一组")
    asked = waiting.held(waiting.office.company.patch(f"/org-units/{unit}", {"parent": "/总部/客服"}))
    assert waiting.denied(phone) == BOTH
    waiting.approve(asked)
    assert waiting.denied(phone) == []
    with unit_of_work(write=False):
        assert org.get(SYSTEM, unit).org_unit == "/总部/客服/一组"


def test_a_unit_that_was_renamed_since_is_not_moved(waiting: Waiting) -> None:
    phone = waiting.strict("/总部/电销")
    unit = world.unit("/总部/电销")
    waiting.office.apply(assignment("everywhere", "sales", "{org_unit: /总部}"), publish=False, who=waiting.author)
    asked = waiting.held(waiting.office.company.patch(f"/org-units/{unit}", {"parent": "/"}))
    renamed = waiting.office.company.patch(f"/org-units/{unit}", {"name": "电话销售"})
    assert renamed.status_code == 200, renamed.json
    waiting.void(asked, "base_changed")
    assert waiting.denied(phone) == BOTH
