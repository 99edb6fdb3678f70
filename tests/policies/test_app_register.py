"""The register of permitted apps: what published policies permit, and reviews that are due."""

from __future__ import annotations

from datetime import date

import pytest

from core.actor import system_actor
from core.uow import unit_of_work
from notify.models import InAppNotice
from policies import app_register
from tests.policies.office import Office, assignment, policy

WECHAT = (
    "{name: com.tencent.mm, filing: A-1, version: '8.0', reviewer: 合规部, region: 中国大陆, "
    "reviewed: 2026-01-01, review_due: 2026-11-01}"
)
APPS = f"{{apps: {{mode: allow, packages: [{WECHAT}, {{name: com.example.crm}}]}}}}"


def test_the_register_lists_what_published_policies_permit_and_what_is_not_said(office: Office) -> None:
    office.apply(policy("sales", APPS), publish=False)
    assert office.company.get("/apps").json["items"] == []
    office.apply(policy("sales", APPS) + policy("other", "{apps: {mode: deny, packages: [{name: com.example.game}]}}"))
    crm, wechat = office.company.get("/apps").json["items"]
    assert (crm["package"], len(crm["missing"])) == ("com.example.crm", 6)
    assert (wechat["filing"], wechat["region"], wechat["review_due"]) == ("A-1", "中国大陆", "2026-11-01")
    assert wechat["missing"] == []


@pytest.mark.parametrize(("today", "due"), [("2026-10-31", 0), ("2026-11-01", 1)])
def test_whoever_publishes_is_reminded_of_reviews_that_are_due(office: Office, today: str, due: int) -> None:
    office.apply(policy("sales", APPS))
    with unit_of_work():
        assert app_register.remind(date.fromisoformat(today)) == due
        assert len(app_register.find(system_actor("test"), due=True, today=date.fromisoformat(today))) == due
    with unit_of_work(write=False) as current:
        assert {row.kind for row in current.query(InAppNotice)} == ({app_register.DUE} if due else set())


def test_what_only_the_register_needs_is_not_shipped(office: Office) -> None:
    phone = office.phone("/总部/电销")
    office.apply(policy("sales", APPS) + assignment("all", "sales", "{org_unit: /}"))
    shipped = {package["name"]: package for package in office.rules(phone)["apps"]["packages"]}
    assert shipped["com.tencent.mm"] == {
        "name": "com.tencent.mm",
        "filing": "A-1",
        "version": "8.0",
        "reviewer": "合规部",
        "reviewed": "2026-01-01",
    }


def test_a_review_that_is_due_before_it_was_done_is_refused(office: Office) -> None:
    answer = office.try_apply(policy("sales", APPS.replace("2026-11-01", "2025-11-01")))
    assert [problem["code"] for problem in answer.json["problems"]] == ["review_due"]
