"""Server time: learnt from verified tokens, kept by the monotonic clock, never from the wall clock alone."""

from __future__ import annotations

import random
import time

import pytest

from agent import clock
from agent.backoff import Backoff
from agent.clock import PhoneClock


@pytest.fixture
def ticking(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    moment = [1000.0]
    monkeypatch.setattr(clock, "monotonic", lambda: moment[0])
    return moment


def test_server_time_goes_on_from_the_highest_iat(ticking: list[float]) -> None:
    known = PhoneClock(offset=-86_400)
    known.learn(1_764_000_000)
    ticking[0] += 42
    assert known.server_time() == 1_764_000_042
    known.learn(1_764_000_010)
    assert known.server_time() == 1_764_000_042


def test_before_any_token_of_this_run_time_is_never_before_the_last_run(ticking: list[float]) -> None:
    far = int(time.time()) + 10_000
    assert PhoneClock(offset=-86_400, highest_iat=far).server_time() == far
    assert not PhoneClock(highest_iat=far).known


def test_iat_never_decreases(ticking: list[float]) -> None:
    known = PhoneClock()
    known.learn(2_000_000_000)
    first = known.next_iat()
    known.last_iat = first + 60
    assert known.next_iat() == first + 60
    ticking[0] += 61
    assert known.next_iat() == first + 61


def test_an_iat_that_a_wrong_clock_put_far_ahead_is_let_go(ticking: list[float]) -> None:
    known = PhoneClock(offset=86_400)
    ahead = known.next_iat()
    known.learn(ahead - 86_400)
    assert known.next_iat() == ahead - 86_400


def test_backoff_is_full_jitter_under_a_doubling_ceiling() -> None:
    backoff = Backoff(random.Random(1), 1.0, 300.0)
    for attempt in range(20):
        assert 0 <= backoff.next() <= min(300.0, 2.0**attempt)
    spread = [Backoff(random.Random(seed), 1.0, 300.0).next() for seed in range(200)]
    assert min(spread) < 0.1
    assert max(spread) > 0.9
    backoff.reset()
    assert backoff.next() <= 1.0
