"""In force when: a minute is chosen, and a page shows what the phone had then and how that is known."""

from __future__ import annotations

from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest

from core import clock
from tests.console.site import ENGLISH, Site
from tests.fleet.phone import Phone, wire
from tests.policies.office import assignment, hear, policy, report

ZONE = ZoneInfo("Asia/Shanghai")


def _reported(site: Site) -> Phone:
    """A phone that has applied what was published."""
    phone = site.enroll()
    documents = policy("sales", "{device: {heartbeat_seconds: 45}}") + assignment("all", "sales", "{org_unit: /}")
    answer = site.company.client.post(
        "/api/v1/documents/apply?publish=true&reason=x",
        data=documents.encode(),
        content_type="application/yaml",
        headers=site.company.admin,
    )
    assert answer.status_code == 200, answer.json
    with site.app.app_context():
        wanted = site.company.device(phone)["policy"]["desired"]
        assert not hear(report(phone, **wanted, outcome="applied", at=wire(clock.now())))
    return phone


def test_a_past_minute_shows_what_the_phone_had_and_the_policies_behind_it(site: Site) -> None:
    phone, browser = _reported(site), site.person()
    assert f'href="/devices/{phone.id}/in-force"' in browser.get(f"/devices/{phone.id}").text
    now = browser.get(f"/devices/{phone.id}/in-force", headers=ENGLISH).text
    assert "Certain" in now and 'href="/policies/Policy/sales"' in now and "heartbeat_seconds" in now
    before = (clock.now() - timedelta(days=2)).astimezone(ZONE).strftime("%Y-%m-%dT%H:%M")
    page = browser.get(f"/devices/{phone.id}/in-force?at={before}", headers=ENGLISH).text
    assert "Nothing was in force" in page and before in page


@pytest.mark.parametrize(("at", "said"), [("yesterday", "A minute is written as"), ("2999-01-01T00:00", "has passed")])
def test_a_minute_that_is_none_or_to_come_is_told(site: Site, at: str, said: str) -> None:
    phone = site.enroll()
    assert said in site.person().get(f"/devices/{phone.id}/in-force?at={at}", headers=ENGLISH).text


def test_a_phone_elsewhere_is_not_found(site: Site) -> None:
    phone = site.enroll(org_unit="/总部/客服")
    assert site.person("leader").get(f"/devices/{phone.id}/in-force").status_code in (403, 404)
