"""Signing in, the second factor, the first administrator, and leaving."""

from __future__ import annotations

import re

import pyotp
import pytest
import time_machine
from flask import Flask

from core.http.identity import SESSION_COOKIE
from core.uow import unit_of_work
from identity import sign_in as door
from identity import totp
from tests.console.site import CHINESE, ENGLISH, PASSWORD, Site, submit, token_of
from tests.identity import world
from tests.support.tables import empty_tables


def test_a_stranger_is_led_to_sign_in_and_back_to_where_they_wanted_to_go(site: Site) -> None:
    browser = site.visitor()
    away = browser.get("/devices?state=active&q=SN%201")
    assert away.status_code == 303
    form = browser.get(away.location)
    # The first `next` belongs to the language switch.
    assert re.findall(r'name="next" value="([^"]+)"', form.text)[-1] == "/devices?state=active&amp;q=SN%201"
    answer = browser.post(
        "/sign-in",
        data={
            "csrf_token": token_of(form.text),
            "next": "/devices?state=active&q=SN%201",
            "username": "admin",
            "password": PASSWORD,
        },
    )
    assert (answer.status_code, answer.location) == (303, "/devices?state=active&q=SN%201")
    assert browser.get("/devices").status_code == 200


def test_a_wrong_password_is_told_in_the_readers_language_and_the_name_stays(site: Site) -> None:
    chinese = submit(site.visitor(), "/sign-in", CHINESE, username="admin", password="wrong")
    assert chinese.status_code == 401
    assert "用户名、密码或验证码不正确。" in chinese.text
    assert 'value="admin"' in chinese.text
    english = submit(site.visitor(), "/sign-in", ENGLISH, username="admin", password="wrong")
    assert "User name, password or code is wrong." in english.text
    assert "wrong" not in re.findall(r'value="([^"]*)"', english.text)


def test_an_unknown_name_is_answered_like_a_wrong_password(site: Site) -> None:
    known = submit(site.visitor(), "/sign-in", ENGLISH, username="admin", password="wrong")
    unknown = submit(site.visitor(), "/sign-in", ENGLISH, username="nobody", password="wrong")
    blind = re.compile(r'(value|content)="[^"]*"')
    assert (unknown.status_code, blind.sub("", unknown.text)) == (known.status_code, blind.sub("", known.text))


@pytest.mark.parametrize(
    "foreign", ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)", "/a\r\nb: c"]
)
def test_nobody_is_led_to_a_foreign_address(site: Site, foreign: str) -> None:
    answer = submit(site.visitor(), "/sign-in", username="admin", password=PASSWORD, next=foreign)
    assert (answer.status_code, answer.location) == (303, "/")


def test_the_session_cookie_is_out_of_reach_of_scripts_and_foreign_pages(site: Site) -> None:
    answer = submit(site.visitor(), "/sign-in", username="admin", password=PASSWORD)
    cookie = next(c for c in answer.headers.getlist("Set-Cookie") if c.startswith(SESSION_COOKIE))
    assert "HttpOnly" in cookie and "SameSite=Lax" in cookie and "Expires=" in cookie


def test_a_form_without_its_token_changes_nothing(site: Site) -> None:
    browser = site.visitor()
    answer = browser.post("/sign-in", data={"username": "admin", "password": PASSWORD}, headers=ENGLISH)
    assert answer.status_code == 400
    assert "Reload it and try again" in answer.text
    assert browser.get("/devices").status_code == 303
    signed_in = site.person()
    assert signed_in.post("/sign-out").status_code == 400
    assert signed_in.get("/devices").status_code == 200


def test_the_api_takes_no_cookie_and_asks_for_no_form_token(site: Site) -> None:
    assert site.person().get("/api/v1/devices").status_code == 401
    answer = site.visitor().post("/api/v1/auth/token", json={"username": "admin", "password": PASSWORD})
    assert answer.status_code == 200


def test_failed_attempts_of_one_address_are_limited_and_the_form_says_so(site: Site) -> None:
    browser = site.visitor()
    for number in range(10):
        assert submit(browser, "/sign-in", username=f"guess{number}", password="wrong").status_code == 401
    answer = submit(browser, "/sign-in", ENGLISH, username="admin", password=PASSWORD)
    assert answer.status_code == 429
    assert "Wait a minute and try again." in answer.text
    assert 'id="password"' in answer.text


def test_leaving_ends_the_session_itself(site: Site) -> None:
    browser = site.person()
    stolen = browser.get_cookie(SESSION_COOKIE)
    assert stolen
    page = browser.get("/devices")
    answer = browser.post("/sign-out", data={"csrf_token": token_of(page.text)})
    assert (answer.status_code, answer.location) == (303, "/sign-in")
    thief = site.visitor()
    thief.set_cookie(SESSION_COOKIE, stolen.value)
    assert thief.get("/devices").status_code == 303


