"""May this phone do that: the question at a phone's page, and the verdict in words."""

from __future__ import annotations

from tests.archive.parts import Recorder, take
from tests.console.site import CHINESE, ENGLISH, Site, submit
from tests.policies.office import Office, assignment, document, policy

RULES = (
    "{keywords: [{set: fees, action: block}], contact_limits: {rules: ["
    "{id: talks, key: customer, count: effective_talk, max: 1, window: 7d, action: block}]}}"
)
POLICY = document("KeywordSet", "fees", "{terms: [加急费]}") + policy("sales", RULES)


def test_a_call_and_a_message_are_judged_and_said_in_words(site: Site) -> None:
    Office(site.company).apply(POLICY + assignment("all", "sales", "{org_unit: /}"))
    phone = Recorder(site.enroll())
    peer = {"address": "13800000001", "name": ""}
    phone.say("", channel="call", kind="call", outcome="connected", duration_s=40, peer=peer)
    with site.app.app_context():
        take(phone.sends())
    browser = site.person("officer")
    assert f"/devices/{phone.id}/may" in browser.get(f"/devices/{phone.id}", headers=ENGLISH).text
    address = f"/devices/{phone.id}/may"
    call = submit(browser, address, ENGLISH, kind="call", direction="out", contact="13800000001").text
    assert (
        "Not allowed" in call and "sales/talks" in call and "1 / 1" in call and "Talks in 7 days, by customer" in call
    )
    message = submit(
        browser, address, CHINESE, kind="message", direction="out", channel="wechat", message="加急*费"
    ).text
    assert "不允许" in message and "fees/" in message and "sales" in message
    fine = submit(browser, address, ENGLISH, kind="call", direction="out", contact="13900000000").text
    assert 'chip-ok">Allowed' in fine
    wrong = submit(browser, address, ENGLISH, kind="call", at="yesterday")
    assert wrong.status_code == 422 and "A minute is written as" in wrong.text
