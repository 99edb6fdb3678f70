"""What is done to one phone from its page."""

from __future__ import annotations

import html

import pytest
from flask.testing import FlaskClient

from fleet.commands.registry import all_kinds
from tests.console.site import CHINESE, ENGLISH, Site, submit, token_of
from tests.fleet.phone import Phone
from tests.identity import world

NASTY = ["<script>alert(1)</script>", "\u202egnp.exe", "N" * 250, '=HYPERLINK("http://x","y")']
WIPE = {"scope": "work_data", "preserve_records": "yes", "deadline_s": "3600"}


def _commands(site: Site, phone: Phone) -> list[dict[str, object]]:
    found: list[dict[str, object]] = site.company.get(f"/devices/{phone.id}/commands").json["items"]
    return found


@pytest.mark.parametrize(
    ("type", "fields", "args"),
    [
        ("ping", {}, {}),
        ("lock", {"message": "请归还"}, {"message": "请归还"}),
        ("unlock", {}, {}),
        ("locate", {"reason": "lost"}, {"reason": "lost"}),
        ("message", {"title": "Hi", "text": "there"}, {"title": "Hi", "text": "there"}),
        ("ring", {"seconds": "20"}, {"seconds": 20}),
        ("reboot", {}, {}),
        ("sync", {}, {}),
        ("collect_logs", {}, {}),
        ("rotate_certificate", {}, {}),
    ],
)
def test_each_command_has_its_form(site: Site, type: str, fields: dict[str, str], args: dict[str, object]) -> None:
    phone = site.enroll()
    answer = submit(site.person(), f"/devices/{phone.id}/commands/{type}", **fields)
    assert (answer.status_code, answer.location) == (303, f"/devices/{phone.id}")
    (sent,) = _commands(site, phone)
    assert (sent["type"], sent["args"], sent["status"]) == (type, args, "queued")


def test_every_kind_of_command_is_offered(site: Site) -> None:
    phone = site.enroll()
    page = site.person().get(f"/devices/{phone.id}").text
    with site.app.app_context():
        for kind in all_kinds():
            assert f"/devices/{phone.id}/commands/{kind.type}" in page


def test_a_wipe_wants_the_serial_a_reason_and_a_second_person(site: Site) -> None:
    phone = site.enroll()
    browser, address = site.person(), f"/devices/{phone.id}/commands/wipe"
    wrong = submit(browser, address, ENGLISH, **WIPE, reason="left", typed="SN-OTHER")
    assert wrong.status_code == 422 and "nothing was done" in wrong.text and 'value="left"' not in wrong.text
    assert ">left</textarea>" in wrong.text, "what was filled in stays"
    silent = submit(browser, address, ENGLISH, **WIPE, reason=" ", typed=phone.serial)
    assert silent.status_code == 422
    assert _commands(site, phone) == []
    answer = submit(browser, address, ENGLISH, **WIPE, reason="left", typed=phone.serial)
    assert answer.status_code == 303
    page = browser.get(answer.location, headers=ENGLISH).text
    assert "Handed in; it waits for a second person." in page and "waits for a second person; asked for by" in page
    assert _commands(site, phone)[0]["status"] == "pending_approval"
    assert "Handed in" not in browser.get(answer.location, headers=ENGLISH).text, "a message is told once"


def test_a_form_in_the_dialog_answers_in_the_dialog(site: Site) -> None:
    phone = site.enroll()
    browser, address = site.person(), f"/devices/{phone.id}/commands/ring"
    dialog = {"HX-Request": "true", "HX-Target": "dialog-body", **ENGLISH}
    part = browser.get(address, headers=dialog).text
    assert "<html" not in part and 'id="dialog-title"' in part
    form = {"csrf_token": token_of(part), "seconds": "many"}
    wrong = browser.post(address, data=form, headers=dialog)
    assert wrong.status_code == 422 and "<html" not in wrong.text and "is a whole number" in wrong.text
    beyond = browser.post(address, data={**form, "seconds": "99999"}, headers=dialog)
    assert beyond.status_code == 422 and "is a whole number from 1 to" in beyond.text
    right = browser.post(address, data={**form, "seconds": "5"}, headers=dialog)
    assert (right.status_code, right.headers["HX-Redirect"]) == (204, f"/devices/{phone.id}")


