"""Documents over HTTP: plan, apply, publish, revisions, references, export."""

from __future__ import annotations

from typing import Any

import pytest

from core import audit
from core.actor import system_actor
from core.audit import AuditEntry
from core.uow import unit_of_work
from policies import apply
from tests.fleet.company import API
from tests.policies.office import Office, assignment, document, policy

RULES = "{protection: {deny: [screenshot]}}"
MORE = "{protection: {deny: [screenshot, delete_message]}}"
HERE = "{org_unit: /总部/电销}"


def actions(outcome: Any) -> list[tuple[str, str, str]]:
    return [(change["kind"], change["name"], change["action"]) for change in outcome["changes"]]


def audited() -> list[tuple[str, str]]:
    with unit_of_work(write=False) as current:
        assert audit.verify_chain(current) is None
        entries = current.query(AuditEntry).order_by(AuditEntry.seq)
        return [(entry.action, entry.target_id) for entry in entries if entry.action.startswith("document.")]


def test_a_draft_reaches_no_phone_until_it_is_published(office: Office) -> None:
    phone = office.phone("/总部/电销")
    office.apply(policy("sales", RULES) + assignment("everywhere", "sales", HERE), publish=False)
    assert office.rules(phone) == {}
    published = office.company.post("/documents/Policy/sales/publish", {"reason": "go"})
    assert published.status_code == 200, published.json
    assert published.json["published"] == {"kind": "Policy", "name": "sales", "version": 1}
    assert published.json["devices"] == 1
    assert office.rules(phone) == {"protection": {"deny": ["screenshot"]}}


def test_applying_twice_changes_nothing(office: Office) -> None:
    phone = office.phone("/总部/电销")
    text = policy("sales", RULES) + assignment("everywhere", "sales", HERE)
    first = office.apply(text)
    assert actions(first) == [("Policy", "sales", "create"), ("Assignment", "everywhere", "create")]
    state, trail = office.state(phone), audited()
    office.forget_queue()
    second = office.apply(text)
    assert {change["action"] for change in second["changes"]} == {"none"}
    assert (second["devices"], second["published"], second["rollout"]) == (0, [], None)
    assert office.state(phone) == state
    assert office.queued() == []
    assert audited() == trail


def test_a_plan_shows_fields_phones_and_what_becomes_looser_and_changes_nothing(office: Office) -> None:
    office.phone("/总部/电销")
    office.phone("/总部/客服")
    office.apply(policy("sales", MORE) + assignment("everywhere", "sales", HERE))
    planned = office.plan(policy("sales", RULES))
    assert planned["changes"][0]["fields"] == [{"path": "spec.protection.deny", "old": "delete_message", "new": None}]
    assert planned["devices"] == 1
    assert planned["looser"] == [{"path": "protection.deny.delete_message", "devices": 1}]
    assert planned["published"] == []
    assert office.company.get("/documents/Policy/sales").json["draft"] is False


def test_one_fault_in_a_set_of_documents_leaves_everything_as_it_was(office: Office) -> None:
    answer = office.try_apply(policy("good", RULES) + policy("bad", "{nubmers: {}}"))
    assert answer.status_code == 422
    assert answer.json["code"] == "documents_invalid"
    fault = answer.json["problems"][0]
    assert (fault["line"], fault["path"], fault["code"]) == (10, "spec.nubmers", "unknown_member")
    assert office.company.get("/documents").json["items"] == []


@pytest.mark.parametrize(
    ("text", "code", "path"),
    [
        (policy("p", "{keywords: [{set: nowhere, action: block}]}"), "unknown_keyword_set", "spec.keywords[0].set"),
        (
            policy("p", "{work_hours: {calendar: no, weekly: {mon: []}}}"),
            "unknown_calendar",
            "spec.work_hours.calendar",
        ),
        (assignment("a", "nobody", "{org_unit: /}"), "unknown_policy", "spec.policy"),
        (policy("p", "{}") + assignment("a", "p", "{org_unit: /nowhere}"), "unknown_org_unit", "spec.to"),
        (policy("p", "{}") + assignment("a", "p", "{group: none}"), "unknown_group", "spec.to.group"),
        (
            document("Group", "g", "{devices: [00000000-0000-4000-8000-000000000000]}"),
            "unknown_device",
            "spec.devices[0]",
        ),
    ],
)
def test_a_name_that_is_not_there_is_refused_with_its_place(office: Office, text: str, code: str, path: str) -> None:
    answer = office.try_apply(text)
    assert answer.status_code == 422
    assert [(fault["code"], fault["path"]) for fault in answer.json["problems"]] == [(code, path)]
    assert answer.json["problems"][0]["line"] > 0


