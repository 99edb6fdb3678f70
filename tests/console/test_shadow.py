"""Pages about rules in the shadow: what they would have done, and what leaves the shadow with a version."""

from __future__ import annotations

import re

from flask.testing import FlaskClient

from tests.archive.parts import Recorder, take
from tests.console.site import ENGLISH, Site, submit
from tests.policies.office import Office, assignment, document, policy

SET = document("KeywordSet", "fees", "{terms: [{term: 加急费, id: urgent}]}")
TRIAL = "{keywords: [{set: fees, action: block, mode: shadow}]}"


def tried(site: Site) -> Office:
    """A policy whose rule is in the shadow, on every phone."""
    office = Office(site.company)
    office.apply(SET + policy("trial", TRIAL) + assignment("everyone", "trial", "{org_unit: /}"))
    return office


def says(site: Site, *texts: str, **facts: str) -> Recorder:
    """A phone whose messages these are."""
    recorder = Recorder(site.enroll(**facts))
    for text in texts:
        recorder.say(text)
    with site.app.app_context():
        take(recorder.sends())
    return recorder


def _page(browser: FlaskClient, address: str) -> str:
    answer = browser.get(address, headers=ENGLISH)
    assert answer.status_code == 200, answer.text
    return answer.text


def test_the_figures_stand_at_the_policy_and_its_set_and_the_text_is_read_audited(site: Site) -> None:
    tried(site)
    browser = site.person("officer")
    assert "Nothing hit yet" in _page(browser, "/policies/Policy/trial/shadow")
    recorder = says(site, "先交加急费", "加急费", "您好")
    for address in ("/policies/Policy/trial", "/policies/KeywordSet/fees"):
        assert "2 hits on 1 phone in 7 days" in _page(browser, address)
        shown = _page(browser, f"{address}/shadow?days=30")
        assert "加急费" in shown and "v1" in shown and recorder.phone.serial in shown and "先交加急费" not in shown
    opened = re.search(rf'href="(/devices/{recorder.id}/records/0/1)"', shown)
    assert opened and "先交加急费" in _page(browser, opened.group(1))
    entries = site.company.get("/audit", site.company.officer, action="records.read").json["items"]
    assert [entry["detail"] for entry in entries] == [{"first": 1, "last": 1, "records": 1}]
    assert "试运行" not in site.person().get("/policies/Policy/trial/shadow", headers=ENGLISH).text


def test_publishing_out_of_the_shadow_tells_what_would_have_been_hit(site: Site) -> None:
    office = tried(site)
    says(site, "加急费")
    office.apply(policy("trial", TRIAL.replace(", mode: shadow", "")), publish=False)
    shown = _page(site.person(), "/policies/Policy/trial/publish")
    assert "Out of the shadow" in shown and "would have hit 1 message of 1 phone in 7 days" in shown
    assert "What becomes looser" not in shown, "what acted on nobody is not missed"
    office.apply(policy("trial", TRIAL.replace("block", "warn")), publish=False)
    assert "Out of the shadow" not in _page(site.person(), "/policies/Policy/trial/publish")


def test_whoever_may_not_read_texts_sees_figures_and_no_messages(site: Site) -> None:
    tried(site)
    recorder = says(site, "加急费", org_unit="/总部/电销")
    browser = site.person("leader")
    shown = _page(browser, "/policies/Policy/trial/shadow")
    assert "Hits" in shown and recorder.phone.serial not in shown
    assert browser.get(f"/devices/{recorder.id}/records/0/1").status_code in (403, 404)
    assert browser.get("/policies/Group/pilot/shadow").status_code == 404


def test_a_draft_is_simulated_on_the_archive_with_samples_to_read(site: Site) -> None:
    office = tried(site)
    recorder = says(site, "加急费", "先交包装费")
    office.apply(document("KeywordSet", "fees", "{terms: [{term: 包装费, id: wrapping}]}"), publish=False)
    browser = site.person("officer")
    assert "/policies/KeywordSet/fees/simulate" in _page(browser, "/policies/KeywordSet/fees")
    shown = submit(browser, "/policies/KeywordSet/fees/simulate", ENGLISH, days="30").text
    assert "2 records were judged" in shown and "held against v1 in force" in shown
    assert "包装费" in shown and ">New<" in shown and ">Gone<" in shown and "先交包装费" not in shown
    assert f'href="/devices/{recorder.id}/records/0/2"' in shown
    wrong = submit(browser, "/policies/KeywordSet/fees/simulate", ENGLISH, org_unit="/nowhere")
    assert wrong.status_code == 422 and 'id="problem-org_unit"' in wrong.text
    assert site.person("leader").get("/policies/KeywordSet/fees/simulate").status_code == 403
