"""Session takeovers: counted per device, by other connections of the same identity alone."""

from __future__ import annotations

import pytest

from mqtt.broker.logs import TAKEOVER_SECONDS, TakeoverCounter
from tests.broker.parts import Installation, Phone, until


def take_over(broker: Installation, phone: Phone, times: int) -> None:
    clients = [broker.client(phone) for _ in range(times + 1)]
    for client in clients:
        client.connect()


def test_three_takeovers_are_reported_once(broker: Installation) -> None:
    phone = broker.phone()
    take_over(broker, phone, 4)
    assert until(lambda: broker.takeovers != [], 5)
    assert broker.takeovers == [(phone.device_id, 3)]


@pytest.mark.usefixtures("watchful")
def test_kicks_reconnects_and_canaries_are_no_takeovers(broker: Installation) -> None:
    phone, other = broker.phone(), broker.phone()
    for _ in range(4):
        with broker.client(phone) as client:
            client.connect()
            broker.admin.kick([phone.device_id])
            assert client.wait_for_end(2)
        with broker.client(phone) as client:
            client.connect()
        broker.admin.probe()
    take_over(broker, other, 3)
    assert until(lambda: broker.takeovers != [], 5)
    assert [device for device, _ in broker.takeovers] == [other.device_id]


class Failing(list[tuple[str, int]]):
    """Takes nothing, like a database that is away."""

    calls = 0

    def append(self, item: tuple[str, int]) -> None:
        self.calls += 1
        raise RuntimeError("the database is away")


def test_a_callback_that_fails_does_not_end_the_role(broker: Installation) -> None:
    failing = Failing()
    broker.takeovers = failing
    take_over(broker, broker.phone(), 3)
    assert until(lambda: failing.calls == 1, 5)
    assert broker.admin.probe().safe


def test_takeovers_are_forgotten_after_ten_minutes() -> None:
    now = [0.0]
    counter = TakeoverCounter(lambda: now[0])
    assert counter.count("a") is None
    assert counter.count("a") is None
    now[0] = TAKEOVER_SECONDS + 1
    assert counter.count("a") is None
    assert counter.count("b") is None
    now[0] += 1
    assert counter.count("a") is None
    assert counter.count("a") == 3
    assert counter.count("a") is None


def test_the_counter_stays_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mqtt.broker.logs.TRACKED_DEVICES", 3)
    counter = TakeoverCounter(lambda: 0.0)
    for device in ("a", "a", "b", "c", "d"):
        counter.count(device)
    assert counter.count("a") is None  # the oldest was forgotten, so this one counts as its first
