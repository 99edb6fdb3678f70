"""Messages that the server never sent: whoever owns the broker can make a phone do nothing but raise an alarm."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import count
from typing import Any

import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from agent.phone import Phone
from config.loading import load
from core.crypto.jwk import unb64u
from core.crypto.keyring import KeyRing
from mqtt.broker.endpoint import service_endpoint
from mqtt.contract import topics
from mqtt.contract.names import Down
from tests.bad_input.broker_owner import TYPS, BrokerOwner
from tests.bad_input.conftest import QUIET, Yard, assert_lives, soon
from tests.bad_input.tokens import jws, tampered, unsigned
from tests.support.server import Server

OPTIONS = replace(QUIET, trace=True, blob_wait=0.5)
STRANGER = "9b0c6a52-6a3c-4f7e-9a1e-0d0a6f2f4b11"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One installation: what is tried here is the phone, and no database has a part in it."""
    running = Server.make(tmp_path_factory.mktemp("server"))
    try:
        yield running.start()
    finally:
        running.stop()
    assert running.pids() == {}


@pytest.fixture(scope="module")
def owner(server: Server) -> Iterator[BrokerOwner]:
    settings = load({**server.environment})
    endpoint = service_endpoint(settings, "relay")
    client = paho.Client(CallbackAPIVersion.VERSION2, "broker-owner", protocol=paho.MQTTv5, transport="unix")
    client.username_pw_set(endpoint.username, endpoint.password)
    client.connect(endpoint.host, 1)
    client.loop_start()
    soon(client.is_connected, "the connection of the broker's owner")
    try:
        yield BrokerOwner(client, KeyRing.open(settings.keys_dir).signing_keys()[0])
    finally:
        client.disconnect()
        client.loop_stop()


@pytest.fixture(scope="module")
def phone(server: Server, yard: Yard) -> Phone:
    """A phone with a policy in force."""
    made = yard.phone(OPTIONS)
    give_policy(server, made)
    return made


_numbers = count(61)


def policy_of(phone: Phone) -> list[dict[str, Any]]:
    """The phone's own policy with content that it never had before, and its assignment."""
    name = f"p-{phone.id[:8]}"
    spec = {"device": {"heartbeat_seconds": next(_numbers)}, "payments": {"transfer": "block"}}
    head = {"apiVersion": "shouji/v1", "metadata": {"name": name}}
    to = {"policy": name, "to": {"device": phone.id}}
    return [{**head, "kind": "Policy", "spec": spec}, {**head, "kind": "Assignment", "spec": to}]


def give_policy(server: Server, phone: Phone) -> None:
    """Publish a new policy for a phone and wait until it is in force and reported."""
    documents = policy_of(phone)
    wanted = documents[0]["spec"]["device"]["heartbeat_seconds"]
    server.api.post("documents/apply?publish=true", documents)
    soon(lambda: getattr(phone.policy.rule("device"), "heartbeat_seconds", None) == wanted, "the policy in force")
    soon(lambda: reported(server, phone)["generation"] == phone.policy.generation, "the report")


def reported(server: Server, phone: Phone) -> dict[str, Any]:
    return dict(server.device(phone.id)["policy"]["reported"])


def alarms(phone: Phone) -> list[dict[str, Any]]:
    """What the phone recorded as integrity events."""
    found = []
    for record in phone.loop.run_sync(phone.core.store.records, 1, 10_000):
        members = json.loads(record.text)
        if members["kind"] == "event":
            event = json.loads(members["text"])
            if event["type"] == "integrity":
                found.append(event["detail"])
    return found


def standing(phone: Phone) -> tuple[Any, ...]:
    """What no false message may move."""
    policy = phone.policy
    body, commands = phone.body.body, phone.commands
    rules = (policy.generation, policy.highest, policy.digest, phone.book.version, phone.notice.accepted)
    return (*rules, commands.finished, len(phone.handset.screen), body.locked, body.wiped)


