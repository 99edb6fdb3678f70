from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from sqlalchemy import func, select

from core import clock, jobs, live
from core.db import session
from core.runtime import runtime
from core.uow import unit_of_work
from fleet import guards, presence
from fleet.events import PresenceChange, posture_changed, presence_changed
from fleet.models import HeartbeatSample, Presence
from mqtt.contract.limits import HEARTBEAT_MAX
from tests.fleet.company import Company, hear
from tests.fleet.phone import Phone, wire

SECOND = timedelta(seconds=1)


@pytest.fixture
def changes() -> Iterator[list[tuple[str, bool]]]:
    """Every change of presence that was told."""
    told: list[tuple[str, bool]] = []

    def listen(_sender: Any, changes: list[PresenceChange]) -> None:
        told.extend((change.device_id, change.online) for change in changes)

    with presence_changed.connected_to(listen):
        yield told


def shown(company: Company, phone: Phone) -> dict[str, Any]:
    view: dict[str, Any] = company.device(phone)["presence"]
    return view


def test_a_phone_comes_and_goes_and_says_since_when(company: Company, changes: list[Any]) -> None:
    phone, at = company.enroll(), clock.now()
    hear(phone.presence(True, at))
    assert (shown(company, phone)["online"], shown(company, phone)["since"]) == (True, wire(at))
    hear(phone.presence(False, at + SECOND))
    assert (shown(company, phone)["online"], shown(company, phone)["since"]) == (False, wire(at + SECOND))
    assert changes == [(phone.id, True), (phone.id, False)]


def test_offline_counts_for_its_own_connection_only(company: Company, changes: list[Any]) -> None:
    phone, at = company.enroll(), clock.now()
    newer = str(uuid.uuid4())
    hear(phone.presence(True, at), phone.presence(True, at + SECOND, newer), phone.presence(False, at + 2 * SECOND))
    assert shown(company, phone)["online"] is True
    hear(phone.presence(False, at + 3 * SECOND, newer))
    assert shown(company, phone)["online"] is False
    assert changes == [(phone.id, True), (phone.id, False)]


def test_only_real_changes_reach_the_pages(company: Company) -> None:
    phone, at = company.enroll(), clock.now()
    with unit_of_work(write=False) as current:
        before = live.latest(current)
    for second in range(5):
        hear(phone.presence(True, at + second * SECOND), phone.heartbeat(at + second * SECOND))
    with unit_of_work(write=False) as current:
        told = [event.key for event in live.since(current, before) if event.topic == "devices"]
    assert told == [phone.id]


def test_a_batch_is_folded_in_the_order_of_each_phone(company: Company, changes: list[Any]) -> None:
    token, at = company.token(), clock.now()
    one, other = company.enroll(token=token), company.enroll(token=token)
    hear(one.presence(True, at), other.presence(True, at), one.presence(False, at), other.heartbeat(at))
    assert (shown(company, one)["online"], shown(company, other)["online"]) == (False, True)
    assert changes == [(other.id, True)]


def test_a_heartbeat_is_shown_and_seen_at_the_servers_time(company: Company) -> None:
    phone, at = company.enroll(), clock.now()
    hear(
        phone.heartbeat(
            at - 5 * SECOND,
            at,
            battery=0.5,
            charging=True,
            network="cellular",
            queue={"records": 7, "oldest": wire(at)},
        )
    )
    view = shown(company, phone)
    assert view["last_seen_at"] == wire(at)
    assert view["heartbeat_at"] == wire(at - 5 * SECOND)
    assert (view["battery"], view["charging"], view["network"], view["queue_records"]) == (0.5, True, "cellular", 7)
    assert view["online"] is True
    assert company.device(phone)["compliance"]["state"] == "compliant"


def test_an_older_or_repeated_heartbeat_changes_nothing_but_last_seen(company: Company) -> None:
    phone, at = company.enroll(), clock.now()
    hear(phone.heartbeat(at, battery=0.9))
    hear(phone.heartbeat(at - SECOND, at + SECOND, battery=0.1), phone.heartbeat(at, at + 2 * SECOND, battery=0.2))
    view = shown(company, phone)
    assert (view["battery"], view["heartbeat_at"], view["last_seen_at"]) == (0.9, wire(at), wire(at + 2 * SECOND))


