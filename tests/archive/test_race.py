"""Two workers at once: the chain's lock lets each record in once."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from flask import Flask

from mqtt.routes import Inbound, Refusal
from tests.archive.parts import Recorder, assert_intact, event, events, held, new_recorder, take

ROUNDS = 6


def together(app: Flask, *jobs: Callable[[], list[Refusal]]) -> list[list[Refusal]]:
    """Run jobs in threads that start at the same moment."""
    barrier = threading.Barrier(len(jobs))

    def run(job: Callable[[], list[Refusal]]) -> list[Refusal]:
        with app.app_context():
            barrier.wait()
            return job()

    with ThreadPoolExecutor(len(jobs)) as pool:
        return list(pool.map(run, jobs))


def test_the_same_batches_taken_twice_at_once_are_stored_once(app: Flask, server: Flask) -> None:
    for _ in range(ROUNDS):
        recorders = [new_recorder() for _ in range(3)]
        for recorder in recorders:
            recorder.say_many(6)
        one: list[Inbound] = [recorder.sends(1, 4) for recorder in recorders]
        two: list[Inbound] = [recorder.sends(1, 6) for recorder in reversed(recorders)]
        assert together(app, partial(take, *one), partial(take, *two)) == [[], []]
        for recorder in recorders:
            assert [row.seq for row in held(recorder)] == list(range(1, 7))
        assert_intact(*recorders)


def test_two_halves_in_two_workers_make_one_chain(app: Flask, recorder: Recorder) -> None:
    for number in range(ROUNDS):
        first = number * 6 + 1
        recorder.say_many(6)
        halves = recorder.sends(first, first + 2), recorder.sends(first + 3, first + 5)
        together(app, partial(take, halves[0]), partial(take, halves[1]))
        assert len(held(recorder)) == first + 5
    assert_intact(recorder)


def test_event_and_record_in_two_workers_are_joined(app: Flask, recorder: Recorder) -> None:
    for _ in range(ROUNDS):
        told = event()
        seq = recorder.keeps(told)
        fast, durable = recorder.tells(told), recorder.sends(seq, seq)
        together(app, partial(take, fast), partial(take, durable))
    assert len(events()) == ROUNDS
    assert all(row.told_at is not None and row.record_seq is not None for row in events())
