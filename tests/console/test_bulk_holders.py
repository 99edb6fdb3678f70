from __future__ import annotations

import re

from tests.console.site import Site, token_of


def test_a_phone_that_changed_holder_while_somebody_looked_is_not_hit(site: Site) -> None:
    phone = site.enroll()
    browser = site.person()
    page = browser.get(f"/devices/bulk?type=ping&device={phone.id}").text
    found = re.search(r'name="digest"\s+value="([0-9a-f]{64})"', page)
    assert found
    form = {"csrf_token": token_of(page), "type": "ping", "device": phone.id, "digest": found.group(1)}
    site.company.post(f"/devices/{phone.id}/confirm", {"person": site.company.wang})
    refused = browser.post("/devices/bulk", data=form)
    assert refused.status_code == 409 and "请重新核对" in refused.text
    fresh = re.search(r'name="digest"\s+value="([0-9a-f]{64})"', refused.text)
    assert fresh and fresh.group(1) != found.group(1)
    assert browser.post("/devices/bulk", data={**form, "digest": fresh.group(1)}).status_code == 303