def test_in_one_batch_the_newest_heartbeat_counts_whatever_the_order(company: Company) -> None:
    phone, at = company.enroll(), clock.now()
    hear(*(phone.heartbeat(at + n * SECOND, at + 9 * SECOND, battery=n / 10) for n in (3, 1, 2)))
    assert shown(company, phone)["battery"] == 0.3


def test_a_heartbeat_from_tomorrow_counts_as_of_now_and_locks_nobody_out(company: Company) -> None:
    phone, at = company.enroll(), clock.now()
    hear(phone.heartbeat(at + timedelta(days=1), at, battery=0.9))
    assert shown(company, phone)["heartbeat_at"] == wire(at)
    hear(phone.heartbeat(at + 60 * SECOND, at + 60 * SECOND, battery=0.8))
    assert shown(company, phone)["battery"] == 0.8


def test_messages_of_an_unknown_phone_change_nothing_and_are_no_refusal(company: Company) -> None:
    stranger, at = Phone(id=str(uuid.uuid4())), clock.now()
    assert hear(stranger.heartbeat(at), stranger.presence(True, at), stranger.hello(at)) == []
    with unit_of_work(write=False) as current:
        assert current.scalar(select(func.count()).select_from(Presence)) == 0


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"{",
        b"[]",
        b'"x"',
        b"\xff",
        json.dumps({"at": "2026-11-23T06:50:00.123Z"}).encode(),
        b'{"at": "\\ud800"}',
        b"[" * 2000 + b"]" * 2000,
        b'{"at":"' + b"x" * HEARTBEAT_MAX + b'"}',
    ],
)
def test_what_is_no_heartbeat_is_refused_and_the_rest_of_the_batch_counts(company: Company, payload: bytes) -> None:
    phone, at = company.enroll(), clock.now()
    bad = phone.inbound("heartbeat", payload, at)
    assert [one.message for one in hear(bad, phone.heartbeat(at, battery=0.7))] == [bad]
    assert shown(company, phone)["battery"] == 0.7


@pytest.mark.parametrize(
    "changes",
    [
        {"battery": 2},
        {"battery": "0.5"},
        {"at": 5},
        {"at": "yesterday"},
        {"network": "5g"},
        {"storage_free": -1},
        {"generation": 2**60},
        {"posture": None},
        {"posture": {"permissions": {"sms": "yes"}}},
        {"posture": {"encrypted": "yes"}},
        {"bundle": "xyz"},
        {"location": {"lat": 91, "lon": 0, "accuracy_m": 1, "at": "2026-11-23T06:50:00.123Z"}},
        {"posture": {"permissions": {"a\u0000b": True}}},
    ],
)
def test_a_member_of_a_wrong_type_makes_the_heartbeat_refused(company: Company, changes: dict[str, Any]) -> None:
    phone = company.enroll()
    assert len(hear(phone.heartbeat(clock.now(), **changes))) == 1
    assert shown(company, phone)["last_seen_at"] is None


def test_unknown_members_are_ignored(company: Company) -> None:
    phone = company.enroll()
    assert hear(phone.heartbeat(clock.now(), later="version", deep={"a": [1, {"b": None}]})) == []


def test_another_posture_is_told_once_and_the_same_again_is_not(company: Company) -> None:
    phone, at = company.enroll(), clock.now()
    posture = {"passcode": False, "permissions": {"sms": False}, "sim": ["a" * 64], "security_patch": "2026-10-05"}
    told: list[list[str]] = []

    def listen(_sender: Any, device_ids: list[str]) -> None:
        told.append(device_ids)

    changes: list[dict[str, Any]] = [
        {},
        {"passcode": True},
        {"permissions": {"sms": True}},
        {"sim": ["b" * 64]},
        {"security_patch": "2026-11-05"},
        {"rooted": True},
    ]
    with posture_changed.connected_to(listen):
        for number, change in enumerate(changes):
            for twice in (0, 1):
                sent_at = at + (2 * number + twice) * SECOND
                hear(phone.heartbeat(sent_at, posture={**posture, **change}))
    assert told == [[phone.id]] * len(changes)


def test_history_is_sampled_not_one_row_for_each_heartbeat(company: Company) -> None:
    phone, at = company.enroll(), clock.now()
    for minute in range(0, 65, 5):
        hear(phone.heartbeat(at + timedelta(minutes=minute), battery=minute / 100))
    with unit_of_work(write=False) as current:
        kept = list(current.scalars(select(HeartbeatSample.battery).order_by(HeartbeatSample.at)))
    assert kept == [0.0, 0.3, 0.6]
    assert [one["battery"] for one in company.device(phone)["history"]] == [0.6, 0.3, 0.0]