Make = Callable[[BrokerOwner, Phone, Down], bytes]
FORGED: dict[str, tuple[Make, str]] = {
    "bytes of no meaning": (lambda _o, _p, _k: b"\x00\xff.\xfe.\x01", "form"),
    "no token": (lambda o, p, k: o.claims(p, k), "form"),
    "tampered": (lambda o, p, k: tampered(o.token(k, o.claims(p, k))), "signature"),
    "alg none": (lambda o, p, k: unsigned({"alg": "none", "typ": TYPS[k], "kid": o.key.kid}, o.claims(p, k)), "header"),
    "alg HS256": (lambda o, p, k: o.token(k, o.claims(p, k), alg="HS256"), "header"),
    "crit": (lambda o, p, k: o.token(k, o.claims(p, k), crit=["exp"]), "header"),
    "another typ": (lambda o, p, k: o.token(k, o.claims(p, k), typ="shouji-status+jws"), "header"),
    "no typ": (lambda o, p, k: o.token(k, o.claims(p, k), typ=None), "header"),
    "an unknown kid": (lambda o, p, k: o.token(k, o.claims(p, k), kid="unknown"), "kid"),
    "the phone's own key": (lambda o, p, k: by_phone(p, p.core.keys.kid, k, o.claims(p, k)), "kid"),
    "another key under the server's kid": (lambda o, p, k: by_phone(p, o.key.kid, k, o.claims(p, k)), "signature"),
    "for another phone": (lambda o, p, k: o.token(k, o.claims(p, k, sub=STRANGER)), "sub"),
    "no iat": (lambda o, p, k: o.token(k, o.claims(p, k, iat=...)), "iat"),
    "iat is a text": (lambda o, p, k: o.token(k, o.claims(p, k, iat="now")), "iat"),
    "a NUL": (lambda o, p, k: o.token(k, o.claims(p, k, more="a\0b")), "form"),
    "a lone surrogate": (lambda o, p, k: o.token(k, o.claims(p, k, more="\ud800")), "form"),
    "deep claims": (lambda o, p, k: o.token(k, b'{"a":' * 5000 + b"1" + b"}" * 5000), "form"),
    "two members of a name": (lambda o, p, k: o.token(k, o.claims(p, k)[:-1] + b', "sub": "x"}'), "form"),
}  # fmt: skip
MISSHAPEN: dict[Down, dict[str, Any]] = {
    Down.DESIRED: {"generation": "many"},
    Down.COMMAND: {"args": []},
    Down.ARCHIVED: {"through": -1},
    Down.CONTACTS: {"contacts": {}},
}


def by_phone(phone: Phone, kid: str, kind: Down, payload: bytes) -> bytes:
    return jws(phone.core.keys.signing, {"alg": "ES256", "typ": str(TYPS[kind]), "kid": kid}, payload)


def assert_alarm(phone: Phone, known: int, kind: Down, reason: str) -> None:
    soon(lambda: len(alarms(phone)) > known, "the integrity event")
    found = alarms(phone)[known]
    assert (found["what"], found["reason"], found["count"]) == (str(kind), reason, 1)


@pytest.mark.parametrize("name", FORGED)
@pytest.mark.parametrize("kind", TYPS)
def test_a_forged_message_moves_nothing_and_is_an_integrity_event(
    owner: BrokerOwner, phone: Phone, kind: Down, name: str
) -> None:
    make, reason = FORGED[name]
    before, known = standing(phone), len(alarms(phone))
    payload = make(owner, phone, kind)
    if kind == Down.CONTACTS:
        payload = owner.sealed(phone, payload)
    owner.say(phone, kind, payload)
    assert_alarm(phone, known, kind, reason)
    assert standing(phone) == before


@pytest.mark.parametrize("kind", TYPS)
def test_a_signed_message_of_a_wrong_form_moves_nothing(owner: BrokerOwner, phone: Phone, kind: Down) -> None:
    before, known = standing(phone), len(alarms(phone))
    owner.say_signed(phone, kind, **MISSHAPEN[kind])
    assert_alarm(phone, known, kind, "form")
    assert standing(phone) == before


@pytest.mark.parametrize("payload", [b"nothing sealed", b"a.b.c.d.e", b"...."])
def test_a_book_that_is_not_sealed_to_the_phone_is_no_book(owner: BrokerOwner, phone: Phone, payload: bytes) -> None:
    known = len(alarms(phone))
    owner.say(phone, Down.CONTACTS, payload)
    assert_alarm(phone, known, Down.CONTACTS, "form")


