"""The start page: figures, what needs the viewer, first steps."""

from __future__ import annotations

import html
import json
import re
from datetime import timedelta

import pytest
import time_machine

from compliance import history
from console.csv_text import safe
from core import clock
from core.uow import unit_of_work
from fleet import heartbeats
from fleet.commands import freeze
from tests.console.site import CHINESE, ENGLISH, Site
from tests.identity import world


def _figures(page: str) -> dict[str, int]:
    """The tiles, bars and things to do, by their words."""
    page = re.sub(r"\s*(<[^>]*>)\s*", r"\1", page)
    tiles = re.findall(r'<span class="tile-number[^>]*>(\d+)</span><span>([^<]+)</span>', page)
    bars = re.findall(r"<span>([^<]+)</span><strong>(\d+)</strong>", page)
    todo = re.findall(r'<li>(?:<a[^>]*>|<span>)([^<]+)(?:</a>|</span>)<span class="chip[^>]*>(\d+)</span>', page)
    return {html.unescape(text): int(number) for number, text in tiles} | {
        html.unescape(text): int(number) for text, number in [*bars, *todo]
    }


def test_an_empty_installation_leads_to_the_first_phone(site: Site) -> None:
    page = site.person().get("/", headers=ENGLISH).text
    assert "Start here: the first phone" in page and "Make an enrollment token" in page
    assert 'href="/enrollment"' in page
    officer = site.person("officer").get("/", headers=ENGLISH).text
    assert "Make an enrollment token" not in officer and "appear here by themselves" in officer
    assert "从这里开始" in site.person().get("/", headers=CHINESE).text
    site.enroll()
    assert "Start here" not in site.person().get("/", headers=ENGLISH).text


def test_figures_count_the_viewers_part_of_the_fleet_and_lead_to_its_lists(site: Site) -> None:
    own = site.enroll(org_unit="/总部/电销")
    away = site.enroll(org_unit="/总部/客服")
    with site.app.app_context(), unit_of_work():
        heartbeats.record([away.heartbeat(clock.now())])
    site.observe(own, "root")
    whole = site.person().get("/", headers=ENGLISH).text
    part = _figures(site.person("leader").get("/", headers=ENGLISH).text)
    assert _figures(whole)["Active"] == 2 and part["Active"] == 1
    assert _figures(whole)["Online"] == 1 and _figures(whole)["Phones out of order"] == 1
    assert part["Holder or serial to confirm"] == 1 and part["Rooted"] == 1
    assert 'href="/devices?finding=root"' in whole
    assert 'id="device-' + own.id in site.person().get("/devices?finding=root").text


def test_what_waits_for_a_decision_is_shown_to_those_who_may_decide_it(site: Site) -> None:
    phone = site.enroll(org_unit="/总部/电销")
    wipe = {
        "type": "wipe",
        "args": {"scope": "work_data", "preserve_records": True, "deadline_s": 60},
        "reason": "left",
    }
    assert site.company.post(f"/devices/{phone.id}/commands", wipe).status_code == 202
    assert "Wait for your approval" not in site.person().get("/", headers=ENGLISH).text, "not one's own"
    assert _figures(site.person("leader").get("/", headers=ENGLISH).text)["Wait for your approval"] == 1


def test_the_freeze_is_said_on_every_page_and_on_the_start_page(site: Site) -> None:
    site.enroll()
    with site.app.app_context():
        admin = world.actor("admin")
        with unit_of_work():
            freeze.change(admin, True, "<script>stolen</script>")
    banner = site.person("leader").get("/alarms", headers=ENGLISH).text
    assert "Frozen: nothing that destroys is sent." in banner
    assert "<script>" not in banner and "&lt;script&gt;stolen" in banner
    assert "The freeze is on" in site.person().get("/", headers=ENGLISH).text


def test_the_chart_draws_what_was_sampled_by_the_hour_until_there_are_days(site: Site) -> None:
    site.enroll()
    browser = site.person()
    assert "data-chart" not in browser.get("/").text
    with time_machine.travel(clock.now() - timedelta(hours=3), tick=False) as moment, site.app.app_context():
        for _ in range(2):
            with unit_of_work():
                history.sample()
            moment.shift(3600)
    page = browser.get("/", headers=ENGLISH).text
    drawn = re.search(r'data-chart="([^"]+)"', page)
    assert drawn and "Compliance, last 7 days" in page
    chart = json.loads(html.unescape(drawn.group(1)))
    assert len(chart["at"]) == 2 and chart["series"][0]["name"] == "Compliant"


def test_the_start_page_costs_the_same_number_of_queries_however_many_phones(site: Site) -> None:
    browser = site.person()
    site.observe(site.enroll(person=site.company.wang), "root")
    few = site.queries(browser, "/")
    for _ in range(6):
        site.observe(site.enroll(person=site.company.li, groups=["pilot"]), "root")
    assert site.queries(browser, "/") == few


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", " =", "＝"])
def test_no_cell_of_a_file_is_taken_for_a_formula(start: str) -> None:
    assert safe(f"{start}HYPERLINK(1)").startswith("'")
    assert safe("王小明") == "王小明" and safe(None) == ""
