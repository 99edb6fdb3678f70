"""Commands: verified, judged by server time, stored before the effect, at most once, always answered."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Any

import pytest

from agent.commands.effects import EFFECTS
from agent.phone import Phone
from mqtt.contract.names import CommandType, Typ
from tests.agent.conftest import QUICK, MakePhone
from tests.agent.fake_server import Device, FakeServer, new_key


def _results(device: Device, command: str) -> list[str]:
    return [item["status"] for item in device.got["result"] if item["command"] == command]


def _final(server: FakeServer, device: Device, command: str) -> dict[str, Any]:
    def found() -> list[dict[str, Any]]:
        return [r for r in device.got["result"] if r["command"] == command and r["status"] != "received"]

    result: dict[str, Any] = server.wait(found, what="a final result")[-1]
    return result


def test_every_command_type_has_an_effect() -> None:
    assert set(EFFECTS) == set(CommandType)


def test_a_command_is_received_and_then_succeeds(server: FakeServer, make_phone: MakePhone) -> None:
    phone = make_phone()
    device = server.devices[phone.id]
    command = server.command(device, "ping")
    assert _final(server, device, command)["status"] == "succeeded"
    assert _results(device, command) == ["received", "succeeded"]


def test_lock_locks_the_work_side_and_unlock_opens_it(server: FakeServer, make_phone: MakePhone) -> None:
    phone = make_phone()
    device = server.devices[phone.id]
    phone.wait_command(server.command(device, "lock", {"message": "请联系管理员"}))
    assert phone.handset.locked
    assert phone.handset.state.body.lock_message == "请联系管理员"
    assert not phone.handset.send_sms("+8613900001111", "x").allowed
    phone.wait_command(server.command(device, "unlock"))
    assert phone.handset.send_sms("+8613900001111", "x").allowed


@pytest.mark.parametrize(
    ("kind", "args", "shown"),
    [
        ("message", {"title": "通知", "text": "开会"}, ("message", "通知")),
        ("reset_passcode", {}, ("passcode", "请设置新的锁屏密码")),
    ],
)
def test_what_the_holder_must_see_is_shown(
    server: FakeServer, make_phone: MakePhone, kind: str, args: dict[str, Any], shown: tuple[str, str]
) -> None:
    phone = make_phone()
    phone.wait_command(server.command(server.devices[phone.id], kind, args))
    assert (phone.handset.screen[-1].kind, phone.handset.screen[-1].title) == shown


def test_ring_rings_for_its_seconds(server: FakeServer, make_phone: MakePhone) -> None:
    phone = make_phone()
    phone.wait_command(server.command(server.devices[phone.id], "ring", {"seconds": 30}))
    assert phone.handset.state.ringing_until > 0


def test_locate_gives_one_position(server: FakeServer, make_phone: MakePhone) -> None:
    phone = make_phone()
    phone.handset.move_to(22.5, 114.0)
    result = phone.wait_command(server.command(server.devices[phone.id], "locate", {"reason": "丢失"}))
    assert result["output"]["location"]["lat"] == 22.5


def test_locate_outside_the_hours_shows_its_reason(server: FakeServer, make_phone: MakePhone) -> None:
    phone = make_phone()
    device = server.devices[phone.id]
    phone.wait_applied(server.desire(device, server.bundle({"location": {"mode": "off"}})))
    phone.wait_command(server.command(device, "locate", {"reason": "手机丢失"}))
    assert phone.handset.screen[-1].text == "手机丢失"


def test_sync_says_hello_and_beats(server: FakeServer, make_phone: MakePhone) -> None:
    phone = make_phone()
    device = server.devices[phone.id]
    server.wait(lambda: device.got["heartbeat"])
    phone.wait_command(server.command(device, "sync"))
    server.wait(lambda: len(device.got["hello"]) == 2 and len(device.got["heartbeat"]) == 2)


def test_logs_are_uploaded_before_the_result_names_them(server: FakeServer, make_phone: MakePhone) -> None:
    phone = make_phone()
    result = phone.wait_command(server.command(server.devices[phone.id], "collect_logs"))
    assert b"policy generation" in bytes(server.media[result["output"]["media"]])


def test_a_reboot_answers_first_and_comes_back_as_another_boot(server: FakeServer, make_phone: MakePhone) -> None:
    phone = make_phone()
    device = server.devices[phone.id]
    command = server.command(device, "reboot")
    server.wait(lambda: len(device.got["hello"]) == 2)
    assert _final(server, device, command)["status"] == "succeeded"
    assert device.got["hello"][0]["boot_id"] != device.got["hello"][1]["boot_id"]


def test_rotation_brings_a_new_certificate_for_the_same_key(server: FakeServer, make_phone: MakePhone) -> None:
    phone = make_phone()
    device = server.devices[phone.id]
    before = phone.identity
    command = server.command(device, "rotate_certificate")
    assert _final(server, device, command)["status"] == "succeeded"
    server.wait(lambda: len(device.got["hello"]) == 2)
    assert phone.identity.certificate != before.certificate
    assert phone.identity.keys == before.keys


# At most once


def test_a_known_command_only_repeats_its_last_result(server: FakeServer, make_phone: MakePhone) -> None:
    phone = make_phone()
    device = server.devices[phone.id]
    command: dict[str, Any] = {"jti": str(uuid.uuid4()), "type": "message", "args": {"title": "一次", "text": ""}}
    for _ in range(3):
        server.send(device, "command", server.command_jws(device, command))
    server.wait(lambda: _results(device, command["jti"]).count("succeeded") == 3)
    assert len(phone.handset.screen) == 1
    assert _results(device, command["jti"]).count("received") == 1


def test_a_command_is_done_once_across_starts(server: FakeServer, make_phone: MakePhone, tmp_path: Path) -> None:
    phone = make_phone()
    device = server.devices[phone.id]
    command: dict[str, Any] = {"jti": str(uuid.uuid4()), "type": "reset_passcode", "args": {}}
    device.open_commands[command["jti"]] = command
    server.send(device, "command", server.command_jws(device, command))
    phone.wait_command(command["jti"])
    phone.kill()
    device.open_commands[command["jti"]] = command
    again = Phone.open(tmp_path / "phone", options=QUICK)
    again.connect()
    again.wait_greeted()
    server.wait(lambda: _results(device, command["jti"]).count("succeeded") == 2)
    assert again.handset.screen == []
    again.close()


@pytest.mark.parametrize(("kind", "status"), [("lock", "succeeded"), ("ring", "failed")])
def test_a_command_interrupted_by_a_crash_runs_again_only_if_it_is_lock_unlock_or_wipe(
    server: FakeServer, make_phone: MakePhone, tmp_path: Path, kind: str, status: str
) -> None:
    phone = make_phone()
    device = server.devices[phone.id]
    jti = str(uuid.uuid4())
    args: dict[str, Any] = {"message": "x"} if kind == "lock" else {"seconds": 5}
    received = {"command": jti, "status": "received", "detail": None, "output": None, "at": "2026-11-23T06:50:00.000Z"}
    value = {"type": kind, "args": args, "since": 0.0, "result": received}
    phone.loop.run_sync(lambda: phone.core.store.put_command(jti, value, done=False, acknowledged=False))
    phone.kill()
    again = Phone.open(tmp_path / "phone", options=QUICK)
    again.connect()
    result = _final(server, device, jti)
    assert (result["status"], result["detail"]) == (status, "interrupted" if status == "failed" else None)
    assert again.handset.locked == (kind == "lock")
    again.close()


def test_a_result_that_nobody_took_is_said_again_after_the_connect(server: FakeServer, make_phone: MakePhone) -> None:
    phone = make_phone()
    device = server.devices[phone.id]
    command: dict[str, Any] = {"jti": str(uuid.uuid4()), "type": "ping", "args": {}}
    token = server.command_jws(device, command)
    phone.disconnect(clean=False)
    phone.loop.run_sync(lambda: phone.commands.on_command(token))
    phone.connect()
    assert _final(server, device, command["jti"])["status"] == "succeeded"
    phone.wait(lambda p: not p.core.store.open_commands())


# What is refused


@pytest.mark.parametrize(
    ("command", "detail"),
    [
        ({"type": "dance", "args": {}}, "unsupported"),
        ({"type": "lock", "args": {}}, "args"),
        ({"type": "lock", "args": {"message": 5}}, "args"),
        ({"type": "ping", "args": {"x": 1}}, "args"),
        ({"type": "wipe", "args": {"scope": "device", "preserve_records": True}}, "args"),
    ],
)
def test_what_cannot_be_carried_out_is_rejected_with_a_reason(
    server: FakeServer, make_phone: MakePhone, command: dict[str, Any], detail: str
) -> None:
    phone = make_phone()
    device = server.devices[phone.id]
    result = _final(server, device, server.command(device, command["type"], command["args"]))
    assert (result["status"], result["detail"]) == ("rejected", detail)
    assert phone.handset.wiped is None


def test_a_command_beyond_the_capabilities_is_unsupported(server: FakeServer, make_phone: MakePhone) -> None:
    phone = make_phone(capabilities=frozenset({"ping"}))
    device = server.devices[phone.id]
    result = _final(server, device, server.command(device, "ring", {"seconds": 1}))
    assert (result["status"], result["detail"]) == ("rejected", "unsupported")


def test_a_late_command_is_expired_by_server_time_whatever_the_wall_clock_says(
    server: FakeServer, make_phone: MakePhone
) -> None:
    phone = make_phone(clock_offset=-86_400.0)
    device = server.devices[phone.id]
    now = server.now()
    command = server.command(device, "ring", {"seconds": 5}, iat=now - 700, exp=now - 100)
    result = _final(server, device, command)
    assert (result["status"], result["detail"]) == ("rejected", "expired")
    assert phone.handset.state.ringing_until == 0


def test_a_wrong_wall_clock_does_not_expire_a_good_command(server: FakeServer, make_phone: MakePhone) -> None:
    phone = make_phone(clock_offset=86_400.0)
    device = server.devices[phone.id]
    assert _final(server, device, server.command(device, "ping"))["status"] == "succeeded"


def test_no_command_is_judged_before_the_answer_to_hello(server: FakeServer, make_phone: MakePhone) -> None:
    server.answer_hello = False
    phone = _unanswered(make_phone)
    device = server.devices[phone.id]
    command = server.command(device, "lock", {"message": "x"})
    phone.wait(lambda p: p.commands._held)
    assert _results(device, command) == []
    assert not phone.handset.locked
    server._greet(device, device.got["hello"][-1])
    assert _final(server, device, command)["status"] == "succeeded"
    assert phone.handset.locked


def _unanswered(make_phone: MakePhone) -> Phone:
    phone = make_phone(connect=False)
    phone.connect()
    phone.wait_connected()
    return phone


@pytest.mark.parametrize("what", ["key", "typ", "sub", "far", "form"])
def test_an_unverifiable_command_gets_no_result_but_one_integrity_event(
    server: FakeServer, make_phone: MakePhone, what: str
) -> None:
    phone = make_phone()
    device = server.devices[phone.id]
    now = server.now()
    claims: dict[str, Any] = {"sub": device.id, "jti": str(uuid.uuid4()), "type": "lock", "args": {"message": "x"},
                              "iat": now, "exp": now + 60}  # fmt: skip
    spoilt: dict[str, dict[str, Any]] = {
        "sub": {"sub": "3f2b8c1e-0000-4000-8000-00000000abcd"},
        "far": {"exp": now + 601},
        "form": {"jti": "not a uuid"},
    }
    claims |= spoilt.get(what, {})
    key = new_key() if what == "key" else None
    token = server.sign(Typ.DESIRED if what == "typ" else Typ.COMMAND, claims, key=key)
    for _ in range(5):
        server.send(device, "command", token)
    server.wait(lambda: device.got["event"])
    phone.wait(lambda p: p.events._unsaid == 4, what="four more, not told yet")
    assert [event["detail"]["what"] for event in device.got["event"]] == ["command"]
    assert not device.got["result"]
    assert not phone.handset.locked


def test_a_command_by_a_key_that_is_new_waits_for_the_key_set(server: FakeServer, make_phone: MakePhone) -> None:
    phone = make_phone()
    device = server.devices[phone.id]
    fresh = new_key()
    server.sig_keys = [server.signing, fresh]
    now = server.now()
    jti = str(uuid.uuid4())
    claims = {"sub": device.id, "jti": jti, "type": "ping", "args": {}, "iat": now, "exp": now + 60}
    server.send(device, "command", server.sign(Typ.COMMAND, claims, key=fresh))
    assert _final(server, device, jti)["status"] == "succeeded"
    assert server.http_log.count(("GET", "/api/v1/device/jwks")) == 1


def test_a_key_set_signed_by_a_stranger_is_not_taken(server: FakeServer, make_phone: MakePhone) -> None:
    phone = make_phone()
    stranger = new_key()
    before = set(phone.core.trust.signing)
    server.sig_keys = [stranger]
    server.signing = stranger
    phone.loop.run_sync(phone.keydesk.fetch)
    server.wait(lambda: ("GET", "/api/v1/device/jwks") in server.http_log)
    phone.wait(lambda p: not p.keydesk._fetching)
    assert set(phone.core.trust.signing) == before


def test_what_does_not_verify_is_told_once_a_minute_with_a_count(server: FakeServer, make_phone: MakePhone) -> None:
    phone = make_phone(integrity_quiet=0.3)
    device = server.devices[phone.id]
    for _ in range(6):
        server.send(device, "command", b"noise")
    server.wait(lambda: len(device.got["event"]) == 2)
    assert [event["detail"]["count"] for event in device.got["event"]] == [1, 5]


# Wipes


def _wipe(server: FakeServer, device: Device, scope: str, *, preserve: bool, deadline: int = 5) -> str:
    return server.command(device, "wipe", {"scope": scope, "preserve_records": preserve, "deadline_s": deadline})


def test_a_wipe_of_work_data_sends_the_queue_first(server: FakeServer, make_phone: MakePhone) -> None:
    phone = make_phone(batch_delay=30.0)
    device = server.devices[phone.id]
    phone.wait_applied(server.desire(device, server.bundle({"protection": {"deny": ["screenshot"]}})))
    phone.handset.receive_sms("+8613900001111", "最后一条")
    command = _wipe(server, device, "work_data", preserve=True)
    result = _final(server, device, command)
    assert (result["status"], result["detail"], result["output"]["records_left"]) == ("succeeded", None, 0)
    assert device.through == 1
    assert phone.handset.wiped == "work_data"
    assert phone.policy.in_force is None
    assert phone.loop.run_sync(lambda: phone.core.store.records(1, 10)) == []
    assert phone.handset.receive_sms("+8613900001111", "之后").seq == 0


def test_a_wipe_that_cannot_send_the_queue_erases_at_its_deadline_and_says_what_was_left(
    server: FakeServer, make_phone: MakePhone
) -> None:
    phone = make_phone()
    device = server.devices[phone.id]
    server.archive_records = False
    for text in ("一", "二"):
        phone.handset.receive_sms("+8613900001111", text)
    result = _final(server, device, _wipe(server, device, "work_data", preserve=True, deadline=1))
    assert result["output"]["records_left"] == 2
    assert result["detail"].startswith("2 ")


def test_a_wipe_without_preserving_does_not_wait(server: FakeServer, make_phone: MakePhone) -> None:
    phone = make_phone()
    device = server.devices[phone.id]
    server.archive_records = False
    phone.handset.receive_sms("+8613900001111", "x")
    result = _final(server, device, _wipe(server, device, "work_data", preserve=False, deadline=3600))
    assert result["output"]["records_left"] == 1


def test_a_wipe_of_the_device_says_its_last_word_and_leaves_nothing(
    server: FakeServer, make_phone: MakePhone, tmp_path: Path
) -> None:
    phone = make_phone()
    device = server.devices[phone.id]
    command = _wipe(server, device, "device", preserve=True)
    assert _final(server, device, command)["status"] == "succeeded"
    phone.wait(lambda p: p.connection.ended)
    slots = phone.loop.run_sync(phone.core.store.store.slots)
    facts = phone.loop.run_sync(lambda: phone.core.store.get("identity"))
    assert (slots, facts) == ({}, None)


@pytest.mark.parametrize("passed", [0.0, 3600.0])
def test_a_wipe_that_a_crash_interrupted_keeps_its_deadline(
    server: FakeServer, make_phone: MakePhone, tmp_path: Path, passed: float
) -> None:
    phone = make_phone()
    device = server.devices[phone.id]
    server.archive_records = False
    phone.handset.receive_sms("+8613900001111", "x")
    jti = _wipe(server, device, "work_data", preserve=True, deadline=60)
    kept = phone.wait(lambda p: p.core.store.command(jti))
    assert kept is not None
    kept["since"] -= passed
    phone.loop.run_sync(lambda: phone.core.store.put_command(jti, kept, done=False, acknowledged=False))
    phone.kill()
    again = Phone.open(tmp_path / "phone", options=QUICK)
    server.archive_records = passed == 0.0
    again.connect()
    result = _final(server, device, jti)
    again.close()
    assert (result["status"], result["output"]["records_left"]) == ("succeeded", 0 if passed == 0.0 else 1)


def test_a_wipe_reaches_a_phone_that_the_broker_refuses(server: FakeServer, make_phone: MakePhone) -> None:
    phone = make_phone()
    device = server.devices[phone.id]
    jti = str(uuid.uuid4())
    args = {"scope": "work_data", "preserve_records": False, "deadline_s": 0}
    wipe = server.command_jws(device, {"jti": jti, "type": "wipe", "args": args}).decode()
    device.status = {"state": "lost", "action": "none", "command": wipe}
    server.revoke(device)
    assert _final(server, device, jti)["status"] == "succeeded"
    assert ("POST", "/api/v1/device/results") in server.http_log
    assert phone.handset.wiped == "work_data"
