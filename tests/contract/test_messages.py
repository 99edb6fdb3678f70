"""Messages: right types without coercion, unknown members ignored, args strict, round trips exact."""

from __future__ import annotations

import base64
import copy
import hashlib
from datetime import UTC, datetime
from typing import Any

import pytest

from mqtt.contract import codec
from mqtt.contract.archived import Archived
from mqtt.contract.codec import BadPayload
from mqtt.contract.command import ARGS, Command, WipeArgs, parse_args
from mqtt.contract.contacts import Contacts
from mqtt.contract.desired import Desired
from mqtt.contract.event import Event
from mqtt.contract.heartbeat import Heartbeat
from mqtt.contract.hello import Hello
from mqtt.contract.jwks import Jwk
from mqtt.contract.model import Message
from mqtt.contract.names import CommandType
from mqtt.contract.presence import Presence
from mqtt.contract.records import AddressPeer, Batch, PointPeer, read_record
from mqtt.contract.reported import Reported
from mqtt.contract.result import Result
from mqtt.contract.status import Status
from mqtt.contract.times import from_wire, to_wire

ID = "3f2b8c1e-0000-4000-8000-00000000abcd"
HEX = "ab" * 32
KEY = "A" * 43
SIGNED = {"sub": ID, "iat": 1764000000}
SAID = {**SIGNED, "jti": "7b0d6a2e-2d1f-4a37-93a5-1d1a31a5c7de"}
NOW = "2026-11-23T06:50:00.123Z"
REPORTED = {
    "generation": 5,
    "bundle": HEX,
    "outcome": "applied",
    "detail": None,
    "at": NOW,
    "rules": {"apps": "enforced"},
}

GOOD: dict[type[Message], dict[str, Any]] = {
    Hello: {
        **SAID, "connection": ID, "boot_id": "b", "agent_version": "1", "capabilities": ["lock"], "generation": 5,
        "highest_generation": 6, "bundle": HEX, "reported": REPORTED, "contacts_version": 0, "next_seq": 7,
        "oldest_seq": 3, "archived_through": 2, "clock": NOW, "notice_version": "1",
    },
    Presence: {"online": True, "connection": ID},
    Heartbeat: {
        "at": NOW, "battery": 0.83, "charging": False, "network": "wifi", "storage_free": 12345678, "uptime_s": 4242,
        "queue": {"records": 2, "oldest": NOW}, "generation": 5, "bundle": HEX,
        "posture": {
            "encrypted": True, "passcode": True, "rooted": False, "developer_mode": False, "agent_admin": True,
            "permissions": {"sms": True}, "sim": [HEX], "security_patch": "2026-10-05",
        },
        "location": {"lat": 31.2, "lon": 121.4, "accuracy_m": 5.0, "at": NOW},
    },
    Reported: {**SAID, **REPORTED},
    Result: {**SAID, "command": ID, "status": "succeeded", "detail": None, "output": {"a": 1}, "at": NOW},
    Event: {
        **SAID, "id": ID, "at": NOW, "type": "keyword", "severity": "critical", "rule": "a/b",
        "peer": {"address": None, "name": "王"}, "excerpt": "x", "blocked": True, "detail": {},
    },
    Batch: {"first": 1, "prev": HEX, "records": ["{}"], "head": HEX, "sig": "A" * 86},
    Desired: {**SIGNED, "generation": 5, "bundle": {"digest": HEX, "size": 9, "key": KEY}, "notice": "1"},
    Command: {**SIGNED, "jti": ID, "type": "ping", "args": {}, "exp": 1764000600},
    Archived: {**SIGNED, "through": 4, "head": HEX, "root": None, "connection": ID},
    Status: {**SIGNED, "state": "active", "action": "none", "retry_after": 5},
    Contacts: {
        **SIGNED, "version": 3, "exp": 1764000600,
        "contacts": [{
            "id": "c", "name": "王先生", "relation": "customer", "cases": ["1"], "may_call": True,
            "alias": "客户-7F3AQ",
            "points": [{"id": "p", "channel": "phone", "masked": "138****8000"}], "lease": {"talks": 1, "until": NOW},
        }],
    },
}  # fmt: skip


@pytest.mark.parametrize("model", GOOD, ids=lambda model: model.__name__)
def test_a_message_reads_and_goes_out_as_it_came(model: type[Message]) -> None:
    assert model.read(codec.encode(GOOD[model])).wire() == GOOD[model]


@pytest.mark.parametrize("model", GOOD, ids=lambda model: model.__name__)
def test_unknown_members_change_nothing(model: type[Message]) -> None:
    assert model.take({**GOOD[model], "later": {"x": 1}}).wire() == GOOD[model]


def _wrong(value: Any) -> Any:
    return {str: 7, bool: "yes", int: "7", float: "0.5", list: {}, dict: [], type(None): None}[type(value)]


@pytest.mark.parametrize("model", GOOD, ids=lambda model: model.__name__)
def test_a_member_of_the_wrong_type_is_refused_by_name(model: type[Message]) -> None:
    for name, value in GOOD[model].items():
        if value is None:
            continue
        spoiled = copy.deepcopy(GOOD[model])
        spoiled[name] = _wrong(value)
        with pytest.raises(BadPayload) as caught:
            model.take(spoiled)
        assert caught.value.reason == "form"
        assert name in caught.value.detail


