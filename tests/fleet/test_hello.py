from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from core import clock
from core.runtime import runtime
from core.uow import unit_of_work
from fleet import queries
from fleet.events import HelloReceived, hello_received
from mqtt.events import flooded, taken_over
from tests.fleet.company import Company, hear
from tests.fleet.phone import Phone, new_key, wire

SECOND = timedelta(seconds=1)


@pytest.fixture
def told() -> Iterator[list[list[HelloReceived]]]:
    """Every batch that `hello_received` told."""
    batches: list[list[HelloReceived]] = []

    def listen(_sender: Any, hellos: list[HelloReceived]) -> None:
        batches.append(hellos)

    with hello_received.connected_to(listen):
        yield batches


def codes(company: Company, phone: Phone) -> list[str]:
    return [one["code"] for one in company.device(phone)["compliance"]["findings"]]


def inventory(company: Company, phone: Phone) -> dict[str, Any]:
    view: dict[str, Any] = company.device(phone)["inventory"]
    return view


def test_a_hello_becomes_the_inventory_and_is_told_once_for_a_batch(company: Company, told: list[Any]) -> None:
    token, at = company.token(), clock.now()
    one, other = company.enroll(token=token), company.enroll(token=token)
    said = {"capabilities": ["numbers", "lock", "lock"], "next_seq": 12, "oldest_seq": 9, "archived_through": 8}
    assert hear(one.hello(at, agent_version="1.2.0", **said), other.hello(at)) == []
    view = inventory(company, one)
    assert (view["boot_id"], view["capabilities"]) == (one.boot_id, ["lock", "numbers"])
    assert (view["next_seq"], view["oldest_seq"], view["archived_through"], view["clock_skew_s"]) == (12, 9, 8, 0)
    assert company.device(one)["agent_version"] == "1.2.0"
    assert "agent.updated" in company.timeline(one)
    assert len(told) == 1
    assert {hello.device_id for hello in told[0]} == {one.id, other.id}
    assert all(hello.not_before is None for hello in told[0])
    with unit_of_work(write=False):
        assert queries.hellos([one.id])[one.id].connection == one.connection


def test_a_hello_that_the_phone_did_not_sign_as_it_must_is_refused(company: Company, told: list[Any]) -> None:
    token, at = company.token(), clock.now()
    phone, other = company.enroll(token=token), company.enroll(token=token)
    good = phone.hello(at).payload.decode()
    body = {"sub": phone.id, "jti": "1", "iat": int(at.timestamp())}
    forged = [
        phone.sign("shouji-hello+jws", body, key=new_key()),
        phone.sign("shouji-reported+jws", body),
        phone.sign("shouji-hello+jws", body, alg="none"),
        phone.sign("shouji-hello+jws", body),
        other.hello(at).payload.decode(),
        good[:-6] + "AAAAAA",
        good.replace(".", "", 1),
        "",
        "{}",
    ]
    for text in forged:
        refused = hear(phone.inbound("hello", text.encode(), at))
        assert len(refused) == 1, text
        assert refused[0].reason
    assert company.device(phone)["inventory"] is None
    assert told == []


def test_an_older_or_repeated_hello_changes_nothing_and_is_not_answered(company: Company, told: list[Any]) -> None:
    phone, at = company.enroll(), clock.now()
    first = phone.hello(at, next_seq=10)
    hear(first)
    hear(phone.hello(at - 5 * SECOND, next_seq=3))
    hear(first)
    assert inventory(company, phone)["next_seq"] == 10
    assert len(told) == 1


def test_a_time_ahead_counts_as_the_receive_time(company: Company, told: list[Any]) -> None:
    phone, at = company.enroll(), clock.now()
    hear(phone.hello(at, iat=int(at.timestamp()) + 86_400, next_seq=2))
    hear(phone.hello(at + SECOND, next_seq=3))
    assert inventory(company, phone)["next_seq"] == 3
    assert len(told) == 2


def test_one_answer_in_thirty_seconds_and_the_deferred_one_at_their_end(company: Company, told: list[Any]) -> None:
    phone, at = company.enroll(), clock.now()
    span = timedelta(seconds=runtime().settings.hello_interval)
    for second in (0, 10, 20, 31, 61, 200):
        hear(phone.hello(at + second * SECOND, connection=str(uuid.uuid4())))
    assert [batch[0].not_before for batch in told] == [None, at + span, at + span, at + 2 * span, at + 3 * span, None]


def test_a_new_start_of_the_phone_is_answered_at_once(company: Company, told: list[Any]) -> None:
    phone, at = company.enroll(), clock.now()
    hear(phone.hello(at))
    hear(phone.hello(at + SECOND, boot_id="another start"))
    assert [(batch[0].not_before, batch[0].new_boot) for batch in told] == [(None, True), (None, True)]


def test_two_hellos_in_one_batch_are_told_as_the_newest_and_answered_at_once(company: Company, told: list[Any]) -> None:
    phone, at = company.enroll(), clock.now()
    newer = str(uuid.uuid4())
    hear(phone.hello(at), phone.hello(at + SECOND, connection=newer))
    assert [(one.hello.connection, one.not_before, one.new_boot) for one in told[0]] == [(newer, None, True)]


def test_a_clock_that_is_off_is_a_finding_until_it_is_right(company: Company) -> None:
    phone, at = company.enroll(), clock.now()
    hear(phone.hello(at, clock=wire(at + timedelta(hours=25))))
    assert company.device(phone)["compliance"]["findings"][0]["detail"] == {"seconds": 90_000}
    hear(phone.hello(at + SECOND, clock=wire(at + timedelta(seconds=100))))
    assert codes(company, phone) == []
    hear(phone.hello(at + 2 * SECOND, clock=wire(at - timedelta(seconds=200))))
    assert codes(company, phone) == ["clock_skew"]


def test_alternating_starts_are_a_cloned_identity_until_somebody_confirms_the_phone(company: Company) -> None:
    phone, at = company.enroll(token=company.token(person="E1024")), clock.now()
    for second, boot in enumerate(["a", "b", "b", "c"]):
        hear(phone.hello(at + second * SECOND, boot_id=boot))
    assert codes(company, phone) == []
    hear(phone.hello(at + 9 * SECOND, boot_id="a"))
    assert codes(company, phone) == ["cloned_identity"]
    company.post(f"/devices/{phone.id}/confirm", {})
    assert codes(company, phone) == []


def test_takeovers_and_floods_that_the_broker_tells_become_findings(company: Company) -> None:
    phone = company.enroll()
    with unit_of_work():
        flooded.send(None, devices=[phone.id, str(uuid.uuid4())])
        taken_over.send(None, devices=[phone.id])
    assert sorted(codes(company, phone)) == ["cloned_identity", "flood"]


def test_a_lost_phone_says_hello_too(company: Company, told: list[Any]) -> None:
    phone = company.enroll()
    company.patch(f"/devices/{phone.id}", {"state": "lost", "reason": "遗失"})
    hear(phone.hello(clock.now()))
    assert [one.state for one in told[0]] == ["lost"]


def test_wrong_members_of_a_signed_hello_are_refused(company: Company) -> None:
    phone, at = company.enroll(), clock.now()
    for changes in (
        {"boot_id": ""},
        {"capabilities": ["x"] * 201},
        {"next_seq": 0},
        {"clock": "now"},
        {"connection": "1"},
    ):
        assert len(hear(phone.hello(at, **changes))) == 1, changes
    assert hear(phone.hello(at, later={"a": 1})) == []
