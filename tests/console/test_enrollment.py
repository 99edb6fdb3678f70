"""Enrollment pages: tokens, QR codes, sheets, phones to confirm, expected phones."""

from __future__ import annotations

import re

import pytest

from tests.console.site import ENGLISH, Site, submit
from tests.fleet.phone import Phone
from tests.identity import world

SCRIPT = "<script>alert(1)</script>"


def _make(site: Site, username: str = "admin", **fields: str) -> str:
    """Id of a token that was made in the browser."""
    answer = submit(site.person(username), "/enrollment/new", max_uses="2", days="3", **fields)
    assert answer.status_code == 303, answer.text
    found = re.fullmatch(r"/enrollment/([0-9a-f-]{36})/qr", answer.headers["Location"])
    assert found, answer.headers["Location"]
    return found.group(1)


def test_a_token_is_made_shown_with_its_code_printed_and_revoked(site: Site) -> None:
    token = _make(site, person="E1024")
    browser = site.person()
    page = browser.get(f"/enrollment/{token}/qr", headers=ENGLISH).text
    code = re.search(r'<code class="secret">([0-9A-Z]{26})</code>', page)
    assert code and "<path" in page and "王小明" in page
    sheets = browser.get("/enrollment/sheets", query_string={"id": [token]}, headers=ENGLISH).text
    assert sheets.count('class="sheet"') == 1 and "<path" in sheets
    assert submit(browser, f"/enrollment/{token}/revoke").status_code == 303
    listed = browser.get("/enrollment?state=revoked", headers=ENGLISH).text
    assert token[:8] in listed and "1 token<" in listed
    assert browser.get(f"/enrollment/{token}/qr", headers=ENGLISH).status_code == 409


def test_each_look_at_a_code_is_audited(site: Site) -> None:
    token = _make(site)
    site.person().get("/enrollment/sheets", query_string={"id": [token]})
    shown = world.audit_items(site.visitor(), site.company.admin, action="enrollment_token.show")
    assert [entry["target_id"] for entry in shown] == [token]


@pytest.mark.parametrize(
    ("fields", "beside"),
    [
        ({"max_uses": "0"}, "max_uses"),
        ({"max_uses": "many"}, "max_uses"),
        ({"days": "366"}, "days"),
        ({"person": SCRIPT}, "person"),
        ({"org_unit": "/nowhere"}, "org_unit"),
        ({"groups": "Not A Group!"}, "groups"),
    ],
)
def test_what_is_wrong_stands_beside_its_field_and_nothing_is_made(
    site: Site, fields: dict[str, str], beside: str
) -> None:
    browser = site.person()
    answer = submit(browser, "/enrollment/new", ENGLISH, **{"max_uses": "1", "days": "1", **fields})
    assert answer.status_code == 422
    assert f'id="problem-{beside}"' in answer.text and 'aria-invalid="true"' in answer.text
    assert SCRIPT not in answer.text
    assert "0 tokens" in browser.get("/enrollment", headers=ENGLISH).text


def test_without_a_form_token_nothing_is_made_or_revoked(site: Site) -> None:
    token = _make(site)
    browser = site.person()
    assert browser.post("/enrollment/new", data={"max_uses": "1", "days": "1"}).status_code == 400
    assert browser.post(f"/enrollment/{token}/revoke").status_code == 400
    assert "1 token<" in browser.get("/enrollment?state=active", headers=ENGLISH).text


def test_tokens_outside_ones_part_of_the_tree_are_not_there(site: Site) -> None:
    foreign = _make(site, org_unit="/总部/客服")
    leader = site.person("leader")
    assert foreign[:8] not in leader.get("/enrollment").text
    for address in (f"/enrollment/{foreign}/qr", f"/enrollment/{foreign}/revoke", f"/enrollment/sheets?id={foreign}"):
        assert leader.get(address).status_code == 404


