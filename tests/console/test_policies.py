"""Pages of the policy language: list, editor, versions, what differs, publishing, deleting, groups."""

from __future__ import annotations

import html
import re
from typing import Any

import pytest
from flask.testing import FlaskClient

from core.uow import unit_of_work
from policies import apply
from tests.console.site import ENGLISH, Site, submit, token_of
from tests.identity import world

POLICY = """apiVersion: shouji/v1
kind: Policy
metadata: {name: basics, title: 基础}
spec:
  device:
    heartbeat_seconds: 60
    require: [encryption, passcode]
"""
ASSIGNMENT = """apiVersion: shouji/v1
kind: Assignment
metadata: {name: everywhere}
spec: {policy: basics, to: {org_unit: /}}
"""
SCRIPT = "<script>alert(1)</script>"


def _save(browser: FlaskClient, text: str, **fields: str) -> Any:
    """Store a document as the editor does."""
    token = token_of(browser.get("/policies/new").text)
    form = {"csrf_token": token, "text": text, "kind": "Policy", "name": "", **fields}
    return browser.post("/policies/save", data=form, headers=ENGLISH)


def _plan(browser: FlaskClient, text: str) -> str:
    token = token_of(browser.get("/policies/new").text)
    return browser.post("/policies/plan", data={"csrf_token": token, "text": text}, headers=ENGLISH).text


def _publish(browser: FlaskClient, name: str = "basics", **fields: str) -> Any:
    return submit(browser, f"/policies/Policy/{name}/publish", ENGLISH, **{"reason": "for the test", **fields})


def test_a_policy_is_written_published_assigned_changed_and_rolled_back(site: Site) -> None:
    site.enroll()
    browser = site.person()
    assert _save(browser, POLICY).headers["Location"] == "/policies/Policy/basics"
    page = browser.get("/policies/Policy/basics", headers=ENGLISH).text
    assert "Not published" in page and "A draft reaches no phone" in page
    assert _publish(browser).status_code == 303
    assert _save(browser, ASSIGNMENT, reason="everybody").status_code == 303
    page = browser.get("/policies/Policy/basics", headers=ENGLISH).text
    assert "v1 in force" in page and "for the test" in page and "everywhere" in page
    looser = POLICY.replace("[encryption, passcode]", "[encryption]")
    assert _save(browser, looser).status_code == 303
    asked = browser.get("/policies/Policy/basics/publish", headers=ENGLISH).text
    assert "Other rules on 1 phone" in asked and "What becomes looser" in asked and "spec.device.require" in asked
    refused = _publish(browser)
    assert refused.status_code == 422 and "This loosens rules" in refused.text
    assert _publish(browser, accept_looser="yes").status_code == 303
    difference = browser.get("/policies/Policy/basics/diff?old=1&new=2", headers=ENGLISH).text
    assert "spec.device.require" in difference and "passcode" in difference and "1 member<" in difference
    assert _publish(browser, version="1").status_code == 303
    page = browser.get("/policies/Policy/basics", headers=ENGLISH).text
    assert "v3 in force" in page and "restores v1" in page


def test_the_editor_names_lines_and_what_a_change_would_do(site: Site) -> None:
    browser = site.person()
    broken = _plan(browser, POLICY.replace("60", "sixty").replace("passcode]", "passcod]"))
    assert sorted(re.findall(r'data-line="(\d+)"', broken)) == ["6", "7"] and "Line 6" in broken
    assert "not closed" in _plan(browser, "a: [") or "data-line" in _plan(browser, "a: [")
    fine = _plan(browser, POLICY)
    assert "The rules of no phone change" in fine and "basics" in fine and "data-line" not in fine
    assert "0 documents" in browser.get("/policies", headers=ENGLISH).text, "planning stores nothing"


def test_a_broken_document_is_given_back_as_it_was_written(site: Site) -> None:
    browser = site.person()
    text = POLICY.replace("60", f"'{SCRIPT}'")
    answer = _save(browser, text)
    assert answer.status_code == 422
    assert SCRIPT not in answer.text and html.escape(SCRIPT) in answer.text
    assert "line 6" in answer.text


