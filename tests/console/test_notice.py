"""Pages of the notice: its versions, a new one, who accepted what, who has not yet."""

from __future__ import annotations

import pytest

from tests.console.site import ENGLISH, Site, submit
from tests.identity import world

SCRIPT = "<script>alert(1)</script>"


def _publish(site: Site, **fields: str) -> int:
    sent = {"text_zh-CN": "新的告知书", "text_en": f"A new notice {SCRIPT}", "version": "2", "typed": "publish"}
    return submit(site.person("officer"), "/notice/new", ENGLISH, **{**sent, **fields}).status_code


def test_a_new_version_is_published_typed_and_asks_phones_anew(site: Site) -> None:
    phone = site.enroll(person=site.company.wang)
    browser = site.person("officer")
    before = browser.get("/notice", headers=ENGLISH).text
    assert "default-1" in before and "1 accepted, 0 not yet" in before and "Built in" in before
    assert _publish(site, typed="") == 422
    assert _publish(site) == 303
    page = browser.get("/notice", headers=ENGLISH).text
    assert "新的告知书" in page and SCRIPT not in page and "0 accepted, 1 not yet" in page
    waiting = browser.get("/notice/pending", headers=ENGLISH).text
    assert phone.serial in waiting and "default-1" in waiting and "1 phone<" in waiting
    kept = browser.get("/notice/acceptances", headers=ENGLISH).text
    assert phone.serial in kept and "王小明" in kept


@pytest.mark.parametrize(
    ("fields", "beside"),
    [({"version": "default-1"}, "version"), ({"version": "a#b"}, "version"), ({"text_en": " "}, None)],
)
def test_what_is_wrong_with_a_notice_is_said_and_nothing_is_published(
    site: Site, fields: dict[str, str], beside: str | None
) -> None:
    sent = {"text_zh-CN": "甲", "text_en": "a", "version": "", "typed": "publish", **fields}
    answer = submit(site.person("officer"), "/notice/new", ENGLISH, **sent)
    assert answer.status_code in (409, 422)
    assert (f'id="problem-{beside}"' in answer.text) if beside else 'role="alert"' in answer.text
    assert 'value="' in answer.text and "甲" in answer.text, "what was typed stays"
    assert "default-1" in site.person("officer").get("/notice").text


def test_acceptances_are_narrowed_to_a_person_and_to_ones_part_of_the_tree(site: Site) -> None:
    own = site.enroll(person=site.company.wang, org_unit="/总部/电销")
    foreign = site.enroll(person=site.company.li, org_unit="/总部/客服")
    page = site.person("officer").get(f"/notice/acceptances?person={site.company.li}").text
    assert foreign.serial in page and own.serial not in page
    with site.app.app_context():
        world.person("inner", "auditor", org_unit="/总部/电销")
    inner = site.person("inner")
    page = inner.get("/notice/acceptances").text
    assert own.serial in page and foreign.serial not in page
    assert inner.get("/notice/new").status_code == 403


def test_whoever_has_nothing_to_do_with_the_notice_does_not_see_it(site: Site) -> None:
    leader = site.person("leader")
    assert leader.get("/notice").status_code == 403 and 'href="/notice"' not in leader.get("/devices").text
    officer = site.person("officer")
    assert officer.post("/notice/new", data={"typed": "publish"}).status_code == 400