def test_a_position_is_discarded_unless_the_policy_allows_it_and_is_kept_sealed(company: Company) -> None:
    token, at = company.token(), clock.now()
    one, other = company.enroll(token=token), company.enroll(token=token)
    location = {"lat": 31.23, "lon": 121.47, "accuracy_m": 12.5, "at": wire(at)}
    hear(one.heartbeat(at, location=location))
    assert _location(one) is None
    asked: list[Any] = []

    def rule(positions: Any) -> set[int]:
        asked.extend(positions)
        return {index for index, (device_id, _) in enumerate(positions) if device_id == one.id}

    guards.bind(location_rule=rule)
    later = at + SECOND
    hear(other.heartbeat(later, location=location), one.heartbeat(later, location=location))
    assert sorted(device_id for device_id, _ in asked) == sorted([one.id, other.id])
    assert _location(other) is None
    sealed = _location(one)
    assert sealed is not None
    assert b"31.23" not in sealed
    assert json.loads(runtime().envelope.open(sealed, f"presence:{one.id}"))["lat"] == 31.23
    company.post(f"/devices/{one.id}/revoke", {"reason": "丢失"})
    assert _location(one) is None


def test_three_missed_heartbeats_make_a_phone_offline_and_the_next_one_brings_it_back(
    company: Company, changes: list[Any]
) -> None:
    token, at = company.token(), clock.now()
    quick, slow = company.enroll(token=token), company.enroll(token=token)
    with unit_of_work():
        presence.expect({slow.id: 600})
    hear(quick.presence(True, at), slow.presence(True, at), quick.heartbeat(at), slow.heartbeat(at))
    with time_machine.travel(at + timedelta(seconds=179), tick=False):
        assert jobs.run("fleet-overdue") == "done"
    assert len(changes) == 2
    with time_machine.travel(at + timedelta(seconds=182), tick=False):
        assert jobs.run("fleet-overdue") == "done"
    assert changes[2:] == [(quick.id, False)]
    assert (shown(company, quick)["online"], shown(company, slow)["online"]) == (False, True)
    hear(quick.heartbeat(at + timedelta(seconds=190)))
    assert changes[3:] == [(quick.id, True)]


def test_a_kick_makes_a_phone_offline_and_its_old_connections_last_word_changes_nothing(
    company: Company, changes: list[Any]
) -> None:
    phone, at = company.enroll(), clock.now()
    hear(phone.presence(True, at))
    with unit_of_work():
        assert presence.mark_offline([phone.id]) == [phone.id]
        assert presence.mark_offline([phone.id]) == []
    hear(phone.presence(True, at + SECOND, str(uuid.uuid4())), phone.presence(False, at + 2 * SECOND))
    assert changes == [(phone.id, True), (phone.id, False), (phone.id, True)]


def _location(phone: Phone) -> bytes | None:
    with unit_of_work(write=False):
        return session().scalar(select(Presence.location).where(Presence.device_id == phone.id))


def test_every_value_of_a_heartbeat_is_stored_as_it_came_on_both_databases(company: Company) -> None:
    phone, at = company.enroll(), clock.now()
    oldest = at - timedelta(days=3, milliseconds=7)
    names = {'a "quoted", {braced}, \\slashed NULL', "权限"}
    hear(
        phone.heartbeat(
            at,
            battery=0.123456789,
            charging=None,
            storage_free=2**53 - 1,
            uptime_s=0,
            queue={"records": 2**40, "oldest": wire(oldest)},
            generation=2**53 - 1,
            bundle="0f" * 32,
            posture={
                "permissions": {'a "quoted", {braced}, \\slashed NULL': True, "权限": True},
                "security_patch": None,
            },
        )
    )
    with unit_of_work(write=False) as current:
        row = current.get_one(Presence, phone.id)
        assert (row.battery, row.charging, row.network) == (0.123456789, None, "wifi")
        assert (row.storage_free, row.uptime_s, row.queue_records) == (2**53 - 1, 0, 2**40)
        assert (row.queue_oldest, row.heartbeat_at, row.last_seen_at) == (oldest, at, at)
        assert (row.generation, row.bundle) == (2**53 - 1, "0f" * 32)
        assert row.posture is not None
        assert set(row.posture["permissions"]) == names
