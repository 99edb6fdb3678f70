"""State on disk: whole steps or nothing, one file for many phones, fleets that write together."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.enrolling import begin, give_up
from agent.identity import made_up_facts
from agent.store import PhoneStore, Store, StoredRecord


@pytest.fixture(params=[True, False], ids=["durable", "fleet"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    return Store(tmp_path / "state", durable=request.param)


def test_a_fact_is_read_back_and_after_a_close_too(store: Store, tmp_path: Path) -> None:
    PhoneStore(store, "a").put("x", {"n": [1, "王"]})
    assert PhoneStore(store, "a").get("x") == {"n": [1, "王"]}
    store.close()
    assert PhoneStore(Store(tmp_path / "state"), "a").get("x") == {"n": [1, "王"]}


def test_phones_in_one_file_do_not_see_each_other(store: Store) -> None:
    a, b = PhoneStore(store, "a"), PhoneStore(store, "b")
    a.put("x", 1)
    a.add_record(StoredRecord(1, "text", bytes(32)))
    a.put_command("j", {"v": 1}, done=False, acknowledged=False)
    assert (b.get("x"), b.records(1, 9), b.command("j"), b.open_commands()) == (None, [], None, [])
    b.erase(("facts", "records", "commands"))
    assert a.get("x") == 1
    assert a.records(1, 9)[0].text == "text"


def test_a_step_that_fails_leaves_nothing(tmp_path: Path) -> None:
    store = Store(tmp_path / "state")
    phone = PhoneStore(store, "a")

    def fail() -> None:
        with phone.step():
            phone.put("x", 1)
            with phone.step():
                phone.add_record(StoredRecord(1, "t", bytes(32)))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert phone.get("x") is None
    assert phone.records(1, 9) == []
    phone.put("x", 2)
    assert phone.get("x") == 2


def test_commands_come_back_in_the_order_of_their_arrival(store: Store) -> None:
    phone = PhoneStore(store, "a")
    for jti in ("z", "m", "a"):
        phone.put_command(jti, {"jti": jti}, done=False, acknowledged=False)
    phone.put_command("m", {"jti": "m", "final": True}, done=True, acknowledged=False)
    assert [(jti, done) for jti, _, done in phone.open_commands()] == [("z", False), ("m", True), ("a", False)]
    phone.put_command("m", {"jti": "m"}, done=True, acknowledged=True)
    assert [jti for jti, _, _ in phone.open_commands()] == ["z", "a"]


def test_archived_records_are_dropped_by_age_and_by_number(store: Store) -> None:
    phone = PhoneStore(store, "a")
    for seq in range(1, 6):
        phone.add_record(StoredRecord(seq, f"r{seq}", bytes([seq]) * 32))
    phone.mark_archived(3, at=100.0)
    assert phone.drop_archived(before=50.0, through=0) is None
    assert phone.drop_archived(before=50.0, through=2) == (2, bytes([2]) * 32)
    assert phone.oldest_seq() == 3
    assert phone.drop_archived(before=101.0, through=0) == (3, bytes([3]) * 32)
    assert phone.oldest_seq() == 4
    assert phone.last_record() == (5, bytes([5]) * 32)


def test_an_enrollment_without_answer_goes_on_with_its_keys(store: Store) -> None:
    import random

    facts, others = made_up_facts(random.Random(1)), made_up_facts(random.Random(2))
    first = begin(store, "phone", "CODE", facts)
    again = begin(store, "phone", "CODE", others)
    assert (again.keys.dump(), again.facts) == (first.keys.dump(), facts)
    assert begin(store, "phone", "OTHER", others).keys.dump() != first.keys.dump()
    give_up(store, "phone")
    assert begin(store, "phone", "CODE", others).facts == others


def test_after_a_reset_nothing_is_written_any_more(store: Store) -> None:
    phone = PhoneStore(store, "a")
    store.bind("phone", "a")
    phone.release()
    phone.put("x", 1)
    store.flush()
    assert phone.get("x") is None
    assert store.slots() == {}
