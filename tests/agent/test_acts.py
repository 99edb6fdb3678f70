"""The rules at work on the phone: refused or done, told and recorded, family by family."""

from __future__ import annotations

from typing import Any

import pytest

from agent.phone import Phone
from mqtt.contract.records import read_record
from tests.agent.conftest import MakePhone
from tests.agent.fake_server import FakeServer

ALL_DAY = {day: [[0, 86_400]] for day in ("mon", "tue", "wed", "thu", "fri", "sat", "sun")}
NEVER: dict[str, Any] = {day: [] for day in ALL_DAY}


@pytest.fixture
def obey(server: FakeServer, make_phone: MakePhone) -> Any:
    def make(rules: dict[str, Any], keyword_sets: dict[str, Any] | None = None, **options: Any) -> Phone:
        phone = make_phone(**options)
        phone.wait_applied(server.desire(server.devices[phone.id], server.bundle(rules, keyword_sets)))
        report = server.wait(lambda: server.devices[phone.id].got["reported"])[-1]
        assert set(report["rules"].values()) == {"enforced"}, report["rules"]
        return phone

    return make


def _events(server: FakeServer, phone: Phone) -> list[tuple[str, bool]]:
    phone.wait_archived()
    return [(event["type"], event["blocked"]) for event in server.devices[phone.id].got["event"]]


def test_a_keyword_blocks_outgoing_and_alerts_incoming(server: FakeServer, obey: Any) -> None:
    rule = {"set": "abuse", "action": "block", "severity": "critical", "direction": "both",
            "say": {"zh-CN": "请使用文明用语", "en": "Please stay polite"}}  # fmt: skip
    terms = [{"id": "abuse/x", "term": "混蛋"}, {"id": "abuse/v", "pattern": "加.{0,2}微信", "except": ["企业微信"]}]
    phone = obey({"keywords": [rule]}, {"abuse": {"set": "abuse", "terms": terms, "steps": []}})
    sent = phone.handset.send_wechat("王", "你这混蛋")
    assert (sent.allowed, sent.hits) == (False, ("abuse/x",))
    assert phone.handset.screen[-1].text == "请使用文明用语"
    came = phone.handset.receive_wechat("王", "加我微信")
    assert (came.allowed, came.hits) == (True, ("abuse/v",))
    assert phone.handset.send_wechat("王", "加企业微信").allowed
    assert _events(server, phone) == [("keyword", True), ("keyword", False)]
    texts = [read_record(text) for text in server.devices[phone.id].records]
    kept = [(record.text, record.blocked, record.hits) for record in texts if record.channel == "wechat"]
    assert kept[0] == ("你这混蛋", True, ["abuse/x"])
    assert kept[1] == ("加我微信", False, ["abuse/v"])


@pytest.mark.parametrize(
    ("act", "event"),
    [
        ("delete_message", "delete_blocked"),
        ("clear_conversation", "delete_blocked"),
        ("delete_call_log", "delete_blocked"),
        ("block_contact", "contact_block_blocked"),
        ("export_contacts", "export_blocked"),
        ("screenshot", "export_blocked"),
        ("share_contact_card", "private_contact_shared"),
    ],
)
def test_a_denied_act_is_refused_and_reported(server: FakeServer, obey: Any, act: str, event: str) -> None:
    phone = obey({"protection": {"deny": [act]}})
    assert not phone.handset.protected_act(act).allowed
    assert _events(server, phone) == [(event, True)]


def test_what_is_not_denied_passes_silently(server: FakeServer, obey: Any) -> None:
    phone = obey({"protection": {"deny": ["screenshot"]}})
    assert phone.handset.delete_message().allowed
    assert _events(server, phone) == []


def test_payments_are_refused_and_recorded(server: FakeServer, obey: Any) -> None:
    phone = obey({"payments": {"red_packet": "block", "transfer": "warn"}})
    assert not phone.handset.send_red_packet("王", 5000).allowed
    assert phone.handset.transfer_money("王", 100).allowed
    assert _events(server, phone) == [("red_packet", True), ("transfer", False)]
    records = [read_record(text) for text in server.devices[phone.id].records]
    paid = [(r.kind, r.amount_fen, r.blocked) for r in records if r.channel == "wechat"]
    assert paid == [("red_packet", 5000, True), ("transfer", 100, False)]


def test_an_app_outside_the_register_does_not_start(server: FakeServer, obey: Any) -> None:
    phone = obey({"apps": {"mode": "allow", "packages": [{"name": "com.tencent.mm"}]}})
    assert phone.handset.open_app("com.tencent.mm").allowed
    assert not phone.handset.open_app("com.game").allowed
    assert _events(server, phone) == [("app_blocked", True)]


