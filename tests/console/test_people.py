"""Pages about people, the org tree and one's own account."""

from __future__ import annotations

import re

import pyotp
import pytest
from flask.testing import FlaskClient

from core import clock
from tests.console.site import ENGLISH, PASSWORD, Site, submit, token_of
from tests.identity import world

SCRIPT = "<script>alert(1)</script>"
BIDI = "\u202egnaW\u202c"


def _add(site: Site, **fields: str) -> str:
    """Id of a person who was added in the browser, without a login."""
    answer = submit(site.person(), "/people/new", **{"name": "张三", "org_unit": "/总部/电销", **fields})
    assert answer.status_code == 303, answer.text
    return answer.headers["Location"].rpartition("/")[2]


def test_somebody_is_added_found_changed_and_deactivated(site: Site) -> None:
    person = _add(site, employee_no="E77")
    browser = site.person()
    assert "1 person<" in browser.get("/people?q=E77", headers=ENGLISH).text
    edited = browser.get(f"/people/{person}/edit").text
    revision = re.search(r'name="revision" value="(\d+)"', edited)
    assert revision
    sent = {
        "name": "张三丰",
        "email": "zhang@example.com",
        "org_unit": "/总部/客服",
        "revision": revision.group(1),
        "roles": "employee",
    }
    assert submit(browser, f"/people/{person}/edit", **sent).status_code == 303
    page = browser.get(f"/people/{person}", headers=ENGLISH).text
    assert "张三丰" in page and "zhang@example.com" in page and "/总部/客服" in page and "Employee" in page
    stale = submit(browser, f"/people/{person}/edit", ENGLISH, **sent)
    assert stale.status_code == 409 and "Somebody else changed this" in stale.text
    wrong = submit(browser, f"/people/{person}/deactivate", ENGLISH, typed="somebody else")
    assert "Deactivate the person" in wrong.text
    assert wrong.status_code == 422
    assert submit(browser, f"/people/{person}/deactivate", typed="张三丰").status_code == 303
    assert "1 person<" in browser.get("/people?state=inactive", headers=ENGLISH).text


def test_a_first_password_is_told_once_and_lets_in(site: Site) -> None:
    browser = site.person()
    made = submit(browser, "/people/new", ENGLISH, name="新人", username="newbie", login="yes", org_unit="/")
    assert made.status_code == 200
    password = re.search(r'<code class="secret">([^<]+)</code>', made.text)
    assert password and len(password.group(1)) >= 12
    visitor = site.visitor()
    assert submit(visitor, "/sign-in", username="newbie", password=password.group(1)).status_code == 303
    person = re.search(r'href="/people/([0-9a-f-]{36})"', made.text)
    assert person
    again = submit(browser, f"/people/{person.group(1)}/password", ENGLISH)
    fresh = re.search(r'<code class="secret">([^<]+)</code>', again.text)
    assert fresh and fresh.group(1) != password.group(1)
    assert visitor.get("/account").status_code == 303, "a reset password ends sessions"


def test_a_reset_password_leads_to_nothing_but_a_new_one(site: Site) -> None:
    browser, new = site.person(), "another horse 43"
    officer = _id_of(browser, "officer")
    reset = submit(browser, f"/people/{officer}/password", ENGLISH)
    told = re.search(r'<code class="secret">([^<]+)</code>', reset.text)
    assert told and "first choose their own" in reset.text
    assert "still to be changed" in browser.get(f"/people/{officer}", headers=ENGLISH).text
    held = site.visitor()
    into = submit(held, "/sign-in", username="officer", password=told.group(1), next="/devices")
    assert into.headers["Location"] == "/account/password"
    for address in ("/", "/devices", "/account", "/inbox"):
        assert held.get(address).headers["Location"] == "/account/password"
    part = held.get("/alarms", headers={"HX-Request": "true"})
    assert (part.status_code, part.headers["HX-Redirect"]) == (403, "/account/password")
    page = held.get("/account/password", headers=ENGLISH).text
    assert "An administrator reset your password" in page and "/devices" not in page
    same = {"current_password": told.group(1), "new_password": told.group(1), "new_password_again": told.group(1)}
    refused = submit(held, "/account/password", ENGLISH, **same)
    assert refused.status_code == 422 and "must differ" in refused.text
    fresh = {**same, "new_password": new, "new_password_again": new}
    assert submit(held, "/account/password", **fresh).headers["Location"] == "/"
    assert held.get("/account").status_code == 200
    assert "still to be changed" not in browser.get(f"/people/{officer}", headers=ENGLISH).text
    assert submit(site.visitor(), "/sign-in", username="officer", password=new).headers["Location"] == "/"


