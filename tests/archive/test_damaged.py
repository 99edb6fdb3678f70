"""What is damaged: opaque records inside a valid chain, and payloads that are no batch at all."""

from __future__ import annotations

import gzip
import json
import zlib
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization

from archive.texts import shown
from core.runtime import runtime
from mqtt.dead_letters import DeadLetter
from mqtt.routes import Inbound
from tests.archive.parts import (
    Recorder,
    alerts,
    all_of,
    assert_intact,
    body,
    chain_signature,
    held,
    message,
    now,
    opened,
    outbox_rows,
    reasons,
    receipt,
    sealed,
    take,
)
from tests.fleet.company import Company
from tests.fleet.phone import new_key


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("not json", "not_json"),
        ("", "empty"),
        ('{"seq":1,"seq":1}', "duplicate_member"),
        ("[" * 5000, "too_deep"),
        ('{"seq":1}', "form"),
        (json.dumps(message(7, "x")), "seq"),
        (json.dumps(message(1, "x")).replace('"x"', '"\\u0000"'), "nul"),
        (json.dumps(message(1, "x")).replace('"x"', '"\\ud800"'), "lone_surrogate"),
        (json.dumps(message(1, "长" * 30_000)), "too_large"),
    ],
)
def test_a_record_that_cannot_be_read_is_kept_as_it_came_flagged_and_receipted(
    recorder: Recorder, text: str, reason: str
) -> None:
    recorder.add(text)
    recorder.say("下一条")
    assert take(recorder.sends()) == []
    assert [row.opaque for row in held(recorder)] == [reason, None]
    assert opened(recorder)[1] == text.encode()
    assert receipt(recorder)["through"] == 2
    assert alerts() == []
    assert_intact(recorder)


def test_a_text_with_nul_itself_keeps_its_bytes_and_is_cleaned_for_display(recorder: Recorder) -> None:
    recorder.add("前\0后")
    assert take(recorder.sends()) == []
    assert opened(recorder)[1] == "前\0后".encode()
    assert shown(opened(recorder)[1]) == "前\ufffd后"
    assert receipt(recorder)["through"] == 1
    assert_intact(recorder)


@pytest.mark.parametrize(
    "hashed", ["前\ufffd后".encode(), "前?后".encode(), "前\ud800后".encode("utf-8", "surrogatepass")]
)
def test_a_lone_surrogate_is_kept_as_the_bytes_that_the_phone_hashed(recorder: Recorder, hashed: bytes) -> None:
    recorder.add("前\ud800后", raw=hashed)
    recorder.say("下一条")
    assert take(recorder.sends()) == []
    assert opened(recorder)[1] == hashed
    assert "\ud800" not in shown(hashed)
    assert receipt(recorder)["through"] == 2
    assert_intact(recorder)


def test_a_lone_surrogate_that_no_reading_explains_is_a_wrong_head(recorder: Recorder) -> None:
    recorder.add("前\ud800后", raw=b"something else")
    assert reasons(take(recorder.sends())) == ["head"]


def unpacked(size: int) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    chunk = bytes(1 << 20)
    return b"".join(packer.compress(chunk) for _ in range(size >> 20)) + packer.flush()


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (lambda r: b"", "form"),
        (lambda r: b"{}", "form"),
        (lambda r: b"a.b.c.d.e", "form"),
        (lambda r: sealed(b"{}", new_key()), "kid"),
        (lambda r: sealed(b"{}")[:-4], "jwe"),
        (lambda r: sealed(b"", packed=b"no gzip"), "gzip"),
        (lambda r: sealed(b"", packed=gzip.compress(b"{}") + b"more"), "gzip"),
        (lambda r: sealed(b"", packed=unpacked(64 << 20)), "too_large"),
        (lambda r: sealed(b"[]"), "not_object"),
        (lambda r: sealed(b"{}"), "form"),
        (lambda r: sealed(b"\xff"), "not_utf8"),
        (lambda r: sealed(json.dumps({**r.batch(1), "first": 0}).encode()), "form"),
        (lambda r: sealed(json.dumps({**r.batch(1), "first": True}).encode()), "form"),
        (lambda r: sealed(json.dumps({**r.batch(1), "records": []}).encode()), "form"),
        (lambda r: sealed(json.dumps({**r.batch(1), "records": [1]}).encode()), "form"),
        (lambda r: sealed(json.dumps({**r.batch(1), "records": ["x"] * 201}).encode()), "form"),
        (lambda r: sealed(json.dumps({**r.batch(1), "prev": "\0"}).encode()), "form"),
        (lambda r: sealed(json.dumps({**r.batch(1), "sig": "x"}).encode()), "form"),
        (lambda r: sealed(json.dumps({**r.batch(1), "head": r.heads[1].hex().upper()}).encode()), "form"),
    ],
)
def test_what_is_no_batch_goes_to_quarantine_and_changes_nothing(recorder: Recorder, payload: Any, reason: str) -> None:
    recorder.say()
    made = payload(recorder)
    assert reasons(take(Inbound(recorder.id, "records", made, now()))) == [reason]
    assert held(recorder) == []
    assert alerts() == []
    assert all(row.effect != "archived" for row in outbox_rows())
    assert [letter.reason for letter in all_of(DeadLetter)] == [reason]


def test_unknown_members_of_a_batch_are_ignored(recorder: Recorder) -> None:
    recorder.say()
    assert take(recorder.sends(future={"any": ["thing"]})) == []
    assert receipt(recorder)["through"] == 1


def test_a_replayed_letter_is_stored_once_its_cause_is_gone(company: Company, recorder: Recorder) -> None:
    """The server's encryption key was missing (a key ring restored too old): the letter is handled again later."""
    recorder.say_many(2)
    later = new_key()
    letter = Inbound(recorder.id, "records", sealed(json.dumps(recorder.batch(1)).encode(), later), now())
    assert reasons(take(letter)) == ["kid"]
    found = all_of(DeadLetter)[0]
    answer = company.post(f"/quarantine/{found.id}/replay", {})
    assert (answer.status_code, body(answer)["reason"]) == (409, "kid")
    _add_encryption_key(later)
    answer = company.post(f"/quarantine/{found.id}/replay", {})
    assert answer.status_code == 200, answer.json
    assert receipt(recorder)["through"] == 2
    assert_intact(recorder)


def _add_encryption_key(key: Any) -> None:
    folder = runtime().ring.folder / "server"
    number = max(int(path.stem.split("-")[1]) for path in folder.glob("enc-*.pem")) + 1
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / f"enc-{number}.pem").write_bytes(pem)


def test_a_replay_of_a_batch_that_is_held_changes_nothing(company: Company, recorder: Recorder) -> None:
    recorder.say_many(2)
    bad = recorder.sends(1, sig=chain_signature(new_key(), recorder.id, recorder.heads[2]))
    take(bad)
    take(recorder.sends())
    answer = company.post(f"/quarantine/{all_of(DeadLetter)[0].id}/replay", {})
    assert (answer.status_code, body(answer)["reason"]) == (409, "signature")
    assert len(held(recorder)) == 2


def test_records_of_unknown_phones_are_refused(recorder: Recorder) -> None:
    recorder.say()
    stranger = Inbound("00000000-0000-4000-8000-000000000000", "records", recorder.sends().payload, now())
    assert reasons(take(stranger)) == ["unknown_device"]
