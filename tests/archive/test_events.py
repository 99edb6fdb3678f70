"""Events: told fast, kept as records, joined by id whichever comes first."""

from __future__ import annotations

import json
from typing import Any

import pytest

from archive import event_store, signals
from core.runtime import runtime
from mqtt.routes import Inbound
from tests.archive.parts import Recorder, body, event, events, held, new_recorder, now, reasons, sealed, take
from tests.fleet.company import Company
from tests.fleet.phone import new_key


def sealed_body(row: Any) -> dict[str, Any]:
    opened = runtime().envelope.open(row.sealed, f"event:{row.device_id}:{row.event_id}")
    body: dict[str, Any] = json.loads(opened)
    return body


def test_an_event_is_in_the_timeline_at_once_and_its_excerpt_lies_sealed(company: Company, recorder: Recorder) -> None:
    told = event()
    assert take(recorder.tells(told)) == []
    row = events()[0]
    assert (row.event_id, row.type, row.severity, row.blocked, row.record_seq) == (
        told["id"],
        "keyword",
        "critical",
        True,
        None,
    )
    assert row.told_at is not None
    assert "打我卡上".encode() not in row.sealed
    assert sealed_body(row)["excerpt"] == "打我卡上"
    line = next(
        line for line in body(company.get(f"/devices/{recorder.id}/timeline"))["items"] if line["kind"] == "event"
    )
    assert (line["code"], line["ref"], line["detail"]["severity"]) == ("keyword", told["id"], "critical")
    assert "打我卡上" not in json.dumps(line, ensure_ascii=False)


def test_an_event_before_its_record_is_joined(company: Company, recorder: Recorder) -> None:
    told = event()
    take(recorder.tells(told))
    seq = recorder.keeps(told)
    take(recorder.sends())
    assert [(row.record_seq, row.told_at is not None) for row in events()] == [(seq, True)]
    assert held(recorder)[0].event_id == told["id"]
    assert company.timeline(recorder.phone).count("keyword") == 1


def test_a_record_before_its_event_is_joined(company: Company, recorder: Recorder) -> None:
    told = event()
    seq = recorder.keeps(told)
    take(recorder.sends())
    assert [(row.record_seq, row.told_at) for row in events()] == [(seq, None)]
    take(recorder.tells(told))
    assert [(row.record_seq, row.told_at is not None) for row in events()] == [(seq, True)]
    assert sealed_body(events()[0])["excerpt"] == "打我卡上"
    assert company.timeline(recorder.phone).count("keyword") == 1


def test_both_copies_in_one_message_batch_are_one_event(company: Company, recorder: Recorder) -> None:
    told = event(type="root_detected")
    seq = recorder.keeps(told)
    take(recorder.tells(told), recorder.sends(), recorder.tells(told))
    assert [(row.record_seq, row.told_at is not None) for row in events()] == [(seq, True)]
    assert company.timeline(recorder.phone).count("root_detected") == 1


def test_a_repeated_event_changes_nothing_even_with_other_content(company: Company, recorder: Recorder) -> None:
    told = event()
    take(recorder.tells(told))
    before = events()[0]
    take(recorder.tells({**told, "excerpt": "改了", "severity": "info"}))
    after = events()[0]
    assert (after.sealed, after.severity, after.told_at) == (before.sealed, "critical", before.told_at)
    assert company.timeline(recorder.phone).count("keyword") == 1


def test_equal_ids_of_two_phones_are_two_events(recorder: Recorder) -> None:
    other = new_recorder()
    told = event()
    take(recorder.tells(told), other.tells(told))
    assert {row.device_id for row in events()} == {recorder.id, other.id}


def test_higher_rooms_hear_of_a_batch_at_once(recorder: Recorder) -> None:
    seen: list[Any] = []
    archived: list[Any] = []

    def on_events(_sender: Any, events: list[Any]) -> None:
        seen.append([one.event.id for one in events])

    def on_messages(_sender: Any, messages: list[Any]) -> None:
        archived.append([(one.seq, one.record.text if one.record else None) for one in messages])

    first, second = event(), event()
    recorder.say("你好")
    recorder.add("坏的")
    with (
        signals.events_seen.connected_to(on_events),
        signals.message_archived.connected_to(on_messages),
    ):
        take(recorder.tells(first), recorder.tells(second))
        take(recorder.sends())
        take(recorder.sends())
    assert seen == [[first["id"], second["id"]]]
    assert archived == [[(1, "你好"), (2, None)]]


@pytest.mark.parametrize(
    ("made", "reason"),
    [
        (lambda r: r.tells(event(), sub="00000000-0000-4000-8000-000000000000"), "sub"),
        (lambda r: r.tells(event(type="unheard_of")), "form"),
        (lambda r: r.tells(event(id="not-a-uuid")), "form"),
        (lambda r: r.tells(event(detail={"x": "\0"})), "nul"),
        (lambda r: r.tells(event(excerpt="\ud800")), "lone_surrogate"),
        (lambda r: r.tells(event(excerpt="长" * 2001)), "form"),
        (lambda r: r.tells(event(), iat="soon"), "iat"),
        (lambda r: forged(r, typ="shouji-hello+jws"), "typ"),
        (lambda r: forged(r, key=new_key()), "kid"),
        (lambda r: forged(r, alg="none"), "alg"),
        (lambda r: Inbound(r.id, "event", sealed(b"not a jws"), now()), "form"),
        (lambda r: Inbound(r.id, "event", b"\xff\xfe", now()), "form"),
    ],
)
def test_an_event_that_cannot_be_believed_changes_nothing(recorder: Recorder, made: Any, reason: str) -> None:
    assert reasons(take(made(recorder))) == [reason]
    assert events() == []


def forged(recorder: Recorder, *, typ: str = "shouji-event+jws", key: Any = None, alg: str = "ES256") -> Inbound:
    claims = {"sub": recorder.id, "jti": "1", "iat": int(now().timestamp()), **event()}
    token = recorder.phone.sign(typ, claims, key=key, alg=alg)
    return Inbound(recorder.id, "event", sealed(token.encode()), now())


def test_a_record_that_only_looks_like_an_event_is_archived_without_one(recorder: Recorder) -> None:
    recorder.say("{}", channel="device", kind="event")
    recorder.say(json.dumps(event()), channel="wechat", kind="event")
    take(recorder.sends())
    assert events() == []
    assert [row.event_id for row in held(recorder)] == [None, None]


def test_a_backlog_of_many_events_in_one_message_batch_is_joined(recorder: Recorder) -> None:
    first = event()
    recorder.keeps(first)
    for _ in range(400):
        recorder.keeps(event())
    take(recorder.tells(first), *(recorder.sends(start, min(start + 199, 401)) for start in (1, 201, 401)))
    assert len(events()) == 401
    assert [row.told_at is not None for row in events() if row.event_id == first["id"]] == [True]


def test_more_events_than_one_statement_may_name_are_joined(
    recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_store, "KEYS_AT_ONCE", 3)
    told = [event() for _ in range(8)]
    for one in told:
        recorder.keeps(one)
    take(recorder.sends())
    take(*(recorder.tells(one) for one in told))
    assert len([row for row in events() if row.told_at and row.record_seq]) == 8
