"""Every page in a real browser keeps to WCAG and fits its screen; `make pages` goes through all variants of each.

`make test` opens each page once, in variants that alternate; both photograph what they saw.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from itertools import product
from typing import NamedTuple

import pytest

from core import clock
from core.uow import unit_of_work
from mqtt import dead_letters
from mqtt.routes import Inbound, Refusal
from tests.console.browsing import Visit, check, photograph, sign_in
from tests.console.site import Site
from tests.console.test_pages_in_browser import POLICY
from tests.console.test_shadow import says, tried
from tests.identity import world

ASSIGNMENT = (
    "apiVersion: shouji/v1\nkind: Assignment\nmetadata: {name: everywhere}\nspec: {policy: basics, to: {org_unit: /}}\n"
)
WORDS = "apiVersion: shouji/v1\nkind: KeywordSet\nmetadata: {name: words}\nspec: {match: [symbols], terms: [加急费]}\n"
REGISTER = """apiVersion: shouji/v1
kind: Policy
metadata: {name: register}
spec:
  work_hours: {calendar: cn, weekly: {mon-fri: ["09:00-12:00", "13:30-18:30"], sat: ["10:00-16:00"]}}
  apps:
    mode: allow
    packages:
      - {name: com.example.crm}
      - {name: com.tencent.mm, filing: A-1, reviewer: 合规部, reviewed: 2026-01-01, review_due: 2026-11-01}
---
apiVersion: shouji/v1
kind: Calendar
metadata: {name: cn, title: 法定节假日}
spec:
  days:
    - {date: 2026-10-01, kind: holiday, name: 国庆节}
    - {date: 2026-10-10, kind: workday, name: 国庆节调休}
    - {date: 2027-01-01, kind: holiday, name: 元旦, provisional: true}
"""
WIPE = {"type": "wipe", "args": {"scope": "work_data", "preserve_records": True, "deadline_s": 60}, "reason": "left"}


class Variant(NamedTuple):
    """How a person looks at a page."""

    language: str
    dark: bool
    width: int

    def __str__(self) -> str:
        return f"{self.language}-{'dark' if self.dark else 'light'}-{self.width}"


EVERY = [Variant(*parts) for parts in product(("zh-CN", "en"), (False, True), (1440, 390))]
ALTERNATING = [Variant("zh-CN", False, 1440), Variant("en", True, 1440), Variant("zh-CN", True, 390)]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Which variants there are, and which part of the pages each opens: (number, of how many)."""
    if metafunc.config.getoption("every_variant"):
        cases = [(variant, (0, 1)) for variant in EVERY]
    else:
        cases = [(variant, (number, len(ALTERNATING))) for number, variant in enumerate(ALTERNATING)]
    if "variant" in metafunc.fixturenames:
        metafunc.parametrize(("variant", "part"), cases, ids=[str(variant) for variant, _ in cases])


@pytest.mark.timeout(240)
@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
def test_every_page_keeps_to_wcag_fits_its_screen_and_is_photographed(
    site: Site, visit: Visit, variant: Variant, part: tuple[int, int]
) -> None:
    pages = [*_daily(site), *_administration(site)][part[0] :: part[1]]
    page = visit(variant.language, dark=variant.dark, width=variant.width)
    page.goto("/sign-in")
    check(page, "/sign-in")
    sign_in(page, "/account")
    for name, address in pages:
        page.goto(address)
        page.wait_for_load_state("load")
        for opened in page.locator("details.doc-op summary:visible").all()[:2]:
            opened.click()
        check(page, address)
        photograph(page, f"{name}-{variant}")


def _daily(site: Site) -> Iterator[tuple[str, str]]:
    """Name and address of the pages of those who look after phones, with something on them."""
    phone = site.enroll(person=site.company.wang, groups=["pilot"])
    site.observe(phone, "root")
    for _ in range(3):
        site.enroll()
    sent = site.company.post(f"/devices/{phone.id}/commands", {"type": "ping", "args": {}, "reason": "test"})
    assert sent.status_code == 202, sent.json
    asked = site.company.post(f"/devices/{phone.id}/commands", WIPE).json
    yield from (
        ("overview", "/"),
        ("devices", "/devices"),
        ("devices-none", "/devices?q=nothing"),
        ("device", f"/devices/{phone.id}"),
        ("in-force", f"/devices/{phone.id}/in-force"),
        ("explain-act", f"/devices/{phone.id}/may"),
        ("wipe-form", f"/devices/{phone.id}/commands/wipe"),
        ("device-form", f"/devices/{phone.id}/edit"),
        ("bulk", "/devices/bulk?type=message&all=yes"),
        ("view-form", "/devices/views/new"),
        ("compliance", "/compliance"),
        ("exceptions", "/compliance/exceptions"),
        ("exception-form", f"/compliance/exceptions/new?device={phone.id}&code=root"),
        ("commands", "/commands"),
        ("commands-none", "/commands?type=ring"),
        ("command", f"/commands/{asked['id']}"),
        ("approvals", "/approvals"),
        ("approval", f"/approvals/{asked['approval_id']}"),
        ("freeze", "/freeze"),
        ("inbox", "/inbox"),
        ("docs", "/docs"),
        ("nowhere", "/nowhere"),
    )


