from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import clock
from mqtt.buckets import BURST_SECONDS, Buckets
from mqtt.contract.limits import FLOOD_CUT_S, PAYLOAD_MAX
from mqtt.contract.names import Up
from mqtt.effects import Publish
from mqtt.routes import DeviceRoutes, Inbound, Refusal, Router

KINDS = [str(kind) for kind in Up]


def _message(device: str, kind: str, number: int) -> Inbound:
    return Inbound(device, kind, str(number).encode(), clock.now())


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(KINDS)), max_size=40))
def test_the_order_of_one_phones_messages_is_kept_across_kinds(arrivals: list[tuple[str, str]]) -> None:
    handled: list[tuple[str, int]] = []
    room = DeviceRoutes()

    def take(messages: Sequence[Inbound]) -> list[Refusal]:
        assert len({message.kind for message in messages}) == 1
        handled.extend((message.device_id, int(message.payload)) for message in messages)
        return []

    for kind in KINDS:
        room.on(kind)(take)
    Router([room]).handle([_message(device, kind, number) for number, (device, kind) in enumerate(arrivals)])
    assert len(handled) == len(arrivals)
    for device in "abc":
        mine = [number for name, number in handled if name == device]
        assert mine == sorted(mine)


def test_a_kind_that_nobody_handles_is_refused() -> None:
    refusals = Router([]).handle([_message("a", "hello", 1)])
    assert [refusal.reason for refusal in refusals] == ["no_handler"]


def test_two_rooms_cannot_claim_one_kind() -> None:
    rooms = [DeviceRoutes(), DeviceRoutes()]
    for room in rooms:
        room.on("hello")(lambda _messages: [])
    with pytest.raises(ValueError, match="two handlers for hello"):
        Router(rooms)


def test_a_phone_within_its_rate_is_never_cut() -> None:
    buckets = Buckets(50, 1_000_000)
    assert all(buckets.allow("a", 100, number / 50) for number in range(5000))
    assert buckets.take_flooding() == []


def test_a_flooding_phone_is_cut_for_a_minute_and_others_are_not() -> None:
    buckets = Buckets(50, 1_000_000)
    passed = sum(buckets.allow("loud", 100, 0.0) for _ in range(5000))
    assert passed == 50 * BURST_SECONDS
    assert buckets.take_flooding() == ["loud"]
    assert buckets.take_flooding() == []
    assert buckets.allow("quiet", 100, 0.0)
    assert not buckets.allow("loud", 100, FLOOD_CUT_S - 1)
    assert buckets.take_flooding() == ["loud"], "it is told again while it goes on"
    assert buckets.allow("loud", 100, FLOOD_CUT_S + 1)


def test_bytes_count_too() -> None:
    buckets = Buckets(50, 1_000_000)
    passed = sum(buckets.allow("big", 200_000, 0.0) for _ in range(200))
    assert passed == BURST_SECONDS * 5


def test_an_oversized_message_is_never_published() -> None:
    Publish(1, "t", bytes(PAYLOAD_MAX))
    with pytest.raises(ValueError, match="more than"):
        Publish(1, "t", bytes(PAYLOAD_MAX + 1))
