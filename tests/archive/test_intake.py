"""Batches of records: what is appended, held already, waiting, refused."""

from __future__ import annotations

import hashlib
import random
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event as listen

from archive import intake
from core.db import db
from mqtt import dead_letters
from tests.archive.parts import (
    Recorder,
    alerts,
    all_of,
    assert_intact,
    chain_row,
    chain_signature,
    held,
    new_recorder,
    opened,
    reasons,
    receipt,
    receipts,
    refused,
    take,
    take_all,
    waiting,
)
from tests.fleet.phone import new_key


def test_a_batch_is_stored_byte_for_byte_and_receipted_with_the_phones_own_head(recorder: Recorder) -> None:
    recorder.say_many(5)
    assert take(recorder.sends()) == []
    assert opened(recorder) == {seq: text.encode() for seq, text in enumerate(recorder.texts, 1)}
    said = receipt(recorder)
    assert (said["through"], said["head"], said["root"]) == (5, recorder.heads[5].hex(), None)
    assert "refused" not in said
    assert "connection" not in said
    assert_intact(recorder)


def test_metadata_is_kept_beside_the_sealed_text_and_the_text_is_nowhere_in_the_clear(recorder: Recorder) -> None:
    recorder.say("绝密内容", channel="sms", direction="in")
    take(recorder.sends())
    row = held(recorder)[0]
    assert (row.channel, row.kind, row.direction, row.late, row.opaque) == ("sms", "text", "in", False, None)
    assert "绝密".encode() not in (row.sealed or b"")


def test_the_same_batch_again_stores_nothing_twice_and_is_receipted_again(recorder: Recorder) -> None:
    recorder.say_many(3)
    take(recorder.sends())
    receipt(recorder)
    assert take(recorder.sends(), recorder.sends()) == []
    assert len(held(recorder)) == 3
    assert receipt(recorder)["through"] == 3
    assert_intact(recorder)


def test_a_batch_that_overlaps_appends_only_what_is_new(recorder: Recorder) -> None:
    recorder.say_many(10)
    take(recorder.sends(1, 6))
    take(recorder.sends(4, 10))
    take(recorder.sends(2, 5))
    assert [row.seq for row in held(recorder)] == list(range(1, 11))
    assert receipt(recorder)["through"] == 10
    assert_intact(recorder)


def test_batches_of_one_message_batch_build_on_each_other(recorder: Recorder) -> None:
    recorder.say_many(9)
    take(recorder.sends(1, 3), recorder.sends(4, 6), recorder.sends(5, 9))
    assert receipt(recorder)["through"] == 9
    assert_intact(recorder)


def test_a_batch_ahead_waits_sealed_and_is_appended_when_the_gap_closes(recorder: Recorder) -> None:
    recorder.say_many(9)
    take(recorder.sends(4, 6))
    take(recorder.sends(7, 9))
    assert held(recorder) == []
    assert receipt(recorder)["through"] == 0
    assert chain_row(recorder).highest_seen == 9
    assert [(one.first, one.last) for one in sorted(waiting(), key=lambda one: one.first)] == [(4, 6), (7, 9)]
    assert all("消息".encode() not in one.sealed for one in waiting())
    take(recorder.sends(1, 3))
    assert waiting() == []
    assert receipt(recorder)["through"] == 9
    assert_intact(recorder)


def test_a_batch_that_waits_is_kept_once_and_in_bounded_numbers(recorder: Recorder) -> None:
    recorder.say_many(60)
    take(recorder.sends(3, 4), recorder.sends(3, 4))
    take(recorder.sends(3, 4))
    assert len(waiting()) == 1
    take_all([recorder.sends(seq, seq) for seq in range(5, 61)])
    assert len(waiting()) == 32
    take(recorder.sends(1, 2))
    assert receipt(recorder)["through"] == 35
    assert_intact(recorder)


def test_any_order_and_any_repetition_end_in_the_same_chain(server: Flask) -> None:
    rng = random.Random(7)
    for _ in range(4):
        recorder = new_recorder()
        recorder.say_many(24)
        cuts = [(first, min(first + rng.randint(0, 5), 24)) for first in range(1, 25)]
        messages = [recorder.sends(*cut) for cut in rng.sample(cuts, len(cuts)) + rng.sample(cuts, 8)]
        while messages:
            size = rng.randint(1, 6)
            assert take_all(messages[:size]) == []
            messages = messages[size:]
        assert [row.seq for row in held(recorder)] == list(range(1, 25))
        assert_intact(recorder)


def test_a_wrong_prev_is_refused_alerted_once_and_answered_each_time(recorder: Recorder) -> None:
    recorder.say_many(4)
    take(recorder.sends(1, 2))
    foreign = Recorder(recorder.phone)
    foreign.say_many(4)
    wrong = {
        **recorder.batch(3, 4),
        "prev": foreign.heads[2].hex(),
    }
    head = foreign.heads[2]
    for text in wrong["records"]:
        head = link(head, text)
    wrong |= {"head": head.hex(), "sig": chain_signature(recorder.phone.signing, recorder.id, head)}
    receipt(recorder)
    for _ in range(3):
        assert reasons(take(recorder.message(wrong))) == ["chain"]
        assert receipt(recorder)["refused"] == {"first": 3, "reason": "chain"}
    assert alerts() == [(recorder.id, "batch_refused")]
    assert [(one.reason, one.times, one.state) for one in refused()] == [("chain", 3, "open")]
    assert len(all_of(dead_letters.DeadLetter)) == 3
    assert [row.seq for row in held(recorder)] == [1, 2]
    take(recorder.sends(3, 4))
    assert "refused" not in receipt(recorder)
    assert_intact(recorder)