def test_two_editors_do_not_overwrite_each_other(site: Site) -> None:
    browser = site.person()
    _save(browser, POLICY)
    page = browser.get("/policies/Policy/basics/edit").text
    found = re.search(r"<textarea[^>]*>\n(.*?)</textarea>", page, re.S)
    assert found
    mine = html.unescape(found.group(1))
    assert "revision: 1" in mine
    assert _save(browser, mine.replace("60", "90")).status_code == 303
    stale = _save(browser, mine.replace("60", "120"))
    assert stale.status_code == 409 and "changed by somebody else" in stale.text and "120" in stale.text


def test_a_change_that_takes_effect_at_once_needs_a_reason(site: Site) -> None:
    browser = site.person()
    _save(browser, POLICY)
    _publish(browser)
    answer = _save(browser, ASSIGNMENT, kind="Assignment")
    assert answer.status_code == 422 and 'id="problem-reason"' in answer.text
    assert _save(browser, ASSIGNMENT, kind="Assignment", reason="all phones").status_code == 303


def test_a_document_in_use_says_who_names_it_and_one_that_is_not_goes(site: Site) -> None:
    browser = site.person()
    _save(browser, POLICY)
    _publish(browser)
    _save(browser, ASSIGNMENT, reason="all")
    page = browser.get("/policies/Policy/basics/delete", headers=ENGLISH).text
    assert "still named by" in page and "everywhere" in page and 'name="typed"' not in page
    address = "/policies/Assignment/everywhere/delete"
    assert submit(browser, address, ENGLISH, typed="other", reason="over").status_code == 422
    assert submit(browser, address, ENGLISH, typed="everywhere", reason="").status_code == 422
    assert submit(browser, address, typed="everywhere", reason="over").status_code == 303
    entries = world.audit_items(site.visitor(), site.company.admin, action="document.apply")
    assert entries[0]["detail"]["action"] == "delete" and entries[0]["detail"]["reason"] == "over"
    assert browser.get("/policies/Assignment/everywhere").status_code == 404


def test_groups_tell_what_fills_them(site: Site) -> None:
    site.enroll(groups=["pilot"])
    browser = site.person()
    group = "apiVersion: shouji/v1\nkind: Group\nmetadata: {name: old}\nspec: {query: 'os_version < 99'}\n"
    assert _save(browser, group, kind="Group", reason="old phones").status_code == 303
    page = browser.get("/groups", headers=ENGLISH).text
    assert "Filled by tokens" in page and "Dynamic" in page and "os_version &lt; 99" in page and "2 groups" in page


@pytest.mark.parametrize(
    "address", ["/policies/new", "/policies/Policy/basics/edit", "/policies/Policy/basics/publish"]
)
def test_whoever_may_only_read_documents_gets_no_editor(site: Site, address: str) -> None:
    _save(site.person(), POLICY)
    officer = site.person("officer")
    assert officer.get("/policies").status_code == officer.get("/policies/Policy/basics").status_code == 200
    assert "Edit" not in officer.get("/policies/Policy/basics", headers=ENGLISH).text
    assert officer.get(address).status_code == 403


def test_forms_without_their_token_do_nothing(site: Site) -> None:
    browser = site.person()
    assert browser.post("/policies/save", data={"text": POLICY}).status_code == 400
    assert browser.post("/policies/plan", data={"text": POLICY}).status_code == 400
    assert "0 documents" in browser.get("/policies", headers=ENGLISH).text


def test_titles_are_shown_as_they_are(site: Site) -> None:
    browser = site.person()
    title = "=HYPERLINK(1) \u202egnaW\u202c <b>"
    _save(browser, POLICY.replace("title: 基础", f'title: "{title}"'))
    page = browser.get("/policies").text
    assert f"<bdi>{html.escape(title)}</bdi>" in page
    assert browser.get("/policies?q=HYPERLINK", headers=ENGLISH).text.count("row-link") == 1


def test_a_document_that_is_kept_in_files_warns_its_editor(site: Site) -> None:
    browser = site.person()
    _save(browser, POLICY)
    assert "Console" in browser.get("/policies", headers=ENGLISH).text
    assert "kept in files" not in browser.get("/policies/Policy/basics/edit", headers=ENGLISH).text
    with site.app.app_context(), unit_of_work():
        apply.apply(world.SYSTEM, POLICY.encode(), managed_by="files")
    assert "Files" in browser.get("/policies", headers=ENGLISH).text
    page = browser.get("/policies/Policy/basics/edit", headers=ENGLISH).text
    assert "kept in files" in page and "revision: 1" in page, "handing over is no edit"
