"""The pages of the audit log, the quarantine and the installation's health and settings."""

from __future__ import annotations

import csv
import io
import re
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from config.settings import Settings
from console import setting_words
from core import clock, jobs, roles
from core.db import db
from core.uow import unit_of_work
from mqtt import dead_letters
from mqtt.routes import Inbound, Refusal
from tests.console.site import ENGLISH, Site, token_of
from tests.fleet.phone import Phone
from tests.identity import world

PART = {**ENGLISH, "HX-Request": "true"}
FORMULA = "=HYPERLINK(1)"
SCRIPT = "<script>alert(1)</script>"


def _quarantine(site: Site, phone: Phone, payload: bytes = b'{"x":1}', kind: str = "heartbeat") -> str:
    with site.app.app_context(), unit_of_work() as current:
        message = Inbound(phone.id, kind, payload, clock.now())
        dead_letters.keep([Refusal(message, "form", f"at {SCRIPT}")])
        current.flush()
        found = current.execute(text("SELECT id FROM dead_letters ORDER BY received_at DESC LIMIT 1")).scalar_one()
    return str(found)


def test_the_log_is_filtered_by_what_stands_in_the_address(site: Site) -> None:
    browser = site.person()
    page = browser.get("/audit?action=person.create", headers=PART).text
    assert "Added a person" in page and "Signed in" not in page
    today = clock.now().astimezone().date()
    assert "No entry matches" in browser.get(f"/audit?until={today - timedelta(days=3)}", headers=ENGLISH).text
    for address in ("/audit?since=yesterday", "/audit?since=0001-01-01", "/audit?until=9999-12-31"):
        assert browser.get(address).status_code == 422
    assert f'value="{FORMULA}"' in browser.get("/audit", query_string={"target": FORMULA}).text


def test_the_export_is_audited_and_holds_no_formula(site: Site) -> None:
    with site.app.app_context():
        world.person(None, name=FORMULA, employee_no="E5")
    browser = site.person()
    answer = browser.get("/audit/export.csv?action=person.create")
    assert answer.mimetype == "text/csv" and "attachment" in answer.headers["Content-Disposition"]
    rows = list(csv.DictReader(io.StringIO(answer.data.decode("utf-8-sig"))))
    assert rows and all(row["action"] == "person.create" for row in rows)
    assert not any(cell.startswith(("=", "+", "@")) for row in rows for cell in row.values())
    exported = world.audit_items(site.visitor(), site.company.admin, action="audit.export")
    assert exported[0]["detail"] == {"entries": len(rows), "filter": {"action": "person.create"}}


def test_the_chain_is_walked_on_request_and_a_change_is_found(site: Site) -> None:
    browser = site.person()
    token = token_of(browser.get("/audit").text)
    whole = browser.post("/audit/verify", data={"csrf_token": token}, headers=ENGLISH).text
    assert "Chain whole" in whole
    with site.app.app_context(), unit_of_work() as current:
        current.execute(text("UPDATE audit_entries SET actor_name = 'nobody' WHERE seq = 2"))
    broken = browser.post("/audit/verify", data={"csrf_token": token}, headers=ENGLISH).text
    assert "Chain does not verify" in broken and "from entry 2" in broken
    with site.app.app_context():
        assert jobs.run("audit-chain") == "done"
    assert "from entry 2 on" in browser.get("/audit", headers=ENGLISH).text


