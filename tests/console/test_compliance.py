"""The pages about compliance: findings by code, unit and severity, and exceptions that are granted and ended."""

from __future__ import annotations

import html
from typing import Any

from flask.testing import FlaskClient

from core import clock
from tests.compliance.bureau import later
from tests.console.site import CHINESE, ENGLISH, Site, submit, token_of
from tests.fleet.phone import Phone
from tests.identity import world

SCRIPT = "<script>alert(1)</script>\u202e=HYPERLINK"
NEW = "/compliance/exceptions/new"


def _rooted(site: Site, **facts: Any) -> Phone:
    phone = site.enroll(**facts)
    site.observe(phone, "root")
    return phone


def _grant(browser: FlaskClient, **fields: str) -> Any:
    day = clock.to_wire(later(hours=72))[:10]
    return submit(browser, NEW, ENGLISH, **{"code": "root", "reason": "test phone", "until": day, **fields})


def test_findings_are_narrowed_by_the_address_and_scoped(site: Site) -> None:
    own, away = _rooted(site, org_unit="/总部/电销", serial=SCRIPT[:40]), _rooted(site, org_unit="/总部/客服")
    officer, leader = site.person("officer"), site.person("leader")
    page = officer.get("/compliance", headers=ENGLISH).text
    assert "2 findings<" in page and html.escape(own.serial) in page and away.serial in page
    assert "<script>alert" not in page
    assert "2 hints are not shown" in page and "Holder not confirmed</a></div>" not in page
    for query, found in (
        ("code=root", "2 findings"),
        ("severity=critical&org_unit=/总部/客服", "1 finding"),
        ("hints=shown", "4 findings"),
        ("code=holder_unconfirmed", "2 findings"),
        ("state=counted", "2 findings"),
        ("state=excepted", "0 findings"),
    ):
        assert f"{found}<" in officer.get(f"/compliance?{query}", headers=ENGLISH).text, query
    seen = leader.get("/compliance", headers=CHINESE).text
    assert html.escape(own.serial) in seen and away.serial not in seen and "/总部/客服" not in seen
    assert officer.get("/compliance?code=nothing").status_code == 422
    assert leader.get("/compliance?org_unit=/总部/客服").status_code in (404, 422)


def test_an_exception_is_granted_beside_its_finding_and_ended_with_a_reason(site: Site) -> None:
    phone = _rooted(site)
    officer = site.person("officer")
    assert "1" in officer.get("/compliance", headers=ENGLISH).text
    form = officer.get(f"{NEW}?device={phone.id}&code=root", headers=ENGLISH).text
    assert phone.serial in form and 'value="root" selected' in form
    assert _grant(officer, device=phone.id, reason=SCRIPT).status_code == 303
    page = officer.get("/compliance/exceptions", headers=ENGLISH).text
    assert "1 exception<" in page and phone.serial in page and "<script>alert" not in page
    again = _grant(officer, device=phone.id)
    assert again.status_code == 409 and "runs already" in again.text
    address = page.split("/end")[0].rpartition('"')[2] + "/end"
    unsaid = submit(officer, address, ENGLISH, reason=" ")
    assert unsaid.status_code == 422 and 'id="problem-reason"' in unsaid.text
    assert submit(officer, address, ENGLISH, reason="it was repaired").status_code == 303
    assert "No exception runs" in officer.get("/compliance/exceptions", headers=ENGLISH).text
    assert "Ended early" in officer.get("/compliance/exceptions?all=yes", headers=ENGLISH).text
    with site.app.app_context():
        (entry,) = world.audit_items(site.company.client, site.company.admin, action="exception.end")
    assert entry["detail"]["ended_because"] == "it was repaired"


def test_the_errors_of_an_exception_stand_beside_their_field(site: Site) -> None:
    officer = site.person("officer")
    for fields, field in (
        ({"org_unit": "/", "until": "2020-01-01"}, "until"),
        ({"org_unit": "/", "until": "soon"}, "until"),
        ({"org_unit": "/", "reason": ""}, "reason"),
        ({"group": "nobody"}, "group"),
        ({"org_unit": "/", "code": "nothing"}, "code"),
    ):
        answer = _grant(officer, **fields)
        assert answer.status_code == 422 and f'id="problem-{field}"' in answer.text, fields
    assert _grant(officer).status_code == 422, "an exception is for something"
    assert _grant(officer, org_unit="/总部/电销").status_code == 303


def test_exceptions_are_for_those_who_may_grant_them_within_their_part_of_the_tree(site: Site) -> None:
    phone = _rooted(site)
    leader, officer = site.person("leader"), site.person("officer")
    assert leader.get(NEW).status_code == 403
    assert "/compliance/exceptions/new" not in leader.get("/compliance").text
    assert officer.post(NEW, data={"code": "root"}).status_code == 400, "without its token a form does nothing"
    with site.app.app_context():
        world.person("branch", "compliance_officer", org_unit="/总部/电销")
    branch = site.person("branch")
    assert branch.get(f"{NEW}?device={phone.id}").status_code == 404
    token = token_of(branch.get(NEW).text)
    form = {"csrf_token": token, "code": "root", "reason": "x", "device": phone.id, "until": "2030-01-01"}
    assert branch.post(NEW, data={**form, "until": clock.to_wire(later(hours=48))[:10]}).status_code == 404
    with site.app.app_context():
        world.person("nobody", "employee")
    assert site.person("nobody").get("/compliance").status_code == 403
