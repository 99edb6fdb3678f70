from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from flask import Flask

from compliance import jobs
from core import clock
from core.uow import unit_of_work
from tests.compliance.bureau import STRICT, Bureau, later
from tests.fleet.company import API
from tests.fleet.phone import Phone

ROOT_ALONE = (
    "{device: {forbid: [root]}, compliance: [{when: [root], after: 0h, do: notify_holder}, "
    "{when: [root], after: 24h, do: alert}]}"
)
PATH = "/compliance/exceptions"


def body(code: str = "root", hours: float = 48, **target: str) -> dict[str, Any]:
    until = clock.to_wire(later(hours=hours))
    return {"code": code, "reason": "测试机，已登记", "until": until, **target}


def grant(bureau: Bureau, code: str = "root", hours: float = 48, **target: str) -> str:
    answer = bureau.company.post(PATH, body(code, hours, **target), bureau.company.officer)
    assert answer.status_code == 201, answer.json
    bureau.tick()
    return str(answer.json["id"])


def expire() -> None:
    with unit_of_work():
        jobs.expire_exceptions()


def rooted(bureau: Bureau, **token: Any) -> Phone:
    bureau.rule(STRICT)
    phone = bureau.phone(**token)
    bureau.beat(phone, rooted=True)
    return phone


def test_an_excepted_finding_is_shown_and_does_not_count(bureau: Bureau) -> None:
    phone = rooted(bureau)
    grant(bureau, device=phone.id)
    found = bureau.findings(phone)["root"]
    assert (found["counts"], found["excepted_until"] is not None) == (False, True)
    shown = bureau.shown(phone)
    assert (shown["state"], shown["step"]) == ("compliant", "none")
    assert [one["excepted_until"] is not None for one in shown["findings"]] == [True]
    totals = bureau.company.get("/compliance/summary").json["totals"]
    assert totals["states"]["compliant"] == 1
    (code,) = (one for one in totals["codes"] if one["code"] == "root")
    assert (code["devices"], code["excepted"]) == (1, 1)
    assert [one["code"] for one in bureau.company.get("/findings", excepted=True).json["items"]] == ["root"]
    assert [one["id"] for one in bureau.company.get("/devices", compliance="compliant").json["items"]] == [phone.id]


def test_while_it_runs_nothing_climbs_and_at_its_end_the_clock_begins_anew(bureau: Bureau) -> None:
    bureau.rule(ROOT_ALONE)
    phone = bureau.phone()
    bureau.beat(phone, rooted=True)
    grant(bureau, hours=100, device=phone.id)
    with bureau.at(hours=99):
        bureau.tick()
        assert bureau.shown(phone)["step"] == "none"
    with bureau.at(hours=101):
        expire()
        bureau.tick()
        assert (bureau.findings(phone)["root"]["counts"], bureau.shown(phone)["step"]) == (True, "notify_holder")
        assert [kind for kind, _ in bureau.commands(phone)] == ["message"]
        (entry,) = bureau.audited("exception.expire")
        assert entry["detail"]["device"] == phone.id
    with bureau.at(hours=150):
        bureau.tick()
        assert bureau.shown(phone)["step"] == "alert"


def test_an_exception_covers_its_code_alone(bureau: Bureau) -> None:
    phone = rooted(bureau)
    bureau.beat(phone, rooted=True, passcode=False)
    grant(bureau, device=phone.id)
    assert bureau.counted(phone) == {"passcode"}
    assert bureau.shown(phone)["state"] == "noncompliant"


def test_a_unit_is_excepted_with_all_below_it_and_a_group_with_its_phones(bureau: Bureau) -> None:
    phone = rooted(bureau, groups=["pilot"])
    other = bureau.phone("/总部/客服")
    bureau.beat(other, rooted=True)
    first = grant(bureau, org_unit="/总部/电销")
    assert (bureau.counted(phone), bureau.counted(other)) == (set(), {"root"})
    assert bureau.company.delete(f"{PATH}/{first}").status_code == 204
    bureau.tick()
    assert bureau.counted(phone) == {"root"}
    grant(bureau, group="pilot")
    assert (bureau.counted(phone), bureau.counted(other)) == (set(), {"root"})
    grant(bureau, org_unit="/总部")
    assert (bureau.counted(phone), bureau.counted(other)) == (set(), set())