def test_the_server_hears_of_it_and_the_phone_goes_on(server: Server, phone: Phone) -> None:
    assert_lives(server, phone)
    phone.wait_archived()
    lines = [line["code"] for line in server.api.all(f"devices/{phone.id}/timeline") if line["kind"] == "event"]
    assert lines.count("integrity") == len(alarms(phone))


# Generations and blobs


def test_a_stale_generation_and_a_replayed_one_are_ignored(server: Server, owner: BrokerOwner, phone: Phone) -> None:
    old = next(payload for topic, payload in phone.probe.received if topic.endswith("/desired"))
    give_policy(server, phone)
    before, told, known = standing(phone)[:5], reported(server, phone), len(alarms(phone))
    owner.say(phone, Down.DESIRED, old)
    owner.say_signed(phone, Down.DESIRED, generation=phone.policy.highest - 1)
    owner.heard_all(phone)
    assert standing(phone)[:5] == before
    assert (reported(server, phone), len(alarms(phone))) == (told, known)


def test_an_equal_generation_with_another_digest_is_rejected_and_a_finding_until_the_next(
    server: Server, owner: BrokerOwner, phone: Phone
) -> None:
    digest = phone.policy.digest
    owner.say_signed(phone, Down.DESIRED, generation=phone.policy.highest)
    soon(lambda: reported(server, phone)["outcome"] == "rejected", "the rejection")
    assert "policy_rejected" in findings(server, phone)
    assert phone.policy.digest == digest
    give_policy(server, phone)
    assert "policy_rejected" not in findings(server, phone)


def findings(server: Server, phone: Phone) -> list[str]:
    return [one["code"] for one in server.device(phone.id)["compliance"]["findings"]]


@pytest.mark.parametrize(
    ("content", "key", "detail"),
    [
        (b'{"schema": 1, "rules": {}}', bytes(32), "blob_key"),
        (b"[]", None, "blob_form"),
        (b"\xff\xfe", None, "blob_form"),
        (b'{"schema": 2, "rules": {}}', None, "form"),
        (b'{"schema": 1, "rules": []}', None, "form"),
        (bytes(33 << 20), None, "unpacked_size"),
    ],
    ids=["another key", "an array", "no text", "another schema", "rules are an array", "a gzip bomb"],
)
def test_a_blob_that_can_never_work_is_rejected_and_the_old_rules_stay(
    server: Server, owner: BrokerOwner, phone: Phone, content: bytes, key: bytes | None, detail: str
) -> None:
    in_force = phone.policy.in_force
    generation = phone.policy.highest + 1
    owner.say_signed(phone, Down.DESIRED, generation=generation, bundle=owner.lay_blob(content, key))
    soon(lambda: reported(server, phone)["generation"] == generation, "the report")
    said = phone.policy.reported
    assert said is not None
    assert (said["outcome"], said["detail"]) == ("rejected", detail)
    assert reported(server, phone)["outcome"] == "rejected"
    assert phone.policy.in_force is in_force
    give_policy(server, phone)


def test_a_blob_that_never_comes_is_a_failure_and_the_old_rules_stay(
    server: Server, owner: BrokerOwner, phone: Phone
) -> None:
    in_force = phone.policy.in_force
    owner.say_signed(phone, Down.DESIRED)
    soon(lambda: reported(server, phone)["outcome"] == "failed", "the failure")
    assert phone.policy.in_force is in_force


def test_a_tampered_blob_on_the_broker_is_fetched_from_the_server_instead(
    server: Server, owner: BrokerOwner, yard: Yard
) -> None:
    away = yard.phone(OPTIONS)
    away.disconnect()
    server.api.post("documents/apply?publish=true", policy_of(away))
    digest = server.device(away.id)["policy"]["desired"]["bundle"]
    soon(lambda: "shouji_outbox_rows 0.0" in server.metrics(), "an empty outbox")
    owner.publish(topics.blob(digest), b"not what you asked for", retain=True)
    away.connect()
    soon(lambda: away.policy.digest == digest, "the policy")
    assert (topics.blob(digest), b"not what you asked for") in away.probe.received
    soon(lambda: reported(server, away)["outcome"] == "applied", "the report")