def link(head: bytes, text: str) -> bytes:
    return hashlib.sha256(head + hashlib.sha256(text.encode()).digest()).digest()


def test_a_wrong_head_is_refused_whole(recorder: Recorder) -> None:
    recorder.say_many(3)
    wrong = bytes(32)
    batch = recorder.batch(1, head=wrong.hex(), sig=chain_signature(recorder.phone.signing, recorder.id, wrong))
    assert reasons(take(recorder.message(batch))) == ["head"]
    assert held(recorder) == []
    assert receipt(recorder)["refused"] == {"first": 1, "reason": "head"}


def test_a_wrong_signature_is_refused_whole_even_ahead_of_a_gap(recorder: Recorder) -> None:
    recorder.say_many(3)
    other = chain_signature(recorder.phone.signing, "00000000-0000-4000-8000-000000000000", recorder.heads[3])
    assert reasons(take(recorder.sends(2, sig=other))) == ["signature"]
    assert waiting() == []
    assert receipt(recorder)["through"] == 0


def test_a_batch_signed_with_another_phones_key_is_refused(recorder: Recorder) -> None:
    other = new_recorder().phone
    recorder.say_many(2)
    assert reasons(take(recorder.sends(key=other.signing))) == ["signature"]
    assert held(recorder) == []


def test_a_phone_cannot_continue_another_phones_chain(recorder: Recorder) -> None:
    recorder.say_many(2)
    take(recorder.sends())
    other = new_recorder()
    other.texts, other.heads = recorder.texts, recorder.heads
    receipt(recorder)
    assert reasons(take(other.sends())) == ["chain"]
    assert held(other) == []
    assert len(held(recorder)) == 2


def test_another_text_for_a_held_seq_is_a_contradiction_and_the_held_one_stays(recorder: Recorder) -> None:
    recorder.say_many(3)
    take(recorder.sends())
    twin = Recorder(recorder.phone)
    twin.add(recorder.texts[0])
    twin.say("改过的")
    twin.say("后来的")
    receipt(recorder)
    assert reasons(take(twin.sends(2))) == ["contradiction"]
    assert reasons(take(twin.sends(1))) == ["contradiction"]
    assert opened(recorder)[2] == recorder.texts[1].encode()
    assert len(refused()) == 2
    assert_intact(recorder)


def test_a_refused_batch_holds_up_neither_other_phones_nor_later_batches(recorder: Recorder) -> None:
    other = new_recorder()
    recorder.say_many(2)
    other.say_many(2)
    bad = recorder.sends(1, sig=chain_signature(new_key(), recorder.id, recorder.heads[2]))
    assert reasons(take(bad, other.sends(), recorder.sends())) == ["signature"]
    found = receipts()
    assert found[other.id]["through"] == found[recorder.id]["through"] == 2
    assert_intact(recorder, other)


def test_refused_batches_of_one_phone_are_bounded(recorder: Recorder) -> None:
    recorder.say_many(210)
    bad = [
        recorder.sends(seq, seq, sig=chain_signature(new_key(), recorder.id, recorder.heads[seq]))
        for seq in range(1, 211)
    ]
    take_all(bad)
    assert len(refused()) == len(alerts()) == 200


def test_the_number_of_queries_does_not_depend_on_phones_messages_or_records(server: Flask) -> None:
    few = [new_recorder() for _ in range(2)]
    many = [new_recorder() for _ in range(30)]
    for recorder in (*few, *many):
        recorder.say_many(12)
    assert _queries(few) == _queries(many)
    assert_intact(*few, *many)


def _queries(recorders: list[Recorder]) -> int:
    """Statements for a round that holds fresh, held, overlapping and waiting batches, and a closing gap."""
    take_all([recorder.sends(1, 3) for recorder in recorders] + [recorder.sends(10, 12) for recorder in recorders])
    batch = [
        message
        for recorder in recorders
        for message in (recorder.sends(2, 5), recorder.sends(2, 5), recorder.sends(6, 9))
    ]
    counted = 0

    def count(*_: Any) -> None:
        nonlocal counted
        counted += 1

    listen.listen(db.engine, "before_cursor_execute", count)
    try:
        take_all(batch)
    finally:
        listen.remove(db.engine, "before_cursor_execute", count)
    return counted


def test_batches_that_unpack_to_more_than_memory_allows_are_taken_in_parts(
    recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(intake, "UNPACKED_AT_ONCE", 20_000)
    for _ in range(12):
        recorder.say("长" * 4_000)
    assert take_all([recorder.sends(seq, seq) for seq in (1, 2, 4, 3, 5, 6, 8, 7, 9, 10, 12, 11)]) == []
    assert receipt(recorder)["through"] == 12
    assert_intact(recorder)


def test_long_texts_lie_compressed_and_read_as_they_came(recorder: Recorder) -> None:
    recorder.say("好" * 15_000)
    recorder.add("\0" * 200_000)
    take(recorder.sends())
    assert opened(recorder) == {1: recorder.texts[0].encode(), 2: recorder.texts[1].encode()}
    assert all(len(row.sealed or b"") < 2_000 for row in held(recorder))
    assert_intact(recorder)
