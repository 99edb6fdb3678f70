"""The register of permitted apps in the console: overdue reviews first, and notes that go into the policy's draft."""

from __future__ import annotations

from datetime import timedelta

import pytest

from policies import app_register
from tests.console.site import ENGLISH, Site, submit
from tests.policies.office import assignment, policy


@pytest.fixture
def ready(site: Site) -> Site:
    """A policy that permits three apps: one overdue, one due soon, one of which nothing is said."""
    today = app_register.local_day()
    late, soon = today - timedelta(days=4), today + timedelta(days=9)
    notes = "filing: A-1, version: '8.0', reviewer: 合规部, region: 中国大陆, reviewed: 2026-01-01"
    packages = (
        f"[{{name: com.example.soon, {notes}, review_due: {soon}}}, {{name: com.example.bare}}, "
        f"{{name: com.example.late, {notes}, review_due: {late}}}]"
    )
    text = policy("sales", f"{{apps: {{mode: allow, packages: {packages}}}}}") + assignment(
        "all", "sales", "{org_unit: /}"
    )
    answer = site.company.client.post(
        "/api/v1/documents/apply?publish=true&reason=x",
        data=text.encode(),
        content_type="application/yaml",
        headers=site.company.admin,
    )
    assert answer.status_code == 200, answer.json
    return site


def test_what_is_overdue_stands_first_and_filters_narrow_the_register(ready: Site) -> None:
    browser = ready.person()
    page = browser.get("/apps", headers=ENGLISH).text
    shown = ["com.example.late", "com.example.soon", "com.example.bare"]
    assert sorted(shown, key=page.index) == shown
    assert "Due for 4 d" in page and "9 d left" in page and "missing" in page
    assert 'href="/assignments?policy=sales">1</a>' in page
    for state, package in (("due", "late"), ("soon", "soon"), ("incomplete", "bare")):
        narrowed = browser.get(f"/apps?state={state}", headers=ENGLISH).text
        assert f"com.example.{package}" in narrowed and "1 app<" in narrowed
    assert "No app matches" in browser.get("/apps?q=nothing", headers=ENGLISH).text
    assert browser.get("/apps?cursor=x").status_code == 400


def test_a_review_is_noted_in_the_draft_and_in_the_register_once_published(ready: Site) -> None:
    browser, address = ready.person(), "/apps/sales/com.example.late/edit"
    due = str(app_register.local_day() + timedelta(days=365))
    notes = {"filing": "A-1", "version": "8.1", "reviewer": "李", "region": "中国大陆", "reviewed": "2026-11-20"}
    wrong = submit(browser, address, ENGLISH, **notes, review_due="2026-11-01")
    assert wrong.status_code == 422 and "must be later than reviewed" in wrong.text and 'value="8.1"' in wrong.text
    saved = submit(browser, address, **notes, review_due=due)
    assert saved.headers["Location"] == "/policies/Policy/sales"
    assert "Due for 4 d" in browser.get("/apps", headers=ENGLISH).text, "a draft is not in force"
    assert submit(browser, "/policies/Policy/sales/publish", reason="reviewed").status_code == 303
    page = browser.get("/apps", headers=ENGLISH).text
    assert "Due for" not in page and "8.1" in page and due in page


def test_an_app_is_added_once(ready: Site) -> None:
    browser = ready.person()
    app = {"policy": "sales", "package": "com.example.crm", "filing": "B-2"}
    assert submit(browser, "/apps/new", **app).status_code == 303
    again = submit(browser, "/apps/new", ENGLISH, **app)
    assert again.status_code == 409 and "is in the list already" in again.text
    bad = submit(browser, "/apps/new", ENGLISH, policy="sales", package="not a name")
    assert bad.status_code == 422 and 'value="not a name"' in bad.text
    assert browser.get("/apps/sales/com.example.none/edit").status_code == 404


def test_a_policy_kept_in_files_is_taken_over_with_a_reason_or_left_alone(ready: Site) -> None:
    kept = policy("filed", "{apps: {mode: allow, packages: [{name: com.example.app}]}}")
    answer = ready.company.client.post(
        "/api/v1/documents/apply?managed_by=files",
        data=kept.encode(),
        content_type="application/yaml",
        headers=ready.company.admin,
    )
    assert answer.status_code == 200, answer.json
    browser, address = ready.person(), "/apps/filed/com.example.app/edit"
    assert submit(browser, address, filing="C-3").status_code == 409
    assert submit(browser, address, filing="C-3", take_over="yes").status_code == 422
    assert submit(browser, address, filing="C-3", take_over="yes", reason="urgent").status_code == 303


def test_whoever_only_reads_documents_notes_nothing(ready: Site) -> None:
    officer = ready.person("officer")
    assert "Note a review" not in officer.get("/apps", headers=ENGLISH).text
    assert officer.get("/apps/sales/com.example.late/edit").status_code == 403
