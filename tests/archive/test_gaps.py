"""Hellos: each is answered, and one proves a gap after the server was restored."""

from __future__ import annotations

import uuid
from typing import Any

from sqlalchemy import delete, update

from archive import queries
from archive.models import Chain, Seam, StoredRecord
from core.uow import unit_of_work
from fleet.commands import guards
from tests.archive.parts import (
    Recorder,
    alerts,
    all_of,
    assert_intact,
    chain_row,
    held,
    outbox_rows,
    receipt,
    take,
    waiting,
)
from tests.fleet.company import Company


def restore(recorder: Recorder, through: int) -> None:
    """The database as a backup knew it: records up to a seq."""
    with unit_of_work() as current:
        current.execute(delete(StoredRecord).where(StoredRecord.device_id == recorder.id, StoredRecord.seq > through))
        values = {"through": through, "head": recorder.heads[through], "highest_seen": through}
        current.execute(update(Chain).where(Chain.device_id == recorder.id).values(values))


def seams() -> list[Any]:
    return all_of(Seam)


def test_every_hello_is_answered_with_the_connection_that_it_named(recorder: Recorder) -> None:
    take(recorder.hello())
    said = receipt(recorder)
    assert (said["through"], said["head"]) == (0, recorder.heads[0].hex())
    assert said["connection"] == recorder.phone.connection
    recorder.say_many(2)
    take(recorder.sends())
    assert "connection" not in receipt(recorder)


def test_a_hello_within_the_quiet_span_is_answered_later_with_the_newest_connection(recorder: Recorder) -> None:
    take(recorder.hello())
    receipt(recorder)
    recorder.phone.connection = str(uuid.uuid4())
    take(recorder.hello())
    recorder.phone.connection = str(uuid.uuid4())
    take(recorder.hello())
    rows = [row for row in outbox_rows() if row.effect == "archived"]
    assert len(rows) == 1
    assert rows[0].not_before > rows[0].not_before.now(rows[0].not_before.tzinfo)


def test_a_receipt_that_answers_batch_and_hello_together_says_both(recorder: Recorder) -> None:
    recorder.say_many(2)
    take(recorder.hello(), recorder.sends())
    said = receipt(recorder)
    assert (said["through"], said["connection"]) == (2, recorder.phone.connection)


def test_after_a_restore_the_phone_sends_again_and_nothing_is_missing(recorder: Recorder) -> None:
    recorder.say_many(6)
    take(recorder.sends())
    restore(recorder, 2)
    take(recorder.hello(oldest_seq=1, archived_through=6))
    assert receipt(recorder)["through"] == 2
    take(recorder.sends(3))
    assert receipt(recorder)["through"] == 6
    assert (seams(), alerts()) == ([], [])
    assert_intact(recorder)


def test_what_neither_side_holds_is_a_proven_gap_and_the_chain_goes_on(company: Company, recorder: Recorder) -> None:
    recorder.say_many(10)
    take(recorder.sends(1, 8))
    restore(recorder, 3)
    take(recorder.hello(oldest_seq=7, archived_through=8))
    assert receipt(recorder)["through"] == 3
    assert alerts() == []
    take(recorder.sends(7))
    said = receipt(recorder)
    assert (said["through"], said["head"]) == (10, recorder.heads[10].hex())
    assert [(one.seq, one.missing_from, one.prev) for one in seams()] == [(7, 4, recorder.heads[6])]
    assert alerts() == [(recorder.id, "records_gap")]
    assert "records_gap" in company.timeline(recorder.phone)
    assert_intact(recorder)
    take(recorder.sends(7), recorder.hello(oldest_seq=7))
    assert len(alerts()) == 1


def test_a_batch_that_waited_bridges_the_gap_as_soon_as_the_hello_proves_it(recorder: Recorder) -> None:
    recorder.say_many(10)
    take(recorder.sends(1, 3))
    take(recorder.sends(8))
    receipt(recorder)
    assert len(waiting()) == 1
    take(recorder.hello(oldest_seq=8))
    assert receipt(recorder)["through"] == 10
    assert waiting() == []
    assert alerts() == [(recorder.id, "records_gap")]
    assert_intact(recorder)


def test_a_phone_that_holds_nothing_any_more_goes_on_with_its_next_record(recorder: Recorder) -> None:
    recorder.say_many(5)
    take(recorder.sends(1, 2))
    take(recorder.hello(oldest_seq=6))
    recorder.say("新的开始")
    take(recorder.sends(6))
    assert [row.seq for row in held(recorder)] == [1, 2, 6]
    assert_intact(recorder)


def test_a_gap_told_but_filled_after_all_is_none(recorder: Recorder) -> None:
    recorder.say_many(6)
    take(recorder.sends(1, 2))
    take(recorder.hello(oldest_seq=5))
    take(recorder.sends(3))
    assert [(one.prev, one.healed_at is not None) for one in seams()] == [(None, True)]
    assert alerts() == []
    assert_intact(recorder)


def test_a_gap_is_never_larger_than_what_the_phone_sends_next(recorder: Recorder) -> None:
    recorder.say_many(8)
    take(recorder.sends(1, 2))
    take(recorder.hello(oldest_seq=7))
    take(recorder.sends(5))
    assert [(one.missing_from, one.seq) for one in seams()] == [(3, 5)]
    assert chain_row(recorder).through == 8
    assert_intact(recorder)


def test_a_proven_gap_heals_when_its_records_turn_up(recorder: Recorder) -> None:
    recorder.say_many(9)
    take(recorder.sends(1, 2))
    take(recorder.hello(oldest_seq=7))
    take(recorder.sends(7))
    take(recorder.sends(3, 4))
    assert [(one.missing_from, one.healed_at) for one in seams()] == [(5, None)]
    assert_intact(recorder)
    take(recorder.sends(4, 9))
    assert [row.seq for row in held(recorder)] == list(range(1, 10))
    assert seams()[0].healed_at is not None
    assert_intact(recorder)


def test_records_that_would_fill_a_gap_with_another_history_are_refused(recorder: Recorder) -> None:
    recorder.say_many(6)
    take(recorder.sends(1, 2))
    take(recorder.hello(oldest_seq=5))
    take(recorder.sends(5))
    forged = Recorder(recorder.phone, recorder.texts[:2])
    forged.heads = recorder.heads[:3]
    forged.say("伪造")
    forged.say("也是")
    receipt(recorder)
    take(forged.sends(3, 4))
    assert receipt(recorder)["refused"] == {"first": 3, "reason": "contradiction"}
    assert [row.seq for row in held(recorder)] == [1, 2, 5, 6]


def test_a_phone_cannot_skip_records_without_saying_so(recorder: Recorder) -> None:
    recorder.say_many(6)
    take(recorder.sends(1, 2))
    take(recorder.hello(oldest_seq=3))
    take(recorder.sends(5))
    assert receipt(recorder)["through"] == 2
    assert seams() == []


def test_a_wipe_knows_what_is_archived_by_now(recorder: Recorder) -> None:
    guards.bind(archived_through=queries.archived_through)
    recorder.say_many(3)
    take(recorder.hello())
    with unit_of_work(write=False):
        assert guards.unsent([recorder.id]) == {recorder.id: 3}
    take(recorder.sends(1, 2))
    with unit_of_work(write=False):
        assert guards.unsent([recorder.id]) == {recorder.id: 1}
    take(recorder.sends(3))
    with unit_of_work(write=False):
        assert guards.would_lose_records([recorder.id]) == set()