def test_two_editors_at_once_the_second_gets_409_and_nothing_is_lost(office: Office) -> None:
    office.apply(policy("sales", RULES), publish=False)
    revision = office.company.get("/documents/Policy/sales").json["document"]["metadata"]["revision"]
    office.apply(policy("sales", MORE, revision), publish=False)
    stale = office.try_apply(policy("sales", "{}", revision), publish=False)
    assert stale.status_code == 409
    assert stale.json["code"] == "stale_revision"
    assert stale.json["documents"] == [{"kind": "Policy", "name": "sales", "revision": revision + 1, "given": revision}]
    kept = office.company.get("/documents/Policy/sales").json["document"]["spec"]
    assert kept == {"protection": {"deny": ["screenshot", "delete_message"]}}


def test_a_policy_is_not_published_before_the_sets_that_it_names(office: Office) -> None:
    words = document("KeywordSet", "abuse", "{terms: [坏]}")
    text = policy("sales", "{keywords: [{set: abuse, action: block}]}")
    office.apply(words + text, publish=False)
    refused = office.company.post("/documents/Policy/sales/publish", {})
    assert refused.status_code == 422
    assert refused.json["code"] == "not_published"
    assert [v["name"] for v in office.apply(words + text)["published"]] == ["abuse", "sales"]


def test_published_versions_stay_and_rolling_back_makes_a_new_one(office: Office) -> None:
    phone = office.phone("/总部/电销")
    office.apply(policy("sales", RULES) + assignment("everywhere", "sales", HERE))
    office.apply(policy("sales", MORE))
    back = office.company.post("/documents/Policy/sales/publish", {"version": 1, "reason": "too strict"})
    assert back.json["published"]["version"] == 3
    assert back.json["looser"] == [{"path": "protection.deny.delete_message", "devices": 1}]
    versions = office.company.get("/documents/Policy/sales/versions").json["items"]
    assert [(v["version"], v["restores"], v["in_force"]) for v in versions] == [
        (3, 1, True),
        (2, None, False),
        (1, None, False),
    ]
    assert office.rules(phone) == {"protection": {"deny": ["screenshot"]}}
    again = office.company.post("/documents/Policy/sales/publish", {})
    assert (again.json["published"]["version"], again.json["rollout"]) == (3, None)
    assert office.company.post("/documents/Policy/sales/publish", {"version": 9}).status_code == 404


def test_export_applies_to_where_it_came_from_without_a_change(office: Office) -> None:
    phone = office.phone("/总部/电销")
    office.apply(
        document("KeywordSet", "abuse", "{terms: [坏, {pattern: 'x.{0,2}y'}]}")
        + document("Calendar", "cn", "{days: [{date: 2026-10-01, kind: holiday}]}")
        + policy("sales", "{device: {minimum_os: {android: '13'}}, location: {mode: off}}")
        + document("Group", "pilot", f"{{devices: [{phone.id}]}}")
        + assignment("everywhere", "sales", HERE)
    )
    exported = office.company.client.get(f"{API}/documents/export", headers=office.company.admin)
    outcome = office.plan(exported.get_data(as_text=True))
    assert len(outcome["changes"]) == 5
    assert {change["action"] for change in outcome["changes"]} == {"none"}


def test_pruning_deletes_what_is_not_sent_unless_it_is_still_named(office: Office) -> None:
    phone = office.phone("/总部/电销")
    kept = policy("sales", RULES)
    office.apply(kept + assignment("everywhere", "sales", HERE))
    refused = office.try_apply(assignment("everywhere", "sales", HERE), prune="true")
    assert refused.status_code == 422
    outcome = office.apply(kept, prune="true")
    assert actions(outcome) == [("Policy", "sales", "none"), ("Assignment", "everywhere", "delete")]
    assert outcome["looser"] == [{"path": "protection", "devices": 1}]
    assert office.rules(phone) == {}
    assert office.company.get("/documents/Assignment/everywhere").status_code == 404


def test_a_deleted_policy_that_comes_back_as_a_draft_is_not_in_force(office: Office) -> None:
    phone = office.phone("/总部/电销")
    other = document("Calendar", "cn", "{days: []}")
    office.apply(policy("sales", RULES) + assignment("everywhere", "sales", HERE) + other)
    office.apply(other, prune="true")
    office.apply(policy("sales", RULES) + assignment("everywhere", "sales", HERE), publish=False)
    assert office.rules(phone) == {}
    assert office.apply(policy("sales", RULES))["published"] == [{"kind": "Policy", "name": "sales", "version": 2}]
    assert office.rules(phone) == {"protection": {"deny": ["screenshot"]}}


def test_an_assignment_that_loosens_counts_as_publishing(office: Office) -> None:
    office.phone("/总部/电销")
    text = policy("sales", RULES) + policy("none", "{}") + assignment("everywhere", "sales", HERE)
    office.apply(text)
    loosening = office.apply(assignment("everywhere", "none", HERE), publish=False)
    assert loosening["looser"] == [{"path": "protection", "devices": 1}]
    assert loosening["rollout"]


