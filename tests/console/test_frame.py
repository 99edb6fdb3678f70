"""What holds for every page: headers, no inline code, errors in the frame, language, theme, times, alarms."""

from __future__ import annotations

import gzip
import re
from html.parser import HTMLParser

import pytest
from flask.testing import FlaskClient

from core import clock, roles
from core.http.access import table
from core.uow import unit_of_work
from fleet import devices
from tests.console.site import CHINESE, ENGLISH, Site, submit, token_of
from tests.identity import world

ODD = ("/devices/00000000-0000-0000-0000-000000000000", "/nowhere", "/live/x")
HTML = {"Accept": "text/html,*/*;q=0.8"}


class _Inline(HTMLParser):
    """Finds what a strict policy would refuse."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = {name for name, _ in attrs}
        if tag == "style" or (tag == "script" and "src" not in names):
            self.found.append(tag)
        self.found += [f"{tag} {name}" for name in names if name == "style" or name.startswith(("on", "hx-on"))]
        self.found += [
            f"{tag} {name}={value}" for name, value in attrs if (value or "").startswith(("javascript:", "js:"))
        ]


def _addresses(site: Site) -> list[str]:
    """Every page that has an address of its own, and some that are not there."""
    rules = [
        rule.rule
        for rule in site.app.url_map.iter_rules()
        if (found := table.get(rule.endpoint)) and found.page and "GET" in (rule.methods or ())
    ]
    plain = [rule for rule in rules if "<" not in rule]
    assert {"/", "/sign-in", "/docs", "/devices", "/alarms"} <= set(plain)
    return [*plain, *ODD]


def test_every_page_forbids_what_does_not_come_from_here(site: Site) -> None:
    site.enroll()
    for browser in (site.person(), site.visitor()):
        for address in _addresses(site):
            answer = browser.get(address, headers=HTML)
            policy = answer.headers["Content-Security-Policy"]
            assert "default-src 'none'" in policy and "script-src 'self';" in policy, address
            assert "frame-ancestors 'none'" in policy, address
            assert "unsafe" not in policy and "http" not in policy and "*" not in policy, address
            assert answer.headers["Referrer-Policy"] == "same-origin"
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
            parser = _Inline()
            parser.feed(answer.text)
            assert parser.found == [], address
            assert not re.search(r'(src|href)="(https?:)?//', answer.text), address


def test_pages_of_people_are_never_kept_by_caches(site: Site) -> None:
    assert site.person().get("/devices").headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(("headers", "says"), [(CHINESE, "没有这个页面"), (ENGLISH, "There is no such page")])
def test_an_unknown_address_is_answered_in_the_frame(site: Site, headers: dict[str, str], says: str) -> None:
    answer = site.person().get("/nowhere", headers={**HTML, **headers})
    assert answer.status_code == 404
    assert says in answer.text and 'href="/devices"' in answer.text


def test_the_api_answers_errors_as_problem_documents(site: Site) -> None:
    answer = site.person().get("/api/v1/nowhere", headers=HTML)
    assert (answer.status_code, answer.mimetype) == (404, "application/problem+json")


def _employee(site: Site) -> FlaskClient:
    with site.app.app_context():
        world.person("worker", "employee", org_unit="/总部/电销")
    return site.person("worker")


def test_who_may_not_see_a_page_is_told_why_and_has_no_menu_entry(site: Site) -> None:
    browser = _employee(site)
    answer = browser.get("/devices", headers=ENGLISH)
    assert answer.status_code == 403
    assert "device.read" in answer.text and 'href="/devices"' not in answer.text
    start = browser.get("/", headers=ENGLISH)
    assert start.status_code == 200
    assert "Your roles open no page here" in start.text and "Employee" in start.text


def test_a_crash_is_answered_in_the_frame_and_tells_nothing_of_its_cause(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("secret detail")

    browser = site.person()
    monkeypatch.setattr(devices, "find", broken)
    answer = browser.get("/devices", headers=ENGLISH)
    assert answer.status_code == 500
    assert "Something went wrong" in answer.text and "secret detail" not in answer.text


def test_the_language_is_what_was_chosen_then_what_the_browser_asks_for(site: Site) -> None:
    browser = site.visitor()
    assert '<html lang="zh-CN"' in browser.get("/sign-in").text
    assert '<html lang="en"' in browser.get("/sign-in", headers=ENGLISH).text
    answer = submit(browser, "/sign-in", CHINESE, language="en", next="/x")
    assert answer.status_code == 401, "the sign-in form itself does not set it"
    chosen = browser.post(
        "/preferences",
        data={"csrf_token": _token(browser), "language": "en", "next": "/docs?a=1"},
        headers=CHINESE,
    )
    assert (chosen.status_code, chosen.location) == (303, "/docs?a=1")
    assert '<html lang="en"' in browser.get("/sign-in", headers=CHINESE).text


def test_the_theme_is_kept_and_only_known_ones_are_taken(site: Site) -> None:
    browser = site.visitor()
    assert 'data-theme="auto"' in browser.get("/sign-in").text
    browser.post("/preferences", data={"csrf_token": _token(browser), "theme": "dark"})
    assert 'data-theme="dark" data-bs-theme="dark"' in browser.get("/sign-in").text
    refused = browser.post("/preferences", data={"csrf_token": _token(browser), "theme": "pink"})
    assert refused.status_code == 422
    browser.set_cookie("shouji_theme", '"><script>')
    assert 'data-theme="auto"' in browser.get("/sign-in").text


def _token(browser: FlaskClient) -> str:
    return token_of(browser.get("/sign-in").text)


def test_times_are_shown_in_the_organisations_zone_with_the_zone_on_hover(site: Site) -> None:
    phone = site.enroll()
    shown = site.company.device(phone)["enrolled_at"]
    page = site.person().get(f"/devices/{phone.id}").text
    hour = (clock.from_wire(shown).hour + 8) % 24
    found = re.search(rf'<time datetime="{re.escape(shown)}" title="([^"]+)">([^<]+)</time>', page)
    assert found
    assert found.group(2)[11:13] == f"{hour:02d}"
    assert found.group(1) == f"{found.group(2)} Asia/Shanghai (UTC+08:00)"


def _say(site: Site, **figures: bool) -> None:
    with site.app.app_context(), unit_of_work() as current:
        roles.report(current, "worker", 1, figures)


def test_a_banner_tells_which_part_of_the_server_is_away(site: Site) -> None:
    browser = site.person()
    assert "The worker is away" in browser.get("/alarms", headers=ENGLISH).text
    _say(site, ingest_connected=True, relay_connected=False)
    assert "The broker is away" in browser.get("/alarms", headers=ENGLISH).text
    _say(site, ingest_connected=True, relay_connected=True)
    assert browser.get("/alarms", headers=ENGLISH).text.strip() == ""


def test_files_are_kept_for_a_year_under_an_address_that_changes_with_them(site: Site) -> None:
    browser = site.visitor()
    address = re.search(r'href="(/static/console\.css\?v=[0-9a-f]{12})"', browser.get("/sign-in").text)
    assert address
    answer = browser.get(address.group(1), headers={"Accept-Encoding": "gzip"})
    assert "max-age=31536000" in answer.headers["Cache-Control"]
    plain = browser.get("/static/console.css")
    assert "max-age=0" in plain.headers["Cache-Control"]
    assert gzip.decompress(answer.data) == plain.data
    again = browser.get(address.group(1), headers={"If-None-Match": answer.headers["ETag"], "Accept-Encoding": "gzip"})
    assert again.status_code == 304


@pytest.mark.parametrize("name", ["../setup.py", "..%2fsetup.py", "vendor/../../setup.py", "nothing.css", "vendor"])
def test_nothing_outside_of_the_static_folder_is_served(site: Site, name: str) -> None:
    assert site.visitor().get(f"/static/{name}").status_code == 404


def test_part_of_a_page_asked_for_without_a_session_sends_the_whole_page_to_sign_in(site: Site) -> None:
    headers = {"HX-Request": "true", "HX-Current-URL": "http://localhost/devices?q=a"}
    answer = site.visitor().get("/devices?q=a", headers=headers)
    assert answer.status_code == 401
    assert answer.headers["HX-Redirect"] == "/sign-in?next=/devices?q%3Da"
