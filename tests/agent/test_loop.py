"""The loop: one thread for everything, a pool for what blocks, faults that stay where they are."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from agent.loop import Loop


@pytest.fixture
def loop() -> Iterator[Loop]:
    running = Loop(2, 1).start()
    yield running
    running.stop()


def test_calls_run_on_the_loops_thread_and_give_their_value(loop: Loop) -> None:
    name = loop.run_sync(lambda: threading.current_thread().name)
    assert name == "agent-loop"
    assert loop.run_sync(lambda: loop.run_sync(lambda: 7)) == 7


def test_an_exception_comes_back_to_the_caller_and_the_loop_goes_on(loop: Loop) -> None:
    with pytest.raises(ZeroDivisionError):
        loop.run_sync(lambda: 1 // 0)
    loop.call_soon(lambda: 1 // 0)
    assert loop.run_sync(lambda: 1) == 1


def test_timers_run_in_order_and_not_after_a_cancel(loop: Loop) -> None:
    ran: list[int] = []
    cancelled = loop.call_later(0.01, ran.append, 9)
    cancelled.cancel()
    loop.call_later(0.06, ran.append, 2)
    loop.call_later(0.02, ran.append, 1)
    time.sleep(0.2)
    assert ran == [1, 2]


def test_what_blocks_runs_beside_the_loop(loop: Loop) -> None:
    gate, done = threading.Event(), threading.Event()
    got: list[object] = []

    def finish(value: object) -> None:
        got.append((value, threading.current_thread().name))
        done.set()

    loop.submit(lambda: gate.wait(5), finish)
    assert loop.run_sync(lambda: 3) == 3
    gate.set()
    assert done.wait(5)
    assert got == [(True, "agent-loop")]


def test_waiting_requests_do_not_hold_back_handshakes(loop: Loop) -> None:
    gate, connected = threading.Event(), threading.Event()
    for _ in range(20):
        loop.submit(lambda: gate.wait(5), lambda _: None)
    loop.submit_connect(lambda: None, lambda _: connected.set())
    assert connected.wait(2)
    gate.set()


def test_an_exception_beside_the_loop_is_handed_over(loop: Loop) -> None:
    got: list[object] = []
    done = threading.Event()

    def finish(outcome: object) -> None:
        got.append(type(outcome))
        done.set()

    loop.submit(lambda: 1 // 0, finish)
    assert done.wait(5)
    assert got == [ZeroDivisionError]
