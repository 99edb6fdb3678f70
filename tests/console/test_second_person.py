"""What loosens leads to its approval: who asked sees that it waits, the second person sees exactly what will happen."""

from __future__ import annotations

import re

import pytest
from flask.testing import FlaskClient

from core.runtime import EXTENSION
from core.uow import unit_of_work
from policies import apply
from tests.console.site import ENGLISH, Site, submit
from tests.identity import world

POLICY = """apiVersion: shouji/v1
kind: Policy
metadata: {name: basics, title: 基础}
spec: {protection: {deny: [screenshot, share_contact_card]}}
---
apiVersion: shouji/v1
kind: Assignment
metadata: {name: everywhere}
spec: {policy: basics, to: {org_unit: /}}
"""
LAX = POLICY.partition("---")[0].replace(", share_contact_card", "")


@pytest.fixture
def author(site: Site, monkeypatch: pytest.MonkeyPatch) -> FlaskClient:
    """An author's browser; a phone has strict rules, a laxer draft is stored, and there is a second author."""
    runtime = site.app.extensions[EXTENSION]
    on = runtime.settings.model_copy(update={"approval_to_loosen": True, "approver_min_age": 0})
    monkeypatch.setitem(runtime.__dict__, "settings", on)
    site.enroll()
    with site.app.app_context():
        for name in ("author", "second"):
            world.person(name, "policy_author", "it_admin")
        with unit_of_work():
            apply.apply(world.SYSTEM, POLICY.encode(), publishing=True)
        with unit_of_work():
            apply.apply(world.SYSTEM, LAX.encode())
    return site.person("author")


def publish(browser: FlaskClient) -> str:
    """Address of the approval that publishing leads to."""
    sent = submit(browser, "/policies/Policy/basics/publish", ENGLISH, reason="lighter", accept_looser="yes")
    assert sent.status_code == 303, sent.text
    assert re.fullmatch(r"/approvals/[0-9a-f-]{36}", sent.headers["Location"])
    return sent.headers["Location"]


def test_publishing_leads_to_the_approval_and_the_second_person_carries_it_out(site: Site, author: FlaskClient) -> None:
    assert (
        "somebody else who may publish has to approve it"
        in author.get("/policies/Policy/basics/publish", headers=ENGLISH).text
    )
    address = publish(author)
    own = author.get(address, headers=ENGLISH).text
    assert "A second person who may publish has been asked" in own and "your own request" in own
    second = site.person("second")
    page = second.get(address, headers=ENGLISH).text
    for shown in (
        "What happens once it is approved",
        "on 1 phone",
        "protection",
        "basics",
        "share_contact_card",
        "lighter",
    ):
        assert shown in page
    assert "批准后会发生什么" in second.get(address).text
    assert submit(second, address, ENGLISH, decision="approve", reason="fine").status_code == 303
    done = second.get(address, headers=ENGLISH).text
    assert "Approved and carried out" in done and "/rollouts/" in done
    assert "v2 in force" in author.get("/policies/Policy/basics", headers=ENGLISH).text


def test_the_author_takes_a_request_back_on_its_page(author: FlaskClient) -> None:
    address = publish(author)
    assert submit(author, address, ENGLISH, decision="withdraw").status_code == 303
    assert "This request is over." in author.get(address, headers=ENGLISH).text


def test_a_request_that_cannot_be_carried_out_says_so_and_is_void(site: Site, author: FlaskClient) -> None:
    address = publish(author)
    with site.app.app_context(), unit_of_work():
        apply.apply(world.SYSTEM, LAX.replace("screenshot", "recall_hide").encode())
    refused = submit(site.person("second"), address, ENGLISH, decision="approve", reason="fine")
    assert refused.status_code == 409 and "the request is void" in refused.text
    assert "Void" in author.get(address, headers=ENGLISH).text


def test_an_assignment_that_loosens_leads_to_its_approval(author: FlaskClient) -> None:
    change = {"policy": "basics", "to": "org_unit", "org_unit": "/总部/客服", "reason": "elsewhere"}
    unticked = submit(author, "/assignments/everywhere/edit", ENGLISH, **change)
    assert unticked.status_code == 422 and "This loosens rules" in unticked.text
    sent = submit(author, "/assignments/everywhere/edit", ENGLISH, **change, accept_looser="yes")
    assert sent.headers["Location"].startswith("/approvals/")
