"""Revoking a phone: its session is cut, it does not come back, and nobody else notices."""

from __future__ import annotations

import statistics
import threading
import time

import pytest

from core import clock
from mqtt.broker.errors import BrokerAway
from mqtt.broker.probe_client import ProbeClient, Refused
from mqtt.contract import topics
from mqtt.contract.names import Up
from tests.broker.parts import Installation, until

TRIES = 20


def cut_after_ms(broker: Installation) -> float:
    """From the call of revoke until the phone sees the end of its connection."""
    phone = broker.phone()
    with broker.client(phone) as client:
        client.connect()
        ended: list[float] = []

        def read() -> None:
            if client.wait_for_end(5):
                ended.append(time.perf_counter())

        reader = threading.Thread(target=read)
        reader.start()
        start = time.perf_counter()
        broker.revoke(phone)
        reader.join()
    return (ended[0] - start) * 1000


def test_a_revoked_phone_is_cut_and_stays_out(broker: Installation) -> None:
    phone, other = broker.phone(), broker.phone()
    with broker.client(phone) as client, broker.client(other) as bystander:
        client.connect()
        bystander.connect()
        broker.revoke(phone)
        assert client.wait_for_end(2)
        assert not bystander.wait_for_end(0.2)
        assert bystander.publish(topics.up(other.device_id, Up.HELLO)) in (0, 0x10)
    with broker.client(phone) as client, pytest.raises(Refused):
        client.connect()


def test_revoke_to_cut_is_a_matter_of_milliseconds(broker: Installation) -> None:
    figures = sorted(cut_after_ms(broker) for _ in range(TRIES))
    print(f"revoke to cut: median {statistics.median(figures):.1f} ms, worst {figures[-1]:.1f} ms")
    assert statistics.median(figures) < 100


def test_many_phones_are_cut_by_one_call(broker: Installation) -> None:
    phones = [broker.phone() for _ in range(20)]
    clients = [broker.client(phone) for phone in phones]
    for client in clients:
        client.connect()
    broker.revoked += [(phone.serial, clock.now()) for phone in phones]
    broker.admin.revoke([phone.device_id for phone in phones])
    assert all(client.wait_for_end(2) for client in clients)


def test_a_phone_revoked_earlier_stays_out_when_another_one_is_revoked(broker: Installation) -> None:
    first, second = broker.phone(), broker.phone()
    broker.revoke(first)
    broker.revoke(second)
    for phone in (first, second):
        with broker.client(phone) as client, pytest.raises(Refused):
            client.connect()


def test_a_kicked_phone_is_cut_and_may_come_back(broker: Installation) -> None:
    phone = broker.phone()
    with broker.client(phone) as client:
        client.connect()
        broker.admin.kick([phone.device_id])
        assert client.wait_for_end(2)
    with broker.client(phone) as client:
        client.connect()


def test_a_revocation_while_the_broker_is_away_holds_after_its_start(installation: Installation) -> None:
    phone = installation.phone()
    with installation.role():
        pass
    with pytest.raises(BrokerAway):
        installation.revoke(phone)
    with installation.role(), installation.client(phone) as client, pytest.raises(Refused):
        client.connect()


def test_the_watch_brings_a_revocation_that_nobody_carried_out_into_force(watchful: None, broker: Installation) -> None:
    phone = broker.phone()
    broker.revoked.append((phone.serial, clock.now()))
    assert until(lambda: refused(broker.client(phone)))


def test_the_source_that_forgets_the_canary_is_noticed_and_the_old_list_stays(broker: Installation) -> None:
    before = broker.files.crl.read_bytes()
    broker.forget_extra = True
    with pytest.raises(ValueError, match="canary"):
        broker.admin.apply()
    assert broker.files.crl.read_bytes() == before


def refused(client: ProbeClient) -> bool:
    with client:
        try:
            client.connect()
        except Refused:
            return True
        return False
