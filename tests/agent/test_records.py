"""Records: chained, sent in order, dropped only against a receipt that fits, sent again when it does not come."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from agent.phone import Phone
from mqtt.contract import chain
from mqtt.contract.limits import PAYLOAD_MAX
from mqtt.contract.names import Typ
from mqtt.contract.records import read_record
from tests.agent.conftest import QUICK, MakePhone
from tests.agent.fake_server import FakeServer


def _receive(phone: Phone, count: int, size: int = 4) -> None:
    for index in range(count):
        phone.handset.receive_sms("+8613900001111", f"{index} " + "字" * size)


def test_records_reach_the_server_in_one_verified_chain(server: FakeServer, make_phone: MakePhone) -> None:
    phone = make_phone()
    device = server.devices[phone.id]
    _receive(phone, 5)
    phone.wait_archived(5)
    records = [read_record(text) for text in device.records]
    assert [record.seq for record in records] == [1, 2, 3, 4, 5]
    assert len({record.salt for record in records}) == 5
    assert device.head == chain.head(chain.origin(device.id), device.records)
    assert not device.got["errors"]


def test_a_long_queue_goes_in_batches_that_fit_a_message(server: FakeServer, make_phone: MakePhone) -> None:
    phone = make_phone()
    device = server.devices[phone.id]
    phone.disconnect()
    _receive(phone, 450, size=100)
    phone.connect()
    phone.wait_archived(450)
    assert max(len(batch["records"]) for batch in device.got["batches"]) == 200
    assert not device.got["errors"]


def test_incompressible_records_are_split_until_they_fit(
    server: FakeServer, make_phone: MakePhone, monkeypatch: pytest.MonkeyPatch
) -> None:
    phone = make_phone()
    device = server.devices[phone.id]
    sizes: list[int] = []
    original = server._up

    def watch(d: object, kind: str, payload: bytes) -> None:
        if kind == "records":
            sizes.append(len(payload))
        original(device, kind, payload)

    monkeypatch.setattr(server, "_up", watch)
    phone.disconnect()
    rng = phone.core.rng
    for _ in range(30):
        text = "".join(chr(rng.randrange(0x4E00, 0x9FA5)) for _ in range(10_000))
        phone.handset.receive_sms("+8613900001111", text)
    phone.connect()
    phone.wait_archived(30)
    assert max(sizes) <= PAYLOAD_MAX
    assert len(sizes) > 1


def test_an_overlong_text_goes_as_media_and_keeps_its_beginning(server: FakeServer, make_phone: MakePhone) -> None:
    phone = make_phone()
    device = server.devices[phone.id]
    text = "长" * 30_000
    phone.handset.receive_sms("+8613900001111", text)
    phone.wait_archived(1)
    record = read_record(device.records[0])
    assert record.text == text[:2000]
    assert record.media is not None
    assert [bytes(content).decode() for content in server.media.values()] == [text]


def test_media_go_before_their_record_and_hold_back_what_follows(server: FakeServer, make_phone: MakePhone) -> None:
    phone = make_phone()
    device = server.devices[phone.id]
    server.override = lambda _m, path, _b: (503, b"{}", {}) if "/media" in path else None
    phone.handset.send_file("wechat", None, b"\x89PNG" * 100, "image/png", "image", "王")
    _receive(phone, 1)
    server.wait(lambda: any("media" in path for _, path in server.http_log))
    assert device.through == 0
    server.override = lambda *_: None
    phone.loop.run_sync(phone.media.go)
    phone.wait_archived(2, timeout=20)
    assert [bytes(content) for content in server.media.values()] == [b"\x89PNG" * 100]


def test_what_may_not_travel_is_replaced_before_it_is_chained(server: FakeServer, make_phone: MakePhone) -> None:
    phone = make_phone()
    phone.handset.receive_wechat("王\ud800", "a\x00b")
    phone.wait_archived(1)
    record = read_record(server.devices[phone.id].records[0])
    assert record.text == "a�b"


def test_records_made_before_a_kill_are_sent_after_the_next_start(
    server: FakeServer, make_phone: MakePhone, tmp_path: Path
) -> None:
    phone = make_phone()
    device = server.devices[phone.id]
    _receive(phone, 2)
    phone.wait_archived(2)
    phone.disconnect(clean=False)
    _receive(phone, 3)
    phone.kill()
    again = Phone.open(tmp_path / "phone", options=QUICK)
    again.connect()
    again.wait_archived(5)
    _receive(again, 1)
    again.wait_archived(6)
    again.close()
    assert device.through == 6
    assert not device.got["errors"]


def test_a_batch_without_answer_is_sent_again(server: FakeServer, make_phone: MakePhone) -> None:
    phone = make_phone()
    device = server.devices[phone.id]
    server.archive_records = False
    _receive(phone, 2)
    server.wait(lambda: len(device.got["batches"]) >= 2)
    server.archive_records = True
    phone.wait_archived(2)
    assert device.through == 2


@pytest.mark.parametrize("what", ["head", "ahead", "key", "older"])
def test_a_receipt_that_does_not_fit_drops_nothing(server: FakeServer, make_phone: MakePhone, what: str) -> None:
    phone = make_phone()
    device = server.devices[phone.id]
    server.archive_records = False
    _receive(phone, 2)
    server.wait(lambda: device.got["batches"])
    texts = [record.text for record in phone.loop.run_sync(lambda: phone.core.store.records(1, 5))]
    head = chain.head(chain.origin(device.id), texts).hex()
    claims: dict[str, Any] = {"sub": device.id, "through": 2, "head": head, "root": None, "iat": server.now()}
    spoilt: dict[str, dict[str, Any]] = {
        "head": {"head": "ab" * 32},
        "ahead": {"through": 9},
        "older": {"iat": server.now() - 1000},
    }
    claims |= spoilt.get(what, {})
    key = server.encryption if what == "key" else None
    server.send(device, "archived", server.sign(Typ.ARCHIVED, claims, key=key))
    if what == "older":
        phone.wait(lambda p: sum("archived" in topic for topic, _ in p.probe.received) >= 2)
    else:
        server.wait(lambda: device.got["event"])
    assert phone.archive.receipt["seq"] == 0
    assert phone.archive.unsent >= 2


def test_the_receipt_is_kept_and_archived_records_too_for_a_restored_server(
    server: FakeServer, make_phone: MakePhone
) -> None:
    phone = make_phone()
    device = server.devices[phone.id]
    _receive(phone, 4)
    phone.wait_archived(4)
    assert phone.archive.receipt["jws"]
    kept = list(device.records)
    device.records, device.through = device.records[:1], 1
    device.head = chain.head(chain.origin(device.id), device.records)
    server.send(device, "archived", server.archived(device))
    server.wait(lambda: device.through == 4)
    assert device.records == kept
    assert phone.archive.receipt["seq"] == 4


def test_old_archived_records_are_dropped_and_the_chain_goes_on(server: FakeServer, make_phone: MakePhone) -> None:
    phone = make_phone(keep_archived_rows=2)
    device = server.devices[phone.id]
    for count in (3, 6, 9):
        _receive(phone, 3)
        phone.wait_archived(count)
    members = phone.probe.hello_members()
    assert members["oldest_seq"] > 1
    assert (members["next_seq"], members["archived_through"]) == (10, 9)
    assert device.through == 9
    assert not device.got["errors"]


def test_a_refused_batch_waits(server: FakeServer, make_phone: MakePhone) -> None:
    phone = make_phone(resend_after=0.2)
    device = server.devices[phone.id]
    server.archive_records = False
    _receive(phone, 1)
    server.wait(lambda: device.got["batches"])
    server.send(device, "archived", server.archived(device, refused={"first": 1, "reason": "signature"}))
    phone.wait(lambda p: p.archive._refused_until > 0)
    sent = len(device.got["batches"])
    _receive(phone, 2)
    phone.loop.run_sync(phone.archive.flush)
    phone.disconnect()
    phone.connect()
    phone.wait_connected()
    server.wait(lambda: len(device.got["hello"]) == 2)
    assert len(device.got["batches"]) <= sent + 1


def test_an_event_is_a_record_too_and_both_have_one_id(server: FakeServer, make_phone: MakePhone) -> None:
    phone = make_phone()
    device = server.devices[phone.id]
    phone.handset.change_sim("89860099999999999999")
    phone.wait_archived(1)
    server.wait(lambda: device.got["event"])
    record = read_record(device.records[0])
    assert (record.channel, record.kind, record.conversation) == ("device", "event", "device")
    event = json.loads(record.text)
    assert event["type"] == "sim_changed"
    assert {name: device.got["event"][0][name] for name in event} == event
