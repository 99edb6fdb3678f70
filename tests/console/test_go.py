from __future__ import annotations

from urllib.parse import urlsplit

import pytest

from tests.console.site import Site


def test_a_link_of_a_mail_leads_to_the_thing_and_asks_a_stranger_to_sign_in(site: Site) -> None:
    phone = site.enroll()
    answer = site.person().get(f"/go/device/{phone.id}")
    assert answer.status_code == 303 and answer.headers["Location"] == f"/devices/{phone.id}"
    stranger = site.visitor().get(f"/go/device/{phone.id}", headers={"Accept": "text/html"})
    assert stranger.status_code == 303 and stranger.headers["Location"].startswith("/sign-in")


@pytest.mark.parametrize("address", ["/go/nothing/1", "/go/device/%2F%2Fevil.example", "/go/device/..%2F..%2Fx"])
def test_no_link_leads_away(site: Site, address: str) -> None:
    answer = site.person().get(address)
    assert answer.status_code in (303, 308, 404)
    assert urlsplit(answer.headers.get("Location", "/")).netloc in ("", "localhost")
