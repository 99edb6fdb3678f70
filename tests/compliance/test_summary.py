from __future__ import annotations

from typing import Any

from tests.compliance.bureau import Bureau, statements
from tests.fleet.phone import Phone

API = "/compliance/summary"


def fleet(bureau: Bureau) -> tuple[Phone, Phone, Phone]:
    """A rooted phone of Wang's and a good one in telesales, one of nobody's that was never heard of in service."""
    bureau.rule()
    bad, good = bureau.phone(person="E1024"), bureau.phone()
    bureau.beat(bad, rooted=True, passcode=False)
    bureau.tick()
    unheard = bureau.company.enroll(token=bureau.company.token(org_unit="/总部/客服"))
    return bad, good, unheard


def body(answer: Any) -> Any:
    assert answer.status_code == 200, answer.json
    return answer.json


def test_totals_count_phones_by_state_severity_step_and_code(bureau: Bureau) -> None:
    fleet(bureau)
    found = body(bureau.company.get(API))["totals"]
    assert (found["devices"], found["states"]) == (3, {"compliant": 1, "noncompliant": 1, "unknown": 1})
    assert (found["severities"], found["steps"], found["held"]) == ({"critical": 1}, {"notify_holder": 1}, 0)
    counted = {one["code"]: (one["devices"], one["severity"]) for one in found["codes"]}
    assert (counted["root"], counted["passcode"]) == ((1, "critical"), (1, "warning"))
    assert counted["holder_unconfirmed"] == (2, "info")
    assert all(one["title"]["zh-CN"] and one["title"]["en"] for one in found["codes"])


def test_a_unit_counts_its_own_phones_and_all_below(bureau: Bureau) -> None:
    fleet(bureau)
    units = {one["org_unit"]: one for one in body(bureau.company.get(API, by="org_unit"))["items"]}
    assert units["/总部/电销"]["own"] == {"compliant": 1, "noncompliant": 1, "unknown": 0}
    assert units["/总部"]["own"] == {"compliant": 0, "noncompliant": 0, "unknown": 0}
    for above in ("/", "/总部"):
        assert units[above]["total"] == {"compliant": 1, "noncompliant": 1, "unknown": 1}
    assert list(units) == sorted(units)


def test_a_leader_sees_their_own_part_of_the_tree_alone(bureau: Bureau) -> None:
    _, _, unheard = fleet(bureau)
    leader = bureau.company.leader
    found = body(bureau.company.get(API, leader))
    assert found["totals"]["devices"] == 2
    assert [one["org_unit"] for one in found["items"]] == ["/总部/电销"]
    assert {one["device"]["org_unit"] for one in body(bureau.company.get("/findings", leader))["items"]} == {
        "/总部/电销"
    }
    assert bureau.company.get(API, leader, org_unit="/总部/客服").status_code == 422
    assert bureau.company.get(f"/devices/{unheard.id}/findings", leader).status_code == 404


def test_a_person_is_counted_with_all_their_phones_page_by_page(bureau: Bureau) -> None:
    fleet(bureau)
    bureau.phone(person="E1024")
    bureau.phone(person="E2048")
    first = body(bureau.company.get(API, by="person", limit=1))
    second = body(bureau.company.get(API, by="person", limit=1, cursor=first["next_cursor"]))
    assert second["next_cursor"] is None
    people = {one["employee_no"]: one for one in first["items"] + second["items"]}
    assert people["E1024"]["states"] == {"compliant": 1, "noncompliant": 1, "unknown": 0}
    assert (people["E1024"]["findings"], people["E1024"]["step"]) == (2, "notify_holder")
    assert people["E2048"]["states"]["compliant"] == 1
    only = body(bureau.company.get(API, by="person", noncompliant=True))["items"]
    assert [one["name"] for one in only] == ["王小明"]
    assert bureau.company.get(API, by="person", cursor="bm9wZQ").status_code == 400


def test_findings_are_filtered_and_paged_across_phones(bureau: Bureau) -> None:
    bad, _, _ = fleet(bureau)
    get = bureau.company.get
    (root,) = body(get("/findings", code="root"))["items"]
    assert (root["device"]["id"], root["device"]["serial"]) == (bad.id, bad.serial)
    assert (root["device"]["holder"], root["device"]["org_unit"], root["word"]) == ("王小明", "/总部/电销", "root")
    assert {one["code"] for one in body(get("/findings", severity="warning"))["items"]} == {"passcode"}
    assert body(get("/findings", severity="warning", code="root"))["items"] == []
    assert body(get("/findings", excepted=True))["items"] == []
    assert {one["code"] for one in body(get("/findings", org_unit="/总部/客服"))["items"]} == {"holder_unconfirmed"}
    seen, cursor = [], None
    while True:
        page = body(get("/findings", limit=1, **({"cursor": cursor} if cursor else {})))
        seen += [(one["device"]["id"], one["code"]) for one in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert len(seen) == len(set(seen)) == 4
    assert [code for _, code in seen] == ["root", "passcode", "holder_unconfirmed", "holder_unconfirmed"]
    wrong_ones: list[dict[str, Any]] = [{"code": "nonsense"}, {"severity": "fatal"}, {"org_unit": "/nowhere"}]
    for wrong in wrong_ones:
        assert get("/findings", **wrong).status_code in (400, 422)


def test_the_device_list_is_narrowed_by_state(bureau: Bureau) -> None:
    bad, good, unheard = fleet(bureau)
    for state, phone in (("noncompliant", bad), ("compliant", good), ("unknown", unheard)):
        assert [one["id"] for one in body(bureau.company.get("/devices", compliance=state))["items"]] == [phone.id]
    assert bureau.company.get("/devices", compliance="fine").status_code in (400, 422)


def test_whoever_may_not_read_compliance_does_not(bureau: Bureau) -> None:
    assert bureau.company.get(API, {}).status_code == 401


def test_figures_are_for_the_monitor_too(bureau: Bureau) -> None:
    fleet(bureau)
    text = bureau.company.client.get("/metrics").text
    assert 'shouji_compliance_states{state="noncompliant"} 1.0' in text
    assert 'shouji_compliance_steps{step="notify_holder"} 1.0' in text
    assert 'shouji_device_findings{code="root"} 1.0' in text
    assert "shouji_compliance_exceptions 0.0" in text


def test_every_check_says_itself_in_both_languages(bureau: Bureau) -> None:
    checks = body(bureau.company.get("/compliance/checks"))["items"]
    assert len(checks) >= 25
    for check in checks:
        assert all(check[name][language] for name in ("title", "advice") for language in ("zh-CN", "en")), check


def test_reading_costs_the_same_however_many_phones_there_are(bureau: Bureau) -> None:
    fleet(bureau)

    def cost() -> list[int]:
        costs = []
        asked: list[tuple[str, dict[str, Any]]] = [
            (API, {}),
            (API, {"by": "person"}),
            ("/findings", {}),
            ("/devices", {}),
        ]
        for path, query in asked:
            with statements() as run:
                body(bureau.company.get(path, **query))
            costs.append(len(run))
        return costs

    before = cost()
    token = bureau.company.token(org_unit="/总部/客服", max_uses=50)
    for _ in range(12):
        bureau.beat(bureau.company.enroll(token=token), rooted=True)
    assert cost() == before