# Commands and receipts


def test_a_command_that_comes_again_and_again_runs_once(
    server: Server, owner: BrokerOwner, phone: Phone, good: Phone
) -> None:
    args = {"title": "一次", "text": "只出现一次"}
    command = server.api.post(f"devices/{phone.id}/commands", {"type": "message", "args": args})["id"]
    phone.wait_command(command)
    token = next(
        p
        for topic, p in reversed(phone.probe.received)
        if topic.endswith("/command") and command.encode() in unb64u(p.split(b".")[1].decode())
    )
    shown, known = len(phone.handset.screen), len(alarms(good))
    for _ in range(3):
        owner.say(phone, Down.COMMAND, token)
        owner.say(good, Down.COMMAND, token)
    owner.heard_all(phone)
    assert len(phone.handset.screen) == shown
    soon(lambda: len(alarms(good)) > known, "the alarm of the phone that it was not meant for")
    assert [line for line in good.handset.screen if line.kind == "message"] == []


@pytest.mark.parametrize(
    ("changes", "detail"),
    [
        ({"exp": -10, "iat": -300}, "expired"),
        ({"type": "self_destruct"}, "unsupported"),
        ({"args": {"loudly": True}}, "args"),
        ({"type": "wipe", "args": {}}, "args"),
        ({"type": "wipe", "args": {"scope": "everything", "preserve_records": False, "deadline_s": 0}}, "args"),
        ({"type": "lock", "args": {"message": 5}}, "args"),
    ],
)
def test_a_command_that_cannot_be_carried_out_is_rejected_with_its_reason(
    owner: BrokerOwner, phone: Phone, changes: dict[str, Any], detail: str
) -> None:
    now = int(phone.core.clock.server_time())
    at: dict[str, Any] = {name: now + changes[name] for name in ("iat", "exp") if name in changes}
    command = str(uuid.uuid4())
    owner.say_signed(phone, Down.COMMAND, **{**changes, **at, "jti": command})
    result = phone.wait_command(command)
    assert (result["status"], result["detail"]) == ("rejected", detail)
    assert phone.body.body.wiped is None and not phone.handset.locked


@pytest.mark.parametrize("changes", [{"exp": 3600}, {"exp": -1}])
def test_a_command_that_lives_too_long_is_no_command(owner: BrokerOwner, phone: Phone, changes: dict[str, int]) -> None:
    known, command, iat = len(alarms(phone)), str(uuid.uuid4()), int(phone.core.clock.server_time())
    owner.say_signed(phone, Down.COMMAND, jti=command, iat=iat, exp=iat + changes["exp"], type="wipe")
    assert_alarm(phone, known, Down.COMMAND, "exp")
    assert phone.core.store.command(command) is None


def test_a_false_receipt_drops_no_evidence(server: Server, owner: BrokerOwner, yard: Yard) -> None:
    phone = yard.phone(replace(OPTIONS, batch_delay=3600.0))
    for number in range(3):
        phone.handset.receive_sms("+8613800138000", f"第 {number} 条", "王先生")
    last = phone.archive.last_seq
    for through, head in ((last, "0" * 64), (last + 50, "1" * 64)):
        owner.say_signed(phone, Down.ARCHIVED, through=through, head=head)
        soon(lambda: any(one["what"] == "archived" for one in alarms(phone)), "the integrity event")
    owner.heard_all(phone)
    assert phone.archive.watermark == 0
    assert len(phone.loop.run_sync(phone.core.store.records, 1, 100)) >= last
    phone.loop.run_sync(phone.archive.flush)
    phone.wait_archived()
    assert server.api.get(f"devices/{phone.id}/chain")["refused"] == 0


def test_after_all_of_it_the_phone_obeys_its_server(server: Server, phone: Phone, good: Phone) -> None:
    assert_lives(server, phone)
    assert_lives(server, good)
    give_policy(server, phone)