def test_whoever_may_not_hand_out_codes_sees_no_way_to_them(site: Site) -> None:
    with site.app.app_context():
        world.person("auditor", "auditor")
    token = _make(site)
    auditor = site.person("auditor")
    page = auditor.get("/enrollment", headers=ENGLISH).text
    assert token[:8] in page and "New token" not in page and f"/enrollment/{token}/qr" not in page
    assert auditor.get(f"/enrollment/{token}/qr").status_code == 403
    assert site.person("officer").get("/enrollment").status_code == 403


def test_a_phone_is_confirmed_with_its_holder_and_serial(site: Site) -> None:
    phone = site.enroll(serial=f"SN{SCRIPT}")
    browser = site.person()
    page = browser.get("/enrollment/unconfirmed", headers=ENGLISH).text
    assert phone.id in page and SCRIPT not in page and "1 phone<" in page
    wrong = submit(browser, f"/enrollment/unconfirmed/{phone.id}", ENGLISH, person="E9999")
    assert wrong.status_code == 422 and 'id="problem-person"' in wrong.text
    assert submit(browser, f"/enrollment/unconfirmed/{phone.id}", person="E1024").status_code == 303
    assert site.company.device(phone)["holder"]["confirmed"] is True
    assert phone.id not in browser.get("/enrollment/unconfirmed").text


def test_phones_to_confirm_are_those_of_ones_own_units(site: Site) -> None:
    own, foreign = site.enroll(org_unit="/总部/电销"), site.enroll(org_unit="/总部/客服")
    leader = site.person("leader")
    page = leader.get("/enrollment/unconfirmed").text
    assert own.id in page and foreign.id not in page
    assert leader.get(f"/enrollment/unconfirmed/{foreign.id}").status_code == 404


def test_a_phone_is_announced_and_taken_back(site: Site) -> None:
    browser = site.person()
    wrong = submit(browser, "/enrollment/expected/new", ENGLISH, serial="x", person="E1024")
    assert wrong.status_code == 422 and 'id="problem-serial"' in wrong.text
    assert submit(browser, "/enrollment/expected/new", serial="ABC12345", person="E1024").status_code == 303
    page = browser.get("/enrollment/expected?state=awaited", headers=ENGLISH).text
    assert "ABC12345" in page and "1 awaited, 0 arrived" in page
    remove = re.search(r'action="(/enrollment/expected/[0-9a-f-]+/remove)"', page)
    token = re.search(r'name="csrf_token" value="([^"]+)"', page)
    assert remove and token
    assert browser.post(remove.group(1)).status_code == 400
    assert browser.post(remove.group(1), data={"csrf_token": token.group(1)}).status_code == 303
    assert "0 awaited" in browser.get("/enrollment/expected", headers=ENGLISH).text


def test_an_empty_page_says_what_to_do_next(site: Site) -> None:
    browser = site.person()
    assert 'href="/enrollment/new"' in browser.get("/enrollment", headers=ENGLISH).text
    assert "Nothing to confirm" in browser.get("/enrollment/unconfirmed", headers=ENGLISH).text
    assert "before it arrives" in browser.get("/enrollment/expected", headers=ENGLISH).text


def test_one_code_for_a_box_binds_each_phone_by_its_serial(site: Site) -> None:
    browser = site.person()
    assert submit(browser, "/enrollment/expected/new", serial="BOX00001", person="E2048").status_code == 303
    both = submit(browser, "/enrollment/new", ENGLISH, max_uses="9", days="1", person="E1024", bind_expected="yes")
    assert both.status_code == 422 and 'id="problem-person"' in both.text
    token = _make(site, bind_expected="yes")
    page = browser.get(f"/enrollment/{token}/qr", headers=ENGLISH).text
    code = re.search(r'<code class="secret">([0-9A-Z]{26})</code>', page)
    assert code and "By the announced serial" in page
    with site.app.app_context():
        phone = site.company.enroll(Phone(serial="BOX00001"), code.group(1))
    assert site.company.device(phone)["holder"] | {"name": ""} == {
        "person": site.company.li,
        "confirmed": True,
        "name": "",
        "employee_no": "E2048",
    }
    assert "0 awaited, 1 arrived" in browser.get("/enrollment/expected", headers=ENGLISH).text
    assert phone.id not in browser.get("/enrollment/unconfirmed").text