def _id_of(browser: FlaskClient, name: str) -> str:
    found = re.search(r'href="/people/([0-9a-f-]{36})"', browser.get(f"/people?q={name}").text)
    assert found
    return found.group(1)


@pytest.mark.parametrize(
    ("fields", "status", "beside"),
    [
        ({"name": ""}, 422, "name"),
        ({"name": "长" * 500}, 422, "name"),
        ({"username": "two words"}, 422, "username"),
        ({"username": "admin"}, 409, "username"),
        ({"employee_no": "E1024"}, 409, "employee_no"),
        ({"email": "nobody@"}, 422, "email"),
        ({"org_unit": "/nowhere"}, 422, "org_unit"),
        ({"login": "yes"}, 422, "username"),
    ],
)
def test_what_is_wrong_with_a_person_stands_beside_its_field(
    site: Site, fields: dict[str, str], status: int, beside: str
) -> None:
    answer = submit(site.person(), "/people/new", ENGLISH, **{"name": "甲", "org_unit": "/", **fields})
    assert answer.status_code == status
    assert f'id="problem-{beside}"' in answer.text


def test_names_of_people_and_units_never_become_markup(site: Site) -> None:
    _add(site, name=SCRIPT, employee_no="=HYPERLINK(1)")
    _add(site, name=BIDI)
    browser = site.person()
    assert submit(browser, "/org/new", name="<b>x", parent="/").status_code == 303
    for address in ("/people", "/org", "/audit"):
        page = browser.get(address).text
        assert SCRIPT not in page and "<b>x" not in page
    assert f"<bdi>{BIDI}</bdi>" in browser.get("/people").text


def test_a_leader_deals_with_their_own_people_only(site: Site) -> None:
    leader = site.person("leader")
    page = leader.get("/people").text
    assert "王小明" in page and "李四" not in page
    for address in (
        f"/people/{site.company.li}",
        f"/people/{site.company.li}/edit",
        f"/people/{site.company.li}/password",
    ):
        assert leader.get(address).status_code == 404
    assert leader.get("/org/new").status_code == 403
    sent = {"name": "王", "org_unit": "/总部/电销", "revision": "1", "roles": "auditor"}
    refused = submit(leader, f"/people/{site.company.wang}/edit", ENGLISH, **sent)
    assert refused.status_code == 403 and 'id="problem-roles"' in refused.text


def test_whoever_may_only_look_gets_no_buttons_and_no_forms(site: Site) -> None:
    officer = site.person("officer")
    page = officer.get(f"/people/{site.company.wang}", headers=ENGLISH).text
    assert "王小明" in page and "Edit" not in page and "Deactivate" not in page
    assert officer.get(f"/people/{site.company.wang}/edit").status_code == 403
    assert "page-actions" not in officer.get("/org").text


def test_units_are_made_renamed_moved_and_removed_and_say_why_they_stay(site: Site) -> None:
    browser = site.person()
    assert submit(browser, "/org/new", name="新组", parent="/总部/客服").status_code == 303
    twice = submit(browser, "/org/new", ENGLISH, name="新组", parent="/总部/客服")
    assert twice.status_code == 409 and 'id="problem-name"' in twice.text
    page = browser.get("/org").text
    unit = re.search(r"/总部/客服/新组.*?/org/([0-9a-f-]{36})/edit", page, re.S)
    service = re.search(r"/总部/客服</bdi>.*?/org/([0-9a-f-]{36})/edit", page, re.S)
    assert unit and service
    moved = {"name": "老组", "parent": "/总部/电销", "revision": "1"}
    assert submit(browser, f"/org/{unit.group(1)}/edit", **moved).status_code == 303
    assert "/总部/电销/老组" in browser.get("/org").text
    full = submit(browser, f"/org/{service.group(1)}/delete", ENGLISH, typed="客服")
    assert full.status_code == 409 and "Move its people" in full.text
    assert submit(browser, f"/org/{unit.group(1)}/delete", ENGLISH, typed="other").status_code == 422
    assert submit(browser, f"/org/{unit.group(1)}/delete", typed="老组").status_code == 303


