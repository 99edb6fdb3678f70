"""Stored chains verified again; whoever changes the database is found out."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from sqlalchemy import delete, update

from archive import verify
from archive.models import Chain, StoredRecord
from core import jobs
from core.uow import unit_of_work
from tests.archive.parts import Recorder, alerts, assert_intact, held, take


@pytest.fixture
def stored(recorder: Recorder) -> Recorder:
    recorder.say_many(5)
    take(recorder.sends())
    return recorder


def problems(recorder: Recorder) -> list[tuple[int, str]]:
    with unit_of_work(write=False):
        return [(problem.seq, problem.code) for problem in verify.device(recorder.id).problems]


def tamper(recorder: Recorder, seq: int, **values: Any) -> None:
    with unit_of_work() as current:
        where = (StoredRecord.device_id == recorder.id, StoredRecord.seq == seq)
        current.execute(
            update(StoredRecord).where(*where).values(values), execution_options={"synchronize_session": False}
        )


def test_a_leaf_that_was_changed(stored: Recorder) -> None:
    tamper(stored, 3, leaf=bytes(32))
    assert problems(stored)[:2] == [(3, "text"), (3, "chain")]


def test_a_text_that_was_replaced_by_another_sealed_one(stored: Recorder) -> None:
    tamper(stored, 3, sealed=held(stored)[1].sealed)
    assert problems(stored) == [(3, "sealed")]


def test_a_record_that_was_deleted(stored: Recorder) -> None:
    with unit_of_work() as current:
        current.execute(delete(StoredRecord).where(StoredRecord.device_id == stored.id, StoredRecord.seq == 3))
    assert problems(stored)[0] == (3, "missing")


def test_a_tail_that_was_cut(stored: Recorder) -> None:
    with unit_of_work() as current:
        current.execute(delete(StoredRecord).where(StoredRecord.device_id == stored.id, StoredRecord.seq > 3))
    assert problems(stored) == [(3, "head")]


def test_a_head_that_was_moved(stored: Recorder) -> None:
    with unit_of_work() as current:
        current.execute(update(Chain).values(head=bytes(32)), execution_options={"synchronize_session": False})
    assert problems(stored) == [(5, "head")]


def test_an_erased_text_leaves_the_chain_whole(stored: Recorder) -> None:
    tamper(stored, 3, sealed=None)
    with unit_of_work(write=False):
        report = verify.device(stored.id)
    assert (report.intact, report.erased, report.records) == (True, 1, 5)


def test_the_nightly_job_alerts_once_of_a_broken_chain(stored: Recorder) -> None:
    assert jobs.run("archive-verify") == "done"
    assert alerts() == []
    tamper(stored, 2, leaf=bytes(32))
    jobs.run("archive-verify")
    jobs.run("archive-verify")
    assert alerts() == [(stored.id, "chain_broken")]


def test_the_command_says_what_holds_and_fails_for_what_does_not(app: Flask, stored: Recorder) -> None:
    assert_intact(stored)
    runner = app.test_cli_runner()
    fine = runner.invoke(args=["archive", "verify"])
    assert (fine.exit_code, "intact: through 5, 5 records" in fine.output) == (0, True), fine.output
    tamper(stored, 2, leaf=bytes(32))
    broken = runner.invoke(args=["archive", "verify", stored.id])
    assert broken.exit_code == 1
    assert "seq 2: chain" in broken.output
    unknown = runner.invoke(args=["archive", "verify", "nobody"])
    assert unknown.exit_code == 1
    assert "no archived records" in unknown.output