def test_the_worker_walks_the_chain_in_parts_and_begins_again(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("identity.jobs.CHAIN_PART", 3)
    seen = []
    with site.app.app_context():
        for _ in range(20):
            assert jobs.run("audit-chain") == "done"
            with unit_of_work(write=False) as current:
                seen.append(jobs.last_runs(current)["audit-chain"].detail)
            if seen[-1].startswith("whole"):
                break
    assert seen[0] == "part 3" and seen[1] == "part 6" and seen[-1].startswith("whole")
    page = site.person().get("/audit", headers=ENGLISH).text
    assert "Chain whole" in page and "walked by the worker" in page
    with site.app.app_context():
        assert jobs.run("audit-chain") == "done"
        with unit_of_work(write=False) as current:
            assert jobs.last_runs(current)["audit-chain"].detail == "part 3"


def test_below_the_root_the_log_shows_what_ones_own_people_did(site: Site) -> None:
    with site.app.app_context():
        world.person("inner", "auditor", org_unit="/总部/电销")
    inner = site.person("inner")
    part = inner.get("/audit", headers=PART).text
    assert "inner" in part and "Added a person" not in part
    page = inner.get("/audit").text
    assert 'id="chain"' not in page
    assert inner.post("/audit/verify", data={"csrf_token": token_of(page)}).status_code == 403
    assert site.person("leader").get("/audit").status_code == 403


def test_quarantine_tells_why_shows_bytes_audited_and_replays(site: Site) -> None:
    phone = site.enroll()
    letter = _quarantine(site, phone, b"caf\xc3\xa9 <script>")
    browser = site.person()
    listed = browser.get("/quarantine", headers=ENGLISH).text
    assert "Not of the expected form" in listed and SCRIPT not in listed and "1 message<" in listed
    page = browser.get(f"/quarantine/{letter}", headers=ENGLISH).text
    assert "63 61 66" not in page
    token = token_of(page)
    assert browser.post(f"/quarantine/{letter}/bytes").status_code == 400
    shown = browser.post(f"/quarantine/{letter}/bytes", data={"csrf_token": token}, headers=ENGLISH).text
    assert "63 61 66 c3 a9" in shown and "caf.. &lt;script&gt;" in shown
    looks = world.audit_items(site.visitor(), site.company.admin, action="quarantine.shown")
    assert [look["target_id"] for look in looks] == [letter]
    again = browser.post(f"/quarantine/{letter}/replay", data={"csrf_token": token}, headers=ENGLISH)
    assert again.status_code == 409 and "refused again" in again.text


def test_what_is_too_large_is_kept_in_part_and_not_replayed(site: Site) -> None:
    letter = _quarantine(site, site.enroll(), b"x" * 20_000)
    page = site.person().get(f"/quarantine/{letter}", headers=ENGLISH).text
    assert "20000 B" in page and "/replay" not in page
    officer = site.person("officer")
    assert officer.get(f"/quarantine/{letter}").status_code == 200
    token = token_of(officer.get(f"/quarantine/{letter}").text)
    assert officer.post(f"/quarantine/{letter}/replay", data={"csrf_token": token}).status_code == 403
    assert site.person("leader").get("/quarantine").status_code == 403, "it is the whole fleet's"


def test_health_says_what_is_away(site: Site) -> None:
    browser = site.person()
    assert "The worker is away" in browser.get("/system", headers=ENGLISH).text
    figures: dict[str, Any] = dict.fromkeys(
        ("ingest_stored", "ingest_refused", "ingest_dropped", "relay_published", "relay_failed"), 7
    )
    with site.app.app_context(), unit_of_work() as current:
        roles.report(current, "worker", 1, {**figures, "ingest_connected": True, "relay_connected": True})
    page = browser.get("/system", headers=ENGLISH).text
    assert "The worker is away" not in page and "7 / 7" in page
    assert "identity-lapse-approvals" in page and "every 1 min" in page
    with site.app.app_context(), unit_of_work() as current:
        roles.report(current, "worker", 1, {**figures, "ingest_connected": False, "relay_connected": False})
    assert "Not reached" in browser.get("/system", headers=ENGLISH).text


def test_settings_are_shown_with_their_source_and_no_secret(site: Site) -> None:
    page = site.person().get("/system/settings", headers=ENGLISH).text
    assert "SHOUJI_TIMEZONE" in page and "Asia/Shanghai" in page and "Default" in page
    assert page.count("SHOUJI_") >= len(Settings.model_fields)
    for who in ("officer",):
        assert site.person(who).get("/system/settings").status_code == 403


def test_a_secret_setting_is_never_shown(monkeypatch: pytest.MonkeyPatch, site: Site) -> None:
    shown = {"metrics_token": "very-secret-token"}
    settings = Settings.model_validate(shown)
    with site.app.test_request_context(headers=ENGLISH):
        rows = [row for _, group in setting_words.groups(settings) for row in group]
    [token] = [row for row in rows if row.variable == "SHOUJI_METRICS_TOKEN"]
    assert token.value == "set, not shown"


def test_every_setting_is_explained_in_chinese_too() -> None:
    assert [name for name in Settings.model_fields if name not in setting_words.CHINESE] == []


@pytest.mark.parametrize(
    ("zh", "en", "seconds"),
    [("30 秒", "30 s", 30), ("5 分钟", "5 min", 300), ("1 天", "1 d", 86400), ("90 秒", "90 s", 90)],
)
def test_spans_are_said_in_their_largest_whole_unit(site: Site, zh: str, en: str, seconds: int) -> None:
    assert re.match(r"\d", en)
    template = site.app.jinja_env.from_string("{{ span(length) }}")
    for headers, says in ((ENGLISH, en), ({"Accept-Language": "zh"}, zh)):
        with site.app.test_request_context(headers=headers):
            assert template.render(length=timedelta(seconds=seconds)) == says


def test_the_database_is_named(site: Site) -> None:
    with site.app.app_context():
        kind = db.engine.dialect.name
    page = site.person().get("/system").text
    assert {"sqlite": "SQLite", "postgresql": "PostgreSQL"}[kind] in page
