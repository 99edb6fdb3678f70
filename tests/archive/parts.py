"""A phone that keeps a chain of records, written from the protocol alone, and ways to read what the server made."""

from __future__ import annotations

import gzip
import hashlib
import json
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from joserfc import jwe
from joserfc.jwk import ECKey
from sqlalchemy import select
from werkzeug.test import TestResponse

from agent.records import blank_record
from archive import texts, verify
from archive.device import routes as archive_routes
from archive.models import Chain, IntegrityAlert, RefusedBatch, StoredEvent, StoredRecord, WaitingBatch
from core import outbox
from core.actor import system_actor
from core.crypto import jose
from core.outbox import OutboxRow
from core.runtime import runtime
from core.uow import unit_of_work
from fleet import enrollment, enrollment_tokens, notices
from fleet.device import routes as fleet_routes
from mqtt import dead_letters, effects
from mqtt.contract.enrollment import EnrollmentRequest
from mqtt.routes import Inbound, Refusal, Router
from tests.fleet.phone import Phone, b64u, kid, wire

_registry = jwe.JWERegistry(algorithms=["ECDH-ES", "A256GCM"])
_registry.max_ciphertext_length = 32 * 1024 * 1024


def now() -> datetime:
    return datetime.now(UTC)


def sha(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


@dataclass
class Recorder:
    """One phone's queue: `texts` from seq 1, `heads` with h(0) first."""

    phone: Phone
    texts: list[str] = field(default_factory=list)
    heads: list[bytes] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.heads.append(sha(self.phone.id.encode()))

    @property
    def id(self) -> str:
        return self.phone.id

    @property
    def next_seq(self) -> int:
        return len(self.texts) + 1

    def add(self, text: str, *, raw: bytes | None = None) -> int:
        """Chain a text as it is; `raw` are the bytes that the phone hashed, where they differ."""
        self.texts.append(text)
        self.heads.append(sha(self.heads[-1] + sha(text.encode() if raw is None else raw)))
        return len(self.texts)

    def say(self, text: str = "在吗？", **changes: Any) -> int:
        """Chain a message; its seq."""
        return self.add(json.dumps(message(self.next_seq, text, **changes), ensure_ascii=False))

    def say_many(self, count: int) -> None:
        for number in range(count):
            self.say(f"消息 {number}")

    def batch(self, first: int, last: int | None = None, **changes: Any) -> dict[str, Any]:
        """The batch of these seqs; `changes` replace members after signing, `key` signs instead."""
        key = changes.pop("key", self.phone.signing)
        last = last or len(self.texts)
        head = self.heads[last]
        batch = {
            "first": first,
            "prev": self.heads[first - 1].hex(),
            "records": self.texts[first - 1 : last],
            "head": head.hex(),
            "sig": chain_signature(key, self.id, head),
        }
        return {**batch, **changes}

    def message(self, batch: dict[str, Any]) -> Inbound:
        return Inbound(self.id, "records", sealed(json.dumps(batch).encode()), now())

    def sends(self, first: int = 1, last: int | None = None, **changes: Any) -> Inbound:
        """The message of a batch."""
        return self.message(self.batch(first, last, **changes))

    def tells(self, event: dict[str, Any], **changes: Any) -> Inbound:
        """The message of an event."""
        claims = {"sub": self.id, "jti": uuid.uuid4().hex, "iat": int(now().timestamp()), **event, **changes}
        return Inbound(self.id, "event", sealed(self.phone.sign("shouji-event+jws", claims).encode()), now())

    def keeps(self, event: dict[str, Any]) -> int:
        """Chain the durable copy of an event; its seq."""
        return self.say(
            json.dumps(event, ensure_ascii=False),
            channel="device",
            kind="event",
            direction="out",
            conversation="device",
            peer={"address": None, "name": ""},
        )

    def hello(self, **changes: Any) -> Inbound:
        return self.phone.hello(now(), **{"next_seq": self.next_seq, **changes})


def new_recorder() -> Recorder:
    """A phone that has just enrolled at the root of the tree, with an empty chain."""
    phone = Phone()
    with unit_of_work():
        actor = system_actor("test")
        _, code = enrollment_tokens.create(actor, max_uses=1, expires_in=3600)
        request = EnrollmentRequest.take(phone.enrollment(code, notices.current().version))
        phone.id = enrollment.enroll(request).device_id
    return Recorder(phone)


def message(seq: int, text: str, **changes: Any) -> dict[str, Any]:
    record = {
        "seq": seq,
        "salt": b64u(uuid.uuid4().bytes),
        **blank_record("wechat", "text", "out", "c-1", {"address": "wxid_1", "name": "王先生"}, now()),
        "text": text,
    }
    return {**record, **changes}


def event(**changes: Any) -> dict[str, Any]:
    body = {
        "id": str(uuid.uuid4()),
        "at": wire(now()),
        "type": "keyword",
        "severity": "critical",
        "rule": "loan-sales/keywords",
        "peer": {"address": "wxid_1", "name": "王先生"},
        "excerpt": "打我卡上",
        "blocked": True,
        "detail": {"term": "pay-my-card"},
    }
    return {**body, **changes}


def chain_signature(key: ec.EllipticCurvePrivateKey, device_id: str, head: bytes) -> str:
    data = b"shouji-records-v1\0" + device_id.encode() + b"\0" + head
    r, s = decode_dss_signature(key.sign(data, ec.ECDSA(hashes.SHA256())))
    return b64u(r.to_bytes(32, "big") + s.to_bytes(32, "big"))


def sealed(plain: bytes, key: ec.EllipticCurvePrivateKey | None = None, *, packed: bytes | None = None) -> bytes:
    """A JWE to the server, or to another key; `packed` replaces the gzip inside."""
    target = key or runtime().ring.encryption_keys()[0].private
    header = {"alg": "ECDH-ES", "enc": "A256GCM", "kid": kid(target)}
    recipient = ECKey.import_key(target.public_key())
    return jwe.encrypt_compact(header, packed or gzip.compress(plain), recipient, registry=_registry).encode()


def take(*batch: Inbound) -> list[Refusal]:
    """What ingest does with a batch of messages: one unit of work, refused ones into quarantine."""
    return take_all(batch)


def take_all(batch: Sequence[Inbound]) -> list[Refusal]:
    with unit_of_work():
        refusals = router().handle(batch)
        dead_letters.keep(refusals)
        return refusals


def router() -> Router:
    return Router([fleet_routes, archive_routes])


def receipts(*recorders: Recorder) -> dict[str, dict[str, Any]]:
    """The receipts that the relay would publish now, by phone, checked as a phone checks them; they are settled."""
    ring = runtime().ring
    key = ring.signing_keys()[0]
    with unit_of_work() as current:
        rows = [row for row in outbox.due(current, 1000) if row.effect == "archived"]
        renderer = effects.renderer("archived")
        assert renderer is not None
        published = renderer(rows, key)
        outbox.settle(current, [row.id for row in rows])
    found = {}
    for one in published:
        device_id = one.topic.split("/")[3]
        assert one.topic == f"shouji/v1/d/{device_id}/down/archived"
        assert not one.retain
        assert device_id not in found, "two receipts at once"
        found[device_id] = claims_of(one.payload, device_id)
    return found


def receipt(recorder: Recorder) -> dict[str, Any]:
    found = receipts()
    assert set(found) == {recorder.id}
    return found[recorder.id]


def claims_of(token: bytes | str, device_id: str) -> dict[str, Any]:
    key = runtime().ring.signing_keys()[0]
    return jose.verify(token, typ="shouji-archived+jws", keys={key.kid: key.public}, sub=device_id)


def held(recorder: Recorder, branch: int = 0) -> list[StoredRecord]:
    with unit_of_work(write=False) as current:
        query = select(StoredRecord).where(StoredRecord.device_id == recorder.id, StoredRecord.branch == branch)
        rows = list(current.scalars(query.order_by(StoredRecord.seq)))
        for row in rows:
            current.expunge(row)
        return rows


def opened(recorder: Recorder, branch: int = 0) -> dict[int, bytes]:
    """The stored bytes of each record by seq."""
    return {
        row.seq: texts.unpack(runtime().envelope.open(row.sealed or b"", f"record:{recorder.id}:{branch}:{row.seq}"))
        for row in held(recorder, branch)
    }


def all_of(table: type[Any]) -> list[Any]:
    with unit_of_work(write=False) as current:
        rows = list(current.scalars(select(table)))
        for row in rows:
            current.expunge(row)
        return rows


def alerts() -> list[tuple[str, str]]:
    return [(row.device_id, row.code) for row in all_of(IntegrityAlert)]


def refused() -> list[RefusedBatch]:
    return all_of(RefusedBatch)


def waiting() -> list[WaitingBatch]:
    return all_of(WaitingBatch)


def events() -> list[StoredEvent]:
    return all_of(StoredEvent)


def chain_row(recorder: Recorder) -> Chain:
    found: Chain = next(row for row in all_of(Chain) if row.device_id == recorder.id)
    return found


def outbox_rows() -> list[OutboxRow]:
    return all_of(OutboxRow)


def assert_intact(*recorders: Recorder) -> None:
    """Every chain verifies, in the server's own eyes and by the phone's account."""
    with unit_of_work(write=False):
        for recorder in recorders:
            report = verify.device(recorder.id)
            assert report.intact, report.problems
    for recorder in recorders:
        row = chain_row(recorder)
        assert row.head == recorder.heads[row.through]


def body(answer: TestResponse) -> Any:
    """The JSON of an answer."""
    assert answer.json is not None
    return answer.json


def reasons(refusals: Iterable[Refusal]) -> list[str]:
    return [refusal.reason for refusal in refusals]