@pytest.mark.parametrize(
    ("model", "name", "value"),
    [
        (Heartbeat, "battery", 1.5),
        (Heartbeat, "battery", True),
        (Heartbeat, "network", "5g"),
        (Heartbeat, "storage_free", -1),
        (Heartbeat, "storage_free", 2**60),
        (Heartbeat, "at", "2026-11-23 06:50:00"),
        (Heartbeat, "at", "2026-11-23T06:50:00+08:00"),
        (Heartbeat, "at", "2026-13-23T06:50:00Z"),
        (Hello, "next_seq", 0),
        (Hello, "connection", ID.upper()),
        (Hello, "bundle", HEX[:-1]),
        (Batch, "records", []),
        (Batch, "records", ["{}"] * 201),
        (Batch, "first", 0),
        (Batch, "sig", "A" * 85),
        (Result, "status", "done"),
        (Event, "type", "other"),
        (Desired, "bundle", {"digest": HEX, "size": 9, "key": "short"}),
        (Command, "exp", 1.5),
        (Presence, "connection", ID + "\n"),
    ],
)
def test_a_value_out_of_range_is_refused(model: type[Message], name: str, value: Any) -> None:
    with pytest.raises(BadPayload, match=name):
        model.take({**GOOD[model], name: value})


def test_null_means_that_there_is_no_generation_yet() -> None:
    hello = Hello.take({**GOOD[Hello], "generation": None, "bundle": None, "reported": None})
    assert (hello.generation, hello.bundle) == (0, None)


def test_what_has_no_value_is_left_out_where_the_protocol_says_absent() -> None:
    beat = {name: value for name, value in GOOD[Heartbeat].items() if name != "location"}
    assert "location" not in Heartbeat.take(beat).wire()
    archived = Archived.take({**SIGNED, "through": 0, "head": HEX, "root": None})
    assert set(archived.wire()) == {"sub", "iat", "through", "head", "root"}


def test_the_refusal_never_repeats_the_content() -> None:
    with pytest.raises(BadPayload) as caught:
        Event.take({**GOOD[Event], "excerpt": 13800138000})
    assert "13800138000" not in str(caught.value)


@pytest.mark.parametrize("kind", list(CommandType))
def test_every_command_type_has_args_that_refuse_what_they_do_not_know(kind: CommandType) -> None:
    with pytest.raises(BadPayload) as caught:
        parse_args(kind, {"surprise": 1})
    assert caught.value.reason == "form"
    assert kind in ARGS


@pytest.mark.parametrize(
    "args",
    [
        {},
        {"scope": "work_data", "preserve_records": True},
        {"scope": "all", "preserve_records": True, "deadline_s": 5},
        {"scope": "device", "preserve_records": "true", "deadline_s": 5},
        {"scope": "device", "preserve_records": True, "deadline_s": -1},
        {"scope": "device", "preserve_records": True, "deadline_s": 5.5},
    ],
)
def test_wipe_args_are_never_guessed(args: dict[str, Any]) -> None:
    with pytest.raises(BadPayload):
        parse_args("wipe", args)


def test_wipe_args_are_read() -> None:
    args = parse_args("wipe", {"scope": "device", "preserve_records": False, "deadline_s": 30})
    assert args == WipeArgs(scope="device", preserve_records=False, deadline_s=30)


def test_an_unknown_command_type_is_unsupported_and_still_a_command() -> None:
    assert Command.take({**GOOD[Command], "type": "dance"}).type == "dance"
    with pytest.raises(BadPayload) as caught:
        parse_args("dance", {})
    assert caught.value.reason == "unsupported"


RECORD = {
    "seq": 101, "salt": "AAAAAAAAAAAAAAAAAAAAAA", "id": None, "at": NOW, "source": "live", "channel": "wechat",
    "kind": "text", "direction": "in", "conversation": "c1", "group": False, "account": None, "sender": None,
    "peer": {"address": None, "name": "王先生"}, "refers": None, "text": "你好", "outcome": None, "duration_s": 0,
    "recorded": None, "amount_fen": None, "ticket": None, "media": None, "case": None, "hits": [], "blocked": False,
}  # fmt: skip


def test_a_record_reads_and_goes_out_as_it_came() -> None:
    assert read_record(codec.encode(RECORD).decode()).wire() == RECORD


def test_a_peer_is_a_point_or_an_address() -> None:
    assert read_record(codec.encode({**RECORD, "peer": {"point": "p1"}}).decode()).peer == PointPeer(point="p1")
    assert isinstance(read_record(codec.encode(RECORD).decode()).peer, AddressPeer)


@pytest.mark.parametrize(
    "text", ["", "[]", "{", '{"seq":1}', codec.encode({**RECORD, "kind": "dream"}).decode(), '{"seq":1,"seq":2}']
)
def test_a_record_without_form_is_refused(text: str) -> None:
    with pytest.raises(BadPayload):
        read_record(text)


def test_a_key_has_its_rfc_7638_thumbprint() -> None:
    jwk = Jwk.take({"kty": "EC", "crv": "P-256", "x": "A" * 43, "y": "B" * 43, "kid": "whatever"})
    again = Jwk.take({"y": "B" * 43, "x": "A" * 43, "crv": "P-256", "kty": "EC", "use": "sig"})
    assert jwk.thumbprint == again.thumbprint
    canonical = b'{"crv":"P-256","kty":"EC","x":"' + b"A" * 43 + b'","y":"' + b"B" * 43 + b'"}'
    digest = hashlib.sha256(canonical).digest()
    assert jwk.thumbprint == base64.urlsafe_b64encode(digest).decode().rstrip("=")


def test_times_keep_their_milliseconds() -> None:
    assert to_wire(from_wire(NOW)) == NOW
    assert to_wire(from_wire("2026-11-23T06:50:00Z")) == "2026-11-23T06:50:00.000Z"
    assert to_wire(from_wire("2026-11-23T06:50:00.123999Z")) == NOW
    assert from_wire(NOW) == datetime(2026, 11, 23, 6, 50, 0, 123000, UTC)
    with pytest.raises(ValueError, match="zone"):
        to_wire(datetime(2026, 1, 1))