def test_a_finding_that_opens_later_is_covered_too(bureau: Bureau) -> None:
    bureau.rule()
    phone = bureau.phone()
    grant(bureau, org_unit="/")
    bureau.beat(phone, rooted=True)
    assert bureau.shown(phone)["step"] == "none"
    assert bureau.commands(phone) == []


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"code": "nonsense"}, 422),
        ({"reason": "  "}, 422),
        ({"until": "2020-01-01T00:00:00.000Z"}, 422),
        ({"until": "2099-01-01T00:00:00.000Z"}, 422),
        ({"until": "2026-12-01T00:00:00"}, 422),
        ({"org_unit": "/"}, 422),
        ({"device": None, "org_unit": "/nowhere"}, 422),
        ({"device": None, "group": "nobody"}, 422),
        ({"device": None}, 422),
        ({"device": "00000000-0000-4000-8000-000000000000"}, 404),
        ({"for_ever": True}, 422),
    ],
)
def test_what_is_wrong_is_refused_and_nothing_is_granted(bureau: Bureau, change: dict[str, Any], status: int) -> None:
    phone = rooted(bureau)
    asked = {name: value for name, value in {**body(device=phone.id), **change}.items() if value is not None}
    answer = bureau.company.post(PATH, asked, bureau.company.officer)
    assert answer.status_code == status, answer.json
    assert bureau.company.get(PATH).json["items"] == []
    assert bureau.audited("exception.grant") == []


def test_only_whoever_may_grants_and_within_their_part_of_the_tree(bureau: Bureau) -> None:
    phone = rooted(bureau)
    other = bureau.phone("/总部/客服")
    company = bureau.company
    assert company.post(PATH, body(device=phone.id), company.leader).status_code == 403
    world_officer = bureau.officer_of("/总部/电销")
    assert company.post(PATH, body(device=other.id), world_officer).status_code == 404
    assert company.post(PATH, body(org_unit="/总部/客服"), world_officer).status_code == 422
    assert company.post(PATH, body(group="pilot"), world_officer).status_code == 403
    elsewhere = grant(bureau, device=other.id)
    mine = company.post(PATH, body(device=phone.id), world_officer).json["id"]
    assert [one["id"] for one in company.get(PATH, world_officer).json["items"]] == [mine]
    assert company.delete(f"{PATH}/{elsewhere}", world_officer).status_code == 404
    assert {one["id"] for one in company.get(PATH).json["items"]} == {mine, elsewhere}


def test_the_same_exception_runs_once_and_ended_ones_are_kept(bureau: Bureau) -> None:
    phone = rooted(bureau)
    first = grant(bureau, device=phone.id)
    again = bureau.company.post(PATH, body(device=phone.id), bureau.company.officer)
    assert (again.status_code, again.json["code"], again.json["exception"]) == (409, "exception_runs", first)
    assert bureau.company.delete(f"{PATH}/{first}").status_code == 204
    assert bureau.company.delete(f"{PATH}/{first}").status_code == 204
    assert len(bureau.audited("exception.end")) == 1
    assert bureau.company.get(PATH).json["items"] == []
    (kept,) = bureau.company.get(PATH, running=False).json["items"]
    assert (kept["state"], kept["target_name"], kept["created_by_name"]) == ("ended", phone.serial, "officer")
    assert kept["ended_by_name"] == "admin"
    grant(bureau, device=phone.id)


@pytest.mark.parametrize("kind", ["device", "group", "org_unit"])
def test_of_five_who_grant_the_same_at_once_one_does(app: Flask, bureau: Bureau, kind: str) -> None:
    phone = rooted(bureau, groups=["pilot"])
    target = {"device": phone.id, "group": "pilot", "org_unit": "/总部"}[kind]
    together = Barrier(5)

    def ask(_number: int) -> int:
        together.wait()
        sent = body("root", 48, **{kind: target})
        return app.test_client().post(API + PATH, json=sent, headers=bureau.company.officer).status_code

    with ThreadPoolExecutor(5) as pool:
        assert sorted(pool.map(ask, range(5))) == [201, 409, 409, 409, 409]
    assert len(bureau.company.get(PATH).json["items"]) == 1


def test_exceptions_are_read_page_by_page(bureau: Bureau) -> None:
    phone = rooted(bureau)
    for code in ("root", "passcode", "silent"):
        grant(bureau, code, device=phone.id)
    first = bureau.company.get(PATH, limit=2).json
    rest = bureau.company.get(PATH, limit=2, cursor=first["next_cursor"]).json
    assert [one["code"] for one in first["items"] + rest["items"]] == ["silent", "passcode", "root"]