@pytest.mark.parametrize(
    "path",
    [
        "commands/lock",
        "commands/wipe",
        "confirm",
        "edit",
        "state/lost",
        "revoke",
        "findings/cloned_identity/settle",
    ],
)
def test_actions_are_for_those_who_may_on_phones_of_theirs_with_a_token_of_the_form(site: Site, path: str) -> None:
    own, foreign = site.enroll(org_unit="/总部/电销"), site.enroll(org_unit="/总部/客服")
    leader = site.person("leader")
    assert leader.get(f"/devices/{foreign.id}/{path}").status_code == 404
    form = {"csrf_token": token_of(leader.get(f"/devices/{own.id}/{path}").text), "reason": "x", "typed": own.serial}
    assert leader.post(f"/devices/{foreign.id}/{path}", data={**form, **WIPE}).status_code in (404, 422)
    assert site.person().post(f"/devices/{own.id}/{path}", data={"reason": "x"}).status_code == 400
    world_person = _auditor(site)
    assert world_person.get(f"/devices/{own.id}/{path}").status_code == 403
    assert f"/devices/{own.id}/{path}" not in world_person.get(f"/devices/{own.id}").text
    assert _commands(site, own) == [] and _commands(site, foreign) == []


def _auditor(site: Site) -> FlaskClient:
    with site.app.app_context():
        world.person("watcher", "auditor")
    return site.person("watcher")


def test_lost_found_and_cut_off(site: Site) -> None:
    phone = site.enroll()
    browser = site.person()
    assert submit(browser, f"/devices/{phone.id}/state/lost", reason="taxi").status_code == 303
    assert site.company.device(phone)["state"] == "lost"
    assert f"/devices/{phone.id}/state/active" in browser.get(f"/devices/{phone.id}").text
    assert submit(browser, f"/devices/{phone.id}/state/active", reason="back").status_code == 303
    assert submit(browser, f"/devices/{phone.id}/revoke", reason="sold", typed="x").status_code == 422
    assert submit(browser, f"/devices/{phone.id}/revoke", reason="sold", typed=phone.serial).status_code == 303
    assert site.company.device(phone)["state"] == "retired"
    page = browser.get(f"/devices/{phone.id}").text
    assert f"/devices/{phone.id}/revoke" not in page and f"/devices/{phone.id}/commands/wipe" in page
    assert browser.get(f"/devices/{phone.id}/state/retired").status_code == 404


def test_the_holder_is_confirmed_and_the_phone_moved(site: Site) -> None:
    phone = site.enroll()
    site.enroll(groups=["pilot"])
    browser = site.person()
    unknown = submit(browser, f"/devices/{phone.id}/confirm", CHINESE, person="E9999")
    assert unknown.status_code in (404, 422) and "E9999" in unknown.text
    assert submit(browser, f"/devices/{phone.id}/confirm", person="E1024").status_code == 303
    answer = submit(browser, f"/devices/{phone.id}/edit", org_unit="/总部/客服", group="pilot")
    assert answer.status_code == 303
    shown = site.company.device(phone)
    assert shown["holder"]["confirmed"] and shown["org_unit"] == "/总部/客服" and shown["groups"] == ["pilot"]
    page = browser.get(f"/devices/{phone.id}", headers=ENGLISH).text
    assert "Who held it" in page and "王小明" in page and "Notice accepted" in page


@pytest.mark.parametrize("serial", NASTY)
def test_hostile_serials_are_shown_as_text_and_can_still_be_confirmed(site: Site, serial: str) -> None:
    phone = site.enroll(serial=serial)
    browser = site.person()
    for path in ("", "/commands/wipe", "/edit", "/confirm", "/revoke"):
        page = browser.get(f"/devices/{phone.id}{path}").text
        assert "<script>alert" not in page
    expected = serial if serial.isprintable() else phone.id[:8]
    assert expected in html.unescape(page)
    answer = submit(browser, f"/devices/{phone.id}/revoke", reason="x", typed=expected)
    assert answer.status_code == 303


def test_a_finding_that_was_looked_into_is_settled(site: Site) -> None:
    phone = site.enroll()
    site.observe(phone, "cloned_identity")
    browser = site.person()
    assert f"/devices/{phone.id}/findings/cloned_identity/settle" in browser.get(f"/devices/{phone.id}").text
    assert submit(browser, f"/devices/{phone.id}/findings/cloned_identity/settle", reason="seen").status_code == 303
    codes = [one["code"] for one in site.company.device(phone)["compliance"]["findings"]]
    assert "cloned_identity" not in codes


def test_what_a_command_is_called_is_in_the_readers_language(site: Site) -> None:
    phone = site.enroll()
    address = f"/devices/{phone.id}/commands/reset_passcode"
    for headers, name in ((CHINESE, "重置锁屏密码"), (ENGLISH, "Reset passcode")):
        assert name in site.person().get(address, headers=headers).text