def test_whoever_is_signed_in_does_not_see_the_form_again(site: Site) -> None:
    answer = site.person().get("/sign-in?next=/docs")
    assert (answer.status_code, answer.location) == (303, "/docs")


@pytest.mark.parametrize("field", ["username", "password", "otp", "next"])
def test_characters_that_no_database_takes_are_refused(site: Site, field: str) -> None:
    answer = submit(site.visitor(), "/sign-in", **{"username": "admin", "password": PASSWORD, field: "a\0b"})
    assert answer.status_code == 400


def _enroll_totp(site: Site, username: str) -> pyotp.TOTP:
    with site.app.app_context():
        actor = world.actor(username)
        with unit_of_work():
            enrollment = totp.enroll(actor)
        generator = pyotp.TOTP(enrollment.secret)
        with unit_of_work():
            totp.confirm(actor, generator.now())
    return generator


def test_a_second_factor_is_a_step_of_its_own_that_keeps_the_password_out_of_the_page(site: Site) -> None:
    with time_machine.travel("2026-11-23T08:00:00Z", tick=False) as moment:
        generator = _enroll_totp(site, "admin")
        moment.shift(60)
        browser = site.visitor()
        asked = submit(browser, "/sign-in?next=/docs", username="admin", password=PASSWORD, next="/docs")
        assert 'id="otp"' in asked.text
        assert PASSWORD not in asked.text
        assert browser.get("/devices").status_code == 303
        ticket = re.search(r'name="ticket" value="([^"]+)"', asked.text)
        assert ticket
        step = {"csrf_token": token_of(asked.text), "ticket": ticket.group(1), "next": "/docs"}
        wrong = browser.post("/sign-in", data={**step, "otp": "000000"}, headers=ENGLISH)
        assert wrong.status_code == 401
        assert 'id="otp"' in wrong.text and "User name, password or code is wrong." in wrong.text
        right = browser.post("/sign-in", data={**step, "otp": generator.now()})
        assert (right.status_code, right.location) == (303, "/docs")
        assert browser.get("/devices").status_code == 200


def test_the_step_of_the_code_lasts_five_minutes(site: Site) -> None:
    with time_machine.travel("2026-11-23T08:00:00Z", tick=False) as moment:
        generator = _enroll_totp(site, "admin")
        browser = site.visitor()
        asked = submit(browser, "/sign-in", username="admin", password=PASSWORD)
        ticket = re.search(r'name="ticket" value="([^"]+)"', asked.text)
        assert ticket
        moment.shift(301)
        form = {"csrf_token": token_of(asked.text), "ticket": ticket.group(1), "otp": generator.now()}
        late = browser.post("/sign-in", data=form, headers=ENGLISH)
        assert late.status_code == 401
        assert "Enter your password again." in late.text and 'id="password"' in late.text


@pytest.mark.parametrize("forged", ["x", "AAAA", "Aé", "=" * 40])
def test_a_forged_ticket_leads_back_to_the_password(site: Site, forged: str) -> None:
    answer = submit(site.visitor(), "/sign-in", ticket=forged, otp="123456")
    assert answer.status_code == 401
    assert 'id="password"' in answer.text


@pytest.fixture
def fresh(migrated_app: Flask) -> tuple[Flask, str]:
    """A new installation and the path of its setup link."""
    with migrated_app.app_context():
        empty_tables()
        link = world.first_start().setup_url
    assert link
    return migrated_app, "/setup/" + link.rsplit("/", 1)[1]


FIRST = {"name": "王小明", "username": "wang", "password": "a good long one", "password_again": "a good long one"}


def test_the_setup_link_makes_the_first_administrator_once_and_signs_them_in(fresh: tuple[Flask, str]) -> None:
    app, link = fresh
    browser = app.test_client()
    answer = submit(browser, link, **FIRST)
    assert (answer.status_code, answer.location) == (303, "/")
    assert "王小明" in browser.get("/devices").text
    again = app.test_client().get(link, headers=ENGLISH)
    assert again.status_code == 404
    assert "starting the server again prints a new one" in again.text
    with app.app_context(), unit_of_work():
        assert door.console("wang", "a good long one").token


def test_a_wrong_setup_link_opens_nothing(fresh: tuple[Flask, str]) -> None:
    app, _ = fresh
    assert app.test_client().get("/setup/0123456789ABCDEFGHJKMNPQRS").status_code == 404


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"password_again": "another"}, "两次输入的密码不一致。"),
        ({"password": "short", "password_again": "short"}, "密码至少 12 个字符"),
        ({"username": "a b"}, "用户名为"),
    ],
)
def test_a_mistake_in_the_set_up_is_explained_and_does_not_spend_the_link(
    fresh: tuple[Flask, str], wrong: dict[str, str], says: str
) -> None:
    app, link = fresh
    browser = app.test_client()
    answer = submit(browser, link, CHINESE, **{**FIRST, **wrong})
    assert answer.status_code == 422
    assert says in answer.text and "王小明" in answer.text
    assert submit(browser, link, **FIRST).status_code == 303