def test_outside_the_hours_what_the_policy_says_holds(server: FakeServer, obey: Any) -> None:
    outside = {"message_out": "block", "call_out": "block", "call_in": "allow", "location": "off"}
    hours = {"id": "base/hours", "timezone": "Asia/Shanghai", "weekly": NEVER, "outside": outside}
    phone = obey({"work_hours": [hours], "location": {"mode": "hours", "every_minutes": 1}})
    assert not phone.handset.send_sms("+8613900001111", "晚上好").allowed
    assert not phone.handset.call("+8613900001111").allowed
    assert phone.handset.incoming_call("+8613900001111").allowed
    assert {kind for kind, _ in _events(server, phone)} == {"off_hours"}
    assert "location" not in phone.probe.heartbeat_members()


def test_a_position_is_told_inside_the_hours_and_not_too_often(obey: Any) -> None:
    hours = {"id": "base/hours", "timezone": "Asia/Shanghai", "weekly": ALL_DAY, "outside": {}}
    phone = obey({"work_hours": [hours], "location": {"mode": "hours", "every_minutes": 30}})
    told = [name for _ in range(3) for name in phone.probe.heartbeat_members() if name == "location"]
    assert len(told) <= 1


def test_without_a_confirmed_holder_no_position_is_told(obey: Any) -> None:
    phone = obey({"location": {"mode": "hours", "every_minutes": 1}})
    unconfirmed = type(phone.identity).load({**phone.identity.dump(), "holder": "unconfirmed"})
    phone.loop.run_sync(lambda: phone.core.save_identity(unconfirmed))
    assert "location" not in phone.probe.heartbeat_members()


def test_the_limit_counts_what_this_phone_did(server: FakeServer, obey: Any) -> None:
    limits = {"rules": [{"id": "base/talks", "key": "customer", "count": "effective_talk", "max": 2, "window": "day",
                         "timezone": "Asia/Shanghai", "action": "block"}], "effective_talk_seconds": 10}  # fmt: skip
    phone = obey({"contact_limits": limits})
    assert phone.handset.call("+8613900001111", 30).allowed
    assert phone.handset.call("+8613900001111", 5).allowed
    assert phone.handset.call("+8613900001111", 0, "no_answer").allowed
    assert phone.handset.call("+8613900001111", 30).allowed
    assert not phone.handset.call("+8613900001111", 30).allowed
    assert phone.handset.call("+8613900002222", 30).allowed
    assert _events(server, phone) == [("frequency", True)]


def test_an_unknown_number_is_warned_of(server: FakeServer, obey: Any) -> None:
    phone = obey({"contact_limits": {"unknown_number": "warn"}})
    assert phone.handset.call("+8613900001111").action == "warn"
    assert _events(server, phone) == [("third_party", False)]


def test_no_recorder_no_dial(server: FakeServer, obey: Any) -> None:
    phone = obey({"archive": {"recording": "required"}})
    assert phone.handset.call("+8613900001111").allowed
    phone.handset.set_posture(recorder=False)
    assert not phone.handset.call("+8613900001111").allowed


def test_only_the_channels_of_the_policy_are_archived(server: FakeServer, obey: Any) -> None:
    phone = obey({"archive": {"channels": ["sms"]}})
    assert phone.handset.receive_wechat("王", "私人消息").seq == 0
    assert phone.handset.receive_sms("+8613900001111", "短信").seq == 1


def test_a_number_is_never_revealed_without_approval(server: FakeServer, obey: Any) -> None:
    phone = obey({"numbers": {"hide": ["phone"], "reveal": "never"}})
    assert not phone.handset.reveal_number("p1").allowed
    assert _events(server, phone) == [("number_reveal_blocked", True)]


def test_the_ladder_locks_a_rooted_phone(server: FakeServer, obey: Any) -> None:
    ladder = [{"when": ["root"], "after": 0, "do": "lock"}]
    phone = obey({"device": {"forbid": ["root"]}, "compliance": ladder})
    assert not phone.handset.locked
    phone.handset.root()
    assert phone.handset.locked
    assert phone.probe.heartbeat_members()["posture"]["rooted"]


def test_restrictions_are_set_on_the_handset(obey: Any) -> None:
    phone = obey({"device": {"restrictions": ["no_factory_reset", "no_safe_boot"]}})
    assert phone.handset.state.body.restrictions == ["no_factory_reset", "no_safe_boot"]


def test_a_phone_that_hears_nothing_for_too_long_locks_itself_and_opens_when_it_hears_again(
    server: FakeServer, obey: Any
) -> None:
    phone = obey({"device": {"maximum_offline_hours": 72}})
    phone.disconnect()
    phone.handset.receive_sms("+8613900001111", "未发送")

    def long_ago() -> None:
        phone.core._heard -= 73 * 3600
        phone.offline.check()

    phone.loop.run_sync(long_ago)
    assert phone.handset.locked
    assert phone.archive.unsent == 1
    phone.connect()
    phone.wait(lambda p: not p.body.body.locked)
    phone.wait_archived()
