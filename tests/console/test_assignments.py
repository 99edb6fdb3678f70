"""Assignments and groups in the console: lists, forms that say what they would do, and what hangs on what."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.console.site import ENGLISH, Site, submit, token_of
from tests.policies.office import policy


def _apply(site: Site, text: str) -> None:
    answer = site.company.client.post(
        "/api/v1/documents/apply?publish=true&reason=x",
        data=text.encode(),
        content_type="application/yaml",
        headers=site.company.admin,
    )
    assert answer.status_code == 200, answer.json


def _asked(browser: FlaskClient, address: str, form: str, **fields: str) -> str:
    token = token_of(browser.get(form).text)
    return browser.post(address, data={"csrf_token": token, **fields}, headers=ENGLISH).text


@pytest.fixture
def ready(site: Site) -> Site:
    """Two phones and a published policy."""
    site.enroll(org_unit="/总部")
    site.enroll(org_unit="/总部", groups=["pilot"])
    _apply(site, policy("sales", "{device: {require: [encryption]}}"))
    return site


def _assign(browser: FlaskClient, **fields: str) -> Any:
    filled = {"name": "all", "policy": "sales", "to": "org_unit", "org_unit": "/总部", "reason": "launch", **fields}
    return submit(browser, "/assignments/new", ENGLISH, **filled)


def test_an_assignment_is_previewed_made_changed_and_ended(ready: Site) -> None:
    browser = ready.person()
    form = {"name": "all", "policy": "sales", "to": "org_unit", "org_unit": "/总部"}
    plan = _asked(browser, "/assignments/plan", "/assignments/new", **form)
    assert "Other rules on 2 phones" in plan and "What becomes tighter" in plan and "/devices/" in plan
    assert "0 assignments" in browser.get("/assignments", headers=ENGLISH).text, "planning stores nothing"
    assert _assign(browser, reason=" ").status_code == 422
    assert _assign(browser).headers["Location"] == "/assignments"
    page = browser.get("/assignments?to=org_unit&q=sales", headers=ENGLISH).text
    assert "1 assignment<" in page and "/总部" in page and ">2</a>" in page and "There is no priority" in page
    assert "0 assignments" in browser.get("/assignments?to=group", headers=ENGLISH).text
    edit = browser.get("/assignments/all/edit", headers=ENGLISH).text
    revision = edit.split('name="revision" value="')[1].split('"')[0]
    change = {"to": "group", "group": "nowhere", "policy": "sales", "reason": "smaller", "revision": revision}
    refused = submit(browser, "/assignments/all/edit", ENGLISH, **change)
    assert refused.status_code == 422 and "There is no group named" in refused.text
    change = {"to": "org_unit", "org_unit": "/总部/客服", "policy": "sales", "reason": "smaller", "revision": revision}
    looser = submit(browser, "/assignments/all/edit", ENGLISH, **change)
    assert looser.status_code == 422 and "This loosens rules" in looser.text
    assert submit(browser, "/assignments/all/edit", ENGLISH, **change, accept_looser="yes").status_code == 303
    stale = submit(browser, "/assignments/all/edit", ENGLISH, **change, accept_looser="yes")
    assert stale.status_code == 409 and "changed by somebody else" in stale.text
    assert submit(browser, "/policies/Assignment/all/delete", typed="all", reason="over").status_code == 303
    assert "0 assignments" in browser.get("/assignments", headers=ENGLISH).text


def test_a_query_shows_whom_it_finds_and_where_it_cannot_be_read(ready: Site) -> None:
    browser = ready.person()
    found = _asked(browser, "/groups/preview", "/groups/new", way="query", query="os_version < 99")
    assert "2 phones found" in found and "/devices/" in found and "What saving it does" in found
    wrong = _asked(browser, "/groups/preview", "/groups/new", way="query", query="os_version < 99 and colour = red")
    assert "at character 21" in wrong and "<mark>colour = red</mark>" in wrong
    unknown = _asked(browser, "/groups/preview", "/groups/new", way="query", query="group = nowhere")
    assert "There is no group named" in unknown
    listed = _asked(browser, "/groups/preview", "/groups/new", way="devices", devices="NOPE\n")
    assert "No such phones (lines: 1): NOPE" in listed


def test_a_group_page_tells_what_hangs_on_it_and_what_a_change_would_loosen(ready: Site) -> None:
    browser = ready.person()
    new = {"name": "old", "way": "query", "query": "os_version < 99", "reason": "old ones"}
    assert submit(browser, "/groups/new", **new).headers["Location"] == "/groups/old"
    nested = {"name": "old-too", "way": "query", "query": "group = old", "reason": "nested"}
    assert submit(browser, "/groups/new", **nested).status_code == 303
    assert _assign(browser, name="old-ones", to="group", group="old").status_code == 303
    page = browser.get("/groups/old", headers=ENGLISH).text
    assert "sales" in page and "old-ones" in page and 'href="/groups/old-too"' in page and "Dynamic" in page
    plan = _asked(
        browser, "/groups/preview", "/groups/new", name="old", way="query", query="os_version > 99", revision="1"
    )
    assert "0 phones found" in plan and "What becomes looser" in plan and "Other rules on 2 phones" in plan
    change = {"way": "query", "query": "os_version > 99", "revision": "1", "reason": "none"}
    assert submit(browser, "/groups/old/edit", **change).status_code == 422
    assert submit(browser, "/groups/old/edit", **change, accept_looser="yes").status_code == 303


def test_phones_are_listed_by_serial(ready: Site) -> None:
    phone, browser = ready.enroll(serial="SN-LISTED-1"), ready.person()
    new = {"name": "few", "way": "devices", "devices": f"SN-LISTED-1\n{phone.id}\n", "reason": "by hand"}
    assert submit(browser, "/groups/new", **new).status_code == 303
    page = browser.get("/groups/few", headers=ENGLISH).text
    assert "Listed phones" in page and f"/devices/{phone.id}" in page
    assert browser.get("/groups/none").status_code == 404


@pytest.mark.parametrize("address", ["/assignments/new", "/groups/new"])
def test_whoever_only_reads_gets_lists_and_no_forms(ready: Site, address: str) -> None:
    officer = ready.person("officer")
    assert officer.get("/assignments").status_code == officer.get("/groups/pilot").status_code == 200
    assert officer.get(address).status_code == 403
