"""The pages of rollouts: the list, the rings with the phones behind each figure, and what can be done."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient

from core.runtime import runtime
from tests.console.site import CHINESE, ENGLISH, Site, submit, token_of
from tests.fleet.phone import Phone
from tests.identity import world
from tests.policies import staged
from tests.policies.office import Office
from tests.policies.staged import EVERYONE, Rollout

SCRIPT = "<script>alert(1)</script>\u202e=HYPERLINK"
PILOT = {"name": "pilot", "group": "pilot", "soak": "1d", "silent_after": "1m", "stop": {"rejected": 50, "sample": 2}}


def _going(site: Site, count: int = 3, **body: Any) -> tuple[Rollout, list[Phone]]:
    """A rollout that stands in its first ring of two phones."""
    with site.app.app_context():
        office = Office(site.company)
        phones = staged.phones(office, count, pilots=2)
        return Rollout(office, {"rings": [PILOT, EVERYONE], "reason": SCRIPT, **body}), phones


def _act(browser: FlaskClient, rollout: Rollout, act: str, **fields: str) -> Any:
    return submit(browser, f"/rollouts/{rollout.id}/{act}", ENGLISH, **{"reason": "because", **fields})


def test_a_rollout_shows_its_rings_and_the_phones_behind_each_figure(site: Site) -> None:
    rollout, phones = _going(site)
    with site.app.app_context():
        rollout.office.report(phones[0])
    browser = site.person()
    page = browser.get("/rollouts", headers=ENGLISH).text
    assert "sales v2" in page and "Running" in page and "<script>alert" not in page
    page = browser.get(f"/rollouts/{rollout.id}", headers=ENGLISH).text
    assert "50.0% applied" in page and "group pilot" in page and "soaks 1 d" in page
    assert "stops at 50% rejected" in page and "p50" in page and "<script>alert" not in page
    applied = browser.get(f"/rollouts/{rollout.id}/devices?ring=0&state=applied", headers=ENGLISH).text
    assert phones[0].serial in applied and phones[1].serial not in applied and "1 phone<" in applied
    waiting = browser.get(f"/rollouts/{rollout.id}/devices?state=waiting", headers=ENGLISH).text
    assert phones[1].serial in waiting and "never seen" in waiting
    assert browser.get(f"/rollouts/{rollout.id}/devices?ring=7").status_code == 404
    assert browser.get("/rollouts/nothing").status_code == 404
    assert "No rollout matches" in browser.get("/rollouts?state=stopped", headers=ENGLISH).text


def test_who_did_not_answer_is_listed_with_why_and_nudged_with_one_click(site: Site) -> None:
    rollout, phones = _going(site)
    browser = site.person()
    page = browser.get(f"/rollouts/{rollout.id}", headers=ENGLISH).text
    assert "Nudge 2 phones" in page
    address = f"/rollouts/{rollout.id}/nudge"
    assert browser.post(address).status_code == 400, "without its token a form does nothing"
    assert browser.post(address, data={"csrf_token": token_of(page)}).status_code == 303
    assert "Sent again to 2 phones" in browser.get(f"/rollouts/{rollout.id}", headers=ENGLISH).text
    with staged.later(minutes=2):
        page = browser.get(f"/rollouts/{rollout.id}", headers=ENGLISH).text
        silent = browser.get(f"/rollouts/{rollout.id}/devices?state=silent", headers=ENGLISH).text
    assert "Who did not answer (2)" in page and phones[0].serial in page and "never seen" in page
    assert phones[0].serial in silent and phones[2].serial not in silent and "2 phones<" in silent


def test_the_pages_of_a_rollout_cost_the_same_number_of_queries_whatever_its_size(site: Site) -> None:
    rollout, _ = _going(site)
    browser = site.person()
    addresses = (f"/rollouts/{rollout.id}", f"/rollouts/{rollout.id}/devices")
    few = [site.queries(browser, address) for address in addresses]
    for _ in range(4):
        site.enroll(org_unit="/总部/电销", groups=["pilot"])
    assert [site.queries(browser, address) for address in addresses] == few
    assert max(few) < 25


def test_a_rollout_is_paused_resumed_and_rolled_back_with_reasons(site: Site) -> None:
    rollout, _ = _going(site)
    browser = site.person()
    unsaid = _act(browser, rollout, "pause", reason=" ")
    assert unsaid.status_code == 422 and 'id="problem-reason"' in unsaid.text
    assert _act(browser, rollout, "pause", reason=SCRIPT).status_code == 303
    page = browser.get(f"/rollouts/{rollout.id}", headers=ENGLISH).text
    assert "Paused by" in page and "<script>alert" not in page and "/pause" not in page
    assert _act(browser, rollout, "pause").status_code == 409, "it is paused already"
    assert _act(browser, rollout, "resume").status_code == 303
    untyped = _act(browser, rollout, "rollback", typed="something")
    assert untyped.status_code == 422 and 'id="problem-typed"' in untyped.text
    undone = _act(browser, rollout, "rollback", typed="sales")
    assert undone.status_code == 303 and undone.headers["Location"] != f"/rollouts/{rollout.id}"
    assert "What it rolls back" in browser.get(undone.headers["Location"], headers=ENGLISH).text
    assert "Rolled back" in browser.get(f"/rollouts/{rollout.id}", headers=ENGLISH).text
    assert browser.get(f"/rollouts/{rollout.id}/explode").status_code == 404


def test_acts_are_for_those_who_publish_in_the_whole_tree_and_lists_are_scoped(site: Site) -> None:
    rollout, phones = _going(site)
    with site.app.app_context():
        world.person("away", "supervisor", org_unit="/总部/客服")
        world.person("branch", "policy_author", org_unit="/总部/电销")
        world.person("nobody", "employee")
    away, branch = site.person("away"), site.person("branch")
    assert away.get(f"/rollouts/{rollout.id}/pause").status_code == 403
    page = away.get(f"/rollouts/{rollout.id}", headers=ENGLISH).text
    assert "/pause" not in page and "Nudge" not in page
    devices = away.get(f"/rollouts/{rollout.id}/devices", headers=ENGLISH).text
    assert "0 phones<" in devices and phones[0].serial not in devices
    assert "/pause" not in branch.get(f"/rollouts/{rollout.id}").text
    assert _act(branch, rollout, "pause").status_code == 403
    assert site.person("nobody").get("/rollouts").status_code == 403


def test_a_draft_is_published_by_the_rings_of_the_form(site: Site) -> None:
    with site.app.app_context():
        staged.phones(Office(site.company), 2, pilots=1)
    browser, address = site.person(), "/policies/Policy/sales/publish"
    form = {"reason": "carefully", "way": "rings", "ring0_who": "group", "ring0_value": "pilot", "ring0_soak": "1d"}
    for fields in (
        {"ring0_value": SCRIPT},
        {"ring0_success": "most"},
        {"ring0_stop": "0"},
        {"ring0_silent": "half"},
        {"ring0_silent": "30", "ring0_sample": "few"},
        {"ring0_silent": "30", "ring0_sample": "0"},
        {"ring0_silent_after": "soon"},
        {"ring0_who": "percentage", "ring0_value": "101"},
        {"way": "somehow"},
    ):
        refused = submit(browser, address, ENGLISH, **{**form, **fields})
        assert refused.status_code == 422 and "<script>alert" not in refused.text, fields
        assert "carefully</textarea>" in refused.text, "nothing of the form is lost"
    assert "carefully" not in browser.get("/rollouts").text, "nothing was published"
    second = {"ring1_who": "percentage", "ring1_value": "50", "ring1_approval": "yes", "ring1_success": "90"}
    stop = {"ring0_silent": "30", "ring0_sample": "3", "ring0_silent_after": "4h"}
    done = submit(browser, address, ENGLISH, **form, **second, **stop)
    assert done.status_code == 303, done.text
    page = browser.get(done.headers["Location"], headers=ENGLISH).text
    assert "group pilot" in page and "soaks 1 d" in page and "everyone" in page
    assert "up to 50% of the phones" in page and "a second person approves" in page and "90% applied" in page
    made = site.company.get(f"/rollouts/{done.headers['Location'].rpartition('/')[2]}").json
    gates = made["rings"][0]["gates"]
    assert (gates["stop"], gates["sample"], gates["silent_after"]) == ({"silent": 30}, 3, 4 * 3600)
    held = submit(browser, address, ENGLISH, reason="again", way="now")
    assert held.status_code == 409 and "still brings version" in held.text


def test_a_rollout_is_kept_as_a_draft_and_started_later(site: Site) -> None:
    with site.app.app_context():
        staged.phones(Office(site.company), 2, pilots=1)
    browser = site.person()
    form = {"reason": "later", "way": "draft", "ring0_who": "group", "ring0_value": "pilot", "ring0_soak": "1h"}
    address = submit(browser, "/policies/Policy/sales/publish", ENGLISH, **form).headers["Location"]
    assert "Draft" in browser.get(address, headers=ENGLISH).text
    assert submit(browser, f"{address}/start", ENGLISH, reason="now").status_code == 303
    page = browser.get(address, headers=ENGLISH).text
    assert "Soaking" in page and "soaks for another 1 h" in page
    assert "还需观察 1 小时" in browser.get(address, headers=CHINESE).text
    assert submit(browser, f"{address}/pause", ENGLISH, reason="wait").status_code == 303
    page = browser.get(address, headers=ENGLISH).text
    assert "Paused here" in page and "Soaking" not in page and "soaks for another" not in page


def test_a_version_that_touches_many_phones_is_offered_by_rings_first(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    with site.app.app_context():
        staged.phones(Office(site.company), 2)
    browser = site.person()
    few = browser.get("/policies/Policy/sales/publish", headers=ENGLISH).text
    with site.app.app_context():
        limited = runtime().settings.model_copy(update={"unstaged_limit": 1})
        monkeypatch.setitem(runtime().__dict__, "settings", limited)
    many = browser.get("/policies/Policy/sales/publish", headers=ENGLISH).text
    assert '<option value="now" selected>' in few and "It touches many phones" not in few
    assert '<option value="rings" selected>' in many and "It touches many phones" in many


def test_the_approval_of_a_ring_and_its_rollout_lead_to_each_other(site: Site) -> None:
    with site.app.app_context():
        staged.phones(Office(site.company), 2, pilots=1)
        rings = [{"name": "pilot", "group": "pilot"}, {**EVERYONE, "approval": True}]
        rollout = Rollout(Office(site.company), {"rings": rings, "reason": "carefully"})
        staged.evaluate()
        world.person("author", "policy_author")
    author, approval = site.person("author"), f"/approvals/{rollout.now['approval']}"
    assert f'href="{approval}"' in author.get(f"/rollouts/{rollout.id}").text
    page = author.get(approval, headers=ENGLISH).text
    assert "Next ring of a rollout: all" in page and f'href="/rollouts/{rollout.id}"' in page
    assert "Whom it hits" not in page, "a ring is of whoever it holds when it begins"
    assert submit(author, approval, ENGLISH, decision="approve", reason="fine").status_code == 303
    assert rollout.state != "pending_approval"
