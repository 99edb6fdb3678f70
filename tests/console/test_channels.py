from __future__ import annotations

from core import outbox
from core.uow import unit_of_work
from notify import attempts
from notify.deliveries import EFFECT
from tests.console.site import ENGLISH, Site, submit, token_of
from tests.identity import world

NEW = "/notifications/new?kind="
URL = "https://hooks.example.com/in/geheim"


def made(site: Site, kind: str = "dingtalk", **fields: str) -> str:
    """The address of a new channel's page."""
    answer = submit(site.person(), NEW + kind, {}, kind=kind, name="值班群", url=URL, **fields)
    assert answer.status_code == 303, answer.text
    return str(answer.headers["Location"])


def carry_out(site: Site) -> None:
    """What the deliverer does."""
    with site.app.app_context():
        with unit_of_work(write=False) as current:
            rows = outbox.due(current, 10, EFFECT)
        for row in rows:
            attempts.carry_out(row)


def test_an_empty_list_says_what_to_do_and_the_menu_leads_to_it(site: Site) -> None:
    page = site.person().get("/notifications", headers=ENGLISH)
    assert "No channels yet" in page.text and 'href="/notifications"' in page.text
    assert "New: WeCom group bot" in page.text


def test_a_channel_is_made_shown_without_its_secret_changed_and_removed(site: Site) -> None:
    address = made(site, secret="SECgeheim", topic="freeze_on", min_severity="critical")
    browser = site.person()
    page = browser.get(address)
    assert "值班群" in page.text and "hooks.example.com" in page.text and "geheim" not in page.text
    assert "破坏性命令已被紧急冻结" in page.text
    form = browser.get(f"{address}/edit").text
    assert "geheim" not in form and 'value="freeze_on" checked' in form
    changed = submit(browser, f"{address}/edit", {}, name="夜班群", min_severity="info")
    assert changed.status_code == 303
    page = browser.get(address)
    assert "夜班群" in page.text and "已停用" in page.text
    assert submit(browser, f"{address}/delete", {}, typed="值班群").status_code == 422
    assert submit(browser, f"{address}/delete", {}, typed="夜班群").status_code == 303
    assert browser.get(address).status_code == 404


def test_the_secret_that_the_server_made_is_shown_once(site: Site) -> None:
    answer = submit(site.person(), NEW + "webhook", {}, kind="webhook", name="接口", url=URL)
    assert answer.status_code == 200 and "whsec_" in answer.text
    listed = site.person().get("/notifications")
    assert "接口" in listed.text and "whsec_" not in listed.text


def test_a_wrong_address_is_told_at_its_field_and_what_was_typed_stays(site: Site) -> None:
    answer = submit(site.person(), NEW + "wecom", {}, kind="wecom", name="群", url="http://10.0.0.1/x")
    assert answer.status_code == 422 and 'id="problem-url"' in answer.text and 'value="群"' in answer.text


def test_a_test_message_stands_in_the_log_with_what_became_of_it(site: Site) -> None:
    address = made(site)
    browser = site.person()
    token = token_of(browser.get(address).text)
    assert browser.post(f"{address}/test", data={"csrf_token": token}).status_code == 303
    assert "待送达" in browser.get(address).text
    carry_out(site)
    page = browser.get(address).text
    assert "未送达" in page and "找不到主机名" in page and "发送失败" in page


def test_who_only_reads_sees_no_buttons(site: Site) -> None:
    address = made(site)
    with site.app.app_context():
        world.person("auditor", "auditor")
    reader = site.person("auditor")
    page = reader.get(address)
    assert page.status_code == 200 and "发送测试消息" not in page.text
    assert reader.get(f"{address}/edit").status_code == 403


def test_one_chooses_what_comes_by_mail(site: Site) -> None:
    browser = site.person()
    assert "/account/notifications" in browser.get("/account").text
    form = browser.get("/account/notifications", headers=ENGLISH).text
    assert "Your account has no mail address" in form and 'value="freeze_on" checked' in form
    assert submit(browser, "/account/notifications", {}, language="en", topic="integrity").status_code == 303
    form = browser.get("/account/notifications").text
    assert 'value="integrity" checked' in form and 'value="freeze_on" checked' not in form
    assert 'name="mail" value="yes" checked' not in form and 'value="en" selected' in form
