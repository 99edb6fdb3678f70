"""Commands: verified, judged by server time, stored before the effect, at most once, always answered."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Any

import pytest

from agent.commands.effects import EFFECTS
from agent.phone import Phone
from mqtt.contract.names import CommandType, Typ
from tests.agent.answers import final, results
from tests.agent.conftest import QUICK, MakePhone
from tests.agent.fake_parts import new_key
from tests.agent.fake_server import FakeServer


def test_every_command_type_has_an_effect() -> None:
    assert set(EFFECTS) == set(CommandType)


def test_a_command_is_received_and_then_succeeds(server: FakeServer, make_phone: MakePhone) -> None:
    phone = make_phone()
    device = server.devices[phone.id]
    command = server.command(device, "ping")
    assert final(server, device, command)["status"] == "succeeded"
    assert results(device, command) == ["received", "succeeded"]


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
    assert final(server, device, command)["status"] == "succeeded"
    assert device.got["hello"][0]["boot_id"] != device.got["hello"][1]["boot_id"]


def test_rotation_brings_a_new_certificate_for_the_same_key(server: FakeServer, make_phone: MakePhone) -> None:
    phone = make_phone()
    device = server.devices[phone.id]
    before = phone.identity
    command = server.command(device, "rotate_certificate")
    assert final(server, device, command)["status"] == "succeeded"
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
    server.wait(lambda: results(device, command["jti"]).count("succeeded") == 3)
    assert len(phone.handset.screen) == 1
    assert results(device, command["jti"]).count("received") == 1


def test_a_command_is_done_once_across_starts(server: FakeServer, make_phone: MakePhone, tmp_path: Path) -> None:
    phone = make_phone()
    device = server.devices[phone.id]
    command: dict[str, Any] = {"jti": str(uuid.uuid4()), "type": "reset_passcode", "args": {}}
    device.open_commands[command["jti"]] = command
    server.send(device, "command", server.command_jws(device, command))
    phone.wait_command(command["jti"])
    server.wait(lambda: results(device, command["jti"]).count("succeeded") == 1)
    phone.kill()
    device.open_commands[command["jti"]] = command
    again = Phone.open(tmp_path / "phone", options=QUICK)
    again.connect()
    again.wait_greeted()
    server.wait(lambda: results(device, command["jti"]).count("succeeded") == 2)
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
    result = final(server, device, jti)
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
    assert final(server, device, command["jti"])["status"] == "succeeded"
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
    result = final(server, device, server.command(device, command["type"], command["args"]))
    assert (result["status"], result["detail"]) == ("rejected", detail)
    assert phone.handset.wiped is None


def test_a_command_beyond_the_capabilities_is_unsupported(server: FakeServer, make_phone: MakePhone) -> None:
    phone = make_phone(capabilities=frozenset({"ping"}))
    device = server.devices[phone.id]
    result = final(server, device, server.command(device, "ring", {"seconds": 1}))
    assert (result["status"], result["detail"]) == ("rejected", "unsupported")


def test_a_late_command_is_expired_by_server_time_whatever_the_wall_clock_says(
    server: FakeServer, make_phone: MakePhone
) -> None:
    phone = make_phone(clock_offset=-86_400.0)
    device = server.devices[phone.id]
    now = server.now()
    command = server.command(device, "ring", {"seconds": 5}, iat=now - 700, exp=now - 100)
    result = final(server, device, command)
    assert (result["status"], result["detail"]) == ("rejected", "expired")
    assert phone.handset.state.ringing_until == 0


def test_a_wrong_wall_clock_does_not_expire_a_good_command(server: FakeServer, make_phone: MakePhone) -> None:
    phone = make_phone(clock_offset=86_400.0)
    device = server.devices[phone.id]
    assert final(server, device, server.command(device, "ping"))["status"] == "succeeded"


def test_no_command_is_judged_before_the_answer_to_hello(server: FakeServer, make_phone: MakePhone) -> None:
    server.answer_hello = False
    phone = _unanswered(make_phone)
    device = server.devices[phone.id]
    command = server.command(device, "lock", {"message": "x"})
    phone.wait(lambda p: p.commands._held)
    assert results(device, command) == []
    assert not phone.handset.locked
    server._greet(device, device.got["hello"][-1])
    assert final(server, device, command)["status"] == "succeeded"
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
    assert final(server, device, jti)["status"] == "succeeded"
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
