"""A wipe: the queue first, a deadline, a last word, and nothing left."""

from __future__ import annotations

import uuid
from pathlib import Path

import pytest

from agent.phone import Phone
from tests.agent.answers import final
from tests.agent.conftest import QUICK, MakePhone
from tests.agent.fake_parts import Device
from tests.agent.fake_server import FakeServer


def _wipe(server: FakeServer, device: Device, scope: str, *, preserve: bool, deadline: int = 5) -> str:
    return server.command(device, "wipe", {"scope": scope, "preserve_records": preserve, "deadline_s": deadline})


def test_a_wipe_of_work_data_sends_the_queue_first(server: FakeServer, make_phone: MakePhone) -> None:
    phone = make_phone(batch_delay=30.0)
    device = server.devices[phone.id]
    phone.wait_applied(server.desire(device, server.bundle({"protection": {"deny": ["screenshot"]}})))
    phone.handset.receive_sms("+8613900001111", "最后一条")
    command = _wipe(server, device, "work_data", preserve=True)
    result = final(server, device, command)
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
    result = final(server, device, _wipe(server, device, "work_data", preserve=True, deadline=1))
    assert result["output"]["records_left"] == 2
    assert result["detail"].startswith("2 ")


def test_a_wipe_without_preserving_does_not_wait(server: FakeServer, make_phone: MakePhone) -> None:
    phone = make_phone()
    device = server.devices[phone.id]
    server.archive_records = False
    phone.handset.receive_sms("+8613900001111", "x")
    result = final(server, device, _wipe(server, device, "work_data", preserve=False, deadline=3600))
    assert result["output"]["records_left"] == 1


def test_a_wipe_of_the_device_says_its_last_word_and_leaves_nothing(
    server: FakeServer, make_phone: MakePhone, tmp_path: Path
) -> None:
    phone = make_phone()
    device = server.devices[phone.id]
    command = _wipe(server, device, "device", preserve=True)
    assert final(server, device, command)["status"] == "succeeded"
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
    result = final(server, device, jti)
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
    assert final(server, device, jti)["status"] == "succeeded"
    assert ("POST", "/api/v1/device/results") in server.http_log
    assert phone.handset.wiped == "work_data"