def test_ones_own_password_is_changed_with_the_present_one(site: Site) -> None:
    browser, other = site.person("officer"), site.person("officer")
    new = "another horse 43"
    for fields, beside in (
        ({"current_password": "wrong one", "new_password": new, "new_password_again": new}, "current_password"),
        ({"current_password": PASSWORD, "new_password": "short", "new_password_again": "short"}, "new_password"),
        ({"current_password": PASSWORD, "new_password": new, "new_password_again": "x"}, "new_password_again"),
    ):
        answer = submit(browser, "/account/password", ENGLISH, **fields)
        assert answer.status_code == 422 and f'id="problem-{beside}"' in answer.text
    sent = {"current_password": PASSWORD, "new_password": new, "new_password_again": new}
    assert submit(browser, "/account/password", **sent).status_code == 303
    assert other.get("/account").status_code == 303, "other sessions ended"
    assert browser.get("/account").status_code == 200


def test_a_second_factor_is_set_up_with_its_code_and_removed_with_another(site: Site) -> None:
    browser = site.person("officer")
    begun = browser.post("/account/totp", data={"csrf_token": token_of(browser.get("/account").text)})
    assert begun.headers["Location"] == "/account/totp"
    page = browser.get("/account/totp", headers=ENGLISH).text
    secret = re.search(r'<code class="wrap">([A-Z2-7]+)</code>', page)
    assert secret and "<svg" in page
    form = {"csrf_token": token_of(page)}
    wrong = browser.post("/account/totp/confirm", data={**form, "code": "000000"}, headers=ENGLISH)
    assert wrong.status_code == 422 and secret.group(1) in wrong.text and 'id="problem-code"' in wrong.text
    code = pyotp.TOTP(secret.group(1)).at(clock.unix())
    done = browser.post("/account/totp/confirm", data={**form, "code": code}, headers=ENGLISH)
    recovery = re.findall(r"<li><code>([0-9A-Z]+)</code></li>", done.text)
    assert done.status_code == 200 and len(recovery) == 10
    assert submit(browser, "/account/totp/remove", ENGLISH, code="000000").status_code == 422
    assert submit(browser, "/account/totp/remove", code=recovery[0]).status_code == 303
    assert "Set up a second factor" in browser.get("/account", headers=ENGLISH).text


def test_ones_own_sessions_are_ended_one_by_one_and_all(site: Site) -> None:
    browser, other = site.person(), site.person()
    page = browser.get("/account").text
    end = re.findall(r'action="(/account/sessions/[0-9a-f-]{36}/end)"', page)
    assert end
    token = token_of(page)
    for address in end:
        assert browser.post(address, data={"csrf_token": token}).status_code == 303
    assert other.get("/account").status_code == 303 and browser.get("/account").status_code == 200
    assert browser.post("/account/sessions/end").status_code == 400, "without its token a form does nothing"
    assert browser.post("/account/sessions/end", data={"csrf_token": token}).headers["Location"] == "/sign-in"
    assert browser.get("/account").status_code == 303


def test_another_persons_second_factor_and_sessions(site: Site) -> None:
    with site.app.app_context():
        officer = world.person("officer2", "compliance_officer")
    victim = site.person("officer2")
    page = site.person().get(f"/people/{officer}").text
    answer = site.person().get(f"/people/{officer}/reset-totp")
    assert answer.status_code == 200 and "reset-totp" not in page, "nothing to remove is not offered"
    browser = site.person()
    token = token_of(browser.get(f"/people/{officer}").text)
    assert browser.post(f"/people/{officer}/end-sessions", data={"csrf_token": token}).status_code == 303
    assert victim.get("/account").status_code == 303