def _administration(site: Site) -> Iterator[tuple[str, str]]:
    """The administrator's pages, with something on them."""
    phone = site.enroll(groups=["pilot"])
    made = site.company.client.post(
        "/api/v1/documents/apply?publish=true", data=POLICY, content_type="application/yaml", headers=site.company.admin
    )
    assert made.status_code == 200, made.json
    rollout = _rollout(site)
    site.company.token(person="E1024")
    agency = _agency(site)
    _register(site)
    tried(site)
    record = f"/devices/{says(site, '先交加急费').id}/records/0/1"
    with site.app.app_context(), unit_of_work():
        dead_letters.keep([Refusal(Inbound(phone.id, "heartbeat", b"{}", clock.now()), "form", "at battery")])
    yield from (
        ("enrollment", "/enrollment"),
        ("token-form", "/enrollment/new"),
        ("unconfirmed", "/enrollment/unconfirmed"),
        ("expected", "/enrollment/expected"),
        ("policies", "/policies"),
        ("policy", "/policies/Policy/basics"),
        ("shadow", "/policies/Policy/trial/shadow?days=30"),
        ("record", record),
        ("simulate", "/policies/Policy/trial/simulate"),
        ("policy-diff", "/policies/Policy/basics/diff"),
        ("policy-editor", "/policies/Policy/basics/edit"),
        ("keyword-editor", "/policies/KeywordSet/words/edit"),
        ("calendar-editor", "/policies/new?kind=Calendar"),
        ("policy-delete", "/policies/Policy/basics/delete"),
        ("calendars", "/calendars"),
        ("calendar", "/calendars/cn?year=2026"),
        ("calendar-import", "/calendar-import?name=cn&year=2027"),
        ("apps", "/apps"),
        ("app-form", "/apps/register/com.example.crm/edit"),
        ("groups", "/groups"),
        ("group", "/groups/pilot"),
        ("group-form", "/groups/new"),
        ("assignments", "/assignments"),
        ("assignment-form", "/assignments/everywhere/edit"),
        ("keyword-box", "/policies/KeywordSet/words/try"),
        ("publish", "/policies/Policy/basics/publish"),
        ("rollouts", "/rollouts"),
        ("rollout", f"/rollouts/{rollout}"),
        ("rollout-devices", f"/rollouts/{rollout}/devices"),
        ("rollout-stop", f"/rollouts/{rollout}/stop"),
        ("people", "/people"),
        ("person", f"/people/{site.company.wang}"),
        ("person-form", f"/people/{site.company.wang}/edit"),
        ("org", "/org"),
        ("agencies", "/org/agencies"),
        ("agency-end", f"/org/{agency}/end"),
        ("account", "/account"),
        ("imports", "/imports"),
        ("notice", "/notice"),
        ("notice-form", "/notice/new"),
        ("acceptances", "/notice/acceptances"),
        ("notice-pending", "/notice/pending"),
        ("audit", "/audit"),
        ("quarantine", "/quarantine"),
        ("system", "/system"),
        ("settings", "/system/settings"),
    )


def _register(site: Site) -> None:
    """Published documents that the pages about apps and calendars show."""
    answer = site.company.client.post(
        "/api/v1/documents/apply?publish=true",
        data=REGISTER.encode(),
        content_type="application/yaml",
        headers=site.company.admin,
    )
    assert answer.status_code == 200, answer.json


def _agency(site: Site) -> str:
    """A unit with a last day."""
    with site.app.app_context():
        unit = world.unit("/总部/外包甲")
    ends_on = (clock.now() + timedelta(days=9)).date().isoformat()
    answer = site.company.client.put(
        f"/api/v1/org-units/{unit}/end", json={"ends_on": ends_on, "reason": "contract"}, headers=site.company.admin
    )
    assert answer.status_code == 200, answer.json
    return unit


def _rollout(site: Site) -> str:
    """A rollout of three rings that stands in its first, whose phones have not answered."""
    assignment = POLICY + "---\n" + ASSIGNMENT + "---\n" + WORDS
    company, yaml = site.company, "application/yaml"
    made = company.client.post(
        "/api/v1/documents/apply",
        data=assignment.encode(),
        content_type=yaml,
        query_string={"reason": "x"},
        headers=company.admin,
    )
    assert made.status_code == 200, made.json
    changed = company.client.post(
        "/api/v1/documents/apply", data=POLICY.replace("60", "30"), content_type=yaml, headers=company.admin
    )
    assert changed.status_code == 200, changed.json
    rings = [
        {"name": "pilot", "group": "pilot", "success": {"percent": 95, "within": "1h"}, "stop": {"failed": 5}},
        {"name": "half", "percentage": 50, "soak": "1d", "approval": True},
        {"name": "all", "everyone": True},
    ]
    answer = company.post("/documents/Policy/basics/publish", {"rings": rings, "reason": "less battery"})
    assert answer.status_code == 200, answer.json
    return str(answer.json["rollout"])