def test_documents_go_as_yaml_or_json_and_as_nothing_else(office: Office) -> None:
    sent = {
        "apiVersion": "shouji/v1",
        "kind": "Policy",
        "metadata": {"name": "p"},
        "spec": {"location": {"mode": "off"}},
    }
    done = office.company.post("/documents/apply?publish=true", sent)
    assert done.status_code == 200, done.json
    assert actions(done.json) == [("Policy", "p", "create")]
    headers = {**office.company.admin, "Content-Type": "text/plain"}
    other = office.company.client.post(f"{API}/documents/apply", data=b"x", headers=headers)
    assert (other.status_code, other.json["code"]) == (400, "documents_type")


def test_ten_megabytes_of_documents_are_too_large(office: Office) -> None:
    assert office.try_apply("a: " + "x" * 10_000_000).status_code == 413
    assert office.try_apply("a: " + "x" * 2_000_000).json["code"] == "documents_too_large"


def test_who_may_not_publish_may_not_apply_and_publish(office: Office) -> None:
    refused = office.try_apply(policy("sales", RULES), who=office.company.officer)
    assert refused.status_code == 403
    assert office.company.get("/documents").json["items"] == []


def test_every_change_and_publication_is_audited(office: Office) -> None:
    office.apply(policy("sales", RULES) + assignment("everywhere", "sales", HERE))
    assert sorted(audited()) == [
        ("document.apply", "Assignment/everywhere"),
        ("document.apply", "Policy/sales"),
        ("document.publish", "Policy/sales"),
    ]


def test_a_list_of_documents_has_pages_and_a_kind(office: Office) -> None:
    office.apply("".join(policy(f"p{number}", RULES) for number in range(5)) + document("Calendar", "cn", "{days: []}"))
    first = office.company.get("/documents", kind="Policy", limit=3).json
    second = office.company.get("/documents", kind="Policy", limit=3, cursor=first["next_cursor"]).json
    assert [item["name"] for item in first["items"] + second["items"]] == ["p0", "p1", "p2", "p3", "p4"]
    assert second["next_cursor"] is None
    assert all(item["version"] == 1 and item["draft"] is False for item in first["items"])


def test_what_is_kept_in_files_is_changed_from_elsewhere_only_to_take_it_over_for_a_reason(office: Office) -> None:
    office.apply(policy("sales", RULES), managed_by="files")
    changed = policy("sales", MORE)
    refused = office.try_apply(changed)
    assert (refused.status_code, refused.json["code"]) == (409, "kept_in_files")
    assert refused.json["documents"] == [{"kind": "Policy", "name": "sales"}]
    assert office.try_apply(changed, take_over="true").json["code"] == "reason_required"
    shown = office.company.get("/documents/Policy/sales").json
    assert (shown["revision"], shown["version"], shown["managed_by"]) == (1, 1, "files")
    office.apply(changed, managed_by="files")
    older = office.company.post("/documents/Policy/sales/publish", {"version": 1, "reason": "back"})
    assert (older.status_code, older.json["code"]) == (409, "kept_in_files")
    office.apply(policy("sales", RULES), take_over="true", reason="the repository is gone")
    assert office.company.get("/documents/Policy/sales").json["managed_by"] == "api"
    office.apply(changed)


def test_an_export_of_what_is_kept_in_files_applies_without_a_change_and_leaves_it_there(office: Office) -> None:
    office.apply(policy("sales", RULES), managed_by="files")
    again = office.apply(office.company.client.get(f"{API}/documents/export", headers=office.company.admin).text)
    assert actions(again) == [("Policy", "sales", "none")]
    assert office.company.get("/documents/Policy/sales").json["managed_by"] == "files"


def test_deleting_what_is_kept_in_files_must_be_meant(office: Office) -> None:
    office.apply(policy("sales", RULES), managed_by="files")
    address = f"{API}/documents/Policy/sales"
    client, admin = office.company.client, office.company.admin
    refused = client.delete(address, headers=admin, query_string={"reason": "unused"})
    assert (refused.status_code, refused.json["code"]) == (409, "kept_in_files")
    assert (
        client.delete(address, headers=admin, query_string={"reason": "unused", "take_over": "true"}).status_code == 200
    )


def test_pruning_deletes_only_what_the_same_hand_keeps(office: Office) -> None:
    office.apply(document("Calendar", "from-files", "{days: []}"), managed_by="files")
    office.apply(document("Calendar", "by-api", "{days: []}"))
    with unit_of_work():
        mine = document("Calendar", "in-console", "{days: []}").encode()
        apply.apply(system_actor("test"), mine, managed_by="console")
    fresh = document("Calendar", "fresh", "{days: []}")
    planned = office.plan(fresh, prune="true", managed_by="files")
    done = office.apply(fresh, prune="true", managed_by="files")
    assert actions(planned) == [("Calendar", "fresh", "create"), ("Calendar", "from-files", "delete")]
    assert actions(done) == actions(planned)
    done = office.apply(fresh, prune="true")
    assert actions(done) == [("Calendar", "fresh", "none"), ("Calendar", "by-api", "delete")]
    left = {item["name"] for item in office.company.get("/documents").json["items"]}
    assert left == {"fresh", "in-console"}
